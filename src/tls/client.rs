//! TLS towards the upstreams: whom we believe, and the certificate that we show.
//!
//! Three ways to believe an XSP: a CA file (chain and name are checked), a CA file with pins (both
//! must hold), or pins alone. The last is for the self-signed certificate that the XSP makes when
//! it is installed: it is a CA certificate, which webpki refuses as a server's, so its key is
//! compared instead; name and end date then mean nothing, the handshake signature still does.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::CertificateError;
use rustls::ClientConfig;
use rustls::DigitallySignedStruct;
use rustls::OtherError;
use rustls::RootCertStore;
use rustls::SignatureScheme;
use rustls::client::Resumption;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::crypto::aws_lc_rs;
use rustls::crypto::verify_tls12_signature;
use rustls::crypto::verify_tls13_signature;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::ServerName;
use rustls_pki_types::UnixTime;
use x509_parser::prelude::FromDer;
use x509_parser::prelude::X509Certificate;

use crate::config::UpstreamTls;
use crate::config::secret::SecretRef;
use crate::tls::TlsError;
use crate::tls::pem;

/// Why no TLS configuration towards an upstream could be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientTlsError {
    /// A file of ours cannot be used. Its text tells the cause already.
    #[error("{0}")]
    Material(TlsError),
    /// A CA certificate cannot be an anchor.
    #[error("certificate {place} in {} cannot be a trust anchor; remove or replace it", path.display())]
    BadAnchor {
        /// The file.
        path: PathBuf,
        /// Its place in the file, from 1.
        place: usize,
        /// What rustls says.
        #[source]
        source: rustls::Error,
    },
    /// Neither CA nor pin.
    #[error("nothing says which upstream to believe; set `ca`, `spki-pins` or both")]
    NoTrust,
    /// A verifier could not be made from the anchors.
    #[error("the certificates in `ca` make no verifier")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
    /// Chain and key do not belong together, or the key is of an unknown kind.
    #[error("the certificate in {} and the key {key} cannot be used together; check that they are a pair", chain.display())]
    BadPair {
        /// The chain's file.
        chain: PathBuf,
        /// The key as written.
        key: SecretRef,
        /// What rustls says.
        #[source]
        source: rustls::Error,
    },
    /// The provider lacks the protocol versions; a fault of the build.
    #[error("TLS 1.2 and 1.3 are not available")]
    Versions(#[source] rustls::Error),
}

impl From<TlsError> for ClientTlsError {
    fn from(error: TlsError) -> Self {
        Self::Material(error)
    }
}

