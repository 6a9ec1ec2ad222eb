//! What an Xsi target is about, read from the canonical path below its context.
//!
//! Only what the edge decides on is told apart: version, root, whose it is and the few resources
//! with a rule of their own. The 300 others are passed through unread.

use std::borrow::Cow;

use crate::domain::edge::target::segments;

/// Protocol tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `v1`, `v1.0` and the like.
    V1,
    /// `v2.0`.
    V2,
    /// None or another.
    Unknown,
}

/// First segment below the version (Xsi-Actions field page, section 1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// `callcenter/{id}`.
    CallCenter,
    /// `collaborate/room/{id}`, without a user in front.
    Collaborate,
    /// `group/{id}`.
    Group,
    /// `meetmeconference/{bridge}`.
    MeetMeConference,
    /// Anything else, `versions` too.
    Other,
    /// `routepoint/{id}`.
    RoutePoint,
    /// `system/…`.
    System,
    /// `user/{id}`.
    User,
}

/// Resources that have a rule of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// `calls/CallMeNow`: places calls without credentials.
    CallMeNow,
    /// `profile/DeviceToken`.
    DeviceToken,
    /// Anything else.
    Other,
    /// `collaborate/room/{id}/outgoingdial`: places calls without credentials.
    OutgoingDial,
    /// `profile/Password/…`.
    Password,
}

/// A parsed path below an Xsi context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionPath<'a> {
    /// Protocol tree.
    pub version: Version,
    /// First segment below it.
    pub root: Root,
    /// Second segment below it: the identifier under the root, as written but percent-decoded.
    pub id: Option<&'a [u8]>,
    /// What it is about.
    pub resource: Resource,
}

impl<'a> ActionPath<'a> {
    /// Reads the canonical path that follows the context, `/v2.0/user/…`.
    ///
    /// Resources are recognised wherever their words follow each other in order, not at a fixed
    /// depth: an encoded slash in an identifier shifts depths for one server and not for another.
    #[must_use]
    pub fn parse(below_context: &'a [u8]) -> Self {
        let mut parts = segments(below_context).peekable();
        let version = parts
            .peek()
            .map_or(Version::Unknown, |first| version_of(first));
        match version {
            Version::V1 | Version::V2 => drop(parts.next()),
            Version::Unknown => {}
        }
        let first = parts.next().unwrap_or_default();
        let root = root_of(first);
        let id = parts.next();
        let inside = std::iter::once(first).chain(id).chain(parts);
        Self {
            version,
            root,
            id,
            resource: resource_of(root, inside),
        }
    }

    /// The user whose resource it is.
    #[must_use]
    pub fn user(&self) -> Option<&'a [u8]> {
        match self.root {
            Root::User => self.id,
            Root::CallCenter
            | Root::Collaborate
            | Root::Group
            | Root::MeetMeConference
            | Root::Other
            | Root::RoutePoint
            | Root::System => None,
        }
    }
}

fn version_of(segment: &[u8]) -> Version {
    match segment {
        [b'v' | b'V', b'1'] | [b'v' | b'V', b'1', b'.', ..] => Version::V1,
        [b'v' | b'V', b'0'..=b'9', ..] => Version::V2,
        _ => Version::Unknown,
    }
}

fn root_of(segment: &[u8]) -> Root {
    const ROOTS: [(&[u8], Root); 7] = [
        (b"user", Root::User),
        (b"callcenter", Root::CallCenter),
        (b"collaborate", Root::Collaborate),
        (b"group", Root::Group),
        (b"meetmeconference", Root::MeetMeConference),
        (b"routepoint", Root::RoutePoint),
        (b"system", Root::System),
    ];
    ROOTS
        .iter()
        .find(|(word, _)| segment.eq_ignore_ascii_case(word))
        .map_or(Root::Other, |(_, root)| *root)
}

