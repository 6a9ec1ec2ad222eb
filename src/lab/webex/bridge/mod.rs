//! The provisioning bridges: what the URL of a template in Partner Hub leads to.
//!
//! What an Application Server sends there is unpublished. The forms taken here are those that the
//! daemon takes, and what a client of guests of the same product line sends; the answers are the
//! lab's own, but for their status codes.

mod answer;
mod people;
mod profile;
mod record;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header;
use http::request::Parts;

use crate::lab::webex::api::Api;
use crate::lab::webex::api::Fault;
use crate::lab::webex::api::Operation;
use crate::lab::webex::api::Script;
use crate::lab::webex::api::Template;
use crate::lab::webex::api::answer::Cut;
use crate::lab::webex::api::answer::Wire;
use crate::lab::webex::api::route::marked;
use crate::lab::webex::api::route::tracking;
use crate::lab::webex::bridge::answer::Outcome;
use crate::lab::webex::bridge::profile::Document;
use crate::lab::webex::identity::credentials::Credentials;
use crate::lab::webex::identity::form;

pub(in crate::lab::webex) use record::Bridge;
pub use record::BridgeCall;

/// Below it, one bridge a template.
pub const PATH: &str = "/bridge";

/// Where guests are made.
const GUESTS: &str = "/userservice/impguest";

/// Answers one request below [`PATH`].
pub(in crate::lab::webex) async fn answer(
    api: &Api,
    head: &Parts,
    body: &Bytes,
) -> Result<Wire, Cut> {
    let tracking = tracking(&head.headers);
    // All faults show at the one operation that there is.
    let script = api.bridge.faults.take(Operation::ProvisionSubscriber);
    let fault = script.as_ref().map(|script| script.fault);
    let outcome = match fault {
        Some(Fault::RequestLost) => None,
        Some(Fault::Status) => script.as_ref().map(told),
        Some(Fault::Unauthorized) => Some(Outcome::Unauthorized),
        Some(
            Fault::AnswerLost
            | Fault::Cut
            | Fault::Double
            | Fault::Fail
            | Fault::Malformed
            | Fault::Slow
            | Fault::Stall
            | Fault::Word,
        )
        | None => Some(judge(api, head, body, script.as_ref())),
    };
    let outcome = outcome.filter(|_| fault != Some(Fault::AnswerLost));
    let status = outcome.as_ref().map(|outcome| outcome.status().as_u16());
    api.bridge.keep(BridgeCall::new(head, body, status));
    let mut wire = outcome.ok_or(Cut)?.wire();
    if let (Some(seconds), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) = (
        script.as_ref().and_then(|script| script.retry_after),
        wire.status(),
    ) {
        wire.headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    match (fault, &script) {
        (Some(Fault::Slow), Some(script)) => tokio::time::sleep(script.delay).await,
        (Some(Fault::Cut), Some(script)) => wire = wire.map(|body| body.cut_after(script.bytes)),
        _ => {}
    }
    Ok(marked(wire, &tracking))
}

fn told(script: &Script) -> Outcome {
    let status = StatusCode::from_u16(script.status);
    let status = status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    Outcome::Refused(status, script.text.clone())
}

/// Whether a call is let in, and what becomes of it.
fn judge(api: &Api, head: &Parts, body: &Bytes, script: Option<&Script>) -> Outcome {
    let host = head.headers.get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if !name.eq_ignore_ascii_case(&api.bridge_host) {
        let text = format!("the bridge is to be called as {}", api.bridge_host);
        return Outcome::Refused(StatusCode::FORBIDDEN, text);
    }
    let below = head.uri.path().strip_prefix(PATH).unwrap_or_default();
    let below = below.strip_prefix('/').unwrap_or(below);
    let (key, rest) = match below.split_once('/') {
        Some((key, rest)) => (key, format!("/{}", rest.trim_end_matches('/'))),
        None => (below, String::new()),
    };
    let template = api.world(|world| {
        let mut templates = world.templates().iter();
        templates.find(|template| template.key == key).cloned()
    });
    let Some(template) = template else {
        let text = "no template has this URL".to_owned();
        return Outcome::Refused(StatusCode::NOT_FOUND, text);
    };
    if !is_let_in(&head.headers, &template) {
        return Outcome::Unauthorized;
    }
    called(api, head, body, &template, &rest, script)
}

fn is_let_in(headers: &HeaderMap, template: &Template) -> bool {
    match Credentials::parse(headers) {
        Credentials::Basic(name, password) => {
            name == template.account && password == template.password
        }
        Credentials::Bearer(_) | Credentials::None => false,
    }
}

fn called(
    api: &Api,
    head: &Parts,
    body: &Bytes,
    template: &Template,
    rest: &str,
    script: Option<&Script>,
) -> Outcome {
    let lower = rest.to_ascii_lowercase();
    if lower == GUESTS && head.method == Method::POST {
        return match Document::parse(&head.headers, body) {
            Ok(document) if document.is("impGuestSubscriberProfile") => Outcome::Guest,
            Ok(_) => bad("impGuestSubscriberProfile was expected"),
            Err(why) => bad(&why),
        };
    }
    if lower.starts_with(GUESTS) {
        return match head.method {
            Method::DELETE => Outcome::Done,
            _ => bad("guests are made with POST and ended with DELETE"),
        };
    }
    if lower.contains("activation") || lower.contains("device") {
        return Outcome::Done;
    }
    match head.method {
        Method::DELETE => match removed_user(head, rest) {
            Some(user) => people::remove(api, &user),
            None => bad("no bwUserId"),
        },
        Method::POST | Method::PUT => match Document::parse(&head.headers, body) {
            Ok(document) if document.is("subscriberProfile") => {
                if document.is_unassignment() {
                    return match document.text(&["bwUserId", "userId"]) {
                        Some(user) => people::remove(api, &user),
                        None => bad("no bwUserId"),
                    };
                }
                people::provision(api, template, &document, script)
            }
            Ok(_) => bad("subscriberProfile was expected"),
            Err(why) => bad(&why),
        },
        _ => Outcome::Refused(
            StatusCode::METHOD_NOT_ALLOWED,
            "POST, PUT or DELETE was expected".to_owned(),
        ),
    }
}

fn bad(why: &str) -> Outcome {
    Outcome::Refused(StatusCode::BAD_REQUEST, why.to_owned())
}

/// Who is to be removed: from the query, or the last part of the path.
fn removed_user(head: &Parts, rest: &str) -> Option<String> {
    let query = head.uri.query().unwrap_or_default();
    let named = ["bwUserId", "userId"].into_iter();
    let mut named = named.filter_map(|name| form::field(query, name));
    let last = || form::part(rest.rsplit('/').next()?);
    named.next().or_else(last).filter(|user| !user.is_empty())
}
