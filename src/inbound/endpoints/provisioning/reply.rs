//! Answers to the Application Server: by the texts of the template, in JSON where it asked in JSON.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::StatusCode;
use http::header;

use crate::domain::provisioning::answer::ACCEPTED_JSON;
use crate::domain::provisioning::answer::AnswerTemplate;
use crate::domain::provisioning::answer::AnswerValues;
use crate::domain::provisioning::answer::ERROR_JSON;
use crate::domain::provisioning::answer::ERROR_XML;
use crate::domain::provisioning::answer::JSON;
use crate::domain::provisioning::answer::XML;
use crate::domain::provisioning::refusal::RefusalReason;

/// With 401: the Application Server may wait for it before it shows its password.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"provisioning\"");

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Headers, without those that every answer of ours has.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Xml,
}

impl Form {
    /// As the call is written.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let kind = headers.get(header::CONTENT_TYPE);
        let json = kind.is_some_and(|kind| {
            let kind = kind.as_bytes().to_ascii_lowercase();
            kind.windows(4).any(|part| part == b"json")
        });
        if json { Self::Json } else { Self::Xml }
    }
}

/// The texts of one template, or those that are built in.
pub(super) struct Texts {
    pub(super) status: StatusCode,
    pub(super) accepted: Text,
    pub(super) refused: Text,
}

/// One text.
pub(super) struct Text {
    pub(super) kind: HeaderValue,
    pub(super) template: AnswerTemplate,
}

/// Why a call is refused.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub(super) reason: RefusalReason,
    /// Another status than the reason's.
    pub(super) status: Option<StatusCode>,
    /// Another sentence than the reason's.
    pub(super) sentence: Option<String>,
    /// For the operator.
    pub(super) detail: String,
    pub(super) retry_after: Option<Duration>,
}

impl Refused {
    pub(super) fn new(reason: RefusalReason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            status: None,
            sentence: None,
            detail: detail.into(),
            retry_after: None,
        }
    }

    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self {
            status: Some(status),
            ..self
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
            .or_else(|| StatusCode::from_u16(self.reason.status()).ok())
            .unwrap_or(StatusCode::BAD_REQUEST)
    }
}

impl Reply {
    pub(super) fn plain(text: &'static str) -> Self {
        let kind = HeaderValue::from_static("text/plain; charset=UTF-8");
        Self::of(StatusCode::OK, kind, text.into())
    }

    fn of(status: StatusCode, kind: HeaderValue, body: Bytes) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, kind);
        let never = HeaderValue::from_static("no-store");
        headers.insert(header::CACHE_CONTROL, never);
        Self {
            status,
            headers,
            body,
        }
    }

    /// The call is taken.
    pub(super) fn accepted(
        texts: &Texts,
        form: Form,
        user: Option<&str>,
        request_id: &str,
    ) -> Self {
        let values = AnswerValues {
            user_id: user,
            reason: None,
            message: None,
            request_id,
        };
        let (kind, body) = match form {
            Form::Json => (json(), built_in(ACCEPTED_JSON, &values)),
            Form::Xml => (
                texts.accepted.kind.clone(),
                texts.accepted.template.render(&values),
            ),
        };
        Self::of(texts.status, kind, body.into())
    }

    /// It is not.
    pub(super) fn refused(
        refused: &Refused,
        texts: Option<&Texts>,
        form: Form,
        user: Option<&str>,
        request_id: &str,
    ) -> Self {
        let usual = || refused.reason.sentence(user);
        let sentence = refused.sentence.clone().unwrap_or_else(usual);
        let values = AnswerValues {
            user_id: user,
            reason: Some(refused.reason),
            message: Some(&sentence),
            request_id,
        };
        let (kind, body) = match (form, texts) {
            (Form::Json, _) => (json(), built_in(ERROR_JSON, &values)),
            (Form::Xml, Some(texts)) => (
                texts.refused.kind.clone(),
                texts.refused.template.render(&values),
            ),
            (Form::Xml, None) => (HeaderValue::from_static(XML), built_in(ERROR_XML, &values)),
        };
        let status = refused.status();
        let mut reply = Self::of(status, kind, body.into());
        if status == StatusCode::UNAUTHORIZED {
            reply.headers.insert(header::WWW_AUTHENTICATE, CHALLENGE);
        }
        if let Some(wait) = refused.retry_after {
            // Rounded up: who waits as told must get in.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let headers = &mut reply.headers;
            headers.insert(header::RETRY_AFTER, seconds.max(1).into());
        }
        reply
    }
}

fn json() -> HeaderValue {
    HeaderValue::from_static(JSON)
}

fn built_in(text: &str, values: &AnswerValues<'_>) -> String {
    let template = AnswerTemplate::parse(text);
    template.map_or_else(|_| String::new(), |template| template.render(values))
}
