//! The native AuthService: who proves what, our tokens and keys. The Application Server, Cisco's
//! identity provider and the hosts that serve `/authService` have files of their own.

mod application_server;
mod cisco;
mod hosts;
mod relay;

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::Admin;
use crate::config::ApplicationServer;
use crate::config::AuthService;
use crate::config::BlfListSource;
use crate::config::Cisco;
use crate::config::ClientAuthentication;
use crate::config::ForeignBearer;
use crate::config::Forwarding;
use crate::config::KeyManagement;
use crate::config::Listener;
use crate::config::LoginTokens;
use crate::config::Revocation;
use crate::config::Route;
use crate::config::SigningAlgorithm;
use crate::config::TokenManagement;
use crate::config::TokenResponse;
use crate::config::check::at::At;
use crate::config::check::edge;
use crate::config::check::host;
use crate::config::check::rules;
use crate::config::raw;
use crate::config::raw::AuthServiceMode;
use crate::config::raw::Raw;
use crate::config::values;
use crate::config::values::Wrong;
use crate::config::values::wrong;

pub(in crate::config) use application_server::is_loopback;

/// Longest user id (OCI-P schema, `UserId`).
const USER_ID_LENGTH: usize = 161;

/// `tokenIssuer` as every guide leaves it (Solution Guide, "Deploy").
const TOKEN_ISSUER: &str = "BroadWorks";

/// A token ends no earlier by the CI procedure, in hours (Solution Guide, "Deploy").
const SHORT_TOKEN: u32 = 720;

/// The older mTLS procedure asks for so many hours; nothing asks for more.
const LONG_TOKEN: u32 = 1440;

/// The directory of keys below the state directory.
const KEYS: &str = "authservice";

/// What the rest of the configuration has to do with it.
pub(super) struct Scene<'a> {
    pub(super) state_dir: &'a Path,
    pub(super) admin: &'a Admin,
    pub(super) routes: &'a BTreeMap<String, Route>,
    pub(super) listeners: &'a [Listener],
    pub(super) forwarding: &'a Forwarding,
}

/// Whether xspd itself is the AuthService.
pub(super) fn is_native(raw: &Raw) -> bool {
    let mode = raw.auth_service.as_ref().and_then(|r| r.mode);
    match mode.unwrap_or(AuthServiceMode::Relay) {
        AuthServiceMode::Native => true,
        AuthServiceMode::Relay => false,
    }
}

/// The native AuthService; `None` when it is relayed.
pub(super) fn auth_service(root: &At<'_>, raw: &Raw, scene: &Scene<'_>) -> Option<AuthService> {
    let at = root.key("auth-service");
    let native = is_native(raw);
    let silent = raw::AuthService::default();
    let service = raw.auth_service.as_ref().unwrap_or(&silent);
    if !native {
        relay::has_no_effect(&at, service);
        let lists = raw.blf.as_ref().and_then(|blf| blf.list_source);
        let asks = lists == Some(BlfListSource::Ocip)
            || raw.ocir.is_some()
            // Prechecks and comparisons of operators.
            || raw.template.is_some();
        if raw.application_server.is_some() && !asks {
            root.key("application-server").warn(
                "has no effect while the AuthService is relayed",
                "`mode = \"native\"` in [auth-service], or no such section",
            );
        }
        return None;
    }
    if raw.application_server.is_none() {
        root.key("application-server").refuse(
            "missing: the native AuthService asks the Application Server about every user",
            "`[application-server]`, or `mode = \"relay\"` in [auth-service]",
        );
    }
    let proven = prove(&at, service, scene.state_dir);
    hosts::suit(root, &proven, scene);
    subjects(&at, &proven, scene);
    if proven.operator_token.is_some() && !scene.admin.address.ip().is_loopback() {
        at.key("operator-token").warn(
            "goes in clear to the admin listener, which is not on loopback",
            "a loopback `address` in [admin], with a tunnel for who is elsewhere",
        );
    }
    Some(proven)
}

