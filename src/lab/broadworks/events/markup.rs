//! XML as the Application Server writes it: every element with the prefix `xsi`, no white space,
//! no character beyond ASCII. Clients search for these very prefixes, and some read byte by byte.

use std::fmt::Write as _;

/// Elements being written.
#[derive(Debug, Default)]
pub(super) struct Markup(String);

impl Markup {
    /// `<xsi:name>text</xsi:name>`.
    pub(super) fn leaf(&mut self, name: &str, text: &str) -> &mut Self {
        self.leaf_with(name, None, text)
    }

    /// A leaf with an attribute.
    pub(super) fn leaf_with(
        &mut self,
        name: &str,
        attribute: Option<(&str, &str)>,
        text: &str,
    ) -> &mut Self {
        if text.is_empty() {
            self.start(name, attribute, "/>");
        } else {
            self.start(name, attribute, ">");
            self.text(text);
            self.end(name);
        }
        self
    }

    /// A leaf, when there is something to say.
    pub(super) fn some(&mut self, name: &str, text: Option<&str>) -> &mut Self {
        if let Some(text) = text {
            self.leaf(name, text);
        }
        self
    }

    /// A leaf with a number, when there is one.
    pub(super) fn number(&mut self, name: &str, number: Option<i64>) -> &mut Self {
        self.some(name, number.map(|number| number.to_string()).as_deref())
    }

    /// An empty element, when it is so.
    pub(super) fn flag(&mut self, name: &str, flag: bool) -> &mut Self {
        if flag {
            self.start(name, None, "/>");
        }
        self
    }

    /// An element around others.
    pub(super) fn within(&mut self, name: &str, inner: impl FnOnce(&mut Self)) -> &mut Self {
        self.within_with(name, None, inner)
    }

    /// An element with an attribute around others.
    pub(super) fn within_with(
        &mut self,
        name: &str,
        attribute: Option<(&str, &str)>,
        inner: impl FnOnce(&mut Self),
    ) -> &mut Self {
        let mut children = Self::default();
        inner(&mut children);
        if children.0.is_empty() {
            self.start(name, attribute, "/>");
        } else {
            self.start(name, attribute, ">");
            self.0.push_str(&children.0);
            self.end(name);
        }
        self
    }

    /// What was written before.
    pub(super) fn raw(&mut self, written: &str) -> &mut Self {
        self.0.push_str(written);
        self
    }

    /// All of it.
    pub(super) fn into_text(self) -> String {
        self.0
    }

    fn start(&mut self, name: &str, attribute: Option<(&str, &str)>, close: &str) {
        self.0.push_str("<xsi:");
        self.0.push_str(name);
        if let Some((name, value)) = attribute {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            self.text(value);
            self.0.push('"');
        }
        self.0.push_str(close);
    }

    fn end(&mut self, name: &str) {
        self.0.push_str("</xsi:");
        self.0.push_str(name);
        self.0.push('>');
    }

    /// Characters that XML does not have become U+FFFD.
    fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                ' '..='~' => self.0.push(character),
                '\t' | '\n' | '\r' | '\u{7f}'..='\u{fffd}' | '\u{10000}'.. => {
                    self.reference(character);
                }
                _ => self.reference(char::REPLACEMENT_CHARACTER),
            }
        }
    }

    fn reference(&mut self, character: char) {
        let written = write!(self.0, "&#{};", u32::from(character));
        debug_assert!(written.is_ok(), "a String takes everything");
    }
}
