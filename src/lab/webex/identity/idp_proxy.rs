//! The IdP proxy: says to the provider whose a user token is, and gets BroadWorks tokens for apps.
//!
//! `idp/authenticate` is documented as a URL only; that the user token comes as JSON and what is
//! answered is the lab's own. The answer of `idp/bwtoken/fetch` is what clients of production read.

use std::time::UNIX_EPOCH;

use http::HeaderMap;
use http::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::lab::webex::ORGANIZATION;
use crate::lab::webex::identity::Identity;
use crate::lab::webex::identity::answer;
use crate::lab::webex::identity::answer::Wire;
use crate::lab::webex::identity::credentials::Credentials;
use crate::lab::webex::identity::faults::Fault;
use crate::lab::webex::identity::fetch::Route;
use crate::lab::webex::identity::form;
use crate::lab::webex::identity::tokens::Holder;
use crate::platform::clock;

/// The entitlement without which a user gets no BroadWorks token, among others that users have.
const SCOPES: &str = "spark:all broadworks-connector:user webex-squared:user";
const OTHER_SCOPES: &str = "spark:all webex-squared:user";

const NO_SERVICE: &str = "the service's access token is missing, not known or has ended";

/// Whom BroadWorks does not know.
const STRANGER: &str = "nobody@as.example.net";

/// `POST idp/authenticate`.
pub(super) fn authenticate(
    identity: &Identity,
    headers: &HeaderMap,
    body: &str,
    fault: Option<Fault>,
) -> Wire {
    if refused(identity, headers).is_some() {
        // Here 401 speaks of the user's token.
        return answer::error(StatusCode::FORBIDDEN, "invalid_client", NO_SERVICE);
    }
    let token = match serde_json::from_str(body) {
        Ok(Value::Object(members)) => match members.get("token") {
            Some(Value::String(token)) => token.clone(),
            Some(_) | None => return no_token("expected {\"token\":…}"),
        },
        Ok(_) | Err(_) => return no_token("expected {\"token\":…}"),
    };
    match subject(identity, &token, fault) {
        Subject::Inactive => answer::ok(&json!({ "active": false })),
        Subject::NotEntitled => answer::error(
            StatusCode::FORBIDDEN,
            "insufficient_scope",
            "the user lacks broadworks-connector:user",
        ),
        Subject::Unknown => answer::error(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            "the user's token is not known, has ended or was revoked",
        ),
        Subject::User {
            id,
            scope,
            ends_at_ms,
        } => answer::ok(&json!({
            "active": true,
            "scope": scope,
            "broadworksUserId": id,
            "orgId": ORGANIZATION,
            "expires": ends_at_ms,
        })),
    }
}

/// `POST oauth2/v1/introspect`: the same as RFC 7662 has it.
pub(super) fn introspect(
    identity: &Identity,
    headers: &HeaderMap,
    body: &str,
    fault: Option<Fault>,
) -> Wire {
    if let Some(refusal) = refused(identity, headers) {
        return refusal;
    }
    let Some(token) = form::field(body, "token") else {
        return no_token("token is missing, or the body is no form");
    };
    match subject(identity, &token, fault) {
        Subject::Inactive | Subject::NotEntitled | Subject::Unknown => {
            answer::ok(&json!({ "active": false }))
        }
        Subject::User {
            id,
            scope,
            ends_at_ms,
        } => answer::ok(&json!({
            "active": true,
            "scope": scope,
            "username": id,
            "iss": identity.issuer,
            "token_type": "Bearer",
            "exp": ends_at_ms / 1000,
        })),
    }
}

/// `GET ping`.
pub(super) fn ping() -> Wire {
    answer::ok(&json!({ "status": "UP" }))
}

/// `GET idp/bwtoken/fetch`: with a CI token for providers that validate those, with the user's
/// BroadWorks credentials for providers that ask for Webex's certificate.
pub(super) async fn fetch(identity: &Identity, headers: &HeaderMap) -> Wire {
    let route = match Credentials::parse(headers) {
        Credentials::Bearer(token) => match identity.tokens.live(&token, clock::wall()) {
            Some(live) if live.holder != Holder::Service => Route::Ci { token },
            Some(_) | None => {
                return answer::error(
                    StatusCode::UNAUTHORIZED,
                    "invalid_token",
                    "the token is not known, has ended or is no user's",
                );
            }
        },
        Credentials::Basic(user, password) => Route::Mtls { user, password },
        Credentials::None => {
            return answer::error(
                StatusCode::UNAUTHORIZED,
                "invalid_request",
                "expected a user's CI token as Bearer, or a BroadWorks user's Basic credentials",
            );
        }
    };
    match identity.provider.fetch(&route).await {
        Ok(bearer) => answer::ok(&json!({ "token": { "bearer": bearer } })),
        Err(failure) => answer::document(
            StatusCode::BAD_GATEWAY,
            &json!({ "error": failure.word(), "message": failure.to_string() }),
        ),
    }
}

/// For whoever is not the provider's AuthenticationService, by an access token of ours.
pub(super) fn refused(identity: &Identity, headers: &HeaderMap) -> Option<Wire> {
    let live = match Credentials::parse(headers) {
        Credentials::Bearer(token) => identity.tokens.live(&token, clock::wall()),
        Credentials::Basic(..) | Credentials::None => None,
    };
    match live.map(|live| live.holder) {
        Some(Holder::Service) => None,
        Some(Holder::User(_)) | None => Some(answer::error(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            NO_SERVICE,
        )),
    }
}

/// What is known of a user token.
enum Subject {
    Inactive,
    NotEntitled,
    Unknown,
    User {
        id: String,
        scope: &'static str,
        ends_at_ms: u64,
    },
}

fn subject(identity: &Identity, token: &str, fault: Option<Fault>) -> Subject {
    let Some(live) = identity.tokens.live(token, clock::wall()) else {
        return Subject::Unknown;
    };
    let Holder::User(mut id) = live.holder else {
        return Subject::Unknown;
    };
    let mut scope = SCOPES;
    match fault {
        Some(Fault::Inactive) => return Subject::Inactive,
        Some(Fault::InsufficientScope) => return Subject::NotEntitled,
        Some(Fault::NoScope) => scope = OTHER_SCOPES,
        Some(Fault::UnknownUser) => STRANGER.clone_into(&mut id),
        Some(
            Fault::ExpiredRefreshToken
            | Fault::Malformed
            | Fault::OversizedBody
            | Fault::ServerError
            | Fault::Slow
            | Fault::WrongIssuer,
        )
        | None => {}
    }
    let ends = live.ends.duration_since(UNIX_EPOCH).unwrap_or_default();
    Subject::User {
        id,
        scope,
        ends_at_ms: u64::try_from(ends.as_millis()).unwrap_or(u64::MAX),
    }
}

fn no_token(description: &str) -> Wire {
    answer::error(StatusCode::BAD_REQUEST, "invalid_request", description)
}
