//! Flowthrough provisioning: what BroadWorks wants a subscriber to be, what Webex says it is, and
//! the way from the one to the other.
//!
//! A call of the AS, an OCI-R report or an operator's word becomes a new revision of [`Desired`].
//! Whoever takes it in asks [`intake::decide`] and makes the verdict durable before the answer
//! leaves. The [`conductor`] then drives [`Actual`] to the newest revision; what it knows of the
//! way is the [`JobRecord`].
//!
//! [`Actual`]: record::Actual
//! [`Desired`]: record::Desired
//! [`JobRecord`]: record::JobRecord

pub mod answer;
pub mod as_settings;
pub mod call;
pub mod capture;
pub mod conductor;
pub mod csv;
pub mod customer;
pub mod document;
pub mod fault;
pub mod ids;
pub mod intake;
pub mod mapping;
pub mod operation;
pub mod policy;
pub mod precheck;
pub mod profile;
pub mod reconcile;
pub mod record;
pub mod redact;
pub mod refusal;
pub mod sync_queue;
pub mod unmapped;
pub mod view;
pub mod webex;
