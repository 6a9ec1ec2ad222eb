//! Raw exchanges kept as files: comment lines, a request, `###### RESPONSE`, a response.
//!
//! The heads stand there with LF, which means CRLF; bodies are exact bytes. A line end behind a
//! body belongs to the file, not to the body.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

const BORDER: &[u8] = b"###### RESPONSE\n";

/// One request and its response, as they cross the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exchange {
    /// From `# name:`.
    pub(crate) name: String,
    pub(crate) request: Vec<u8>,
    pub(crate) response: Vec<u8>,
}

/// Every exchange of a folder below `tests/fixtures/wire`, in order of file names.
pub(crate) fn exchanges(folder: &str) -> Vec<Exchange> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/wire")
        .join(folder);
    let entries = fs::read_dir(&folder).expect("a folder of samples");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a folder entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "http"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no samples in {}", folder.display());
    paths
        .iter()
        .map(|path| {
            let bytes = fs::read(path).expect("a sample");
            parse(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        })
        .collect()
}

/// Reads one file.
pub(crate) fn parse(bytes: &[u8]) -> Result<Exchange, &'static str> {
    let mut name = None;
    let mut rest = bytes;
    while rest.starts_with(b"# ") {
        let end = find(rest, b"\n").ok_or("a comment without an end")?;
        let line = String::from_utf8_lossy(&rest[..end]);
        if let Some(found) = line.strip_prefix("# name:") {
            name = Some(found.trim().to_owned());
        }
        rest = &rest[end + 1..];
    }
    let border = find(rest, BORDER).ok_or("no line ###### RESPONSE")?;
    Ok(Exchange {
        name: name.ok_or("no line # name:")?,
        request: message(&rest[..border])?,
        response: message(&rest[border + BORDER.len()..])?,
    })
}

fn message(raw: &[u8]) -> Result<Vec<u8>, &'static str> {
    let end = find(raw, b"\n\n").ok_or("a head without an empty line")?;
    let head = String::from_utf8_lossy(&raw[..end]);
    let body = &raw[end + 2..];
    let length = match field(&head, "content-length") {
        Some(length) => length.parse().map_err(|_| "a strange Content-Length")?,
        None if field(&head, "transfer-encoding").is_some() => {
            // The framing is there byte by byte; its last chunk ends it.
            find(body, b"0\r\n\r\n").ok_or("no last chunk")? + 5
        }
        None => 0,
    };
    let body_and_line_end = body.get(..length).ok_or("the body is too short")?;
    if !body[length..].iter().all(|byte| *byte == b'\n') {
        return Err("the body is longer than it says");
    }
    let mut message = Vec::with_capacity(raw.len() + head.lines().count() + 1);
    // `lines` of the lossy text would change ISO-8859-1 bytes in a head.
    for line in raw[..end].split(|byte| *byte == b'\n') {
        message.extend_from_slice(line);
        message.extend_from_slice(b"\r\n");
    }
    message.extend_from_slice(b"\r\n");
    message.extend_from_slice(body_and_line_end);
    Ok(message)
}

/// Value of a header field in a head, the name compared without case.
pub(crate) fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Where `needle` first stands.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_of_heads_become_crlf_and_bodies_stay_as_they_are() {
        let exchange = parse(
            b"# name: dnd\n# source: none\nPUT /a HTTP/1.1\nContent-Length: 3\n\na\nb\n\
              ###### RESPONSE\nHTTP/1.1 200 OK\ncontent-length: 2\n\n\xe9\n\n",
        );
        let expected = Exchange {
            name: "dnd".to_owned(),
            request: b"PUT /a HTTP/1.1\r\nContent-Length: 3\r\n\r\na\nb".to_vec(),
            response: b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\xe9\n".to_vec(),
        };
        assert_eq!(exchange, Ok(expected));
    }

    #[test]
    fn chunked_bodies_are_taken_as_they_stand() {
        let exchange = parse(
            b"# name: c\nGET / HTTP/1.1\nHost: a\n\n\n###### RESPONSE\nHTTP/1.1 200 OK\n\
              transfer-encoding: chunked\n\n2\r\nok\r\n0\r\n\r\n",
        )
        .unwrap();
        assert_eq!(exchange.request, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(exchange.response.ends_with(b"\r\n\r\n2\r\nok\r\n0\r\n\r\n"));
    }

    #[test]
    fn every_sample_of_xsi_actions_is_a_request_and_a_response() {
        for exchange in exchanges("xsi-actions") {
            let name = exchange.name;
            let request = String::from_utf8_lossy(&exchange.request);
            assert!(request.contains(" HTTP/1.1\r\nHost: "), "{name}");
            assert!(exchange.response.starts_with(b"HTTP/1.1 "), "{name}");
        }
    }

    #[test]
    fn a_file_that_contradicts_itself_is_refused() {
        let tail = "###### RESPONSE\nHTTP/1.1 200 OK\n\n";
        for (text, error) in [
            ("GET / HTTP/1.1\n\n".to_owned(), "no line ###### RESPONSE"),
            (format!("GET / HTTP/1.1\n\n{tail}"), "no line # name:"),
            (
                format!("# name: a\nGET /\n{tail}"),
                "a head without an empty line",
            ),
            (
                format!("# name: a\nPUT /\nContent-Length: 9\n\nab\n{tail}"),
                "the body is too short",
            ),
            (
                format!("# name: a\nPUT /\nContent-Length: 1\n\nab\n{tail}"),
                "the body is longer than it says",
            ),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(error), "{text}");
        }
    }
}
