//! Folders that take the place of others, so that a machine that loses power finds the old one or the
//! new one, whole.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::platform::files;
use crate::workers::kept::KeptError;
use crate::workers::kept::at;
use crate::workers::kept::remove;

/// Ends of names: of what is replaced, until the new one is there; of what is being removed.
const OLD: &str = "old";
const GONE: &str = "gone";

/// A name beside a folder, which the next one to lock the place looks for.
pub(super) fn hidden(name: &str, end: &str) -> String {
    format!(".{name}.{}.{end}", std::process::id())
}

/// Makes `fresh` the folder of that name. What is there stays until the new one stands in its
/// place.
pub(super) fn exchange(folder: &Path, fresh: &Path, name: &str) -> Result<(), KeptError> {
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
pub(super) fn discard(folder: &Path, name: &str) -> Result<(), KeptError> {
    let gone = folder.join(hidden(name, GONE));
    remove(&gone)?;
    if move_if_there(&folder.join(name), &gone)? {
        files::sync_directory(folder).map_err(at(folder))?;
        remove(&gone)?;
    }
    Ok(())
}

fn move_if_there(from: &Path, to: &Path) -> Result<bool, KeptError> {
    match fs::rename(from, to) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(at(from)(error)),
    }
}

/// Removes what a crash left beside folders of these names, or puts it back where the new one never
/// came. Only for who has locked them.
pub(super) fn sweep(folder: &Path, names: &[&str]) -> Result<(), KeptError> {
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
