//! Xsi-Events: documents, our own channels, our own subscriptions.

pub mod channel;
pub mod document;
pub mod ids;
pub mod subscriptions;
