//! The answer on its way to the client: nothing for one hop only, and no name of an inner host
//! where a client would follow it. Bodies are never touched; their links are relative anyway
//! (Xsi-Actions field page, sections 3.3 and 7.4).

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;

use crate::domain::edge::authority::Authority;
use crate::domain::edge::authority::same_host;
use crate::domain::edge::headers::is_hop_by_hop;
use crate::domain::edge::headers::remove;
use crate::domain::edge::headers::request::Scheme;

/// Where the client sees us.
#[derive(Debug, Clone, Copy)]
pub struct Public<'a> {
    /// Its scheme.
    pub scheme: Scheme,
    /// `Host` of the request.
    pub host: &'a HeaderValue,
}

/// What was met while rewriting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Links {
    /// Nothing but our own names.
    #[default]
    Known,
    /// A link to a host that is neither ours nor a pool's; left alone, worth a debug line.
    Foreign,
}

/// Rewrites the headers of an answer. `is_inner` knows the authorities of the pools.
pub fn rewrite(
    headers: &mut HeaderMap,
    public: &Public<'_>,
    is_inner: impl Fn(&str) -> bool,
) -> Links {
    // A length beside a transfer coding says nothing (RFC 9112, section 6.3): sent on, it would cut
    // the answer short.
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    remove(headers, is_hop_by_hop);
    if headers.contains_key(header::SET_COOKIE) {
        rewrite_cookies(headers, public.scheme);
    }
    let mut links = Links::Known;
    for name in [header::LOCATION, header::CONTENT_LOCATION] {
        match rewrite_link(headers, &name, public, &is_inner) {
            Links::Foreign => links = Links::Foreign,
            Links::Known => {}
        }
    }
    links
}

fn rewrite_link(
    headers: &mut HeaderMap,
    name: &HeaderName,
    public: &Public<'_>,
    is_inner: &impl Fn(&str) -> bool,
) -> Links {
    let Some(url) = headers
        .get(name)
        .and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
    else {
        return Links::Known;
    };
    let rest = match judge(url, public, is_inner) {
        Verdict::Foreign => return Links::Foreign,
        Verdict::Relative => return Links::Known,
        Verdict::Ours { rest } => rest,
    };
    let scheme = public.scheme.as_str().as_bytes();
    let parts = [scheme, b"://", public.host.as_bytes(), rest.as_bytes()];
    if let Ok(value) = HeaderValue::from_bytes(&parts.concat()) {
        headers.insert(name, value);
    }
    Links::Known
}

/// What to do with a link.
enum Verdict<'u> {
    /// Its scheme and authority are replaced; `rest` is kept.
    Ours { rest: &'u str },
    /// It leads elsewhere and is left alone.
    Foreign,
    /// It is no absolute URL and is left alone: `/com.broadsoft…` and `/v2.0/…` both occur.
    Relative,
}

fn judge<'u>(url: &'u str, public: &Public<'_>, is_inner: &impl Fn(&str) -> bool) -> Verdict<'u> {
    let (scheme, after) = if let Some(after) = after_prefix(url, "https://") {
        (Scheme::Https, after)
    } else if let Some(after) = after_prefix(url, "http://") {
        (Scheme::Http, after)
    } else if let Some(after) = url.strip_prefix("//") {
        (public.scheme, after)
    } else {
        return Verdict::Relative;
    };
    let end = after.find(['/', '?', '#']).unwrap_or(after.len());
    let (place, rest) = after.split_at_checked(end).unwrap_or((after, ""));
    let Some(authority) = Authority::parse(place) else {
        return Verdict::Foreign;
    };
    let port_goes_without_saying = authority.port == Some(scheme.default_port());
    // The XSP builds links from the client's Host, yet with the scheme of its own side.
    let is_public = public
        .host
        .to_str()
        .ok()
        .and_then(Authority::parse)
        .is_some_and(|host| {
            authority.same_place(&host, public.scheme.default_port())
                || (port_goes_without_saying
                    && host.port.is_none()
                    && same_host(authority.host, host.host))
        });
    if is_public || is_inner(place) || (port_goes_without_saying && is_inner(authority.host)) {
        Verdict::Ours { rest }
    } else {
        Verdict::Foreign
    }
}

fn after_prefix<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Removes `Domain` (the inner one means nothing outside, and a cookie without it belongs to the
/// public host), keeps `Path`, and adds `Secure` where the client came by TLS.
fn rewrite_cookies(headers: &mut HeaderMap, scheme: Scheme) {
    let values: Vec<HeaderValue> = headers
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|value| rewritten_cookie(value, scheme))
        .collect();
    headers.remove(header::SET_COOKIE);
    for value in values {
        headers.append(header::SET_COOKIE, value);
    }
}

