//! Flowthrough provisioning: what BroadWorks wants a subscriber to be, what Webex says it is, and
//! the way from the one to the other.
//!
//! A call of the AS, an OCI-R report or an operator's word becomes a new revision of [`Desired`].
//! Whoever takes it in makes it durable before the answer leaves. The machine then drives
//! [`Actual`] to the newest revision; what it knows of the way is the [`JobRecord`].

pub mod customer;
pub mod ids;
pub mod operation;
pub mod profile;
pub mod record;
pub mod webex;
