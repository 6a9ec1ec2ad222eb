//! Which proxy stands between us and a service: `HTTPS_PROXY` and `NO_PROXY` as most programs
//! take them. Names in lower case come first.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use http::uri::Scheme;
use ipnet::IpNet;
use zeroize::Zeroizing;

use crate::config::Environment;
use crate::outbound::OutboundError;
use crate::outbound::connect::bare;
use crate::outbound::web::url::WebUrl;

/// Names of the variable with the proxy, in order of preference.
const PROXY: [&str; 2] = ["https_proxy", "HTTPS_PROXY"];

/// Names of the variable with the exceptions, in order of preference.
const EXCEPT: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The port of a proxy whose URL names none; the usual one.
const PORT: u16 = 3128;

/// The proxy, if there is one, and who is reached without it.
#[derive(Default)]
pub(super) struct Proxies {
    proxy: Option<Proxy>,
    exceptions: Vec<Exception>,
}

/// An HTTP proxy that is asked with CONNECT.
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// The value of `Proxy-Authorization`.
    pub(super) credentials: Option<Zeroizing<String>>,
}

/// Who is reached directly.
#[derive(Debug, PartialEq, Eq)]
enum Exception {
    All,
    /// A host, and all below it.
    Domain(String),
    Network(IpNet),
}

impl Proxies {
    pub(super) fn of(environment: &Environment) -> Result<Self, OutboundError> {
        let first = |names: [&'static str; 2]| {
            names.into_iter().find_map(|name| {
                let value = environment.variable(name)?.trim();
                (!value.is_empty()).then_some((name, value))
            })
        };
        let proxy = match first(PROXY) {
            None => None,
            // The value is not repeated: it may hold a password.
            Some((variable, value)) => {
                Some(Proxy::parse(value).ok_or(OutboundError::Proxy { variable })?)
            }
        };
        let exceptions = first(EXCEPT).map_or("", |(_, value)| value);
        Ok(Self {
            proxy,
            exceptions: exceptions.split(',').filter_map(Exception::parse).collect(),
        })
    }

    /// Always this one; `url` is `http://host:port`, and `credentials` are `user:password`.
    pub(super) fn through(url: &str, credentials: Option<&[u8]>) -> Option<Self> {
        let credentials = credentials.map(|plain| {
            let encoded = Zeroizing::new(STANDARD.encode(plain));
            Zeroizing::new(format!("Basic {}", *encoded))
        });
        let proxy = Proxy {
            credentials,
            ..Proxy::parse(url)?
        };
        Some(Self {
            proxy: Some(proxy),
            exceptions: Vec::new(),
        })
    }

    /// The proxy on the way to a service; `None` is the direct way. This machine is never behind
    /// a proxy.
    pub(super) fn toward(&self, url: &WebUrl) -> Option<&Proxy> {
        let local = match url.address() {
            Some(address) => address.is_loopback(),
            None => url.host() == "localhost",
        };
        let direct = local || self.exceptions.iter().any(|exception| exception.holds(url));
        self.proxy.as_ref().filter(|_| !direct)
    }
}

impl Proxy {
    /// `[http://][user:password@]host[:port][/]`.
    fn parse(text: &str) -> Option<Self> {
        let text = match text.contains("://") {
            true => text.to_owned(),
            false => format!("http://{text}"),
        };
        let uri: Uri = text.parse().ok()?;
        let authority = uri.authority()?;
        if uri.scheme() != Some(&Scheme::HTTP) || uri.path() != "/" {
            return None;
        }
        let (credentials, place) = match authority.as_str().rsplit_once('@') {
            None => (None, authority.as_str()),
            Some((user_info, place)) => (Some(basic(user_info)?), place),
        };
        let port = match place.strip_prefix(authority.host()) {
            Some("") => PORT,
            Some(_) | None => authority.port_u16()?,
        };
        let host = bare(authority.host());
        (!host.is_empty()).then(|| Self {
            host: host.to_owned(),
            port,
            credentials,
        })
    }

    /// Host and port, for messages.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

fn basic(user_info: &str) -> Option<Zeroizing<String>> {
    let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
    let mut plain = Zeroizing::new(decoded(user)?);
    plain.push(b':');
    plain.extend_from_slice(&Zeroizing::new(decoded(password)?));
    let encoded = Zeroizing::new(STANDARD.encode(&*plain));
    Some(Zeroizing::new(format!("Basic {}", *encoded)))
}

/// Undoes percent-encoding, without which a password could not hold `@` or `:`.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    Some(out)
}

