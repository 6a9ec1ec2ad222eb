//! What is kept of certificates below the state directory: what is staged, what was there before,
//! keys of requests, the time of an activation, and the journal. Everything is written so that a
//! machine that loses power finds the old or the new, never a half.
//!
//! ```text
//! certs/journal.jsonl             who activated what and when, a line each; journal.jsonl.old before
//! certs/PLACE/staged/             chain.pem, key.pem, about.json: proven, waiting
//! certs/PLACE/applying/           the same while the configured files are being written
//! certs/PLACE/replaced/           what is being replaced meanwhile, to become the previous one
//! certs/PLACE/previous/           the pair that was there before
//! certs/PLACE/requests/NAME/      key.pem and request.pem of a request
//! certs/PLACE/schedule.json       when staged is to be activated
//! certs/PLACE/tried.json          that this was begun, and why it failed so far
//! certs/PLACE/missed.json         why it was not
//! certs/PLACE/hold.json           until when it is not renewed by itself, having been gone back to
//! ```

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::config::CertificateFiles;
use crate::config::secret::SecretRef;
use crate::domain::certs::bundle::Key;
use crate::platform::files;
use crate::workers::cert_desk::disk;
use crate::workers::cert_desk::journal;
use crate::workers::cert_desk::place::Place;
use crate::workers::kept;
use crate::workers::kept::KeptError;
use crate::workers::kept::KeptFolder;
use crate::workers::kept::at;

pub use crate::workers::cert_desk::journal::Journal;
pub use crate::workers::cert_desk::record::About;
pub use crate::workers::cert_desk::record::Act;
pub use crate::workers::cert_desk::record::Before;
pub use crate::workers::cert_desk::record::Hold;
pub use crate::workers::cert_desk::record::Line;
pub use crate::workers::cert_desk::record::Missed;
pub use crate::workers::cert_desk::record::Pair;
pub use crate::workers::cert_desk::record::Schedule;
pub use crate::workers::cert_desk::record::Tried;

const CHAIN: &str = "chain.pem";
const KEY: &str = "key.pem";
const ABOUT: &str = "about.json";
const REQUEST: &str = "request.pem";
const SCHEDULE: &str = "schedule.json";
const TRIED: &str = "tried.json";
const MISSED: &str = "missed.json";
const HOLD: &str = "hold.json";
const LOCK: &str = ".lock";
const REQUESTS: &str = "requests";

/// Requests of one place that are kept; more are forgotten work.
const MOST_REQUESTS: usize = 16;

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

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The state directory's folder of certificates.
#[derive(Debug, Clone)]
pub struct Shelf {
    root: KeptFolder,
}

impl Shelf {
    /// Of a state directory.
    #[must_use]
    pub fn new(state: &Path) -> Self {
        Self {
            root: KeptFolder::new(state, "certs"),
        }
    }

    /// The folder of a place.
    fn folder(&self, place: &Place) -> KeptFolder {
        self.root.below(&place.slug())
    }

    /// The folder of a part.
    fn part(&self, place: &Place, part: Part) -> KeptFolder {
        self.folder(place).below(part.name())
    }

