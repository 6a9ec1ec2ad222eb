//! A call as its handler sees it, and how handlers answer.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

use crate::lab::webex::api::answer;
use crate::lab::webex::api::answer::Wire;
use crate::lab::webex::api::faults::Fault;
use crate::lab::webex::api::faults::Script;
use crate::lab::webex::api::ids::Kind;
use crate::lab::webex::api::read::Members;
use crate::lab::webex::api::read::Query;
use crate::lab::webex::api::world::Failure;
use crate::lab::webex::api::world::Refusal;
use crate::lab::webex::api::world::Twist;
use crate::lab::webex::identity::form;

/// A call.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) headers: HeaderMap,
    /// Host and port that the client used, for links.
    pub(super) host: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) body: Bytes,
    /// What stands in the path for the name in braces.
    pub(super) name: String,
    pub(super) tracking: String,
    /// What is to go wrong.
    pub(super) script: Option<Script>,
}

impl Asked {
    /// The members of the body.
    pub(super) fn members(&self) -> Result<Members, Refusal> {
        Members::parse(&self.headers, &self.body)
    }

    /// The parameters of the query.
    pub(super) fn parameters(&self) -> Result<Query, Refusal> {
        Query::parse(&self.query)
    }

    /// No query is known.
    pub(super) fn no_query(&self) -> Result<(), Refusal> {
        self.parameters()?.finish()
    }

    /// What is named in the path.
    pub(super) fn id(&self, kind: Kind, what: &str) -> Result<Uuid, Refusal> {
        let id = kind.read(&self.name);
        id.ok_or_else(|| Refusal::absent(what))
    }

    /// The fault, if it is this one.
    fn fault(&self, fault: Fault) -> Option<&Script> {
        self.script.as_ref().filter(|script| script.fault == fault)
    }

    /// The word to show in place of a status.
    pub(super) fn word(&self) -> Option<&str> {
        self.fault(Fault::Word).map(|script| script.text.as_str())
    }

    /// What is to be different with a new user.
    pub(super) fn twist(&self) -> Option<Twist> {
        if self.fault(Fault::Double).is_some() {
            return Some(Twist::Double);
        }
        if self.fault(Fault::Stall).is_some() {
            return Some(Twist::Stall);
        }
        let script = self.fault(Fault::Fail)?;
        let code = script.code.unwrap_or_default();
        Some(Twist::Fail(Failure::new(code, &script.text)))
    }

    /// 200 with a page of items and the link to the next page.
    pub(super) fn page(&self, items: &[Value], next: Option<u64>) -> Wire {
        let mut wire = ok(&json!({ "items": items }));
        let Some(next) = next else {
            return wire;
        };
        let pairs = form::pairs(&self.query).unwrap_or_default();
        let kept = pairs.iter().filter(|(name, _)| name != "cursor");
        let mut query: Vec<_> = kept
            .map(|(name, value)| format!("{}={}", form::encoded(name), form::encoded(value)))
            .collect();
        query.push(format!("cursor={next}"));
        let (host, path, query) = (&self.host, &self.path, query.join("&"));
        let link = format!("<https://{host}{path}?{query}>; rel=\"next\"");
        if let Ok(link) = HeaderValue::from_str(&link) {
            wire.headers_mut().insert(header::LINK, link);
        }
        wire
    }
}

/// 200 with a document.
pub(super) fn ok(document: &Value) -> Wire {
    answer::document(StatusCode::OK, document)
}

/// A refusal on the wire.
pub(super) fn refused(refusal: &Refusal, tracking: &str) -> Wire {
    let Refusal {
        status,
        code,
        text,
        retry_after,
    } = refusal;
    let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut wire = answer::error(status, *code, text, tracking);
    if let Some(seconds) = retry_after {
        wire.headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
    }
    wire
}
