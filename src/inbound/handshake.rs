//! From a TCP connection to a TLS stream whose other end is known, under one deadline; or the
//! reason why not.

use std::fmt::Display;
use std::sync::Arc;

use rustls::AlertDescription;
use rustls::CertificateError;
use rustls::Error;
use rustls::PeerIncompatible;
use rustls::ProtocolVersion;
use rustls::ServerConfig;
use rustls::server::Acceptor;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::StartHandshake;
use tokio_rustls::server::TlsStream;

use crate::domain::auth::handshake::HandshakeReason;
use crate::inbound::edge::ListenerEdge;
use crate::inbound::peer::TlsFacts;
use crate::inbound::plain;
use crate::inbound::plain::LastStatus;
use crate::tls::challenge;
use crate::tls::host;
use crate::tls::said::said;
use crate::tls::verify::Admitted;
use crate::tls::verify::ConnectionVerifier;

/// A finished handshake.
pub struct Shaken {
    /// The stream.
    pub stream: TlsStream<TcpStream>,
    /// Name and version.
    pub facts: TlsFacts,
    /// Whether HTTP/2 was chosen.
    pub http2: bool,
    /// The client certificate's verdict and the trust set it was judged by.
    pub admitted: Option<(Admitted, Arc<str>)>,
}

/// A handshake that came to nothing.
pub struct Failed {
    /// Why.
    pub reason: HandshakeReason,
    /// Subject of the client certificate, when one was read.
    pub subject: Option<Box<str>>,
    /// Its issuer.
    pub issuer: Option<Box<str>>,
    /// What the library said.
    pub detail: Box<str>,
    /// The connection, for the last words; `None` when it is gone.
    pub stream: Option<TcpStream>,
    /// What is still to be said; an alert of rustls has been written already.
    pub last_words: Vec<u8>,
}

impl Failed {
    /// A failure of which nothing more is known, and nothing is to be said.
    pub fn new(reason: HandshakeReason, detail: impl Display) -> Self {
        Self {
            reason,
            subject: None,
            issuer: None,
            detail: said(&detail).into(),
            stream: None,
            last_words: Vec::new(),
        }
    }

    fn saying(self, stream: TcpStream, last_words: Vec<u8>) -> Self {
        Self {
            stream: Some(stream),
            last_words,
            ..self
        }
    }
}

/// Fatal alert `protocol_version` in a TLS 1.0 record, which every old client understands.
const PROTOCOL_VERSION: [u8; 7] = [21, 3, 1, 0, 2, 2, 70];

/// Shakes hands. The caller sets the deadline.
///
/// # Errors
/// The reason, for the counter and the operator's line. The peer got an alert, or plain text
/// when it spoke plain HTTP.
pub async fn shake(stream: TcpStream, edge: &ListenerEdge) -> Result<Shaken, Failed> {
    if let Some((reason, words)) = no_hello(first_words(&stream).await?) {
        return Err(
            Failed::new(reason, "the first bytes are no hello of TLS 1.2").saying(stream, words),
        );
    }
    let mut acceptor = LazyConfigAcceptor::new(Acceptor::default(), stream);
    let start = match (&mut acceptor).await {
        Ok(start) => start,
        Err(error) => {
            return Err(Failed {
                stream: acceptor.take_io(),
                ..failure(&error, None)
            });
        }
    };
    let name = start
        .client_hello()
        .server_name()
        .map(str::to_ascii_lowercase);
    if let Some(config) = asks_for_challenge(&start, name.as_deref(), edge) {
        return Err(show_challenge(start, config).await);
    }
    let Some(host) = edge
        .table
        .find(name.as_deref())
        .and_then(|at| edge.hosts.get(at))
    else {
        let detail = name.unwrap_or_default();
        let mut failed = Failed::new(HandshakeReason::UnknownServerName, detail);
        // The peer gets an alert from this handshake, which cannot succeed.
        if let Ok(nobody) = host::nobody()
            && let Err((_, stream)) = start.into_stream(nobody).into_fallible().await
        {
            failed.stream = Some(stream);
        }
        return Err(failed);
    };
    let (config, verifier) = host
        .configuration()
        .map_err(|error| Failed::new(HandshakeReason::ProtocolViolation, error))?;
    let stream = start
        .into_stream(config)
        .into_fallible()
        .await
        .map_err(|(error, stream)| Failed {
            stream: Some(stream),
            ..failure(&error, verifier.as_deref())
        })?;
    let connection = stream.get_ref().1;
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLSv1_3",
        _ => "TLSv1_2",
    };
    let http2 = connection.alpn_protocol() == Some(b"h2");
    let admitted = verifier
        .as_deref()
        .and_then(ConnectionVerifier::verdict)
        .and_then(|verdict| verdict.as_ref().ok())
        .zip(host.trust())
        .map(|(admitted, trust)| (admitted.clone(), Arc::clone(trust.name())));
    Ok(Shaken {
        stream,
        facts: TlsFacts {
            server_name: name,
            version,
        },
        http2,
        admitted,
    })
}

