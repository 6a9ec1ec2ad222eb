//! A pool of upstreams that answer alike: which one gets a request, and what may be tried again.

mod again;
mod direct;
mod plan;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::Request;
use http::Response;
use http::Version;
use http_body::Body;
use hyper::body::Incoming;

use crate::config;
use crate::config::Affinity;
use crate::domain::upstream::choice::Ground;
use crate::domain::upstream::choice::choose;
use crate::outbound::OutboundError;
use crate::outbound::SendFailure;
use crate::outbound::UpstreamBody;
use crate::outbound::body::Reuse;
use crate::outbound::connection::Answer;
use crate::outbound::connection::Breach;
use crate::outbound::connection::Broken;
use crate::outbound::connection::Connection;
use crate::outbound::pool::again::ClientHost;
use crate::outbound::pool::again::Spare;
use crate::outbound::pool::plan::Origin;
use crate::outbound::pools::authorities_of;
use crate::outbound::request::RequestBody;
use crate::outbound::request::Upload;
use crate::outbound::request::prepare;
use crate::outbound::upstream::Lease;
use crate::outbound::upstream::Upstream;
use crate::telemetry::upstream::UpstreamMetrics;

pub use plan::Aim;
pub use plan::SendPlan;
pub use plan::Sent;

/// Upstreams that answer alike.
pub struct Pool {
    upstreams: Box<[Arc<Upstream>]>,
    affinity: Affinity,
    turn: AtomicUsize,
    /// Lower case `host` or `host:port` of each upstream, in their order.
    authorities: Box<[Vec<String>]>,
}

/// How one attempt at one upstream ended.
enum Attempt {
    Answered(Response<UpstreamBody>),
    /// Nothing of the request was written; it may go to another upstream.
    Unsent(Request<RequestBody>, SendFailure),
    /// Nothing more may be done.
    Failed(SendFailure),
    /// The connection ended before any byte of an answer: what changes nothing may be repeated.
    Closed(SendFailure, Line),
}

/// Which connection an attempt takes, or took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Fresh,
    Idle,
}

impl Pool {
    pub(super) fn build(
        pool: &config::Pool,
        metrics: &UpstreamMetrics,
    ) -> Result<Self, Vec<OutboundError>> {
        let mut errors = Vec::new();
        let mut upstreams = Vec::new();
        for (index, upstream) in pool.upstreams.iter().enumerate() {
            match Upstream::build(pool, index, upstream, metrics) {
                Ok(upstream) => upstreams.push(Arc::new(upstream)),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            Ok(Self {
                upstreams: upstreams.into(),
                affinity: pool.affinity,
                turn: AtomicUsize::new(0),
                authorities: pool.upstreams.iter().map(authorities_of).collect(),
            })
        } else {
            Err(errors)
        }
    }

    /// Its upstreams, in the order written.
    #[must_use]
    pub fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.upstreams
    }

    /// The place of the upstream of that name.
    #[must_use]
    pub fn place_of(&self, name: &str) -> Option<usize> {
        let mut upstreams = self.upstreams.iter();
        upstreams.position(|upstream| **upstream.name() == *name)
    }

    /// The place of the one upstream that calls itself `authority` (`host[:port]`); `None` too
    /// when several do.
    #[must_use]
    pub fn place_of_authority(&self, authority: &str) -> Option<usize> {
        let authority = authority.to_ascii_lowercase();
        let mut found = (0..)
            .zip(&self.authorities)
            .filter(|(_, names)| names.contains(&authority))
            .map(|(place, _)| place);
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// Sends a request to any upstream and waits for the head of its answer.
    ///
    /// # Errors
    ///
    /// As [`Pool::send_to`].
    pub async fn send<B>(&self, request: Request<B>, plan: &SendPlan) -> Result<Sent, SendFailure>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        self.send_to(Aim::Any, request, plan).await
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// The target goes out byte for byte; hop-by-hop headers are the caller's to remove. When no
    /// connection comes about, each upstream is tried once. After bytes were sent only `GET`,
    /// `HEAD` and `OPTIONS` without a body are repeated, once, and only if not one byte of an
    /// answer had come: `calls/new` must never dial twice.
    ///
    /// # Errors
    ///
    /// The failure of the last attempt.
    pub async fn send_to<B>(
        &self,
        aim: Aim,
        request: Request<B>,
        plan: &SendPlan,
    ) -> Result<Sent, SendFailure>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (request, upload) = prepare(request, plan.body_is_empty);
        self.relay(aim, request, upload, plan, Origin::Client).await
    }

