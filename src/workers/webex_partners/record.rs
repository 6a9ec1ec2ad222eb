//! The newest refresh token of a partner, in a file of ours: Webex may give another one with each
//! use, and the old one ends then. The one that an operator configured is never written over; the
//! file says which one it began with, and a newly configured one takes its place.

use std::io;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use serde::Deserialize;
use serde::Serialize;
use zeroize::ZeroizeOnDrop;
use zeroize::Zeroizing;

use crate::platform::files;

/// Largest record in bytes: a token of 16 KiB and room.
const BYTES: u64 = 32 * 1024;

/// The file.
#[derive(Debug)]
pub(super) struct Record {
    path: PathBuf,
}

/// What it holds.
#[derive(Clone)]
pub(super) struct Kept {
    /// Newer than the configured one; `None`: that one is the newest.
    pub(super) token: Option<Zeroizing<Vec<u8>>>,
    /// When the refresh token was last used, or first seen.
    pub(super) used: SystemTime,
    /// When it ends, if Webex told.
    pub(super) ends: Option<SystemTime>,
}

#[derive(Serialize, Deserialize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Form {
    /// SHA-256 of the configured token, in hex.
    began_with: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    used_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_ms: Option<u64>,
}

impl Record {
    pub(super) fn new(state_dir: &Path, partner: &str) -> Self {
        Self {
            path: state_dir.join("webex").join(format!("{partner}.json")),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is kept of the token that began with this hash; `None`: nothing, or of another one.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub(super) fn read(&self, began_with: [u8; 32]) -> io::Result<Option<Kept>> {
        let invalid = |fault: &str| io::Error::new(ErrorKind::InvalidData, fault.to_owned());
        match std::fs::metadata(&self.path) {
            Ok(facts) if facts.len() > BYTES || !facts.is_file() => {
                return Err(invalid("not a record of ours"));
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        let text = Zeroizing::new(std::fs::read(&self.path)?);
        // The text of a fault of serde_json holds no value but numbers and short words.
        let mut form: Form = serde_json::from_slice(&text).map_err(|_| invalid("it is damaged"))?;
        if form.began_with != hex(began_with) {
            return Ok(None);
        }
        let time = |ms| UNIX_EPOCH.checked_add(Duration::from_millis(ms));
        let token = form.refresh_token.take().map(Zeroizing::new);
        Ok(Some(Kept {
            token: token.map(|token| Zeroizing::new(token.as_bytes().to_vec())),
            used: time(form.used_ms).unwrap_or(UNIX_EPOCH),
            ends: form.ends_ms.and_then(time),
        }))
    }

    /// Keeps it, durably. Blocks on the disk.
    ///
    /// # Errors
    /// It cannot be written; what was kept before still is.
    pub(super) fn write(&self, began_with: [u8; 32], kept: &Kept) -> io::Result<()> {
        let ms = |time: SystemTime| {
            let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        };
        let token = kept.token.as_ref().map(|token| {
            // It came out of JSON, or out of a file as it went into a form: then it is ASCII.
            String::from_utf8_lossy(token).into_owned()
        });
        let form = Form {
            began_with: hex(began_with),
            refresh_token: token,
            used_ms: ms(kept.used),
            ends_ms: kept.ends.map(ms),
        };
        let text = Zeroizing::new(serde_json::to_vec(&form)?);
        if let Some(directory) = self.path.parent() {
            files::create_private_dir(directory)?;
        }
        files::write_atomic(&self.path, &text, files::PRIVATE)
    }
}

fn hex(hash: [u8; 32]) -> String {
    use std::fmt::Write as _;
    hash.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn kept(token: &str) -> Kept {
        Kept {
            token: Some(Zeroizing::new(token.as_bytes().to_vec())),
            used: UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
            ends: Some(UNIX_EPOCH + Duration::from_secs(1_800_000_000)),
        }
    }

    #[test]
    fn the_newest_token_survives_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let record = Record::new(directory.path(), "partner");
        assert!(record.read([1; 32]).unwrap().is_none());
        record.write([1; 32], &kept("new")).unwrap();
        let read = record.read([1; 32]).unwrap().unwrap();
        assert_eq!(read.token.unwrap().as_slice(), b"new");
        assert_eq!((read.used, read.ends), (kept("").used, kept("").ends));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(record.path()), 0o600);
        assert_eq!(mode(record.path().parent().unwrap()), 0o700);
    }

    #[test]
    fn a_newly_configured_token_takes_the_place_of_what_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let record = Record::new(directory.path(), "partner");
        record.write([1; 32], &kept("old")).unwrap();
        assert!(record.read([2; 32]).unwrap().is_none());
    }

    #[test]
    fn what_is_no_record_is_told_and_not_repeated() {
        let directory = tempfile::tempdir().unwrap();
        let record = Record::new(directory.path(), "partner");
        record.write([1; 32], &kept("x")).unwrap();
        for text in ["", "{", "[]", r#"{"refresh-token":"hunter2"}"#] {
            std::fs::write(record.path(), text).unwrap();
            let error = record.read([1; 32]).err().unwrap().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        std::fs::write(record.path(), vec![b' '; 40_000]).unwrap();
        assert!(record.read([1; 32]).is_err());
    }
}
