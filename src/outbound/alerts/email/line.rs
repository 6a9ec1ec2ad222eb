//! The way to a mail server: in clear, with TLS from the first byte, or with STARTTLS.
//!
//! `lettre` speaks SMTP, but all of TLS is ours: the few lines before STARTTLS are spoken here, and
//! `lettre` is then shown the greeting that the server gave before.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use lettre::transport::smtp::client::AsyncTokioStream;
use lettre::transport::smtp::extension::ClientId;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::config;
use crate::config::MailSecurity;
use crate::outbound::alerts::SetupFault;
use crate::outbound::alerts::SinkError;
use crate::tls::web::stream_config;

/// Longest answer before TLS; a greeting has a line, an EHLO some twenty.
const ANSWER: usize = 16 * 1024;

/// What `lettre` is shown in place of the greeting that came before TLS.
const GREETING: &[u8] = b"220 go on\r\n";

pub(super) struct Line {
    host: String,
    port: u16,
    security: MailSecurity,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

impl Line {
    pub(super) fn new(sink: &config::EmailSink) -> Result<Self, SetupFault> {
        let tls = match sink.security {
            MailSecurity::Plain => None,
            MailSecurity::StartTls | MailSecurity::Tls => {
                let config = stream_config(sink.ca.as_deref())
                    .map_err(|fault| SetupFault::Tls(Box::new(fault)))?;
                let name = sink.server_name.as_ref().unwrap_or(&sink.host);
                let name = ServerName::try_from(name.clone())
                    .map_err(|_| SetupFault::ServerName(name.clone()))?;
                Some((config, name))
            }
        };
        Ok(Self {
            host: sink.host.clone(),
            port: sink.port,
            security: sink.security,
            tls,
        })
    }

    /// What went wrong, and with whom.
    pub(super) fn says(&self, error: &dyn fmt::Display) -> String {
        format!("{}:{}: {error}", self.host, self.port)
    }

    /// A stream on which the server greets, or seems to.
    pub(super) async fn open(
        &self,
        hello: &ClientId,
    ) -> Result<Box<dyn AsyncTokioStream>, SinkError> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(|error| self.failed("connect-failed", &error))?;
        let peer = tcp
            .peer_addr()
            .map_err(|error| self.failed("connect-failed", &error))?;
        let wire = match (&self.tls, self.security) {
            (None, _) => return Ok(Box::new(Wire::new(Inner::Plain(tcp), peer, b""))),
            (Some(tls), MailSecurity::StartTls) => {
                let tcp = self.before_tls(tcp, hello).await?;
                Wire::new(self.secured(tls, tcp).await?, peer, GREETING)
            }
            (Some(tls), MailSecurity::Plain | MailSecurity::Tls) => {
                Wire::new(self.secured(tls, tcp).await?, peer, b"")
            }
        };
        Ok(Box::new(wire))
    }

    async fn secured(
        &self,
        (config, name): &(Arc<ClientConfig>, ServerName<'static>),
        tcp: TcpStream,
    ) -> Result<Inner, SinkError> {
        let connector = TlsConnector::from(Arc::clone(config));
        let stream = connector
            .connect(name.clone(), tcp)
            .await
            .map_err(|error| self.failed("tls-failed", &error))?;
        Ok(Inner::Tls(Box::new(stream)))
    }

    /// Greeting, EHLO, STARTTLS (RFC 3207). A server that does not offer it gets nothing of ours.
    async fn before_tls(
        &self,
        mut tcp: TcpStream,
        hello: &ClientId,
    ) -> Result<TcpStream, SinkError> {
        self.expect(&mut tcp, "220").await?;
        let offers = self
            .ask(&mut tcp, &format!("EHLO {hello}\r\n"), "250")
            .await?;
        let offers_tls = offers.lines().any(|line| {
            let word = line.get(4..).unwrap_or_default().trim();
            word.eq_ignore_ascii_case("STARTTLS")
        });
        if !offers_tls {
            let sentence = "it does not offer STARTTLS; nothing was sent in clear";
            return Err(self.failed("tls-failed", &sentence));
        }
        self.ask(&mut tcp, "STARTTLS\r\n", "220").await?;
        Ok(tcp)
    }

    async fn ask(&self, tcp: &mut TcpStream, line: &str, code: &str) -> Result<String, SinkError> {
        let written = tcp.write_all(line.as_bytes()).await;
        written.map_err(|error| self.failed("broken", &error))?;
        self.expect(tcp, code).await
    }

    /// One answer, of one or more lines, read byte by byte: what follows it is not ours, and what
    /// a stranger has put behind `220` must not be taken for what the server says in TLS.
    async fn expect(&self, tcp: &mut TcpStream, code: &str) -> Result<String, SinkError> {
        let mut answer = Vec::new();
        let mut start = 0;
        loop {
            let byte = tcp.read_u8().await;
            answer.push(byte.map_err(|error| self.failed("broken", &error))?);
            if answer.len() > ANSWER {
                return Err(self.failed("broken", &"its answer is too long"));
            }
            if answer.last() != Some(&b'\n') {
                continue;
            }
            let line = answer.get(start..).unwrap_or_default();
            if line.get(3) == Some(&b'-') {
                start = answer.len();
                continue;
            }
            break;
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        if answer.starts_with(code) {
            return Ok(answer);
        }
        let sentence = format!("it answered {}", answer.trim());
        Err(self.failed("broken", &sentence))
    }

    fn failed(&self, word: &'static str, error: &dyn fmt::Display) -> SinkError {
        SinkError::retry(word, &self.says(error))
    }
}

/// A stream, behind bytes that are read first.
struct Wire {
    inner: Inner,
    peer: SocketAddr,
    first: &'static [u8],
}

enum Inner {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    const fn new(inner: Inner, peer: SocketAddr, first: &'static [u8]) -> Self {
        Self { inner, peer, first }
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({})", self.peer)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.first.is_empty() {
            let (now, later) = self
                .first
                .split_at(self.first.len().min(buffer.remaining()));
            buffer.put_slice(now);
            self.first = later;
            return Poll::Ready(Ok(()));
        }
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Inner::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Inner::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Inner::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Inner::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