    async fn relay(
        &self,
        aim: Aim,
        mut request: Request<RequestBody>,
        upload: Option<Arc<Upload>>,
        plan: &SendPlan,
        origin: Origin,
    ) -> Result<Sent, SendFailure> {
        let key = match self.affinity {
            Affinity::None => None,
            Affinity::User => plan.affinity,
        };
        let mut tried = Vec::new();
        let mut host = ClientHost::default();
        let mut spare = Spare::Allowed;
        let mut line = Line::Idle;
        let lease = match aim {
            Aim::Any => self.pick(key, &tried),
            Aim::First(place) | Aim::Only(place) => self.aimed(place),
        };
        let mut lease = lease.ok_or(SendFailure::NoUpstream)?;
        loop {
            let upstream = Arc::clone(lease.upstream());
            host.set(&mut request, origin.host(&upstream));
            let copy = spare.copy(&request);
            upstream.series.request();
            match attempt(lease, request, upload.as_deref(), plan, line).await {
                Attempt::Answered(response) => {
                    let upstream = Arc::clone(upstream.name());
                    return Ok(Sent { response, upstream });
                }
                Attempt::Failed(failure) => return Err(failure),
                Attempt::Unsent(back, failure) => {
                    tried.push(upstream.index());
                    lease = match aim {
                        Aim::Any | Aim::First(_) => self.pick(key, &tried).ok_or(failure)?,
                        Aim::Only(_) => return Err(failure),
                    };
                    request = back;
                    line = Line::Idle;
                }
                Attempt::Closed(failure, closed) => {
                    request = copy.ok_or(failure)?;
                    spare = Spare::Used;
                    line = Line::Fresh;
                    lease = match aim {
                        Aim::Any | Aim::First(_) => {
                            self.pick_again(key, &mut tried, &upstream, closed)
                        }
                        Aim::Only(_) => upstream.enter_again(),
                    };
                }
            }
            upstream.series.retried();
        }
    }

    /// The upstream at a place, whatever its health.
    fn aimed(&self, place: usize) -> Option<Lease> {
        self.upstreams.get(place)?.enter(Ground::LastResort)
    }

    /// The place for a repeated request. That an idle connection was closed says nothing about
    /// the upstream; that a fresh one was, does.
    fn pick_again(
        &self,
        key: Option<u64>,
        tried: &mut Vec<usize>,
        last: &Arc<Upstream>,
        closed: Line,
    ) -> Lease {
        let another = match closed {
            Line::Idle => None,
            Line::Fresh => {
                tried.push(last.index());
                self.pick(key, tried)
            }
        };
        another.unwrap_or_else(|| last.enter_again())
    }

    /// Chooses among the upstreams not tried yet.
    fn pick(&self, key: Option<u64>, tried: &[usize]) -> Option<Lease> {
        let turn = match key {
            Some(_) => 0,
            None => self.turn.fetch_add(1, Ordering::Relaxed) % self.upstreams.len().max(1),
        };
        loop {
            let candidates = self
                .upstreams
                .iter()
                .map(|upstream| upstream.candidate())
                .filter(|candidate| !tried.contains(&candidate.index));
            let choice = choose(candidates, key, turn)?;
            let upstream = self.upstreams.get(choice.index)?;
            // On probation another request may have been faster; then it is no longer eligible
            // and the next round chooses another.
            if let Some(lease) = upstream.enter(choice.ground) {
                if choice.ground == Ground::LastResort {
                    upstream.series.last_resort();
                }
                return Some(lease);
            }
        }
    }
}

