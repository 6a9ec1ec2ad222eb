//! The request on its way to the XSP: nothing for one hop only, nothing that a peer could use to
//! pass for someone else, and our own word about the peer.

use std::io::Write;
use std::net::IpAddr;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;

use crate::domain::edge::headers::is_hop_by_hop;
use crate::domain::edge::headers::remove;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Names under which proxies pass on a client certificate or address, besides the prefixes.
/// A peer that may send them could pass for anyone (AuthService field page, section 2.6).
const IDENTITY: [&str; 13] = [
    "cf-connecting-ip",
    "client-cert",
    "client-cert-chain",
    "forwarded",
    "remote-user",
    "true-client-ip",
    "x-arr-clientcert",
    "x-client-dn",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-real-ip",
    "x-remote-user",
];

/// Prefixes of the same kind.
const IDENTITY_PREFIXES: [&str; 8] = [
    "ssl-",
    "wl-proxy-",
    "x-amzn-mtls-",
    "x-client-cert",
    "x-client-verify",
    "x-original-forwarded-",
    "x-ssl-",
    "x-tls-client-",
];

/// Headers by which some frameworks take another method or target than the request line's, which
/// would talk around the policy.
const OVERRIDES: [&str; 5] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
];

/// What the configuration adds, resolved once.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Carries the verified client identity.
    pub identity_header: Option<HeaderName>,
    /// More names that a peer may not send, lower case.
    pub drop: Vec<String>,
}

/// Scheme by which the client reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// As in a URL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that goes without saying.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// What we say about the peer.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Address of the connection's other end.
    pub peer: IpAddr,
    /// Whether the peer's `X-Forwarded-*` are believed.
    pub trusted: bool,
    /// Scheme of the connection.
    pub scheme: Scheme,
    /// `Host` of the request.
    pub host: &'a HeaderValue,
    /// Owner of the verified client certificate.
    pub identity: Option<&'a str>,
}

/// Rewrites the headers of a request for the XSP.
pub fn rewrite(headers: &mut HeaderMap, rules: &Rules, facts: &Facts<'_>) {
    remove(headers, |name| is_unwanted(name, rules, facts.trusted));
    join_cookies(headers);
    set_forwarding(headers, facts);
    if let Some(name) = &rules.identity_header
        && let Some(identity) = facts.identity
        && let Ok(value) = HeaderValue::from_bytes(identity.as_bytes())
    {
        headers.insert(name.clone(), value);
    }
}

fn is_unwanted(name: &str, rules: &Rules, trusted: bool) -> bool {
    if name.contains('_') {
        // CGI-like servers read `X_FORWARDED_FOR` and `X-Forwarded-For` as the same variable.
        let dashed = name.replace('_', "-");
        return is_unwanted_dashed(&dashed, rules, false) || rules.names(name);
    }
    is_unwanted_dashed(name, rules, trusted)
}

fn is_unwanted_dashed(name: &str, rules: &Rules, trusted: bool) -> bool {
    if is_hop_by_hop(name) {
        return true;
    }
    if let Some(what) = name.strip_prefix("x-forwarded-") {
        return !trusted || !matches!(what, "for" | "host" | "port" | "proto");
    }
    IDENTITY.contains(&name)
        || IDENTITY_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
        || OVERRIDES.contains(&name)
        || rules.names(name)
}

impl Rules {
    fn names(&self, name: &str) -> bool {
        self.identity_header
            .as_ref()
            .is_some_and(|identity| same_variable(identity.as_str(), name))
            || self.drop.iter().any(|drop| same_variable(drop, name))
    }
}

/// Equal but for `_` and `-`.
fn same_variable(left: &str, right: &str) -> bool {
    let fold = |byte: u8| if byte == b'_' { b'-' } else { byte };
    left.len() == right.len()
        && left
            .bytes()
            .zip(right.bytes())
            .all(|(left, right)| fold(left) == fold(right))
}

/// HTTP/2 may send a cookie in crumbs; HTTP/1.1 knows one header only (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut crumbs = headers.get_all(header::COOKIE).iter();
    if crumbs.next().is_none() || crumbs.next().is_none() {
        return;
    }
    let joined: Vec<&[u8]> = headers
        .get_all(header::COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if let Ok(mut value) = HeaderValue::from_bytes(&joined.join(b"; ".as_slice())) {
        value.set_sensitive(true);
        headers.insert(header::COOKIE, value);
    }
}

