//! A watcher's list: whom he watches, and what changed when it was read again.

use std::collections::HashSet;

use crate::domain::events::document::MonitoredUser;
use crate::domain::events::ids::UserId;

/// Lines that the Webex app shows; longer lists are noted, not cut.
pub const WEBEX_LINES: usize = 50;

/// A watcher's list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchList {
    users: Vec<MonitoredUser>,
}

/// What is new in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) added: Vec<UserId>,
    pub(super) removed: Vec<UserId>,
}

impl WatchList {
    /// In the order of the keys; a user that is named twice counts once.
    #[must_use]
    pub fn new(users: Vec<MonitoredUser>) -> Self {
        let mut seen = HashSet::new();
        let once = users
            .into_iter()
            .filter(|user| seen.insert(user.user.clone()));
        Self {
            users: once.collect(),
        }
    }

    /// Its users.
    #[must_use]
    pub fn users(&self) -> &[MonitoredUser] {
        &self.users
    }

    /// Whether it has more lines than the Webex app shows.
    #[must_use]
    pub const fn is_long(&self) -> bool {
        self.users.len() > WEBEX_LINES
    }

    pub(super) fn difference(&self, newer: &Self) -> Difference {
        let missing = |from: &Self, to: &Self| {
            let there: HashSet<_> = to.users.iter().map(|user| &user.user).collect();
            from.users
                .iter()
                .map(|user| &user.user)
                .filter(|user| !there.contains(*user))
                .cloned()
                .collect()
        };
        Difference {
            added: missing(newer, self),
            removed: missing(self, newer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(users: &[&str]) -> WatchList {
        let user = |user: &&str| MonitoredUser {
            user: UserId::new(user),
            name: None,
            number: None,
            extension: None,
        };
        WatchList::new(users.iter().map(user).collect())
    }

    #[test]
    fn a_list_names_each_user_once_and_knows_what_is_new() {
        let old = list(&["b", "a", "b"]);
        assert_eq!(old.users().len(), 2);
        let difference = old.difference(&list(&["c", "a"]));
        assert_eq!(difference.added, [UserId::new("c")]);
        assert_eq!(difference.removed, [UserId::new("b")]);
        assert_eq!(old.difference(&old), Difference::default());
        assert_eq!(old.difference(&list(&[])).removed.len(), 2);
    }

    #[test]
    fn a_long_list_is_noted_and_not_cut() {
        let names: Vec<_> = (0..60).map(|index| index.to_string()).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let long = list(&names);
        assert!(long.is_long());
        assert_eq!(long.users().len(), 60);
        assert!(!list(&names[..WEBEX_LINES]).is_long());
    }
}
