//! AuthService, the Application Server and Cisco's identity provider, as written.

use crate::config;
use crate::config::check::is_loopback;
use crate::config::raw;
use crate::config::raw::AuthServiceMode;
use crate::config::raw::SecretText;
use crate::config::secret::SecretRef;
use crate::config::write::number;
use crate::config::write::time;

pub(super) fn application_server(server: &config::ApplicationServer) -> raw::ApplicationServer {
    let config::ApplicationServer {
        addresses,
        cluster,
        tls,
        user_id,
        password,
        login,
        requests_per_second,
        burst,
        connect_timeout,
        response_timeout,
    } = server;
    let in_clear = tls.is_none() && addresses.iter().any(|(host, _)| !is_loopback(host));
    let (ca, server_name) = match tls {
        Some(config::ApplicationServerTls { ca, server_name }) => {
            let name = server_name.as_ref().map(|name| bracketed(name));
            (Some(ca.display().to_string()), name)
        }
        None => (None, None),
    };
    let address = |(host, port): &(String, u16)| format!("{}:{port}", bracketed(host));
    raw::ApplicationServer {
        addresses: Some(addresses.iter().map(address).collect()),
        cluster: cluster.as_ref().map(|name| name.as_str().to_owned()),
        tls: Some(tls.is_some()),
        allow_plaintext: Some(in_clear),
        ca,
        server_name,
        user_id: Some(user_id.clone()),
        password: secret(password),
        login: Some(*login),
        requests_per_second: Some(*requests_per_second),
        burst: number(*burst),
        connect_timeout: time(*connect_timeout),
        response_timeout: time(*response_timeout),
    }
}

/// The AuthService; `None` is one that is relayed.
pub(super) fn auth_service(service: Option<&config::AuthService>) -> raw::AuthService {
    let Some(service) = service else {
        return raw::AuthService {
            mode: Some(AuthServiceMode::Relay),
            ..raw::AuthService::default()
        };
    };
    let config::AuthService {
        client_authentication,
        basic,
        asserted_user_header,
        response_format,
        rsa_oaep_sha1,
        foreign_bearer,
        administrators,
        operator_token,
        farm_identities,
        tokens,
        keys,
        revocation,
        login_tokens,
        cisco: provider,
    } = service;
    let config::TokenManagement {
        issuer,
        duration,
        algorithm,
    } = tokens;
    let config::KeyManagement { directory, length } = keys;
    let config::Revocation {
        refresh,
        stale_limit,
    } = revocation;
    let config::LoginTokens { cache, users } = login_tokens;
    raw::AuthService {
        mode: Some(AuthServiceMode::Native),
        client_authentication: Some(*client_authentication),
        basic: Some(*basic),
        asserted_user_header: asserted_user_header.clone(),
        response_format: Some(*response_format),
        allow_rsa_oaep_sha1: Some(*rsa_oaep_sha1),
        foreign_bearer: Some(*foreign_bearer),
        administrators: Some(administrators.clone()),
        operator_token: operator_token.as_ref().and_then(secret),
        farm_identities: Some(farm_identities.clone()),
        token_management: Some(raw::TokenManagement {
            token_issuer: Some(issuer.clone()),
            token_duration_in_hours: number(duration.as_secs() / 3600),
            signing_algorithm: Some(*algorithm),
        }),
        key_management: Some(raw::KeyManagement {
            directory: Some(directory.display().to_string()),
            key_length_in_bits: number(*length),
        }),
        revocation: Some(raw::Revocation {
            refresh: time(*refresh),
            stale_limit: time(*stale_limit),
        }),
        login_token: Some(raw::LoginToken {
            cache: time(*cache),
            users: number(*users),
        }),
        identity_providers: provider.as_ref().map(|provider| raw::IdentityProviders {
            cisco: Some(cisco(provider)),
        }),
    }
}

/// The clusters are written as the URLs that they stand for.
fn cisco(cisco: &config::Cisco) -> raw::Cisco {
    let config::Cisco {
        issuer_name,
        issuer_url,
        token_info_url,
        token_info_format,
        organization,
        client_id,
        client_secret,
        ca,
        scopes,
        user_claim,
        response_bytes,
        federation,
    } = cisco;
    let config::Federation {
        url,
        refresh,
        refresh_token,
        partner,
    } = federation;
    raw::Cisco {
        enabled: Some(true),
        ci_cluster: None,
        teams_cluster: None,
        issuer_name: Some(issuer_name.clone()),
        issuer_url: Some(issuer_url.clone()),
        token_info_url: Some(token_info_url.clone()),
        token_info_format: Some(*token_info_format),
        organizations: Some(organization.iter().cloned().collect()),
        client_id: Some(client_id.clone()),
        client_secret: secret(client_secret),
        ca: ca.as_ref().map(|path| path.display().to_string()),
        scopes: Some(scopes.clone()),
        user_claim: user_claim.clone(),
        ci_response_body_max_size_in_bytes: number(*response_bytes),
        federation: Some(raw::Federation {
            fls_url: Some(url.clone()),
            refresh_period_in_minutes: number(refresh.as_secs() / 60),
            refresh_token: secret(refresh_token),
            partner_name: partner.clone(),
        }),
    }
}

fn secret(secret: &SecretRef) -> Option<SecretText> {
    Some(SecretText(secret.to_string()))
}

/// An IPv6 address as it stands before a port.
pub(super) fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}
