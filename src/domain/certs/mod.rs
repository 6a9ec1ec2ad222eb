//! Certificates: what one says, whether a chain or a file of trust anchors can be used, and what
//! differs between two sets. Judgement only; files are read and keys matched elsewhere.

mod ber;
pub mod bundle;
mod bundle_key;
pub mod chain;
pub mod chain_problem;
pub mod crl;
pub mod csr;
pub mod date;
pub mod document;
pub mod extensions;
pub mod facts;
pub mod file_format;
pub mod finding;
pub mod fit;
pub mod ics;
pub mod identity;
pub mod inventory;
pub mod judgement;
pub mod key;
pub mod maintenance;
pub mod name;
pub mod name_parts;
pub mod pem;
pub mod pkcs12;
mod pkcs12_mac;
mod pkcs12_problem;
pub mod pkcs7;
pub mod renewal;
pub mod schedule;
pub mod signature;
pub mod source;
pub mod trust_diff;
mod trust_draft;
pub mod trust_file;
mod trust_flaws;
pub mod trust_problem;
pub mod trust_remark;
pub mod trust_set;
pub mod trust_usage;
pub mod usage;
pub mod watchlist;

#[cfg(test)]
pub(crate) mod mint;

pub use chain::ChainVerdict;
pub use chain_problem::ChainProblem;
pub use chain_problem::Severity;
pub use facts::BadCertificate;
pub use facts::CertificateFacts;
pub use identity::BadIdentity;
pub use identity::identity;
pub use key::KeyKind;
pub use signature::SignatureAlgorithm;
pub use trust_diff::TrustDiff;
pub use trust_file::Anchor;
pub use trust_file::OutOfDate;
pub use trust_file::Role;
pub use trust_file::TrustFile;
pub use trust_file::TrustRules;
pub use trust_problem::TrustProblem;
pub use trust_problem::TrustReason;
pub use trust_remark::TrustNote;
pub use trust_set::Generation;
pub use trust_set::SetProblem;
pub use trust_set::TrustSet;
