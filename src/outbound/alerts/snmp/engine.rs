//! Who we are for SNMP version 3 (RFC 3411, RFC 3414): an engine id that stays, and a count of
//! starts that only grows, both in the state directory. Receivers remember the count and refuse
//! what comes with a lower one, because it may be an old trap played again.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;

use async_snmp::v3::AuthoritativeEngine;
use async_snmp::v3::PersistedAuthoritativeEngine;
use aws_lc_rs::rand;
use serde::Deserialize;
use serde::Serialize;

use crate::platform::files;

/// The file below the state directory.
pub const FILE: &str = "snmp-engine.json";

/// The most that is read of it.
const MOST: u64 = 4_096;

/// Format octet of an id that its owner made up (RFC 3411, `SnmpEngineID`).
const OCTETS: u8 = 5;

/// Random octets behind it.
const RANDOM: usize = 12;

/// The engine of this process. Each start counts once, however many sinks and reloads ask for it.
pub(in crate::outbound::alerts) struct Shelf {
    path: PathBuf,
    /// Nothing is written: this process does not speak.
    read_only: bool,
    held: Mutex<Option<AuthoritativeEngine>>,
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The file is there and cannot be understood.
    #[error(
        "{} cannot be understood; bring it back from a backup, or remove it and tell every receiver the new engine id",
        path.display()
    )]
    Broken {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no randomness for a new id.
    #[error("no random bytes for an engine id")]
    Random,
    /// The crate refuses.
    #[error("{0}")]
    Refused(Box<async_snmp::Error>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Kept {
    engine_id: String,
    engine_boots: u32,
}

impl Shelf {
    pub(in crate::outbound::alerts) fn new(state_dir: &Path) -> Self {
        Self {
            path: state_dir.join(FILE),
            read_only: false,
            held: Mutex::new(None),
        }
    }

    /// One that tells what is wrong with the file and leaves it alone. Its engine speaks to nobody.
    pub(in crate::outbound::alerts) fn read_only(state_dir: &Path) -> Self {
        Self {
            read_only: true,
            ..Self::new(state_dir)
        }
    }

    /// The engine. The first call of a process reads and writes the file; `enterprise` is for the
    /// id of a new one.
    pub(in crate::outbound::alerts) fn engine(
        &self,
        enterprise: u32,
    ) -> Result<AuthoritativeEngine, EngineError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = &*held {
            return Ok(engine.clone());
        }
        let path = self.path.clone();
        let read_only = self.read_only;
        let keep = move |state: &PersistedAuthoritativeEngine| {
            if read_only {
                Ok(())
            } else {
                write(&path, state)
            }
        };
        let engine = match read(&self.path)? {
            Some(before) => AuthoritativeEngine::restart(before, keep),
            None => AuthoritativeEngine::install(new_id(enterprise)?, keep),
        };
        let engine = engine.map_err(EngineError::Refused)?;
        if self.read_only {
            return Ok(engine);
        }
        tracing::info!(
            engine_id = %hex(engine.engine_id()),
            engine_boots = engine.engine_boots(),
            "SNMP version 3 speaks as this engine; receivers of traps need its id."
        );
        *held = Some(engine.clone());
        Ok(engine)
    }
}

fn read(path: &Path) -> Result<Option<PersistedAuthoritativeEngine>, EngineError> {
    let disk = |source| EngineError::Disk {
        path: path.to_owned(),
        source,
    };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(disk(error)),
        Ok(facts) if facts.len() <= MOST && facts.is_file() => {}
        Ok(_) => return Err(broken(path)),
    }
    let text = fs::read(path).map_err(disk)?;
    let kept: Kept = serde_json::from_slice(&text).map_err(|_| broken(path))?;
    let id = unhex(&kept.engine_id).ok_or_else(|| broken(path))?;
    PersistedAuthoritativeEngine::new(id, kept.engine_boots)
        .map(Some)
        .map_err(|_| broken(path))
}

fn broken(path: &Path) -> EngineError {
    EngineError::Broken {
        path: path.to_owned(),
    }
}

fn write(path: &Path, state: &PersistedAuthoritativeEngine) -> io::Result<()> {
    let kept = Kept {
        engine_id: hex(state.engine_id()),
        engine_boots: state.engine_boots(),
    };
    if let Some(directory) = path.parent() {
        files::create_private_dir(directory)?;
    }
    files::write_atomic(path, &serde_json::to_vec(&kept)?, files::PRIVATE)
}

/// Enterprise number with the first bit set, format, random octets.
fn new_id(enterprise: u32) -> Result<Vec<u8>, EngineError> {
    let mut random = [0; RANDOM];
    rand::fill(&mut random).map_err(|_| EngineError::Random)?;
    let mut id = (enterprise | 1 << 31).to_be_bytes().to_vec();
    id.push(OCTETS);
    id.extend_from_slice(&random);
    Ok(id)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_stays_over_starts_and_the_count_of_starts_grows() {
        let directory = tempfile::tempdir().unwrap();
        let first = Shelf::new(directory.path()).engine(32_473).unwrap();
        assert_eq!(first.engine_boots(), 1);
        assert_eq!(first.engine_id()[..5], [0x80, 0, 0x7e, 0xd9, OCTETS]);
        let shelf = Shelf::new(directory.path());
        let second = shelf.engine(32_473).unwrap();
        assert_eq!(second.engine_id(), first.engine_id());
        assert_eq!(second.engine_boots(), 2);
        // A reload is no start.
        assert_eq!(shelf.engine(1).unwrap().engine_boots(), 2);
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE);
        for text in [
            "",
            "{}",
            "{\"engine-id\":\"zz\",\"engine-boots\":1}",
            "{\"engine-id\":\"é0\",\"engine-boots\":1}",
        ] {
            fs::write(&path, text).unwrap();
            let error = Shelf::new(directory.path()).engine(1).unwrap_err();
            assert!(matches!(error, EngineError::Broken { .. }), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn who_only_looks_writes_nothing_and_counts_no_start() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        Shelf::read_only(&state).engine(1).unwrap();
        assert!(!state.exists());
        Shelf::new(&state).engine(1).unwrap();
        Shelf::read_only(&state).engine(1).unwrap();
        assert_eq!(Shelf::new(&state).engine(1).unwrap().engine_boots(), 2);
    }

    #[test]
    fn a_state_directory_that_cannot_be_written_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Shelf::new(&file).engine(1).unwrap_err();
        assert!(error.to_string().contains("file"), "{error}");
    }
}
