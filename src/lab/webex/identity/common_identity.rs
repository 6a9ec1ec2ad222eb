//! Common Identity: `oauth2/v1/access_token` and `oauth2/v1/revoke` below the issuer's URL, as
//! production answers a refresh token and no other grant.

use http::HeaderMap;
use http::StatusCode;
use serde_json::json;

use crate::lab::webex::CLIENT_ID;
use crate::lab::webex::CLIENT_SECRET;
use crate::lab::webex::REFRESH_TOKEN;
use crate::lab::webex::identity::Identity;
use crate::lab::webex::identity::answer;
use crate::lab::webex::identity::answer::Wire;
use crate::lab::webex::identity::credentials::Credentials;
use crate::lab::webex::identity::faults::Fault;
use crate::lab::webex::identity::form;
use crate::lab::webex::identity::tokens::Holder;
use crate::lab::webex::identity::tokens::LIFE;
use crate::platform::clock;

/// Days after which an unused refresh token ends (BroadWorks Device Integration Guide).
const REFRESH_TOKEN_DAYS: u64 = 60;

/// `POST access_token`. CI gives no new refresh token: the old one goes on.
pub(super) fn access_token(
    identity: &Identity,
    headers: &HeaderMap,
    body: &str,
    fault: Option<Fault>,
) -> Wire {
    if let Some(refusal) = refused(headers) {
        return refusal;
    }
    let Some(grant) = form::field(body, "grant_type") else {
        return answer::error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "grant_type is missing, or the body is no form",
        );
    };
    if grant != "refresh_token" {
        return answer::error(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "the lab knows grant_type=refresh_token",
        );
    }
    if fault == Some(Fault::ExpiredRefreshToken) {
        return answer::error(
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            "the refresh token has expired",
        );
    }
    if form::field(body, "refresh_token").as_deref() != Some(REFRESH_TOKEN) {
        return answer::error(
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            "the refresh token is not known",
        );
    }
    match identity
        .tokens
        .issue(Holder::Service, &identity.issuer, clock::wall())
    {
        Ok(token) => answer::ok(&json!({
            "access_token": token,
            "expires_in": LIFE.as_secs(),
            "token_type": "Bearer",
            "refresh_token_expires_in": REFRESH_TOKEN_DAYS * 24 * 60 * 60,
        })),
        Err(error) => answer::error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            &error.to_string(),
        ),
    }
}

/// `POST revoke` (RFC 7009): a token that is not known is as good as revoked.
pub(super) fn revoke(identity: &Identity, headers: &HeaderMap, body: &str) -> Wire {
    if let Some(refusal) = refused(headers) {
        return refusal;
    }
    let Some(token) = form::field(body, "token") else {
        return answer::error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "token is missing, or the body is no form",
        );
    };
    identity.tokens.revoke(&token);
    answer::ok(&json!({}))
}

/// For whoever is not the provider's OAuth client, by Basic.
fn refused(headers: &HeaderMap) -> Option<Wire> {
    match Credentials::parse(headers) {
        Credentials::Basic(id, secret) if id == CLIENT_ID && secret == CLIENT_SECRET => None,
        Credentials::Basic(..) | Credentials::Bearer(_) | Credentials::None => {
            let text = "the client id or the client secret is wrong";
            Some(answer::error(
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                text,
            ))
        }
    }
}
