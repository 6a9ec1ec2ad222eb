//! The Xsi interfaces: targets, faults, documents.

pub mod codec;
