//! One XSP or ADP: its idle connections, its counters, its health as last announced.

mod lease;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use http::HeaderValue;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;

use crate::config;
use crate::domain::upstream::Failure;
use crate::domain::upstream::choice::Candidate;
use crate::domain::upstream::choice::Ground;
use crate::domain::upstream::choice::seed_of;
use crate::domain::upstream::health::Change;
use crate::domain::upstream::health::Input;
use crate::domain::upstream::health::Rules;
use crate::outbound::OutboundError;
use crate::outbound::SendFailure;
use crate::outbound::check::Check;
use crate::outbound::connect::Target;
use crate::outbound::connect::bare;
use crate::outbound::connection::Connection;
use crate::outbound::error::Causes;
use crate::outbound::standing::Entry;
use crate::outbound::standing::Standing;
use crate::platform::clock;
use crate::telemetry::upstream::UpstreamMetrics;
use crate::telemetry::upstream::UpstreamSeries;
use crate::tls::client::client_config;

pub(super) use lease::Lease;

/// Inputs on their way to the health machine. More than one per failing request adds nothing:
/// what does not fit is dropped.
const INPUTS: usize = 64;

/// One upstream of a pool.
pub struct Upstream {
    name: Arc<str>,
    index: usize,
    seed: u64,
    pub(super) target: Target,
    host_header: Option<HeaderValue>,
    authority: HeaderValue,
    idle: Mutex<Vec<Idle>>,
    keep_alive: Duration,
    permits: Semaphore,
    cap: usize,
    in_flight: AtomicU32,
    standing: Standing,
    health: HealthLink,
    pub(super) check: Check,
    pub(super) series: Arc<UpstreamSeries>,
}

struct Idle {
    connection: Box<Connection>,
    since: Instant,
}

/// The way to the health machine.
struct HealthLink {
    inputs: mpsc::Sender<Input>,
    received: Mutex<Option<mpsc::Receiver<Input>>>,
    /// Whether a request failed since the last success, so that a success is worth telling.
    failing: AtomicBool,
    /// The last failure in words, for the line about the change that it leads to.
    detail: Mutex<String>,
}

impl Upstream {
    pub(super) fn build(
        pool: &config::Pool,
        index: usize,
        upstream: &config::Upstream,
        metrics: &UpstreamMetrics,
    ) -> Result<Self, OutboundError> {
        let named = || (pool.name.clone(), upstream.name.clone());
        let header = |value: &str| {
            HeaderValue::from_str(value).map_err(|_| {
                let (pool, upstream) = named();
                OutboundError::HostHeader {
                    pool,
                    upstream,
                    value: value.to_owned(),
                }
            })
        };
        let host_header = upstream.host_header.as_deref().map(header).transpose()?;
        let host = match &host_header {
            Some(host) => host.clone(),
            None => header(&authority(upstream))?,
        };
        let target = Target::new(
            &upstream.host,
            upstream.port,
            tls_of(pool, upstream)?,
            pool.connect_timeout,
        );
        let (inputs, received) = mpsc::channel(INPUTS);
        let series = metrics.series(&pool.name, &upstream.name);
        series.presumed_up();
        Ok(Self {
            name: upstream.name.as_str().into(),
            index,
            seed: seed_of(&upstream.name),
            target,
            host_header,
            authority: host.clone(),
            idle: Mutex::new(Vec::new()),
            keep_alive: pool.keep_alive,
            permits: Semaphore::new(pool.connections),
            cap: pool.connections,
            in_flight: AtomicU32::new(0),
            standing: Standing::default(),
            health: HealthLink {
                inputs,
                received: Mutex::new(Some(received)),
                failing: AtomicBool::new(false),
                detail: Mutex::new(String::new()),
            },
            check: Check::build(pool, host)?,
            series: Arc::new(series),
        })
    }

    /// Its name in the configuration.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The `Host` that it would have for requests of our own.
    #[must_use]
    pub const fn authority(&self) -> &HeaderValue {
        &self.authority
    }

    /// Requests and streams that it is working on for us.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Its place in the pool.
    pub(super) const fn index(&self) -> usize {
        self.index
    }

    /// The `Host` header that it wants instead of the client's.
    pub(super) const fn host_header(&self) -> Option<&HeaderValue> {
        self.host_header.as_ref()
    }

    /// Whether its health lets it have requests.
    #[must_use]
    pub fn is_fit(&self) -> bool {
        self.standing.is_fit()
    }

    /// Why it failed last, in words; `None` when it never did.
    #[must_use]
    pub fn last_failure(&self) -> Option<String> {
        let detail = self.detail().clone();
        (!detail.is_empty()).then_some(detail)
    }

    pub(super) fn candidate(&self) -> Candidate {
        Candidate {
            index: self.index,
            eligible: self.standing.takes_requests(),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            seed: self.seed,
        }
    }

    /// Counts a request in; `None` when it is on probation and another request was faster. As the
    /// last resort that does not matter.
    pub(super) fn enter(self: &Arc<Self>, ground: Ground) -> Option<Lease> {
        let probe = match (self.standing.enter(), ground) {
            (Entry::Open, _) | (Entry::Taken, Ground::LastResort) => false,
            (Entry::Probe, _) => true,
            (Entry::Taken, Ground::Fit) => return None,
        };
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Some(Lease {
            upstream: Arc::clone(self),
            probe,
            permit: false,
        })
    }

