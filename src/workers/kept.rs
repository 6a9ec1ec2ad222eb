//! What workers keep below the state directory: files of text and JSON, in folders. All of it belongs
//! to the daemon's account, and whoever runs a verb may be root: no link there is followed, nothing
//! without end is read, and what is made is given to the owner of the state directory.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::OFlags;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::platform::files;

/// Most bytes of a file: no chain, key or record comes near.
const MOST: u64 = 1024 * 1024;

/// What failed, and where.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}{}", path.display(), remedy(source))]
pub struct KeptError {
    /// The file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl KeptError {
    /// Whether it is only that another is at work.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.source.kind() == ErrorKind::WouldBlock
    }

    /// Whether it can be read and says nothing that we know.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        matches!(
            self.source.kind(),
            ErrorKind::FileTooLarge | ErrorKind::InvalidData
        )
    }
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
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> KeptError {
    let path = path.to_owned();
    |source| KeptError { path, source }
}

fn stranger(path: &Path, what: &str) -> KeptError {
    at(path)(io::Error::other(what))
}

/// Refuses a link. What is missing is none.
fn plain(path: &Path) -> Result<(), KeptError> {
    match fs::symlink_metadata(path) {
        Ok(held) if held.file_type().is_symlink() => Err(stranger(
            path,
            "is a link, and none is ever made here: look who made it and where it leads, remove \
             it, and try again",
        )),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(at(path)(error)),
    }
}

/// Opens a file of ours, whatever else somebody may have put in its place: no link is followed, and
/// no pipe waited for.
fn open(path: &Path, how: &mut OpenOptions) -> Result<File, KeptError> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    how.mode(files::PRIVATE).custom_flags(flags.cast_signed());
    let opened = how.open(path);
    if opened.is_err() {
        plain(path)?;
    }
    let file = opened.map_err(at(path))?;
    if !file.metadata().map_err(at(path))?.is_file() {
        return Err(stranger(path, "is not a regular file"));
    }
    Ok(file)
}

/// Removes a file or a folder, which may be missing. A link is removed itself.
pub(super) fn remove(path: &Path) -> Result<(), KeptError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(held) if held.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    removed.map_err(at(path))
}

/// A folder below the state directory, whether it is there or not.
#[derive(Debug, Clone)]
pub struct KeptFolder {
    state: PathBuf,
    path: PathBuf,
}

impl KeptFolder {
    /// Of that name in the state directory.
    #[must_use]
    pub fn new(state: &Path, name: &str) -> Self {
        Self {
            state: state.to_owned(),
            path: state.join(name),
        }
    }

