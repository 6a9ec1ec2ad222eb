//! What is kept of certificates below the state directory: what is staged, what was there before,
//! keys of requests, the time of an activation, and the journal. Everything is written so that a
//! machine that loses power finds the old or the new, never a half.
//!
//! ```text
//! certs/journal.jsonl             who activated what and when, a line each
//! certs/PLACE/staged/             chain.pem, key.pem, about.json: proven, waiting
//! certs/PLACE/applying/           the same while the configured files are being written
//! certs/PLACE/replaced/           what is being replaced meanwhile, to become the previous one
//! certs/PLACE/previous/           the pair that was there before
//! certs/PLACE/requests/NAME/      key.pem and request.pem of a request
//! certs/PLACE/schedule.json       when staged is to be activated
//! ```

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::ErrorKind;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::config::CertificateFiles;
use crate::config::secret::SecretRef;
use crate::domain::certs::bundle::Key;
use crate::domain::certs::bundle::LARGEST;
use crate::platform::files;
use crate::workers::cert_desk::place::Place;

pub use crate::workers::cert_desk::record::About;
pub use crate::workers::cert_desk::record::Before;
pub use crate::workers::cert_desk::record::Line;
pub use crate::workers::cert_desk::record::Pair;
pub use crate::workers::cert_desk::record::Schedule;

const CHAIN: &str = "chain.pem";
const KEY: &str = "key.pem";
const ABOUT: &str = "about.json";
const REQUEST: &str = "request.pem";
const SCHEDULE: &str = "schedule.json";
const JOURNAL: &str = "journal.jsonl";

/// Requests of one place that are kept; more are forgotten work.
const MOST_REQUESTS: usize = 16;

/// Lines of the journal that are shown.
const MOST_LINES: usize = 1000;

/// A part of a place's shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Being written to the configured files.
    Applying,
    /// What was there before.
    Previous,
    /// What is being replaced by what is applied; the previous one when that is done.
    Replaced,
    /// Proven and waiting.
    Staged,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Applying => "applying",
            Self::Previous => "previous",
            Self::Replaced => "replaced",
            Self::Staged => "staged",
        }
    }
}

/// The state directory's folder of certificates.
#[derive(Debug, Clone)]
pub struct Shelf {
    state: PathBuf,
    root: PathBuf,
}

/// What failed, and where.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}{}", path.display(), remedy(source))]
pub struct ShelfError {
    /// The file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "; run this as root or as the daemon's account (sudo -u xspd …), and let that account \
             write there (under systemd: ReadWritePaths=)"
        }
        ErrorKind::StorageFull => "; the disk is full",
        _ => "",
    }
}

/// Adds the path to an error.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> ShelfError {
    let path = path.to_owned();
    |source| ShelfError { path, source }
}

impl Shelf {
    /// Of a state directory.
    #[must_use]
    pub fn new(state: &Path) -> Self {
        Self {
            state: state.to_owned(),
            root: state.join("certs"),
        }
    }

    fn folder(&self, place: &Place) -> PathBuf {
        self.root.join(place.slug())
    }

    /// Makes the folder of a place, owned as the state directory is.
    fn prepare(&self, place: &Place) -> Result<PathBuf, ShelfError> {
        files::create_private_dir(&self.state).map_err(at(&self.state))?;
        let folder = self.folder(place);
        for path in [&self.root, &folder] {
            files::create_private_dir(path).map_err(at(path))?;
            files::own_like(path, &self.state).map_err(at(path))?;
        }
        Ok(folder)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), ShelfError> {
        files::write_atomic(path, bytes, files::PRIVATE).map_err(at(path))?;
        files::own_like(path, &self.state).map_err(at(path))
    }