fn rewritten_cookie(value: &HeaderValue, scheme: Scheme) -> HeaderValue {
    let mut parts = value.as_bytes().split(|byte| *byte == b';');
    let mut out = parts.next().unwrap_or_default().to_vec();
    let mut secure = false;
    for part in parts {
        let name = part.split(|byte| *byte == b'=').next().unwrap_or_default();
        let name = name.trim_ascii();
        if name.eq_ignore_ascii_case(b"domain") {
            continue;
        }
        secure |= name.eq_ignore_ascii_case(b"secure");
        out.push(b';');
        out.extend_from_slice(part);
    }
    if scheme == Scheme::Https && !secure {
        out.extend_from_slice(b"; Secure");
    }
    HeaderValue::from_bytes(&out).unwrap_or_else(|_| value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOST: HeaderValue = HeaderValue::from_static("xsp.example.net");

    fn public(scheme: Scheme) -> Public<'static> {
        static HELD: HeaderValue = HOST;
        Public {
            scheme,
            host: &HELD,
        }
    }

    fn is_inner(authority: &str) -> bool {
        matches!(authority, "xsp1.inner" | "xsp2.inner:8443")
    }

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        headers
    }

    /// Links to one resource that a client must be able to follow.
    const INNER: [&str; 6] = [
        "http://xsp1.inner",
        "HTTPS://xsp1.inner:443",
        "https://xsp2.inner:8443",
        "//xsp1.inner",
        "http://xsp.example.net",
        "http://XSP.example.net:80",
    ];

    #[test]
    fn a_length_beside_a_transfer_coding_is_dropped() {
        let mut headers = with(header::CONTENT_LENGTH, "3");
        rewrite(&mut headers, &public(Scheme::Https), is_inner);
        assert!(headers.contains_key(header::CONTENT_LENGTH));
        headers.insert(
            header::TRANSFER_ENCODING,
            HeaderValue::from_static("chunked"),
        );
        rewrite(&mut headers, &public(Scheme::Https), is_inner);
        assert!(headers.is_empty());
    }

    #[test]
    fn inner_links_become_public() {
        let rest = "/com.broadsoft.xsi-actions/v2.0/user/a@b/calls/1:0?x=http://xsp1.inner/";
        for name in [header::LOCATION, header::CONTENT_LOCATION] {
            for (place, rest) in INNER.iter().flat_map(|place| [(place, rest), (place, "")]) {
                let mut headers = with(name.clone(), &format!("{place}{rest}"));
                let links = rewrite(&mut headers, &public(Scheme::Https), is_inner);
                assert_eq!(links, Links::Known);
                assert_eq!(headers[&name], format!("https://xsp.example.net{rest}"));
            }
        }
    }

    #[test]
    fn relative_and_foreign_links_stay() {
        let table = [
            ("http://xsp1.inner:8080/v2.0", Links::Foreign),
            ("https://u@xsp1.inner/v2.0", Links::Foreign),
            ("https://elsewhere.example/v2.0", Links::Foreign),
            ("https:///v2.0", Links::Foreign),
            ("/com.broadsoft.xsi-actions/v2.0/user/a", Links::Known),
            ("/v2.0/user/a/collaborate/room/1", Links::Known),
            ("tel:5001", Links::Known),
        ];
        for (link, links) in table {
            let mut headers = with(header::LOCATION, link);
            let met = rewrite(&mut headers, &public(Scheme::Https), is_inner);
            assert_eq!(met, links, "{link}");
            assert_eq!(headers[header::LOCATION], link);
        }
    }

    #[test]
    fn cookies_lose_their_domain_and_gain_secure_on_tls() {
        let table = [
            (
                "JSESSIONID=1; Path=/com.broadsoft.xsi-events",
                "JSESSIONID=1; Path=/com.broadsoft.xsi-events; Secure",
            ),
            (
                "a=b; domain=.inner; path=/; HttpOnly",
                "a=b; path=/; HttpOnly; Secure",
            ),
            ("a=b; SECURE; Domain=x", "a=b; SECURE"),
            ("a=domain", "a=domain; Secure"),
        ];
        for (before, after) in table {
            let mut headers = with(header::SET_COOKIE, before);
            headers.append(
                header::SET_COOKIE,
                HeaderValue::from_static("second=1; Secure"),
            );
            rewrite(&mut headers, &public(Scheme::Https), is_inner);
            let held: Vec<_> = headers.get_all(header::SET_COOKIE).iter().collect();
            assert_eq!(held, [after, "second=1; Secure"]);
        }
        let mut headers = with(header::SET_COOKIE, "a=b; Domain=x");
        rewrite(&mut headers, &public(Scheme::Http), is_inner);
        assert_eq!(headers[header::SET_COOKIE], "a=b");
    }

    #[test]
    fn one_hop_headers_go_and_all_others_stay() {
        let mut headers = with(header::CONNECTION, "keep-alive, X-Hop");
        for (name, value) in [
            ("keep-alive", "timeout=4"),
            ("transfer-encoding", "chunked"),
            ("x-hop", "1"),
            ("www-authenticate", "Basic realm=\"BroadWorks Xsi\""),
            ("strict-transport-security", "max-age=16070400"),
            ("content-type", "application/xml;charset=ISO-8859-1"),
            ("server", "Apache-Coyote/1.1"),
        ] {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        headers.append(
            "www-authenticate",
            HeaderValue::from_static("BroadWorksSIP"),
        );
        rewrite(&mut headers, &public(Scheme::Https), is_inner);
        assert_eq!(headers.len(), 5);
        assert_eq!(headers.get_all("www-authenticate").iter().count(), 2);
    }

    proptest! {
        #[test]
        fn no_link_leads_to_an_inner_host_afterwards(
            scheme in "(http|https|HTTP|)", port in "(|:80|:443)", rest in "[/?#][!-~]{0,20}"
        ) {
            let colon = if scheme.is_empty() { "" } else { ":" };
            let url = format!("{scheme}{colon}//xsp1.inner{port}{rest}");
            let mut headers = with(header::LOCATION, &url);
            if rewrite(&mut headers, &public(Scheme::Https), is_inner) == Links::Known {
                let location = headers[header::LOCATION].to_str().unwrap().to_owned();
                let expected = format!("https://xsp.example.net{rest}");
                prop_assert_eq!(location, expected);
            }
        }

        #[test]
        fn no_value_makes_it_panic(url in r"\PC{0,60}", cookie in "[ -~]{0,60}") {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(url.as_bytes()) {
                headers.insert(header::LOCATION, value);
            }
            headers.insert(header::SET_COOKIE, HeaderValue::from_str(&cookie).unwrap());
            let _links = rewrite(&mut headers, &public(Scheme::Https), is_inner);
        }
    }
}
