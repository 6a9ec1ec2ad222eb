//! HTTP contacts: events are posted to the application instead of written on a channel. Only to
//! this machine: a lab must not be a way to reach others.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::StatusCode;
use http::Uri;
use http::header;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Where an event is posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lab::broadworks) struct Contact {
    address: SocketAddr,
    authority: String,
    path: String,
}

/// A URI that the lab does not post to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab::broadworks) struct NoContact;

impl Contact {
    /// From `[http://]host[:port]/path`; the host must be this machine.
    pub(in crate::lab::broadworks) fn parse(text: &str) -> Result<Self, NoContact> {
        let text = text.trim();
        let with_scheme = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let uri: Uri = with_scheme.parse().map_err(|_| NoContact)?;
        let authority = uri.authority().ok_or(NoContact)?;
        let plain = uri.scheme_str() == Some("http") && !authority.as_str().contains('@');
        let host = authority.host().trim_matches(['[', ']']);
        let address = if host.eq_ignore_ascii_case("localhost") {
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        } else {
            host.parse().map_err(|_| NoContact)?
        };
        if !plain || !address.is_loopback() {
            return Err(NoContact);
        }
        let path = uri.path_and_query().map(ToString::to_string);
        Ok(Self {
            address: SocketAddr::new(address, authority.port_u16().unwrap_or(80)),
            authority: authority.to_string(),
            path: path.unwrap_or_else(|| "/".to_owned()),
        })
    }

    /// Posts a document; whether it was taken, which takes a 200.
    pub(super) async fn post(&self, document: Bytes, within: Duration) -> bool {
        let asked = tokio::time::timeout(within, self.ask(document)).await;
        matches!(asked, Ok(Some(StatusCode::OK)))
    }

    async fn ask(&self, document: Bytes) -> Option<StatusCode> {
        let stream = TcpStream::connect(self.address).await.ok()?;
        let io = TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.ok()?;
        let request = Request::post(&self.path)
            .header(header::HOST, &self.authority)
            .header(header::CONTENT_TYPE, "application/xml; charset=UTF-8")
            .header(header::CONNECTION, "close")
            .body(Full::new(document))
            .ok()?;
        let answer = sender.send_request(request);
        let (answer, connection) = (std::pin::pin!(answer), std::pin::pin!(connection));
        match futures_util::future::select(answer, connection).await {
            futures_util::future::Either::Left((answer, _)) => Some(answer.ok()?.status()),
            // The connection may end with the answer already taken in.
            futures_util::future::Either::Right((_, answer)) => Some(answer.await.ok()?.status()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_a_contact() {
        let contact = Contact::parse("127.0.0.1:8800/MyApplication/eventConsumer").unwrap();
        assert_eq!(contact.address, ([127, 0, 0, 1], 8800).into());
        assert_eq!(contact.path, "/MyApplication/eventConsumer");
        for text in ["http://localhost/x?y=1", "http://[::1]:1/", "127.9.9.9/"] {
            assert!(Contact::parse(text).is_ok(), "{text}");
        }
        for text in [
            "192.0.2.14:8800/x",
            "http://listener.example.net/x",
            "https://127.0.0.1/x",
            "http://a@127.0.0.1/",
            "",
            "/x",
            "ftp://127.0.0.1/",
        ] {
            assert_eq!(Contact::parse(text), Err(NoContact), "{text}");
        }
    }
}
