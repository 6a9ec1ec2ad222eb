//! Values of single elements: what is valid, and its canonical form.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::directory::Setting;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::fault::bad_value;
use crate::lab::broadworks::xsi::services::row::Kind;

/// Longest phone number or SIP URI of the schema.
const ADDRESS: usize = 161;

/// Longest e-mail address of the schema.
const EMAIL: usize = 80;

/// The text of an element that holds one.
pub(super) fn text(kind: &Kind, element: &Element) -> Result<String, Fault> {
    let text = element.text().trim();
    let valid = match kind {
        Kind::Boolean => {
            return match text {
                "true" | "1" => Ok("true".to_owned()),
                "false" | "0" => Ok("false".to_owned()),
                _ => Err(bad_value(element)),
            };
        }
        Kind::Choice(words) => words.contains(&text),
        Kind::Email => is_email(text),
        Kind::Integer(low, high) => {
            return match text.parse::<u32>() {
                Ok(number) if (*low..=*high).contains(&number) => Ok(number.to_string()),
                Ok(_) | Err(_) => Err(bad_value(element)),
            };
        }
        Kind::Phone => is_address(text),
        Kind::Rings => matches!(text.parse::<u32>(), Ok(0 | 2..=20)),
        Kind::SipUri => is_sip(text),
        Kind::Text(most) => !text.is_empty() && text.chars().count() <= *most,
        Kind::List(..) | Kind::Media | Kind::Record(_) | Kind::Repeated(..) | Kind::Users => false,
    };
    if valid && element.children().is_empty() {
        Ok(text.to_owned())
    } else {
        Err(bad_value(element))
    }
}

fn is_email(text: &str) -> bool {
    text.len() <= EMAIL && is_at(text)
}

/// No scheme and exactly one `@` (specification 3.5.3.11).
fn is_sip(text: &str) -> bool {
    text.len() <= ADDRESS && !text.contains(':') && is_at(text)
}

fn is_at(text: &str) -> bool {
    let sound = |part: &str| !part.is_empty() && !part.contains(['@', ' ']);
    text.split_once('@')
        .is_some_and(|(name, domain)| sound(name) && sound(domain))
}

/// A number with the separators that people write, or a SIP URI.
fn is_address(text: &str) -> bool {
    if text.is_empty() || text.len() > ADDRESS {
        return false;
    }
    if let Some(sip) = text
        .strip_prefix("sip:")
        .or_else(|| text.contains('@').then_some(text))
    {
        return is_at(sip) || !sip.is_empty() && !sip.contains(['@', ' ']);
    }
    let number = text.strip_prefix("tel:").unwrap_or(text);
    let number = number.split(';').next().unwrap_or_default();
    number.contains(|c: char| c.is_ascii_digit() || matches!(c, '*' | '#'))
        && number.chars().all(|c| {
            c.is_ascii_digit() || matches!(c, '+' | '-' | '*' | '#' | '.' | '(' | ')' | ' ')
        })
}

/// A file, by reference or with its content.
pub(super) fn media(element: &Element) -> Result<Setting, Fault> {
    let description = element.child_text("description").unwrap_or_default();
    let kind = element.child_text("mediaType").unwrap_or_default();
    if description.is_empty() || !["WMA", "WAV", "3GP", "MOV"].contains(&kind) {
        return Err(Fault::Value(element.local().to_owned()));
    }
    let source = element
        .child("sourceFileName")
        .or_else(|| element.child("content"));
    let source = source.ok_or_else(|| Fault::Value(element.local().to_owned()))?;
    let mut held = source.text().to_owned();
    if source.local() == "content" {
        held.retain(|c| !c.is_ascii_whitespace());
        if STANDARD.decode(&held).is_err() {
            return Err(Fault::Value("content".to_owned()));
        }
    }
    let pairs = [
        ("description", description),
        ("mediaType", kind),
        (source.local(), &held),
    ];
    let record = pairs.map(|(name, text)| (name.to_owned(), Setting::Text(text.to_owned())));
    Ok(Setting::Record(record.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_judged_by_their_kind() {
        let table: &[(Kind, &str, Option<&str>)] = &[
            (Kind::Boolean, " 1 ", Some("true")),
            (Kind::Boolean, "yes", None),
            (Kind::Choice(&["Lunch", "None"]), "Lunch", Some("Lunch")),
            (Kind::Choice(&["Lunch", "None"]), "lunch", None),
            (Kind::Integer(2, 9), "09", Some("9")),
            (Kind::Integer(2, 9), "10", None),
            (Kind::Integer(2, 9), "-2", None),
            (Kind::Rings, "0", Some("0")),
            (Kind::Rings, "1", None),
            (Kind::Rings, "20", Some("20")),
            (Kind::Rings, "21", None),
            (
                Kind::Phone,
                "tel:+12405550101;ext=0101",
                Some("tel:+12405550101;ext=0101"),
            ),
            (Kind::Phone, "(240) 555-0101", Some("(240) 555-0101")),
            (
                Kind::Phone,
                "bob@as.example.net",
                Some("bob@as.example.net"),
            ),
            (Kind::Phone, "bob", None),
            (Kind::Phone, "", None),
            (Kind::Email, "a@b", Some("a@b")),
            (Kind::Email, "a@", None),
            (Kind::SipUri, "a-blf@b", Some("a-blf@b")),
            (Kind::SipUri, "sip:a@b", None),
            (Kind::SipUri, "a@b@c", None),
            (Kind::Text(3), "äöü", Some("äöü")),
            (Kind::Text(3), "abcd", None),
        ];
        for (kind, given, expected) in table {
            let judged = text(kind, &Element::leaf("x", *given)).ok();
            assert_eq!(judged.as_deref(), *expected, "{kind:?} {given:?}");
        }
    }
}
