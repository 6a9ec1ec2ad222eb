//! OCI-R, the reporting interface of the Application Server: what administrators changed, pushed to
//! whoever connects and is in its access list. Nothing is asked and nothing acknowledged.
//!
//! The protocol is known from two public clients and the schema of its settings. A document is one
//! `BroadsoftOCIReportingDocument`, framed by [`super::ocip::framing`]; inside of it each report
//! carries a whole OCI-P request as text.

mod document;
mod loss;
mod observed;
mod profile;
mod recent;
mod reported;

pub use document::BadDocument;
pub use document::Command;
pub use document::Notification;
pub use document::Write;
pub use document::read;
pub use loss::Effect;
pub use loss::Loss;
pub use observed::Hint;
pub use observed::Observation;
pub use observed::Observed;
pub use observed::Scope;
pub use profile::NotAProfile;
pub use profile::changed;
pub use profile::profile;
pub use recent::Recent;
pub use reported::INTEGRATED_IMP;
pub use reported::Reported;
pub use reported::Unclear;
pub use reported::reported;
