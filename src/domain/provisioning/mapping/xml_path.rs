//! Paths into an XML body: `services/service[@name='IMP']/@id`.

use std::fmt;

use crate::domain::provisioning::mapping::source::Found;
use crate::domain::provisioning::mapping::source::STEPS;
use crate::domain::provisioning::mapping::source::is_secret;
use crate::domain::xsi::codec::Element;

/// A path from the root of an XML document. Names are compared without prefix and case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XmlPath {
    steps: Vec<Step>,
    /// The attribute that is meant, in place of the element's text.
    attribute: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    name: String,
    /// Attributes that the element must have.
    with: Vec<(String, String)>,
}

impl XmlPath {
    /// From its written form.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut attribute = None;
        for piece in pieces(text.trim(), '/')? {
            if attribute.is_some() {
                return Err("an attribute ends the path".to_owned());
            }
            match piece.strip_prefix('@') {
                Some(name) => attribute = Some(plain(name)?),
                None => steps.push(Step::parse(piece)?),
            }
        }
        if steps.len() > STEPS {
            return Err(format!("more than {STEPS} steps"));
        }
        if steps.is_empty() && attribute.is_none() {
            return Err("no path behind the colon".to_owned());
        }
        let mut names = steps.iter().map(|step| &step.name).chain(&attribute);
        match names.find(|name| is_secret(name)) {
            Some(name) => Err(format!("{name} holds a secret")),
            None => Ok(Self { steps, attribute }),
        }
    }

    pub(super) fn find(&self, root: &Element) -> Found {
        Found::of(self.values(root))
    }

    /// Every text that the path leads to, in the order of the document.
    pub(super) fn values<'a>(&self, root: &'a Element) -> Vec<&'a str> {
        let mut at = vec![root];
        for step in &self.steps {
            let children = at.iter().flat_map(|element| element.children());
            at = children.filter(|child| step.fits(child)).collect();
        }
        match &self.attribute {
            Some(name) => at
                .iter()
                .filter_map(|element| attribute(element, name))
                .collect(),
            None => at.iter().map(|element| element.text()).collect(),
        }
    }
}

impl fmt::Display for XmlPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.steps.iter().map(Step::written);
        let attribute = self.attribute.iter().map(|name| format!("@{name}"));
        let all: Vec<String> = steps.chain(attribute).collect();
        f.write_str(&all.join("/"))
    }
}

impl Step {
    /// `service[@name='IMP'][@active='false']`.
    fn parse(text: &str) -> Result<Self, String> {
        let (name, mut rest) = text.split_at(text.find('[').unwrap_or(text.len()));
        let mut with = Vec::new();
        while !rest.is_empty() {
            let malformed = || format!("{rest} is no [@name='value']");
            let inner = rest.strip_prefix("[@").ok_or_else(malformed)?;
            let (attribute, inner) = inner.split_once('=').ok_or_else(malformed)?;
            let quote = inner.chars().next().filter(|c| matches!(c, '\'' | '"'));
            let quote = quote.ok_or_else(malformed)?;
            let inner = inner.get(1..).unwrap_or_default();
            let (value, inner) = inner.split_once(quote).ok_or_else(malformed)?;
            rest = inner.strip_prefix(']').ok_or_else(malformed)?;
            with.push((plain(attribute.trim())?, value.to_owned()));
        }
        Ok(Self {
            name: plain(name)?,
            with,
        })
    }

    fn fits(&self, element: &Element) -> bool {
        element.local().eq_ignore_ascii_case(&self.name)
            && self.with.iter().all(|(name, value)| {
                attribute(element, name).is_some_and(|held| held.trim().eq_ignore_ascii_case(value))
            })
    }

    fn written(&self) -> String {
        let mut text = self.name.clone();
        for (name, value) in &self.with {
            let quote = if value.contains('\'') { '"' } else { '\'' };
            text.push_str(&format!("[@{name}={quote}{value}{quote}]"));
        }
        text
    }
}

/// An attribute by its local name, without case.
fn attribute<'a>(element: &'a Element, name: &str) -> Option<&'a str> {
    let mut attributes = element.attributes().iter();
    let found = attributes.find(|attribute| attribute.name.local().eq_ignore_ascii_case(name));
    found.map(|attribute| attribute.value.as_str())
}

/// The steps of a path; what borders them borders none inside of quotes.
pub(super) fn pieces(text: &str, border: char) -> Result<Vec<&str>, String> {
    let mut pieces = Vec::new();
    let mut quote = None;
    let mut start = 0;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, c) if c == border => {
                pieces.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            (Some(_) | None, _) => {}
        }
    }
    if quote.is_some() {
        return Err("a quote without its end".to_owned());
    }
    pieces.push(text.get(start..).unwrap_or_default());
    if text.is_empty() {
        pieces.clear();
    }
    Ok(pieces)
}

/// A name without prefix, as far as it can be one.
fn plain(name: &str) -> Result<String, String> {
    let good = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    if !name.is_empty() && name.len() <= 256 && name.chars().all(good) {
        Ok(name.to_owned())
    } else {
        Err(format!(
            "{name:?} is no name; write local names without prefix"
        ))
    }
}
