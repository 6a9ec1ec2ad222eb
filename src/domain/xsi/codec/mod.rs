//! Xsi documents: one tree, read from and written as XML or BadgerFish JSON.
//!
//! Readers judge (`hardening`: quick-xml alone does not check well-formedness); nothing that is
//! relayed ever passes through here. Size is capped by the caller, the rest by [`limits`].

pub mod encoding;
pub mod error;
mod json_read;
mod json_write;
pub mod limits;
pub mod names;
mod scope;
pub mod tree;
mod xml_read;
mod xml_text;
mod xml_write;

pub use encoding::Encoding;
pub use error::CodecError;
pub use error::Fault;
pub use json_read::parse_json;
pub use json_write::write_json;
pub use limits::XmlRules;
pub use tree::Attribute;
pub use tree::Declaration;
pub use tree::Document;
pub use tree::Element;
pub use tree::Name;
pub use xml_read::declared_encoding;
pub use xml_read::parse_xml;
pub use xml_read::parse_xml_by;
pub use xml_write::write_xml;

/// The one namespace of Xsi documents (XSI Interface Specification 3.3).
pub const XSI: &str = "http://schema.broadsoft.com/xsi";

/// The namespace of `nil` and `type`, declared under changing prefixes.
pub const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

#[cfg(test)]
mod tests;
