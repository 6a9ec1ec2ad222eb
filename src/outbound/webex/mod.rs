//! What Webex is asked: its Common Identity ([`ci`]), the APIs by which subscribers are provisioned
//! ([`api`], with tokens by [`oauth`]), and its provisioning [`bridge`].

pub mod api;
pub mod bridge;
pub mod ci;
pub mod oauth;

use aws_lc_rs::digest;
use http::HeaderValue;
use http::header::InvalidHeaderValue;
use zeroize::Zeroizing;

use crate::config::secret::Secret;
use crate::config::secret::SecretError;
use crate::config::secret::SecretRef;

/// SHA-256 of `bytes`: names a token without keeping it.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, bytes);
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    hash
}

/// Without the line end that editors and `echo` put behind it.
fn trimmed(reference: &SecretRef, secret: &Secret) -> Result<Secret, SecretError> {
    let bytes = secret.expose().trim_ascii();
    if bytes.is_empty() {
        return Err(SecretError::Empty(reference.clone()));
    }
    Ok(Secret::new(bytes.to_vec()))
}

/// A header value that no log shows.
fn secret_value(scheme: &str, secret: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let text = Zeroizing::new(format!("{scheme} {secret}"));
    let mut value = HeaderValue::from_str(&text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// `application/x-www-form-urlencoded`: everything but what is safe in every reading of it.
fn form_encode(bytes: &[u8], into: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._".contains(byte) {
            into.push(*byte);
        } else {
            let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied();
            into.push(b'%');
            into.extend(digit(byte >> 4));
            into.extend(digit(byte & 15));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_value_survives_whatever_is_in_it() {
        let mut form = Vec::new();
        form_encode("a-Z.0_~+/= &é\r\n".as_bytes(), &mut form);
        assert_eq!(form, b"a-Z.0_%7E%2B%2F%3D%20%26%C3%A9%0D%0A");
    }

    #[test]
    fn the_line_end_behind_a_secret_is_not_part_of_it() {
        let reference = SecretRef::Environment("X".to_owned());
        let read = |text: &str| trimmed(&reference, &Secret::new(text.as_bytes().to_vec()));
        assert_eq!(read("secret\r\n").unwrap().expose(), b"secret");
        assert!(matches!(read(" \n"), Err(SecretError::Empty(_))));
    }
}
