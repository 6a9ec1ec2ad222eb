//! The state file: written whole and atomically after every change, before the answer goes out.

use std::fs;
use std::io;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;

use arc_swap::ArcSwap;
use serde::Deserialize;
use serde::Serialize;

use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::error::LabError;

/// Format of the state file that this lab reads and writes.
pub(super) const FORMAT: u32 = 1;

/// The directory in memory and on disk.
pub(super) struct Store {
    path: PathBuf,
    current: ArcSwap<Directory>,
    writing: Mutex<()>,
    observer: OnceLock<Observer>,
}

/// Told of every change, with the directory before and after it.
type Observer = Box<dyn Fn(&Directory, &Directory) + Send + Sync>;

impl Store {
    /// Loads the state file; seeds it when it is absent or `fresh` is asked for.
    pub(super) fn open(
        state_dir: &Path,
        fresh: bool,
        seed: impl FnOnce() -> Result<Directory, LabError>,
    ) -> Result<Self, LabError> {
        let path = state_dir.join("broadworks.json");
        let loaded = if fresh { None } else { load(&path)? };
        let directory = match loaded {
            Some(directory) => directory,
            None => {
                fs::create_dir_all(state_dir).map_err(|source| LabError::Write {
                    path: state_dir.to_path_buf(),
                    source,
                })?;
                let directory = seed()?;
                save(&path, &directory)?;
                directory
            }
        };
        Ok(Self {
            path,
            current: ArcSwap::from_pointee(directory),
            writing: Mutex::new(()),
            observer: OnceLock::new(),
        })
    }

    /// Tells somebody of every change from now on, in their order; the first to ask is told.
    pub(super) fn observe(&self, told: impl Fn(&Directory, &Directory) + Send + Sync + 'static) {
        self.observer.get_or_init(|| Box::new(told));
    }

    /// The directory as it is now.
    pub(super) fn read(&self) -> Arc<Directory> {
        self.current.load_full()
    }

    /// Changes the directory: proven first, then on disk, then visible. Blocks on the disk.
    ///
    /// # Errors
    /// The change's own refusal, which changes nothing; or that the file cannot be written, which
    /// changes nothing either.
    pub(super) fn update<T, E: From<LabError>>(
        &self,
        change: impl FnOnce(&mut Directory) -> Result<T, E>,
    ) -> Result<T, E> {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.current.load_full();
        let mut after = Directory::clone(&before);
        let outcome = change(&mut after)?;
        if *before != after {
            save(&self.path, &after)?;
            let after = Arc::new(after);
            self.current.store(Arc::clone(&after));
            if let Some(told) = self.observer.get() {
                told(&before, &after);
            }
        }
        Ok(outcome)
    }
}

#[derive(Deserialize)]
struct Header {
    format: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Loaded {
    #[serde(rename = "format")]
    _format: u32,
    directory: Directory,
}

#[derive(Serialize)]
struct Saved<'a> {
    format: u32,
    directory: &'a Directory,
}

fn load(path: &Path) -> Result<Option<Directory>, LabError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(LabError::Read {
                path: path.to_path_buf(),
                source,
            });
        }
    };
    let corrupt = |source| LabError::Corrupt {
        path: path.to_path_buf(),
        source,
    };
    let header: Header = serde_json::from_slice(&bytes).map_err(corrupt)?;
    if header.format != FORMAT {
        return Err(LabError::Version {
            path: path.to_path_buf(),
            found: header.format,
        });
    }
    let loaded: Loaded = serde_json::from_slice(&bytes).map_err(corrupt)?;
    Ok(Some(loaded.directory))
}

fn save(path: &Path, directory: &Directory) -> Result<(), LabError> {
    let bytes = serde_json::to_vec(&Saved {
        format: FORMAT,
        directory,
    })
    .map_err(LabError::Encode)?;
    replace(path, &bytes).map_err(|source| LabError::Write {
        path: path.to_path_buf(),
        source,
    })
}

/// Temporary file, fsync, rename, fsync of the directory: after a power cut the file is the old
/// or the new one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("json.new");
    let mut options = fs::OpenOptions::new();
    // It holds password hashes and people's data.
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    match path.parent() {
        Some(parent) => fs::File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::broadworks::directory::Administrator;

    fn empty() -> Result<Directory, LabError> {
        Ok(Directory {
            resellers: Default::default(),
            providers: Default::default(),
            users: Default::default(),
            administrator: Administrator {
                id: "a@b".into(),
                password: "x".into(),
            },
            provisioning: Default::default(),
        })
    }

    fn rename(store: &Store, id: &str) -> Result<(), LabError> {
        store.update(|directory| {
            directory.administrator.id = id.to_owned();
            Ok(())
        })
    }

    #[test]
    fn a_change_survives_reopening_and_fresh_starts_over() {
        let dir = tempfile::tempdir().unwrap();
        rename(&Store::open(dir.path(), false, empty).unwrap(), "c@d").unwrap();
        let file = fs::metadata(dir.path().join("broadworks.json")).unwrap();
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o777,
            0o600
        );
        let again = Store::open(dir.path(), false, empty).unwrap();
        assert_eq!(again.read().administrator.id, "c@d");
        let fresh = Store::open(dir.path(), true, empty).unwrap();
        assert_eq!(fresh.read().administrator.id, "a@b");
    }

    #[test]
    fn a_corrupt_file_is_named_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("broadworks.json");
        for (content, version) in [("{\"format\":1,", false), ("{\"format\":7}", true)] {
            fs::write(&path, content).unwrap();
            let error = Store::open(dir.path(), false, empty).err().unwrap();
            assert_eq!(
                matches!(error, LabError::Version { .. }),
                version,
                "{error}"
            );
            assert_eq!(
                matches!(error, LabError::Corrupt { .. }),
                !version,
                "{error}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_change_that_cannot_be_written_is_not_seen() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), false, empty).unwrap();
        drop(dir);
        assert!(matches!(rename(&store, "c@d"), Err(LabError::Write { .. })));
        assert_eq!(store.read().administrator.id, "a@b");
    }
}
