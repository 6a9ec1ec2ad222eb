//! Files of trust anchors on disk: reading with a limit, writing so that a crash leaves either
//! nothing or everything.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::Permissions;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::trust::failure::Failure;
use crate::domain::certs::trust_file::LARGEST;
use crate::domain::certs::trust_set;

/// Names and contents.
pub(super) type Files = Vec<(String, Vec<u8>)>;

/// Certificates are public, and the daemon runs as another user than the engineer.
const MODE: u32 = 0o644;

/// Reads a file, at most one byte more than a trust file may have.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |source| Failure::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::other("it is not a regular file")));
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(LARGEST).unwrap_or(u64::MAX);
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(bytes)
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

/// Writes a file that is not there yet: a temporary file beside it, synced, renamed, and the
/// directory synced, so that the name never shows half a chain.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // The daemon skips names that begin with a dot, and the ending is not a generation's.
    let temporary = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let written = fill(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| sync_parent(path));
    written.map_err(|source| {
        // It may not exist; the first error is the one to tell.
        drop(fs::remove_file(&temporary));
        Failure::Unwritable {
            path: path.to_owned(),
            source,
            after: "",
        }
    })
}

fn fill(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Takes a file out of the daemon's sight: `name.retired`, or `name.retired-2` and on when that is
/// taken. Returns the new name.
pub(super) fn retire(path: &Path) -> Result<PathBuf, Failure> {
    let retired = retired_name(path);
    fs::rename(path, &retired)
        .and_then(|()| sync_parent(&retired))
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

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        Some(_) | None => File::open(".")?.sync_all(),
    }
}
