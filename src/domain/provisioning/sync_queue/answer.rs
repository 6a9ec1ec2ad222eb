//! What an answer of Webex means for a sync.

use crate::domain::provisioning::sync_queue::Heard;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::DirectorySync;
use crate::domain::provisioning::webex::FailureKind;
use crate::domain::provisioning::webex::SubscriberError;

/// Errors of a sync that are shown.
const SAID: usize = 5;

/// Codes that say that the cluster, or the sync itself, is busy.
const BUSY: [&str; 3] = ["600005", "600006", "600009"];

/// What an answer of Webex means for a sync that was triggered or looked at.
#[must_use]
pub fn heard(answer: &Result<DirectorySync, CallFailure>) -> Heard {
    match answer {
        Ok(sync) => heard_of(sync),
        Err(failure) => {
            let code = failure.code.as_deref().unwrap_or_default();
            let text = match (code, failure.text.as_str()) {
                ("", text) => text.to_owned(),
                (code, text) => format!("{code} {text}"),
            };
            match failure.kind {
                _ if BUSY.contains(&code) => Heard::Busy {
                    retry_after: failure.retry_after,
                },
                FailureKind::Status(423 | 429) => Heard::Busy {
                    retry_after: failure.retry_after,
                },
                FailureKind::Status(400..=499) => Heard::Refused(text),
                FailureKind::NoToken
                | FailureKind::NotSent
                | FailureKind::Status(_)
                | FailureKind::Unanswered
                | FailureKind::Unreadable => Heard::Failed(text),
            }
        }
    }
}

fn heard_of(sync: &DirectorySync) -> Heard {
    let status = sync.status.as_deref().unwrap_or_default();
    let is = |word: &str| status.eq_ignore_ascii_case(word);
    // Between the trigger and the beginning, the word is still that of before the first sync.
    if is("IN_PROGRESS") || is("NOT_SYNCED") {
        return Heard::Running;
    }
    let code = |error: &SubscriberError| error.code.as_deref().unwrap_or_default().to_owned();
    if sync
        .errors
        .iter()
        .any(|error| BUSY.contains(&code(error).as_str()))
    {
        return Heard::Busy { retry_after: None };
    }
    let mut text = status.to_owned();
    for error in sync.errors.iter().take(SAID) {
        text += &format!("; {} {}", code(error), error.description);
    }
    Heard::Settled {
        well: is("COMPLETE") && sync.errors.is_empty(),
        text,
    }
}
