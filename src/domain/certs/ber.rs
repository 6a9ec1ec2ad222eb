//! A small, bounded reader of BER: what PKCS#7 and PKCS#12 files are written in. Windows and
//! browsers use indefinite lengths and strings in pieces, which a reader of DER refuses.

use std::borrow::Cow;

use zeroize::Zeroize as _;
use zeroize::Zeroizing;

/// Deepest nesting followed; real files have about fifteen levels.
const DEEPEST: usize = 32;

/// Tag of an INTEGER.
pub(super) const INTEGER: u8 = 0x02;
/// Tag of an OCTET STRING.
pub(super) const OCTETS: u8 = 0x04;
/// Tag of an object identifier.
pub(super) const OID: u8 = 0x06;
/// Tag of a SEQUENCE.
pub(super) const SEQUENCE: u8 = 0x30;
/// Tag of `[0]`, constructed.
pub(super) const CONTEXT_0: u8 = 0xa0;

/// The bit that says "made of parts".
const CONSTRUCTED: u8 = 0x20;

/// The bytes are not BER, or nested too deeply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotBer;

/// One value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// Its tag, one byte; longer ones are refused.
    pub(super) tag: u8,
    /// All of it, header and end mark included.
    pub(super) whole: &'a [u8],
    /// What is in it, without the end mark.
    pub(super) body: &'a [u8],
}

impl<'a> Element<'a> {
    /// The only element of `bytes`: nothing may follow.
    pub(super) fn only(bytes: &'a [u8]) -> Result<Self, NotBer> {
        match next(bytes, DEEPEST)? {
            (element, []) => Ok(element),
            _ => Err(NotBer),
        }
    }

    /// The parts, when the tag is this one; at most `most`.
    pub(super) fn parts_of(self, tag: u8, most: usize) -> Result<Vec<Self>, NotBer> {
        if self.tag == tag {
            self.parts(most)
        } else {
            Err(NotBer)
        }
    }

    /// The parts; more than `most` are an error.
    pub(super) fn parts(self, most: usize) -> Result<Vec<Self>, NotBer> {
        let mut found = Vec::new();
        let mut rest = self.body;
        while !rest.is_empty() {
            if found.len() == most {
                return Err(NotBer);
            }
            let (element, left) = next(rest, DEEPEST)?;
            found.push(element);
            rest = left;
        }
        Ok(found)
    }

    /// What an explicit tag holds.
    pub(super) fn inside(self, tag: u8) -> Result<Self, NotBer> {
        if self.tag == tag {
            Self::only(self.body)
        } else {
            Err(NotBer)
        }
    }

    /// The bytes of a string, put together when it comes in pieces. `tag` is that of the string in
    /// one piece: of an OCTET STRING, or of an implicit one.
    pub(super) fn string(self, tag: u8) -> Result<Cow<'a, [u8]>, NotBer> {
        if self.tag == tag {
            Ok(Cow::Borrowed(self.body))
        } else if self.tag == tag | CONSTRUCTED {
            let mut whole = Vec::with_capacity(self.body.len());
            gather(self.body, DEEPEST, &mut whole)?;
            Ok(Cow::Owned(whole))
        } else {
            Err(NotBer)
        }
    }

    /// The bytes of an object identifier.
    pub(super) fn oid(self) -> Result<&'a [u8], NotBer> {
        if self.tag == OID && !self.body.is_empty() {
            Ok(self.body)
        } else {
            Err(NotBer)
        }
    }

    /// A whole number from 0 to `u32::MAX`.
    pub(super) fn number(self) -> Result<u32, NotBer> {
        let digits = match self.body {
            [0, rest @ ..] if !rest.is_empty() => rest,
            all => all,
        };
        let negative = self.body.first().is_none_or(|first| first & 0x80 != 0);
        if self.tag != INTEGER || negative || digits.len() > 4 {
            return Err(NotBer);
        }
        Ok(digits
            .iter()
            .fold(0, |number, byte| (number << 8) | u32::from(*byte)))
    }
}

