//! Distinguished names and object identifiers as text that is safe to print.

use std::fmt::Write as _;

use x509_parser::asn1_rs::Any;
use x509_parser::asn1_rs::Tag;
use x509_parser::oid_registry;
use x509_parser::x509::X509Name;

/// Longest text made of a name, in bytes; a table row must stay a row. Longer names end in `…`.
const LONGEST: usize = 512;

/// Longest object identifier written out, in bytes of its encoding; real ones have fewer than 20.
const LONGEST_OID: usize = 64;

/// A name in the manner of RFC 4514: most specific part first, special and invisible characters
/// escaped. For people only; names are compared by their DER.
#[must_use]
pub fn text(name: &X509Name<'_>) -> String {
    let mut text = String::new();
    let parts: Vec<_> = name.iter_rdn().collect();
    for part in parts.iter().rev() {
        if text.len() > LONGEST {
            break;
        }
        for (nth, attribute) in part.iter().enumerate() {
            match (nth, text.is_empty()) {
                (0, true) => {}
                (0, false) => text.push_str(", "),
                _ => text.push('+'),
            }
            text.push_str(&label(attribute.attr_type().as_bytes()));
            text.push('=');
            text.push_str(&escape(&decode(attribute.attr_value())));
        }
    }
    if text.is_empty() {
        "(empty name)".to_owned()
    } else {
        shorten(text)
    }
}

/// The common names, most specific first, unescaped.
#[must_use]
pub fn common_names(name: &X509Name<'_>) -> Vec<String> {
    let mut names: Vec<_> = name
        .iter_by_oid(&oid_registry::OID_X509_COMMON_NAME)
        .map(|attribute| decode(attribute.attr_value()))
        .collect();
    names.reverse();
    names
}

/// The contents of an object identifier as dotted text.
#[must_use]
pub fn dotted(encoded: &[u8]) -> String {
    let mut arcs: Vec<u128> = Vec::new();
    let mut arc: u128 = 0;
    if encoded.len() > LONGEST_OID {
        return "(overlong object identifier)".to_owned();
    }
    for byte in encoded {
        let Some(shifted) = arc.checked_mul(128) else {
            return "(overlong object identifier)".to_owned();
        };
        arc = shifted | u128::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                // The first number carries two arcs, X.690 section 8.19.4.
                let top = (arc / 40).min(2);
                arcs.push(top);
                arc -= top * 40;
            }
            arcs.push(arc);
            arc = 0;
        }
    }
    let words: Vec<_> = arcs.iter().map(u128::to_string).collect();
    words.join(".")
}

/// Escapes what RFC 4514 wants escaped, and what would move a terminal's cursor or reorder text.
#[must_use]
pub fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (nth, character) in value.chars().enumerate() {
        match character {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => {
                escaped.push('\\');
                escaped.push(character);
            }
            ' ' if nth == 0 || nth == last => escaped.push_str("\\ "),
            '#' if nth == 0 => escaped.push_str("\\#"),
            seen if is_visible(seen) => escaped.push(seen),
            hidden => escape_bytes(hidden, &mut escaped),
        }
    }
    escaped
}

fn escape_bytes(character: char, escaped: &mut String) {
    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
        // Writing to a String cannot fail.
        let _written = write!(escaped, "\\{byte:02X}");
    }
}

/// Whether a character shows as itself: no controls, no direction marks, no zero-width ones.
fn is_visible(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}'
            | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn shorten(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

/// The short name of an attribute type, or its number.
fn label(oid: &[u8]) -> String {
    let known = match oid {
        [0x55, 0x04, 0x03] => "CN",
        [0x55, 0x04, 0x05] => "serialNumber",
        [0x55, 0x04, 0x06] => "C",
        [0x55, 0x04, 0x07] => "L",
        [0x55, 0x04, 0x08] => "ST",
        [0x55, 0x04, 0x09] => "STREET",
        [0x55, 0x04, 0x0a] => "O",
        [0x55, 0x04, 0x0b] => "OU",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01] => "emailAddress",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01] => "UID",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19] => "DC",
        _ => return dotted(oid),
    };
    known.to_owned()
}

/// An attribute's value as text, unescaped.
pub(super) fn plain(value: &Any<'_>) -> String {
    decode(value)
}

/// An attribute's value as text; what is no text becomes `#` and hex, as RFC 4514 has it.
fn decode(value: &Any<'_>) -> String {
    let bytes = value.data;
    match value.tag() {
        Tag::BmpString => {
            let units = bytes.chunks_exact(2).map(|pair| {
                pair.iter()
                    .fold(0, |unit: u16, byte| (unit << 8) | u16::from(*byte))
            });
            char::decode_utf16(units)
                .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        Tag::UniversalString => bytes
            .chunks_exact(4)
            .map(|four| {
                four.iter()
                    .fold(0, |unit: u32, byte| (unit << 8) | u32::from(*byte))
            })
            .map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
        Tag::Utf8String
        | Tag::PrintableString
        | Tag::Ia5String
        | Tag::NumericString
        | Tag::VisibleString
        | Tag::GeneralString => String::from_utf8_lossy(bytes).into_owned(),
        // In practice T.61 strings hold Latin-1.
        Tag::T61String => bytes.iter().map(|byte| char::from(*byte)).collect(),
        _ => bytes
            .iter()
            .take(LONGEST)
            .fold("#".to_owned(), |mut hex, byte| {
                // Writing to a String cannot fail.
                let _written = write!(hex, "{byte:02x}");
                hex
            }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn special_and_invisible_characters_are_escaped() {
        let cases = [
            ("Internal Private Root", "Internal Private Root"),
            ("a,b+c", "a\\,b\\+c"),
            (" x ", "\\ x\\ "),
            ("#1", "\\#1"),
            ("a\nb\u{1b}[2J", "a\\0Ab\\1B[2J"),
            ("a\u{202e}b", "a\\E2\\80\\AEb"),
            ("Zürich", "Zürich"),
        ];
        for (value, escaped) in cases {
            assert_eq!(escape(value), escaped);
        }
    }

    #[test]
    fn object_identifiers_are_dotted() {
        let cti = [
            0x2b, 0x06, 0x01, 0x04, 0x01, 0xb2, 0x1f, 0x01, 0x01, 0x08, 0x02, 0x01, 0x03,
        ];
        assert_eq!(dotted(&cti), "1.3.6.1.4.1.6431.1.1.8.2.1.3");
        assert_eq!(dotted(&[0x55, 0x1d, 0x25, 0x00]), "2.5.29.37.0");
        assert_eq!(dotted(&[0x88, 0x37]), "2.999");
        assert_eq!(dotted(&[0xff; 40]), "(overlong object identifier)");
        assert_eq!(dotted(&[0x01; 65]), "(overlong object identifier)");
    }

    proptest! {
        #[test]
        fn escaped_text_never_holds_a_control_character(value in ".*") {
            prop_assert!(escape(&value).chars().all(is_visible));
        }

        #[test]
        fn any_bytes_make_an_object_identifier_without_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let text = dotted(&bytes);
            prop_assert!(text.is_ascii());
        }
    }
}
