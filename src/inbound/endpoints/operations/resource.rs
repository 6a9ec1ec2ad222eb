//! Paths of the operations API.

use http::Method;

/// Longest id in bytes: that of a user has 161 characters of four bytes, the others have fewer.
const ID_BYTES: usize = 644;

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// `attention`: what waits for a person, grouped.
    Attention,
    /// `captures/{id}`.
    Capture(String),
    /// `captures`.
    Captures,
    /// `enterprises/{id}`.
    Enterprise(String),
    /// `enterprises`.
    Enterprises,
    /// `enterprises/{id}/sync`.
    EnterpriseSync(String),
    /// `import`.
    Import,
    /// `jobs`: the user-status view.
    Jobs,
    /// `precheck`.
    Precheck,
    /// `reconcile`: how far it is, and to begin it.
    Reconcile,
    /// `reconcile/{enterprise}/apply`.
    ReconcileApply(String),
    /// `reconcile/{enterprise}`: the last report.
    ReconcileReport(String),
    /// `sync`: directory syncs that were asked for.
    Syncs,
    /// `templates`.
    Templates,
    /// `users/{user}`.
    User(String),
    /// `users/{user}/report`: what a support case needs.
    UserReport(String),
    /// `users/{user}/{word}`: an operator's word.
    UserWord(String, UserWord),
}

/// What an operator says of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserWord {
    /// End it where it is.
    Cancel,
    /// Do what was asked about.
    Confirm,
    /// Another package.
    MovePackage,
    /// No subscriber any more.
    Remove,
    /// Try again.
    Retry,
}

impl UserWord {
    /// All, in the order of their names.
    pub const ALL: [Self; 5] = [
        Self::Cancel,
        Self::Confirm,
        Self::MovePackage,
        Self::Remove,
        Self::Retry,
    ];

    /// As paths and the log write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Confirm => "confirm",
            Self::MovePackage => "move-package",
            Self::Remove => "remove",
            Self::Retry => "retry",
        }
    }
}

/// Every path below `/ops/v1/` with the methods that it takes, as the README shows them.
pub const PATHS: [(&str, &str); 21] = [
    ("attention", "GET"),
    ("captures", "GET"),
    ("captures/{id}", "GET"),
    ("enterprises", "GET"),
    ("enterprises/{enterprise}", "GET"),
    ("enterprises/{enterprise}/sync", "GET, POST"),
    ("import", "POST"),
    ("jobs", "GET"),
    ("precheck", "POST"),
    ("reconcile", "GET, POST"),
    ("reconcile/{enterprise}", "GET"),
    ("reconcile/{enterprise}/apply", "POST"),
    ("sync", "GET"),
    ("templates", "GET"),
    ("users/{user}", "GET"),
    ("users/{user}/cancel", "POST"),
    ("users/{user}/confirm", "POST"),
    ("users/{user}/move-package", "POST"),
    ("users/{user}/remove", "POST"),
    ("users/{user}/report", "GET"),
    ("users/{user}/retry", "POST"),
];

impl Resource {
    /// What a raw path names below `/ops`. Ids are decoded once; nothing else is.
    #[must_use]
    pub fn find(path: &str, prefix: &str) -> Option<Self> {
        let below = path.strip_prefix(prefix)?.strip_prefix("/v1/")?;
        let parts: Vec<&str> = below.split('/').collect();
        Some(match parts.as_slice() {
            ["attention"] => Self::Attention,
            ["captures"] => Self::Captures,
            ["captures", id] => Self::Capture(decoded(id)?),
            ["enterprises"] => Self::Enterprises,
            ["enterprises", id] => Self::Enterprise(decoded(id)?),
            ["enterprises", id, "sync"] => Self::EnterpriseSync(decoded(id)?),
            ["import"] => Self::Import,
            ["jobs"] => Self::Jobs,
            ["precheck"] => Self::Precheck,
            ["reconcile"] => Self::Reconcile,
            ["reconcile", id] => Self::ReconcileReport(decoded(id)?),
            ["reconcile", id, "apply"] => Self::ReconcileApply(decoded(id)?),
            ["sync"] => Self::Syncs,
            ["templates"] => Self::Templates,
            ["users", user] => Self::User(decoded(user)?),
            ["users", user, "report"] => Self::UserReport(decoded(user)?),
            ["users", user, word] => {
                let word = UserWord::ALL
                    .into_iter()
                    .find(|held| held.as_str() == *word)?;
                Self::UserWord(decoded(user)?, word)
            }
            _ => return None,
        })
    }

