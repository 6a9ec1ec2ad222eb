//! The URL of a service: `https`, a host, no user, no fragment; in clear only to this machine, and
//! only where a caller allows it.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use http::uri::PathAndQuery;
use http::uri::Scheme;
use rustls_pki_types::ServerName;

use crate::outbound::connect::bare;

/// A checked URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebUrl {
    host: String,
    port: u16,
    authority: String,
    target: PathAndQuery,
    name: ServerName<'static>,
    /// Spoken to without TLS.
    plain: bool,
}

/// Why a text is no URL of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAWebUrl {
    /// Not a URL with a host.
    #[error("expected a URL such as https://host/path")]
    Form,
    /// Not `https`: tokens and secrets are sent there.
    #[error("expected https://, because secrets are sent there")]
    Scheme,
    /// With a user or a password.
    #[error("a user or password does not belong into it")]
    UserInfo,
}

/// Whither `http` may lead.
#[derive(Clone, Copy, PartialEq, Eq)]
enum InClear {
    Anywhere,
    Nowhere,
    ThisMachine,
}

/// The port of `https`.
const HTTPS: u16 = 443;

/// The port of `http`.
const HTTP: u16 = 80;

impl WebUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`NotAWebUrl`].
    pub fn parse(text: &str) -> Result<Self, NotAWebUrl> {
        Self::read(text, InClear::Nowhere)
    }

    /// Reads a URL that may also be `http` when its host is this machine.
    ///
    /// # Errors
    /// [`NotAWebUrl`].
    pub fn parse_or_loopback(text: &str) -> Result<Self, NotAWebUrl> {
        Self::read(text, InClear::ThisMachine)
    }

    /// Reads a URL that may also be `http`, for what an operator lets go in clear.
    ///
    /// # Errors
    /// [`NotAWebUrl`].
    pub fn parse_anywhere(text: &str) -> Result<Self, NotAWebUrl> {
        Self::read(text, InClear::Anywhere)
    }

    fn read(text: &str, in_clear: InClear) -> Result<Self, NotAWebUrl> {
        // `http` drops a fragment silently.
        let uri: Uri = match text.contains('#') {
            true => return Err(NotAWebUrl::Form),
            false => text.parse().map_err(|_| NotAWebUrl::Form)?,
        };
        let plain = match uri.scheme() {
            None => return Err(NotAWebUrl::Form),
            Some(scheme) if *scheme == Scheme::HTTPS => false,
            Some(scheme) if *scheme == Scheme::HTTP && in_clear != InClear::Nowhere => true,
            Some(_) => return Err(NotAWebUrl::Scheme),
        };
        let authority = uri.authority().ok_or(NotAWebUrl::Form)?;
        if authority.as_str().contains('@') {
            return Err(NotAWebUrl::UserInfo);
        }
        let host = bare(authority.host()).to_ascii_lowercase();
        if plain && in_clear == InClear::ThisMachine && !is_this_machine(&host) {
            return Err(NotAWebUrl::Scheme);
        }
        let name = ServerName::try_from(host.clone()).map_err(|_| NotAWebUrl::Form)?;
        // A colon without a port that is one is no port at all to `http`.
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") if plain => HTTP,
            Some("") => HTTPS,
            Some(_) | None => authority.port_u16().ok_or(NotAWebUrl::Form)?,
        };
        // As it is printed: a query without a path gets its slash.
        let target = uri.path_and_query().ok_or(NotAWebUrl::Form)?.to_string();
        let target = target.parse().map_err(|_| NotAWebUrl::Form)?;
        Ok(Self {
            host,
            port,
            authority: authority.as_str().to_ascii_lowercase(),
            target,
            name,
            plain,
        })
    }

    /// The same host with another path, which begins with `/` or is a query, after the path of this one.
    ///
    /// # Errors
    /// [`NotAWebUrl::Form`] when the paths make none together.
    pub fn below(&self, path: &str) -> Result<Self, NotAWebUrl> {
        let base = self.target.path().trim_end_matches('/');
        let slash = if base.is_empty() && path.starts_with('?') {
            "/"
        } else {
            ""
        };
        let target = format!("{base}{slash}{path}");
        let target = target.parse().map_err(|_| NotAWebUrl::Form)?;
        Ok(Self {
            target,
            ..self.clone()
        })
    }

    /// Whether another URL leads to the same service: scheme, host and port.
    #[must_use]
    pub fn is_same_origin(&self, other: &Self) -> bool {
        self.plain == other.plain && self.host == other.host && self.port == other.port
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> String {
        let scheme = if self.plain { "http" } else { "https" };
        format!("{scheme}://{}", self.authority)
    }

    /// The host, lower case, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is spoken to without TLS.
    pub(super) const fn is_plain(&self) -> bool {
        self.plain
    }

    pub(super) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Host and port as the `Host` header has them.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Host and port as CONNECT has them.
    pub(super) fn connect_target(&self) -> String {
        match self.address() {
            Some(IpAddr::V6(address)) => format!("[{address}]:{}", self.port),
            Some(IpAddr::V4(_)) | None => format!("{}:{}", self.host, self.port),
        }
    }

    pub(super) const fn target(&self) -> &PathAndQuery {
        &self.target
    }

    pub(super) const fn name(&self) -> &ServerName<'static> {
        &self.name
    }
}

impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.plain { "http" } else { "https" };
        write!(f, "{scheme}://{}{}", self.authority, self.target)
    }
}

fn is_this_machine(host: &str) -> bool {
    let address: Result<IpAddr, _> = host.parse();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let url = WebUrl::parse("https://CI.example.com/idb?x=1").unwrap();
        assert_eq!((url.host(), url.port()), ("ci.example.com", 443));
        assert_eq!(url.connect_target(), "ci.example.com:443");
        assert_eq!(url.to_string(), "https://ci.example.com/idb?x=1");
        let url = WebUrl::parse("https://[::1]:8443").unwrap();
        assert_eq!((url.host(), url.port()), ("::1", 8443));
        assert_eq!(url.connect_target(), "[::1]:8443");
        assert_eq!(url.target().as_str(), "/");
        let url = WebUrl::parse("https://a?x").unwrap();
        assert_eq!(url.target().as_str(), "/?x");
    }

    #[test]
    fn a_path_goes_below_another() {
        for base in ["https://a/idb", "https://a/idb/"] {
            let url = WebUrl::parse(base)
                .unwrap()
                .below("/oauth2/v1/access_token");
            assert_eq!(
                url.unwrap().to_string(),
                "https://a/idb/oauth2/v1/access_token"
            );
        }
        let root = WebUrl::parse("https://a").unwrap().below("/x").unwrap();
        assert_eq!(root.to_string(), "https://a/x");
        let query = |base: &str| WebUrl::parse(base).unwrap().below("?x").unwrap();
        assert_eq!(query("https://a").to_string(), "https://a/?x");
        assert_eq!(query("https://a/b").to_string(), "https://a/b?x");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let base = WebUrl::parse("https://webexapis.com/v1").unwrap();
        for (text, same) in [
            ("https://webexapis.com/v1/people?x=1", true),
            ("https://WEBEXAPIS.com:443/", true),
            ("https://webexapis.com:444/v1", false),
            ("https://webexapis.com.example.net/v1", false),
        ] {
            let other = WebUrl::parse(text).unwrap();
            assert_eq!(base.is_same_origin(&other), same, "{text}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_service_is_refused() {
        for (text, fault) in [
            ("http://a/", NotAWebUrl::Scheme),
            ("ftp://a/", NotAWebUrl::Scheme),
            ("https://u:p@a/", NotAWebUrl::UserInfo),
            ("https://u@a/", NotAWebUrl::UserInfo),
            ("a/b", NotAWebUrl::Form),
            ("/b", NotAWebUrl::Form),
            ("", NotAWebUrl::Form),
            ("https://", NotAWebUrl::Form),
            ("https://a:/", NotAWebUrl::Form),
            ("https://a:70000/", NotAWebUrl::Form),
            ("https://a/ b", NotAWebUrl::Form),
            ("https://a/#b", NotAWebUrl::Form),
            ("https://a_*/", NotAWebUrl::Form),
        ] {
            assert_eq!(WebUrl::parse(text), Err(fault), "{text:?}");
        }
    }

    #[test]
    fn in_clear_only_this_machine_is_spoken_to_and_only_where_that_is_allowed() {
        let url = WebUrl::parse_or_loopback("http://127.0.0.1:8080/blf").unwrap();
        assert!(url.is_plain());
        assert_eq!(url.to_string(), "http://127.0.0.1:8080/blf");
        let url = WebUrl::parse_or_loopback("http://localhost/blf").unwrap();
        assert_eq!(url.port(), 80);
        assert!(!WebUrl::parse_or_loopback("https://a/").unwrap().is_plain());
        for other in [
            "http://10.0.0.1/",
            "http://noc.example.com/",
            "ftp://[::1]/",
        ] {
            let refused = WebUrl::parse_or_loopback(other);
            assert_eq!(refused, Err(NotAWebUrl::Scheme), "{other}");
        }
        assert_eq!(WebUrl::parse("http://localhost/"), Err(NotAWebUrl::Scheme));
    }

    proptest! {
        #[test]
        fn urls_survive_print_and_parse_and_never_panic(text in "(https://)?\\PC{0,40}") {
            if let Ok(url) = WebUrl::parse(&text) {
                prop_assert_eq!(WebUrl::parse(&url.to_string()), Ok(url));
            }
        }
    }
}
