//! From a request to its answer, with what is to go wrong on the way.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use http::StatusCode;
use http::header;
use http::request::Parts;
use hyper::body::Incoming;
use uuid::Uuid;

use crate::lab::webex::api::Api;
use crate::lab::webex::api::answer;
use crate::lab::webex::api::answer::Cut;
use crate::lab::webex::api::answer::Wire;
use crate::lab::webex::api::asked::Asked;
use crate::lab::webex::api::asked::refused;
use crate::lab::webex::api::control;
use crate::lab::webex::api::enterprises;
use crate::lab::webex::api::faults::Fault;
use crate::lab::webex::api::faults::Script;
use crate::lab::webex::api::oauth;
use crate::lab::webex::api::operation::NoOperation;
use crate::lab::webex::api::operation::Operation;
use crate::lab::webex::api::people;
use crate::lab::webex::api::record::Call;
use crate::lab::webex::api::subscribers;
use crate::lab::webex::api::world::Refusal;
use crate::lab::webex::bridge;
use crate::lab::webex::identity::body;
use crate::lab::webex::identity::body::BodyFault;
use crate::lab::webex::identity::credentials::Credentials;
use crate::lab::webex::random;

/// The name of a call in logs.
const TRACKING: HeaderName = HeaderName::from_static("trackingid");

/// Longest name of a call that is taken from a client.
const LONGEST_TRACKING: usize = 256;

/// Answers one request.
pub(super) async fn answer(api: &Api, request: Request<Incoming>) -> Result<Wire, Cut> {
    let (head, body) = request.into_parts();
    let tracking = tracking(&head.headers);
    let body = match body::read(body).await {
        Ok(body) => body,
        Err(BodyFault::Broken) => return Err(Cut),
        Err(BodyFault::TooLarge) => {
            let text = "The body is larger than 64 KiB.";
            return Ok(answer::error(
                StatusCode::PAYLOAD_TOO_LARGE,
                None,
                text,
                &tracking,
            ));
        }
    };
    let path = head.uri.path();
    if path.starts_with("/lab/") {
        return Ok(control::answer(api, &head, &body));
    }
    if path
        .strip_prefix(bridge::PATH)
        .is_some_and(|rest| rest.starts_with('/'))
    {
        return bridge::answer(api, &head, &body).await;
    }
    let (operation, name) = match Operation::at(&head.method, path) {
        Ok(found) => found,
        Err(why) => {
            let wire = no_operation(&why, &tracking);
            keep(api, None, &head, None, &tracking, Some(wire.status()));
            return Ok(marked(wire, &tracking));
        }
    };
    called(api, operation, name, head, body, tracking).await
}

/// Lets a call go wrong if it is to, answers it and keeps a record.
async fn called(
    api: &Api,
    operation: Operation,
    name: String,
    head: Parts,
    body: Bytes,
    tracking: String,
) -> Result<Wire, Cut> {
    let script = api.faults.take(operation);
    let fault = script.as_ref().map(|script| script.fault);
    let (delay, bytes) = script
        .as_ref()
        .map(|script| (script.delay, script.bytes))
        .unwrap_or_default();
    let wire = if fault == Some(Fault::RequestLost) {
        None
    } else {
        let asked = Asked {
            headers: head.headers.clone(),
            host: host(&head),
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            body: body.clone(),
            name,
            tracking: tracking.clone(),
            script,
        };
        let wire = early(api, operation, &asked)
            .unwrap_or_else(|| perform(api, operation, &asked))
            .unwrap_or_else(|refusal| refused(&refusal, &tracking));
        (fault != Some(Fault::AnswerLost)).then_some(wire)
    };
    let status = wire.as_ref().map(http::Response::status);
    keep(api, Some(operation), &head, Some(&body), &tracking, status);
    let mut wire = wire.ok_or(Cut)?;
    match fault {
        Some(Fault::Slow) => tokio::time::sleep(delay).await,
        Some(Fault::Cut) => wire = wire.map(|body| body.cut_after(bytes)),
        Some(Fault::Malformed) => {
            wire = answer::text(
                StatusCode::OK,
                "application/json;charset=UTF-8",
                "{\"items\":[{\"id\":".to_owned(),
            );
        }
        Some(
            Fault::AnswerLost
            | Fault::Double
            | Fault::Fail
            | Fault::RequestLost
            | Fault::Stall
            | Fault::Status
            | Fault::Unauthorized
            | Fault::Word,
        )
        | None => {}
    }
    Ok(marked(wire, &tracking))
}

