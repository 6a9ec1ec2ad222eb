//! OCI-P, the provisioning interface of the Application Server: messages in and out of bytes, and
//! what may be asked of it how often. Read-mostly: the one thing we change is revocation.
//!
//! Messages are written by hand and read for what is needed; elements that nobody here knows are
//! passed over, because every release of BroadWorks adds some.

pub mod answer;
pub mod breaker;
pub mod digest;
pub mod facts;
mod failure;
pub mod framing;
pub mod pace;
pub mod refusal;
pub mod request;

pub use answer::Answer;
pub use answer::BadAnswer;
pub use failure::OcipFailure;
pub use failure::Unreachable;
pub use request::Request;
pub use request::RequestKind;
pub use request::Unsendable;

/// The namespace of `BroadsoftDocument`.
pub const OCI: &str = "C";
