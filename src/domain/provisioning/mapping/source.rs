//! Where a value of a request comes from: `xml:services/service[@name='IMP']/@id`, `json:a.b`,
//! `query:q`, `header:h`, `path:-1`, `const:text`, `template:language`.

use std::fmt;

use crate::domain::provisioning::call::Call;
use crate::domain::provisioning::document::Body;
use crate::domain::provisioning::mapping::json_path::JsonPath;
use crate::domain::provisioning::mapping::template::TemplateField;
use crate::domain::provisioning::mapping::template::TemplateValues;
use crate::domain::provisioning::mapping::xml_path::XmlPath;

/// Most steps of a path into a body: the depth that a body may have.
pub(super) const STEPS: usize = 32;

/// Parts of names of what is nobody's business; no rule may look at it.
const SECRETS: [&str; 13] = [
    "api-key",
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "hash",
    "passphrase",
    "password",
    "passwd",
    "pwd",
    "secret",
    "seed",
    "token",
];

/// Whether something of this name is a secret.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETS.iter().any(|secret| name.contains(secret))
}

/// One place of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A text of the mapping itself.
    Const(String),
    /// A header field.
    Header(String),
    /// A member of the JSON object, or of an object in it.
    Json(JsonPath),
    /// A segment of what stands behind the template's address; negative from the end.
    Path(i32),
    /// A parameter of the query.
    Query(String),
    /// A value of the template.
    Template(TemplateField),
    /// An element below the root, or an attribute.
    Xml(XmlPath),
}

/// What a source gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Several values that differ.
    Ambiguous,
    /// Nothing, or nothing but white space.
    Nothing,
    /// A value that is not empty.
    Text(String),
}

/// What sources look into.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The request.
    pub call: &'a Call,
    /// Its body, read.
    pub body: &'a Body,
    /// The template that it came to.
    pub template: &'a TemplateValues,
}

