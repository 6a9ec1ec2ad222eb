//! The farm's keys as a running node uses them: read once, never changed; a new file makes a new
//! ring.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::json;

use crate::config::SigningAlgorithm;
use crate::domain::auth::keys::KeyAlgorithm;
use crate::domain::auth::keys::KeyFileFault;
use crate::domain::auth::keys::KeySet;
use crate::domain::auth::keys::KeyState;
use crate::domain::auth::token::Claims;
use crate::domain::auth::token::TokenFault;
use crate::domain::auth::token::TokenRules;
use crate::jose::KeysNotReady;
use crate::jose::SigningKey;
use crate::jose::VerifyingKey;
use crate::jose::jws;

/// An immutable snapshot of the farm's keys; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct KeyRing(Arc<Keys>);

#[derive(Debug, Default)]
struct Keys {
    generation: u64,
    active: Option<Active>,
    verifying: Vec<Verifying>,
}

#[derive(Debug)]
struct Active {
    key: SigningKey,
    algorithm: SigningAlgorithm,
    since: Option<SystemTime>,
}

#[derive(Debug)]
struct Verifying {
    key: VerifyingKey,
    /// From when on it verifies no more.
    ends: Option<SystemTime>,
}

impl Verifying {
    fn holds_at(&self, now: SystemTime) -> bool {
        self.ends.is_none_or(|end| now < end)
    }
}

impl KeyRing {
    /// No keys: nothing is issued, every token is refused.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Reads a key file and proves every key in it; retiring keys that have ended are left out.
    /// Takes milliseconds a key.
    ///
    /// # Errors
    /// [`KeyFileFault`].
    pub fn from_file(text: &[u8], now: SystemTime) -> Result<Self, KeyFileFault> {
        Self::from_set(&KeySet::parse(text)?, now)
    }

    /// Like [`KeyRing::from_file`], from a set that was read already.
    ///
    /// # Errors
    /// [`KeyFileFault::BadKey`], [`KeyFileFault::WrongName`].
    pub fn from_set(set: &KeySet, now: SystemTime) -> Result<Self, KeyFileFault> {
        let mut active = None;
        let mut verifying = Vec::new();
        for record in set.keys() {
            let key = SigningKey::from_record(record)?;
            let algorithm = match record.alg {
                KeyAlgorithm::Ps256 => SigningAlgorithm::Ps256,
                KeyAlgorithm::Rs256 => SigningAlgorithm::Rs256,
            };
            let bad = |_| KeyFileFault::BadKey(record.kid.clone());
            if record.checks_at(now) {
                verifying.push(Verifying {
                    key: key.verifying(algorithm).map_err(bad)?,
                    ends: record.retires.map(SystemTime::from),
                });
            }
            match record.state {
                KeyState::Active => {
                    active = Some(Active {
                        key,
                        algorithm,
                        since: record.activated.map(SystemTime::from),
                    });
                }
                KeyState::Next | KeyState::Retiring => {}
            }
        }
        Ok(Self(Arc::new(Keys {
            generation: set.generation(),
            active,
            verifying,
        })))
    }

    /// Whether there is a key to sign with.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.active.is_some()
    }

    /// Of the key file; nodes with equal keys have equal generations. 0 without keys.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.0.generation
    }

    /// The algorithm of the active key, which new tokens have.
    #[must_use]
    pub fn algorithm(&self) -> Option<SigningAlgorithm> {
        self.0.active.as_ref().map(|active| active.algorithm)
    }

    /// The name of the active key.
    #[must_use]
    pub fn active_kid(&self) -> Option<&str> {
        self.0.active.as_ref().map(|active| active.key.kid())
    }

    /// Whether the other one signs and verifies the same, for as long.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        fn facts(ring: &KeyRing) -> impl Iterator<Item = (&str, Option<SystemTime>)> {
            let keys = ring.0.verifying.iter();
            keys.map(|key| (key.key.kid(), key.ends))
        }
        self.generation() == other.generation()
            && self.active_kid() == other.active_kid()
            && self.jwks() == other.jwks()
            && facts(self).eq(facts(other))
    }

    /// Since when the active key signs.
    #[must_use]
    pub fn age_of_active(&self) -> Option<SystemTime> {
        self.0.active.as_ref().and_then(|active| active.since)
    }

    /// A compact JWS by the active key, with the algorithm that this key is pinned to.
    ///
    /// # Errors
    /// [`KeysNotReady`] without an active key.
    pub fn issue(&self, claims: &Claims) -> Result<String, KeysNotReady> {
        let active = self.0.active.as_ref().ok_or(KeysNotReady)?;
        let payload = claims.to_ascii_json();
        let token = active.key.sign(active.algorithm, payload.as_bytes());
        token.map_err(|_| KeysNotReady)
    }

    /// Everything but revocation: form, key, signature, claims, issuer, dates.
    ///
    /// # Errors
    /// [`TokenFault`].
    pub fn verify(
        &self,
        token: &str,
        rules: &TokenRules,
        now: SystemTime,
    ) -> Result<Claims, TokenFault> {
        let named = |kid: &str| {
            let key = self.0.verifying.iter().find(|key| key.key.kid() == kid)?;
            key.holds_at(now).then_some(&key.key)
        };
        let claims = Claims::parse(&jws::verify(token, named)?)?;
        claims.judge(rules, now)?;
        Ok(claims)
    }

    /// The public keys as a JWK Set (RFC 7517 section 5), the next key among them.
    #[must_use]
    pub fn jwks(&self) -> String {
        let keys: Vec<_> = self
            .0
            .verifying
            .iter()
            .map(|key| key.key.to_jwk())
            .collect();
        json!({ "keys": keys }).to_string()
    }
}
