//! A request, taken apart once: path below the version, query, wishes, body.

use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::header;
use http::request::Parts;

use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::Encoding;
use crate::domain::xsi::codec::XSI;
use crate::domain::xsi::codec::parse_json;
use crate::domain::xsi::codec::parse_xml;
use crate::lab::broadworks::xsi::fault::Fault;

/// Largest request body: faxes reach 30 MB (specification 3.5.6.1), greetings several.
pub(super) const BODY: usize = 32 << 20;

/// Largest body of a request about events: ids of at most 256 characters and few names.
pub(super) const EVENTS_BODY: usize = 64 << 10;

/// What comes before the context where the answer streams.
const ASYNC: &str = "com.broadsoft.async";

/// A request to one of the Xsi contexts.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) context: Context,
    /// Whether the path begins with `/com.broadsoft.async`.
    pub(super) streams: bool,
    /// Decoded parts of the path below `/v2.0`, as written.
    pub(super) path: Vec<String>,
    pub(super) query: Query,
    /// Whether the answer is to be JSON.
    pub(super) json: bool,
    /// `scheme://authority` by which the client knows us.
    pub(super) origin: String,
    body: Bytes,
    body_is_json: bool,
    body_charset: Option<Encoding>,
}

/// The web application asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// `/com.broadsoft.xsi-actions`.
    Actions,
    /// `/com.broadsoft.xsi-events`.
    Events,
}

impl Context {
    /// The path prefix.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Actions => "/com.broadsoft.xsi-actions",
            Self::Events => "/com.broadsoft.xsi-events",
        }
    }

    fn of(first: &str) -> Option<Self> {
        [Self::Actions, Self::Events].into_iter().find(|context| {
            context
                .prefix()
                .trim_start_matches('/')
                .eq_ignore_ascii_case(first)
        })
    }
}

impl Ask {
    /// From a request head. `None` for a path outside our contexts and version.
    pub(super) fn parse(head: &Parts) -> Option<Self> {
        let mut parts = head.uri.path().split('/').filter(|part| !part.is_empty());
        let first = parts.next()?;
        let streams = first.eq_ignore_ascii_case(ASYNC);
        let context = Context::of(if streams { parts.next()? } else { first })?;
        if streams && context != Context::Events {
            return None;
        }
        if !parts.next()?.eq_ignore_ascii_case("v2.0") {
            return None;
        }
        let query = Query::parse(head.uri.query().unwrap_or_default());
        let json_query = query
            .first("format")
            .is_some_and(|format| format.eq_ignore_ascii_case("json"));
        let content_type = text(&head.headers, header::CONTENT_TYPE).to_lowercase();
        let host = match head.uri.authority() {
            Some(authority) => authority.to_string(),
            None => text(&head.headers, header::HOST),
        };
        let scheme = match head
            .headers
            .get("x-forwarded-proto")
            .map(http::HeaderValue::as_bytes)
        {
            Some(b"https") => "https",
            _ => "http",
        };
        Some(Self {
            method: head.method.clone(),
            context,
            streams,
            path: parts.map(|part| decode(part, false)).collect(),
            json: json_query || text(&head.headers, header::ACCEPT).contains("application/json"),
            query,
            origin: format!("{scheme}://{host}"),
            body: Bytes::new(),
            body_is_json: json_query || content_type.starts_with("application/json"),
            body_charset: content_type
                .split_once("charset=")
                .and_then(|(_, label)| Encoding::parse(label.trim_matches(['"', ' ']))),
        })
    }

    /// With its body.
    pub(super) fn with_body(self, body: Bytes) -> Self {
        Self { body, ..self }
    }

    /// The path in lower case: everything below the version is case-insensitive.
    pub(super) fn lower(&self) -> Vec<String> {
        self.path.iter().map(|part| part.to_lowercase()).collect()
    }

    /// The document in the body, whose root must have this name.
    pub(super) fn document(&self, root: &'static str) -> Result<Element, Fault> {
        let document = if self.body_is_json {
            parse_json(&self.body, BODY)?
        } else {
            parse_xml(&self.body, BODY, self.body_charset)?
        };
        let element = document.into_root();
        // Sub-list roots are printed without a namespace, and clients copy that.
        let ours = element.namespace().is_none_or(|namespace| namespace == XSI);
        if ours && element.local() == root {
            Ok(element)
        } else {
            Err(Fault::WrongDocument(root))
        }
    }
}

fn text(headers: &HeaderMap, name: http::HeaderName) -> String {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Query parameters in order; names in any case.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    fn parse(query: &str) -> Self {
        let pairs = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name, true).to_lowercase(), decode(value, true))
            });
        Self(pairs.collect())
    }

    /// The first value: a repeated parameter counts once (specification 3.3).
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(held, _)| held.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// All values, for the one parameter that may be repeated.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(held, _)| held.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether a flag is `True`.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.first(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// Percent-decoding; bytes that are no UTF-8 are taken as ISO-8859-1, escapes that are none stay.
fn decode(text: &str, plus_is_blank: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match (first, behind) {
            (b'+', _) if plus_is_blank => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                match digit(high)
                    .zip(digit(low))
                    .map(|(high, low)| u8::try_from(high * 16 + low))
                {
                    Some(Ok(byte)) => {
                        bytes.push(byte);
                        rest = after;
                    }
                    Some(Err(_)) | None => bytes.push(b'%'),
                }
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|error| {
        error
            .as_bytes()
            .iter()
            .map(|byte| char::from(*byte))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(target: &str, accept: &str) -> Option<Ask> {
        let request = http::Request::get(target)
            .header("accept", accept)
            .body(())
            .unwrap();
        Ask::parse(&request.into_parts().0)
    }

    #[test]
    fn targets_are_taken_apart_as_clients_write_them() {
        let tail = ask(
            "/Com.BroadSoft.xsi-Actions/V2.0/user/a@b//Services/?",
            "*/*",
        )
        .unwrap();
        assert_eq!(tail.path, ["user", "a@b", "Services"]);
        assert_eq!(tail.context, Context::Actions);
        let number = ask(
            "/com.broadsoft.xsi-actions/v2.0/x/%2B1240/+1/%zz/Ren%E9e",
            "",
        )
        .unwrap();
        assert_eq!(number.path, ["x", "+1240", "+1", "%zz", "Renée"]);
        assert!(ask("/com.broadsoft.xsi-actions/v1.0/user", "").is_none());
        assert!(ask("/com.broadsoft.xsi-actions", "").is_none());
        assert!(ask("/authService/token", "").is_none());
    }

    #[test]
    fn the_first_of_repeated_parameters_counts_and_names_have_no_case() {
        let target =
            "/com.broadsoft.xsi-actions/v2.0/x?Extension=1&extension=2&lastName=b*%2Fi&n=a+b";
        let query = ask(target, "").unwrap().query;
        assert_eq!(query.first("extension"), Some("1"));
        assert_eq!(query.all("EXTENSION").count(), 2);
        assert_eq!(query.first("lastname"), Some("b*/i"));
        assert_eq!(query.first("n"), Some("a b"));
        assert_eq!(query.first("absent"), None);
    }

    #[test]
    fn json_is_asked_for_by_header_or_query() {
        let path = "/com.broadsoft.xsi-actions/v2.0/versions";
        for (query, accept, json) in [
            ("", "application/json, text/plain, */*", true),
            ("?format=JSON", "*/*", true),
            ("?format=xml", "application/xml", false),
            ("", "text/xml", false),
        ] {
            assert_eq!(ask(&format!("{path}{query}"), accept).unwrap().json, json);
        }
    }
}
