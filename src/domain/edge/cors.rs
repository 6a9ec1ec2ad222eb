//! Central answers to browsers (Xsi-Actions field page, section 7.14).
//!
//! Browsers run @webex/calling and the Call Settings Webview against this host. A preflight
//! carries no credentials, so the XSP would challenge it; two sets of headers break browsers, so
//! the XSP's own are removed where we answer.

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header;

/// What browsers may send.
const METHODS: HeaderValue = HeaderValue::from_static("GET, PUT, POST, DELETE, OPTIONS");

/// The headers that the known browser clients send, and the Webex tracking id.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, x-broadworks-no-authchallenge, x-broadworks-protocol-version, \
     trackingid",
);

/// Needed after creations and group call park.
const EXPOSED: HeaderValue = HeaderValue::from_static("Location, Content-Location");

/// Ten minutes: saves a round trip per call, yet a removed origin is soon out.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// The origins let in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Vec<String>);

impl Origins {
    /// From `scheme://host[:port]` texts.
    #[must_use]
    pub fn new(origins: Vec<String>) -> Self {
        Self(origins)
    }

    /// Whether an `Origin` value is on the list; letter case does not count.
    #[must_use]
    pub fn admit(&self, origin: &HeaderValue) -> bool {
        let origin = origin.as_bytes();
        self.0
            .iter()
            .any(|allowed| origin.eq_ignore_ascii_case(allowed.as_bytes()))
    }
}

/// The origin that asks, when the request is a preflight.
#[must_use]
pub fn preflight<'h>(method: &Method, headers: &'h HeaderMap) -> Option<&'h HeaderValue> {
    let asks =
        method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    asks.then(|| headers.get(header::ORIGIN)).flatten()
}

/// Sets the answer to an admitted preflight.
pub fn answer_preflight(headers: &mut HeaderMap, origin: HeaderValue) {
    mark(headers, Some(origin));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
}

/// Marks an answer: the XSP's own marks go, ours come for an admitted `origin`.
///
/// `Vary` is set in either case, or a shared cache would hand one caller's answer to another.
pub fn mark(headers: &mut HeaderMap, admitted: Option<HeaderValue>) {
    const OWNED: [header::HeaderName; 6] = [
        header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        header::ACCESS_CONTROL_ALLOW_METHODS,
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        header::ACCESS_CONTROL_MAX_AGE,
    ];
    for name in OWNED {
        headers.remove(name);
    }
    if let Some(origin) = admitted {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins() -> Origins {
        Origins::new(vec!["https://client.example.net".to_owned()])
    }

    #[test]
    fn only_listed_origins_are_admitted() {
        let table = [
            ("https://client.example.net", true),
            ("HTTPS://Client.example.net", true),
            ("https://client.example.net.evil.example", false),
            ("http://client.example.net", false),
            ("https://client.example.net:8443", false),
            ("null", false),
            ("", false),
        ];
        for (origin, expected) in table {
            assert_eq!(
                origins().admit(&HeaderValue::from_static(origin)),
                expected,
                "{origin}"
            );
        }
    }

    #[test]
    fn a_preflight_is_an_options_request_with_origin_and_wanted_method() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_static("https://a"));
        assert_eq!(preflight(&Method::OPTIONS, &headers), None);
        headers.insert(
            header::ACCESS_CONTROL_REQUEST_METHOD,
            HeaderValue::from_static("PUT"),
        );
        assert!(preflight(&Method::OPTIONS, &headers).is_some());
        assert_eq!(preflight(&Method::GET, &headers), None);
    }

    #[test]
    fn an_answer_carries_one_set_of_headers() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("*"),
        );
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("PATCH"),
        );
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        mark(
            &mut headers,
            Some(HeaderValue::from_static("https://client.example.net")),
        );
        assert_eq!(
            headers
                .get_all(header::ACCESS_CONTROL_ALLOW_ORIGIN)
                .iter()
                .count(),
            1
        );
        assert_eq!(
            headers["access-control-allow-origin"],
            "https://client.example.net"
        );
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert_eq!(
            headers["access-control-expose-headers"],
            "Location, Content-Location"
        );
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_METHODS));
        assert_eq!(headers.get_all(header::VARY).iter().count(), 2);
    }
}
