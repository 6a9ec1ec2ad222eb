//! Passwords: argon2id in the state, and a bounded memory of what was proven, so that load runs
//! do not measure argon2.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::PoisonError;

use argon2::Algorithm;
use argon2::Argon2;
use argon2::Params;
use argon2::Version;
use argon2::password_hash::PasswordHasher;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use aws_lc_rs::hmac;

use crate::lab::broadworks::error::LabError;

/// KiB of one hash: light, because the lab's passwords are public anyway.
const MEMORY: u32 = 8 * 1024;

/// Proven credentials kept; the memory is emptied when full.
const REMEMBERED: usize = 4096;

/// Hashes and checks passwords.
pub(super) struct Passwords {
    argon2: Argon2<'static>,
    key: hmac::Key,
    proven: Mutex<HashSet<[u8; 32]>>,
}

impl Passwords {
    pub(super) fn new() -> Result<Self, LabError> {
        let params =
            Params::new(MEMORY, 1, 1, None).map_err(|error| LabError::Hash(error.into()))?;
        Ok(Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            key: hmac::Key::new(hmac::HMAC_SHA256, &random::<32>()?),
            proven: Mutex::new(HashSet::new()),
        })
    }

    /// A salted hash in PHC form. Takes some 10 ms of one core.
    pub(super) fn hash(&self, password: &str) -> Result<String, LabError> {
        let salt = random::<16>()?;
        self.argon2
            .hash_password_with_salt(password.as_bytes(), &salt)
            .map(|hash| hash.to_string())
            .map_err(LabError::Hash)
    }

    /// Whether this pair was proven before. Cheap.
    pub(super) fn remembers(&self, hash: &str, password: &str) -> bool {
        self.memory().contains(&self.mark(hash, password))
    }

    /// Whether the password is the one of the hash; remembers it when it is. Takes as long as
    /// hashing.
    pub(super) fn verify(&self, hash: &str, password: &str) -> bool {
        let good = PasswordHash::new(hash).is_ok_and(|hash| {
            self.argon2
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        });
        if good {
            let mark = self.mark(hash, password);
            let mut memory = self.memory();
            if memory.len() >= REMEMBERED {
                memory.clear();
            }
            memory.insert(mark);
        }
        good
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, HashSet<[u8; 32]>> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keyed, so that the memory of the process holds no quick way to the passwords; the hash is
    /// part of it, so that a changed password is forgotten.
    fn mark(&self, hash: &str, password: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(hash.as_bytes());
        context.update(b"\0");
        context.update(password.as_bytes());
        let mut mark = [0; 32];
        for (to, from) in mark.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        mark
    }
}

/// Random bytes.
pub(super) fn random<const N: usize>() -> Result<[u8; N], LabError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| LabError::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_is_proven_and_remembered() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("Passw0rd!").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=8192,t=1,p=1$"), "{hash}");
        assert!(!passwords.verify(&hash, "passw0rd!"));
        assert!(!passwords.remembers(&hash, "Passw0rd!"));
        assert!(passwords.verify(&hash, "Passw0rd!"));
        assert!(passwords.remembers(&hash, "Passw0rd!"));
        assert!(!passwords.remembers(&hash, "passw0rd!"));
        assert!(!passwords.remembers(&passwords.hash("Passw0rd!").unwrap(), "Passw0rd!"));
    }
}