async fn attempt(
    mut lease: Lease,
    mut request: Request<RequestBody>,
    upload: Option<&Upload>,
    plan: &SendPlan,
    line: Line,
) -> Attempt {
    let upstream = Arc::clone(lease.upstream());
    if !lease.permit().await {
        let busy = SendFailure::Busy {
            upstream: Arc::clone(upstream.name()),
        };
        return Attempt::Failed(told(&upstream, busy, "no connection came free"));
    }
    if line == Line::Idle {
        while let Some(mut connection) = upstream.take_idle() {
            let exchange =
                connection.exchange(request, upload, plan.response_timeout, plan.answer());
            match exchange.await {
                Ok(response) => return answered(response, connection, lease, upload, plan),
                // It had been closed meanwhile; the next one may be better.
                Err(Broken::Unsent(back)) => request = *back,
                Err(Broken::Sent(breach)) => return breached(&upstream, &breach, Line::Idle),
            }
        }
    }
    let mut connection = match upstream.open().await {
        Ok(connection) => connection,
        Err((failure, detail)) => {
            return Attempt::Unsent(request, told(&upstream, failure, &detail));
        }
    };
    let exchange = connection.exchange(request, upload, plan.response_timeout, plan.answer());
    match exchange.await {
        Ok(response) => answered(response, connection, lease, upload, plan),
        Err(Broken::Unsent(back)) => {
            let closed = SendFailure::ClosedBeforeAnswer {
                upstream: Arc::clone(upstream.name()),
            };
            let detail = "the connection was closed at once";
            Attempt::Unsent(*back, told(&upstream, closed, detail))
        }
        Err(Broken::Sent(breach)) => breached(&upstream, &breach, Line::Fresh),
    }
}

fn answered(
    response: Response<Incoming>,
    mut connection: Box<Connection>,
    lease: Lease,
    upload: Option<&Upload>,
    plan: &SendPlan,
) -> Attempt {
    lease.upstream().succeeded();
    let direct = match plan.answer() {
        Answer::Ends => None,
        Answer::MayLast => connection.take_over(&response, upload),
    };
    if let Some(direct) = direct {
        let body = UpstreamBody::direct(direct, connection, lease, plan.idle_timeout);
        return Attempt::Answered(response.map(|_incoming| body));
    }
    let reuse = match response.version() {
        Version::HTTP_11 => Reuse::Keep,
        _older => Reuse::Close,
    };
    Attempt::Answered(
        response.map(|incoming| {
            UpstreamBody::new(incoming, connection, lease, plan.idle_timeout, reuse)
        }),
    )
}

fn breached(upstream: &Upstream, breach: &Breach, line: Line) -> Attempt {
    let failure = breach.of(Arc::clone(upstream.name()));
    if !breach.is_silent_close() {
        return Attempt::Failed(told(upstream, failure, &breach.detail));
    }
    let failure = match line {
        // The XSP's keep-alive ended as the request came: nobody's fault.
        Line::Idle => told_only(upstream, failure, &breach.detail),
        Line::Fresh => told(upstream, failure, &breach.detail),
    };
    Attempt::Closed(failure, line)
}

/// Counts a failure against the upstream.
fn told(upstream: &Upstream, failure: SendFailure, detail: &str) -> SendFailure {
    if let Some(reason) = failure.failure() {
        upstream.failed(reason, &detail);
    }
    failure
}

/// Counts a failure, not against the upstream.
fn told_only(upstream: &Upstream, failure: SendFailure, detail: &str) -> SendFailure {
    if let Some(reason) = failure.failure() {
        upstream.series.failed(reason, &detail);
    }
    failure
}
