//! One GET over a connection of its own.

use bytes::Bytes;
use http::HeaderValue;
use http::Request;
use http::StatusCode;
use http::header;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::FetchFailure;
use super::Peer;
use crate::lab::webex::identity::body;
use crate::lab::webex::identity::body::BodyFault;

/// What came back.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: String,
}

/// Asks for `path`. Cancel-safe: what was opened is closed with the future.
pub(super) async fn get(
    peer: &Peer,
    path: &str,
    credentials: HeaderValue,
) -> Result<Answer, FetchFailure> {
    let unreachable = |error: &dyn std::error::Error| FetchFailure::Unreachable(told(error));
    let stream = TcpStream::connect((peer.host.as_str(), peer.port))
        .await
        .map_err(|error| unreachable(&error))?;
    let stream = TlsConnector::from(std::sync::Arc::clone(&peer.tls))
        .connect(peer.name.clone(), stream)
        .await
        .map_err(|error| unreachable(&error))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| unreachable(&error))?;
    let request = Request::get(path)
        .header(header::HOST, format!("{}:{}", peer.host, peer.port))
        .header(header::ACCEPT, "application/json")
        .header(header::AUTHORIZATION, credentials)
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| unreachable(&error))?;
    let exchange = async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        Ok::<_, hyper::Error>((status, body::read(response.into_body()).await))
    };
    // The connection does the work while the exchange waits; it may end first, with the last byte.
    let mut exchange = std::pin::pin!(exchange);
    let outcome = tokio::select! {
        outcome = exchange.as_mut() => outcome,
        _ = connection => exchange.await,
    };
    let (status, body) = outcome.map_err(|error| unreachable(&error))?;
    match body {
        Ok(body) => Ok(Answer {
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
        }),
        Err(BodyFault::Broken) => Err(FetchFailure::Unreachable("its answer broke off".into())),
        Err(BodyFault::TooLarge) => {
            Err(FetchFailure::Unreachable("its answer is too large".into()))
        }
    }
}

/// An error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