fn set_forwarding(headers: &mut HeaderMap, facts: &Facts<'_>) {
    let mut text = AddressText([0; 46]);
    if facts.trusted {
        let before = headers.get_all(X_FORWARDED_FOR);
        let mut chain: Vec<u8> = Vec::new();
        for value in before.iter().map(HeaderValue::as_bytes) {
            chain.extend_from_slice(value);
            chain.extend_from_slice(b", ");
        }
        chain.extend_from_slice(text.write(facts.peer));
        if let Ok(value) = HeaderValue::from_bytes(&chain) {
            headers.insert(X_FORWARDED_FOR, value);
        }
    } else if let Ok(value) = HeaderValue::from_bytes(text.write(facts.peer)) {
        headers.insert(X_FORWARDED_FOR, value);
    }
    if !facts.trusted || !headers.contains_key(X_FORWARDED_PROTO) {
        let proto = HeaderValue::from_static(facts.scheme.as_str());
        headers.insert(X_FORWARDED_PROTO, proto);
    }
    if !facts.trusted || !headers.contains_key(X_FORWARDED_HOST) {
        headers.insert(X_FORWARDED_HOST, facts.host.clone());
    }
}

/// The client as a trusted proxy in front of us names it: the last hop that is no trusted proxy
/// itself. Anything before it may be invented.
#[must_use]
pub fn client_behind(headers: &HeaderMap, trusts: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let mut last = None;
    for value in headers.get_all(X_FORWARDED_FOR).iter().rev() {
        for hop in value.to_str().ok()?.rsplit(',') {
            let hop: IpAddr = hop.trim().parse().ok()?;
            last = Some(hop);
            if !trusts(hop) {
                return last;
            }
        }
    }
    last
}

/// The scheme that a trusted proxy in front of us saw.
#[must_use]
pub fn scheme_before(headers: &HeaderMap) -> Option<Scheme> {
    let value = headers.get(X_FORWARDED_PROTO)?.as_bytes();
    if value.eq_ignore_ascii_case(b"https") {
        Some(Scheme::Https)
    } else if value.eq_ignore_ascii_case(b"http") {
        Some(Scheme::Http)
    } else {
        None
    }
}

/// Room for an address's text on the stack: the longest has 45 characters.
struct AddressText([u8; 46]);

impl AddressText {
    fn write(&mut self, address: IpAddr) -> &[u8] {
        let mut left = self.0.as_mut_slice();
        let room = left.len();
        let used = match write!(left, "{}", address.to_canonical()) {
            Ok(()) => room - left.len(),
            Err(_) => 0,
        };
        self.0.get(..used).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        headers
    }

    fn rules() -> Rules {
        Rules {
            identity_header: Some(HeaderName::from_static("x-xspd-identity")),
            drop: vec!["x-secret".to_owned()],
        }
    }

    fn rewritten(pairs: &[(&str, &str)], trusted: bool, identity: Option<&str>) -> HeaderMap {
        let mut headers = map(pairs);
        let host = HeaderValue::from_static("xsp.example.net");
        let facts = Facts {
            peer: "192.0.2.5".parse().unwrap(),
            trusted,
            scheme: Scheme::Https,
            host: &host,
            identity,
        };
        rewrite(&mut headers, &rules(), &facts);
        headers
    }

    #[test]
    fn what_clients_send_end_to_end_passes_unchanged() {
        let pairs = [
            ("host", "xsp.example.net"),
            ("authorization", "Basic YTpi"),
            ("x-broadworks-protocol-version", "25.0"),
            ("x-broadworks-no-authchallenge", "true"),
            ("accept", "application/json, text/plain, */*"),
            ("accept-charset", "utf-8"),
            ("charset", "utf-8"),
            ("content-type", "application/xml; charset=UTF-8"),
            ("content-length", "0"),
            ("cookie", "JSESSIONID=1"),
            ("user-agent", "Yealink"),
            ("x-appversion", "1"),
            ("origin", "https://a"),
            ("access-control-request-method", "PUT"),
            ("trackingid", "NA_1"),
        ];
        let headers = rewritten(&pairs, false, None);
        for (name, value) in pairs {
            assert_eq!(headers[name], value, "{name}");
        }
        assert_eq!(headers.len(), pairs.len() + 3);
    }

    #[test]
    fn one_hop_headers_go() {
        let headers = rewritten(
            &[
                ("connection", "keep-alive, X-Mine, upgrade"),
                ("x-mine", "1"),
                ("keep-alive", "timeout=4"),
                ("proxy-authorization", "Basic x"),
                ("proxy-connection", "close"),
                ("te", "trailers"),
                ("trailer", "x"),
                ("transfer-encoding", "chunked"),
                ("upgrade", "websocket"),
                ("expect", "100-continue"),
            ],
            false,
            None,
        );
        assert_eq!(headers.len(), 3);
    }

    #[test]
    fn connection_cannot_take_away_what_the_xsp_needs() {
        let headers = rewritten(
            &[
                (
                    "connection",
                    "authorization, Host, content-length, content-type, cookie",
                ),
                ("connection", "x-forwarded-for, x-xspd-identity"),
                ("host", "xsp.example.net"),
                ("authorization", "Basic YTpi"),
                ("content-length", "0"),
                ("content-type", "text/xml"),
                ("cookie", "a=b"),
            ],
            false,
            Some("client.example.net"),
        );
        for name in [
            "host",
            "authorization",
            "content-length",
            "content-type",
            "cookie",
        ] {
            assert!(headers.contains_key(name), "{name}");
        }
        assert_eq!(headers["x-forwarded-for"], "192.0.2.5");
        assert_eq!(headers["x-xspd-identity"], "client.example.net");
    }

