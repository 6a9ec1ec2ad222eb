//! What a listener really presents: a handshake that believes nobody and only looks. Blocking, for
//! verbs and for work off the runtime's threads.

use std::io;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::ClientConnection;
use rustls::DigitallySignedStruct;
use rustls::Error;
use rustls::SignatureScheme;
use rustls::client::Resumption;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use rustls::crypto::verify_tls12_signature;
use rustls::crypto::verify_tls13_signature;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::ServerName;
use rustls_pki_types::UnixTime;

use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::key::KeyKind;

/// Why nothing was seen.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The handshake ended before a certificate came.
    #[error("{address} presented no certificate: {detail}")]
    Nothing {
        /// The address.
        address: SocketAddr,
        /// What the library or the system said.
        detail: String,
    },
    /// Nobody listens there.
    #[error("nobody listens on {address}: {source}")]
    Unreachable {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// Shakes hands with `address` in the name `server` and returns what is in the leaf that came. A
/// listener with two certificates is asked for the one with a key like `key`.
///
/// # Errors
/// When nobody listens there, or no certificate came within `patience` for each step.
pub fn presented(
    address: SocketAddr,
    server: Option<&str>,
    key: Option<&KeyKind>,
    patience: Duration,
) -> Result<CertificateFacts, ProbeError> {
    let nothing = |detail: String| ProbeError::Nothing { address, detail };
    let looker = Arc::new(Looker {
        provider: Arc::new(aws_lc_rs::default_provider()),
        schemes: schemes(key),
        seen: OnceLock::new(),
    });
    let config = ClientConfig::builder_with_provider(Arc::clone(&looker.provider))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| nothing(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&looker) as Arc<dyn ServerCertVerifier>);
    let mut config = config.with_no_client_auth();
    config.resumption = Resumption::disabled();
    let name = match server {
        Some(name) => ServerName::try_from(name.to_owned())
            .map_err(|_| nothing(format!("\"{name}\" is no server name")))?,
        None => ServerName::from(address.ip()),
    };
    let unreachable = |source| ProbeError::Unreachable { address, source };
    let mut stream = TcpStream::connect_timeout(&address, patience).map_err(unreachable)?;
    stream
        .set_read_timeout(Some(patience))
        .map_err(unreachable)?;
    stream
        .set_write_timeout(Some(patience))
        .map_err(unreachable)?;
    let mut client = ClientConnection::new(Arc::new(config), name)
        .map_err(|error| nothing(error.to_string()))?;
    // A listener that asks for a certificate of ours ends it later; the server's came before.
    let ended = client.complete_io(&mut stream);
    client.send_close_notify();
    drop(client.complete_io(&mut stream));
    match looker.seen.get() {
        Some(facts) => Ok(facts.clone()),
        None => Err(nothing(match ended {
            Ok(_) => "the certificate could not be read".to_owned(),
            Err(error) => error.to_string(),
        })),
    }
}

/// What a client can verify that wants a key of this kind.
fn schemes(key: Option<&KeyKind>) -> Vec<SignatureScheme> {
    let all = aws_lc_rs::default_provider()
        .signature_verification_algorithms
        .supported_schemes();
    let is_rsa = |scheme: &SignatureScheme| {
        matches!(
            scheme,
            SignatureScheme::RSA_PKCS1_SHA256
                | SignatureScheme::RSA_PKCS1_SHA384
                | SignatureScheme::RSA_PKCS1_SHA512
                | SignatureScheme::RSA_PSS_SHA256
                | SignatureScheme::RSA_PSS_SHA384
                | SignatureScheme::RSA_PSS_SHA512
        )
    };
    match key {
        None | Some(KeyKind::Other(_)) => all,
        Some(KeyKind::Rsa(_)) => all.into_iter().filter(is_rsa).collect(),
        Some(KeyKind::Ed25519 | KeyKind::P256 | KeyKind::P384 | KeyKind::P521) => {
            all.into_iter().filter(|scheme| !is_rsa(scheme)).collect()
        }
    }
}

/// Believes everything and remembers the leaf.
#[derive(Debug)]
struct Looker {
    provider: Arc<CryptoProvider>,
    schemes: Vec<SignatureScheme>,
    seen: OnceLock<CertificateFacts>,
}

impl ServerCertVerifier for Looker {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Ok(facts) = CertificateFacts::parse(end_entity) {
            drop(self.seen.set(facts));
        }
        Ok(ServerCertVerified::assertion())
    }

    // The key must be the certificate's: otherwise anybody could present it.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}
