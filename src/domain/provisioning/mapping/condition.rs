//! What a rule asks of a request: that something is there, or has a value.

use std::fmt;

use crate::domain::provisioning::mapping::source::Request;
use crate::domain::provisioning::mapping::source::Source;
use crate::domain::provisioning::mapping::xml_path::XmlPath;

/// `services/service[@active='false']`, `json:active=false`, `query:op`: a source, which without
/// a kind is a path of XML, and perhaps a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    source: Source,
    value: Option<String>,
}

impl Condition {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let kinds = ["header:", "json:", "path:", "query:", "template:", "xml:"];
        if !kinds.iter().any(|kind| text.starts_with(kind)) {
            let source = XmlPath::parse(text).map(Source::Xml)?;
            return Ok(Self {
                source,
                value: None,
            });
        }
        // The `=` of a predicate stands in brackets.
        let from = text.rfind(']').unwrap_or(0);
        let (source, value) = match text.get(from..).and_then(|rest| rest.find('=')) {
            Some(at) => (
                text.get(..from + at).unwrap_or_default(),
                text.get(from + at + 1..)
                    .map(|value| value.trim().to_owned()),
            ),
            None => (text, None),
        };
        Ok(Self {
            source: Source::parse(source)?,
            value,
        })
    }

    pub(super) const fn is_body(&self) -> bool {
        self.source.is_body()
    }

    /// Whether it holds.
    pub(super) fn holds(&self, request: &Request<'_>) -> bool {
        match &self.value {
            None => self.source.is_present(request),
            Some(value) => self.source.holds(request, value),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source)?;
        match &self.value {
            Some(value) => write!(f, "={value}"),
            None => Ok(()),
        }
    }
}
