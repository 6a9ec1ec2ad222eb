//! A client of the Xsi interfaces for one account of our own, on the pools that relay.
//!
//! * [`XsiClient`]: the handle; each method is one request and hands the answer's bytes on. What
//!   they mean is judged in `domain::events`.
//! * [`ChannelStream`]: the one answer that does not end.
//! * [`XsiFailure`]: why there is no answer, whose fault that is, and what helps.

mod account;
mod actions;
mod call;
mod channel;
mod directory;
mod events;
mod failure;
mod target;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

pub use account::Account;
pub use account::AccountError;
pub use channel::ChannelStream;
pub use channel::Opened;
pub use directory::Directory;
pub use failure::XsiFailure;
pub use target::Target;
pub use target::segment;

use crate::outbound::Pool;

/// Bytes of an answer. A watcher's list of some hundred lines has 100 KB.
const ANSWER_BYTES: usize = 1024 * 1024;

/// Time limits.
#[derive(Debug, Clone, Copy)]
pub struct XsiLimits {
    /// One request with its answer.
    pub call: Duration,
    /// Longest silence of an event channel; heartbeats have their echo there.
    pub stream_idle: Duration,
}

/// The handle; clones share pool and account.
#[derive(Clone)]
pub struct XsiClient {
    pool: Arc<Pool>,
    account: Arc<Account>,
    limits: XsiLimits,
}

impl XsiClient {
    /// A client of one pool.
    #[must_use]
    pub const fn new(pool: Arc<Pool>, account: Arc<Account>, limits: XsiLimits) -> Self {
        Self {
            pool,
            account,
            limits,
        }
    }

    /// The same with somebody else's credential, in whose name it asks.
    #[must_use]
    pub fn presenting(&self, authorization: HeaderValue) -> Self {
        Self {
            account: Arc::new(Account::presented(authorization)),
            ..self.clone()
        }
    }

    /// The id of its account.
    #[must_use]
    pub fn user_id(&self) -> &str {
        self.account.user_id()
    }

    /// Names of the XSPs.
    #[must_use]
    pub fn upstreams(&self) -> Vec<Arc<str>> {
        let upstreams = self.pool.upstreams().iter();
        upstreams.map(|one| Arc::clone(one.name())).collect()
    }

    /// The XSP that a `Location` leads to, when it is one of the pool.
    #[must_use]
    pub fn redirected_to(&self, location: &str) -> Option<Arc<str>> {
        let (_, rest) = location.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let place = self.pool.place_of_authority(authority)?;
        let upstream = self.pool.upstreams().get(place)?;
        Some(Arc::clone(upstream.name()))
    }
}