/// A CA that looks whether the name is ours (tls-alpn-01), while one of our orders waits for it.
fn asks_for_challenge(
    start: &StartHandshake<TcpStream>,
    name: Option<&str>,
    edge: &ListenerEdge,
) -> Option<Arc<ServerConfig>> {
    let hello = start.client_hello();
    let mut protocols = hello.alpn()?;
    // RFC 8737, section 3: it offers nothing else.
    let only = protocols.next() == Some(challenge::ALPN) && protocols.next().is_none();
    only.then(|| edge.challenges.handshake(name?)).flatten()
}

/// The handshake is all that the CA wants; nothing is spoken inside.
async fn show_challenge(start: StartHandshake<TcpStream>, config: Arc<ServerConfig>) -> Failed {
    let detail = "a CA looked whether the name is ours";
    match start.into_stream(config).await {
        Ok(mut stream) => {
            stream.shutdown().await.ok();
            Failed::new(HandshakeReason::Closed, detail)
        }
        Err(error) => failure(&error, None),
    }
}

/// Why the first bytes are no hello that rustls could judge, and the answer to them.
fn no_hello(first: FirstWords) -> Option<(HandshakeReason, Vec<u8>)> {
    match first {
        FirstWords::Hello => None,
        FirstWords::Http => {
            let sentence = "This port speaks TLS; use https://.";
            let words = plain::text(LastStatus::BadRequest, sentence).into_bytes();
            Some((HandshakeReason::PlainHttp, words))
        }
        FirstWords::OldHello => Some((HandshakeReason::TlsTooOld, PROTOCOL_VERSION.to_vec())),
    }
}

enum FirstWords {
    Hello,
    Http,
    OldHello,
}

/// A request line starts with a capital letter, a TLS record with 22. The version of a hello
/// stands behind the headers of record and message; rustls would answer an old one with an alert
/// that does not name the version as the reason.
async fn first_words(stream: &TcpStream) -> Result<FirstWords, Failed> {
    let mut first = [0; 11];
    let length = match stream.peek(&mut first).await {
        Ok(0) => {
            return Err(Failed::new(
                HandshakeReason::Closed,
                "closed before the first byte",
            ));
        }
        Ok(length) => length,
        Err(error) => return Err(Failed::new(HandshakeReason::Closed, error)),
    };
    Ok(match (first, length) {
        ([b'A'..=b'Z', ..], _) => FirstWords::Http,
        ([22, 3, _, _, _, 1, _, _, _, 3, ..=2], 11) => FirstWords::OldHello,
        _ => FirstWords::Hello,
    })
}

fn failure(error: &std::io::Error, verifier: Option<&ConnectionVerifier>) -> Failed {
    if let Some(Err(refused)) = verifier.and_then(ConnectionVerifier::verdict) {
        return Failed {
            subject: refused.subject.as_deref().map(Box::from),
            issuer: refused.issuer.as_deref().map(Box::from),
            ..Failed::new(refused.reason, error)
        };
    }
    let reason = match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>())
    {
        Some(error) => reason_of(error),
        None => HandshakeReason::Closed,
    };
    Failed::new(reason, error)
}

fn reason_of(error: &Error) -> HandshakeReason {
    match error {
        Error::AlertReceived(AlertDescription::CloseNotify | AlertDescription::UserCanceled) => {
            HandshakeReason::Closed
        }
        Error::AlertReceived(_) => HandshakeReason::AlertFromPeer,
        Error::InvalidCertificate(CertificateError::BadSignature) => {
            HandshakeReason::CertificateBad
        }
        Error::InvalidCertificate(_) => HandshakeReason::CertificateBad,
        Error::InvalidMessage(_) => HandshakeReason::Garbage,
        Error::NoCertificatesPresented => HandshakeReason::CertificateRequired,
        Error::PeerIncompatible(why) => match why {
            PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::Tls13RequiredForQuic => HandshakeReason::TlsTooOld,
            _ => HandshakeReason::NothingInCommon,
        },
        _ => HandshakeReason::ProtocolViolation,
    }
}
