//! Judges the raw request target and says how the most lenient server behind us could read it.
//!
//! The target itself is forwarded byte for byte (Xsi-Actions field page, section 7.1). Routing
//! and policy look at the [`Canonical`] form instead: percent-decoded in up to three layers,
//! `;parameters` stripped, `\` taken as `/`, empty segments dropped, letters that Java folds into
//! ASCII folded. What stands in the canonical form is what any server could see, so a rule that
//! finds nothing there cannot be talked around by encoding.
//!
//! An invalid escape (`%zz`) is no danger by itself and passes untouched.

use std::borrow::Cow;

/// Longest target in bytes. The field page asks for request lines of at least 8 KiB.
pub const MAX_TARGET: usize = 8 * 1024;

/// Layers of percent-encoding looked through. Containers decode once, applications at times again.
const LAYERS: usize = 3;

/// Why a target is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetFault {
    /// A control character, raw or decoded.
    ControlCharacter,
    /// A `.` or `..` segment, raw or decoded.
    DotSegment,
    /// A separator hidden in a `;parameter`: servers disagree where the segment ends.
    HiddenSeparator,
    /// Not a path: neither origin-form nor the path of an absolute form.
    NotAPath,
    /// UTF-8 in more bytes than needed, the classic disguise of `.` and `/`.
    OverlongEncoding,
    /// Longer than [`MAX_TARGET`].
    TooLong,
}

/// The path as the most lenient server could read it. Only for comparing, never for forwarding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canonical<'a>(Cow<'a, [u8]>);

impl Canonical<'_> {
    /// The path, starting with `/`; letter case as sent.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.0
    }
}

/// The segments of a canonical path, without empty ones.
pub fn segments(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
        .filter(|segment| !segment.is_empty())
}

/// Judges `raw`, the path and query of a request.
///
/// # Errors
/// Says what makes the target dangerous.
pub fn judge(raw: &[u8]) -> Result<Canonical<'_>, TargetFault> {
    if raw.len() > MAX_TARGET {
        return Err(TargetFault::TooLong);
    }
    if raw.first() != Some(&b'/') {
        return Err(TargetFault::NotAPath);
    }
    let (path, query) = match memchr::memchr(b'?', raw).and_then(|at| raw.split_at_checked(at)) {
        Some((path, query)) => (path, query),
        None => (raw, &[] as &[u8]),
    };
    if has_control(query) {
        return Err(TargetFault::ControlCharacter);
    }
    if is_plain(path) {
        return Ok(Canonical(Cow::Borrowed(path)));
    }
    canonicalise(path).map(|path| Canonical(Cow::Owned(path)))
}

/// Whether the path reads the same to every server: the common case, decided in one pass.
fn is_plain(path: &[u8]) -> bool {
    let mut after_slash = false;
    path.iter().all(|&byte| {
        let plain = match byte {
            b'/' | b'.' => !after_slash,
            b'%' | b';' | b'\\' => false,
            _ => byte.is_ascii_graphic(),
        };
        after_slash = byte == b'/';
        plain
    })
}

/// Control characters, raw or as one layer of escapes.
fn has_control(query: &[u8]) -> bool {
    let mut rest = query;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte.is_ascii_control() || escape(rest).is_some_and(|(byte, _)| byte.is_ascii_control())
        {
            return true;
        }
        rest = tail;
    }
    false
}

fn canonicalise(path: &[u8]) -> Result<Vec<u8>, TargetFault> {
    let mut read = peel(path)?;
    for _ in 1..LAYERS {
        if !read.contains(&b'%') {
            break;
        }
        read = peel(&read)?;
    }
    if has_overlong(&read) {
        return Err(TargetFault::OverlongEncoding);
    }
    tidy(&read)
}

/// Takes one layer of escapes off.
fn peel(path: &[u8]) -> Result<Vec<u8>, TargetFault> {
    let mut out = Vec::with_capacity(path.len());
    let mut in_parameter = false;
    let mut rest = path;
    while let Some((&first, tail)) = rest.split_first() {
        let (byte, after, escaped) = match escape(rest) {
            Some((byte, after)) => (byte, after, true),
            None => (first, tail, false),
        };
        match byte {
            b'/' if !escaped => in_parameter = false,
            b'/' | b'\\' if in_parameter => return Err(TargetFault::HiddenSeparator),
            b';' => in_parameter = true,
            _ if byte.is_ascii_control() => return Err(TargetFault::ControlCharacter),
            _ => {}
        }
        out.push(byte);
        rest = after;
    }
    Ok(out)
}

