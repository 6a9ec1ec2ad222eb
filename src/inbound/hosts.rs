//! From a server name to the host of a listener that serves it.

use std::collections::HashMap;

/// Positions of hosts by name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct HostTable {
    exact: HashMap<String, usize>,
    /// What follows the first label of `*.example.com`.
    wildcard: HashMap<String, usize>,
    default: Option<usize>,
}

impl HostTable {
    /// Builds the table from the names of each host, in order.
    #[must_use]
    pub fn new<'a>(hosts: impl IntoIterator<Item = &'a [String]>) -> Self {
        let mut table = Self::default();
        for (at, names) in hosts.into_iter().enumerate() {
            for name in names {
                if name == "*" {
                    table.default = Some(at);
                } else if let Some(parent) = name.strip_prefix("*.") {
                    table.wildcard.insert(parent.to_owned(), at);
                } else {
                    table.exact.insert(name.clone(), at);
                }
            }
        }
        table
    }

    /// The host for a lower-case server name. A client that names none gets the default host,
    /// or else the first; whether its request may go there is judged by its `Host` later.
    #[must_use]
    pub fn find(&self, name: Option<&str>) -> Option<usize> {
        let Some(name) = name else {
            return Some(self.default.unwrap_or(0));
        };
        let wildcard = || {
            let (label, parent) = name.split_once('.')?;
            if label.is_empty() {
                None
            } else {
                self.wildcard.get(parent)
            }
        };
        self.exact
            .get(name)
            .or_else(wildcard)
            .copied()
            .or(self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_beats_wildcard_beats_default_and_a_wildcard_is_one_label() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let hosts: [Vec<String>; 3] = [names(&["a.b"]), names(&["*.b"]), names(&["*"])];
        let table = HostTable::new(hosts.iter().map(Vec::as_slice));
        let cases = [("a.b", 0), ("c.b", 1), ("d.c.b", 2), ("b", 2), (".b", 2)];
        for (name, host) in cases {
            assert_eq!(table.find(Some(name)), Some(host), "{name}");
        }
        assert_eq!(table.find(None), Some(2));
        let strict = HostTable::new(hosts.iter().take(1).map(Vec::as_slice));
        assert_eq!(strict.find(Some("c.b")), None);
        assert_eq!(strict.find(None), Some(0));
    }
}
