//! Paths of keys: `pool.xsp.upstream[0].url`.
//!
//! An element of a list of tables is called by its name when that is well formed and the first of
//! its kind, else by its index.

use std::collections::BTreeSet;

/// Longest name of a pool, route, listener, upstream or trust set.
pub(super) const NAME_LENGTH: usize = 63;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step<'a> {
    Index(usize),
    Key(&'a str),
}

/// Whether a name can stand in a path, a metric label and an environment variable.
pub(super) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= NAME_LENGTH
        && bytes.next().is_some_and(|b| b.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// What each element of a list is called: `.name` or `[index]`.
pub(super) fn labels<'a>(names: impl IntoIterator<Item = Option<&'a str>>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let elements = names.into_iter().enumerate();
    let label = |(at, name): (usize, Option<&'a str>)| match name {
        Some(name) if is_name(name) && seen.insert(name) => format!(".{name}"),
        Some(_) | None => format!("[{at}]"),
    };
    elements.map(label).collect()
}

/// The key below a path.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// The steps of a path made by [`labels`] and [`join`].
pub(super) fn steps(path: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let mut pieces = part.split('[');
        let key = pieces.next().unwrap_or_default();
        if !key.is_empty() {
            steps.push(Step::Key(key));
        }
        for piece in pieces {
            if let Ok(index) = piece.trim_end_matches(']').parse() {
                steps.push(Step::Index(index));
            }
        }
    }
    steps
}

/// Whether `path` is `ancestor` or lies below it.
pub(super) fn is_within(path: &str, ancestor: &str) -> bool {
    path.strip_prefix(ancestor)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_go_by_name_and_doubtful_ones_by_index() {
        let names = [Some("a"), None, Some("a"), Some("B c"), Some("d-1")];
        assert_eq!(labels(names), [".a", "[1]", "[2]", "[3]", ".d-1"]);
    }

    #[test]
    fn a_path_splits_into_its_steps() {
        assert_eq!(
            steps("pool.xsp.upstream[2].url"),
            [
                Step::Key("pool"),
                Step::Key("xsp"),
                Step::Key("upstream"),
                Step::Index(2),
                Step::Key("url")
            ]
        );
    }

    #[test]
    fn a_path_lies_within_its_ancestors_only() {
        assert!(is_within("a.b[0].c", "a.b"));
        assert!(is_within("a.b", "a.b"));
        assert!(!is_within("a.bc", "a.b"));
    }
}