/// The first element of `bytes` and what follows it.
fn next(bytes: &[u8], depth: usize) -> Result<(Element<'_>, &[u8]), NotBer> {
    let [tag, length, after @ ..] = bytes else {
        return Err(NotBer);
    };
    // Tags above 30 take more bytes; nothing here has one.
    if tag & 0x1f == 0x1f || depth == 0 {
        return Err(NotBer);
    }
    let (body, rest) = match *length {
        short @ 0..=0x7f => split(after, usize::from(short))?,
        0x80 if tag & CONSTRUCTED != 0 => {
            let end = end_of(after, depth - 1)?;
            let (body, marked) = split(after, end)?;
            (body, marked.get(2..).ok_or(NotBer)?)
        }
        long @ 0x81..=0x84 => {
            let (digits, after) = split(after, usize::from(long & 0x7f))?;
            let length = digits
                .iter()
                .fold(0_u64, |length, byte| (length << 8) | u64::from(*byte));
            split(after, usize::try_from(length).map_err(|_| NotBer)?)?
        }
        _ => return Err(NotBer),
    };
    let whole = bytes.get(..bytes.len() - rest.len()).ok_or(NotBer)?;
    let tag = *tag;
    Ok((Element { tag, whole, body }, rest))
}

/// Where the end mark of an element of indefinite length begins.
fn end_of(body: &[u8], depth: usize) -> Result<usize, NotBer> {
    let mut rest = body;
    loop {
        if let [0, 0, ..] = rest {
            return Ok(body.len() - rest.len());
        }
        (_, rest) = next(rest, depth)?;
    }
}

fn gather(body: &[u8], depth: usize, whole: &mut Vec<u8>) -> Result<(), NotBer> {
    let mut rest = body;
    while !rest.is_empty() {
        let (piece, left) = next(rest, depth)?;
        match piece.tag {
            OCTETS => whole.extend_from_slice(piece.body),
            tag if tag == OCTETS | CONSTRUCTED => {
                gather(piece.body, depth.checked_sub(1).ok_or(NotBer)?, whole)?;
            }
            _ => return Err(NotBer),
        }
        rest = left;
    }
    Ok(())
}

fn split(bytes: &[u8], at: usize) -> Result<(&[u8], &[u8]), NotBer> {
    bytes.split_at_checked(at).ok_or(NotBer)
}

/// A secret string, wiped when it is dropped.
pub(super) fn secret(bytes: Cow<'_, [u8]>) -> Zeroizing<Vec<u8>> {
    match bytes {
        Cow::Borrowed(bytes) => Zeroizing::new(bytes.to_vec()),
        Cow::Owned(mut bytes) => {
            let copy = Zeroizing::new(bytes.clone());
            bytes.zeroize();
            copy
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definite_and_indefinite_lengths_hold_the_same() {
        let definite = [0x30, 0x03, 0x02, 0x01, 0x07];
        let indefinite = [0x30, 0x80, 0x02, 0x01, 0x07, 0, 0];
        for bytes in [&definite[..], &indefinite[..]] {
            let parts = Element::only(bytes).unwrap().parts(4).unwrap();
            assert_eq!(parts[0].number(), Ok(7));
        }
    }

    #[test]
    fn a_string_in_pieces_is_put_together() {
        let pieces = [0x24, 0x80, 0x04, 0x01, b'a', 0x04, 0x02, b'b', b'c', 0, 0];
        let string = Element::only(&pieces).unwrap().string(OCTETS).unwrap();
        assert_eq!(string.as_ref(), b"abc");
    }

    #[test]
    fn nonsense_is_refused_without_a_panic() {
        let deep = [0x30, 0x80].repeat(100_000);
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 0x05, 1],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1],
            &[0x1f, 0x00],
            &[0x04, 0x80, 0, 0],
            &[0x30, 0x00, 0x00],
            &deep,
        ] {
            assert!(Element::only(bytes).is_err(), "{bytes:?}");
        }
    }
}
