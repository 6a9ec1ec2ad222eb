//! What is refused at once.

/// A refusal, with the status of its answer and Webex's own code where it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lab::webex) struct Refusal {
    pub(in crate::lab::webex) status: u16,
    pub(in crate::lab::webex) code: Option<u64>,
    pub(in crate::lab::webex) text: String,
    /// Seconds to wait, for a client that came too often.
    pub(in crate::lab::webex) retry_after: Option<u64>,
}

impl Refusal {
    fn new(status: u16, code: Option<u64>, text: String) -> Self {
        Self {
            status,
            code,
            text,
            retry_after: None,
        }
    }

    /// 400, without a code.
    pub(in crate::lab::webex) fn bad(text: impl Into<String>) -> Self {
        Self::new(400, None, text.into())
    }

    /// 400 for a parameter that is missing.
    pub(in crate::lab::webex) fn missing(name: &str) -> Self {
        let text = format!("Mandatory parameter missing. fieldName: {name}");
        Self::new(400, Some(1001), text)
    }

    /// 400 for a parameter of the wrong size.
    pub(in crate::lab::webex) fn size(name: &str) -> Self {
        let text = format!("Invalid parameter size. fieldName: {name}");
        Self::new(400, Some(1002), text)
    }

    /// 404.
    pub(in crate::lab::webex) fn absent(what: &str) -> Self {
        Self::new(404, None, format!("{what} not found."))
    }

    /// 409.
    pub(in crate::lab::webex) fn conflict(code: Option<u64>, text: &str) -> Self {
        Self::new(409, code, text.to_owned())
    }

    /// 429.
    pub(in crate::lab::webex) fn busy(seconds: u64, text: &str) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(429, None, text.to_owned())
        }
    }
}
