//! A call that did not do what it was to do: what Webex says of it, in whichever of its forms.

use std::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::StatusCode;
use serde::Deserialize;

use crate::domain::provisioning::ids::TrackingId;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::FailureKind;
use crate::outbound::Causes;
use crate::outbound::web::KeptFailure;
use crate::outbound::web::WebFailure;
use crate::outbound::web::retry_after;
use crate::outbound::webex::api::client::TRACKING;
use crate::outbound::webex::api::liberal::Code;

/// Characters of a foreign text that are kept.
pub const TEXT_CHARACTERS: usize = 1_000;

/// Longest pause that is believed; who decides on the next attempt has a shorter limit.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// The body of a refusal, as far as it is there.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Body {
    message: Option<String>,
    errors: Vec<Detail>,
    error_code: Option<Code>,
    tracking_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Detail {
    error_code: Option<Code>,
    /// The billing reports' word for it.
    code: Option<Code>,
    description: Option<String>,
}

/// Reads a refusal: JSON in any of its forms, plain text, or nothing.
pub(super) fn refused(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    ours: &TrackingId,
    now: SystemTime,
) -> CallFailure {
    let parsed: Option<Body> = serde_json::from_slice(body).ok();
    let (code, text, theirs) = match parsed {
        Some(body) => taken_apart(body),
        None => (None, plain(body), None),
    };
    let text = match text {
        text if !text.is_empty() => text,
        _ if status.is_redirection() => {
            "a redirect, which is not followed; compare base-url with Webex's".to_owned()
        }
        _ => status.canonical_reason().unwrap_or("no reason").to_owned(),
    };
    CallFailure {
        kind: FailureKind::Status(status.as_u16()),
        code,
        text,
        ours: Some(ours.clone()),
        theirs: theirs
            .and_then(|id| TrackingId::parse(&id).ok())
            .or_else(|| tracking(headers)),
        retry_after: retry_after(headers, now, LONGEST_PAUSE),
    }
}

/// Webex's name of a call, from the headers of its answer.
pub(super) fn tracking(headers: &HeaderMap) -> Option<TrackingId> {
    let text = headers.get(&TRACKING)?.to_str().ok()?;
    TrackingId::parse(text).ok()
}

/// Details of one refusal that are looked at: their texts are compared with each other, and a
/// person reads a few at most.
const MOST_DETAILS: usize = 32;

fn taken_apart(body: Body) -> (Option<String>, String, Option<String>) {
    let mut code = None;
    let mut texts: Vec<String> = Vec::new();
    let message = body.message.into_iter();
    for text in message.map(|text| tame(&text)) {
        texts.push(text);
    }
    for detail in body.errors.into_iter().take(MOST_DETAILS) {
        let own = detail.error_code.or(detail.code);
        code = code.or_else(|| own.map(Code::into_text));
        let text = detail.description.map(|text| tame(&text));
        if let Some(text) = text.filter(|text| !text.is_empty() && !texts.contains(text)) {
            texts.push(text);
        }
    }
    let code = code.or_else(|| body.error_code.map(Code::into_text));
    texts.retain(|text| !text.is_empty());
    let code = code.map(|code| tame(&code));
    (code, capped(&texts.join("; ")), body.tracking_id)
}

/// Text of a body that is no JSON.
fn plain(body: &[u8]) -> String {
    // Four bytes a character at most; what is cut in the middle of one shows as a replacement.
    let head = body.get(..TEXT_CHARACTERS * 4).unwrap_or(body);
    capped(tame(&String::from_utf8_lossy(head)).trim())
}

/// It is shown on terminals: control characters become spaces.
pub(super) fn tame(text: &str) -> String {
    let tamed = text.trim().chars();
    let tamed = tamed.map(|c| if c.is_control() { ' ' } else { c });
    tamed.take(TEXT_CHARACTERS).collect()
}

fn capped(text: &str) -> String {
    text.chars().take(TEXT_CHARACTERS).collect()
}

