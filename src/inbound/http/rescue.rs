//! The one place where a refusal becomes an answer: `ErrorInfo` where Xsi clients ask, a line of
//! text elsewhere, `Server: xspd` so that the NOC can tell who answered.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::Response;
use http::Version;
use http::header;

use crate::config::RouteKind;
use crate::domain::auth::answer::document as auth_document;
use crate::domain::auth::answer::error_of;
use crate::domain::edge::reason::Reason;
use crate::domain::xsi::faults::Format;
use crate::domain::xsi::faults::error_info;
use crate::inbound::endpoints::blf::reply::error as lamps_error;
use crate::inbound::http::answer::AnswerBody;
use crate::inbound::http::answer::Ledger;
use crate::inbound::http::plan::Treatment;
use crate::inbound::http::tracking::TRACKING_ID;

/// Who answers, on our own answers only.
pub(super) const SERVER: HeaderValue = HeaderValue::from_static("xspd");

/// With 401: only our tokens are judged here, and one that is refused is replaced, not repeated
/// (RFC 6750, section 3.1). No `Basic`, which would make browsers ask their users for passwords.
pub(super) const CHALLENGE: HeaderValue =
    HeaderValue::from_static("Bearer realm=\"BroadWorks\", error=\"invalid_token\"");

/// With 401 of busy lamps: what opens Xsi opens them.
const LAMPS_CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"BroadWorks\"");

/// When to try again after a 503: long enough for a passive ejection to take effect.
const UNAVAILABLE: Duration = Duration::from_secs(5);

/// A refusal and what its answer needs.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) reason: Reason,
    /// How long to wait, for limits.
    pub(super) retry_after: Option<Duration>,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            retry_after: None,
        }
    }
}

/// The form of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// An `ErrorInfo` document.
    ErrorInfo(Format),
    /// AuthService's JSON.
    Json,
    /// Busy lamps' JSON.
    Lamps,
    /// A line of text.
    Text,
}

impl Form {
    /// The form that clients of a route expect.
    pub(super) fn of(
        route: Option<(RouteKind, Treatment)>,
        accept: Option<&HeaderValue>,
        query: Option<&str>,
    ) -> Self {
        let Some((kind, treatment)) = route else {
            return Self::Text;
        };
        if treatment == Treatment::Answer {
            return Self::Json;
        }
        match kind {
            RouteKind::XsiActions | RouteKind::XsiEvents => {
                Self::ErrorInfo(Format::wanted(accept.map(HeaderValue::as_bytes), query))
            }
            RouteKind::Blf => Self::Lamps,
            RouteKind::AuthService | RouteKind::Plain => Self::Text,
        }
    }
}

/// What was left of the request when it was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing; the connection may go on.
    Nothing,
    /// Some of its body is unread: after this answer the connection ends.
    Body,
}

