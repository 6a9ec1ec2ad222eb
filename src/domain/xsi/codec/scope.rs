//! The namespaces in force at a place of a document.

use std::sync::Arc;

use crate::domain::xsi::codec::error::Fault;
use crate::domain::xsi::codec::tree::Declaration;

/// Declarations in force, from the inside out.
#[derive(Default)]
pub(super) struct Scope<'a> {
    pub(super) outer: Option<&'a Self>,
    pub(super) declarations: &'a [Declaration],
}

impl Scope<'_> {
    pub(super) fn lookup(&self, prefix: Option<&str>) -> Result<Option<Arc<str>>, Fault> {
        if prefix == Some("xml") {
            return Ok(Some(Arc::from("http://www.w3.org/XML/1998/namespace")));
        }
        let found = self
            .declarations
            .iter()
            .find(|declaration| declaration.prefix.as_deref() == prefix);
        match (found, self.outer) {
            (Some(declaration), _) if declaration.uri.is_empty() => Ok(None),
            (Some(declaration), _) => Ok(Some(Arc::clone(&declaration.uri))),
            (None, Some(outer)) => outer.lookup(prefix),
            (None, None) if prefix.is_none() => Ok(None),
            (None, None) => Err(Fault::Prefix),
        }
    }
}
