//! From a request to its answer.

use http::Request;
use http::StatusCode;
use hyper::body::Incoming;

use crate::lab::webex::api::Api;
use crate::lab::webex::api::answer;
use crate::lab::webex::api::answer::Cut;
use crate::lab::webex::api::answer::Wire;

/// Answers one request.
pub(super) async fn answer(_api: &Api, _request: Request<Incoming>) -> Result<Wire, Cut> {
    let text = "the lab's Webex has nothing at this path";
    Ok(answer::error(StatusCode::NOT_FOUND, None, text, ""))
}