fn resource_of<'a>(root: Root, inside: impl Iterator<Item = &'a [u8]>) -> Resource {
    let mut calls = false;
    let mut collaborate = false;
    let mut profile = false;
    let mut found = Resource::Other;
    for segment in inside {
        // A suffix like `.json` picks a format in some frameworks.
        let word = segment
            .split(|byte| *byte == b'.')
            .next()
            .unwrap_or_default();
        let is = |text: &[u8]| word.eq_ignore_ascii_case(text);
        if calls && is(b"callmenow") {
            return Resource::CallMeNow;
        }
        // `meetmeconference/*/conference/*/outgoingdial` is another command and authenticated.
        if collaborate && root != Root::MeetMeConference && is(b"outgoingdial") {
            return Resource::OutgoingDial;
        }
        if profile && is(b"password") {
            found = Resource::Password;
        } else if profile && is(b"devicetoken") {
            found = Resource::DeviceToken;
        }
        calls |= is(b"calls");
        collaborate |= is(b"collaborate");
        profile |= is(b"profile");
    }
    found
}

/// The user of any relayed path below a context: `…/user/{id}/…` (Xsi) or `/token/{id}`
/// (AuthService), so that both contexts of one user go to one XSP.
#[must_use]
pub fn user_below<'a>(context_rest: &'a [u8], marker: &[u8]) -> Option<&'a [u8]> {
    /// `/com.broadsoft.async/com.broadsoft.xsi-events/v2.0/user/{id}` is the deepest known.
    const DEEPEST: usize = 4;
    let mut parts = segments(context_rest);
    for _ in 0..DEEPEST {
        if parts.next()?.eq_ignore_ascii_case(marker) {
            return parts.next();
        }
    }
    None
}

