//! The endpoints below the prefix of the route, and their methods.

use http::Method;

use crate::domain::edge::target::segments;

/// One endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `introspect` (RFC 7662).
    Introspect,
    /// `.well-known/jwks.json` (RFC 7517).
    KeySet,
    /// `ping`.
    Ping,
    /// `revoke` (RFC 7009).
    Revoke,
    /// `token`.
    Token,
}

impl Endpoint {
    /// Finds the endpoint of a canonical path below the prefix. Letter case does not count, as
    /// for the prefix itself.
    #[must_use]
    pub fn find(below: &[u8]) -> Option<Self> {
        let mut parts = segments(below);
        let (first, second) = (parts.next()?, parts.next());
        if parts.next().is_some() {
            return None;
        }
        let is = |word: &str| first.eq_ignore_ascii_case(word.as_bytes());
        match second {
            None if is("introspect") => Some(Self::Introspect),
            None if is("ping") => Some(Self::Ping),
            None if is("revoke") => Some(Self::Revoke),
            None if is("token") => Some(Self::Token),
            Some(file) if is(".well-known") && file.eq_ignore_ascii_case(b"jwks.json") => {
                Some(Self::KeySet)
            }
            None | Some(_) => None,
        }
    }

    /// The word in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Introspect => "introspect",
            Self::KeySet => "jwks",
            Self::Ping => "ping",
            Self::Revoke => "revoke",
            Self::Token => "token",
        }
    }

    /// What `Allow` says. HEAD on `token` would make tokens for nobody.
    #[must_use]
    pub const fn methods(self) -> &'static str {
        match self {
            Self::Introspect | Self::Revoke => "POST, OPTIONS",
            Self::KeySet | Self::Ping => "GET, HEAD, OPTIONS",
            Self::Token => "GET, OPTIONS",
        }
    }

    /// Whether it takes that method.
    #[must_use]
    pub fn takes(self, method: &Method) -> bool {
        self.methods()
            .split(", ")
            .any(|taken| taken == method.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_found_in_any_case_and_nothing_below_them() {
        let table = [
            ("/token", Some(Endpoint::Token)),
            ("/Token/", Some(Endpoint::Token)),
            ("/ping", Some(Endpoint::Ping)),
            ("/introspect", Some(Endpoint::Introspect)),
            ("/REVOKE", Some(Endpoint::Revoke)),
            ("/.well-known/jwks.json", Some(Endpoint::KeySet)),
            ("/token/alice@as", None),
            ("/.well-known", None),
            ("/jwks.json", None),
            ("/ping/jwks.json", None),
            ("/", None),
            ("", None),
        ];
        for (path, expected) in table {
            assert_eq!(Endpoint::find(path.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn each_endpoint_takes_its_methods_only() {
        let takes = |endpoint: Endpoint| {
            let methods = [Method::GET, Method::HEAD, Method::POST, Method::DELETE];
            methods.map(|method| endpoint.takes(&method))
        };
        assert_eq!(takes(Endpoint::Token), [true, false, false, false]);
        assert_eq!(takes(Endpoint::Ping), [true, true, false, false]);
        assert_eq!(takes(Endpoint::Revoke), [false, false, true, false]);
    }
}
