//! The life of our keys: next -> active -> retiring -> gone. A next key is published before it
//! signs, so that every node can check what another one signs; a retiring key checks until no
//! token of it can be in use. Transitions take the time as an argument; nothing here computes.

mod file;

use std::fmt;
use std::time::Duration;
use std::time::SystemTime;

use serde::Deserialize;
use serde::Serialize;
use time::OffsetDateTime;
use zeroize::Zeroizing;

pub use file::KEY_FILE_BYTES;
pub use file::KeyFileFault;

/// Most retiring keys at once. More would mean a rotation every few days with tokens of a month.
pub const RETIRING: usize = 8;

/// How long a retiring key outlives the last token that it can have signed: clocks differ, and a
/// node may have learnt of the rotation late.
pub const MARGIN: Duration = Duration::from_secs(3600);

/// Where a key stands. A key that is gone is not in the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// Published, not signing.
    Next,
    /// Signs.
    Active,
    /// Only checks.
    Retiring,
}

impl KeyState {
    /// The word in the key file and in what is printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
        }
    }
}

/// The one algorithm that a key is used with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum KeyAlgorithm {
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
}

/// The only type of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum KeyType {
    /// RSA.
    #[serde(rename = "RSA")]
    Rsa,
}

/// A private number in base64url. It prints as `…` and is wiped when dropped.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct PrivateText(Zeroizing<String>);

impl PrivateText {
    /// Takes ownership.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for PrivateText {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl Serialize for PrivateText {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl fmt::Debug for PrivateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// One key: its life, and its numbers as a private JWK has them (RFC 7518 section 6.3).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// Where it stands.
    pub state: KeyState,
    /// What it signs with.
    pub alg: KeyAlgorithm,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// When it began to sign.
    #[serde(with = "time::serde::rfc3339::option")]
    pub activated: Option<OffsetDateTime>,
    /// From when on it checks no more.
    #[serde(with = "time::serde::rfc3339::option")]
    pub retires: Option<OffsetDateTime>,
    /// RSA.
    pub kty: KeyType,
    /// Modulus.
    pub n: String,
    /// Public exponent.
    pub e: String,
    /// Private exponent.
    pub d: PrivateText,
    /// First prime.
    pub p: PrivateText,
    /// Second prime.
    pub q: PrivateText,
    /// `d` modulo `p - 1`.
    pub dp: PrivateText,
    /// `d` modulo `q - 1`.
    pub dq: PrivateText,
    /// Inverse of `q` modulo `p`.
    pub qi: PrivateText,
}

impl KeyRecord {
    /// Whether it may still check signatures.
    #[must_use]
    pub fn checks_at(&self, now: SystemTime) -> bool {
        let now = moment(now);
        match self.state {
            KeyState::Next | KeyState::Active => true,
            KeyState::Retiring => self.retires.is_some_and(|end| now < end),
        }
    }
}

/// Why a transition is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysRefusal {
    /// A second next key.
    #[error("there is a next key already: {kid}")]
    NextPresent {
        /// The one that is there.
        kid: String,
    },
    /// Nothing to rotate to.
    #[error("there is no next key")]
    NoNext,
    /// This key is in the set.
    #[error("the key {kid} is there already")]
    SameKey {
        /// Which.
        kid: String,
    },
    /// More than [`RETIRING`] keys would be retiring.
    #[error("{RETIRING} keys are retiring already; the first ends at {first_end}")]
    TooManyRetiring {
        /// When there is room again.
        first_end: OffsetDateTime,
    },
}

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The key that signs now.
    pub active: String,
    /// The key that signed before.
    pub retiring: String,
    /// Until when it checks.
    pub until: OffsetDateTime,
    /// Retiring keys that had ended.
    pub gone: Vec<String>,
}

/// The farm's keys. Empty, or with exactly one active key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySet {
    generation: u64,
    keys: Vec<KeyRecord>,
}

impl KeySet {
    /// No keys yet.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Grows with every change; nodes with equal keys have equal generations.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Every key, the oldest first.
    #[must_use]
    pub fn keys(&self) -> &[KeyRecord] {
        &self.keys
    }

    /// The key in a state of which there is at most one; of the retiring ones the first.
    #[must_use]
    pub fn in_state(&self, state: KeyState) -> Option<&KeyRecord> {
        self.keys.iter().find(|key| key.state == state)
    }