/// A request that got no answer.
pub(super) fn unanswered(failure: &KeptFailure, ours: &TrackingId) -> CallFailure {
    let kind = match failure {
        KeptFailure::Unsent(_) => FailureKind::NotSent,
        KeptFailure::Unanswered(WebFailure::TooLarge(_)) => FailureKind::Unreadable,
        KeptFailure::Unanswered(_) => FailureKind::Unanswered,
    };
    CallFailure {
        kind,
        code: None,
        text: tame(&Causes(failure.failure()).to_string()),
        ours: Some(ours.clone()),
        theirs: None,
        retry_after: None,
    }
}

/// An answer that says well, and that nobody can read.
#[must_use]
pub fn unreadable(
    why: &dyn std::fmt::Display,
    ours: &TrackingId,
    theirs: Option<TrackingId>,
) -> CallFailure {
    CallFailure {
        kind: FailureKind::Unreadable,
        code: None,
        text: tame(&format!("the answer cannot be read: {why}")),
        ours: Some(ours.clone()),
        theirs,
        retry_after: None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(status: u16, headers: &[(&'static str, &'static str)], body: &[u8]) -> CallFailure {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_static(value));
        }
        let status = StatusCode::from_u16(status).unwrap();
        let ours = TrackingId::parse("XSPD_1").unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        refused(status, &map, body, &ours, now)
    }

    #[test]
    fn every_form_of_a_refusal_is_read() {
        let published = br#"{"message":"Unable","errors":[{"errorCode":2017,"description":"Unable"}],"trackingId":"NA_1"}"#;
        let failure = read(400, &[], published);
        assert_eq!(failure.code.as_deref(), Some("2017"));
        assert_eq!(failure.text, "Unable");
        assert_eq!(failure.theirs, TrackingId::parse("NA_1").ok());
        assert_eq!(failure.ours, TrackingId::parse("XSPD_1").ok());

        let headers = [("trackingid", "NA_2")];
        let text = br#"{"message":"The request was invalid","errors":[{"description":"email is required"}]}"#;
        let failure = read(400, &headers, text);
        assert_eq!(failure.code, None);
        assert_eq!(failure.text, "The request was invalid; email is required");
        assert_eq!(failure.theirs, TrackingId::parse("NA_2").ok());

        for (body, code, text) in [
            (&br#"{"errorCode":"10022"}"#[..], Some("10022"), "Conflict"),
            (
                br#"{"errors":[{"code":600005}]}"#,
                Some("600005"),
                "Conflict",
            ),
            (b"", None, "Conflict"),
            (b"Gate\x1b[31mway\n", None, "Gate [31mway"),
            (br#"{"message":"cut of"#, None, r#"{"message":"cut of"#),
            (br#"{"errors":"none"}"#, None, r#"{"errors":"none"}"#),
            (b"\xff\xfe", None, "\u{fffd}\u{fffd}"),
        ] {
            let failure = read(409, &[], body);
            assert_eq!(
                (failure.code.as_deref(), failure.text.as_str()),
                (code, text)
            );
            assert_eq!(failure.kind, FailureKind::Status(409));
        }
        let long = read(500, &[], "ä".repeat(5_000).as_bytes());
        assert_eq!(long.text.chars().count(), TEXT_CHARACTERS);
        assert!(read(302, &[], b"").text.contains("base-url"));
    }

    #[test]
    fn a_pause_is_in_seconds_or_up_to_a_date() {
        for (value, pause) in [
            ("37", Some(37)),
            ("0", Some(0)),
            ("Sun, 06 Nov 1994 08:49:57 GMT", Some(20)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("99999999999", Some(86_400)),
            ("soon", None),
            ("-3", None),
        ] {
            let failure = read(429, &[("retry-after", value)], b"");
            assert_eq!(
                failure.retry_after,
                pause.map(Duration::from_secs),
                "{value}"
            );
        }
        assert_eq!(read(429, &[], b"").retry_after, None);
    }

    proptest! {
        #[test]
        fn foreign_bodies_never_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let failure = read(500, &[], &body);
            prop_assert!(failure.text.chars().count() <= TEXT_CHARACTERS);
        }
    }
}
