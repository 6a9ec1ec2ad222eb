//! What a reload changes, and whether it can be done while running.

mod classes;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::config::Config;
use crate::config::path::join;

/// When a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeClass {
    /// At the reload.
    Live,
    /// At the next start.
    Restart,
}

/// One changed key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its path, as in a [`crate::config::Problem`].
    pub path: String,
    /// When it takes effect.
    pub class: ChangeClass,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.class {
            ChangeClass::Live => "live",
            ChangeClass::Restart => "needs a restart",
        };
        write!(f, "{} ({class})", self.path)
    }
}

/// Every difference, in the order of the file.
#[must_use]
pub fn diff(old: &Config, new: &Config) -> Vec<Change> {
    let mut changes = Vec::new();
    classes::config(&mut At::root(&mut changes), old, new);
    changes
}

/// A path and where its changes go.
struct At<'a> {
    changes: &'a mut Vec<Change>,
    path: String,
}

impl<'a> At<'a> {
    const fn root(changes: &'a mut Vec<Change>) -> Self {
        Self {
            changes,
            path: String::new(),
        }
    }

    fn below(&mut self, path: String) -> At<'_> {
        At {
            changes: self.changes,
            path,
        }
    }

    /// The table that this place is in.
    fn above(&mut self) -> At<'_> {
        let above = self.path.rsplit_once('.').map(|(above, _)| above);
        let path = above.unwrap_or_default().to_owned();
        self.below(path)
    }

    fn changed(&mut self, path: String, class: ChangeClass) {
        self.changes.push(Change { path, class });
    }

    fn compare<T: PartialEq>(&mut self, key: &str, old: &T, new: &T, class: ChangeClass) {
        if old != new {
            self.changed(join(&self.path, key), class);
        }
    }

    fn inside<T>(&mut self, key: &str, old: &T, new: &T, walk: fn(&mut At<'_>, &T, &T)) {
        let path = join(&self.path, key);
        walk(&mut self.below(path), old, new);
    }

    /// Elements by name. One that came or went is one change.
    fn named<'t, T: 't>(
        &mut self,
        key: &str,
        old: impl Iterator<Item = (&'t String, &'t T)>,
        new: impl Iterator<Item = (&'t String, &'t T)>,
        class: ChangeClass,
        walk: fn(&mut At<'_>, &T, &T),
    ) {
        let list = join(&self.path, key);
        let mut new: BTreeMap<_, _> = new.collect();
        for (name, old) in old {
            let path = join(&list, name);
            match new.remove(name) {
                Some(new) => walk(&mut self.below(path), old, new),
                None => self.changed(path, class),
            }
        }
        for name in new.keys() {
            self.changed(join(&list, name), class);
        }
    }

    /// Elements by place; a change of their number is one live change of the list.
    fn listed<T>(&mut self, key: &str, old: &[T], new: &[T], walk: fn(&mut At<'_>, &T, &T)) {
        let list = join(&self.path, key);
        if old.len() != new.len() {
            self.changed(list, ChangeClass::Live);
            return;
        }
        for (at, (old, new)) in old.iter().zip(new).enumerate() {
            walk(&mut self.below(format!("{list}[{at}]")), old, new);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::check::check;

    const TEXT: &str = r#"
        [admin]
        address = "127.0.0.1:0"
        [log]
        format = "text"
        filter = "info"
        [[pool]]
        name = "xsp"
        upstream = [{ name = "one", url = "http://10.0.0.5" }]
        [[listener]]
        name = "public"
        addresses = ["127.0.0.1:0"]
        [[listener.host]]
        names = ["a.example.com"]
    "#;

    fn changes(replacements: &[(&str, &str)]) -> Vec<String> {
        let config = |text: &str| {
            let checked = check(&toml::from_str(text).unwrap());
            assert_eq!(checked.problems, []);
            checked.config
        };
        let changed = replacements
            .iter()
            .fold(TEXT.to_owned(), |text, (from, to)| {
                assert!(text.contains(from), "{from}");
                text.replace(from, to)
            });
        let changes = diff(&config(TEXT), &config(&changed));
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_equal_configuration_changes_nothing() {
        assert_eq!(changes(&[]), [""; 0]);
    }

    #[test]
    fn what_is_bound_at_the_start_needs_a_restart() {
        assert_eq!(
            changes(&[
                ("address = \"127.0.0.1:0\"", "address = \"[::1]:0\""),
                ("format = \"text\"", "format = \"json\""),
                (
                    "addresses = [\"127.0.0.1:0\"]",
                    "addresses = [\"127.0.0.2:0\"]"
                ),
                ("[admin]", "state-dir = \"/tmp\"\n[admin]"),
            ]),
            [
                "state-dir (needs a restart)",
                "log.format (needs a restart)",
                "admin.address (needs a restart)",
                "store.path (needs a restart)",
                "listener.public.addresses (needs a restart)",
            ]
        );
        assert_eq!(
            changes(&[("name = \"public\"", "name = \"other\"")]),
            [
                "listener.public (needs a restart)",
                "listener.other (needs a restart)"
            ]
        );
    }

    const NATIVE: &str = r#"
        [application-server]
        addresses = ["10.0.0.9"]
        ca = "/ca.pem"
        user-id = "xspd"
        password = "env:A"
        [auth-service]
        mode = "native"
        [auth-service.identity-providers.cisco]
        ci-cluster = "EU"
        teams-cluster = "AFRA"
        client-id = "C1"
        client-secret = "env:B"
        federation = { refresh-token = "env:C" }
        [log]"#;

    #[test]
    fn the_auth_service_is_live_but_for_the_place_of_its_keys() {
        let to = NATIVE;
        assert_eq!(
            changes(&[("[log]", to)]),
            [
                "application-server.addresses (live)",
                "auth-service.mode (live)"
            ]
        );
        let old = TEXT.replace("[log]", to);
        let new = old
            .replace("10.0.0.9", "10.0.0.10")
            .replace("/ca.pem", "/ca2.pem")
            .replace("env:C", "env:D")
            .replace("\"C1\"", "\"C2\"")
            .replace(
                "mode = \"native\"",
                "mode = \"native\"\nbasic = false\nkey-management.directory = \"/keys\"",
            );
        let config = |text: &str| check(&toml::from_str(text).unwrap()).config;
        let changes = diff(&config(&old), &config(&new));
        let changes: Vec<_> = changes.iter().map(ToString::to_string).collect();
        assert_eq!(
            changes,
            [
                "application-server.addresses (live)",
                "application-server.ca (live)",
                "auth-service.basic (live)",
                "auth-service.key-management.directory (needs a restart)",
                "auth-service.identity-providers.cisco.client-id (live)",
                "auth-service.identity-providers.cisco.federation.refresh-token (live)",
            ]
        );
    }

    #[test]
    fn busy_lamps_keep_their_identity_until_a_restart() {
        let lamps = r#"[blf]
        watchers = ["alice"]
        [blf.account]
        user-id = "admin"
        password = "env:A"
        [log]"#;
        assert_eq!(
            changes(&[("[log]", lamps)]),
            ["route.blf (live)", "blf.enabled (needs a restart)"]
        );
        let old = TEXT.replace("[log]", lamps);
        let new = old
            .replace("[\"alice\"]", "[\"bob\"]\napplication-id = \"other\"")
            .replace("env:A", "env:B")
            .replace("\"admin\"", "\"root\"")
            .replace("[log]", "[blf.notification]\ndelay = \"1s\"\n[log]");
        let config = |text: &str| check(&toml::from_str(text).unwrap()).config;
        let changes = diff(&config(&old), &config(&new));
        let changes: Vec<_> = changes.iter().map(ToString::to_string).collect();
        assert_eq!(
            changes,
            [
                "blf.watchers (live)",
                "blf.application-id (needs a restart)",
                "blf.account.user-id (needs a restart)",
                "blf.account.password (live)",
                "blf.notification.delay (live)",
            ]
        );
    }

    #[test]
    fn all_else_is_live_and_named_by_its_path() {
        assert_eq!(
            changes(&[
                ("filter = \"info\"", "filter = \"debug\""),
                ("http://10.0.0.5", "http://10.0.0.6"),
                ("a.example.com", "b.example.com"),
                ("name = \"xsp\"", "name = \"xsp\"\nhealth = { rise = 9 }"),
                (
                    "[[pool]]",
                    "[policy]\ngroup = \"deny\"\n[[route]]\nname = \"dms\"\nprefix = \"/dms\"\n[[pool]]"
                ),
            ]),
            [
                "log.filter (live)",
                "pool.xsp.upstream.one.url (live)",
                "pool.xsp.health.rise (live)",
                "route.dms (live)",
                "policy.group (live)",
                "listener.public.host[0].names (live)",
            ]
        );
    }
}