    /// Takes a new key in: as the active one when there is none, else as the next one. Returns
    /// what it became.
    ///
    /// # Errors
    /// [`KeysRefusal::NextPresent`], [`KeysRefusal::SameKey`].
    pub fn generate(&mut self, key: KeyRecord, now: SystemTime) -> Result<KeyState, KeysRefusal> {
        if let Some(next) = self.in_state(KeyState::Next) {
            let kid = next.kid.clone();
            return Err(KeysRefusal::NextPresent { kid });
        }
        if self.keys.iter().any(|held| held.kid == key.kid) {
            return Err(KeysRefusal::SameKey { kid: key.kid });
        }
        let (state, activated) = match self.in_state(KeyState::Active) {
            Some(_) => (KeyState::Next, None),
            None => (KeyState::Active, Some(moment(now))),
        };
        self.keys.push(KeyRecord {
            state,
            created: moment(now),
            activated,
            retires: None,
            ..key
        });
        self.changed();
        Ok(state)
    }

    /// The next key becomes active, the active one retires for as long as its tokens can live,
    /// and [`MARGIN`]. Keys that have ended go first.
    ///
    /// # Errors
    /// [`KeysRefusal::NoNext`], [`KeysRefusal::TooManyRetiring`]; nothing has changed then.
    pub fn rotate(
        &mut self,
        now: SystemTime,
        token_life: Duration,
    ) -> Result<Rotation, KeysRefusal> {
        let mut rotated = self.clone();
        let gone = rotated.expire(now);
        let rotation = rotated.turn(moment(now), token_life, gone)?;
        *self = rotated;
        Ok(rotation)
    }

    fn turn(
        &mut self,
        now: OffsetDateTime,
        token_life: Duration,
        gone: Vec<String>,
    ) -> Result<Rotation, KeysRefusal> {
        let kid = |key: Option<&KeyRecord>| key.map(|key| key.kid.clone());
        let active = kid(self.in_state(KeyState::Next)).ok_or(KeysRefusal::NoNext)?;
        let retiring = kid(self.in_state(KeyState::Active)).ok_or(KeysRefusal::NoNext)?;
        let ends: Vec<_> = self.keys.iter().filter_map(|key| key.retires).collect();
        if let Some(first_end) = ends.iter().min().filter(|_| ends.len() >= RETIRING) {
            let first_end = *first_end;
            return Err(KeysRefusal::TooManyRetiring { first_end });
        }
        let until = time::Duration::try_from(token_life.saturating_add(MARGIN))
            .map_or_else(|_| latest(), |life| now.saturating_add(life));
        for key in &mut self.keys {
            match key.state {
                KeyState::Next => {
                    key.state = KeyState::Active;
                    key.activated = Some(now);
                }
                KeyState::Active => {
                    key.state = KeyState::Retiring;
                    key.retires = Some(until);
                }
                KeyState::Retiring => {}
            }
        }
        self.changed();
        Ok(Rotation {
            active,
            retiring,
            until,
            gone,
        })
    }

    /// Removes the retiring keys that have ended; returns their names.
    pub fn expire(&mut self, now: SystemTime) -> Vec<String> {
        let (stay, gone) = std::mem::take(&mut self.keys)
            .into_iter()
            .partition::<Vec<_>, _>(|key| key.checks_at(now));
        self.keys = stay;
        if !gone.is_empty() {
            self.changed();
        }
        gone.into_iter().map(|key| key.kid).collect()
    }

    /// Whether both hold the same keys in the same states.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        fn facts(set: &KeySet) -> Vec<(&str, &str)> {
            let mut facts: Vec<_> = set
                .keys
                .iter()
                .map(|key| (key.kid.as_str(), key.state.as_str()))
                .collect();
            facts.sort_unstable();
            facts
        }
        facts(self) == facts(other)
    }

    fn changed(&mut self) {
        self.generation = self.generation.saturating_add(1);
    }
}

/// A time of the clock in whole seconds, at the ends of what a date can be if it is beyond.
fn moment(time: SystemTime) -> OffsetDateTime {
    let Ok(since) = time.duration_since(SystemTime::UNIX_EPOCH) else {
        return OffsetDateTime::UNIX_EPOCH;
    };
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or_else(|_| latest())
}

/// The last second of the year 9999, where RFC 3339 ends.
const fn latest() -> OffsetDateTime {
    time::macros::datetime!(9999-12-31 23:59:59 UTC)
}

#[cfg(test)]
mod tests;
