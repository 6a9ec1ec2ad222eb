//! What no Webex has: user tokens without a browser, faults on request, and counts.

use http::StatusCode;
use serde_json::json;

use crate::lab::webex::identity::Fault;
use crate::lab::webex::identity::Identity;
use crate::lab::webex::identity::Script;
use crate::lab::webex::identity::answer;
use crate::lab::webex::identity::answer::Wire;
use crate::lab::webex::identity::form;
use crate::lab::webex::identity::tokens::Holder;
use crate::platform::clock;

/// Where faults are set.
pub(super) const FAULTS: &str = "/lab/faults";

/// Where calls are counted.
pub(super) const COUNTS: &str = "/lab/counts";

/// `POST /lab/user-token?user=…`: a CI token, as the app has it when its user is signed in.
pub(super) fn user_token(identity: &Identity, query: &str, fault: Option<Fault>) -> Wire {
    let Some(name) = form::field(query, "user") else {
        return answer::error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "expected ?user=E-MAIL or ?user=BROADWORKS-USER-ID",
        );
    };
    let Some(id) = identity.broadworks.user_id(&name) else {
        return answer::error(
            StatusCode::NOT_FOUND,
            "unknown_user",
            "no user of the lab has this e-mail address or user id",
        );
    };
    let issuer = if fault == Some(Fault::WrongIssuer) {
        format!("{}-elsewhere", identity.issuer)
    } else {
        identity.issuer.clone()
    };
    match identity
        .tokens
        .issue(Holder::User(id), &issuer, clock::wall())
    {
        Ok(token) => answer::ok(&json!({ "access_token": token, "token_type": "Bearer" })),
        Err(error) => answer::error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            &error.to_string(),
        ),
    }
}

/// `PUT /lab/faults`.
pub(super) fn set_fault(identity: &Identity, body: &[u8]) -> Wire {
    match Script::parse(body) {
        Ok(script) => {
            identity.faults.set(script);
            let name = script.map_or("none", |script| script.fault.as_str());
            answer::ok(&json!({ "fault": name }))
        }
        Err(error) => answer::error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            &error.to_string(),
        ),
    }
}

/// `GET /lab/counts`.
pub(super) fn counts(identity: &Identity) -> Wire {
    answer::ok(&identity.counts.document())
}