fn prove(at: &At<'_>, raw: &raw::AuthService, state_dir: &Path) -> AuthService {
    let client_authentication = raw
        .client_authentication
        .unwrap_or(ClientAuthentication::Ci);
    let header = raw.asserted_user_header.as_deref();
    let administrators = raw.administrators.as_deref();
    let farm = raw.farm_identities.as_deref();
    AuthService {
        client_authentication,
        basic: raw.basic.unwrap_or(true),
        asserted_user_header: at.text("asserted-user-header", header, edge::foreign_header),
        response_format: raw.response_format.unwrap_or(TokenResponse::Json),
        rsa_oaep_sha1: raw.allow_rsa_oaep_sha1.unwrap_or(false),
        foreign_bearer: raw.foreign_bearer.unwrap_or(ForeignBearer::Refuse),
        administrators: at.list("administrators", administrators, administrator),
        operator_token: at.secret("operator-token", raw.operator_token.as_ref()),
        farm_identities: at.list("farm-identities", farm, host::identity),
        tokens: tokens(&at.key("token-management"), raw.token_management.as_ref()),
        keys: keys(
            &at.key("key-management"),
            raw.key_management.as_ref(),
            state_dir,
        ),
        revocation: revocation(&at.key("revocation"), raw.revocation.as_ref()),
        login_tokens: login_tokens(&at.key("login-token"), raw.login_token.as_ref()),
        cisco: identity_provider(at, raw, client_authentication),
    }
}

/// Cisco's section is there exactly when it is used.
fn identity_provider(
    at: &At<'_>,
    raw: &raw::AuthService,
    by: ClientAuthentication,
) -> Option<Cisco> {
    let written = raw
        .identity_providers
        .as_ref()
        .and_then(|r| r.cisco.as_ref());
    let enabled = written.filter(|cisco| cisco.enabled.unwrap_or(true));
    let at = at.key("identity-providers").key("cisco");
    match (by, enabled) {
        (ClientAuthentication::ByHost | ClientAuthentication::Ci, Some(raw)) => {
            cisco::cisco(&at, raw)
        }
        (ClientAuthentication::ByHost | ClientAuthentication::Ci, None) => {
            at.refuse(
                "missing or not enabled, so no CI token could be confirmed",
                "the section with `enabled = true`, or `client-authentication = \"mtls\"`",
            );
            None
        }
        (ClientAuthentication::Mtls, Some(_)) => {
            at.refuse(
                "has no effect: with mutual TLS no CI token is asked for",
                "no such section, or `client-authentication` \"ci\" or \"by-host\"",
            );
            None
        }
        (ClientAuthentication::Mtls, None) => None,
    }
}

/// Somebody must be able to say who the user is, and no header may say two things.
fn subjects(at: &At<'_>, service: &AuthService, scene: &Scene<'_>) {
    let asserted = service.asserted_user_header.as_ref();
    let speechless = service.client_authentication == ClientAuthentication::Mtls;
    if speechless && !service.basic && asserted.is_none() {
        at.key("basic").refuse(
            "false, so with mutual TLS nobody could say who the user is",
            "`basic = true`, or `asserted-user-header`",
        );
    }
    if asserted.is_some() && asserted == scene.forwarding.identity_header.as_ref() {
        at.key("asserted-user-header").refuse(
            "is `identity-header` of [forwarding] too, which tells the XSP another thing",
            "a header of its own",
        );
    }
}

