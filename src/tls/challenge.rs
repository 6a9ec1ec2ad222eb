//! Answers to a CA that wants to know whether a name is ours, while an order is under way: the texts
//! of http-01, and the certificates of tls-alpn-01 (RFC 8737).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use rcgen::CertificateParams;
use rcgen::CustomExtension;
use rcgen::KeyPair;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::sign::CertifiedKey;
use rustls::sign::SingleCertAndKey;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::PrivatePkcs8KeyDer;

/// The protocol of tls-alpn-01.
pub const ALPN: &[u8] = b"acme-tls/1";

/// Path below which http-01 is answered.
pub const PATH: &str = "/.well-known/acme-challenge/";

/// Most answers at once: ten certificates with the most names.
const MOST: usize = 1000;

/// What is to be answered now. Empty while no order is under way.
#[derive(Debug, Default)]
pub struct Challenges {
    texts: Mutex<BTreeMap<String, String>>,
    certificates: Mutex<BTreeMap<String, Arc<ServerConfig>>>,
}

/// The library refused.
#[derive(Debug, thiserror::Error)]
pub enum ChallengeError {
    /// There are too many already.
    #[error("more than {MOST} challenges are open")]
    TooMany,
    /// No certificate could be made.
    #[error("no challenge certificate could be made: {0}")]
    Mint(#[from] rcgen::Error),
    /// rustls refused it.
    #[error("the challenge certificate cannot be used: {0}")]
    Tls(#[from] rustls::Error),
}

impl Challenges {
    /// Answers a token with a text.
    ///
    /// # Errors
    /// When there are too many.
    pub fn answer_text(&self, token: &str, text: &str) -> Result<(), ChallengeError> {
        let mut texts = held(&self.texts);
        if texts.len() >= MOST {
            return Err(ChallengeError::TooMany);
        }
        texts.insert(token.to_owned(), text.to_owned());
        Ok(())
    }

    /// The text for the path of a request, when it is one that is waited for.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        let token = path.strip_prefix(PATH)?;
        held(&self.texts).get(token).cloned()
    }

    /// Answers handshakes for `name` with the digest of the key authorization.
    ///
    /// # Errors
    /// When the certificate cannot be made, or there are too many.
    pub fn answer_handshake(&self, name: &str, digest: [u8; 32]) -> Result<(), ChallengeError> {
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(&digest)];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let signer = aws_lc_rs::sign::any_supported_type(&key)?;
        let certified = CertifiedKey::new(vec![certificate], signer);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            // Its critical extension (RFC 8737, section 3) is none that the library reads, so it must
            // not be asked whether key and certificate match; they were made together.
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![ALPN.to_vec()];
        let mut certificates = held(&self.certificates);
        if certificates.len() >= MOST {
            return Err(ChallengeError::TooMany);
        }
        certificates.insert(name.to_ascii_lowercase(), Arc::new(config));
        Ok(())
    }

    /// What to shake hands with when a CA asks for this name, lower case.
    #[must_use]
    pub fn handshake(&self, name: &str) -> Option<Arc<ServerConfig>> {
        held(&self.certificates).get(name).cloned()
    }

    /// Answers this token and this name no more.
    pub fn forget(&self, token: &str, name: &str) {
        held(&self.texts).remove(token);
        held(&self.certificates).remove(&name.to_ascii_lowercase());
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_waited_for_is_answered_and_only_until_it_is_over() {
        let challenges = Challenges::default();
        challenges.answer_text("abc", "abc.thumb").unwrap();
        challenges.answer_handshake("XSP.test", [7; 32]).unwrap();
        let path = format!("{PATH}abc");
        assert_eq!(challenges.text(&path).as_deref(), Some("abc.thumb"));
        assert_eq!(challenges.text(&format!("{PATH}abd")), None);
        assert_eq!(challenges.text("/abc"), None);
        assert!(challenges.handshake("xsp.test").is_some());
        challenges.forget("abc", "xsp.test");
        assert_eq!(challenges.text(&path), None);
        assert!(challenges.handshake("xsp.test").is_none());
    }
}
