//! The Xsi interfaces: targets, faults, documents.

pub mod codec;
pub mod faults;
pub mod path;
