//! When the refresh token was last used, in a file, so that its 60 days count across restarts.

use std::io;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use serde_json::json;

use crate::domain::auth::strict_json;
use crate::platform::files;
use crate::telemetry::ci::CiMetrics;

/// Largest record in bytes; ours has about 120.
const BYTES: usize = 4096;

/// The file.
pub(super) struct Record {
    path: PathBuf,
}

impl Record {
    pub(super) fn below(state_dir: &Path) -> Self {
        Self {
            path: state_dir.join("authservice").join("ci-session.json"),
        }
    }

    /// When the refresh token of this hash was last used, or first seen: `now`, which is then
    /// kept, when the record is of another one or of none.
    pub(super) fn open(
        &self,
        refresh_token: [u8; 32],
        now: SystemTime,
        metrics: &CiMetrics,
    ) -> SystemTime {
        match self.read(&hex(refresh_token)) {
            // A clock that was wrong then must not count as a use in the future.
            Ok(Some(used)) => return used.min(now),
            Ok(None) => {}
            Err(error) => metrics.record_failed(&self.path, &error),
        }
        self.keep(refresh_token, now, metrics);
        now
    }

    /// Keeps a use. Blocks on the disk. That it cannot be kept is told, and no reason to do
    /// without the service token.
    pub(super) fn keep(&self, refresh_token: [u8; 32], used: SystemTime, metrics: &CiMetrics) {
        let ms = used.duration_since(UNIX_EPOCH).unwrap_or_default();
        let ms = u64::try_from(ms.as_millis()).unwrap_or(u64::MAX);
        let record = json!({ TOKEN: hex(refresh_token), USED: ms });
        if let Err(error) = self.write(&record) {
            metrics.record_failed(&self.path, &error);
        }
    }

    fn read(&self, refresh_token: &str) -> io::Result<Option<SystemTime>> {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let invalid = |fault| io::Error::new(ErrorKind::InvalidData, fault);
        let record = strict_json::object(&text, BYTES).map_err(invalid)?;
        if record.get(TOKEN).and_then(Value::as_str) != Some(refresh_token) {
            return Ok(None);
        }
        let used = record.get(USED).and_then(Value::as_u64);
        Ok(used.and_then(|ms| UNIX_EPOCH.checked_add(Duration::from_millis(ms))))
    }

    fn write(&self, record: &Value) -> io::Result<()> {
        if let Some(directory) = self.path.parent() {
            files::create_private_dir(directory)?;
        }
        files::write_atomic(&self.path, record.to_string().as_bytes(), files::PRIVATE)
    }
}

/// The member with the hash of the refresh token: a new token is not as old as its predecessor.
const TOKEN: &str = "refresh-token-sha256";

/// The member with the time in milliseconds since the epoch.
const USED: &str = "used-ms";

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
    use prometheus_client::registry::Registry;

    use super::*;

    const OLD: [u8; 32] = [1; 32];
    const NEW: [u8; 32] = [2; 32];

    fn at(days: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(days * 86_400)
    }

    #[test]
    fn the_last_use_survives_and_a_new_token_starts_over() {
        let directory = tempfile::tempdir().unwrap();
        let metrics = CiMetrics::register(&mut Registry::default());
        let record = || Record::below(directory.path());
        assert_eq!(record().open(OLD, at(100), &metrics), at(100), "first seen");
        assert_eq!(
            record().open(OLD, at(120), &metrics),
            at(100),
            "unused since"
        );
        record().keep(OLD, at(130), &metrics);
        assert_eq!(record().open(OLD, at(150), &metrics), at(130));
        assert_eq!(record().open(OLD, at(110), &metrics), at(110), "clock");
        assert_eq!(record().open(NEW, at(160), &metrics), at(160));
        assert_eq!(record().open(NEW, at(170), &metrics), at(160));
    }

    #[test]
    fn a_damaged_record_or_none_at_all_is_no_reason_to_stop() {
        let directory = tempfile::tempdir().unwrap();
        let metrics = CiMetrics::register(&mut Registry::default());
        let record = Record::below(directory.path());
        record.keep(OLD, at(1), &metrics);
        for text in ["", "{", "[]", "{\"used-ms\":1,\"used-ms\":2}"] {
            std::fs::write(&record.path, text).unwrap();
            assert_eq!(record.open(OLD, at(100), &metrics), at(100), "{text}");
        }
        let nowhere = Record::below(Path::new("/proc/nowhere"));
        assert_eq!(nowhere.open(OLD, at(100), &metrics), at(100));
    }
}
