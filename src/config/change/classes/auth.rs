//! The classes of AuthService and the Application Server: everything but the place of the keys is
//! built anew at a reload.

use crate::config::ApplicationServer;
use crate::config::ApplicationServerTls;
use crate::config::AuthService;
use crate::config::Cisco;
use crate::config::Federation;
use crate::config::KeyManagement;
use crate::config::LoginTokens;
use crate::config::Revocation;
use crate::config::TokenManagement;
use crate::config::change::At;
use crate::config::change::ChangeClass;
use crate::config::change::classes::compare;

/// A section that comes or goes is one change, called by the key that says so.
pub(super) fn application_server(
    at: &mut At<'_>,
    old: &Option<ApplicationServer>,
    new: &Option<ApplicationServer>,
) {
    let (Some(old), Some(new)) = (old, new) else {
        at.compare(
            "addresses",
            &old.is_some(),
            &new.is_some(),
            ChangeClass::Live,
        );
        return;
    };
    compare!(at, ApplicationServer, old, new;
        Live addresses "addresses",
        Live cluster "cluster",
        Live user_id "user-id",
        Live password "password",
        Live login "login",
        Live requests_per_second "requests-per-second",
        Live burst "burst",
        Live connect_timeout "connect-timeout",
        Live response_timeout "response-timeout";
        tls "tls" server_tls,
    );
}

fn server_tls(
    at: &mut At<'_>,
    old: &Option<ApplicationServerTls>,
    new: &Option<ApplicationServerTls>,
) {
    // Its keys stand beside `tls`.
    let at = &mut at.above();
    let (Some(old), Some(new)) = (old, new) else {
        at.compare("tls", &old.is_some(), &new.is_some(), ChangeClass::Live);
        return;
    };
    compare!(at, ApplicationServerTls, old, new;
        Live ca "ca",
        Live server_name "server-name",
    );
}

/// As [`application_server`].
pub(super) fn auth_service(at: &mut At<'_>, old: &Option<AuthService>, new: &Option<AuthService>) {
    let (Some(old), Some(new)) = (old, new) else {
        at.compare("mode", &old.is_some(), &new.is_some(), ChangeClass::Live);
        return;
    };
    compare!(at, AuthService, old, new;
        Live client_authentication "client-authentication",
        Live basic "basic",
        Live asserted_user_header "asserted-user-header",
        Live response_format "response-format",
        Live rsa_oaep_sha1 "allow-rsa-oaep-sha1",
        Live foreign_bearer "foreign-bearer",
        Live administrators "administrators",
        Live operator_token "operator-token",
        Live farm_identities "farm-identities";
        tokens "token-management" token_management,
        keys "key-management" key_management,
        revocation "revocation" revoking,
        login_tokens "login-token" login_token,
        cisco "identity-providers.cisco" provider,
    );
}

fn token_management(at: &mut At<'_>, old: &TokenManagement, new: &TokenManagement) {
    compare!(at, TokenManagement, old, new;
        Live issuer "token-issuer",
        Live duration "token-duration-in-hours",
        Live algorithm "signing-algorithm",
    );
}

fn key_management(at: &mut At<'_>, old: &KeyManagement, new: &KeyManagement) {
    compare!(at, KeyManagement, old, new;
        Restart directory "directory",
        Live length "key-length-in-bits",
    );
}

fn revoking(at: &mut At<'_>, old: &Revocation, new: &Revocation) {
    compare!(at, Revocation, old, new;
        Live refresh "refresh",
        Live stale_limit "stale-limit",
    );
}

fn login_token(at: &mut At<'_>, old: &LoginTokens, new: &LoginTokens) {
    compare!(at, LoginTokens, old, new; Live cache "cache", Live users "users");
}

fn provider(at: &mut At<'_>, old: &Option<Cisco>, new: &Option<Cisco>) {
    let (Some(old), Some(new)) = (old, new) else {
        at.compare("enabled", &old.is_some(), &new.is_some(), ChangeClass::Live);
        return;
    };
    compare!(at, Cisco, old, new;
        Live issuer_name "issuer-name",
        Live issuer_url "issuer-url",
        Live token_info_url "token-info-url",
        Live token_info_format "token-info-format",
        Live organization "organizations",
        Live client_id "client-id",
        Live client_secret "client-secret",
        Live ca "ca",
        Live scopes "scopes",
        Live user_claim "user-claim",
        Live response_bytes "ci-response-body-max-size-in-bytes";
        federation "federation" federation_list,
    );
}

fn federation_list(at: &mut At<'_>, old: &Federation, new: &Federation) {
    compare!(at, Federation, old, new;
        Live url "fls-url",
        Live refresh "refresh-period-in-minutes",
        Live refresh_token "refresh-token",
        Live partner "partner-name",
    );
}
