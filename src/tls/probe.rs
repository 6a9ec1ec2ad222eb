//! A handshake that only wants to see which certificates a peer presents: they are recorded and not
//! believed, and nothing is ever sent on the connection.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

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
use rustls_pki_types::CertificateDer;
use rustls_pki_types::ServerName;
use rustls_pki_types::UnixTime;

/// Most certificates that are recorded of one peer; a chain has three or four.
const MOST: usize = 16;

/// What a peer presented, in DER, the leaf first.
pub type Presented = Vec<Vec<u8>>;

/// One handshake.
pub struct Probe {
    /// Drives the handshake.
    pub connection: ClientConnection,
    seen: Arc<Mutex<Option<Presented>>>,
}

impl Probe {
    /// Asks for `host`; an address is asked for by no name.
    ///
    /// # Errors
    /// When `host` is neither a host name nor an address.
    pub fn new(host: &str) -> Result<Self, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let seen = Arc::default();
        let recorder = Arc::new(Recorder {
            provider: Arc::clone(&provider),
            seen: Arc::clone(&seen),
        });
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .dangerous()
            .with_custom_certificate_verifier(recorder)
            .with_no_client_auth();
        // A resumed session would show what was presented some time ago.
        config.resumption = Resumption::disabled();
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Error::General("not a host name".to_owned()))?;
        let connection = ClientConnection::new(Arc::new(config), name)?;
        Ok(Self { connection, seen })
    }

    /// What was presented, once it was.
    #[must_use]
    pub fn presented(&self) -> Option<Presented> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }
}

#[derive(Debug)]
struct Recorder {
    provider: Arc<CryptoProvider>,
    seen: Arc<Mutex<Option<Presented>>>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(leaf).chain(others).take(MOST);
        let chain = chain.map(|der| der.as_ref().to_vec()).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(chain);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
