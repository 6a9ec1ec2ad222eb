//! The signed password of `LoginRequest14sp4`.
//!
//! MD5 and SHA-1 are what the Application Server asks for here. They keep the password from
//! travelling in clear, no more: whoever hears both messages can try passwords at leisure.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use md5::Digest as _;
use md5::Md5;
use zeroize::Zeroizing;

/// MD5 over the nonce, a colon and the SHA-1 of the password, both digests in lower-case hex
/// (as public OCI-P clients do it).
#[must_use]
pub fn signed_password(nonce: &str, password: &[u8]) -> Zeroizing<String> {
    let password = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password);
    let hidden = hex(password.as_ref());
    let mut signed = Zeroizing::new(Vec::with_capacity(nonce.len() + 1 + hidden.len()));
    signed.extend_from_slice(nonce.as_bytes());
    signed.push(b':');
    signed.extend_from_slice(hidden.as_bytes());
    hex(&Md5::digest(&*signed))
}

fn hex(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    for byte in bytes {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values computed with another implementation of both digests.
    #[test]
    fn the_signed_password_is_known() {
        for (nonce, password, signed) in [
            (
                "1616017564343",
                "secret",
                "fe30b2f21dcee01aba9b843e2011f0ec",
            ),
            ("", "x", "4acf13fc255c970bac482b0cd6c9397a"),
            ("1136300593147", "admin", "432593bae573706acb2a39ddfa7c113f"),
            (
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "pässwörd",
                "b7b944d7934646cab64b0216726af2a5",
            ),
            (
                "01234567890123456789012345678901234567890123456789",
                "",
                "a586e216b5c0374be1314ebfeca5fa3f",
            ),
        ] {
            assert_eq!(
                *signed_password(nonce, password.as_bytes()),
                signed,
                "{nonce}"
            );
        }
    }
}
