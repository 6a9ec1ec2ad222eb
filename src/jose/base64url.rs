//! Base64url without padding (RFC 7515 section 2), in the one canonical spelling of each value.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Refuses padding, other alphabets, white space and trailing bits that are not zero.
const ENGINE: GeneralPurpose = URL_SAFE_NO_PAD;

pub(super) fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

/// Appends to `text`.
pub(super) fn push(text: &mut String, bytes: &[u8]) {
    ENGINE.encode_string(bytes, text);
}

/// `None` for anything that [`encode`] would not write.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    ENGINE.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_canonical_spelling_is_read() {
        assert_eq!(decode("_-8"), Some(vec![0xff, 0xef]));
        assert_eq!(decode(""), Some(vec![]));
        for text in ["_-8=", "/+8", "_-9", "_", "_-8 ", "_\n-8", "_-8\0", "é"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_value_has_one_spelling(bytes in proptest::collection::vec(any::<u8>(), 0..40), text in "[A-Za-z0-9_-]{0,9}") {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
            if let Some(decoded) = decode(&text) {
                prop_assert_eq!(encode(&decoded), text);
            }
        }
    }
}