    /// Counts a request in that is sent here again.
    pub(super) fn enter_again(self: &Arc<Self>) -> Lease {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Lease {
            upstream: Arc::clone(self),
            probe: false,
            permit: false,
        }
    }

    /// The idle connection used last, if it is young enough.
    pub(super) fn take_idle(&self) -> Option<Box<Connection>> {
        let now = clock::mono();
        let mut idle = self.idle();
        let newest = idle.pop()?;
        if now.saturating_duration_since(newest.since) > self.keep_alive {
            // The others are older still. They are closed without the lock.
            let expired = std::mem::take(&mut *idle);
            drop(idle);
            drop(expired);
            return None;
        }
        drop(idle);
        let mut connection = newest.connection;
        connection.take();
        Some(connection)
    }

    /// Opens a connection. The caller holds a permit.
    pub(super) async fn open(&self) -> Result<Box<Connection>, (SendFailure, String)> {
        self.make_room();
        let upstream = || Arc::clone(&self.name);
        let stream = self.target.connect().await.map_err(|error| {
            let detail = Causes(&error).to_string();
            (error.of(upstream()), detail)
        })?;
        let series = Arc::clone(&self.series);
        Connection::open(stream, series).await.map_err(|error| {
            let upstream = upstream();
            (
                SendFailure::ConnectFailed { upstream },
                Causes(&error).to_string(),
            )
        })
    }

    /// Idle connections count towards the cap: the oldest makes room for a new one.
    fn make_room(&self) {
        let in_use = self.cap.saturating_sub(self.permits.available_permits());
        let mut idle = self.idle();
        if in_use + idle.len() > self.cap && !idle.is_empty() {
            let oldest = idle.remove(0);
            drop(idle);
            drop(oldest);
        }
    }

    /// Closes connections that have been idle for too long.
    pub fn sweep(&self) {
        let now = clock::mono();
        let mut idle = self.idle();
        let fresh =
            idle.partition_point(|one| now.saturating_duration_since(one.since) > self.keep_alive);
        let expired: Vec<Idle> = idle.drain(..fresh).collect();
        drop(idle);
        drop(expired);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request was answered, whatever the status.
    pub(super) fn succeeded(&self) {
        if self.health.failing.load(Ordering::Relaxed)
            && self.health.failing.swap(false, Ordering::Relaxed)
        {
            self.report(Input::RequestSucceeded);
        }
    }

    /// A request failed.
    pub(super) fn failed(&self, failure: Failure, error: &dyn std::fmt::Display) {
        self.series.failed(failure, error);
        if failure.blames_upstream() {
            self.health.failing.store(true, Ordering::Relaxed);
            self.remember(error.to_string());
            self.report(Input::RequestFailed(failure));
        }
    }

    fn report(&self, input: Input) {
        // Full or ended: the machine has more than enough to judge by, or is no more.
        self.health.inputs.try_send(input).ok();
    }

    pub(super) fn remember(&self, detail: String) {
        *self.detail() = detail;
    }

    fn detail(&self) -> MutexGuard<'_, String> {
        let detail = self.health.detail.lock();
        detail.unwrap_or_else(PoisonError::into_inner)
    }

    /// The numbers of its health rules.
    #[must_use]
    pub const fn rules(&self) -> Rules {
        self.check.rules
    }

    /// Where inputs for its health machine go.
    #[must_use]
    pub fn inputs(&self) -> mpsc::Sender<Input> {
        self.health.inputs.clone()
    }

    /// Where they come out; `None` when they were taken before.
    #[must_use]
    pub fn take_inputs(&self) -> Option<mpsc::Receiver<Input>> {
        let mut received = self
            .health
            .received
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        received.take()
    }

    /// Publishes and tells what the health machine announced.
    pub fn announce(&self, change: Change) {
        self.standing.set(change);
        let detail = self.detail().clone();
        self.series.changed(change, &detail);
    }
}

fn tls_of(
    pool: &config::Pool,
    upstream: &config::Upstream,
) -> Result<
    Option<(
        Arc<rustls::ClientConfig>,
        rustls_pki_types::ServerName<'static>,
    )>,
    OutboundError,
> {
    let Some(tls) = &upstream.tls else {
        return Ok(None);
    };
    let name = bare(&tls.server_name).to_owned();
    let name =
        rustls_pki_types::ServerName::try_from(name).map_err(|_| OutboundError::ServerName {
            pool: pool.name.clone(),
            upstream: upstream.name.clone(),
            name: tls.server_name.clone(),
        })?;
    let config = client_config(tls).map_err(|fault| OutboundError::Tls {
        pool: pool.name.clone(),
        upstream: upstream.name.clone(),
        fault: Box::new(fault),
    })?;
    Ok(Some((config, name)))
}

/// `host[:port]` as a `Host` header has it: without the port that the scheme implies.
fn authority(upstream: &config::Upstream) -> String {
    let host = bare(&upstream.host);
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    match (&upstream.tls, upstream.port) {
        (Some(_), 443) | (None, 80) => host,
        (_, port) => format!("{host}:{port}"),
    }
}
