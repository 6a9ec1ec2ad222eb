//! Automatic certificates.

use std::path::PathBuf;

use crate::config::AcmeChallenge;
use crate::config::AcmeKey;
use crate::config::secret::SecretRef;

/// Certificates that are ordered and renewed automatically.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acme {
    /// Name used by verbs, logs and alarms.
    pub name: String,
    /// URL of the CA's directory.
    pub directory: String,
    /// PEM file with the CA certificates that the directory's server is judged by; absent: the
    /// public roots.
    pub ca: Option<PathBuf>,
    /// Whom the CA writes to.
    pub contact: Vec<String>,
    /// The external account.
    pub external: Option<AcmeExternal>,
    /// The CA's profile.
    pub profile: Option<String>,
    /// How the CA makes sure that the names are ours.
    pub challenge: AcmeChallenge,
    /// Sets and removes TXT records; always there with `dns-01`.
    pub dns_hook: Option<PathBuf>,
    /// The CA's domain in the record of `dns-persist-01`; always there with it.
    pub dns_issuer: Option<String>,
    /// Names to be certified, lower case.
    pub names: Vec<String>,
    /// Listeners, or listener/host, whose files are written.
    pub places: Vec<String>,
    /// Kind of the certificate's key.
    pub key_type: AcmeKey,
    /// Most orders in a day.
    pub orders_per_day: usize,
}

/// An account at the CA that was made elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcmeExternal {
    /// Its id.
    pub key_id: String,
    /// Its key, base64url.
    pub secret: SecretRef,
}
