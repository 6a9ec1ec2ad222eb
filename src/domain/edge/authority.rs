//! `host[:port]` as it stands in `Host`, `:authority`, SNI and URLs.

/// A well-formed authority without user information.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authority<'a> {
    /// Host name or address literal, as written.
    pub host: &'a str,
    /// Port, when one is written.
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Reads an authority strictly: RFC 9112 section 3.2 wants 400 for anything else, and hyper
    /// alone lets `a/b` and `u@h` pass.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(literal) => {
                let (inside, after) = literal.split_once(']')?;
                let well_formed = !inside.is_empty()
                    && inside
                        .bytes()
                        .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
                let host = text.get(..inside.len() + 2).filter(|_| well_formed)?;
                (host, after)
            }
            None => {
                let end = memchr::memchr(b':', text.as_bytes()).unwrap_or(text.len());
                let (host, after) = text.split_at_checked(end)?;
                let well_formed = !host.is_empty()
                    && host.bytes().all(|byte| {
                        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
                    });
                (well_formed.then_some(host)?, after)
            }
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            None => return None,
            Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            Some(_) => return None,
        };
        Some(Self { host, port })
    }

    /// Whether two authorities name the same place under a scheme with this default port.
    #[must_use]
    pub fn same_place(&self, other: &Authority<'_>, default_port: u16) -> bool {
        same_host(self.host, other.host)
            && self.port.unwrap_or(default_port) == other.port.unwrap_or(default_port)
    }
}

/// Compares host names: case and one trailing dot do not count.
#[must_use]
pub fn same_host(left: &str, right: &str) -> bool {
    bare(left).eq_ignore_ascii_case(bare(right))
}

/// Whether a configured name covers a host: exact, `*.example.com` for one label, `*` for all.
#[must_use]
pub fn covers(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(parent) => bare(host)
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(parent)),
        None => pattern == "*" || same_host(pattern, host),
    }
}

fn bare(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_host_and_port_are_an_authority() {
        let table = [
            ("xsp1.example.net", Some(("xsp1.example.net", None))),
            (
                "XSP1.example.net.:8443",
                Some(("XSP1.example.net.", Some(8443))),
            ),
            ("host:", Some(("host", None))),
            ("192.0.2.1:80", Some(("192.0.2.1", Some(80)))),
            ("[2001:db8::1]:443", Some(("[2001:db8::1]", Some(443)))),
            ("", None),
            (":80", None),
            ("a/b", None),
            ("u@h", None),
            ("a b", None),
            ("a,b", None),
            ("h:99999", None),
            ("h:8x", None),
            ("h:+8", None),
            ("[::1", None),
            ("[]", None),
            ("[::1]x", None),
            ("a%41", None),
        ];
        for (text, expected) in table {
            let read = Authority::parse(text).map(|read| (read.host, read.port));
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn default_ports_case_and_the_final_dot_do_not_count() {
        let same = |left, right| {
            Authority::parse(left)
                .unwrap()
                .same_place(&Authority::parse(right).unwrap(), 443)
        };
        assert!(same("A.example", "a.EXAMPLE.:443"));
        assert!(!same("a.example", "a.example:8443"));
        assert!(!same("a.example", "b.example"));
    }

    #[test]
    fn a_wildcard_covers_exactly_one_label() {
        assert!(covers("*", "anything"));
        assert!(covers("*.example.com", "A.EXAMPLE.com"));
        assert!(!covers("*.example.com", "a.b.example.com"));
        assert!(!covers("*.example.com", "example.com"));
        assert!(!covers("*.example.com", ".example.com"));
        assert!(covers("a.example.com", "a.example.com."));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _read = Authority::parse(&text);
        }
    }
}
