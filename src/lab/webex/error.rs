//! What keeps the lab's Webex from working.

use std::path::PathBuf;

/// Why the lab's Webex cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum WebexError {
    /// A certificate or key could not be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// A key could not be made or used.
    #[error("a key cannot be made or used")]
    Key,
    /// The address of the provider's AuthenticationService is none.
    #[error("`{url}` is no URL of an AuthenticationService; expected https://HOST:PORT")]
    Provider {
        /// What was given.
        url: String,
    },
    /// The random source failed.
    #[error("the system gives no random bytes")]
    Random,
    /// rustls takes no such certificate or key.
    #[error("TLS cannot be set up with the lab's certificates")]
    Tls(#[from] rustls::Error),
}
