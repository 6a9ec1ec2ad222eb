//! Event channels: metrics, and the log lines that go with them. Ids of channels and users stand
//! in lines at debug level only; labels are words of enums, names from tables or from the
//! configuration.

mod labels;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tracing::debug;
use tracing::info;
use tracing::warn;

use crate::domain::events::ending::StreamEnding;
use crate::domain::events::ending::Unseen;
use crate::domain::events::names;
use crate::domain::events::whereabouts::Hint;
use crate::platform::clock;
use crate::telemetry::events::labels::HintLabel;
use crate::telemetry::events::labels::ReasonLabel;
use crate::telemetry::events::labels::ResultLabel;
use crate::telemetry::events::labels::TypeLabel;
use crate::telemetry::events::labels::UpstreamLabel;
use crate::telemetry::events::labels::upstream_label;
use crate::telemetry::seldom::Seldom;

pub use crate::telemetry::events::labels::EndedStream;

/// Seconds from an event to its acknowledgement: half a second is late, and the AS gives up after
/// 2 to 30 s (field page, section 2.5).
const ACKNOWLEDGED: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 2.0, 10.0, 30.0];

/// Results of heartbeats, by class of the status; `too-fast` is ours.
const BEATS: [&str; 5] = ["2xx", "404", "4xx", "5xx", "too-fast"];

/// Metrics of the relay of event channels.
pub struct EventMetrics {
    open: Family<UpstreamLabel, Gauge>,
    opened: Family<UpstreamLabel, Counter>,
    endings: Family<ReasonLabel, Counter>,
    bytes: Counter,
    heartbeats: Family<ResultLabel, Counter>,
    echoes_missing: Family<UpstreamLabel, Counter>,
    /// In the order of [`names::labels`].
    types: Box<[Counter]>,
    unseen: Family<ReasonLabel, Counter>,
    terminated: Family<ReasonLabel, Counter>,
    acknowledged: Histogram,
    unacknowledged: Counter,
    hints: Family<HintLabel, Counter>,
    redirects: Family<ResultLabel, Counter>,
    known: Mutex<BTreeSet<String>>,
    lines: Lines,
}

#[derive(Default)]
struct Lines {
    echo: Seldom,
    redirect: Seldom,
    terminated: Seldom,
    lost: Seldom,
    slow: Seldom,
}

impl EventMetrics {
    /// Adds the series to the registry, at zero but for those of upstreams.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let types = Family::<TypeLabel, Counter>::default();
        let held = Self {
            open: Family::default(),
            opened: Family::default(),
            endings: Family::default(),
            bytes: Counter::default(),
            heartbeats: Family::default(),
            echoes_missing: Family::default(),
            types: names::labels()
                .map(|label| types.get_or_create_owned(&TypeLabel { r#type: label }))
                .collect(),
            unseen: Family::default(),
            terminated: Family::default(),
            acknowledged: Histogram::new(ACKNOWLEDGED),
            unacknowledged: Counter::default(),
            hints: Family::default(),
            redirects: Family::default(),
            known: Mutex::default(),
            lines: Lines::default(),
        };
        held.register_streams(registry);
        registry.register("events", "Events relayed, by type of their data", types);
        registry.register(
            "event_documents_unseen",
            "Stretches of streams that were relayed but not looked into",
            held.unseen.clone(),
        );
        registry.register(
            "event_acknowledgement_seconds",
            "Time from an event to its acknowledgement",
            held.acknowledged.clone(),
        );
        registry.register(
            "event_unacknowledged",
            "Events that were not acknowledged when their stream ended",
            held.unacknowledged.clone(),
        );
        registry.register(
            "event_routing",
            "Requests about channels and events by what led them to their XSP",
            held.hints.clone(),
        );
        registry.register(
            "event_redirects",
            "Redirections by XSPs of event requests",
            held.redirects.clone(),
        );
        held.zero();
        Arc::new(held)
    }

    fn register_streams(&self, registry: &mut Registry) {
        registry.register(
            "event_streams_open",
            "Streams of event channels open now",
            self.open.clone(),
        );
        registry.register(
            "event_streams_opened",
            "Streams of event channels opened",
            self.opened.clone(),
        );
        registry.register(
            "event_stream_endings",
            "Why streams of event channels ended",
            self.endings.clone(),
        );
        registry.register(
            "event_stream_bytes",
            "Bytes of event streams relayed",
            self.bytes.clone(),
        );
        registry.register(
            "event_heartbeats",
            "Heartbeats of channels",
            self.heartbeats.clone(),
        );
        registry.register(
            "event_echoes_missing",
            "Heartbeats that were accepted but whose echo never passed",
            self.echoes_missing.clone(),
        );
        registry.register(
            "event_channels_terminated",
            "Channels terminated by the server, by its reason",
            self.terminated.clone(),
        );
    }

    fn zero(&self) {
        for ending in StreamEnding::ALL {
            let reason = ending.as_str();
            drop(self.endings.get_or_create(&ReasonLabel { reason }));
        }
        for unseen in Unseen::ALL {
            let reason = unseen.as_str();
            drop(self.unseen.get_or_create(&ReasonLabel { reason }));
        }
        for reason in names::TERMINATIONS.into_iter().chain([names::OTHER]) {
            drop(self.terminated.get_or_create(&ReasonLabel { reason }));
        }
        for hint in Hint::ALL {
            let hint = hint.as_str();
            drop(self.hints.get_or_create(&HintLabel { hint }));
        }
        for result in BEATS {
            drop(self.heartbeats.get_or_create(&ResultLabel { result }));
        }
        for result in ["followed", "passed"] {
            drop(self.redirects.get_or_create(&ResultLabel { result }));
        }
    }

    /// Puts the series of an upstream at zero.
    pub fn upstream_present(&self, upstream: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.insert(upstream.to_owned()) {
            let label = upstream_label(upstream);
            drop(self.open.get_or_create(&label));
            drop(self.opened.get_or_create(&label));
            drop(self.echoes_missing.get_or_create(&label));
        }
    }

    /// Removes the series of upstreams for which `keep` is false, but for those with open streams.
    pub fn retain(&self, keep: impl Fn(&str) -> bool) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|upstream| {
            let label = upstream_label(upstream);
            let kept = keep(upstream) || self.open.get_or_create(&label).get() > 0;
            if !kept {
                self.open.remove(&label);
                self.opened.remove(&label);
                self.echoes_missing.remove(&label);
            }
            kept
        });
    }