/// A valid escape at the start of `text`: its byte and what follows.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [b'%', high, low, after @ ..] => Some((hex(*high)? << 4 | hex(*low)?, after)),
        _ => None,
    }
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn has_overlong(path: &[u8]) -> bool {
    path.windows(2).any(|pair| match pair {
        [0xC0 | 0xC1, next] => matches!(next, 0x80..=0xBF),
        [0xE0, next] => matches!(next, 0x80..=0x9F),
        [0xF0, next] => matches!(next, 0x80..=0x8F),
        _ => false,
    })
}

/// Joins the segments again: parameters, blanks around and empty segments gone.
fn tidy(path: &[u8]) -> Result<Vec<u8>, TargetFault> {
    let mut out = Vec::with_capacity(path.len());
    for segment in path.split(|byte| matches!(byte, b'/' | b'\\')) {
        let name = segment
            .split(|byte| *byte == b';')
            .next()
            .unwrap_or_default()
            .trim_ascii();
        match name {
            b"" => {}
            b"." | b".." => return Err(TargetFault::DotSegment),
            _ => {
                out.push(b'/');
                fold_into(name, &mut out);
            }
        }
    }
    if out.is_empty() {
        out.push(b'/');
    }
    Ok(out)
}

/// Folds the letters that Java's `equalsIgnoreCase` takes for ASCII: long s, Kelvin sign, and the
/// Turkish dotless and dotted i.
fn fold_into(name: &[u8], out: &mut Vec<u8>) {
    let mut rest = name;
    while let Some((&byte, tail)) = rest.split_first() {
        let (byte, after) = match rest {
            [0xC5, 0xBF, after @ ..] => (b's', after),
            [0xE2, 0x84, 0xAA, after @ ..] => (b'k', after),
            [0xC4, 0xB0 | 0xB1, after @ ..] => (b'i', after),
            _ => (byte, tail),
        };
        out.push(byte);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(raw: &str) -> Result<String, TargetFault> {
        judge(raw.as_bytes()).map(|seen| String::from_utf8_lossy(seen.path()).into_owned())
    }

    #[test]
    fn a_plain_path_is_borrowed_and_unchanged() {
        let raw = "/com.broadsoft.xsi-actions/v2.0/user/a@b.c/calls/callhalf-722:0/Hold/?x=%2F..";
        let seen = judge(raw.as_bytes()).unwrap();
        assert!(matches!(seen.0, Cow::Borrowed(_)));
        assert_eq!(Some(seen.path()), raw.split('?').next().map(str::as_bytes));
    }

    #[test]
    fn the_canonical_form_is_what_the_most_lenient_server_reads() {
        let table = [
            ("/a/%43allMeNow", "/a/CallMeNow"),
            ("/a/%2543allMeNow", "/a/CallMeNow"),
            ("/a/%252543allMeNow", "/a/CallMeNow"),
            ("//a///b/", "/a/b"),
            ("/a;x=1/b;y", "/a/b"),
            ("/a/;x/b", "/a/b"),
            ("/a%2Fb%5Cc\\d", "/a/b/c/d"),
            ("/a/%20CallMeNow%20/", "/a/CallMeNow"),
            (
                "/call%C5%BF/%E2%84%AAey/outgo%C4%B1ng/%C4%B0d",
                "/calls/key/outgoing/id",
            ),
            ("/%%34%33all", "/Call"),
            ("/bad%zz%4", "/bad%zz%4"),
            ("/.well-known/x", "/.well-known/x"),
            ("/a/...", "/a/..."),
            ("//", "/"),
        ];
        for (raw, expected) in table {
            assert_eq!(canonical(raw).as_deref(), Ok(expected), "{raw}");
        }
    }

    #[test]
    fn every_disguise_of_a_dot_segment_is_refused() {
        let table = [
            "/a/../b",
            "/a/..",
            "/a/.",
            "/./a",
            "/a/%2e%2e/b",
            "/a/%2E./b",
            "/a/.%2e",
            "/a/%252e%252e/b",
            "/a/%25252e./b",
            "/a/..;x/b",
            "/a/..%3bx/b",
            "/a/%2e%2e;/b",
            "/a\\..\\b",
            "/a%5c..%5cb",
            "/a%2f..%2fb",
            "/a/;/../b",
            "/a/..%20/b",
            "/a/%%32%65./b",
            "/a;x/../b",
        ];
        for raw in table {
            assert_eq!(canonical(raw), Err(TargetFault::DotSegment), "{raw}");
        }
    }

    #[test]
    fn control_characters_are_refused_raw_and_decoded() {
        for raw in [
            "/a%00",
            "/a%0d%0aX:y",
            "/a%7f",
            "/a%2500",
            "/a?x=%0A",
            "/a?x=\u{1}",
            "/\tb",
        ] {
            assert_eq!(canonical(raw), Err(TargetFault::ControlCharacter), "{raw}");
        }
        assert!(canonical("/a?x=%2500&y=%zz&name=b*%5C/i").is_ok());
    }

    #[test]
    fn separators_inside_parameters_and_overlong_bytes_are_refused() {
        for raw in [
            "/v2.0;a%2Fb/system",
            "/v2.0;a\\b/system",
            "/v2.0;a%255cb/system",
        ] {
            assert_eq!(canonical(raw), Err(TargetFault::HiddenSeparator), "{raw}");
        }
        for raw in [
            "/a/%c0%ae%c0%ae/b",
            "/a%c0%afb",
            "/%e0%80%ae",
            "/%f0%80%80%ae",
        ] {
            assert_eq!(canonical(raw), Err(TargetFault::OverlongEncoding), "{raw}");
        }
    }

    #[test]
    fn form_and_length_are_checked() {
        assert_eq!(canonical(""), Err(TargetFault::NotAPath));
        assert_eq!(canonical("*"), Err(TargetFault::NotAPath));
        let longest = format!("/{}", "a".repeat(MAX_TARGET - 1));
        assert!(canonical(&longest).is_ok());
        assert_eq!(canonical(&format!("{longest}a")), Err(TargetFault::TooLong));
    }

    /// Another way to decode, to compare with.
    fn decode_once(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let digits = text
                .get(at + 1..at + 3)
                .and_then(|two| std::str::from_utf8(two).ok())
                .filter(|two| two.bytes().all(|byte| byte.is_ascii_hexdigit()));
            match (text[at], digits) {
                (b'%', Some(two)) => {
                    out.push(u8::from_str_radix(two, 16).unwrap());
                    at += 3;
                }
                (byte, _) => {
                    out.push(byte);
                    at += 1;
                }
            }
        }
        out
    }

    fn climbs(path: &[u8]) -> bool {
        path.split(|byte| matches!(byte, b'/' | b'\\'))
            .any(|segment| {
                let name = segment.split(|byte| *byte == b';').next().unwrap();
                name == b".." || name == b"."
            })
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _seen = judge(&raw);
        }

        #[test]
        fn nothing_that_climbs_after_decoding_gets_through(
            raw in "/([ab./;\\\\%]|%2e|%2E|%2f|%5c|%3b|%25|2e|2f){0,24}"
        ) {
            if let Ok(seen) = judge(raw.as_bytes()) {
                let once = decode_once(raw.as_bytes());
                let twice = decode_once(&once);
                prop_assert!(!climbs(raw.as_bytes()) && !climbs(&once) && !climbs(&twice));
                prop_assert!(!climbs(seen.path()));
                prop_assert!(!once.iter().any(u8::is_ascii_control));
            }
        }

        #[test]
        fn judging_the_canonical_form_again_changes_nothing(raw in "/[a-cA-C/;%0-9]{0,40}") {
            if let Ok(seen) = judge(raw.as_bytes())
                && !seen.path().contains(&b'%')
            {
                let again = judge(seen.path()).unwrap();
                let (left, right): (Vec<_>, Vec<_>) =
                    (segments(seen.path()).collect(), segments(again.path()).collect());
                prop_assert_eq!(left, right);
            }
        }
    }
}
