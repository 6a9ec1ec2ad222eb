//! Character encodings of documents: those that XSPs and their clients were seen to use.

use std::borrow::Cow;

use crate::domain::xsi::codec::error::CodecError;
use crate::domain::xsi::codec::error::Fault;

/// A character encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// US-ASCII.
    Ascii,
    /// ISO-8859-1, the usual one of profile, service and directory answers.
    Latin1,
    /// UTF-8.
    Utf8,
    /// windows-1252, what some clients mean by ISO-8859-1.
    Windows1252,
}

impl Encoding {
    /// By its label, in any case; `None` for one that is not spoken here.
    #[must_use]
    pub fn parse(label: &str) -> Option<Self> {
        let is = |names: &[&str]| names.iter().any(|name| label.eq_ignore_ascii_case(name));
        if is(&["utf-8", "utf8"]) {
            Some(Self::Utf8)
        } else if is(&["iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "l1"]) {
            Some(Self::Latin1)
        } else if is(&["us-ascii", "ascii"]) {
            Some(Self::Ascii)
        } else if is(&["windows-1252", "cp1252"]) {
            Some(Self::Windows1252)
        } else {
            None
        }
    }

    /// The label as XSPs write it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ascii => "US-ASCII",
            Self::Latin1 => "ISO-8859-1",
            Self::Utf8 => "UTF-8",
            Self::Windows1252 => "windows-1252",
        }
    }

    /// Whether the encoding has the character.
    #[must_use]
    pub fn has(self, c: char) -> bool {
        match self {
            Self::Ascii => c.is_ascii(),
            Self::Latin1 => u32::from(c) < 0x100,
            Self::Utf8 => true,
            Self::Windows1252 => {
                c.is_ascii()
                    || ('\u{a0}'..='\u{ff}').contains(&c)
                    || WINDOWS_1252.contains(&c) && c != UNASSIGNED
            }
        }
    }

    /// Bytes to text.
    ///
    /// # Errors
    /// [`Fault::Bytes`] at the first byte that the encoding does not have.
    pub fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, CodecError> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes)
                .map(Cow::Borrowed)
                .map_err(|error| CodecError::new(Fault::Bytes, error.valid_up_to())),
            Self::Ascii => match bytes.iter().position(|byte| !byte.is_ascii()) {
                Some(at) => Err(CodecError::new(Fault::Bytes, at)),
                None => Self::Utf8.decode(bytes),
            },
            Self::Latin1 if bytes.is_ascii() => Self::Utf8.decode(bytes),
            Self::Latin1 => Ok(Cow::Owned(
                bytes.iter().map(|byte| char::from(*byte)).collect(),
            )),
            Self::Windows1252 => bytes
                .iter()
                .enumerate()
                .map(|(at, byte)| {
                    windows_1252(*byte).ok_or_else(|| CodecError::new(Fault::Bytes, at))
                })
                .collect::<Result<String, _>>()
                .map(Cow::Owned),
        }
    }

    /// Text to bytes; characters that the encoding does not have become `?`, so the writer asks
    /// [`Encoding::has`] first.
    pub(super) fn encode(self, text: String) -> Vec<u8> {
        match self {
            Self::Utf8 => text.into_bytes(),
            Self::Ascii | Self::Latin1 => text
                .chars()
                .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
                .collect(),
            Self::Windows1252 => text
                .chars()
                .map(|c| {
                    (0..=u8::MAX)
                        .find(|byte| windows_1252(*byte) == Some(c))
                        .unwrap_or(b'?')
                })
                .collect(),
        }
    }
}

fn windows_1252(byte: u8) -> Option<char> {
    match byte {
        0x80..=0x9f => WINDOWS_1252
            .get(usize::from(byte & 0x1f))
            .copied()
            .filter(|c| *c != UNASSIGNED),
        _ => Some(char::from(byte)),
    }
}

/// Marks the five bytes that windows-1252 leaves open.
const UNASSIGNED: char = '\0';

/// 0x80 to 0x9f of windows-1252.
const WINDOWS_1252: [char; 32] = [
    '€', UNASSIGNED, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', UNASSIGNED, 'Ž',
    UNASSIGNED, UNASSIGNED, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', UNASSIGNED,
    'ž', 'Ÿ',
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_returns_what_it_was_given() {
        for (encoding, text) in [
            (Encoding::Ascii, "Boss"),
            (Encoding::Latin1, "Renée Müller Núñez \u{85}"),
            (Encoding::Utf8, "渡辺 Łukasz"),
            (Encoding::Windows1252, "Žofie – 5 €"),
        ] {
            assert!(text.chars().all(|c| encoding.has(c)), "{encoding:?}");
            let bytes = encoding.encode(text.to_owned());
            assert_eq!(encoding.decode(&bytes).unwrap(), text);
            assert_eq!(
                Encoding::parse(&encoding.label().to_lowercase()),
                Some(encoding)
            );
        }
        assert_eq!(Encoding::Ascii.decode(b"ab\xe9").unwrap_err().at, 2);
        assert_eq!(
            Encoding::Windows1252.decode(b"\x81").unwrap_err().fault,
            Fault::Bytes
        );
        assert_eq!(Encoding::parse("utf-16"), None);
    }
}
