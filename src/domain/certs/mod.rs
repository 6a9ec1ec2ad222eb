//! Certificates: what one says, whether a chain or a file of trust anchors can be used, and what
//! differs between two sets. Judgement only; files are read and keys matched elsewhere.

pub mod date;
pub mod facts;
pub mod identity;
pub mod key;
pub mod name;
pub mod pem;
pub mod signature;
pub mod usage;

#[cfg(test)]
pub(crate) mod mint;

pub use facts::BadCertificate;
pub use facts::CertificateFacts;
pub use identity::BadIdentity;
pub use identity::identity;
pub use key::KeyKind;
pub use signature::SignatureAlgorithm;
