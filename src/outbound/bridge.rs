//! The CTI interfaces of the XSPs behind a bridge: connects to one of them, with TLS and our client
//! certificate. Bytes are never looked at.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use rustls::AlertDescription;
use rustls_pki_types::ServerName;
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use crate::config;
use crate::domain::edge::session::BridgeFault;
use crate::outbound::OutboundError;
use crate::outbound::Stream;
use crate::outbound::connect::ConnectError;
use crate::outbound::connect::Target;
use crate::outbound::connect::bare;
use crate::outbound::error::Causes;
use crate::tls::client;
use crate::tls::said::said;

/// Bytes that wait inside of TLS for an XSP that does not read; with the copy buffer and one
/// record received this keeps a direction below 64 KiB.
pub const TLS_BUFFER: usize = 32 * 1024;

/// The XSPs of one CTI listener. A reload builds another; open sessions keep theirs.
pub struct Bridge {
    names: Vec<Arc<str>>,
    targets: Vec<Target>,
}

/// An XSP that did not take a session.
#[derive(Debug)]
pub struct NotBridged {
    /// Why.
    pub fault: BridgeFault,
    /// What was said.
    pub detail: String,
}

impl Bridge {
    /// Reads the TLS files, blocking; nothing is connected yet.
    ///
    /// # Errors
    /// When a file cannot be used, or a name is none.
    pub fn build(listener: &str, bridge: &config::Bridge) -> Result<Self, OutboundError> {
        let tls = match &bridge.tls {
            None => None,
            // The name is no part of it: one configuration serves all.
            Some(tls) => Some((
                client::bridge_config(&tls.towards("")).map_err(|fault| {
                    OutboundError::BridgeTls {
                        listener: listener.to_owned(),
                        fault: Box::new(fault),
                    }
                })?,
                tls,
            )),
        };
        let (mut names, mut targets) = (Vec::new(), Vec::new());
        for upstream in &bridge.upstreams {
            let tls = match &tls {
                None => None,
                Some((config, tls)) => {
                    let name = tls.towards(bare(&upstream.host)).server_name;
                    let name = ServerName::try_from(name.clone()).map_err(|_| {
                        OutboundError::BridgeServerName {
                            listener: listener.to_owned(),
                            name,
                        }
                    })?;
                    Some((Arc::clone(config), name))
                }
            };
            names.push(upstream.address().into());
            let limit = bridge.connect_timeout;
            targets.push(Target::new(&upstream.host, upstream.port, tls, limit));
        }
        Ok(Self { names, targets })
    }

    /// `host:port` of each XSP, in the order of the configuration.
    #[must_use]
    pub fn upstreams(&self) -> &[Arc<str>] {
        &self.names
    }

    /// Connects to the XSP in this place.
    ///
    /// With TLS 1.3 a refusal of our certificate comes with the first read, not here.
    ///
    /// # Errors
    /// Why not, and whose fault it is.
    pub async fn connect(&self, place: usize) -> Result<Stream, NotBridged> {
        let Some(target) = self.targets.get(place) else {
            return Err(NotBridged {
                fault: BridgeFault::ConnectFailed,
                detail: "there is no such XSP".to_owned(),
            });
        };
        match target.connect().await {
            Ok(mut stream) => {
                stream.bound_buffers(TLS_BUFFER);
                Ok(stream)
            }
            Err(error) => Err(NotBridged {
                fault: fault_of(&error),
                detail: Causes(&error).to_string(),
            }),
        }
    }
}

impl Bridge {
    /// Whether the XSP in this place takes our certificate: with TLS 1.3 it says no only after the
    /// handshake, and one that says nothing waits for us. Nothing is sent.
    ///
    /// # Errors
    /// Why not, and whose fault it is.
    pub async fn try_certificate(&self, place: usize) -> Result<(), NotBridged> {
        let mut stream = self.connect(place).await?;
        match timeout(LATE_REFUSAL, stream.read_u8()).await {
            Err(_silent) => Ok(()),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if refuses_us(&error) => Err(NotBridged {
                fault: BridgeFault::CertificateRefused,
                detail: said(&error),
            }),
            Ok(Err(error)) => Err(NotBridged {
                fault: BridgeFault::TlsFailed,
                detail: format!("it closed the connection at once: {}", said(&error)),
            }),
        }
    }
}

/// How long after the handshake an XSP may refuse our certificate: a way to it and back, and its
/// work.
const LATE_REFUSAL: Duration = Duration::from_secs(1);

fn fault_of(error: &ConnectError) -> BridgeFault {
    match error {
        ConnectError::NoAddress | ConnectError::Resolve(_) | ConnectError::Tcp { .. } => {
            BridgeFault::ConnectFailed
        }
        ConnectError::Timeout(_) => BridgeFault::ConnectTimeout,
        ConnectError::Tls(error) if refuses_us(error) => BridgeFault::CertificateRefused,
        ConnectError::Tls(error) => match tls_error(error) {
            Some(rustls::Error::InvalidCertificate(_)) => BridgeFault::Untrusted,
            Some(_) | None => BridgeFault::TlsFailed,
        },
        ConnectError::TlsTimeout(_) => BridgeFault::TlsFailed,
    }
}

/// Whether an error is the alert of a peer that does not take our certificate. Servers differ in
/// the alert: Java sends bad_certificate or certificate_unknown, OpenSSL before TLS 1.3
/// handshake_failure.
#[must_use]
pub fn refuses_us(error: &std::io::Error) -> bool {
    matches!(
        tls_error(error),
        Some(rustls::Error::AlertReceived(
            AlertDescription::AccessDenied
                | AlertDescription::BadCertificate
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateRequired
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateUnknown
                | AlertDescription::DecryptError
                | AlertDescription::HandshakeFailure
                | AlertDescription::NoCertificate
                | AlertDescription::UnknownCA
                | AlertDescription::UnsupportedCertificate
        ))
    )
}

fn tls_error(error: &std::io::Error) -> Option<&rustls::Error> {
    let inner: &(dyn Error + Send + Sync + 'static) = error.get_ref()?;
    inner.downcast_ref()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn alerts_about_our_certificate_are_told_from_others() {
        let alert = |alert| io::Error::other(rustls::Error::AlertReceived(alert));
        assert!(refuses_us(&alert(AlertDescription::UnknownCA)));
        assert!(refuses_us(&alert(AlertDescription::CertificateRequired)));
        assert!(!refuses_us(&alert(AlertDescription::InternalError)));
        assert!(!refuses_us(&io::ErrorKind::ConnectionReset.into()));
        let untrusted = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let fault = fault_of(&ConnectError::Tls(io::Error::other(untrusted)));
        assert_eq!(fault, BridgeFault::Untrusted);
    }
}
