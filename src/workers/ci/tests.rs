//! The desk against a CI that does what its script says.
