//! The tree of a document. Mixed content keeps text and children, not their order: Xsi has none.

use std::sync::Arc;

use crate::domain::xsi::codec::INSTANCE;
use crate::domain::xsi::codec::XSI;
use crate::domain::xsi::codec::error::Fault;
use crate::domain::xsi::codec::limits;
use crate::domain::xsi::codec::names;
use crate::domain::xsi::codec::scope::Scope;

/// A document: one root element, prefixes resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    root: Element,
}

impl Document {
    /// Around a root element built here. White space beside children is dropped and prefixes are
    /// resolved; an undeclared one leaves its name without a namespace.
    #[must_use]
    pub fn new(mut root: Element) -> Self {
        let declared = root.resolve(&Scope::default());
        debug_assert!(declared.is_ok(), "prefix without declaration");
        Self { root }
    }

    /// As [`Document::new`], for what a peer sent.
    pub(super) fn resolved(mut root: Element) -> Result<Self, Fault> {
        root.resolve(&Scope::default())?;
        Ok(Self { root })
    }

    /// The root element.
    #[must_use]
    pub const fn root(&self) -> &Element {
        &self.root
    }

    /// The root element, taken out.
    #[must_use]
    pub fn into_root(self) -> Element {
        self.root
    }
}

/// A name as written: `xsi1:type`, `userId`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    prefix: Option<Box<str>>,
    local: Box<str>,
}

impl Name {
    /// From its written form.
    ///
    /// # Errors
    /// [`Fault::Name`] or [`Fault::NameLength`].
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.len() > limits::NAME {
            return Err(Fault::NameLength);
        }
        let (prefix, local) = match text.split_once(':') {
            Some((prefix, local)) => (Some(prefix), local),
            None => (None, text),
        };
        if names::is_plain_name(local) && prefix.is_none_or(names::is_plain_name) {
            Ok(Self {
                prefix: prefix.map(Box::from),
                local: Box::from(local),
            })
        } else {
            Err(Fault::Name)
        }
    }

    fn plain(local: &str) -> Self {
        debug_assert!(names::is_plain_name(local), "plain name");
        let (prefix, local) = (None, Box::from(local));
        Self { prefix, local }
    }

    /// The part before the colon.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }

    /// The part behind the colon, or all of it.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The written form.
    #[must_use]
    pub fn written(&self) -> String {
        match &self.prefix {
            Some(prefix) => format!("{prefix}:{}", self.local),
            None => self.local.to_string(),
        }
    }
}

/// An attribute that is no namespace declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name as written.
    pub name: Name,
    /// Its value, references resolved.
    pub value: String,
    namespace: Option<Arc<str>>,
}

impl Attribute {
    /// Not yet resolved.
    #[must_use]
    pub const fn new(name: Name, value: String) -> Self {
        Self {
            name,
            value,
            namespace: None,
        }
    }
}

/// A namespace declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// The prefix; `None` for the default namespace.
    pub prefix: Option<Box<str>>,
    /// The namespace; empty undeclares the default one.
    pub uri: Arc<str>,
}

/// One element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    name: Name,
    namespace: Option<Arc<str>>,
    declarations: Vec<Declaration>,
    attributes: Vec<Attribute>,
    text: String,
    children: Vec<Self>,
}

impl Element {
    /// An empty element of a name known at build time, without prefix.
    #[must_use]
    pub fn new(local: &str) -> Self {
        Self::named(Name::plain(local))
    }

    /// An empty element.
    #[must_use]
    pub const fn named(name: Name) -> Self {
        Self {
            name,
            namespace: None,
            declarations: Vec::new(),
            attributes: Vec::new(),
            text: String::new(),
            children: Vec::new(),
        }
    }

    /// A root in the Xsi namespace.
    #[must_use]
    pub fn xsi(local: &str) -> Self {
        Self::new(local).declare(None, XSI)
    }

    /// An element that holds only text.
    #[must_use]
    pub fn leaf(local: &str, text: impl Into<String>) -> Self {
        Self::new(local).text_of(text)
    }

    /// With a namespace declaration more.
    #[must_use]
    pub fn declare(mut self, prefix: Option<&str>, uri: &str) -> Self {
        self.declarations.push(Declaration {
            prefix: prefix.map(Box::from),
            uri: Arc::from(uri),
        });
        self
    }