    /// A stream has begun.
    pub fn opened(&self, upstream: &str) {
        self.upstream_present(upstream);
        let label = upstream_label(upstream);
        self.open.get_or_create(&label).inc();
        self.opened.get_or_create(&label).inc();
    }

    /// A stream has ended.
    pub fn ended(&self, ended: &EndedStream<'_>) {
        let EndedStream {
            upstream,
            ending,
            age,
            bytes,
            events,
            unacknowledged,
        } = ended;
        let reason = ending.as_str();
        self.open.get_or_create(&upstream_label(upstream)).dec();
        self.endings.get_or_create(&ReasonLabel { reason }).inc();
        self.unacknowledged.inc_by(*unacknowledged);
        debug!(
            upstream,
            reason,
            ?age,
            bytes,
            events,
            unacknowledged,
            "Event stream ended."
        );
        let lines = match ending {
            StreamEnding::ClientGone | StreamEnding::Drained | StreamEnding::UpstreamEnded => {
                return;
            }
            StreamEnding::SlowReader => &self.lines.slow,
            StreamEnding::UpstreamIdle | StreamEnding::UpstreamLost => &self.lines.lost,
        };
        if let Some(unwritten) = lines.pass(upstream, clock::mono()) {
            warn!(
                upstream,
                reason,
                ?age,
                events,
                unwritten,
                "An event stream was cut; its client must open another one."
            );
        }
    }

    /// Bytes of a stream passed.
    pub fn passed(&self, bytes: u64) {
        self.bytes.inc_by(bytes);
    }

    /// An event passed; its place in [`names::labels`].
    pub fn event(&self, place: usize) {
        if let Some(counter) = self.types.get(place) {
            counter.inc();
        }
    }

    /// A stretch of a stream was not looked into.
    pub fn unseen(&self, why: Unseen) {
        let reason = why.as_str();
        self.unseen.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// The server terminated a channel.
    pub fn terminated(&self, upstream: &str, reason: &'static str) {
        self.terminated.get_or_create(&ReasonLabel { reason }).inc();
        debug!(upstream, reason, "The server terminated a channel.");
        // Acknowledgements do not reach their XSP: what this relay is there to prevent.
        if reason == "NonResponsiveChannel"
            && let Some(unwritten) = self.lines.terminated.pass(upstream, clock::mono())
        {
            warn!(
                upstream,
                reason,
                unwritten,
                "The Application Server gave a channel up because its events are not acknowledged."
            );
        }
    }

    /// A heartbeat was answered, or, without a status, came too fast.
    pub fn heartbeat(&self, status: Option<u16>) {
        let result = match status {
            None => "too-fast",
            Some(404) => "404",
            Some(200..300) => "2xx",
            Some(500..) => "5xx",
            Some(_) => "4xx",
        };
        self.heartbeats.get_or_create(&ResultLabel { result }).inc();
    }

    /// A heartbeat was accepted and its echo never passed.
    pub fn echo_missing(&self, upstream: &str) {
        self.echoes_missing
            .get_or_create(&upstream_label(upstream))
            .inc();
        if let Some(unwritten) = self.lines.echo.pass(upstream, clock::mono()) {
            warn!(
                upstream,
                reason = "no-echo",
                unwritten,
                "Heartbeats are accepted but their echoes do not come: something between xspd and \
                 this XSP holds bytes back, or the heartbeats reach another XSP than the stream."
            );
        }
    }

    /// An event was acknowledged.
    pub fn acknowledged(&self, took: Duration) {
        self.acknowledged.observe(took.as_secs_f64());
    }

    /// A request found its XSP.
    pub fn routed(&self, hint: Hint) {
        let hint = hint.as_str();
        self.hints.get_or_create(&HintLabel { hint }).inc();
    }

    /// An XSP's redirection was followed.
    pub fn redirect_followed(&self) {
        let result = "followed";
        self.redirects.get_or_create(&ResultLabel { result }).inc();
    }

    /// An XSP's redirection was passed on; `upstream` sent it.
    pub fn redirect_passed(&self, upstream: &str) {
        let result = "passed";
        self.redirects.get_or_create(&ResultLabel { result }).inc();
        if let Some(unwritten) = self.lines.redirect.pass(upstream, clock::mono()) {
            warn!(
                upstream,
                unwritten,
                "An XSP redirects event requests to a host that no pool has; if it is an XSP, add \
                 it to the pool or to the `aliases` of its upstream."
            );
        }
    }

    /// A package or type was met that is not known.
    pub fn unknown(&self, kind: &'static str, name: &str) {
        info!(
            kind,
            name, "An event name that is not known has passed; it is told once."
        );
    }
}
