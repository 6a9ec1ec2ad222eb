//! Who proves what: passwords against hashes, digests against what the state keeps for them.

use std::sync::Arc;

use aws_lc_rs::digest;
use md5::Digest as _;
use md5::Md5;

use crate::lab::broadworks::BroadWorks;
use crate::platform::tasks::Tasks;

/// SHA-1 of a password in lower-case hexadecimal digits.
pub(in crate::lab::broadworks) fn sha1(password: &str) -> String {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    hex(digest.as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The `signedPassword` of `LoginRequest14sp4`: MD5 over the nonce, a colon and the SHA-1 of the
/// password, all in lower-case hexadecimal digits.
pub(super) fn signed(nonce: &str, password_sha1: &str) -> String {
    hex(&Md5::digest(format!("{nonce}:{password_sha1}")))
}

/// Whether the password is the one of an argon2id hash. What was proven before is cheap; for the
/// rest a few hashes are computed at once, off the runtime's threads.
pub(super) async fn proves(
    lab: &Arc<BroadWorks>,
    tasks: &Tasks,
    hash: &str,
    password: &str,
) -> bool {
    if lab.passwords.remembers(hash, password) {
        return true;
    }
    let Ok(_turn) = lab.hashing.acquire().await else {
        return false;
    };
    let (lab, hash, password) = (Arc::clone(lab), hash.to_owned(), password.to_owned());
    let good = tasks.blocking(move || lab.passwords.verify(&hash, &password));
    good.await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_a_known_client() {
        // Computed with hashlib, as the public Python client does.
        assert_eq!(
            sha1("0cip-Passw0rd!"),
            "84b2ecf8b11d4cc2e139737ac98b88e42292c709"
        );
        assert_eq!(
            signed("1493661742798", &sha1("0cip-Passw0rd!")),
            "186b5fa588a6924005e6a16af1418ebb"
        );
    }
}
