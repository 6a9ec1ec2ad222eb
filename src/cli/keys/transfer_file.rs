//! The file between `export` and `import`: a line for people, and the sealed keys.

use std::path::Path;
use std::time::SystemTime;

use crate::cli::keys::directory::unreadable;
use crate::cli::keys::failure::Failure;
use crate::cli::keys::fingerprint;
use crate::domain::auth::keys::KeySet;
use crate::platform::files;

/// How the first line begins.
const MARK: &str = "xspd-authservice-export 1";

/// Largest file in bytes: base64 of the largest key file, and the lines around it.
const FILE_BYTES: u64 = 128 * 1024;

/// The two lines. The first says whose keys they are, so that files can be told apart without the
/// passphrase; nothing is decided by it.
pub(super) fn write(set: &KeySet, now: SystemTime, sealed: &str) -> String {
    let keys: Vec<_> = fingerprint::thumbprints(set, now)
        .into_iter()
        .map(|(state, kid)| format!("{}:{kid}", state.as_str()))
        .collect();
    let generation = set.generation();
    let keys = keys.join(",");
    format!("{MARK} generation={generation} keys={keys}\n{sealed}\n")
}

/// Reads a file and returns the sealed keys.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    let failed = |source| unreadable(path, source);
    let bytes = files::read(path, FILE_BYTES).map_err(failed)?;
    let foreign = || Failure::Foreign(path.to_owned());
    let text = String::from_utf8(bytes).map_err(|_| foreign())?;
    let mut lines = text.lines();
    let (Some(head), Some(sealed)) = (lines.next(), lines.next()) else {
        return Err(foreign());
    };
    if head.starts_with(MARK) && lines.all(|line| line.trim().is_empty()) {
        Ok(sealed.trim_end().to_owned())
    } else {
        Err(foreign())
    }
}
