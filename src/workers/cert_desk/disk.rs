//! Files and folders below the state directory. They belong to the daemon's account, and whoever
//! runs a verb may be root: no link there is followed.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::ErrorKind;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::OFlags;
use serde::Deserialize;
use serde::Serialize;

use crate::domain::certs::bundle::LARGEST;
use crate::platform::files;

/// Ends of names: of what is replaced, until the new one is there; of what is being removed.
const OLD: &str = "old";
const GONE: &str = "gone";

/// What failed, and where.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}{}", path.display(), remedy(source))]
pub struct ShelfError {
    /// The file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl ShelfError {
    /// Whether it is only that another is at work.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.source.kind() == ErrorKind::WouldBlock
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
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> ShelfError {
    let path = path.to_owned();
    |source| ShelfError { path, source }
}

/// Refuses a link. What is missing is none.
pub(super) fn plain(path: &Path) -> Result<(), ShelfError> {
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

fn stranger(path: &Path, what: &str) -> ShelfError {
    at(path)(io::Error::other(what))
}

/// Opens a file of ours, whatever else somebody may have put in its place: no link is followed, and
/// no pipe waited for.
pub(super) fn open(path: &Path, how: &mut OpenOptions) -> Result<File, ShelfError> {
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

/// As [`open`], to write what is the owner's of `state`: a second name of somebody else's file is
/// refused.
pub(super) fn open_own(
    path: &Path,
    how: &mut OpenOptions,
    state: &Path,
) -> Result<File, ShelfError> {
    let file = open(path, how)?;
    let held = file.metadata().map_err(at(path))?;
    let owner = fs::metadata(state).map_err(at(state))?.uid();
    if held.nlink() > 1 && held.uid() != owner {
        return Err(stranger(
            path,
            "is a second name of a file that is not the daemon's; remove it, and try again",
        ));
    }
    files::own_like(path, state).map_err(at(path))?;
    Ok(file)
}

pub(super) fn json(value: &impl Serialize) -> String {
    // Plain structs of texts and numbers: nothing in them can fail to be written.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

pub(super) fn parsed<T: for<'a> Deserialize<'a>>(path: &Path, text: &str) -> Result<T, ShelfError> {
    serde_json::from_str(text).map_err(|error| at(path)(io::Error::other(error)))
}

pub(super) fn text(path: &Path) -> Result<String, ShelfError> {
    optional(path)?.ok_or_else(|| at(path)(io::Error::from(ErrorKind::NotFound)))
}

pub(super) fn optional(path: &Path) -> Result<Option<String>, ShelfError> {
    let file = match open(path, OpenOptions::new().read(true)) {
        Ok(file) => file,
        Err(error) if error.source.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    let limit = u64::try_from(LARGEST).unwrap_or(u64::MAX);
    file.take(limit)
        .read_to_string(&mut text)
        .map_err(at(path))?;
    Ok(Some(text))
}

/// Removes a file or a folder, which may be missing.
pub(super) fn remove(path: &Path) -> Result<(), ShelfError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(held) if held.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    removed.map_err(at(path))
}

/// A name beside a folder, which the next one to lock the place looks for.
pub(super) fn hidden(name: &str, end: &str) -> String {
    format!(".{name}.{}.{end}", std::process::id())
}

/// Makes `fresh` the folder of that name. What is there stays until the new one stands in its
/// place.
pub(super) fn exchange(folder: &Path, fresh: &Path, name: &str) -> Result<(), ShelfError> {
    let (target, old) = (folder.join(name), folder.join(hidden(name, OLD)));
    remove(&old)?;
    let aside = move_if_there(&target, &old)?;
    if let Err(error) = fs::rename(fresh, &target) {
        if aside {
            fs::rename(&old, &target).ok();
        }
        return Err(at(&target)(error));
    }
    files::sync_directory(folder).map_err(at(folder))?;
    remove(&old)
}

/// Removes the folder of that name, which may be missing. A half of it is never taken for the whole.
pub(super) fn discard(folder: &Path, name: &str) -> Result<(), ShelfError> {
    let gone = folder.join(hidden(name, GONE));
    remove(&gone)?;
    if move_if_there(&folder.join(name), &gone)? {
        files::sync_directory(folder).map_err(at(folder))?;
        remove(&gone)?;
    }
    Ok(())
}

fn move_if_there(from: &Path, to: &Path) -> Result<bool, ShelfError> {
    match fs::rename(from, to) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(at(from)(error)),
    }
}

/// Removes what a crash left beside folders of these names, or puts it back where the new one never
/// came. Only for who has locked them.
pub(super) fn sweep(folder: &Path, names: &[&str]) -> Result<(), ShelfError> {
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some((name, end)) = name.and_then(|name| name.strip_prefix('.')?.split_once('.'))
        else {
            continue;
        };
        if !names.contains(&name) {
            continue;
        }
        let target = folder.join(name);
        if end.ends_with(OLD) && fs::symlink_metadata(&target).is_err() {
            fs::rename(&path, &target).map_err(at(&path))?;
            files::sync_directory(folder).map_err(at(folder))?;
        } else {
            remove(&path)?;
        }
    }
    Ok(())
}
