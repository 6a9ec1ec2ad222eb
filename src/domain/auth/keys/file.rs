//! The key file: JSON, written by `xspd keys` only, read by every node.

use serde::Deserialize;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::domain::auth::keys::KeyRecord;
use crate::domain::auth::keys::KeySet;
use crate::domain::auth::keys::KeyState;
use crate::domain::auth::keys::RETIRING;

/// Largest key file in bytes: ten keys of 4096 bits need less than 40 KB.
pub const KEY_FILE_BYTES: usize = 64 * 1024;

/// Tells our files from BroadWorks' own.
const FORMAT: &str = "xspd-authservice-keys";

/// The only version so far.
const VERSION: u32 = 1;

/// Why a key file cannot be used. No text repeats what is in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileFault {
    /// The numbers of a key are no RSA key of 2048 to 4096 bits.
    #[error("the numbers of the key {0:?} are not an RSA key of 2048 to 4096 bits")]
    BadKey(String),
    /// A retiring key without an end, an active one without a beginning, or the reverse.
    #[error("the dates of the key {0:?} do not fit its state")]
    Dates(String),
    /// Not the JSON that it should be.
    #[error("it is damaged at line {line}, column {column}")]
    Damaged {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// Keys, but none that signs.
    #[error("it has keys, but none of them is active")]
    NoActive,
    /// Another format.
    #[error("it is not a key file of xspd")]
    NotOurs,
    /// A key twice.
    #[error("it holds the key {0:?} twice")]
    SameKey(String),
    /// Several active or several next keys.
    #[error("it has more than one {0} key")]
    Several(&'static str),
    /// More than [`KEY_FILE_BYTES`].
    #[error("it is larger than 64 KiB")]
    TooLarge,
    /// More than [`RETIRING`] retiring keys.
    #[error("it has more than {RETIRING} retiring keys")]
    TooManyRetiring,
    /// A newer version of the format.
    #[error("it has version {0} of the format, and this xspd reads version 1 only")]
    Version(u32),
    /// `kid` is not the thumbprint of the key.
    #[error("the name {0:?} is not the thumbprint of its key")]
    WrongName(String),
}

/// Enough to tell whose file it is.
#[derive(Deserialize)]
struct Head {
    format: Option<String>,
    version: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    #[serde(rename = "format")]
    _format: String,
    #[serde(rename = "version")]
    _version: u32,
    generation: u64,
    keys: Vec<KeyRecord>,
}

#[derive(Serialize)]
struct Written<'s> {
    format: &'static str,
    version: u32,
    generation: u64,
    keys: &'s [KeyRecord],
}

impl KeySet {
    /// Reads a key file. Whether the numbers are keys, and the names theirs, is for the caller.
    ///
    /// # Errors
    /// [`KeyFileFault`].
    pub fn parse(text: &[u8]) -> Result<Self, KeyFileFault> {
        if text.len() > KEY_FILE_BYTES {
            return Err(KeyFileFault::TooLarge);
        }
        let head: Head = serde_json::from_slice(text).map_err(|error| {
            // Something that begins like our file was ours.
            if text.trim_ascii_start().starts_with(b"{") && !error.is_data() {
                damaged(&error)
            } else {
                KeyFileFault::NotOurs
            }
        })?;
        if head.format.as_deref() != Some(FORMAT) {
            return Err(KeyFileFault::NotOurs);
        }
        match head.version {
            Some(VERSION) => {}
            Some(other) => return Err(KeyFileFault::Version(other)),
            None => return Err(KeyFileFault::NotOurs),
        }
        let read: Read = serde_json::from_slice(text).map_err(|error| damaged(&error))?;
        let set = Self {
            generation: read.generation,
            keys: read.keys,
        };
        set.check()?;
        Ok(set)
    }

    /// The key file, to be wiped after use.
    ///
    /// # Errors
    /// When a date cannot be written, which those of a proven set can.
    pub fn to_json(&self) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
        // With its final size from the start, no copy of a key is left behind by growing.
        let mut json = Zeroizing::new(Vec::with_capacity(KEY_FILE_BYTES));
        let written = Written {
            format: FORMAT,
            version: VERSION,
            generation: self.generation,
            keys: &self.keys,
        };
        serde_json::to_writer_pretty(&mut *json, &written)?;
        json.push(b'\n');
        Ok(json)
    }

    /// Whether the states and dates can have come from the transitions.
    ///
    /// # Errors
    /// [`KeyFileFault`].
    pub fn check(&self) -> Result<(), KeyFileFault> {
        let count = |state| self.keys.iter().filter(|key| key.state == state).count();
        for state in [KeyState::Active, KeyState::Next] {
            if count(state) > 1 {
                return Err(KeyFileFault::Several(state.as_str()));
            }
        }
        if count(KeyState::Retiring) > RETIRING {
            return Err(KeyFileFault::TooManyRetiring);
        }
        if !self.keys.is_empty() && count(KeyState::Active) == 0 {
            return Err(KeyFileFault::NoActive);
        }
        for (at, key) in self.keys.iter().enumerate() {
            if self
                .keys
                .iter()
                .skip(at + 1)
                .any(|other| other.kid == key.kid)
            {
                return Err(KeyFileFault::SameKey(key.kid.clone()));
            }
            let dated = (key.activated.is_some(), key.retires.is_some());
            let expected = match key.state {
                KeyState::Next => (false, false),
                KeyState::Active => (true, false),
                KeyState::Retiring => (true, true),
            };
            if dated != expected {
                return Err(KeyFileFault::Dates(key.kid.clone()));
            }
        }
        Ok(())
    }
}

fn damaged(error: &serde_json::Error) -> KeyFileFault {
    KeyFileFault::Damaged {
        line: error.line(),
        column: error.column(),
    }
}
