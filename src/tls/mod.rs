//! All of rustls.
