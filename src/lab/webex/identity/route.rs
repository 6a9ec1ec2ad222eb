//! From a request to its answer, with what is to go wrong on the way.

use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::StatusCode;
use http::header;
use http::request::Parts;
use hyper::body::Incoming;

use crate::lab::webex::identity::Endpoint;
use crate::lab::webex::identity::Fault;
use crate::lab::webex::identity::Identity;
use crate::lab::webex::identity::answer;
use crate::lab::webex::identity::answer::Wire;
use crate::lab::webex::identity::body;
use crate::lab::webex::identity::body::BodyFault;
use crate::lab::webex::identity::common_identity;
use crate::lab::webex::identity::federation;
use crate::lab::webex::identity::idp_proxy;
use crate::lab::webex::identity::lab_only;

/// Size of an oversized answer: twice the documented `ciResponseBodyMaxSizeInBytes`.
const OVERSIZED: usize = 2 * 65_536;

/// Answers one request.
pub(super) async fn answer(identity: &Identity, request: Request<Incoming>) -> Wire {
    let (head, body) = request.into_parts();
    let body = match body::read(body).await {
        Ok(body) => body,
        Err(BodyFault::Broken) => {
            let text = "the body broke off";
            return answer::error(StatusCode::BAD_REQUEST, "invalid_request", text);
        }
        Err(BodyFault::TooLarge) => {
            let text = "the body is larger than 64 KiB";
            return answer::error(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", text);
        }
    };
    match head.uri.path() {
        lab_only::FAULTS if head.method == Method::PUT => lab_only::set_fault(identity, &body),
        lab_only::FAULTS => wrong_method(&Method::PUT),
        lab_only::COUNTS if head.method == Method::GET => lab_only::counts(identity),
        lab_only::COUNTS => wrong_method(&Method::GET),
        path => match Endpoint::at(path) {
            Some(endpoint) if head.method == endpoint.method() => {
                called(identity, endpoint, &head, &body).await
            }
            Some(endpoint) => wrong_method(&endpoint.method()),
            None => {
                let text = "the lab's Webex has nothing at this path";
                answer::error(StatusCode::NOT_FOUND, "not_found", text)
            }
        },
    }
}

/// Counts a call, lets it go wrong if it is to, and answers it.
async fn called(identity: &Identity, endpoint: Endpoint, head: &Parts, body: &Bytes) -> Wire {
    identity.counts.count(endpoint);
    let script = identity.faults.take(endpoint);
    let fault = script.map(|script| script.fault);
    match fault {
        Some(Fault::ServerError) => {
            let text = "a fault that was asked for";
            return answer::error(StatusCode::SERVICE_UNAVAILABLE, "server_error", text);
        }
        Some(Fault::Malformed) => {
            return answer::text(StatusCode::OK, "{\"active\":true,\"access_tok".to_owned());
        }
        Some(Fault::OversizedBody) => {
            let text = format!("{{\"padding\":\"{}\"}}", "x".repeat(OVERSIZED));
            return answer::text(StatusCode::OK, text);
        }
        Some(Fault::Slow) => {
            tokio::time::sleep(script.map(|script| script.delay).unwrap_or_default()).await;
        }
        Some(
            Fault::ExpiredRefreshToken
            | Fault::Inactive
            | Fault::InsufficientScope
            | Fault::NoScope
            | Fault::UnknownUser
            | Fault::WrongIssuer,
        )
        | None => {}
    }
    let text = String::from_utf8_lossy(body);
    let headers = &head.headers;
    match endpoint {
        Endpoint::AccessToken => common_identity::access_token(identity, headers, &text, fault),
        Endpoint::Authenticate => idp_proxy::authenticate(identity, headers, &text, fault),
        Endpoint::Federation => federation::list(identity, headers),
        Endpoint::Fetch => idp_proxy::fetch(identity, headers).await,
        Endpoint::Introspect => idp_proxy::introspect(identity, headers, &text, fault),
        Endpoint::Ping => idp_proxy::ping(),
        Endpoint::Revoke => common_identity::revoke(identity, headers, &text),
        Endpoint::UserToken => {
            lab_only::user_token(identity, head.uri.query().unwrap_or_default(), fault)
        }
    }
}

fn wrong_method(allowed: &Method) -> Wire {
    let text = "another method is needed here";
    let mut wire = answer::error(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", text);
    if let Ok(allowed) = HeaderValue::from_str(allowed.as_str()) {
        wire.headers_mut().insert(header::ALLOW, allowed);
    }
    wire
}
