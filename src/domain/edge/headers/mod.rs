//! Header rewriting, pure: what may pass towards the XSP and back to the client.

pub mod answer;
pub mod request;

use http::HeaderMap;
use http::HeaderName;
use http::header;

/// Whether a header is for one hop only (RFC 9110, section 7.6.1). `Expect` is among them: hyper
/// answers it towards the client itself.
#[must_use]
pub fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection" | "expect" | "keep-alive" | "te" | "trailer" | "transfer-encoding" | "upgrade"
    ) || name.starts_with("proxy-")
}

/// A copy without what is for one hop only, and without what frames the body: whoever sends it on
/// frames it anew.
#[must_use]
pub fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let listed = listed_by_connection(headers);
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let framing = *name == header::CONTENT_LENGTH || *name == header::HOST;
        if !framing && !is_hop_by_hop(name.as_str()) && !listed.contains(name) {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}

/// The headers that a `Connection` header names for removal.
///
/// Some are left in spite of it: nobody sends them for one hop only, and without them the XSP
/// would see another request than the one that was judged here.
fn listed_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    const ESSENTIAL: [HeaderName; 6] = [
        header::AUTHORIZATION,
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::COOKIE,
        header::HOST,
    ];
    // No allocation unless something is named besides the usual two.
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|token| {
            !token.is_empty()
                && !token.eq_ignore_ascii_case("keep-alive")
                && !token.eq_ignore_ascii_case("close")
        })
        .filter_map(|token| token.parse().ok())
        .filter(|name| !ESSENTIAL.contains(name))
        .collect()
}

/// Removes what `unwanted` names, and what `Connection` lists.
fn remove(headers: &mut HeaderMap, unwanted: impl Fn(&str) -> bool) {
    let listed = listed_by_connection(headers);
    let mut names: Vec<HeaderName> = Vec::new();
    for name in headers.keys() {
        if unwanted(name.as_str()) {
            names.push(name.clone());
        }
    }
    for name in names.iter().chain(&listed) {
        headers.remove(name);
    }
}