impl Exception {
    /// `None` for an empty entry.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "*" {
            return Some(Self::All);
        }
        if let Ok(network) = text.parse() {
            return Some(Self::Network(network));
        }
        if let Ok(address) = bare(text).parse::<IpAddr>() {
            return Some(Self::Network(IpNet::from(address)));
        }
        let domain = text.trim_start_matches("*.").trim_matches('.');
        (!domain.is_empty()).then(|| Self::Domain(domain.to_ascii_lowercase()))
    }

    fn holds(&self, url: &WebUrl) -> bool {
        match self {
            Self::All => true,
            Self::Domain(domain) => url
                .host()
                .strip_suffix(domain.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
            Self::Network(network) => url
                .address()
                .is_some_and(|address| network.contains(&address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, OutboundError> {
        Proxies::of(&variables.iter().copied().collect())
    }

    fn goes_through(variables: &[(&str, &str)], url: &str) -> Option<String> {
        let proxies = proxies(variables).unwrap();
        proxies
            .toward(&WebUrl::parse(url).unwrap())
            .map(Proxy::place)
    }

    #[test]
    fn the_variable_in_lower_case_comes_first_and_an_empty_one_counts_for_nothing() {
        let url = "https://idbroker.webex.com/idb";
        for (variables, expected) in [
            (&[][..], None),
            (&[("HTTPS_PROXY", "http://p:8080")], Some("p:8080")),
            (
                &[("HTTPS_PROXY", "http://p:8080"), ("https_proxy", "q:1")],
                Some("q:1"),
            ),
            (
                &[("HTTPS_PROXY", "http://p:8080"), ("https_proxy", "")],
                Some("p:8080"),
            ),
            (
                &[("https_proxy", "proxy.example.net")],
                Some("proxy.example.net:3128"),
            ),
            (&[("https_proxy", "http://[::1]:99/")], Some("::1:99")),
            (&[("HTTP_PROXY", "http://p:8080")], None),
        ] {
            assert_eq!(
                goes_through(variables, url).as_deref(),
                expected,
                "{variables:?}"
            );
        }
    }

    #[test]
    fn exceptions_are_hosts_domains_addresses_and_networks() {
        for (exceptions, url, direct) in [
            ("*", "https://a.b/", true),
            ("webex.com", "https://idbroker.webex.com/", true),
            (".webex.com", "https://idbroker.webex.com/", true),
            ("*.webex.com", "https://idbroker.webex.com/", true),
            ("WEBEX.com", "https://webex.com/", true),
            ("webex.com", "https://notwebex.com/", false),
            ("x, ,webex.com ", "https://webex.com/", true),
            ("", "https://webex.com/", false),
            ("10.0.0.0/8", "https://10.1.2.3/", true),
            ("10.0.0.0/8", "https://11.1.2.3/", false),
            ("10.1.2.3", "https://10.1.2.3/", true),
            ("[fd00::1]", "https://[fd00::1]/", true),
            ("", "https://127.0.0.2/", true),
            ("", "https://[::1]/", true),
            ("", "https://localhost/", true),
        ] {
            let variables = [("https_proxy", "p:1"), ("no_proxy", exceptions)];
            let way = goes_through(&variables, url);
            assert_eq!(way.is_none(), direct, "{exceptions:?} {url}");
        }
    }

    #[test]
    fn a_proxys_password_is_sent_and_not_printed() {
        let proxies = proxies(&[("https_proxy", "http://me:p%40ss@p:1")]).unwrap();
        let credentials = proxies.proxy.unwrap().credentials.unwrap();
        assert_eq!(
            *credentials,
            format!("Basic {}", STANDARD.encode("me:p@ss"))
        );
    }

    #[test]
    fn a_named_proxy_is_taken_for_all_but_this_machine() {
        let proxies = Proxies::through("http://p:8080", Some(b"me:p@ss")).unwrap();
        let way = |url| {
            proxies
                .toward(&WebUrl::parse(url).unwrap())
                .map(Proxy::place)
        };
        assert_eq!(way("https://webexapis.com/v1").as_deref(), Some("p:8080"));
        assert_eq!(way("https://127.0.0.1/v1"), None);
        let credentials = proxies.proxy.unwrap().credentials.unwrap();
        assert_eq!(
            *credentials,
            format!("Basic {}", STANDARD.encode("me:p@ss"))
        );
        assert!(Proxies::through("https://p:8080", None).is_none());
    }

    #[test]
    fn a_proxy_that_cannot_be_is_refused_without_its_password() {
        for value in [
            "https://me:secret@p:1",
            "socks5://p:1",
            "http://p:x",
            "http://",
            "p:1/x",
            "http://a:%zz@p:1",
        ] {
            let error = proxies(&[("HTTPS_PROXY", value)])
                .err()
                .unwrap()
                .to_string();
            assert!(error.contains("HTTPS_PROXY"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