    /// Puts a pair into a part, in place of what is there.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn put(&self, place: &Place, part: Part, pair: &Pair) -> Result<(), ShelfError> {
        let folder = self.prepare(place)?;
        let fresh = folder.join(format!(".{}.{}", part.name(), std::process::id()));
        remove(&fresh)?;
        files::create_private_dir(&fresh).map_err(at(&fresh))?;
        files::own_like(&fresh, &self.state).map_err(at(&fresh))?;
        self.write(&fresh.join(KEY), pair.key.as_bytes())?;
        self.write(&fresh.join(CHAIN), pair.chain.as_bytes())?;
        self.write(&fresh.join(ABOUT), json(&pair.about).as_bytes())?;
        let target = folder.join(part.name());
        remove(&target)?;
        fs::rename(&fresh, &target).map_err(at(&target))?;
        files::sync_directory(&folder).map_err(at(&folder))
    }

    /// Forgets a part.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn drop_part(&self, place: &Place, part: Part) -> Result<(), ShelfError> {
        remove(&self.folder(place).join(part.name()))
    }

    /// Makes one part another, in place of what is there. It may be missing. Takes no room on the
    /// disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn promote(&self, place: &Place, from: Part, to: Part) -> Result<(), ShelfError> {
        if self.about(place, from)?.is_none() {
            return Ok(());
        }
        let folder = self.folder(place);
        let (from, to) = (folder.join(from.name()), folder.join(to.name()));
        remove(&to)?;
        fs::rename(&from, &to).map_err(at(&to))?;
        files::sync_directory(&folder).map_err(at(&folder))
    }

    /// What is in a part.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn pair(&self, place: &Place, part: Part) -> Result<Option<Pair>, ShelfError> {
        let folder = self.folder(place).join(part.name());
        let Some(about) = self.about(place, part)? else {
            return Ok(None);
        };
        let chain = text(&folder.join(CHAIN))?;
        let key = Zeroizing::new(text(&folder.join(KEY))?);
        Ok(Some(Pair { chain, key, about }))
    }

    /// The files of a part, for whoever reads pairs from files.
    #[must_use]
    pub fn files(&self, place: &Place, part: Part) -> CertificateFiles {
        let folder = self.folder(place).join(part.name());
        CertificateFiles {
            chain: folder.join(CHAIN),
            key: SecretRef::File(folder.join(KEY)),
        }
    }

    /// What is remembered of a part; its key is not read.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn about(&self, place: &Place, part: Part) -> Result<Option<About>, ShelfError> {
        let path = self.folder(place).join(part.name()).join(ABOUT);
        optional(&path)?
            .map(|text| parsed(&path, &text))
            .transpose()
    }

    /// Keeps the key of a request, and the request. Returns the request's path.
    ///
    /// # Errors
    /// When the disk refuses, or there are too many requests already.
    pub fn keep_request(
        &self,
        place: &Place,
        name: &str,
        key: &Key,
        request: &str,
    ) -> Result<PathBuf, ShelfError> {
        let folder = self.prepare(place)?.join("requests");
        files::create_private_dir(&folder).map_err(at(&folder))?;
        files::own_like(&folder, &self.state).map_err(at(&folder))?;
        if self.request_folders(place)?.len() >= MOST_REQUESTS {
            return Err(ShelfError {
                source: io::Error::other(format!(
                    "{MOST_REQUESTS} requests are kept here already; remove those that never became \
                     certificates"
                )),
                path: folder,
            });
        }
        let own = folder.join(name);
        files::create_private_dir(&own).map_err(at(&own))?;
        files::own_like(&own, &self.state).map_err(at(&own))?;
        self.write(&own.join(KEY), key.pem().as_bytes())?;
        self.write(&own.join(REQUEST), request.as_bytes())?;
        files::sync_directory(&folder).map_err(at(&folder))?;
        Ok(own.join(REQUEST))
    }

    /// The keys of requests, with the folders in which they lie.
    ///
    /// # Errors
    /// When they are there and cannot be read.
    pub fn request_keys(&self, place: &Place) -> Result<Vec<(PathBuf, Key)>, ShelfError> {
        let mut found = Vec::new();
        for folder in self.request_folders(place)? {
            let path = folder.join(KEY);
            if let Some(text) = optional(&path)?.map(Zeroizing::new)
                && let Some(key) = Key::of_pem(text.as_bytes())
            {
                found.push((folder, key));
            }
        }
        Ok(found)
    }

    /// Forgets a request whose certificate is in use.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn forget_request(&self, folder: &Path) -> Result<(), ShelfError> {
        remove(folder)
    }

    fn request_folders(&self, place: &Place) -> Result<Vec<PathBuf>, ShelfError> {
        let folder = self.folder(place).join("requests");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(at(&folder)(error)),
        };
        let mut found = Vec::new();
        for entry in entries.take(2 * MOST_REQUESTS) {
            found.push(entry.map_err(at(&folder))?.path());
        }
        found.sort();
        Ok(found)
    }

    /// Sets the time of an activation, or takes it back.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn schedule(&self, place: &Place, schedule: Option<&Schedule>) -> Result<(), ShelfError> {
        let path = self.prepare(place)?.join(SCHEDULE);
        match schedule {
            Some(schedule) => self.write(&path, json(schedule).as_bytes()),
            None => remove(&path),
        }
    }

    /// The time of an activation.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn scheduled(&self, place: &Place) -> Result<Option<Schedule>, ShelfError> {
        let path = self.folder(place).join(SCHEDULE);
        optional(&path)?
            .map(|text| parsed(&path, &text))
            .transpose()
    }

    /// Adds a line to the journal.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn note(&self, line: &Line) -> Result<(), ShelfError> {
        files::create_private_dir(&self.root).map_err(at(&self.root))?;
        let path = self.root.join(JOURNAL);
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(files::PRIVATE)
            .open(&path)
            .map_err(at(&path))?;
        let text = serde_json::to_string(line).unwrap_or_default() + "\n";
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_data())
            .map_err(at(&path))?;
        files::own_like(&path, &self.state).map_err(at(&path))
    }

    /// The last lines of the journal. One that a power cut tore is left out.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn journal(&self) -> Result<Vec<Line>, ShelfError> {
        let path = self.root.join(JOURNAL);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(at(&path)(error)),
        };
        let lines: Vec<Line> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let skipped = lines.len().saturating_sub(MOST_LINES);
        Ok(lines.into_iter().skip(skipped).collect())
    }

    /// Keeps other verbs and the daemon out of a place until the returned file is dropped.
    ///
    /// # Errors
    /// When another holds it.
    pub fn lock(&self, place: &Place) -> Result<File, ShelfError> {
        let path = self.prepare(place)?.join(".lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(files::PRIVATE)
            .open(&path)
            .map_err(at(&path))?;
        files::own_like(&path, &self.state).map_err(at(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(fs::TryLockError::WouldBlock) => Err(ShelfError {
                source: io::Error::other(
                    "another activation or import is working on it; try again when it has ended",
                ),
                path,
            }),
            Err(fs::TryLockError::Error(error)) => Err(at(&path)(error)),
        }
    }
}

fn json(value: &impl Serialize) -> String {
    // Plain structs of texts and numbers: nothing in them can fail to be written.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn parsed<T: for<'a> Deserialize<'a>>(path: &Path, text: &str) -> Result<T, ShelfError> {
    serde_json::from_str(text).map_err(|error| at(path)(io::Error::other(error)))
}

fn text(path: &Path) -> Result<String, ShelfError> {
    optional(path)?.ok_or_else(|| at(path)(io::Error::from(ErrorKind::NotFound)))
}

fn optional(path: &Path) -> Result<Option<String>, ShelfError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(path)(error)),
    };
    let mut text = String::new();
    let limit = u64::try_from(LARGEST).unwrap_or(u64::MAX);
    file.take(limit)
        .read_to_string(&mut text)
        .map_err(at(path))?;
    Ok(Some(text))
}

/// Removes a file or a folder, which may be missing.
fn remove(path: &Path) -> Result<(), ShelfError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(held) if held.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    removed.map_err(at(path))
}