/// What is answered without doing anything.
fn early(api: &Api, operation: Operation, asked: &Asked) -> Option<Result<Wire, Refusal>> {
    let token = match Credentials::parse(&asked.headers) {
        Credentials::Bearer(token) => Some(token),
        Credentials::Basic(..) | Credentials::None => None,
    };
    if let Some(script) = &asked.script {
        match script.fault {
            Fault::Status => return Some(Err(told(script))),
            Fault::Unauthorized => {
                if let Some(token) = &token {
                    api.tokens().revoke(token);
                }
            }
            Fault::AnswerLost
            | Fault::Cut
            | Fault::Double
            | Fault::Fail
            | Fault::Malformed
            | Fault::RequestLost
            | Fault::Slow
            | Fault::Stall
            | Fault::Word => {}
        }
    }
    if operation == Operation::AccessToken {
        return None;
    }
    let now = api.now();
    let good = token.is_some_and(|token| api.tokens().is_good(&token, now));
    (!good).then(|| {
        let text = "The request requires a valid access token set in the Authorization request \
                    header.";
        Err(Refusal {
            status: 401,
            ..Refusal::bad(text)
        })
    })
}

fn told(script: &Script) -> Refusal {
    Refusal {
        status: script.status,
        code: script.code,
        text: script.text.clone(),
        retry_after: script.retry_after,
    }
}

fn perform(api: &Api, operation: Operation, asked: &Asked) -> Result<Wire, Refusal> {
    match operation {
        Operation::AccessToken => oauth::access_token(api, asked),
        Operation::ConsentMove => subscribers::consent_move(api, asked),
        Operation::DeleteOrganization => people::delete_organization(api, asked),
        Operation::DeletePerson => people::delete(api, asked),
        Operation::GetOrganization => people::get_organization(api, asked),
        Operation::GetPerson => people::get(api, asked),
        Operation::GetSubscriber => subscribers::get(api, asked),
        Operation::ListEnterprises => enterprises::list(api, asked),
        Operation::ListOrganizations => people::list_organizations(api, asked),
        Operation::ListPeople => people::list(api, asked),
        Operation::ListSubscribers => subscribers::list(api, asked),
        Operation::Precheck => subscribers::precheck(api, asked),
        Operation::ProvisionSubscriber => subscribers::provision(api, asked),
        Operation::ProvisionWorkspace => enterprises::provision_workspace(api, asked),
        Operation::RemoveSubscriber => subscribers::remove(api, asked),
        Operation::RemoveWorkspace => enterprises::remove_workspace(api, asked),
        Operation::ServiceAppToken => oauth::service_app_token(api, asked),
        Operation::SetSync => enterprises::set_sync(api, asked),
        Operation::SyncStatus => enterprises::sync_status(api, asked),
        Operation::SyncUser => enterprises::sync_user(api, asked),
        Operation::TriggerSync => enterprises::trigger_sync(api, asked),
        Operation::UpdateSubscriber => subscribers::update(api, asked),
        Operation::UpdateWorkspace => enterprises::update_workspace(api, asked),
    }
}

fn no_operation(why: &NoOperation, tracking: &str) -> Wire {
    match why {
        NoOperation::Path => {
            let text = "The requested resource could not be found.";
            answer::error(StatusCode::NOT_FOUND, None, text, tracking)
        }
        NoOperation::Method(methods) => {
            let text = "The request method is not supported.";
            let mut wire = answer::error(StatusCode::METHOD_NOT_ALLOWED, None, text, tracking);
            let methods: Vec<_> = methods.iter().map(http::Method::as_str).collect();
            if let Ok(allow) = HeaderValue::from_str(&methods.join(", ")) {
                wire.headers_mut().insert(header::ALLOW, allow);
            }
            wire
        }
    }
}

fn keep(
    api: &Api,
    operation: Option<Operation>,
    head: &Parts,
    body: Option<&Bytes>,
    tracking: &str,
    status: Option<StatusCode>,
) {
    let secret = matches!(
        operation,
        Some(Operation::AccessToken | Operation::ServiceAppToken) | None
    );
    let body = body.filter(|_| !secret);
    api.record.keep(Call {
        operation,
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        body: body.and_then(|body| serde_json::from_slice(body).ok()),
        tracking: tracking.to_owned(),
        status: status.map(|status| status.as_u16()),
        at: api.now(),
    });
}

/// The client's name of the call, or one in the form of Webex.
pub(in crate::lab::webex) fn tracking(headers: &HeaderMap) -> String {
    let given = headers.get(TRACKING).and_then(|value| value.to_str().ok());
    match given.filter(|given| !given.is_empty() && given.len() <= LONGEST_TRACKING) {
        Some(given) => given.to_owned(),
        None => {
            let bytes = random::<16>().unwrap_or_default();
            let id: Uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
            format!("NA_{id}")
        }
    }
}

/// The answer with the name of its call.
pub(in crate::lab::webex) fn marked(mut wire: Wire, tracking: &str) -> Wire {
    if let Ok(value) = HeaderValue::from_str(tracking) {
        wire.headers_mut().insert(TRACKING, value);
    }
    wire
}

fn host(head: &Parts) -> String {
    let host = head.headers.get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    host.unwrap_or("localhost").to_owned()
}