    /// A folder in this one.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        Self {
            state: self.state.clone(),
            path: self.path.join(name),
        }
    }

    /// Where it is or would be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// It and the folders that it is in, the outermost first.
    fn steps(&self) -> Vec<&Path> {
        let up = self.path.ancestors();
        let mut steps: Vec<_> = up.take_while(|path| *path != self.state).collect();
        steps.reverse();
        steps
    }

    /// Where it is or would be, when no link leads there.
    ///
    /// # Errors
    /// When one does.
    pub fn plain(&self) -> Result<&Path, KeptError> {
        self.steps().into_iter().try_for_each(plain)?;
        Ok(&self.path)
    }

    /// Makes it, owned as the state directory is.
    ///
    /// # Errors
    /// When the disk refuses, or a link leads there.
    pub fn make(&self) -> Result<&Path, KeptError> {
        files::create_private_dir(&self.state).map_err(at(&self.state))?;
        for step in self.steps() {
            plain(step)?;
            files::create_private_dir(step).map_err(at(step))?;
            plain(step)?;
            files::own_like(step, &self.state).map_err(at(step))?;
        }
        Ok(&self.path)
    }

    /// A file of it, to be read as it likes.
    ///
    /// # Errors
    /// When it is missing or cannot be opened.
    pub fn open(&self, name: &str) -> Result<File, KeptError> {
        let path = self.plain()?.join(name);
        open(&path, OpenOptions::new().read(true))
    }

    /// A file of it, to be written: made when it is missing. A second name of somebody else's file is
    /// refused.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn open_own(&self, name: &str, how: &mut OpenOptions) -> Result<File, KeptError> {
        let path = self.make()?.join(name);
        let file = open(&path, how.create(true))?;
        let held = file.metadata().map_err(at(&path))?;
        let owner = fs::metadata(&self.state).map_err(at(&self.state))?.uid();
        if held.nlink() > 1 && held.uid() != owner {
            return Err(stranger(
                &path,
                "is a second name of a file that is not the daemon's; remove it, and try again",
            ));
        }
        files::own_like(&path, &self.state).map_err(at(&path))?;
        Ok(file)
    }

    /// The text of a file of it; `None` when there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn text(&self, name: &str) -> Result<Option<String>, KeptError> {
        let path = self.path.join(name);
        let file = match self.open(name) {
            Ok(file) => file,
            Err(error) if error.source.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let text = files::capped(file, MOST).and_then(files::text);
        text.map(Some).map_err(at(&path))
    }

    /// What is kept in a file of it as JSON; `None` when there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read, or is damaged ([`KeptError::is_damaged`]).
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, KeptError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let bad = |error| io::Error::new(ErrorKind::InvalidData, error);
        let value = serde_json::from_str(&text).map_err(bad);
        value.map(Some).map_err(at(&self.path.join(name)))
    }

    /// The same for what can be done without: a damaged file counts as none, and is written over the
    /// next time.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn recall<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, KeptError> {
        match self.read(name) {
            Err(error) if error.is_damaged() => Ok(T::default()),
            read => Ok(read?.unwrap_or_default()),
        }
    }

    /// Puts bytes into a file of it, in place of what is there.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), KeptError> {
        let path = self.make()?.join(name);
        files::write_atomic(&path, bytes, files::PRIVATE).map_err(at(&path))?;
        files::own_like(&path, &self.state).map_err(at(&path))
    }

    /// The same as JSON.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep(&self, name: &str, value: &impl Serialize) -> Result<(), KeptError> {
        // Plain structs of texts and numbers: nothing in them can fail to be written.
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        self.write(name, text.as_bytes())
    }

    /// Whether there is a file of that name. A link is one, and is not followed.
    #[must_use]
    pub fn holds(&self, name: &str) -> bool {
        let there = |path: &Path| fs::symlink_metadata(path.join(name)).is_ok();
        self.plain().is_ok_and(there)
    }

    /// Removes a file or a folder of it, which may be missing.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn remove(&self, name: &str) -> Result<(), KeptError> {
        remove(&self.plain()?.join(name))
    }

    /// Paths of what is in it, at most so many, in order; none when it is missing.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn list(&self, most: usize) -> Result<Vec<PathBuf>, KeptError> {
        let path = self.plain()?;
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(at(path)(error)),
        };
        let mut found = Vec::new();
        for entry in entries.take(most) {
            found.push(entry.map_err(at(path))?.path());
        }
        found.sort();
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_what_is_missing_or_damaged_is_told_apart() {
        let state = tempfile::tempdir().unwrap();
        let folder = KeptFolder::new(&state.path().join("state"), "acme").below("public");
        assert_eq!(folder.read::<Vec<u8>>("one.json").unwrap(), None);
        folder.keep("one.json", &vec![1, 2]).unwrap();
        assert_eq!(
            folder.read::<Vec<u8>>("one.json").unwrap(),
            Some(vec![1, 2])
        );
        for damaged in [&b"[1"[..], b"\xff", &vec![b' '; 1024 * 1024 + 1]] {
            folder.write("one.json", damaged).unwrap();
            let error = folder.read::<Vec<u8>>("one.json").unwrap_err();
            assert!(error.is_damaged(), "{error}");
            assert!(folder.recall::<Vec<u8>>("one.json").unwrap().is_empty());
        }
    }

    #[test]
    fn no_link_is_followed_wherever_it_is_on_the_way() {
        for link in ["acme", "acme/public", "acme/public/one.json"] {
            let state = tempfile::tempdir().unwrap();
            let outside = tempfile::tempdir().unwrap();
            fs::write(outside.path().join("one.json"), "[7]").unwrap();
            let folder = KeptFolder::new(state.path(), "acme").below("public");
            let path = state.path().join(link);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let target = match link {
                "acme/public/one.json" => outside.path().join("one.json"),
                _ => outside.path().to_owned(),
            };
            std::os::unix::fs::symlink(target, &path).unwrap();
            let said = folder.read::<Vec<u8>>("one.json").unwrap_err().to_string();
            assert!(said.contains("is a link"), "{link}: {said}");
            // A file in its place is replaced, and never written through.
            let wrote = folder.keep("one.json", &vec![1]);
            assert_eq!(wrote.is_ok(), link == "acme/public/one.json", "{link}");
            let there = fs::read_to_string(outside.path().join("one.json")).unwrap();
            assert_eq!(there, "[7]", "{link}");
            assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1, "{link}");
        }
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let state = tempfile::tempdir().unwrap();
        let folder = KeptFolder::new(state.path(), "trust");
        let pipe = folder.make().unwrap().join("one.json");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let said = folder
            .recall::<Vec<u8>>("one.json")
            .unwrap_err()
            .to_string();
        assert!(said.contains("not a regular file"), "{said}");
    }
}
