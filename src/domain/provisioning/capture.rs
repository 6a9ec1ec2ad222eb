//! One request at the adapter as it is kept for whoever writes the rules: without what must not be
//! kept, with how each rule saw it and what was answered.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::provisioning::call::Call;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::RequestId;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::mapping::FORMAT;
use crate::domain::provisioning::mapping::Outcome;
use crate::domain::provisioning::mapping::Trace;
use crate::domain::provisioning::redact::RedactedBody;
use crate::domain::provisioning::redact::RedactedCall;
use crate::domain::provisioning::redact::Redaction;

/// Largest capture as JSON, in bytes; usual ones have about three kilobytes.
pub const CAPTURE: usize = 128 * 1024;

/// A request that was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Capture {
    /// The name of the request.
    pub id: RequestId,
    /// When it arrived.
    pub at: Moment,
    /// The template that it came to.
    pub template: TemplateKey,
    /// The format of the mapping that read it.
    pub format: String,
    /// The request.
    pub request: RedactedCall,
    /// How each rule saw it.
    pub trace: Trace,
    /// What it was taken for: `upsert`, `remove`, `ignore`, `relay`, or the word of a refusal.
    pub outcome: String,
    /// The status of the answer.
    pub status: u16,
}

/// Why a text is no capture.
#[derive(Debug, thiserror::Error)]
pub enum NotACapture {
    /// More than [`CAPTURE`] bytes.
    #[error("it has more than {CAPTURE} bytes")]
    Large,
    /// Not the JSON of one.
    #[error("it is no capture: {0}")]
    Malformed(#[from] serde_json::Error),
}

impl Capture {
    /// Keeps a request. Values go out of the trace as they go out of the request.
    #[must_use]
    pub fn of(
        (id, at, template): (RequestId, Moment, TemplateKey),
        call: &Call,
        trace: Trace,
        (outcome, status): (&Outcome, u16),
        hidden: Redaction,
    ) -> Self {
        let trace = match hidden {
            Redaction::Personal => trace.without_values(),
            Redaction::Secrets => trace,
        };
        Self {
            id,
            at,
            template,
            format: FORMAT.to_owned(),
            request: RedactedCall::of(call, hidden),
            trace,
            outcome: outcome.as_str().to_owned(),
            status,
        }
    }

    /// As JSON of at most [`CAPTURE`] bytes: what is too large loses its body, then its headers,
    /// then how the fields were seen.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut kept = self.clone();
        let mut text = json(&kept);
        for cut in [cut_body, cut_head, cut_trace] {
            if text.len() <= CAPTURE {
                break;
            }
            cut(&mut kept);
            text = json(&kept);
        }
        text
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`NotACapture`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, NotACapture> {
        if bytes.len() > CAPTURE {
            return Err(NotACapture::Large);
        }
        Ok(serde_json::from_slice(bytes)?)
    }
}

fn json(capture: &Capture) -> String {
    // Names are strings and numbers are finite, so that it can always be written.
    serde_json::to_string(capture).unwrap_or_default()
}

fn cut_body(capture: &mut Capture) {
    if let RedactedBody::Text(text) = &capture.request.body {
        capture.request.body = RedactedBody::Cut(text.len());
    } else {
        capture.request.body = RedactedBody::Cut(0);
    }
}

fn cut_head(capture: &mut Capture) {
    capture.request.headers.clear();
    capture.request.query = None;
}

fn cut_trace(capture: &mut Capture) {
    capture.trace.fields.clear();
    capture.trace.rules.truncate(100);
}
