//! One call over a connection of its own.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream;
use http::Request;
use http::StatusCode;
use http::Uri;
use http::header;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use http_body_util::Limited;
use http_body_util::StreamBody;
use http_body_util::combinators::BoxBody;
use hyper::body::Frame;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::parse_xml;
use crate::lab::broadworks::directory::Messaging;
use crate::lab::broadworks::imp::Authorization;
use crate::lab::broadworks::imp::Settings;
use crate::lab::broadworks::imp::Version;
use crate::lab::broadworks::imp::form::Written;

/// Bytes of an answer that are read.
const ANSWER: usize = 64 * 1024;

/// Characters of a message that are shown to an administrator.
const MESSAGE: usize = 256;

/// Bytes of a chunk: small, so that a body has some.
const CHUNK: usize = 64;

/// Why the messaging server did not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lab::broadworks) enum Failure {
    /// It answered with something else than success; with its message, else its status.
    Refused(String),
    /// There was no answer.
    Unreachable(String),
}

type Body = BoxBody<Bytes, Infallible>;

/// Calls, twice where the server asks for credentials and the settings wait for that.
pub(super) async fn call(
    server: &Messaging,
    written: &Written,
    settings: &Settings,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<(), Failure> {
    let limit = Duration::from_millis(settings.timeout_ms);
    let calling = async {
        let at_once = match settings.authorization {
            Authorization::AtOnce => true,
            Authorization::After401 | Authorization::Never => false,
        };
        let (status, body) = exchange(server, written, settings, tls, at_once).await?;
        let again = settings.authorization == Authorization::After401;
        if status == StatusCode::UNAUTHORIZED && again {
            return exchange(server, written, settings, tls, true).await;
        }
        Ok((status, body))
    };
    let answer = timeout(limit, calling).await;
    let (status, body) =
        answer.map_err(|_| Failure::Unreachable(format!("no answer within {limit:?}")))??;
    if status.is_success() {
        Ok(())
    } else {
        Err(Failure::Refused(
            message(&body).unwrap_or_else(|| status.to_string()),
        ))
    }
}

async fn exchange(
    server: &Messaging,
    written: &Written,
    settings: &Settings,
    tls: Option<&Arc<ClientConfig>>,
    credentials: bool,
) -> Result<(StatusCode, Bytes), Failure> {
    let url: Uri = server
        .url
        .as_deref()
        .unwrap_or_default()
        .parse()
        .map_err(|error| Failure::Unreachable(format!("provisioningUrl: {error}")))?;
    let secure = url.scheme_str() == Some("https");
    let host = url.host().unwrap_or_default().to_owned();
    let port = url.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let request = request(server, written, settings, &url, credentials)?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare, port)).await;
    let stream = stream.map_err(|error| Failure::Unreachable(told(&error)))?;
    if !secure {
        return over(stream, request).await;
    }
    let tls = tls
        .ok_or_else(|| Failure::Unreachable("no CA certificate is trusted for https".to_owned()))?;
    let name = ServerName::try_from(bare.to_owned())
        .map_err(|error| Failure::Unreachable(told(&error)))?;
    let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
    let stream = stream.await;
    over(
        stream.map_err(|error| Failure::Unreachable(told(&error)))?,
        request,
    )
    .await
}

fn request(
    server: &Messaging,
    written: &Written,
    settings: &Settings,
    url: &Uri,
    credentials: bool,
) -> Result<Request<Body>, Failure> {
    let base = url.path().trim_end_matches('/');
    let target = format!("{base}{}", written.suffix);
    let target = if target.starts_with('/') {
        target
    } else {
        format!("/{target}")
    };
    let version = match settings.http {
        Version::Http10 => http::Version::HTTP_10,
        Version::Http11 => http::Version::HTTP_11,
    };
    let authority = url.authority().map_or("", http::uri::Authority::as_str);
    let mut request = Request::builder()
        .method(written.method.clone())
        .uri(target)
        .version(version)
        .header(header::HOST, authority)
        .header(header::CONNECTION, "close");
    if credentials {
        let account = server.account.as_deref().unwrap_or_default();
        let password = server.password.as_deref().unwrap_or_default();
        let pair = STANDARD.encode(format!("{account}:{password}"));
        request = request.header(header::AUTHORIZATION, format!("Basic {pair}"));
    }
    if let Some(content_type) = written.content_type {
        request = request.header(header::CONTENT_TYPE, content_type);
    }
    let body = Bytes::from(written.body.clone());
    let body = if settings.chunked && !body.is_empty() {
        let chunks: Vec<_> = body
            .chunks(CHUNK)
            .map(|chunk| Ok(Frame::data(Bytes::copy_from_slice(chunk))))
            .collect();
        StreamBody::new(stream::iter(chunks)).boxed()
    } else {
        Full::new(body).boxed()
    };
    let request = request.body(body);
    request.map_err(|error| Failure::Unreachable(told(&error)))
}

async fn over(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Body>,
) -> Result<(StatusCode, Bytes), Failure> {
    let broken = |error: &hyper::Error| Failure::Unreachable(told(error));
    let link = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = link.map_err(|error| broken(&error))?;
    let exchange = async move {
        let answer = sender.send_request(request).await;
        let (head, body) = answer.map_err(|error| broken(&error))?.into_parts();
        #[expect(
            clippy::disallowed_methods,
            reason = "capped here; the capped read of the daemon is not the lab's to use"
        )]
        let body = Limited::new(body, ANSWER).collect().await;
        let body = body.map_err(|error| Failure::Unreachable(error.to_string()))?;
        Ok((head.status, body.to_bytes()))
    };
    // The connection does the work while the exchange waits; it may end first, with the last byte.
    let mut exchange = std::pin::pin!(exchange);
    tokio::select! {
        outcome = exchange.as_mut() => outcome,
        _ = connection => exchange.await,
    }
}

/// What an answer says in its `message`, wherever that stands.
fn message(body: &[u8]) -> Option<String> {
    let document = parse_xml(body, ANSWER, None).ok()?;
    let text = find(document.root())?.text().trim();
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    Some(line.take(MESSAGE).collect()).filter(|text: &String| !text.is_empty())
}

fn find(element: &Element) -> Option<&Element> {
    let is_it = element.local().eq_ignore_ascii_case("message");
    if is_it {
        return Some(element);
    }
    element.children().iter().find_map(find)
}

/// An error with its causes.
fn told(error: &dyn Error) -> String {
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
