//! Requests through the built-in mapping.
