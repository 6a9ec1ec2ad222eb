//! One request at the provisioning adapter, as data: what arrived, before anybody judged it.

mod written;

use std::fmt;

pub use written::NotARequest;

/// Largest body in bytes; a subscriber's profile has about one kilobyte.
pub const BODY: usize = 256 * 1024;

/// Longest path with its query in bytes: the AS stores 256 characters of a URL, and a user id
/// behind it has up to 161, each of which may be escaped.
pub const TARGET: usize = 8 * 1024;

/// Most header fields.
pub const HEADERS: usize = 100;

/// Names and values of all header fields together, in bytes.
pub const HEADER_BYTES: usize = 32 * 1024;

/// Longest method in bytes; those of HTTP have up to seven.
const METHOD: usize = 32;

/// Why a request is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallFault {
    /// The body is larger than [`BODY`].
    #[error("the body has more than {BODY} bytes")]
    Body,
    /// More header fields than [`HEADERS`], or more bytes of them than [`HEADER_BYTES`].
    #[error("there are more than {HEADERS} header fields or {HEADER_BYTES} bytes of them")]
    Headers,
    /// No method, or one that is none.
    #[error("the method is none of HTTP")]
    Method,
    /// The path does not begin with a slash, or is too long.
    #[error("the path does not begin with / or has more than {TARGET} bytes")]
    Target,
}

/// One request at the adapter.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    method: String,
    path: String,
    subpath: String,
    query: Option<String>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Call {
    /// A request without headers and body. `target` is path and query as they arrived; `below`
    /// is the path's part behind the address of the template, with its slash, and may be empty.
    ///
    /// # Errors
    /// [`CallFault`].
    pub fn new(method: &str, target: &str, below: &str) -> Result<Self, CallFault> {
        let graphic = !method.is_empty() && method.bytes().all(|b| b.is_ascii_alphabetic());
        if !graphic || method.len() > METHOD {
            return Err(CallFault::Method);
        }
        if !target.starts_with('/') || target.len() > TARGET || below.len() > TARGET {
            return Err(CallFault::Target);
        }
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let below = below.split('?').next().unwrap_or_default();
        Ok(Self {
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            subpath: below.to_owned(),
            query: query.map(str::to_owned),
            headers: Vec::new(),
            body: Vec::new(),
        })
    }

    /// With these header fields in the order in which they arrived.
    ///
    /// # Errors
    /// [`CallFault::Headers`].
    pub fn with_headers<N: Into<String>, V: Into<Vec<u8>>>(
        mut self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, CallFault> {
        let mut bytes = 0;
        self.headers.clear();
        for (name, value) in headers {
            let (name, value): (String, Vec<u8>) = (name.into(), value.into());
            bytes += name.len() + value.len();
            if self.headers.len() >= HEADERS || bytes > HEADER_BYTES {
                return Err(CallFault::Headers);
            }
            self.headers.push((name.to_ascii_lowercase(), value));
        }
        Ok(self)
    }

    /// With this body.
    ///
    /// # Errors
    /// [`CallFault::Body`].
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Result<Self, CallFault> {
        self.body = body.into();
        if self.body.len() > BODY {
            Err(CallFault::Body)
        } else {
            Ok(self)
        }
    }

    /// In capital letters.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path as it arrived, without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What stands behind the address of the template, as it arrived; may be empty.
    #[must_use]
    pub fn subpath(&self) -> &str {
        &self.subpath
    }

    /// As it arrived, without the question mark.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Names in small letters, and values.
    #[must_use]
    pub fn headers(&self) -> &[(String, Vec<u8>)] {
        &self.headers
    }

    /// The first value of a header field, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.headers.iter();
        let (_, value) = fields.find(|(held, _)| held.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// The body as it arrived.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The segments of the subpath, as they arrived, without empty ones.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        let segments = self.subpath.split('/');
        segments.filter(|segment| !segment.is_empty())
    }

    /// The values of a query parameter, as they arrived; its name is compared without case, after
    /// decoding.
    pub fn parameters<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let pairs = self.query.as_deref().unwrap_or_default().split('&');
        pairs.filter_map(move |pair| {
            let (held, value) = pair.split_once('=').unwrap_or((pair, ""));
            let is_it = percent_decoded(held).is_some_and(|held| held.eq_ignore_ascii_case(name));
            is_it.then_some(value)
        })
    }
}

/// Neither credentials nor personal data go into a log by accident.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            method,
            path: _,
            subpath: _,
            query: _,
            headers,
            body,
        } = self;
        f.debug_struct("Call")
            .field("method", method)
            .field("headers", &headers.len())
            .field("body", &body.len())
            .finish_non_exhaustive()
    }
}

/// Escapes resolved once; `+` stays, because user ids have it and paths do not mean a blank by it.
/// `None` when what results is no UTF-8. What is no escape stays as it is.
#[must_use]
pub fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digit = |at: usize| behind.get(at).and_then(|b| char::from(*b).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                rest = behind.get(2..).unwrap_or_default();
            }
            (byte, _, _) => {
                bytes.push(*byte);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_kept_as_it_arrived() {
        let call = Call::new(
            "delete",
            "/a/t/x/userservice//imp/u%40h?bwUserId=a%2Bb&x&BWUSERID=c+d",
            "/userservice//imp/u%40h",
        );
        let call = call
            .unwrap()
            .with_headers([("Host", "h"), ("X-A", "1")])
            .unwrap();
        assert_eq!(call.method(), "DELETE");
        assert_eq!(call.path(), "/a/t/x/userservice//imp/u%40h");
        assert_eq!(
            call.segments().collect::<Vec<_>>(),
            ["userservice", "imp", "u%40h"]
        );
        assert_eq!(
            call.parameters("bwUserId").collect::<Vec<_>>(),
            ["a%2Bb", "c+d"]
        );
        assert_eq!(call.parameters("x").collect::<Vec<_>>(), [""]);
        assert_eq!(call.header("host"), Some("h"));
        assert_eq!(
            percent_decoded("a%2bb+c%zz%4").as_deref(),
            Some("a+b+c%zz%4")
        );
        assert_eq!(percent_decoded("%ff"), None);
    }

    #[test]
    fn what_is_too_large_is_refused_by_name() {
        let long = format!("/{}", "x".repeat(TARGET));
        assert_eq!(Call::new("GET", &long, ""), Err(CallFault::Target));
        assert_eq!(Call::new("GET", "x", ""), Err(CallFault::Target));
        assert_eq!(Call::new("G T", "/", ""), Err(CallFault::Method));
        assert_eq!(Call::new("", "/", ""), Err(CallFault::Method));
        let call = || Call::new("POST", "/", "").unwrap();
        assert!(call().with_body(vec![0; BODY]).is_ok());
        assert_eq!(call().with_body(vec![0; BODY + 1]), Err(CallFault::Body));
        let many = (0..=HEADERS).map(|at| (format!("h{at}"), "v"));
        assert_eq!(call().with_headers(many), Err(CallFault::Headers));
        let big = [("h", "v".repeat(HEADER_BYTES))];
        assert_eq!(call().with_headers(big), Err(CallFault::Headers));
    }

    #[test]
    fn neither_credentials_nor_users_are_printed() {
        let call = Call::new("POST", "/t/alice", "/alice").unwrap();
        let call = call.with_headers([("Authorization", "Basic aHVudGVy")]);
        let shown = format!("{:?}", call.unwrap().with_body("alice").unwrap());
        assert!(
            !shown.contains("alice") && !shown.contains("aHVu"),
            "{shown}"
        );
    }
}
