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
//! certs/PLACE/missed.json         why it was not
//! ```

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::ErrorKind;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::config::CertificateFiles;
use crate::config::secret::SecretRef;
use crate::domain::certs::bundle::Key;
use crate::platform::files;
use crate::workers::cert_desk::disk;
use crate::workers::cert_desk::disk::json;
use crate::workers::cert_desk::disk::optional;
use crate::workers::cert_desk::disk::parsed;
use crate::workers::cert_desk::disk::plain;
use crate::workers::cert_desk::disk::remove;
use crate::workers::cert_desk::disk::text;
use crate::workers::cert_desk::place::Place;

pub use crate::workers::cert_desk::disk::ShelfError;
pub(crate) use crate::workers::cert_desk::disk::at;
pub use crate::workers::cert_desk::record::About;
pub use crate::workers::cert_desk::record::Before;
pub use crate::workers::cert_desk::record::Line;
pub use crate::workers::cert_desk::record::Missed;
pub use crate::workers::cert_desk::record::Pair;
pub use crate::workers::cert_desk::record::Schedule;

const CHAIN: &str = "chain.pem";
const KEY: &str = "key.pem";
const ABOUT: &str = "about.json";
const REQUEST: &str = "request.pem";
const SCHEDULE: &str = "schedule.json";
const MISSED: &str = "missed.json";
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
    const ALL: [Self; 4] = [Self::Applying, Self::Previous, Self::Replaced, Self::Staged];

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

impl Shelf {
    /// Of a state directory.
    #[must_use]
    pub fn new(state: &Path) -> Self {
        Self {
            state: state.to_owned(),
            root: state.join("certs"),
        }
    }

    /// The folder of a place, whether it is there or not.
    fn folder(&self, place: &Place) -> Result<PathBuf, ShelfError> {
        let folder = self.root.join(place.slug());
        plain(&self.root)?;
        plain(&folder)?;
        Ok(folder)
    }

    /// The folder of a part, whether it is there or not.
    fn part(&self, place: &Place, part: Part) -> Result<PathBuf, ShelfError> {
        let folder = self.folder(place)?.join(part.name());
        plain(&folder)?;
        Ok(folder)
    }

    /// Makes the folder of a place, owned as the state directory is.
    fn prepare(&self, place: &Place) -> Result<PathBuf, ShelfError> {
        files::create_private_dir(&self.state).map_err(at(&self.state))?;
        let folder = self.folder(place)?;
        self.make(&self.root)?;
        self.make(&folder)?;
        Ok(folder)
    }

    fn make(&self, folder: &Path) -> Result<(), ShelfError> {
        files::create_private_dir(folder).map_err(at(folder))?;
        plain(folder)?;
        files::own_like(folder, &self.state).map_err(at(folder))
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
        plain(&folder.join(part.name()))?;
        let fresh = folder.join(disk::hidden(part.name(), "new"));
        remove(&fresh)?;
        self.make(&fresh)?;
        self.write(&fresh.join(KEY), pair.key.as_bytes())?;
        self.write(&fresh.join(CHAIN), pair.chain.as_bytes())?;
        self.write(&fresh.join(ABOUT), json(&pair.about).as_bytes())?;
        disk::exchange(&folder, &fresh, part.name())
    }

    /// Forgets a part.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn drop_part(&self, place: &Place, part: Part) -> Result<(), ShelfError> {
        self.part(place, part)?;
        disk::discard(&self.folder(place)?, part.name())
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
        let folder = self.folder(place)?;
        self.part(place, to)?;
        disk::exchange(&folder, &self.part(place, from)?, to.name())
    }

    /// What is in a part.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn pair(&self, place: &Place, part: Part) -> Result<Option<Pair>, ShelfError> {
        let folder = self.part(place, part)?;
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
        let folder = self.root.join(place.slug()).join(part.name());
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
        let path = self.part(place, part)?.join(ABOUT);
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
        self.make(&folder)?;
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
        self.make(&own)?;
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
            plain(&folder)?;
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
        let folder = self.folder(place)?.join("requests");
        plain(&folder)?;
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

    /// Sets the time of an activation, or takes it back. One that was missed is forgotten.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn schedule(&self, place: &Place, schedule: Option<&Schedule>) -> Result<(), ShelfError> {
        let folder = self.prepare(place)?;
        let path = folder.join(SCHEDULE);
        remove(&folder.join(MISSED))?;
        match schedule {
            Some(schedule) => self.write(&path, json(schedule).as_bytes()),
            None => remove(&path),
        }
    }

    /// Notes why nothing was activated at its time, which is over with that.
    ///
    /// # Errors
    /// When the disk refuses; the time then stays.
    pub fn miss(&self, place: &Place, missed: &Missed) -> Result<(), ShelfError> {
        let folder = self.prepare(place)?;
        self.write(&folder.join(MISSED), json(missed).as_bytes())?;
        remove(&folder.join(SCHEDULE))
    }

    /// What was not activated at its time, unless another time was set since.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn missed(&self, place: &Place) -> Result<Option<Missed>, ShelfError> {
        let path = self.folder(place)?.join(MISSED);
        optional(&path)?
            .map(|text| parsed(&path, &text))
            .transpose()
    }

    /// The time of an activation.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn scheduled(&self, place: &Place) -> Result<Option<Schedule>, ShelfError> {
        let path = self.folder(place)?.join(SCHEDULE);
        optional(&path)?
            .map(|text| parsed(&path, &text))
            .transpose()
    }

    /// Adds a line to the journal.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn note(&self, line: &Line) -> Result<(), ShelfError> {
        plain(&self.root)?;
        self.make(&self.root)?;
        let path = self.root.join(JOURNAL);
        let mut how = OpenOptions::new();
        how.append(true).create(true);
        let mut file = disk::open_own(&path, &mut how, &self.state)?;
        let text = serde_json::to_string(line).unwrap_or_default() + "\n";
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_data())
            .map_err(at(&path))
    }

    /// The last lines of the journal. One that a power cut tore is left out.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn journal(&self) -> Result<Vec<Line>, ShelfError> {
        let path = self.root.join(JOURNAL);
        plain(&self.root)?;
        let text = match disk::open(&path, OpenOptions::new().read(true)) {
            Ok(file) => io::read_to_string(file).map_err(at(&path))?,
            Err(error) if error.source.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
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
        let mut how = OpenOptions::new();
        how.write(true).create(true).truncate(false);
        let file = disk::open_own(&path, &mut how, &self.state)?;
        match file.try_lock() {
            Ok(()) => {
                disk::sweep(&self.folder(place)?, &Part::ALL.map(Part::name))?;
                Ok(file)
            }
            Err(fs::TryLockError::WouldBlock) => Err(ShelfError {
                source: io::Error::new(
                    ErrorKind::WouldBlock,
                    "another activation or import is working on it; try again when it has ended",
                ),
                path,
            }),
            Err(fs::TryLockError::Error(error)) => Err(at(&path)(error)),
        }
    }
}