    #[test]
    fn no_peer_can_claim_an_identity_or_an_address() {
        let names = [
            "X-Client-Cert",
            "X-Client-Cert-Subject",
            "X-Client-Certificate",
            "X-SSL-Client-DN",
            "SSL-Client-Cert",
            "ssl_client_cert",
            "SSL_CIPHER",
            "X-Forwarded-Client-Cert",
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
            "X-Forwarded-Port",
            "X-Forwarded-Prefix",
            "Forwarded",
            "X-Real-IP",
            "X-ARR-ClientCert",
            "Client-Cert",
            "X-Amzn-Mtls-Clientcert",
            "X_FORWARDED_FOR",
            "x-forwarded_for",
            "X_Real_IP",
            "X-Xspd-Identity",
            "X_Xspd_Identity",
            "X-Secret",
            "X_Secret",
            "Remote-User",
            "X-Remote-User",
            "X-Client-DN",
            "X-TLS-Client-Cert",
            "X-Forwarded",
            "X-HTTP-Method-Override",
            "X-Original-URL",
            "WL-Proxy-Client-Cert",
            "True-Client-IP",
        ];
        for name in names {
            let headers = rewritten(&[(name, "forged"), (name, "again")], false, None);
            assert!(
                headers
                    .values()
                    .all(|value| value != "forged" && value != "again"),
                "{name}"
            );
            assert_eq!(headers.len(), 3, "{name}");
        }
    }

    #[test]
    fn a_trusted_proxy_is_believed_about_addresses_but_not_about_identities() {
        let headers = rewritten(
            &[
                ("x-forwarded-for", "198.51.100.7"),
                ("x-forwarded-for", "10.0.0.1"),
                ("x-forwarded-proto", "http"),
                ("x-forwarded-host", "public.example.net"),
                ("x-forwarded-client-cert", "forged"),
                ("x_forwarded_for", "forged"),
                ("x-xspd-identity", "forged"),
            ],
            true,
            None,
        );
        assert_eq!(
            headers["x-forwarded-for"],
            "198.51.100.7, 10.0.0.1, 192.0.2.5"
        );
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(headers["x-forwarded-host"], "public.example.net");
        assert_eq!(headers.len(), 3);
    }

    #[test]
    fn the_client_behind_proxies_is_the_last_untrusted_hop() {
        let trusts = |address: IpAddr| address.to_string().starts_with("10.");
        let table = [
            ("198.51.100.7", Some("198.51.100.7")),
            ("203.0.113.1, 198.51.100.7, 10.0.0.2", Some("198.51.100.7")),
            ("10.0.0.1, 10.0.0.2", Some("10.0.0.1")),
            ("unknown, 198.51.100.7", Some("198.51.100.7")),
            ("198.51.100.7, unknown", None),
            ("", None),
        ];
        for (value, expected) in table {
            let headers = map(&[("x-forwarded-for", value)]);
            let expected: Option<IpAddr> = expected.map(|text| text.parse().unwrap());
            assert_eq!(client_behind(&headers, trusts), expected, "{value}");
        }
    }

    #[test]
    fn cookie_crumbs_become_one_header() {
        let headers = rewritten(
            &[("cookie", "a=1"), ("cookie", "JSESSIONID=2")],
            false,
            None,
        );
        assert_eq!(headers.get_all("cookie").iter().count(), 1);
        assert_eq!(headers["cookie"], "a=1; JSESSIONID=2");
    }

    proptest! {
        #[test]
        fn whatever_is_sent_our_word_stands(
            names in proptest::collection::vec(
                "(x[-_]forwarded[-_](for|proto|host)|connection|x-xspd[-_]identity|[a-z]{1,6})",
                0..12,
            ),
            value in "[ -~]{0,20}",
        ) {
            let pairs: Vec<(&str, &str)> =
                names.iter().map(|name| (name.as_str(), value.as_str())).collect();
            let headers = rewritten(&pairs, false, Some("me"));
            let only = |name: &str| -> Vec<String> {
                headers
                    .iter()
                    .filter(|(held, _)| held.as_str().replace('_', "-") == name)
                    .map(|(_, value)| value.to_str().unwrap().to_owned())
                    .collect()
            };
            prop_assert_eq!(only("x-forwarded-for"), vec!["192.0.2.5"]);
            prop_assert_eq!(only("x-forwarded-proto"), vec!["https"]);
            prop_assert_eq!(only("x-forwarded-host"), vec!["xsp.example.net"]);
            prop_assert_eq!(only("x-xspd-identity"), vec!["me"]);
            prop_assert!(!headers.contains_key(header::CONNECTION));
        }
    }
}
