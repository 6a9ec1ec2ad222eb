//! The way to a service: TCP and TLS, or TCP to a proxy, its consent (CONNECT), and TLS through
//! it.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use crate::outbound::connect::Target;
use crate::outbound::stream::Stream;
use crate::outbound::web::failure::WebFailure;
use crate::outbound::web::proxy::Proxy;
use crate::outbound::web::url::WebUrl;

/// Longest answer of a proxy to CONNECT.
const PROXY_HEAD_BYTES: usize = 8 * 1024;

/// A stream to a service.
pub(super) type Secured = TlsStream<Stream>;

/// Opens the way; `limit` is for each step of it.
pub(super) async fn open(
    url: &WebUrl,
    proxy: Option<&Proxy>,
    tls: &Arc<ClientConfig>,
    limit: Duration,
) -> Result<Secured, WebFailure> {
    let stream = match proxy {
        None => tcp(url.host(), url.port(), limit).await?,
        Some(proxy) => {
            let mut stream = tcp(&proxy.host, proxy.port, limit).await?;
            timeout(limit, ask(&mut stream, url, proxy))
                .await
                .unwrap_or(Err(WebFailure::Timeout(limit)))?;
            stream
        }
    };
    let connector = TlsConnector::from(Arc::clone(tls));
    timeout(limit, connector.connect(url.name().clone(), stream))
        .await
        .map_err(|_elapsed| WebFailure::Timeout(limit))?
        .map_err(WebFailure::Tls)
}

/// Opens the way in clear: to this machine, or where an operator lets it.
pub(super) async fn plain(url: &WebUrl, limit: Duration) -> Result<Stream, WebFailure> {
    tcp(url.host(), url.port(), limit).await
}

async fn tcp(host: &str, port: u16, limit: Duration) -> Result<Stream, WebFailure> {
    Target::new(host, port, None, limit)
        .connect()
        .await
        .map_err(|error| WebFailure::Connect(Box::new(error)))
}

/// Asks the proxy to open the way. Nothing of ours goes further before it consents.
async fn ask<S>(stream: &mut S, url: &WebUrl, proxy: &Proxy) -> Result<(), WebFailure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let refused = |detail: String| WebFailure::Proxy {
        proxy: proxy.place(),
        detail,
    };
    let target = url.connect_target();
    let mut request = Zeroizing::new(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"));
    if let Some(credentials) = &proxy.credentials {
        request.push_str("Proxy-Authorization: ");
        request.push_str(credentials);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    let written = stream.write_all(request.as_bytes()).await;
    written.map_err(|error| refused(error.to_string()))?;
    let head = head(stream).await.map_err(refused)?;
    // `HTTP/1.1 200 Connection established`
    let (version, rest) = head.split_once(' ').unwrap_or_default();
    let code = rest.get(..3).and_then(|code| code.parse::<u16>().ok());
    match code {
        Some(200..=299) if version.starts_with("HTTP/1.") => Ok(()),
        Some(code) if version.starts_with("HTTP/1.") => Err(refused(format!("it answered {code}"))),
        Some(_) | None => Err(refused("it does not speak HTTP".to_owned())),
    }
}

/// Reads an answer's head and not one byte more: what follows is the service's.
async fn head<S: AsyncRead + Unpin>(stream: &mut S) -> Result<String, String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= PROXY_HEAD_BYTES {
            return Err("its answer is too long".to_owned());
        }
        let byte = stream.read_u8().await.map_err(|error| error.to_string())?;
        head.push(byte);
    }
    String::from_utf8(head).map_err(|_| "it does not speak HTTP".to_owned())
}
