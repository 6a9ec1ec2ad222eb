//! The provisioning bridges: what the URL of a template in Partner Hub leads to.
//!
//! What an Application Server sends there is unpublished. The forms taken here are those that the
//! daemon takes, and what a client of guests of the same product line sends.

/// Below it, one bridge a template.
pub const PATH: &str = "/bridge";