    /// With an attribute more.
    #[must_use]
    pub fn attribute_of(self, local: &str, value: impl Into<String>) -> Self {
        self.with_attribute(Attribute::new(Name::plain(local), value.into()))
    }

    /// With an attribute more, whose prefix must be declared here or above.
    #[must_use]
    pub fn with_attribute(mut self, attribute: Attribute) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// With this text.
    #[must_use]
    pub fn text_of(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// With a child more.
    #[must_use]
    pub fn with(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// With children more.
    #[must_use]
    pub fn with_all(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// With a text-only child more.
    #[must_use]
    pub fn with_leaf(self, local: &str, text: impl Into<String>) -> Self {
        self.with(Self::leaf(local, text))
    }

    /// With a text-only child more when there is a text.
    #[must_use]
    pub fn with_some(self, local: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.with_leaf(local, text),
            None => self,
        }
    }

    /// The name as written.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// The name without prefix.
    #[must_use]
    pub fn local(&self) -> &str {
        self.name.local()
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The namespaces declared on this element.
    #[must_use]
    pub fn declarations(&self) -> &[Declaration] {
        &self.declarations
    }

    /// The attributes in order.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// An attribute by its local name.
    #[must_use]
    pub fn attribute(&self, local: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name.local() == local)
            .map(|attribute| attribute.value.as_str())
    }

    /// The text of this element itself.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The children in order.
    #[must_use]
    pub fn children(&self) -> &[Self] {
        &self.children
    }

    /// The first child of a local name.
    #[must_use]
    pub fn child(&self, local: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.local() == local)
    }

    /// All children of a local name.
    pub fn children_named<'a>(&'a self, local: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children
            .iter()
            .filter(move |child| child.local() == local)
    }

    /// The text of the first child of a local name, without white space around it.
    #[must_use]
    pub fn child_text(&self, local: &str) -> Option<&str> {
        self.child(local).map(|child| child.text.trim())
    }

    /// An attribute of the schema instance namespace by its local name, under whatever prefix.
    #[must_use]
    pub fn instance(&self, local: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|attribute| {
            attribute.name.local() == local && attribute.namespace.as_deref() == Some(INSTANCE)
        });
        found.map(|attribute| attribute.value.as_str())
    }

    /// Whether `nil` of the schema instance namespace is true.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        matches!(self.instance("nil").map(str::trim), Some("true" | "1"))
    }

    pub(super) fn push_declaration(&mut self, declaration: Declaration) {
        self.declarations.push(declaration);
    }

    pub(super) fn push_attribute(&mut self, attribute: Attribute) {
        self.attributes.push(attribute);
    }

    pub(super) fn push_text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(super) fn push_child(&mut self, child: Self) {
        self.children.push(child);
    }

    fn resolve(&mut self, outer: &Scope<'_>) -> Result<(), Fault> {
        if !self.children.is_empty() && self.text.chars().all(names::is_space) {
            self.text.clear();
        }
        let scope = Scope {
            outer: Some(outer),
            declarations: &self.declarations,
        };
        let mut outcome = Ok(());
        self.namespace = scope.lookup(self.name.prefix()).unwrap_or_else(|fault| {
            outcome = Err(fault);
            None
        });
        for attribute in &mut self.attributes {
            // The default namespace does not reach attributes (Namespaces in XML 6.2).
            if let Some(prefix) = attribute.name.prefix() {
                attribute.namespace = scope.lookup(Some(prefix)).unwrap_or_else(|fault| {
                    outcome = Err(fault);
                    None
                });
            }
        }
        if self.has_twins() {
            outcome = Err(Fault::Duplicate);
        }
        for child in &mut self.children {
            outcome = child.resolve(&scope).and(outcome);
        }
        outcome
    }

    /// Two attributes that mean the same name. At most [`limits::ATTRIBUTES`] are compared.
    fn has_twins(&self) -> bool {
        self.attributes.iter().enumerate().any(|(at, one)| {
            self.attributes.iter().skip(at + 1).any(|other| {
                one.name.local() == other.name.local()
                    && one.namespace == other.namespace
                    && (one.namespace.is_some() || one.name == other.name)
            })
        })
    }
}
