//! Files of trust anchors on disk: reading with a limit, writing so that a crash leaves either
//! nothing or everything.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::trust::failure::Failure;
use crate::domain::certs::trust_file::LARGEST;
use crate::domain::certs::trust_set;
use crate::platform::files;

/// Names and contents.
pub(super) type Files = Vec<(String, Vec<u8>)>;

/// Reads a file no larger than a trust file may be.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let most = u64::try_from(LARGEST).unwrap_or(u64::MAX);
    files::read(path, most).map_err(|source| Failure::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// The one file, or every generation of a directory.
pub(super) fn read_any(path: &Path) -> Result<Files, Failure> {
    if path.is_dir() {
        read_directory(path)
    } else {
        Ok(vec![(path.display().to_string(), read(path)?)])
    }
}

/// The files of a directory that the daemon takes as generations: `*.txt` and `*.pem`, by name.
pub(super) fn read_directory(directory: &Path) -> Result<Files, Failure> {
    let unreadable = |source| Failure::Unreadable {
        path: directory.to_owned(),
        source,
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        // A name that is no text cannot have been put there by us.
        if let Some(name) = name.to_str().filter(|name| trust_set::is_generation(name)) {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    names
        .into_iter()
        .map(|name| {
            let bytes = read(&directory.join(&name))?;
            Ok((name, bytes))
        })
        .collect()
}

/// Writes a file whole or not at all, so that the name never shows half a chain.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = files::write_atomic(path, bytes, files::PUBLIC);
    written.map_err(|source| Failure::Unwritable {
        path: path.to_owned(),
        source,
        after: "",
    })
}

/// Takes a file out of the daemon's sight: `name.retired`, or `name.retired-2` and on when that is
/// taken. Returns the new name.
pub(super) fn retire(path: &Path) -> Result<PathBuf, Failure> {
    let retired = retired_name(path);
    fs::rename(path, &retired)
        .and_then(|()| files::sync_directory(files::parent(&retired)))
        .map_err(|source| Failure::Unwritable {
            path: retired.clone(),
            source,
            after: ". The new file is in place; retire the old one by hand.",
        })?;
    Ok(retired)
}

/// The name that [`retire`] will give.
pub(super) fn retired_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let numbered = |number: u32| match number {
        1 => path.with_file_name(format!("{name}.retired")),
        more => path.with_file_name(format!("{name}.retired-{more}")),
    };
    (1..u32::MAX)
        .map(numbered)
        .find(|path| fs::symlink_metadata(path).is_err())
        .unwrap_or_else(|| numbered(u32::MAX))
}
