//! The Xsi interfaces: targets, faults, documents.

pub mod faults;
pub mod path;
