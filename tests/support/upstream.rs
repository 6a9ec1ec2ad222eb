//! An XSP played by a script: it records requests byte for byte and answers as it is told, rightly
//! or wrongly.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::support::BOUND;
use crate::support::accepting::Accepting;
use crate::support::pki::Identity;
use crate::support::wire;

/// What to do with one request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Sends these bytes and keeps the connection.
    Raw(Vec<u8>),
    /// Sends these bytes and closes, wherever they end.
    RawThenClose(Vec<u8>),
    /// Closes without a byte.
    Close,
    /// Closes with a TCP reset, without a byte.
    Reset,
    /// Says nothing and keeps the connection.
    Silent,
    /// Sends each piece by itself, with a pause between two.
    Paced(Vec<Vec<u8>>, Duration),
    /// Sends each piece when the test has let it through the gate.
    Gated(Vec<Vec<u8>>, Gate),
}

impl Reply {
    /// A whole answer with `Content-Length`.
    pub(crate) fn text(status: u16, body: &str) -> Self {
        let length = body.len();
        Self::Raw(
            format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes(),
        )
    }

    /// A whole answer in chunks, sent at once.
    pub(crate) fn chunked(chunks: &[&str]) -> Self {
        Self::Raw(chunk_pieces(chunks).concat())
    }

    /// An answer in chunks, each let through by the test.
    pub(crate) fn gated_chunks(chunks: &[&str], gate: &Gate) -> Self {
        Self::Gated(chunk_pieces(chunks), gate.clone())
    }
}

/// Head, chunks and last chunk, each by itself.
fn chunk_pieces(chunks: &[&str]) -> Vec<Vec<u8>> {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
    let pieces = chunks
        .iter()
        .map(|text| format!("{:x}\r\n{text}\r\n", text.len()));
    std::iter::once(head)
        .chain(pieces)
        .chain(["0\r\n\r\n".to_owned()])
        .map(String::into_bytes)
        .collect()
}

/// Lets pieces of an answer through one by one.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    /// A closed gate.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets the next `count` pieces through.
    pub(crate) fn open(&self, count: usize) {
        self.0.add_permits(count);
    }
}

/// A listening fake; it ends when dropped.
pub(crate) struct Upstream {
    seen: Arc<Seen>,
    accepting: Accepting,
}

struct Seen {
    requests: Mutex<Vec<Vec<u8>>>,
    count: watch::Sender<usize>,
}

type Script = Arc<dyn Fn(&[u8]) -> Reply + Send + Sync>;

impl Upstream {
    /// Plain HTTP on a free port of loopback; the script sees each raw request.
    pub(crate) async fn start(script: impl Fn(&[u8]) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(Arc::new(script), None).await
    }

    /// The same behind TLS; with `clients`, only certificates below that root get in.
    pub(crate) async fn start_tls(
        identity: &Identity,
        clients: Option<CertificateDer<'static>>,
        script: impl Fn(&[u8]) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(server_config(identity, clients)));
        Self::listen(Arc::new(script), Some(acceptor)).await
    }

    async fn listen(script: Script, tls: Option<TlsAcceptor>) -> Self {
        let seen = Arc::new(Seen {
            requests: Mutex::default(),
            count: watch::Sender::new(0),
        });
        let shared = Arc::clone(&seen);
        let accepting = Accepting::start(move |tcp| {
            let (seen, script, tls) = (Arc::clone(&shared), Arc::clone(&script), tls.clone());
            async move {
                // How a peer ends a connection is the test's business, not ours.
                drop(match tls {
                    None => serve(tcp, &seen, &script).await,
                    Some(tls) => match tls.accept(tcp).await {
                        Ok(stream) => serve(stream, &seen, &script).await,
                        Err(error) => Err(error),
                    },
                });
            }
        })
        .await;
        Self { seen, accepting }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.accepting.address()
    }

    /// All requests so far, byte for byte.
    pub(crate) fn requests(&self) -> Vec<Vec<u8>> {
        self.seen.requests.lock().expect("no holder panics").clone()
    }

    /// Connections accepted so far, closed ones included.
    pub(crate) fn connections(&self) -> usize {
        self.accepting.accepted()
    }

    /// Waits until `count` requests have come.
    pub(crate) async fn received(&self, count: usize) -> Vec<Vec<u8>> {
        let mut seen = self.seen.count.subscribe();
        let waiting = seen.wait_for(|so_far| *so_far >= count);
        let done = tokio::time::timeout(BOUND, waiting).await;
        assert!(done.is_ok(), "only {} requests came", self.requests().len());
        self.requests()
    }
}

fn server_config(identity: &Identity, clients: Option<CertificateDer<'static>>) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions of the provider");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(root) => {
            let mut roots = RootCertStore::empty();
            roots.add(root).expect("a root");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .expect("a root is there");
            builder.with_client_cert_verifier(verifier)
        }
    };
    builder
        .with_single_cert(identity.chain.clone(), identity.private_key())
        .expect("a key that fits")
}

/// What a connection type must offer to be reset.
trait Abort {
    fn reset_on_close(&self) -> io::Result<()>;
}

impl Abort for tokio::net::TcpStream {
    fn reset_on_close(&self) -> io::Result<()> {
        socket2::SockRef::from(self).set_linger(Some(Duration::ZERO))
    }
}

