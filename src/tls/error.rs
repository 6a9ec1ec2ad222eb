//! What can be wrong with key material. Each text names the file and the remedy.

use std::path::PathBuf;

use crate::config::secret::SecretError;
use crate::domain::certs::chain_problem::ChainProblem;
use crate::domain::certs::trust_set::SetProblem;

/// Key material that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is larger than any certificate chain.
    #[error("{}: larger than {limit} bytes, which no certificate chain is", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file holds no certificate.
    #[error("{}: no certificate found; expected PEM blocks, leaf first", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The secret cannot be read.
    #[error("private key {reference}: {source}")]
    Secret {
        /// Where it should be.
        reference: String,
        /// Why.
        source: SecretError,
    },
    /// The key is not a private key that we can use.
    #[error(
        "private key {reference}: {detail}; expected an unencrypted PKCS#8, PKCS#1 or SEC1 PEM key (RSA 2048-8192, P-256, P-384 or Ed25519)"
    )]
    BadKey {
        /// Where it lies.
        reference: String,
        /// What the library said.
        detail: String,
    },
    /// Key and certificate are not a pair.
    #[error("{}: does not match the private key {reference}; the two are not a pair", path.display())]
    Mismatch {
        /// The chain file.
        path: PathBuf,
        /// Where the key lies.
        reference: String,
    },
    /// The chain is judged unfit.
    #[error("{}: {problem}", path.display())]
    Chain {
        /// The chain file.
        path: PathBuf,
        /// What is wrong.
        problem: ChainProblem,
    },
    /// A trust set is judged unfit.
    #[error("trust set \"{set}\": {problem}")]
    Trust {
        /// The set.
        set: String,
        /// The file and what is wrong with it.
        problem: SetProblem,
    },
    /// A self-signed certificate could not be made or kept.
    #[error("self-signed certificate for listener \"{listener}\": {detail}")]
    SelfSigned {
        /// The listener.
        listener: String,
        /// Why.
        detail: String,
    },
    /// rustls refused the parameters.
    #[error("TLS parameters of listener \"{listener}\": {detail}")]
    Parameters {
        /// The listener.
        listener: String,
        /// What rustls said.
        detail: String,
    },
}

impl TlsError {
    /// Whether it is only that there is no such file.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Unreadable { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    }
}
