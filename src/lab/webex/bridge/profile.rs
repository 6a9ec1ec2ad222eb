//! Documents that an Application Server sends, read by local names without case.

use http::HeaderMap;
use http::header;

use crate::domain::xsi::codec;
use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::Encoding;
use crate::lab::webex::identity::body::CAP;

/// A document.
#[derive(Debug)]
pub(super) struct Document(Element);

impl Document {
    /// Reads a body; the charset of the Content-Type goes before that of the declaration.
    pub(super) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, String> {
        let kind = headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let charset = kind.split(';').skip(1).find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("charset").then_some(value)
        });
        let charset = charset.map(|label| {
            let label = label.trim().trim_matches('"');
            Encoding::parse(label).ok_or_else(|| format!("charset {label} is not known"))
        });
        let document = codec::parse_xml(body, CAP, charset.transpose()?);
        let document = document.map_err(|error| error.to_string())?;
        Ok(Self(document.into_root()))
    }

    /// Whether the root has this name.
    pub(super) fn is(&self, name: &str) -> bool {
        self.0.local().eq_ignore_ascii_case(name)
    }

    /// The text of the first element of one of these names that has any.
    pub(super) fn text(&self, names: &[&str]) -> Option<String> {
        let texts = names.iter().filter_map(|name| {
            let mut children = self.0.children().iter();
            let found = children.find(|child| child.local().eq_ignore_ascii_case(name));
            found.map(|child| child.text().trim())
        });
        let mut texts = texts.filter(|text| !text.is_empty());
        texts.next().map(str::to_owned)
    }

    /// Whether the service that brings a user here is switched off in it.
    pub(super) fn is_unassignment(&self) -> bool {
        let lists = self.0.children().iter();
        let lists = lists.filter(|child| child.local().eq_ignore_ascii_case("services"));
        let mut services = lists.flat_map(Element::children);
        services.any(|service| {
            service.local().eq_ignore_ascii_case("service")
                && service.attribute("name") == Some("IMP")
                && service.attribute("active") == Some("false")
        })
    }
}