    /// Puts a pair into a part, in place of what is there.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn put(&self, place: &Place, part: Part, pair: &Pair) -> Result<(), KeptError> {
        self.part(place, part).plain()?;
        let folder = self.folder(place);
        let name = disk::hidden(part.name(), "new");
        folder.remove(&name)?;
        let fresh = folder.below(&name);
        fresh.write(KEY, pair.key.as_bytes())?;
        fresh.write(CHAIN, pair.chain.as_bytes())?;
        fresh.keep(ABOUT, &pair.about)?;
        disk::exchange(folder.path(), fresh.path(), part.name())
    }

    /// Forgets a part.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn drop_part(&self, place: &Place, part: Part) -> Result<(), KeptError> {
        self.part(place, part).plain()?;
        disk::discard(self.folder(place).path(), part.name())
    }

    /// Makes one part another, in place of what is there. It may be missing. Takes no room on the
    /// disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn promote(&self, place: &Place, from: Part, to: Part) -> Result<(), KeptError> {
        if self.about(place, from)?.is_none() {
            return Ok(());
        }
        self.part(place, to).plain()?;
        let from = self.part(place, from);
        disk::exchange(self.folder(place).path(), from.plain()?, to.name())
    }

    /// What is in a part.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn pair(&self, place: &Place, part: Part) -> Result<Option<Pair>, KeptError> {
        let folder = self.part(place, part);
        let Some(about) = self.about(place, part)? else {
            return Ok(None);
        };
        let text = |name: &str| {
            let missing = || at(&folder.path().join(name))(ErrorKind::NotFound.into());
            folder.text(name)?.ok_or_else(missing)
        };
        let chain = text(CHAIN)?;
        let key = Zeroizing::new(text(KEY)?);
        Ok(Some(Pair { chain, key, about }))
    }

    /// The files of a part, for whoever reads pairs from files.
    #[must_use]
    pub fn files(&self, place: &Place, part: Part) -> CertificateFiles {
        let folder = self.part(place, part);
        CertificateFiles {
            chain: folder.path().join(CHAIN),
            key: SecretRef::File(folder.path().join(KEY)),
        }
    }

    /// What is remembered of a part; its key is not read.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn about(&self, place: &Place, part: Part) -> Result<Option<About>, KeptError> {
        self.part(place, part).read(ABOUT)
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
    ) -> Result<PathBuf, KeptError> {
        let folder = self.folder(place).below(REQUESTS);
        if self.request_folders(place)?.len() >= MOST_REQUESTS {
            let text = format!(
                "{MOST_REQUESTS} requests are kept here already; remove those that never became \
                 certificates"
            );
            return Err(at(folder.path())(io::Error::other(text)));
        }
        let own = folder.below(name);
        own.write(KEY, key.pem().as_bytes())?;
        own.write(REQUEST, request.as_bytes())?;
        files::sync_directory(folder.path()).map_err(at(folder.path()))?;
        Ok(own.path().join(REQUEST))
    }

    /// The keys of requests, with the folders in which they lie.
    ///
    /// # Errors
    /// When they are there and cannot be read.
    pub fn request_keys(&self, place: &Place) -> Result<Vec<(PathBuf, Key)>, KeptError> {
        let mut found = Vec::new();
        for path in self.request_folders(place)? {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            let folder = self.folder(place).below(REQUESTS).below(name);
            // What is no folder has no key.
            if path.is_dir()
                && let Some(text) = folder.text(KEY)?.map(Zeroizing::new)
                && let Some(key) = Key::of_pem(text.as_bytes())
            {
                found.push((path, key));
            }
        }
        Ok(found)
    }

    /// Forgets a request whose certificate is in use.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn forget_request(&self, folder: &Path) -> Result<(), KeptError> {
        kept::remove(folder)
    }

    fn request_folders(&self, place: &Place) -> Result<Vec<PathBuf>, KeptError> {
        self.folder(place).below(REQUESTS).list(2 * MOST_REQUESTS)
    }

    /// Sets the time of an activation, or takes it back. One that was tried or missed is forgotten.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn schedule(&self, place: &Place, schedule: Option<&Schedule>) -> Result<(), KeptError> {
        let folder = self.folder(place);
        folder.remove(MISSED)?;
        folder.remove(TRIED)?;
        match schedule {
            Some(schedule) => folder.keep(SCHEDULE, schedule),
            None => folder.remove(SCHEDULE),
        }
    }

    /// Notes why nothing was activated at its time, which is over with that.
    ///
    /// # Errors
    /// When the disk refuses; the time then stays.
    pub fn miss(&self, place: &Place, missed: &Missed) -> Result<(), KeptError> {
        let folder = self.folder(place);
        folder.keep(MISSED, missed)?;
        folder.remove(TRIED)?;
        folder.remove(SCHEDULE)
    }

    /// Notes that what was put off was begun, or failed.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep_tried(&self, place: &Place, tried: &Tried) -> Result<(), KeptError> {
        self.folder(place).keep(TRIED, tried)
    }

    /// What was noted of the last try that said something new.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn tried(&self, place: &Place) -> Result<Option<Tried>, KeptError> {
        self.folder(place).read(TRIED)
    }

    /// What was not activated at its time, unless another time was set since.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn missed(&self, place: &Place) -> Result<Option<Missed>, KeptError> {
        self.folder(place).read(MISSED)
    }

    /// The time of an activation.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn scheduled(&self, place: &Place) -> Result<Option<Schedule>, KeptError> {
        self.folder(place).read(SCHEDULE)
    }

    /// Notes until when it is not renewed by itself, or takes that back.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn hold(&self, place: &Place, hold: Option<&Hold>) -> Result<(), KeptError> {
        match hold {
            Some(hold) => self.folder(place).keep(HOLD, hold),
            None => self.folder(place).remove(HOLD),
        }
    }

    /// Until when it is not renewed by itself; a date that is over counts for nothing.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn held(&self, place: &Place) -> Result<Option<Hold>, KeptError> {
        self.folder(place).read(HOLD)
    }

    /// Adds a line to the journal.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn note(&self, line: &Line) -> Result<(), KeptError> {
        journal::note(&self.root, line)
    }

    /// The last lines of the journal. One that a power cut tore is left out.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn journal(&self) -> Result<Journal, KeptError> {
        journal::read(&self.root)
    }

    /// Keeps other verbs and the daemon out of a place until the returned file is dropped.
    ///
    /// # Errors
    /// When another holds it.
    pub fn lock(&self, place: &Place) -> Result<File, KeptError> {
        let folder = self.folder(place);
        let mut how = OpenOptions::new();
        let file = folder.open_own(LOCK, how.write(true).truncate(false))?;
        let path = folder.path().join(LOCK);
        match file.try_lock() {
            Ok(()) => {
                disk::sweep(folder.path(), &Part::ALL.map(Part::name))?;
                Ok(file)
            }
            Err(fs::TryLockError::WouldBlock) => Err(at(&path)(io::Error::new(
                ErrorKind::WouldBlock,
                "another activation or import is working on it; try again when it has ended",
            ))),
            Err(fs::TryLockError::Error(error)) => Err(at(&path)(error)),
        }
    }
}
