//! The documents of Xsi-Actions that the check reads.

use std::collections::BTreeSet;

use crate::domain::blf::requirements::Profile;
use crate::domain::xsi::codec::CodecError;
use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::parse_xml;

/// Largest document in bytes: a profile has 2 KB, a list of 100 services 20 KB.
const CAP: usize = 256 * 1024;

/// Names of the services in a `Services` document.
///
/// # Errors
/// It is not well-formed XML.
pub fn services(document: &[u8]) -> Result<BTreeSet<String>, CodecError> {
    let document = parse_xml(document, CAP, None)?;
    let services = document.root().children_named("service");
    let names = services.filter_map(|service| service.child_text("name"));
    Ok(names.map(|name| name.trim().to_owned()).collect())
}

/// What matters of a `Profile` document.
///
/// # Errors
/// It is not well-formed XML.
pub fn profile(document: &[u8]) -> Result<Profile, CodecError> {
    let document = parse_xml(document, CAP, None)?;
    let Some(details) = document.root().child("details") else {
        return Ok(Profile::default());
    };
    let text = |name: &str| {
        details
            .child_text(name)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let name = [text("firstName"), text("lastName")].join(" ");
    let given = |name: &str| {
        details.child(name).is_some_and(|it: &Element| !it.is_nil()) && !text(name).is_empty()
    };
    Ok(Profile {
        user: Some(text("userId")).filter(|user| !user.is_empty()),
        name: name.trim().to_owned(),
        has_address: given("extension") || given("number"),
    })
}
