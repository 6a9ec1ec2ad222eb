//! Why there is no answer to use.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::domain::xsi::codec::parse_xml;
use crate::outbound::SendFailure;

/// Characters of a summary that are worth showing.
const SUMMARY: usize = 160;

/// Bytes of a refusal that are read for its words.
pub(super) const REFUSAL_BYTES: usize = 64 * 1024;

/// Why a request has no answer to use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XsiFailure {
    /// The answer broke off.
    #[error("{upstream} broke its answer off")]
    Broken {
        /// Who did.
        upstream: Arc<str>,
    },
    /// The XSP sends us to another server.
    #[error(
        "{upstream} sends us to {location:?}, which is no XSP of the pool; add it, or name it \
         among the aliases of its upstream"
    )]
    Redirected {
        /// Who did.
        upstream: Arc<str>,
        /// Where to.
        location: String,
    },
    /// It says no.
    #[error("{upstream} answered {status}{}{}", summary_text(.summary.as_deref()), remedy(*.status))]
    Refused {
        /// Who did.
        upstream: Arc<str>,
        /// The status of the answer.
        status: u16,
        /// Its own words.
        summary: Option<String>,
    },
    /// No answer came about.
    #[error("{0}; see the reasons of failed upstream requests in the README")]
    Send(#[from] SendFailure),
    /// It took too long.
    #[error(
        "{upstream} did not finish its answer within {limit:?}; look at the XSP and at the Application Server behind it"
    )]
    Timeout {
        /// Who did not.
        upstream: Arc<str>,
        /// The time limit.
        limit: Duration,
    },
    /// The answer is larger than any real one.
    #[error("{upstream} gave an answer larger than {cap} bytes")]
    TooLarge {
        /// Who did.
        upstream: Arc<str>,
        /// The cap.
        cap: usize,
    },
    /// The id cannot stand in a path, so that no server can know it.
    #[error(
        "the id cannot be sent: it is empty, too long, or holds a slash or a control character"
    )]
    Unsendable,
    /// The answer is not the document that was asked for.
    #[error("the answer is not the document that was asked for; is the upstream an XSP?")]
    Unusable,
}

impl XsiFailure {
    /// Every word of [`XsiFailure::as_str`] that is not one of a [`SendFailure`].
    pub const WORDS: [&'static str; 11] = [
        "broken-answer",
        "forbidden",
        "not-found",
        "overloaded",
        "redirected",
        "refused",
        "timeout",
        "too-large",
        "unauthorized",
        "unsendable",
        "unusable",
    ];

    /// The word for logs, labels and documentation.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Broken { .. } => "broken-answer",
            Self::Redirected { .. } => "redirected",
            Self::Refused { status, .. } => match *status {
                401 => "unauthorized",
                403 => "forbidden",
                404 | 410 => "not-found",
                429 | 503 => "overloaded",
                _ => "refused",
            },
            Self::Send(failure) => failure.as_str(),
            Self::Timeout { .. } => "timeout",
            Self::TooLarge { .. } => "too-large",
            Self::Unsendable => "unsendable",
            Self::Unusable => "unusable",
        }
    }

    /// The status of a refusal.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Broken { .. }
            | Self::Redirected { .. }
            | Self::Send(_)
            | Self::Timeout { .. }
            | Self::TooLarge { .. }
            | Self::Unsendable
            | Self::Unusable => None,
        }
    }

    /// A refusal with what its `ErrorInfo` says, if it is one.
    pub(super) fn refused(upstream: Arc<str>, status: StatusCode, body: &[u8]) -> Self {
        Self::Refused {
            upstream,
            status: status.as_u16(),
            summary: summary_of(body),
        }
    }
}

/// A platform's own pages may be HTML: those have no summary.
fn summary_of(body: &[u8]) -> Option<String> {
    let document = parse_xml(body, REFUSAL_BYTES, None).ok()?;
    let root = document.root();
    let text = root
        .child_text("summaryEnglish")
        .or_else(|| root.child_text("summary"))?;
    let plain = text.chars().filter(|c| !c.is_control());
    let text: String = plain.take(SUMMARY).collect();
    (!text.is_empty()).then_some(text)
}

fn summary_text(summary: Option<&str>) -> String {
    summary.map_or_else(String::new, |summary| format!(" ({summary})"))
}

const fn remedy(status: u16) -> &'static str {
    match status {
        401 => "; check user-id and password of [blf.account], and that the account is not locked",
        403 => {
            "; give the account of [blf.account] an administrator level that may see these users, \
             and its event packages a high enough limit"
        }
        404 | 410 => "; the user, call or channel is not there",
        429 | 503 => "; the XSP is overloaded, lower the rates of [blf] or add an XSP",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_xsp_its_words_and_the_remedy() {
        let body = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><ErrorInfo \
            xmlns=\"http://schema.broadsoft.com/xsi\"><summary>Nein</summary>\
            <summaryEnglish>No such user</summaryEnglish><errorCode>1</errorCode></ErrorInfo>";
        let failure = XsiFailure::refused("xsp1".into(), StatusCode::UNAUTHORIZED, body);
        assert_eq!(
            failure.to_string(),
            "xsp1 answered 401 (No such user); check user-id and password of [blf.account], and \
             that the account is not locked"
        );
        assert_eq!(failure.as_str(), "unauthorized");
    }

    #[test]
    fn a_page_of_the_platform_has_no_summary() {
        let page = b"<html><body><p>Down<br></body></html>";
        let failure = XsiFailure::refused("xsp1".into(), StatusCode::BAD_GATEWAY, page);
        assert_eq!(failure.to_string(), "xsp1 answered 502");
        assert_eq!(failure.as_str(), "refused");
    }
}
