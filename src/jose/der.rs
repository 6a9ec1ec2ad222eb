//! As much DER as RSA keys are written in: sequences, positive integers, bit and octet strings,
//! object identifiers. Strict: one spelling for each value, nothing after the end.

/// Universal tags.
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'d>(&'d [u8]);

impl<'d> Reader<'d> {
    pub(super) const fn new(der: &'d [u8]) -> Self {
        Self(der)
    }

    /// Whether everything was read.
    pub(super) const fn is_done(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn sequence(&mut self) -> Option<Self> {
        self.content(SEQUENCE).map(Self)
    }

    /// The bytes of a positive integer, without leading zeros.
    pub(super) fn positive(&mut self) -> Option<&'d [u8]> {
        match self.content(INTEGER)? {
            // A leading zero only where the sign bit needs it.
            [0, rest @ ..] if rest.first().is_some_and(|first| *first >= 0x80) => Some(rest),
            whole @ [0x01..=0x7f, ..] => Some(whole),
            _ => None,
        }
    }

    /// An integer that must be zero: a version.
    pub(super) fn zero(&mut self) -> Option<()> {
        (self.content(INTEGER)? == [0]).then_some(())
    }

    pub(super) fn identifier(&mut self) -> Option<&'d [u8]> {
        self.content(OBJECT_IDENTIFIER)
    }

    pub(super) fn null(&mut self) -> Option<()> {
        self.content(NULL)?.is_empty().then_some(())
    }

    /// A bit string of whole bytes.
    pub(super) fn bits(&mut self) -> Option<Self> {
        match self.content(BIT_STRING)? {
            [0, bytes @ ..] => Some(Self(bytes)),
            _ => None,
        }
    }

    pub(super) fn octets(&mut self) -> Option<Self> {
        self.content(OCTET_STRING).map(Self)
    }

    fn content(&mut self, expected: u8) -> Option<&'d [u8]> {
        let [tag, rest @ ..] = self.0 else {
            return None;
        };
        let (length, rest) = length(rest)?;
        if *tag != expected {
            return None;
        }
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(content)
    }
}

/// The shortest form only, up to 64 KiB: the largest key has 2.4 KB.
fn length(from: &[u8]) -> Option<(usize, &[u8])> {
    match from {
        [short @ 0..=0x7f, rest @ ..] => Some((usize::from(*short), rest)),
        [0x81, long @ 0x80..=0xff, rest @ ..] => Some((usize::from(*long), rest)),
        [0x82, high @ 1..=0xff, low, rest @ ..] => {
            Some((usize::from(u16::from_be_bytes([*high, *low])), rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers_have_one_spelling() {
        let read = |der: &'static [u8]| Reader::new(der).positive();
        assert_eq!(read(&[2, 1, 5]), Some(&[5][..]));
        assert_eq!(read(&[2, 2, 0, 0x80]), Some(&[0x80][..]));
        for der in [
            &[2, 1, 0][..],
            &[2, 1, 0x80],
            &[2, 2, 0, 5],
            &[2, 0],
            &[2, 2, 5],
            &[2, 0x81, 1, 5],
            &[2, 0x82, 0, 1, 5],
            &[2, 0x80, 5, 0, 0],
            &[3, 1, 5],
            &[],
        ] {
            assert_eq!(read(der), None, "{der:?}");
        }
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut reader = Reader::new(&bytes);
            while let Some(mut inner) = reader.sequence() {
                let number = inner.positive().map_or(0, <[u8]>::len);
                let text = inner.bits().or_else(|| inner.octets()).map_or(0, |rest| rest.0.len());
                prop_assert!(number + text <= bytes.len());
            }
        }
    }
}