fn tokens(at: &At<'_>, raw: Option<&raw::TokenManagement>) -> TokenManagement {
    let hours = raw.and_then(|r| r.token_duration_in_hours);
    let hours = at.count("token-duration-in-hours", hours, &rules::TOKEN_HOURS);
    if hours < SHORT_TOKEN {
        at.key("token-duration-in-hours").warn(
            "short: users sign in again before the 30 days of the guide",
            "720 (CI token validation) to 1440 (mutual TLS)",
        );
    } else if hours > LONG_TOKEN {
        at.key("token-duration-in-hours").warn(
            "long: a stolen token stays good until it is revoked",
            "720 (CI token validation) to 1440 (mutual TLS)",
        );
    }
    let issuer = raw.and_then(|r| r.token_issuer.as_deref());
    TokenManagement {
        issuer: at
            .text("token-issuer", issuer, plain)
            .unwrap_or_else(|| TOKEN_ISSUER.to_owned()),
        duration: Duration::from_secs(u64::from(hours) * 3600),
        algorithm: raw
            .and_then(|r| r.signing_algorithm)
            .unwrap_or(SigningAlgorithm::Rs256),
    }
}

fn keys(at: &At<'_>, raw: Option<&raw::KeyManagement>, state_dir: &Path) -> KeyManagement {
    const BITS: [u32; 3] = [2048, 3072, 4096];
    let written = raw.and_then(|r| r.key_length_in_bits);
    let known = |bits: i64| u32::try_from(bits).ok().filter(|bits| BITS.contains(bits));
    let length = written.map_or(Some(3072), known);
    if let (Some(bits), None) = (written, length) {
        let fault = Wrong {
            what: "not a length of keys".to_owned(),
            expected: "2048, 3072 or 4096".to_owned(),
        };
        at.key("key-length-in-bits")
            .refuse_value(bits.to_string(), fault);
    }
    let directory = raw.and_then(|r| r.directory.as_deref());
    KeyManagement {
        directory: at
            .text("directory", directory, values::path)
            .unwrap_or_else(|| default_keys(state_dir)),
        length: length.unwrap_or(3072),
    }
}

fn default_keys(state_dir: &Path) -> PathBuf {
    state_dir.join(KEYS)
}

fn revocation(at: &At<'_>, raw: Option<&raw::Revocation>) -> Revocation {
    let refresh = raw.and_then(|r| r.refresh.as_ref());
    let stale = raw.and_then(|r| r.stale_limit.as_ref());
    let revocation = Revocation {
        refresh: at.duration("refresh", refresh, &rules::REVOCATION_REFRESH),
        stale_limit: at.duration("stale-limit", stale, &rules::REVOCATION_STALE),
    };
    if revocation.stale_limit < revocation.refresh {
        let fault = Wrong {
            what: "shorter than `refresh`, so nothing known would hold until it is asked anew"
                .to_owned(),
            expected: format!("at least {}", values::duration_text(revocation.refresh)),
        };
        let text = values::duration_text(revocation.stale_limit);
        at.key("stale-limit")
            .refuse_value(format!("{text:?}"), fault);
    }
    revocation
}

fn login_tokens(at: &At<'_>, raw: Option<&raw::LoginToken>) -> LoginTokens {
    let cache = raw.and_then(|r| r.cache.as_ref());
    let users = raw.and_then(|r| r.users);
    let users = at.count("users", users, &rules::LOGIN_TOKEN_USERS);
    LoginTokens {
        cache: at.duration("cache", cache, &rules::LOGIN_TOKEN_CACHE),
        users: usize::try_from(users).unwrap_or(usize::MAX),
    }
}

/// A text for people and machines: not empty, not endless, on one line.
fn plain(text: &str) -> Result<String, Wrong> {
    let good = !text.trim().is_empty()
        && text.trim() == text
        && text.len() <= USER_ID_LENGTH
        && !text.chars().any(char::is_control);
    if good {
        Ok(text.to_owned())
    } else {
        wrong(
            "empty, too long, or with characters that do not print",
            format!("1 to {USER_ID_LENGTH} bytes on one line, without spaces at the ends"),
        )
    }
}

fn administrator(text: &str) -> Result<String, Wrong> {
    plain(text).map(|id| id.to_lowercase())
}

/// The proven Application Server, for `check`.
pub(super) fn server(root: &At<'_>, raw: &Raw) -> Option<ApplicationServer> {
    let raw = raw.application_server.as_ref()?;
    application_server::application_server(&root.key("application-server"), raw)
}
