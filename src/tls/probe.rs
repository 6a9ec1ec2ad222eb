//! A handshake that only wants to see which certificates a peer presents: they are recorded and not
//! believed, and nothing is ever sent on the connection. [`Probe`] is the handshake without a
//! socket; [`proven`] makes one, blocking, for verbs and for work off the runtime's threads.

use std::io;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
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
use crate::domain::certs::judgement::MOST_PRESENTED;
use crate::domain::certs::key::KeyKind;
use crate::tls::said::said;

/// Most certificates that are recorded of one peer; a chain has three or four.
const MOST: usize = MOST_PRESENTED;

/// What a peer presented, in DER, the leaf first.
pub type Presented = Vec<Vec<u8>>;

/// One handshake.
pub struct Probe {
    /// Drives the handshake.
    pub connection: ClientConnection,
    seen: Arc<Mutex<Seen>>,
}

/// What was seen in one handshake.
#[derive(Debug, Default)]
struct Seen {
    chain: Option<Presented>,
    /// Whether the peer has shown that it holds the leaf's key: otherwise anybody could present it.
    has_key: bool,
}

impl Probe {
    /// Asks for `host`; an address is asked for by no name.
    ///
    /// # Errors
    /// When `host` is neither a host name nor an address.
    pub fn new(host: &str) -> Result<Self, Error> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Error::General(format!("\"{host}\" is no server name")))?;
        Self::towards(name, None)
    }

    /// A peer with two certificates is asked for the one with a key like `key`.
    fn towards(name: ServerName<'static>, key: Option<&KeyKind>) -> Result<Self, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let seen = Arc::default();
        let recorder = Arc::new(Recorder {
            schemes: schemes(&provider, key),
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
        let connection = ClientConnection::new(Arc::new(config), name)?;
        Ok(Self { connection, seen })
    }

    /// What was presented, once it was.
    #[must_use]
    pub fn presented(&self) -> Option<Presented> {
        self.seen().chain.clone()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why nothing was seen.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The handshake ended before a certificate came, or before the peer showed that it holds its
    /// key.
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

/// What somebody presented who has shown that the key is there.
#[derive(Debug)]
pub struct Proven {
    /// What is in the leaf.
    pub leaf: CertificateFacts,
    /// All that came.
    pub chain: Presented,
}

/// Shakes hands with `address` in the name `server` and returns what came, with the proof that the
/// key of its leaf is there. A listener with two certificates is asked for the one with a key
/// like `key`.
///
/// # Errors
/// When nobody listens there, or no certificate came within `patience` for each step.
pub fn proven(
    address: SocketAddr,
    server: Option<&str>,
    key: Option<&KeyKind>,
    patience: Duration,
) -> Result<Proven, ProbeError> {
    let nothing = |detail: String| ProbeError::Nothing { address, detail };
    let name = match server {
        Some(name) => ServerName::try_from(name.to_owned())
            .map_err(|_| nothing(format!("\"{name}\" is no server name")))?,
        None => ServerName::from(address.ip()),
    };
    let mut probe = Probe::towards(name, key).map_err(|error| nothing(error.to_string()))?;
    let unreachable = |source| ProbeError::Unreachable { address, source };
    let mut stream = TcpStream::connect_timeout(&address, patience).map_err(unreachable)?;
    stream
        .set_read_timeout(Some(patience))
        .map_err(unreachable)?;
    stream
        .set_write_timeout(Some(patience))
        .map_err(unreachable)?;
    // A listener that asks for a certificate of ours ends it later; the server's came before.
    let ended = probe.connection.complete_io(&mut stream);
    probe.connection.send_close_notify();
    drop(probe.connection.complete_io(&mut stream));
    let seen = probe.seen();
    let leaf = seen.chain.as_ref().and_then(|chain| chain.first());
    let facts = leaf.map(|der| CertificateFacts::parse(der));
    match (facts, ended) {
        (Some(Ok(leaf)), _) if seen.has_key => Ok(Proven {
            leaf,
            chain: seen.chain.clone().unwrap_or_default(),
        }),
        (Some(Ok(_)), _) => Err(nothing("it did not show that it holds its key".to_owned())),
        (Some(Err(bad)), _) => Err(nothing(format!("the certificate cannot be read: {bad}"))),
        (None, Ok(_)) => Err(nothing("the handshake ended without one".to_owned())),
        (None, Err(error)) => Err(nothing(said(&error))),
    }
}

/// What a client can verify that wants a key of this kind.
fn schemes(provider: &CryptoProvider, key: Option<&KeyKind>) -> Vec<SignatureScheme> {
    let all = provider
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

/// Believes everything, and remembers the chain and whether its key was there.
#[derive(Debug)]
struct Recorder {
    provider: Arc<CryptoProvider>,
    schemes: Vec<SignatureScheme>,
    seen: Arc<Mutex<Seen>>,
}

impl Recorder {
    /// A signature that is wrong, or of a kind that is not computed here, ends no handshake: the
    /// peer should have nothing to complain about. It only proves nothing.
    fn signed(&self, checked: &Result<HandshakeSignatureValid, Error>) -> HandshakeSignatureValid {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.has_key = checked.is_ok();
        HandshakeSignatureValid::assertion()
    }
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
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = Seen {
            chain: Some(chain),
            has_key: false,
        };
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let checked = verify_tls12_signature(message, leaf, signature, algorithms);
        Ok(self.signed(&checked))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let checked = verify_tls13_signature(message, leaf, signature, algorithms);
        Ok(self.signed(&checked))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::TcpListener;

    use rustls::ServerConfig;
    use rustls::ServerConnection;
    use rustls::SignatureAlgorithm;
    use rustls::sign::CertifiedKey;
    use rustls::sign::Signer;
    use rustls::sign::SigningKey;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Signs something else than it should, as one does who has the certificate without its key.
    #[derive(Debug)]
    struct Thief(Arc<dyn SigningKey>);

    #[derive(Debug)]
    struct Forged(Box<dyn Signer>);

    impl SigningKey for Thief {
        fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
            let signer = self.0.choose_scheme(offered)?;
            Some(Box::new(Forged(signer)))
        }

        fn algorithm(&self) -> SignatureAlgorithm {
            self.0.algorithm()
        }
    }

    impl Signer for Forged {
        fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Error> {
            self.0.sign(b"something else")
        }

        fn scheme(&self) -> SignatureScheme {
            self.0.scheme()
        }
    }

    #[derive(Debug)]
    struct Always(Arc<CertifiedKey>);

    impl rustls::server::ResolvesServerCert for Always {
        fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }
    }

    /// One handshake of a server with a certificate of its own, or with one that it stole.
    #[expect(
        clippy::disallowed_methods,
        reason = "the other end of a blocking handshake; the test joins it"
    )]
    fn served(stolen: bool) -> (Vec<u8>, SocketAddr, std::thread::JoinHandle<()>) {
        let key = rcgen::KeyPair::generate().unwrap();
        let made = rcgen::CertificateParams::new(vec!["host.test".to_owned()]).unwrap();
        let made = made.self_signed(&key).unwrap();
        let der = made.der().to_vec();
        let own = rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut signing = aws_lc_rs::sign::any_supported_type(&own).unwrap();
        if stolen {
            signing = Arc::new(Thief(signing));
        }
        let held = CertifiedKey::new(vec![made.der().clone()], signing);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Always(Arc::new(held))));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
            connection.complete_io(&mut stream).ok();
            stream.read_to_end(&mut Vec::new()).ok();
        });
        (der, address, served)
    }

    #[test]
    fn a_certificate_is_proven_by_its_key_and_not_by_being_shown() {
        let (der, address, thread) = served(false);
        let came = proven(address, Some("host.test"), None, PATIENCE).unwrap();
        let print = crate::domain::ids::Fingerprint::of(&der);
        assert_eq!(came.leaf.fingerprint, print);
        assert_eq!(came.chain, [der]);
        thread.join().unwrap();
        let (_, address, thread) = served(true);
        let error = proven(address, Some("host.test"), None, PATIENCE).unwrap_err();
        assert!(error.to_string().contains("holds its key"), "{error}");
        thread.join().unwrap();
    }

    #[test]
    fn who_only_looks_sees_what_is_presented_whoever_has_the_key() {
        let (der, address, thread) = served(true);
        let mut probe = Probe::new("host.test").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        probe.connection.complete_io(&mut stream).unwrap();
        assert_eq!(probe.presented(), Some(vec![der]));
        drop(stream);
        thread.join().unwrap();
        assert!(Probe::new("no host").is_err());
    }
}
