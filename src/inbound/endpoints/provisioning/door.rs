//! Whether a call shows the account and password of its template. Only a salted hash of them is
//! kept, and every comparison takes equally long.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

/// Longest credentials looked at: an account of 80 and a password of 20 characters have less.
const LONGEST: usize = 1024;

/// The hash of what opens a template.
pub(super) struct Door {
    salt: [u8; 16],
    hash: [u8; 32],
}

impl Door {
    /// Opens for this account and password.
    pub(super) fn new(account: &str, password: &[u8]) -> Self {
        let mut salt = [0; 16];
        // Without a random number the hash is unsalted, and is still never told to anybody.
        rand::fill(&mut salt).ok();
        let mut text = Zeroizing::new(Vec::with_capacity(LONGEST));
        text.extend_from_slice(account.as_bytes());
        text.push(b':');
        text.extend_from_slice(password);
        let hash = hash(&salt, &text);
        Self { salt, hash }
    }

    /// Whether exactly one `Authorization` opens it. `None`: there is none to judge.
    pub(super) fn opens(&self, headers: &HeaderMap) -> Option<bool> {
        let mut sent = headers.get_all(AUTHORIZATION).iter();
        let one = sent.next()?;
        if sent.next().is_some() {
            return Some(false);
        }
        let shown = credentials(one.as_bytes()).unwrap_or_default();
        let shown = hash(&self.salt, &shown);
        Some(verify_slices_are_equal(&shown, &self.hash).is_ok())
    }
}

/// `account:password` of Basic credentials.
fn credentials(value: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (word, rest) = value.split_at_checked(5)?;
    if !word.eq_ignore_ascii_case(b"basic") || !rest.first()?.is_ascii_whitespace() {
        return None;
    }
    let encoded = rest.trim_ascii();
    if encoded.len() > LONGEST {
        return None;
    }
    STANDARD.decode(encoded).ok().map(Zeroizing::new)
}

fn hash(salt: &[u8; 16], text: &[u8]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(salt);
    context.update(text);
    let mut hash = [0; 32];
    for (place, byte) in hash.iter_mut().zip(context.finish().as_ref()) {
        *place = *byte;
    }
    hash
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn opens(sent: &[&str]) -> Option<bool> {
        let mut headers = HeaderMap::new();
        for value in sent {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        Door::new("webexprov", b"s:cret").opens(&headers)
    }

    #[test]
    fn only_the_one_account_with_its_password_opens() {
        // webexprov:s:cret
        let right = "Basic d2ViZXhwcm92OnM6Y3JldA==";
        assert_eq!(opens(&[right]), Some(true));
        assert_eq!(opens(&["basic  d2ViZXhwcm92OnM6Y3JldA== "]), Some(true));
        assert_eq!(opens(&[]), None);
        for wrong in [
            "Basic",
            "Basic ",
            "Basic !!",
            "Bearer d2ViZXhwcm92OnM6Y3JldA==",
            "Basicd2ViZXhwcm92OnM6Y3JldA==",
            // webexprov:s, Webexprov:s:cret, and nothing at all.
            "Basic d2ViZXhwcm92OnM=",
            "Basic V2ViZXhwcm92OnM6Y3JldA==",
            "Basic Og==",
        ] {
            assert_eq!(opens(&[wrong]), Some(false), "{wrong}");
        }
        assert_eq!(opens(&[right, right]), Some(false));
        let long = format!("Basic {}", "A".repeat(LONGEST + 4));
        assert_eq!(opens(&[&long]), Some(false));
    }

    #[test]
    fn the_same_password_has_another_hash_each_time() {
        let door = || Door::new("a", b"b");
        assert_ne!(door().hash, door().hash);
    }
}