    /// Whether it takes this method.
    #[must_use]
    pub fn takes(&self, method: &Method) -> bool {
        match self {
            Self::Attention
            | Self::Capture(_)
            | Self::Captures
            | Self::Enterprise(_)
            | Self::Enterprises
            | Self::Jobs
            | Self::ReconcileReport(_)
            | Self::Syncs
            | Self::Templates
            | Self::User(_)
            | Self::UserReport(_) => *method == Method::GET,
            Self::EnterpriseSync(_) | Self::Reconcile => {
                *method == Method::GET || *method == Method::POST
            }
            Self::Import | Self::Precheck | Self::ReconcileApply(_) | Self::UserWord(..) => {
                *method == Method::POST
            }
        }
    }
}

/// An id, as long as it can be one.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high << 4 | low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let id = String::from_utf8(bytes).ok()?;
    let good = !id.trim().is_empty() && id.len() <= ID_BYTES && !id.contains(char::is_control);
    good.then_some(id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_found_with_their_ids_decoded_once() {
        let of = |path| Resource::find(path, "/ops");
        let anna = || "anna+1@x/y".to_owned();
        for (path, expected) in [
            ("/ops/v1/jobs", Some(Resource::Jobs)),
            (
                "/ops/v1/users/anna%2B1%40x%2Fy",
                Some(Resource::User(anna())),
            ),
            (
                "/ops/v1/users/anna+1@x%2Fy/retry",
                Some(Resource::UserWord(anna(), UserWord::Retry)),
            ),
            (
                "/ops/v1/users/a/report",
                Some(Resource::UserReport("a".to_owned())),
            ),
            (
                "/ops/v1/users/%2541",
                Some(Resource::User("%41".to_owned())),
            ),
            ("/ops/v1/users/a/destroy", None),
            ("/ops/v1/users//retry", None),
            ("/ops/v1/users/%0a", None),
            ("/ops/v1/users/%ff", None),
            ("/ops/v1/users/%4", None),
            ("/ops/v2/jobs", None),
            ("/ops/v1/jobs/", None),
            ("/ops", None),
        ] {
            assert_eq!(of(path), expected, "{path}");
        }
    }

    #[test]
    fn the_list_of_paths_is_what_is_found() {
        let mut found = std::collections::BTreeSet::new();
        for (path, methods) in PATHS {
            let plain = path.replace(['{', '}'], "");
            let resource = Resource::find(&format!("/ops/v1/{plain}"), "/ops");
            let resource = resource.unwrap_or_else(|| panic!("{path}"));
            let all = [Method::GET, Method::POST];
            let takes: Vec<_> = all.iter().filter(|method| resource.takes(method)).collect();
            let takes: Vec<_> = takes.iter().map(|method| method.as_str()).collect();
            assert_eq!(takes.join(", "), methods, "{path}");
            found.insert(format!("{resource:?}"));
        }
        assert_eq!(found.len(), PATHS.len());
    }

    #[test]
    fn what_changes_something_is_never_a_get() {
        let changes = Resource::UserWord("a".to_owned(), UserWord::Remove);
        assert!(changes.takes(&Method::POST) && !changes.takes(&Method::GET));
        assert!(Resource::Jobs.takes(&Method::GET) && !Resource::Jobs.takes(&Method::POST));
        assert!(!Resource::Jobs.takes(&Method::HEAD));
    }

    proptest! {
        #[test]
        fn no_path_breaks_it(path in ".{0,60}") {
            drop(Resource::find(&format!("/ops/v1/{path}"), "/ops"));
        }
    }
}