/// Makes the answer.
pub(super) fn rescue(
    refusal: &Refusal,
    form: Form,
    tracking_id: &HeaderValue,
    version: Version,
    rest: Rest,
    mut ledger: Ledger,
) -> Response<AnswerBody> {
    let reason = refusal.reason;
    let status = reason.status();
    ledger.status = Some(status);
    if let Some(access) = &mut ledger.access {
        access.reason = Some(reason.as_str());
    }
    let (text, content_type) = document(reason, form, tracking_id);
    let mut response = Response::new(AnswerBody::own(text, ledger));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::SERVER, SERVER);
    headers.insert(TRACKING_ID, tracking_id.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let retry_after = refusal
        .retry_after
        .or_else(|| (status == http::StatusCode::SERVICE_UNAVAILABLE).then_some(UNAVAILABLE));
    if let Some(wait) = retry_after {
        headers.insert(header::RETRY_AFTER, whole_seconds(wait).into());
    }
    if status == http::StatusCode::UNAUTHORIZED && form == Form::Lamps {
        headers.insert(header::WWW_AUTHENTICATE, LAMPS_CHALLENGE);
    }
    if reason == Reason::MethodNotAllowed {
        let methods = HeaderValue::from_static("GET, HEAD, PUT, POST, DELETE, OPTIONS, PATCH");
        headers.insert(header::ALLOW, methods);
    }
    if rest == Rest::Body && version <= Version::HTTP_11 {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn document(reason: Reason, form: Form, tracking_id: &HeaderValue) -> (Bytes, &'static str) {
    let id = tracking_id.to_str().unwrap_or_default();
    let sentence = reason.sentence();
    match form {
        Form::ErrorInfo(format) => {
            let summary = format!("{sentence} ({id})");
            let text = error_info(format, &summary, reason.status().as_u16());
            (text.into(), format.content_type())
        }
        Form::Json => {
            let error = error_of(reason.status());
            let text = auth_document(error, sentence, id);
            (text.into(), "application/json;charset=UTF-8")
        }
        Form::Lamps => (lamps_error(reason, id), "application/json;charset=UTF-8"),
        Form::Text => (
            format!("{sentence} ({id})\n").into(),
            "text/plain;charset=UTF-8",
        ),
    }
}

/// Rounded up: a client that waits as told must get in.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::clock;
    use http::Method;

    fn answer(refusal: &Refusal, form: Form, version: Version, rest: Rest) -> Response<AnswerBody> {
        let ledger = Ledger::open(None, clock::mono(), &Method::GET, None);
        let id = HeaderValue::from_static("XSPD_1");
        rescue(refusal, form, &id, version, rest, ledger)
    }

    #[test]
    fn every_reason_becomes_an_answer_of_ours() {
        for reason in Reason::ALL {
            for form in [
                Form::Json,
                Form::Lamps,
                Form::Text,
                Form::ErrorInfo(Format::Xml),
                Form::ErrorInfo(Format::Json),
            ] {
                let refusal = Refusal::from(*reason);
                let response = answer(&refusal, form, Version::HTTP_11, Rest::Nothing);
                assert_eq!(response.status(), reason.status());
                assert_eq!(response.headers()["server"], "xspd");
                assert_eq!(response.headers()["trackingid"], "XSPD_1");
                assert!(!response.headers().contains_key("connection"));
                let wait = response.headers().contains_key("retry-after");
                assert_eq!(wait, response.status() == 503);
            }
        }
    }

    #[test]
    fn the_wait_is_rounded_up_to_whole_seconds() {
        for (wait, expected) in [(1, "1"), (1000, "1"), (1001, "2"), (300_000, "300")] {
            let refusal = Refusal {
                reason: Reason::UserRateLimit,
                retry_after: Some(Duration::from_millis(wait)),
            };
            let response = answer(&refusal, Form::Text, Version::HTTP_11, Rest::Nothing);
            assert_eq!(response.headers()["retry-after"], expected);
        }
    }

    #[test]
    fn an_unread_body_ends_the_connection_but_never_by_header_in_http_2() {
        let refusal = Refusal::from(Reason::BodyTooLarge);
        let old = answer(&refusal, Form::Text, Version::HTTP_11, Rest::Body);
        assert_eq!(old.headers()["connection"], "close");
        let new = answer(&refusal, Form::Text, Version::HTTP_2, Rest::Body);
        assert!(!new.headers().contains_key("connection"));
    }

    #[test]
    fn only_xsi_routes_get_documents() {
        let accept = HeaderValue::from_static("application/json");
        let accept = Some(&accept);
        let json = Form::ErrorInfo(Format::Json);
        let table = [
            (RouteKind::XsiActions, Treatment::Relay, json),
            (RouteKind::XsiEvents, Treatment::Swap, json),
            (RouteKind::AuthService, Treatment::Relay, Form::Text),
            (RouteKind::AuthService, Treatment::Answer, Form::Json),
            (RouteKind::Plain, Treatment::Relay, Form::Text),
            (RouteKind::Blf, Treatment::Lamps, Form::Lamps),
        ];
        for (kind, treatment, form) in table {
            assert_eq!(Form::of(Some((kind, treatment)), accept, None), form);
        }
        assert_eq!(Form::of(None, accept, None), Form::Text);
    }
}
