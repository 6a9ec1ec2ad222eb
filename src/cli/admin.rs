//! The running daemon's admin listener, as verbs ask it: one request on a connection of its own.

use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::time::Duration;

use crate::config::secret::Secret;

/// One request.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) operator: &'a Secret,
    /// Body of a form, if it has one.
    pub(super) form: Option<&'a str>,
    /// For each step of the exchange.
    pub(super) patience: Duration,
    /// Largest answer in bytes.
    pub(super) most: u64,
}

/// A listener on all addresses is reached on loopback.
pub(super) const fn reachable(configured: SocketAddr) -> SocketAddr {
    let ip = match configured.ip() {
        IpAddr::V4(v4) if v4.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(v6) if v6.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    };
    SocketAddr::new(ip, configured.port())
}

/// Everything but letters and digits as `%xx`.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Status and body of the answer.
pub(super) fn exchange(address: SocketAddr, request: &Request<'_>) -> io::Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect_timeout(&address, request.patience)?;
    stream.set_read_timeout(Some(request.patience))?;
    stream.set_write_timeout(Some(request.patience))?;
    let form = request.form.map_or_else(String::new, |form| {
        format!(
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            form.len()
        )
    });
    let head = format!(
        "{} {} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{form}Authorization: Bearer ",
        request.method, request.target
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(request.operator.expose().trim_ascii())?;
    stream.write_all(b"\r\n\r\n")?;
    stream.write_all(request.form.unwrap_or_default().as_bytes())?;
    let mut answer = Vec::new();
    stream.take(request.most).read_to_end(&mut answer)?;
    parse(&answer).ok_or_else(|| io::Error::other("the answer is not HTTP, or too large"))
}

fn parse(answer: &[u8]) -> Option<(u16, Vec<u8>)> {
    let status = answer.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    let status = std::str::from_utf8(status).ok()?.parse().ok()?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((status, answer.get(end + 4..)?.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read() {
        let answer = b"HTTP/1.1 403 Forbidden\r\nx: y\r\n\r\n{}";
        assert_eq!(parse(answer), Some((403, b"{}".to_vec())));
        for broken in [
            &b""[..],
            b"HTTP/1.1 abc\r\n\r\n",
            b"SSH-2.0",
            b"HTTP/1.1 200 OK\r\n",
        ] {
            assert_eq!(parse(broken), None);
        }
    }

    #[test]
    fn an_id_is_one_segment_whatever_is_in_it() {
        assert_eq!(escaped("jörg+x@as/..?a"), "j%C3%B6rg%2Bx%40as%2F..%3Fa");
    }
}
