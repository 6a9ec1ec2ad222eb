//! The text inside XML markup: values, references, ends of lines.

use crate::domain::xsi::codec::error::Fault;
use crate::domain::xsi::codec::names;

/// `name = "value"` at the start of the text, and what follows it.
pub(super) fn pair(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = text.split_once('=')?;
    let rest = rest.trim_start_matches(names::is_space);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (value, behind) = rest.get(1..)?.split_once(quote)?;
    Some((name.trim_end_matches(names::is_space), value, behind))
}

/// References resolved, literal white space made blanks (XML 1.0 section 3.3.3).
pub(super) fn attribute_value(raw: &str) -> Result<String, Fault> {
    if raw.contains('<') {
        return Err(Fault::Attribute);
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        let (plain, from) = rest.split_at(at);
        push_blanks(&mut value, plain);
        let end = from.find(';').ok_or(Fault::Reference)?;
        let (whole, behind) = from.split_at(end + 1);
        value.push(reference(whole)?);
        rest = behind;
    }
    push_blanks(&mut value, rest);
    Ok(value)
}

fn push_blanks(value: &mut String, plain: &str) {
    let lines = unix_lines(plain);
    value.extend(
        lines
            .chars()
            .map(|c| if names::is_space(c) { ' ' } else { c }),
    );
}

/// End-of-line handling, XML 1.0 section 2.11.
pub(super) fn unix_lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// `&name;` or `&#n;`, whole.
pub(super) fn reference(raw: &str) -> Result<char, Fault> {
    let name = raw
        .strip_prefix('&')
        .and_then(|rest| rest.strip_suffix(';'));
    let name = name.ok_or(Fault::Reference)?;
    let Some(number) = name.strip_prefix('#') else {
        return match name {
            "amp" => Ok('&'),
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "quot" => Ok('"'),
            "apos" => Ok('\''),
            _ if names::is_plain_name(name) => Err(Fault::Entity),
            _ => Err(Fault::Reference),
        };
    };
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(Fault::Reference);
    }
    let code = u32::from_str_radix(digits, radix)
        .ok()
        .and_then(char::from_u32);
    code.filter(|c| names::is_char(*c)).ok_or(Fault::Character)
}
