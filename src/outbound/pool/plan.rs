//! What a request tells the pool: where it may go, how long each step may take, whose it is.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::Response;

use crate::outbound::UpstreamBody;
use crate::outbound::connection::Answer;
use crate::outbound::upstream::Upstream;

/// How one request is to be sent.
#[derive(Debug, Clone, Copy)]
pub struct SendPlan {
    /// A hash of the user, for pools that keep a user at one upstream.
    pub affinity: Option<u64>,
    /// Time from the last byte of the request to the answer's head.
    pub response_timeout: Duration,
    /// Longest pause between two pieces of the answer's body.
    pub idle_timeout: Duration,
    /// The request has no body; it is not looked at then.
    pub body_is_empty: bool,
    /// The answer may be a stream that rests most of its time; it is read with less memory then.
    pub may_last: bool,
}

impl SendPlan {
    pub(super) const fn answer(&self) -> Answer {
        if self.may_last {
            Answer::MayLast
        } else {
            Answer::Ends
        }
    }
}

/// Which upstream a request is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Aim {
    /// Any that is fit.
    #[default]
    Any,
    /// This place in the pool first; any other when no connection to it comes about.
    First(usize),
    /// This place in the pool and no other, whatever its health.
    Only(usize),
}

/// An answer and who gave it.
pub struct Sent {
    /// The answer as it came, hop-by-hop headers included.
    pub response: Response<UpstreamBody>,
    /// Name of the upstream.
    pub upstream: Arc<str>,
}

/// Whose request it is: a client's keeps its `Host` where the upstream has no wish of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Client,
    Own,
}

impl Origin {
    pub(super) fn host(self, upstream: &Upstream) -> Option<&HeaderValue> {
        match self {
            Self::Client => upstream.host_header(),
            Self::Own => Some(
                upstream
                    .host_header()
                    .unwrap_or_else(|| upstream.authority()),
            ),
        }
    }
}
