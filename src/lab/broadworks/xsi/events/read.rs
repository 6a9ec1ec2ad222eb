//! Elements of request documents as values.

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::events::settings::LONGEST_ID;
use crate::lab::broadworks::events::settings::NEVER;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::fault::bad_value;

/// A number of the schema's positive integers, or its default.
pub(super) fn number(document: &Element, name: &str, default: u32) -> Result<u32, Fault> {
    let Some(element) = document.child(name) else {
        return Ok(default);
    };
    let number = element.text().trim().parse::<u32>().ok();
    number
        .filter(|number| (1..=NEVER).contains(number))
        .ok_or_else(|| bad_value(element))
}

/// Seconds until the end; what is left out is the least.
pub(super) fn expires(document: &Element) -> Result<u32, Fault> {
    let Some(element) = document.child("expires") else {
        return Ok(0);
    };
    let seconds = element.text().trim().parse::<u32>().ok();
    seconds
        .filter(|seconds| *seconds <= NEVER)
        .ok_or_else(|| bad_value(element))
}

/// A text that the client chose; an empty one is none.
pub(super) fn id(document: &Element, name: &str) -> Result<Option<String>, Fault> {
    let Some(element) = document.child(name) else {
        return Ok(None);
    };
    let text = element.text().trim();
    if text.chars().count() > LONGEST_ID {
        return Err(bad_value(element));
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}
