//! Paths of the busy lamp API.

use http::Method;

/// Longest user id in bytes: 161 characters (OCI-P schema, `UserId`), four bytes each at most.
const USER_BYTES: usize = 644;

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LampResource {
    /// `board`: everything at a glance, for operators.
    Board,
    /// `lines`: every line, for operators.
    Lines,
    /// `watchers/{user}/pickup`.
    Pickup(String),
    /// `sources`: where events come from, for operators.
    Sources,
    /// `watchers/{user}/stream`.
    Stream(String),
    /// `watchers/{user}`: its lamps now.
    Watcher(String),
    /// `watchers`: who watches whom, for operators.
    Watchers,
}

impl LampResource {
    /// What a raw target names below `prefix`. The id of a user is decoded once, as the XSP does.
    #[must_use]
    pub fn find(target: &str, prefix: &str) -> Option<Self> {
        let path = target.split('?').next()?;
        let (start, below) = path.split_at_checked(prefix.len())?;
        if !start.eq_ignore_ascii_case(prefix) {
            return None;
        }
        let below = below.strip_prefix('/')?;
        let below = below.strip_suffix('/').unwrap_or(below);
        let parts: Vec<&str> = below.split('/').collect();
        let (version, parts) = parts.split_first()?;
        if !version.eq_ignore_ascii_case("v1") {
            return None;
        }
        match parts {
            [one] if one.eq_ignore_ascii_case("board") => Some(Self::Board),
            [one] if one.eq_ignore_ascii_case("lines") => Some(Self::Lines),
            [one] if one.eq_ignore_ascii_case("sources") => Some(Self::Sources),
            [one] if one.eq_ignore_ascii_case("watchers") => Some(Self::Watchers),
            [one, user] if one.eq_ignore_ascii_case("watchers") => {
                Some(Self::Watcher(decoded(user)?))
            }
            [one, user, what] if one.eq_ignore_ascii_case("watchers") => {
                let user = decoded(user)?;
                if what.eq_ignore_ascii_case("stream") {
                    Some(Self::Stream(user))
                } else if what.eq_ignore_ascii_case("pickup") {
                    Some(Self::Pickup(user))
                } else {
                    None
                }
            }
            _ => None,
        }
    }

    /// Whether it takes this method.
    #[must_use]
    pub fn takes(&self, method: &Method) -> bool {
        match self {
            Self::Pickup(_) => *method == Method::POST,
            Self::Stream(_) => *method == Method::GET,
            Self::Board | Self::Lines | Self::Sources | Self::Watcher(_) | Self::Watchers => {
                *method == Method::GET || *method == Method::HEAD
            }
        }
    }
}

/// An id of a user, as long as it can be one.
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
    let user = String::from_utf8(bytes).ok()?;
    let odd = |c: char| c.is_control() || matches!(c, '/' | '\\');
    let good = !user.trim().is_empty()
        && user.len() <= USER_BYTES
        && user != "."
        && user != ".."
        && !user.contains(odd);
    good.then_some(user)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_found_in_any_case_with_the_id_decoded_once() {
        let alice = || "alice@as.example.net".to_owned();
        for (target, expected) in [
            ("/blf/v1/lines", Some(LampResource::Lines)),
            ("/BLF/V1/Lines/?x=/y", Some(LampResource::Lines)),
            ("/blf/v1/sources", Some(LampResource::Sources)),
            ("/blf/v1/board", Some(LampResource::Board)),
            ("/blf/v1/watchers", Some(LampResource::Watchers)),
            (
                "/blf/v1/watchers/alice@as.example.net",
                Some(LampResource::Watcher(alice())),
            ),
            (
                "/blf/v1/watchers/alice%40as.example.net/stream?view=full",
                Some(LampResource::Stream(alice())),
            ),
            (
                "/blf/v1/watchers/no%C3%ABl%2540x/pickup",
                Some(LampResource::Pickup("noël%40x".to_owned())),
            ),
            ("/blf/v1/watchers/a%2Fb/stream", None),
            ("/blf/v1/watchers/%2e%2e/stream", None),
            ("/blf/v1/watchers/a%0d/stream", None),
            ("/blf/v1/watchers/a%zz/stream", None),
            ("/blf/v1/watchers/a%f/stream", None),
            ("/blf/v1/watchers/%ff/stream", None),
            ("/blf/v1/watchers//stream", None),
            ("/blf/v1/watchers/a/b", None),
            ("/blf/v2/lines", None),
            ("/blf/v1", None),
            ("/blf/", None),
            ("/blf", None),
            ("/bl", None),
        ] {
            assert_eq!(LampResource::find(target, "/blf"), expected, "{target}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic_and_no_id_holds_a_separator(target in "/blf/v1/watchers/\\PC{0,30}") {
            if let Some(LampResource::Watcher(user) | LampResource::Stream(user) | LampResource::Pickup(user)) =
                LampResource::find(&target, "/blf")
            {
                prop_assert!(!user.contains(['/', '\\', '\0']) && !user.is_empty());
            }
        }
    }
}