/// The TLS configuration towards one upstream: TLS 1.2 or 1.3, HTTP/1.1 by ALPN.
///
/// Reads the files named in `tls`, blocking; called at start and reload only.
///
/// # Errors
///
/// When a file cannot be read or used; the text says what to do.
pub fn client_config(tls: &UpstreamTls) -> Result<Arc<ClientConfig>, ClientTlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier::try_new(tls, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(ClientTlsError::Versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match &tls.client_certificate {
        None => builder.with_no_client_auth(),
        Some(files) => {
            let (chain, key) = (pem::load_chain(&files.chain)?, pem::load_key(files)?);
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|source| ClientTlsError::BadPair {
                    chain: files.chain.clone(),
                    key: files.key.clone(),
                    source,
                })?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The same for a bridge of bytes: nothing is said of what is spoken inside, and no session is
/// resumed, so that the XSP judges our certificate at each connection.
///
/// # Errors
///
/// As [`client_config`].
pub fn bridge_config(tls: &UpstreamTls) -> Result<Arc<ClientConfig>, ClientTlsError> {
    let mut config = Arc::unwrap_or_clone(client_config(tls)?);
    config.alpn_protocols.clear();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// Chain and name where there is a CA, the key where there are pins, the handshake signature
/// always.
#[derive(Debug)]
struct Verifier {
    chain: Option<Arc<WebPkiServerVerifier>>,
    pins: Vec<[u8; 32]>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    fn try_new(tls: &UpstreamTls, provider: &Arc<CryptoProvider>) -> Result<Self, ClientTlsError> {
        if tls.ca.is_none() && tls.pins.is_empty() {
            return Err(ClientTlsError::NoTrust);
        }
        let chain = match &tls.ca {
            None => None,
            Some(path) => {
                let anchors = Arc::new(read_anchors(path)?);
                let provider = Arc::clone(provider);
                Some(WebPkiServerVerifier::builder_with_provider(anchors, provider).build()?)
            }
        };
        Ok(Self {
            chain,
            pins: tls.pins.clone(),
            algorithms: provider.signature_verification_algorithms,
        })
    }

    fn check_pin(&self, certificate: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        if self.pins.is_empty() {
            return Ok(());
        }
        let (_, parsed) = X509Certificate::from_der(certificate)
            .map_err(|_| rustls::Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let seen = spki_sha256(parsed.public_key().raw);
        if self.pins.contains(&seen) {
            return Ok(());
        }
        let mismatch = Arc::new(PinMismatch(seen));
        Err(CertificateError::Other(OtherError(mismatch)).into())
    }
}

pub(super) fn read_anchors(path: &Path) -> Result<RootCertStore, ClientTlsError> {
    let mut anchors = RootCertStore::empty();
    for (at, certificate) in pem::load_chain(path)?.into_iter().enumerate() {
        anchors
            .add(certificate)
            .map_err(|source| ClientTlsError::BadAnchor {
                path: path.to_owned(),
                place: at + 1,
                source,
            })?;
    }
    Ok(anchors)
}

fn spki_sha256(spki: &[u8]) -> [u8; 32] {
    use ::aws_lc_rs::digest;
    let digest = digest::digest(&digest::SHA256, spki);
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    bytes
}

/// The key of the upstream is none of the pinned ones.
#[derive(Debug)]
struct PinMismatch([u8; 32]);

impl std::fmt::Display for PinMismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the upstream's key is not pinned; if its certificate was renewed on purpose, add the \
             pin sha256/{}",
            STANDARD.encode(self.0)
        )
    }
}

impl std::error::Error for PinMismatch {}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(chain) = &self.chain {
            chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
        }
        self.check_pin(end_entity)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use rcgen::KeyPair;
    use tempfile::TempDir;

    use crate::config::CertificateFiles;

    use super::*;

    fn tls() -> UpstreamTls {
        UpstreamTls {
            ca: None,
            pins: Vec::new(),
            server_name: "xsp1.example.com".to_owned(),
            client_certificate: None,
        }
    }

    fn refusal(tls: &UpstreamTls) -> String {
        client_config(tls)
            .expect_err("it must be refused")
            .to_string()
    }

    #[test]
    fn a_configuration_that_believes_nobody_in_particular_is_refused() {
        assert!(refusal(&tls()).contains("set `ca`, `spki-pins` or both"));
    }

    #[test]
    fn a_missing_or_empty_ca_file_is_refused_with_a_remedy() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("ca.pem");
        let tls = UpstreamTls {
            ca: Some(path.clone()),
            ..tls()
        };
        assert!(refusal(&tls).contains("cannot be read"));
        fs::write(&path, "no PEM at all").unwrap();
        assert!(refusal(&tls).contains("no certificate found"));
        let der = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        fs::write(&path, der).unwrap();
        assert!(refusal(&tls).contains("certificate 1 in"));
        fs::write(
            &path,
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        assert!(refusal(&tls).contains("no certificate found"));
    }

    #[test]
    fn a_client_certificate_needs_its_own_and_well_kept_key() {
        let directory = TempDir::new().unwrap();
        let chain = directory.path().join("chain.pem");
        let key = directory.path().join("key.pem");
        let minted = rcgen::generate_simple_self_signed(["xspd.example.com".to_owned()]).unwrap();
        fs::write(&chain, minted.cert.pem()).unwrap();
        fs::write(&key, minted.signing_key.serialize_pem()).unwrap();
        let tls = UpstreamTls {
            pins: vec![[0; 32]],
            client_certificate: Some(CertificateFiles {
                chain,
                key: SecretRef::File(key.clone()),
            }),
            ..tls()
        };

        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(refusal(&tls).contains("chmod 600"));

        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let config = client_config(&tls).unwrap();
        assert!(config.client_auth_cert_resolver.has_certs());
        assert_eq!(config.alpn_protocols, [b"http/1.1"]);

        fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
        assert!(refusal(&tls).contains("check that they are a pair"));
        fs::write(&key, "nothing").unwrap();
        assert!(refusal(&tls).contains("expected an unencrypted"));
    }
}
