//! Files by a pattern in the last part of a path: `*` stands for any characters, `?` for one.

use std::path::Path;
use std::path::PathBuf;

use crate::domain::certs::source::SourceFault;
use crate::workers::cert_watch::read;

/// Whether a path is a pattern.
pub(super) fn is_pattern(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.contains(['*', '?']))
}

/// The files that fit, in the order of their names; at most `most`.
pub(super) fn files(path: &Path, most: usize) -> Result<Vec<PathBuf>, SourceFault> {
    let name = path.file_name().and_then(|name| name.to_str());
    let (Some(name), Some(directory)) = (name.filter(|_| is_pattern(path)), path.parent()) else {
        return Ok(vec![path.to_owned()]);
    };
    let entries = std::fs::read_dir(directory).map_err(|error| read::fault(&error))?;
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| read::fault(&error))?;
        let held = entry.file_name();
        let fits = held.to_str().is_some_and(|held| {
            // A file that is still being written begins with a dot.
            fits(name, held) && (!held.starts_with('.') || name.starts_with('.'))
        });
        if fits {
            if found.len() == most {
                return Err(SourceFault::TooManyFiles(most));
            }
            found.push(entry.path());
        }
    }
    if found.is_empty() {
        return Err(SourceFault::NothingMatches);
    }
    found.sort();
    Ok(found)
}

/// In steps of at most the product of both lengths.
fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut in_text) = (0, 0);
    // Where the last star stood, and how far it reached.
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        let same = match (pattern.get(at), text.get(in_text)) {
            (Some('?'), Some(_)) => true,
            (Some(expected), Some(found)) => expected == found && *expected != '*',
            (None, _) | (_, None) => false,
        };
        if same {
            at += 1;
            in_text += 1;
        } else if pattern.get(at) == Some(&'*') {
            star = Some((at, in_text));
            at += 1;
        } else if let Some((stood, reached)) = star {
            star = Some((stood, reached + 1));
            at = stood + 1;
            in_text = reached + 1;
        } else {
            return false;
        }
    }
    pattern.iter().skip(at).all(|left| *left == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_fit_as_in_a_shell() {
        for (pattern, text, fit) in [
            ("*.pem", "a.pem", true),
            ("*.pem", ".pem", true),
            ("*.pem", "a.pem.bak", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("[a]", "a", false),
            ("**x", "aax", true),
        ] {
            assert_eq!(fits(pattern, text), fit, "{pattern} {text}");
        }
        assert!(!fits(&"*a".repeat(60), &"a".repeat(59)));
    }

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
}