impl Source {
    /// From its written form. The error says what is wrong with it.
    ///
    /// # Errors
    /// An unknown kind, a malformed path, or a name that holds a secret.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((kind, rest)) = text.split_once(':') else {
            return Err("no kind of source before a colon".to_owned());
        };
        let named = |rest: &str| match rest.trim() {
            "" => Err("no name behind the colon".to_owned()),
            name if is_secret(name) => Err(format!("{name} holds a secret")),
            name => Ok(name.to_owned()),
        };
        match kind {
            "const" => Ok(Self::Const(rest.to_owned())),
            "header" => named(rest).map(Self::Header),
            "json" => JsonPath::parse(rest).map(Self::Json),
            "path" => match rest.trim().parse() {
                Ok(0) | Err(_) => {
                    Err("no number of a segment: 1 is the first, -1 the last one".to_owned())
                }
                Ok(number) => Ok(Self::Path(number)),
            },
            "query" => named(rest).map(Self::Query),
            "template" => TemplateField::parse(rest.trim())
                .map(Self::Template)
                .ok_or_else(|| {
                    let names = TemplateField::ALL.map(TemplateField::as_str).join(", ");
                    format!("no value of a template; there are {names}")
                }),
            "xml" => XmlPath::parse(rest).map(Self::Xml),
            _ => Err(format!("{kind} is no kind of source")),
        }
    }

    /// Whether it looks into the body.
    #[must_use]
    pub const fn is_body(&self) -> bool {
        match self {
            Self::Json(_) | Self::Xml(_) => true,
            Self::Const(_)
            | Self::Header(_)
            | Self::Path(_)
            | Self::Query(_)
            | Self::Template(_) => false,
        }
    }

    /// Whether its values are written with escapes of URLs.
    #[must_use]
    pub const fn is_url(&self) -> bool {
        match self {
            Self::Path(_) | Self::Query(_) => true,
            Self::Const(_) | Self::Header(_) | Self::Json(_) | Self::Template(_) | Self::Xml(_) => {
                false
            }
        }
    }

    /// Its value in a request.
    #[must_use]
    pub fn find(&self, request: &Request<'_>) -> Found {
        match self {
            Self::Const(text) => Found::of([text.as_str()]),
            Self::Header(name) => {
                let fields = request.call.headers().iter();
                let values = fields.filter(|(held, _)| held.eq_ignore_ascii_case(name));
                let texts: Vec<_> = values.map(|(_, v)| String::from_utf8_lossy(v)).collect();
                Found::of(texts.iter().map(AsRef::as_ref))
            }
            Self::Json(path) => match request.body {
                Body::Json(object) => path.find(object),
                Body::Empty | Body::Other | Body::Unreadable(_) | Body::Xml(_) => Found::Nothing,
            },
            Self::Path(number) => {
                let at = usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX) - 1;
                let mut segments = request.call.segments();
                let segment = if *number < 0 {
                    segments.rev().nth(at)
                } else {
                    segments.nth(at)
                };
                Found::of(segment)
            }
            Self::Query(name) => Found::of(request.call.parameters(name)),
            Self::Template(field) => Found::of(request.template.value(*field)),
            Self::Xml(path) => match request.body {
                Body::Xml(document) => path.find(document.root()),
                Body::Empty | Body::Json(_) | Body::Other | Body::Unreadable(_) => Found::Nothing,
            },
        }
    }

    /// Whether its value in a request is this one, without case. Of several values that differ none
    /// is taken; in a list of JSON one element is enough.
    #[must_use]
    pub fn holds(&self, request: &Request<'_>, wanted: &str) -> bool {
        if let (Self::Json(path), Body::Json(object)) = (self, request.body) {
            return path.holds(object, wanted);
        }
        match self.find(request) {
            Found::Text(text) => text.eq_ignore_ascii_case(wanted),
            Found::Ambiguous | Found::Nothing => false,
        }
    }

    /// Whether it is there at all, be it empty.
    #[must_use]
    pub fn is_present(&self, request: &Request<'_>) -> bool {
        match self {
            Self::Xml(path) => match request.body {
                Body::Xml(document) => !path.values(document.root()).is_empty(),
                Body::Empty | Body::Json(_) | Body::Other | Body::Unreadable(_) => false,
            },
            Self::Json(path) => match request.body {
                Body::Json(object) => path.is_present(object),
                Body::Empty | Body::Other | Body::Unreadable(_) | Body::Xml(_) => false,
            },
            Self::Query(name) => request.call.parameters(name).next().is_some(),
            Self::Const(_) | Self::Header(_) | Self::Path(_) | Self::Template(_) => {
                self.find(request) != Found::Nothing
            }
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Const(text) => write!(f, "const:{text}"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Json(path) => write!(f, "json:{path}"),
            Self::Path(number) => write!(f, "path:{number}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Template(field) => write!(f, "template:{}", field.as_str()),
            Self::Xml(path) => write!(f, "xml:{path}"),
        }
    }
}

impl Found {
    pub(super) fn of<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let values = values.into_iter().map(str::trim);
        let mut values = values.filter(|value| !value.is_empty());
        match values.next() {
            None => Self::Nothing,
            Some(first) if values.all(|other| other == first) => Self::Text(first.to_owned()),
            Some(_) => Self::Ambiguous,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_written_as_they_were_read() {
        for text in [
            "const:a b",
            "header:x-user",
            "json:a.b",
            "json:services.service[name='I.P'][active=\"it's\"].id",
            "path:-1",
            "path:2",
            "query:bwUserId",
            "template:language",
            "xml:bwUserId",
            "xml:services/service[@name='IMP'][@active=\"it's / so\"]/@id",
            "xml:@id",
        ] {
            assert_eq!(
                Source::parse(text).map(|s| s.to_string()).as_deref(),
                Ok(text)
            );
        }
    }

    #[test]
    fn what_is_no_source_says_why() {
        for (text, why) in [
            ("bwUserId", "no kind"),
            ("form:a", "form is no kind"),
            ("xml:", "no path"),
            ("xml:a//b", "is no name"),
            ("xml:b:a", "without prefix"),
            ("xml:a[1]", "is no [@name='value']"),
            ("xml:a[@b='1]", "a quote without its end"),
            ("xml:@a/b", "an attribute ends"),
            ("xml:impPassword", "holds a secret"),
            ("json:a.passwd", "holds a secret"),
            ("json:a[token='x']", "holds a secret"),
            ("json:a[b]", "is no [name='value']"),
            ("json:a..b", "no name"),
            ("header:Authorization", "holds a secret"),
            ("json:", "no name"),
            ("query: ", "no name"),
            ("path:0", "no number"),
            ("path:x", "no number"),
            ("template:colour", "there are cluster"),
        ] {
            let wrong = Source::parse(text).unwrap_err();
            assert!(wrong.contains(why), "{text}: {wrong}");
        }
    }
}
