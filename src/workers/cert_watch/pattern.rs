//! Files by a pattern in the last part of a path: `*` stands for any characters, `?` for one.

use std::path::Path;
use std::path::PathBuf;

use crate::domain::certs::source::SourceFault;
use crate::domain::pattern;
use crate::workers::cert_watch::read;

/// Whether a path is a pattern.
pub(super) fn is_pattern(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.contains(['*', '?']))
}

/// The files that fit, in the order of their names; at most `most`.
pub(super) fn files(path: &Path, most: usize) -> Result<Vec<PathBuf>, SourceFault> {
    let name = path.file_name().and_then(|name| name.to_str());
    let (Some(name), Some(parent)) = (name.filter(|_| is_pattern(path)), path.parent()) else {
        return Ok(vec![path.to_owned()]);
    };
    // A name alone lies where we are.
    let here = parent.as_os_str().is_empty();
    let directory = if here { Path::new(".") } else { parent };
    let entries = std::fs::read_dir(directory).map_err(|error| read::fault(&error))?;
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| read::fault(&error))?;
        let held = entry.file_name();
        let fits = held.to_str().is_some_and(|held| {
            // A file that is still being written begins with a dot.
            pattern::fits(name, held) && (!held.starts_with('.') || name.starts_with('.'))
        });
        if fits {
            if found.len() == most {
                return Err(SourceFault::TooManyFiles(most));
            }
            found.push(parent.join(held));
        }
    }
    if found.is_empty() {
        return Err(SourceFault::NothingMatches);
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_in_order_and_counted() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["b.pem", "a.pem", ".new.pem", "c.key"] {
            std::fs::write(directory.path().join(name), "x").unwrap();
        }
        let at = |name: &str| directory.path().join(name);
        let all = files(&at("*.pem"), 2).unwrap();
        assert_eq!(all, [at("a.pem"), at("b.pem")]);
        assert_eq!(files(&at("*.pem"), 1), Err(SourceFault::TooManyFiles(1)));
        assert_eq!(files(&at("*.der"), 9), Err(SourceFault::NothingMatches));
        assert_eq!(files(&at("none/*.der"), 9), Err(SourceFault::Missing));
        assert_eq!(files(&at("plain"), 9).unwrap(), [at("plain")]);
    }

    #[test]
    fn a_pattern_without_a_directory_is_about_the_one_we_are_in() {
        // Where tests run: the root of the package.
        let found = files(Path::new("no-such.to?l"), 9);
        assert_eq!(found, Err(SourceFault::NothingMatches));
        assert_eq!(
            files(Path::new("Cargo.to*"), 9).unwrap(),
            [Path::new("Cargo.toml")]
        );
    }
}
