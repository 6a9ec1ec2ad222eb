//! One host's side of the handshake: which certificate it presents, what it asks of the client.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use rustls::server::ClientHello;
use rustls::server::NoServerSessionStorage;
use rustls::server::ResolvesServerCert;
use rustls::sign::CertifiedKey;

use crate::config::ClientCertificates;
use crate::config::Host;
use crate::config::IdentityMode;
use crate::config::Listener;
use crate::config::ListenerKind;
use crate::tls::error::TlsError;
use crate::tls::provider;
use crate::tls::trust::TrustAnchors;
use crate::tls::verify::ClientRules;
use crate::tls::verify::ConnectionVerifier;

/// Everything needed to answer a hello for one host.
#[derive(Debug)]
pub struct HostTls {
    parts: Parts,
    client: Client,
}

#[derive(Debug)]
struct Parts {
    provider: Arc<CryptoProvider>,
    versions: &'static [&'static SupportedProtocolVersion],
    certificates: Arc<Presented>,
    alpn: Vec<Vec<u8>>,
}

#[derive(Debug)]
enum Client {
    /// Not asked: one configuration serves all connections.
    Anonymous(Arc<ServerConfig>),
    /// Asked: each connection gets a verifier of its own.
    Verified(Arc<ClientRules>),
}

impl HostTls {
    /// Prepares a host.
    ///
    /// # Errors
    /// When rustls refuses the parameters, for example no suite fits the lowest version.
    pub fn new(
        listener: &Listener,
        host: &Host,
        certificates: Vec<Arc<CertifiedKey>>,
        trust: Option<Arc<TrustAnchors>>,
    ) -> Result<Self, TlsError> {
        let parts = Parts {
            provider: provider::provider(&listener.tls),
            versions: provider::versions(listener.tls.minimum),
            certificates: Arc::new(Presented(certificates)),
            alpn: alpn(listener),
        };
        let refused = |error: rustls::Error| TlsError::Parameters {
            listener: listener.name.clone(),
            detail: error.to_string(),
        };
        let client = match (host.client_auth.certificates, trust) {
            (ClientCertificates::None, _) | (_, None) => {
                Client::Anonymous(Arc::new(parts.anonymous().map_err(refused)?))
            }
            (ClientCertificates::Optional | ClientCertificates::Required, Some(trust)) => {
                let rules = Arc::new(ClientRules {
                    refuse_unlisted: listener.kind == ListenerKind::Cti
                        && host.client_auth.mode == IdentityMode::Enforce,
                    auth: host.client_auth.clone(),
                    trust,
                    provider: Arc::clone(&parts.provider),
                });
                // Proven once here, so that building it for a connection cannot fail.
                parts
                    .verified(Arc::new(ConnectionVerifier::new(Arc::clone(&rules))))
                    .map_err(refused)?;
                Client::Verified(rules)
            }
        };
        Ok(Self { parts, client })
    }

    /// The configuration for one connection, and its verifier when a certificate is asked for.
    ///
    /// # Errors
    /// Never after [`HostTls::new`] succeeded; rustls' own error is passed on all the same.
    pub fn configuration(
        &self,
    ) -> Result<(Arc<ServerConfig>, Option<Arc<ConnectionVerifier>>), rustls::Error> {
        match &self.client {
            Client::Anonymous(config) => Ok((Arc::clone(config), None)),
            Client::Verified(rules) => {
                let verifier = Arc::new(ConnectionVerifier::new(Arc::clone(rules)));
                let config = self.parts.verified(Arc::clone(&verifier))?;
                Ok((Arc::new(config), Some(verifier)))
            }
        }
    }

    /// The trust set that client certificates are judged by.
    #[must_use]
    pub fn trust(&self) -> Option<&Arc<TrustAnchors>> {
        match &self.client {
            Client::Anonymous(_) => None,
            Client::Verified(rules) => Some(&rules.trust),
        }
    }
}

impl Parts {
    fn anonymous(&self) -> Result<ServerConfig, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(self.versions)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.certificates) as Arc<dyn ResolvesServerCert>);
        self.finish(&mut config);
        Ok(config)
    }

    fn verified(&self, verifier: Arc<ConnectionVerifier>) -> Result<ServerConfig, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(self.versions)?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::clone(&self.certificates) as Arc<dyn ResolvesServerCert>);
        self.finish(&mut config);
        // A resumed session would skip the trust check, the dates and the purpose.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    fn finish(&self, config: &mut ServerConfig) {
        config.alpn_protocols.clone_from(&self.alpn);
        // The server's suite order counts, as on the XSP.
        config.ignore_client_order = true;
    }
}

fn alpn(listener: &Listener) -> Vec<Vec<u8>> {
    match listener.kind {
        // What a client means to speak there is the XSP's business.
        ListenerKind::Cti => Vec::new(),
        ListenerKind::Http | ListenerKind::Passthrough if listener.http2 => {
            vec![b"h2".to_vec(), b"http/1.1".to_vec()]
        }
        ListenerKind::Http | ListenerKind::Passthrough | ListenerKind::Provisioning => {
            vec![b"http/1.1".to_vec()]
        }
    }
}

/// Presents the first certificate whose key type the client can verify.
#[derive(Debug)]
struct Presented(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for Presented {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let schemes = hello.signature_schemes();
        let fits = |held: &&Arc<CertifiedKey>| held.key.choose_scheme(schemes).is_some();
        self.0.iter().find(fits).or_else(|| self.0.first()).cloned()
    }
}

/// A configuration that presents nothing: it turns an unknown server name into an alert.
///
/// # Errors
/// Never with the built-in provider; rustls' own error is passed on all the same.
pub fn nobody() -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Presented(Vec::new())));
    Ok(Arc::new(config))
}
