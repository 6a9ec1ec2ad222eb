//! A request as somebody wrote it into a file: request line, header fields, an empty line, the
//! body, with whatever line ends an editor left.

use crate::domain::provisioning::call::Call;
use crate::domain::provisioning::call::CallFault;

/// Where templates are when their URL is not of another product's.
const BASE: &str = "/adapter/v1/t/";

/// Why a file holds no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotARequest {
    /// The request is none that is taken in.
    #[error("{0}")]
    Call(#[from] CallFault),
    /// The head does not end.
    #[error("there is no empty line behind the header fields")]
    Head,
    /// A header line without a colon, or bytes that are no text.
    #[error("a line of the head is no header field")]
    Header,
    /// The first line is none of a request.
    #[error("the first line is no METHOD /PATH HTTP/1.1")]
    RequestLine,
}

impl Call {
    /// Reads a request out of a file. Without `base`, the path of the template's URL, what is
    /// behind `/adapter/v1/t/KEY` is the subpath, of other paths all.
    ///
    /// The body is what `Content-Length` says, or all the rest; a response that follows the
    /// request is none of it.
    ///
    /// # Errors
    /// [`NotARequest`].
    pub fn from_file(bytes: &[u8], base: Option<&str>) -> Result<Self, NotARequest> {
        let (head, body) = split(bytes).ok_or(NotARequest::Head)?;
        let head = std::str::from_utf8(head).map_err(|_| NotARequest::Header)?;
        let mut lines = head.lines().map(str::trim_end);
        let first = lines.next().unwrap_or_default();
        let (method, rest) = first.split_once(' ').ok_or(NotARequest::RequestLine)?;
        let (target, _) = rest.rsplit_once(" HTTP/").ok_or(NotARequest::RequestLine)?;
        let mut headers = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(':').ok_or(NotARequest::Header)?;
            headers.push((name.trim().to_owned(), value.trim().as_bytes().to_vec()));
        }
        let call = Self::new(method, target.trim(), below(target.trim(), base))?;
        let call = call.with_headers(headers)?;
        let length = call
            .header("content-length")
            .and_then(|text| text.parse().ok());
        let body = match length {
            Some(length) => body.get(..length).unwrap_or(body),
            None if body.trim_ascii_start().starts_with(b"HTTP/1.") => &[],
            None => body.trim_ascii_end(),
        };
        Ok(call.with_body(body)?)
    }
}

/// Head and body.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    [&b"\r\n\r\n"[..], b"\n\n"]
        .into_iter()
        .filter_map(|border| {
            let at = memchr::memmem::find(bytes, border)?;
            Some((at, border.len()))
        })
        .min()
        .and_then(|(at, border)| Some((bytes.get(..at)?, bytes.get(at + border..)?)))
}

/// The part of the path behind the template's address.
fn below<'a>(target: &'a str, base: Option<&str>) -> &'a str {
    let path = target.split('?').next().unwrap_or_default();
    match base {
        Some(base) => path
            .strip_prefix(base.trim_end_matches('/'))
            .unwrap_or(path),
        None => match path.strip_prefix(BASE) {
            Some(rest) => rest.find('/').map_or("", |at| rest.split_at(at).1),
            None => path,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_with_the_line_ends_of_an_editor() {
        for ends in ["\n", "\r\n"] {
            let text = "POST /adapter/v1/t/acme/a/b?x=1 HTTP/1.0\nHost: h\nX: \u{e4}\n\n<a/>\n";
            let call = Call::from_file(text.replace('\n', ends).as_bytes(), None).unwrap();
            assert_eq!((call.method(), call.subpath()), ("POST", "/a/b"));
            assert_eq!((call.query(), call.body()), (Some("x=1"), &b"<a/>"[..]));
            assert_eq!(call.header("x"), Some("\u{e4}"));
        }
    }

    #[test]
    fn length_and_base_count_when_they_are_there() {
        let text = b"PUT /base/x/u HTTP/1.1\nContent-Length: 2\n\nabc";
        let call = Call::from_file(text, Some("/base/x/")).unwrap();
        assert_eq!((call.subpath(), call.body()), ("/u", &b"ab"[..]));
        let call = Call::from_file(b"DELETE /u HTTP/1.1\nA: b\n\nHTTP/1.1 200 OK\n", None).unwrap();
        assert_eq!((call.subpath(), call.body()), ("/u", &b""[..]));
    }

    #[test]
    fn what_is_no_request_says_why() {
        for (text, fault) in [
            (&b"GET / HTTP/1.1\n"[..], NotARequest::Head),
            (b"hello\n\n", NotARequest::RequestLine),
            (b"GET /\n\n", NotARequest::RequestLine),
            (b"GET / HTTP/1.1\nno\n\n", NotARequest::Header),
            (b"GET / HTTP/1.1\n\xff:\n\n", NotARequest::Header),
            (b"GET x HTTP/1.1\n\n", NotARequest::Call(CallFault::Target)),
        ] {
            assert_eq!(Call::from_file(text, None), Err(fault));
        }
    }
}
