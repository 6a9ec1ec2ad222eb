//! From a TCP connection to a TLS stream whose other end is known, under one deadline; or the
//! reason why not.

use std::sync::Arc;

use rustls::AlertDescription;
use rustls::CertificateError;
use rustls::Error;
use rustls::PeerIncompatible;
use rustls::ProtocolVersion;
use rustls::server::Acceptor;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::domain::auth::handshake::HandshakeReason;
use crate::inbound::edge::ListenerEdge;
use crate::inbound::peer::TlsFacts;
use crate::inbound::plain;
use crate::inbound::plain::LastStatus;
use crate::tls::host;
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
    pub subject: Option<String>,
    /// What the library said.
    pub detail: String,
}

impl Failed {
    fn new(reason: HandshakeReason, detail: impl ToString) -> Self {
        Self {
            reason,
            subject: None,
            detail: detail.to_string(),
        }
    }
}

/// Shakes hands. The caller sets the deadline.
///
/// # Errors
/// The reason, for the counter and the operator's line. The peer got an alert, or plain text
/// when it spoke plain HTTP.
pub async fn shake(mut stream: TcpStream, edge: &ListenerEdge) -> Result<Shaken, Failed> {
    if speaks_http(&stream).await? {
        let sentence = "This port speaks TLS; use https://.";
        plain::answer(&mut stream, LastStatus::BadRequest, sentence).await;
        return Err(Failed::new(
            HandshakeReason::PlainHttp,
            "plain HTTP on a TLS port",
        ));
    }
    let mut acceptor = LazyConfigAcceptor::new(Acceptor::default(), stream);
    let start = (&mut acceptor)
        .await
        .map_err(|error| failure(&error, None))?;
    let name = start
        .client_hello()
        .server_name()
        .map(str::to_ascii_lowercase);
    let Some(host) = edge
        .table
        .find(name.as_deref())
        .and_then(|at| edge.hosts.get(at))
    else {
        let reason = HandshakeReason::UnknownServerName;
        if let Ok(nobody) = host::nobody() {
            // The peer gets an alert from this handshake, which cannot succeed.
            drop(start.into_stream(nobody).await);
        }
        return Err(Failed::new(reason, name.unwrap_or_default()));
    };
    let (config, verifier) = host
        .configuration()
        .map_err(|error| Failed::new(HandshakeReason::ProtocolViolation, error))?;
    let stream = start
        .into_stream(config)
        .await
        .map_err(|error| failure(&error, verifier.as_deref()))?;
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

/// A request line starts with a capital letter; a TLS record starts with 22.
async fn speaks_http(stream: &TcpStream) -> Result<bool, Failed> {
    let mut first = [0];
    match stream.peek(&mut first).await {
        Ok(0) => Err(Failed::new(
            HandshakeReason::Closed,
            "closed before the first byte",
        )),
        Ok(_) => Ok(first.iter().all(u8::is_ascii_uppercase)),
        Err(error) => Err(Failed::new(HandshakeReason::Closed, error)),
    }
}

fn failure(error: &std::io::Error, verifier: Option<&ConnectionVerifier>) -> Failed {
    if let Some(Err(refused)) = verifier.and_then(ConnectionVerifier::verdict) {
        return Failed {
            reason: refused.reason,
            subject: refused.subject.clone(),
            detail: error.to_string(),
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
