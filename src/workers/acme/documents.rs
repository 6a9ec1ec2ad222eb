//! What a CA sends (RFC 8555), as far as it is used.

use serde::Deserialize;
use time::OffsetDateTime;

/// Longest text of a CA that is repeated, in characters.
pub(super) const LONGEST_TEXT: usize = 500;

/// A problem document (RFC 7807), as far as it is used.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    pub(super) r#type: String,
    pub(super) detail: String,
}

impl Problem {
    /// In one line without control characters.
    pub(super) fn text(&self) -> String {
        let kind = self.kind();
        let plain = |c: &char| !c.is_control();
        let detail: String = self
            .detail
            .chars()
            .filter(plain)
            .take(LONGEST_TEXT)
            .collect();
        format!("{kind}: {detail}")
    }

    pub(super) fn kind(&self) -> String {
        let kind = self.r#type.rsplit(':').next().unwrap_or_default();
        let plain = |c: &char| c.is_ascii_alphanumeric();
        kind.chars().filter(plain).take(64).collect()
    }
}

/// Where everything is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Directory {
    pub(super) new_nonce: String,
    pub(super) new_account: String,
    pub(super) new_order: String,
    pub(super) key_change: Option<String>,
    pub(super) renewal_info: Option<String>,
}

/// An order.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Order {
    pub(super) status: String,
    #[serde(default)]
    pub(super) authorizations: Vec<String>,
    pub(super) finalize: String,
    pub(super) certificate: Option<String>,
    pub(super) error: Option<Problem>,
}

/// What the CA wants to know of one name.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Authorization {
    pub(super) status: String,
    pub(super) identifier: Identifier,
    #[serde(default)]
    pub(super) wildcard: bool,
    #[serde(default)]
    pub(super) challenges: Vec<Challenge>,
}

/// A name.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Identifier {
    pub(super) value: String,
}

/// A way to prove it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Challenge {
    pub(super) r#type: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) token: String,
    pub(super) error: Option<Problem>,
}

/// When to renew (RFC 9773).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RenewalInfo {
    pub(super) suggested_window: Window,
    #[serde(rename = "explanationURL")]
    pub(super) explanation_url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Window {
    #[serde(with = "time::serde::rfc3339")]
    pub(super) start: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) end: OffsetDateTime,
}
