//! Reading a tree by local name. Elements without a namespace count as Xsi: some answers are
//! printed so (Xsi-Actions field page, 3.4); those of a foreign namespace are not seen.

use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::XSI;

/// An element whose children are fields.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a Element);

impl<'a> Fields<'a> {
    pub(super) fn name(self) -> &'a str {
        self.0.local()
    }

    pub(super) fn all(self, name: &'static str) -> impl Iterator<Item = Self> {
        let ours = |element: &Element| element.namespace().is_none_or(|space| space == XSI);
        self.0
            .children()
            .iter()
            .filter(move |child| child.local() == name && ours(child))
            .map(Self)
    }

    pub(super) fn child(self, name: &'static str) -> Option<Self> {
        self.all(name).next()
    }

    pub(super) fn has(self, name: &'static str) -> bool {
        self.child(name).is_some()
    }

    /// Text that is not empty.
    pub(super) fn text(self, name: &'static str) -> Option<&'a str> {
        let text = self.child(name)?.0.text().trim();
        (!text.is_empty()).then_some(text)
    }

    pub(super) fn owned(self, name: &'static str) -> Option<Box<str>> {
        self.text(name).map(Box::from)
    }

    /// A number; what is none counts as absent.
    pub(super) fn number<N: std::str::FromStr>(self, name: &'static str) -> Option<N> {
        self.text(name)?.parse().ok()
    }

    /// The local part of the element's schema type.
    pub(super) fn kind(self) -> Option<&'a str> {
        let written = self.0.instance("type")?.trim();
        Some(written.rsplit(':').next().unwrap_or(written))
    }
}
