//! The event service by itself and over the wire.
