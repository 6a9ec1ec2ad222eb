//! Client verification, one verifier a connection, so that the verdict belongs to the connection:
//! the caller with the anchor at which its chain ended, or the reason why it was refused.

use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;
use std::time::SystemTime;

use rustls::CertificateError;
use rustls::DigitallySignedStruct;
use rustls::DistinguishedName;
use rustls::Error;
use rustls::SignatureScheme;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::crypto::verify_tls12_signature;
use rustls::crypto::verify_tls13_signature;
use rustls::server::danger::ClientCertVerified;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::UnixTime;
use webpki::EndEntityCert;
use webpki::KeyUsage;

use crate::config::ClientAuth;
use crate::config::ClientCertificates;
use crate::domain::auth::handshake::HandshakeReason;
use crate::domain::auth::identity::Caller;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::identity::identity;
use crate::domain::ids::Fingerprint;
use crate::tls::trust::TrustAnchors;

/// A verified client and the generation of the trust set that let it in.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// Who it is.
    pub caller: Caller,
    /// File of the anchor at which the chain ended.
    pub generation: Arc<str>,
}

/// What a client presented, for the operator's line about a refusal.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Why.
    pub reason: HandshakeReason,
    /// Subject of the leaf, when it could be read.
    pub subject: Option<String>,
    /// Issuer of the leaf, which names the CA that is missing when its chain is unknown.
    pub issuer: Option<String>,
}

/// The verifier of one connection.
#[derive(Debug)]
pub struct ConnectionVerifier {
    rules: Arc<ClientRules>,
    verdict: OnceLock<Result<Admitted, Refused>>,
}

/// What all connections of a host share.
#[derive(Debug)]
pub struct ClientRules {
    /// The policy.
    pub auth: ClientAuth,
    /// Ends the handshake of an unlisted identity. HTTP lets it finish and answers 403.
    pub refuse_unlisted: bool,
    /// The anchors.
    pub trust: Arc<TrustAnchors>,
    /// The crypto library.
    pub provider: Arc<CryptoProvider>,
}

impl ConnectionVerifier {
    /// A verifier without a verdict.
    #[must_use]
    pub fn new(rules: Arc<ClientRules>) -> Self {
        Self {
            rules,
            verdict: OnceLock::new(),
        }
    }

    /// The verdict; `None` when the client showed no certificate.
    #[must_use]
    pub fn verdict(&self) -> Option<&Result<Admitted, Refused>> {
        self.verdict.get()
    }
}

impl ClientRules {
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Admitted, (Refused, Error)> {
        let facts = CertificateFacts::parse(leaf).map_err(|_| unreadable())?;
        let refuse = |reason, error: CertificateError| {
            let refused = Refused {
                reason,
                subject: Some(facts.subject.clone()),
                issuer: Some(facts.issuer.clone()),
            };
            (refused, Error::InvalidCertificate(error))
        };
        let certificate = EndEntityCert::try_from(leaf)
            .map_err(|error| refuse(reason_of(&error), certificate_error(&error)))?;
        let path = certificate
            .verify_for_usage(
                self.provider.signature_verification_algorithms.all,
                self.trust.anchors(),
                intermediates,
                now,
                // The library would ask a required purpose of CAs too, which rarely state any.
                KeyUsage::client_auth(),
                None,
                None,
            )
            .map_err(|error| refuse(reason_of(&error), certificate_error(&error)))?;
        let anchor = self.trust.find(path.anchor()).ok_or_else(|| {
            refuse(
                HandshakeReason::CertificateUnknownIssuer,
                CertificateError::UnknownIssuer,
            )
        })?;
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(now.as_secs());
        if anchor.ends.is_some_and(|ends| ends <= wall) {
            let error = CertificateError::UnknownIssuer;
            return Err(refuse(HandshakeReason::AnchorExpired, error));
        }
        if self.auth.require_eku && facts.client_auth().is_none() {
            let reason = HandshakeReason::CertificatePurposeAbsent;
            return Err(refuse(reason, CertificateError::InvalidPurpose));
        }
        let identity = identity(&facts).map_err(|_| {
            refuse(
                HandshakeReason::CertificateNameless,
                CertificateError::BadEncoding,
            )
        })?;
        let listed = self.auth.identities.contains(&identity);
        if self.refuse_unlisted && !listed {
            // The alert is access_denied.
            let error = CertificateError::ApplicationVerificationFailure;
            return Err(refuse(HandshakeReason::IdentityUnlisted, error));
        }
        Ok(Admitted {
            caller: Caller {
                listed,
                identity,
                serial: facts.serial,
                fingerprint: Fingerprint::of(leaf),
                anchor: anchor.fingerprint,
                not_after: anchor
                    .ends
                    .map_or(facts.not_after, |ends| ends.min(facts.not_after)),
            },
            generation: Arc::clone(&anchor.generation),
        })
    }
}

fn unreadable() -> (Refused, Error) {
    let refused = Refused {
        reason: HandshakeReason::CertificateBad,
        subject: None,
        issuer: None,
    };
    let error = Error::InvalidCertificate(CertificateError::BadEncoding);
    (refused, error)
}

fn reason_of(error: &webpki::Error) -> HandshakeReason {
    match error {
        webpki::Error::CertExpired { .. } => HandshakeReason::CertificateExpired,
        webpki::Error::CertNotValidYet { .. } => HandshakeReason::CertificateNotYetValid,
        webpki::Error::RequiredEkuNotFoundContext(_) => HandshakeReason::CertificatePurposeWrong,
        // A CA with a known name and another key is unknown: Webex's old and new roots share
        // their names.
        webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey => {
            HandshakeReason::CertificateUnknownIssuer
        }
        _ => HandshakeReason::CertificateBad,
    }
}

/// The alert that the peer gets follows from this error.
fn certificate_error(error: &webpki::Error) -> CertificateError {
    match error {
        webpki::Error::CertExpired { time, not_after } => CertificateError::ExpiredContext {
            time: *time,
            not_after: *not_after,
        },
        webpki::Error::CertNotValidYet { time, not_before } => {
            CertificateError::NotValidYetContext {
                time: *time,
                not_before: *not_before,
            }
        }
        webpki::Error::RequiredEkuNotFoundContext(_) => CertificateError::InvalidPurpose,
        webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey => {
            CertificateError::UnknownIssuer
        }
        _ => CertificateError::BadEncoding,
    }
}

impl ClientCertVerifier for ConnectionVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.rules.auth.certificates == ClientCertificates::Required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.rules.trust.hints()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.rules.judge(end_entity, intermediates, now) {
            Ok(admitted) => {
                drop(self.verdict.set(Ok(admitted)));
                Ok(ClientCertVerified::assertion())
            }
            Err((refused, error)) => {
                drop(self.verdict.set(Err(refused)));
                Err(error)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.rules.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.rules.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.rules
            .provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
