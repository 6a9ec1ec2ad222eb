//! Xsi-Events: channels, the documents on their streams, and where each of them lives.
//!
//! * [`scanner`]: where documents begin and end in a stream of bytes.
//! * [`framing`]: whole documents out of a stream, for those who relay and those who read.
//! * [`document`]: what a document says.
//! * [`channel`], [`subscriptions`]: our own, as machines.

pub mod channel;
pub mod document;
pub mod framing;
pub mod ids;
pub mod scanner;
pub mod subscriptions;
