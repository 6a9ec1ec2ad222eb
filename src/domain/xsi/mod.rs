//! The Xsi interfaces: targets, faults, documents.
