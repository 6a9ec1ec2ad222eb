//! The integration tests: one binary, one folder a kind.

mod sim;
