//! Percent-encoding (RFC 3986, section 2.1).

use std::fmt::Write as _;

/// What never needs to be encoded, besides letters and digits (section 2.3).
const UNRESERVED: &[u8] = b"-._~";

/// The bytes with `%xx` for all that are not unreserved, nor among `besides`.
#[must_use]
pub fn encoded(bytes: &[u8], besides: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 8);
    for byte in bytes {
        let plain = byte.is_ascii_alphanumeric() || UNRESERVED.contains(byte);
        if plain || besides.contains(byte) {
            out.push(char::from(*byte));
        } else {
            // Writing into a String cannot fail.
            write!(out, "%{byte:02X}").ok();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unreserved_stays_and_all_else_is_its_bytes() {
        assert_eq!(encoded("aZ9-._~".as_bytes(), b""), "aZ9-._~");
        assert_eq!(encoded("é/x?y&z%".as_bytes(), b""), "%C3%A9%2Fx%3Fy%26z%25");
        assert_eq!(encoded(b"a,b@c", b",@"), "a,b@c");
        assert_eq!(encoded(&[0, 0xff], b""), "%00%FF");
    }
}