/// A raw path as it may stand in a log: `;parameters` (session ids) gone, conference ids masked
/// since one may be the moderator's PIN (Xsi-Actions field page, section 2), nothing but ASCII.
#[must_use]
pub fn loggable(path: &str) -> Cow<'_, str> {
    const MEETING: &[u8] = b"meetmeconference";
    let meeting = path
        .as_bytes()
        .windows(MEETING.len())
        .any(|window| window.eq_ignore_ascii_case(MEETING));
    if path.is_ascii() && !path.contains(';') && !meeting {
        return Cow::Borrowed(path);
    }
    let mut out = String::with_capacity(path.len());
    let mut secret = false;
    for (place, segment) in path.split('/').enumerate() {
        if place > 0 {
            out.push('/');
        }
        let name = segment.split(';').next().unwrap_or_default();
        if secret && !name.is_empty() {
            out.push('…');
        } else {
            out.extend(name.chars().flat_map(|letter| {
                let plain = letter.is_ascii();
                let escaped = (!plain).then(|| letter.escape_unicode());
                plain
                    .then_some(letter)
                    .into_iter()
                    .chain(escaped.into_iter().flatten())
            }));
        }
        secret = meeting && name.eq_ignore_ascii_case("conference");
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(path: &str) -> (Version, Root, Option<&str>, Resource) {
        let read = ActionPath::parse(path.as_bytes());
        let id = read.id.map(|id| std::str::from_utf8(id).unwrap());
        (read.version, read.root, id, read.resource)
    }

    #[test]
    fn version_root_and_identifier_are_read_in_any_case() {
        use Resource::Other as Plain;
        let table = [
            (
                "/v2.0/user/alice@as/profile",
                (Version::V2, Root::User, Some("alice@as"), Plain),
            ),
            (
                "/V2.0/User/a/services/",
                (Version::V2, Root::User, Some("a"), Plain),
            ),
            (
                "/v1.0/user/a/profile",
                (Version::V1, Root::User, Some("a"), Plain),
            ),
            ("/v1/user/a", (Version::V1, Root::User, Some("a"), Plain)),
            ("/v10/user/a", (Version::V2, Root::User, Some("a"), Plain)),
            (
                "/v2.0/callCenter/q/calls",
                (Version::V2, Root::CallCenter, Some("q"), Plain),
            ),
            (
                "/v2.0/group/g/services",
                (Version::V2, Root::Group, Some("g"), Plain),
            ),
            (
                "/v2.0/routepoint/r",
                (Version::V2, Root::RoutePoint, Some("r"), Plain),
            ),
            (
                "/v2.0/system/services",
                (Version::V2, Root::System, Some("services"), Plain),
            ),
            ("/v2.0/versions", (Version::V2, Root::Other, None, Plain)),
            (
                "/system/services",
                (Version::Unknown, Root::System, Some("services"), Plain),
            ),
            ("", (Version::Unknown, Root::Other, None, Plain)),
        ];
        for (path, expected) in table {
            assert_eq!(parse(path), expected, "{path}");
        }
    }

    #[test]
    fn resources_with_rules_are_recognised_at_any_depth() {
        let table = [
            ("/v2.0/user/a/calls/CallMeNow", Resource::CallMeNow),
            ("/v2.0/user/a/b/calls/callmenow", Resource::CallMeNow),
            ("/v2.0/user/a/calls/CallMeNow.json", Resource::CallMeNow),
            ("/v2.0/user/callmenow/calls", Resource::Other),
            (
                "/v2.0/user/a/directories/Personal/CallMeNow",
                Resource::Other,
            ),
            (
                "/v2.0/user/a/collaborate/room/r/outgoingdial",
                Resource::OutgoingDial,
            ),
            (
                "/v2.0/collaborate/room/r/OutgoingDial/",
                Resource::OutgoingDial,
            ),
            (
                "/v2.0/meetmeconference/b/conference/c/outgoingdial",
                Resource::Other,
            ),
            (
                "/v2.0/meetmeconference/collaborate/conference/c/outgoingdial",
                Resource::Other,
            ),
            ("/v2.0/user/a/profile/Password/Portal", Resource::Password),
            ("/v2.0/user/a/profile/deviceToken", Resource::DeviceToken),
            ("/v2.0/user/a/profile/Device", Resource::Other),
        ];
        for (path, expected) in table {
            assert_eq!(parse(path).3, expected, "{path}");
        }
    }

    #[test]
    fn the_user_is_found_in_every_context() {
        let table = [
            ("/v2.0/user/a@b/profile", "user", Some("a@b")),
            ("/com.broadsoft.xsi-events/v2.0/User/a", "user", Some("a")),
            ("/token/a@b", "token", Some("a@b")),
            ("/v2.0/channel/x/heartbeat", "user", None),
            ("/token", "token", None),
            ("/a/b/c/d/user/x", "user", None),
        ];
        for (path, marker, expected) in table {
            let user = user_below(path.as_bytes(), marker.as_bytes());
            assert_eq!(user, expected.map(str::as_bytes), "{path}");
        }
    }

    #[test]
    fn a_logged_path_holds_no_pin_and_no_session() {
        let table = [
            ("/v2.0/user/a@b/profile/", "/v2.0/user/a@b/profile/"),
            (
                "/v2.0/user/a;jsessionid=F00/profile;x",
                "/v2.0/user/a/profile",
            ),
            (
                "/v2.0/MeetMeConference/b/Conference/4711/lock",
                "/v2.0/MeetMeConference/b/Conference/…/lock",
            ),
            (
                "/v2.0/user/a/services/meetmeconference/b/conference",
                "/v2.0/user/a/services/meetmeconference/b/conference",
            ),
            (
                "/v2.0/user/a/calls/conference/1:0",
                "/v2.0/user/a/calls/conference/1:0",
            ),
            ("/é\u{202e}", "/\\u{e9}\\u{202e}"),
        ];
        for (path, expected) in table {
            assert_eq!(loggable(path), expected);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(path in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _read = ActionPath::parse(&path);
        }
    }
}
