//! What Webex is asked: its Common Identity (CI), and its provisioning bridge.

pub mod bridge;
pub mod ci;

use aws_lc_rs::digest;

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