impl Abort for tokio_rustls::server::TlsStream<tokio::net::TcpStream> {
    fn reset_on_close(&self) -> io::Result<()> {
        self.get_ref().0.reset_on_close()
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Abort + Unpin,
    seen: &Seen,
    script: &Script,
) -> io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await? {
        seen.requests
            .lock()
            .expect("no holder panics")
            .push(request.clone());
        seen.count.send_modify(|count| *count += 1);
        match script(&request) {
            Reply::Raw(bytes) => stream.write_all(&bytes).await?,
            Reply::RawThenClose(bytes) => {
                stream.write_all(&bytes).await?;
                return stream.shutdown().await;
            }
            Reply::Close => return stream.shutdown().await,
            Reply::Reset => return stream.reset_on_close(),
            Reply::Silent => {}
            Reply::Paced(pieces, pause) => {
                for piece in pieces {
                    stream.write_all(&piece).await?;
                    stream.flush().await?;
                    tokio::time::sleep(pause).await;
                }
            }
            Reply::Gated(pieces, gate) => {
                for piece in pieces {
                    let permit = gate.0.acquire().await.map_err(io::Error::other)?;
                    permit.forget();
                    stream.write_all(&piece).await?;
                    stream.flush().await?;
                }
            }
        }
        stream.flush().await?;
    }
    Ok(())
}

/// The next request with its body, framing included; `None` at the end of the connection.
async fn read_request(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> io::Result<Option<Vec<u8>>> {
    loop {
        if let Some(length) = request_length(buffer) {
            let rest = buffer.split_off(length);
            return Ok(Some(std::mem::replace(buffer, rest)));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

fn request_length(buffer: &[u8]) -> Option<usize> {
    let start = wire::find(buffer, b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&buffer[..start]);
    if wire::field(&head, "transfer-encoding").is_some() {
        const LAST: &[u8] = b"0\r\n\r\n";
        // Good enough for a fake: no test sends a chunk that looks like the last one.
        Some(start + wire::find(&buffer[start..], LAST)? + LAST.len())
    } else {
        let body = wire::field(&head, "content-length").map_or(Some(0), |n| n.parse().ok())?;
        (buffer.len() >= start + body).then_some(start + body)
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;
    use crate::support::client;

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    #[tokio::test]
    async fn requests_are_recorded_and_answered_over_one_connection() {
        let upstream = Upstream::start(|request| {
            if request.starts_with(b"POST") {
                Reply::chunked(&["one ", "two"])
            } else {
                Reply::text(200, "got it")
            }
        })
        .await;
        let mut stream = TcpStream::connect(upstream.address()).await.unwrap();
        let post: &[u8] =
            b"POST /x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
        let put: &[u8] = b"PUT /y HTTP/1.1\r\nContent-Length: 3\r\n\r\n\xe9\r\n";
        for (request, body) in [(GET, "got it"), (post, "one two"), (put, "got it")] {
            let answer = client::exchange(&mut stream, request).await.unwrap();
            assert_eq!(answer.text(), body);
        }
        assert_eq!(upstream.received(3).await, [GET, post, put]);
        assert_eq!(upstream.connections(), 1);
    }

    #[tokio::test]
    async fn an_upstream_can_be_slow_silent_broken_or_gone() {
        let gate = Gate::new();
        let script = gate.clone();
        let upstream = Upstream::start(move |request| match request.get(5) {
            Some(b'g') => Reply::gated_chunks(&["a", "b"], &script),
            Some(b'p') => Reply::Paced(chunk_pieces(&["c", "d"]), Duration::from_millis(1)),
            Some(b'c') => Reply::Close,
            Some(b'r') => Reply::Reset,
            Some(b'x') => Reply::RawThenClose(b"\0garbage".to_vec()),
            _ => Reply::Silent,
        })
        .await;
        let connect = || TcpStream::connect(upstream.address());

        let mut stream = connect().await.unwrap();
        stream.write_all(b"GET /g HTTP/1.1\r\n\r\n").await.unwrap();
        gate.open(2);
        let mut some = vec![0; 53];
        stream.read_exact(&mut some).await.unwrap();
        assert!(some.ends_with(b"\r\n\r\n1\r\na\r\n"));
        gate.open(2);
        stream.read_exact(&mut some[..11]).await.unwrap();
        assert_eq!(&some[..11], b"1\r\nb\r\n0\r\n\r\n");

        let mut stream = connect().await.unwrap();
        let slow = client::exchange(&mut stream, b"GET /p HTTP/1.1\r\n\r\n").await;
        assert_eq!(slow.unwrap().text(), "cd");
        for (target, kind) in [
            ("c", io::ErrorKind::UnexpectedEof),
            ("r", io::ErrorKind::ConnectionReset),
            ("x", io::ErrorKind::UnexpectedEof),
        ] {
            let mut stream = connect().await.unwrap();
            let request = format!("GET /{target} HTTP/1.1\r\n\r\n");
            let answer = client::exchange(&mut stream, request.as_bytes()).await;
            assert_eq!(answer.unwrap_err().kind(), kind, "{target}");
        }

        let mut stream = connect().await.unwrap();
        stream.write_all(b"GET /s HTTP/1.1\r\n\r\n").await.unwrap();
        assert_eq!(upstream.received(6).await.len(), 6);
        let nothing = stream.try_read(&mut some).unwrap_err().kind();
        assert_eq!(nothing, io::ErrorKind::WouldBlock);
    }
}
