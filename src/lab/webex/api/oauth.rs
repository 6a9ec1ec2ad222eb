//! `/access_token` and the token of a service app.

use std::time::Duration;

use http::header;
use serde_json::json;

use crate::lab::webex::ORGANIZATION;
use crate::lab::webex::api::Api;
use crate::lab::webex::api::CLIENT_ID;
use crate::lab::webex::api::CLIENT_SECRET;
use crate::lab::webex::api::SERVICE_APP;
use crate::lab::webex::api::answer::Wire;
use crate::lab::webex::api::asked::Asked;
use crate::lab::webex::api::asked::ok;
use crate::lab::webex::api::ids::Kind;
use crate::lab::webex::api::read;
use crate::lab::webex::api::tokens::Granted;
use crate::lab::webex::api::world::Refusal;
use crate::lab::webex::identity::form;

/// Life of an access token of a service app, seconds, as the published example has it.
const SERVICE_APP_ACCESS: u64 = 3600;

/// Life of its refresh token, seconds.
const SERVICE_APP_REFRESH: u64 = 7_776_000;

/// `POST /access_token`, a form.
pub(super) fn access_token(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let kind = asked.headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(Refusal {
            status: 415,
            ..Refusal::bad("Content type must be application/x-www-form-urlencoded.")
        });
    }
    let text = String::from_utf8_lossy(&asked.body);
    let field = |name: &str| form::field(&text, name).ok_or_else(|| Refusal::missing(name));
    if field("grant_type")? != "refresh_token" {
        return Err(Refusal::bad("The lab knows grant_type=refresh_token."));
    }
    let (id, secret) = (field("client_id")?, field("client_secret")?);
    let refresh = field("refresh_token")?;
    if id != CLIENT_ID || secret != CLIENT_SECRET {
        return Err(Refusal {
            status: 401,
            ..Refusal::bad("The client id or the client secret is wrong.")
        });
    }
    let rules = api.rules();
    let until = api.now().plus(Duration::from_secs(rules.access_life));
    let granted = api.tokens().exchange(&refresh, until);
    let Some(Granted { access, refresh }) = granted.map_err(|_| broken())? else {
        let text = "The refresh token provided is invalid.";
        return Err(Refusal::bad(text));
    };
    Ok(ok(&json!({
        "access_token": access,
        "expires_in": rules.access_life,
        "refresh_token": refresh,
        "refresh_token_expires_in": rules.refresh_life,
        "token_type": "Bearer",
    })))
}

/// `POST /applications/{applicationId}/token`.
pub(super) fn service_app_token(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let mut members = asked.members()?;
    let id = members.required("clientId", read::OTHER)?;
    let secret = members.required("clientSecret", read::OTHER)?;
    let organization = members.required("targetOrgId", read::OTHER)?;
    members.finish()?;
    if asked.name != SERVICE_APP {
        return Err(Refusal::absent("Application"));
    }
    if id != CLIENT_ID || secret != CLIENT_SECRET {
        return Err(Refusal::bad("The client id or the client secret is wrong."));
    }
    let named = Kind::Organization.read(&organization);
    if organization != ORGANIZATION && named.is_none_or(|id| id.to_string() != ORGANIZATION) {
        return Err(Refusal {
            status: 403,
            ..Refusal::bad("The service app is not authorized for this organization.")
        });
    }
    let until = api.now().plus(Duration::from_secs(SERVICE_APP_ACCESS));
    let access = api.tokens().issue(until).map_err(|_| broken())?;
    Ok(ok(&json!({
        "access_token": access,
        "expires_in": SERVICE_APP_ACCESS,
        "refresh_token": crate::lab::webex::api::REFRESH_TOKEN,
        "refresh_token_expires_in": SERVICE_APP_REFRESH,
        "token_type": "Bearer",
    })))
}

fn broken() -> Refusal {
    Refusal {
        status: 500,
        ..Refusal::bad("The system gives no random bytes.")
    }
}
