//! From a verified client certificate to the caller that the rest of the daemon knows.

use std::time::SystemTime;

use crate::domain::ids::Fingerprint;

/// The owner of a verified client certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// First SAN dNSName, else the subject's common name; lower case.
    pub identity: String,
    /// Serial number in hex.
    pub serial: String,
    /// The leaf.
    pub fingerprint: Fingerprint,
    /// The trust anchor at which its chain ended.
    pub anchor: Fingerprint,
    /// When the admission ends: the end of the leaf or of its anchor, whichever comes first.
    pub not_after: SystemTime,
    /// Whether the identity is on the listener's list. `false` only in observe mode or before
    /// the request is refused.
    pub listed: bool,
}
