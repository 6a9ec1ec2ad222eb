//! CTI sessions: metrics, and the log lines that go with them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tracing::info;
use tracing::warn;

use crate::domain::certs::date;
use crate::domain::edge::absence::Tidings;
use crate::domain::edge::session::BridgeFault;
use crate::domain::edge::session::SessionEnd;
use crate::platform::clock;
use crate::telemetry::edge::ListenerLabel;
use crate::telemetry::edge::ReasonLabel;
use crate::telemetry::seldom::Seldom;

/// Labels: one listener and a direction.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DirectionLabel {
    /// Name from the configuration.
    pub listener: String,
    /// `from-client` or `from-upstream`.
    pub direction: &'static str,
}

/// Metrics of all CTI listeners.
#[derive(Default)]
pub struct CtiMetrics {
    open: Family<ListenerLabel, Gauge>,
    opened: Family<ListenerLabel, Counter>,
    ended: Family<ReasonLabel, Counter>,
    faults: Family<ReasonLabel, Counter>,
    bytes: Family<DirectionLabel, Counter>,
    last: Family<ListenerLabel, Gauge>,
    present: Family<ListenerLabel, Gauge>,
}

/// The series of one CTI listener, looked up once.
pub struct CtiSeries {
    listener: Arc<str>,
    open: Gauge,
    opened: Counter,
    ended: BTreeMap<SessionEnd, Counter>,
    faults: BTreeMap<BridgeFault, (Counter, Seldom)>,
    /// Bytes that clients sent.
    pub from_client: Counter,
    /// Bytes that XSPs sent.
    pub from_upstream: Counter,
    last: Gauge,
    present: Gauge,
}

/// A session as its log lines tell of it.
pub struct SessionFacts<'a> {
    /// The client's address.
    pub peer: SocketAddr,
    /// Name in its certificate.
    pub identity: &'a str,
    /// The XSP.
    pub upstream: &'a str,
}

impl CtiMetrics {
    /// Adds the series to the registry.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let held = Self::default();
        registry.register(
            "cti_sessions_open",
            "CTI sessions open now",
            held.open.clone(),
        );
        registry.register(
            "cti_sessions",
            "CTI sessions opened, from a client through to an XSP",
            held.opened.clone(),
        );
        registry.register(
            "cti_session_endings",
            "Why CTI sessions ended",
            held.ended.clone(),
        );
        registry.register(
            "cti_upstream_failures",
            "Attempts to open a session to an XSP that failed",
            held.faults.clone(),
        );
        registry.register(
            "cti_bytes",
            "Bytes bridged, without TLS",
            held.bytes.clone(),
        );
        registry.register(
            "cti_last_session_timestamp_seconds",
            "When a CTI session was last open, Unix time; 0: not since the start",
            held.last.clone(),
        );
        registry.register(
            "cti_session_present",
            "1: a CTI session is open, for two seconds at least; 0: none is",
            held.present.clone(),
        );
        Arc::new(held)
    }

    /// The series of a listener, all of them at zero.
    #[must_use]
    pub fn listener(&self, name: &Arc<str>) -> CtiSeries {
        let label = ListenerLabel {
            listener: name.to_string(),
        };
        let reason = |reason| ReasonLabel {
            listener: name.to_string(),
            reason,
        };
        let bytes = |direction| {
            self.bytes.get_or_create_owned(&DirectionLabel {
                listener: name.to_string(),
                direction,
            })
        };
        let ended = |end: SessionEnd| {
            let counter = self.ended.get_or_create_owned(&reason(end.as_str()));
            (end, counter)
        };
        let fault = |fault: BridgeFault| {
            let counter = self.faults.get_or_create_owned(&reason(fault.as_str()));
            (fault, (counter, Seldom::default()))
        };
        CtiSeries {
            listener: Arc::clone(name),
            open: self.open.get_or_create_owned(&label),
            opened: self.opened.get_or_create_owned(&label),
            ended: SessionEnd::ALL.map(ended).into(),
            faults: BridgeFault::ALL.map(fault).into(),
            from_client: bytes("from-client"),
            from_upstream: bytes("from-upstream"),
            last: self.last.get_or_create_owned(&label),
            present: self.present.get_or_create_owned(&label),
        }
    }
}

impl CtiSeries {
    /// How many sessions are open at this moment, and how many of them have settled; to be told at
    /// each change, and before the metrics are read.
    pub fn open_now(&self, count: usize, settled: usize, now: SystemTime) {
        self.open.set(i64::try_from(count).unwrap_or(i64::MAX));
        let before = self.present.set(i64::from(settled > 0));
        if settled > 0 || before > 0 {
            self.last.set(date::to_unix(now));
        }
    }

    /// A session goes through to an XSP.
    pub fn opened(&self, session: &SessionFacts<'_>) {
        self.opened.inc();
        let SessionFacts {
            peer,
            identity,
            upstream,
        } = session;
        info!(listener = %self.listener, %peer, identity, upstream, "CTI session opened.");
    }

    /// A session ended.
    pub fn ended(
        &self,
        session: &SessionFacts<'_>,
        end: SessionEnd,
        lasted: Duration,
        bytes: [u64; 2],
        detail: &str,
    ) {
        if let Some(counter) = self.ended.get(&end) {
            counter.inc();
        }
        let SessionFacts {
            peer,
            identity,
            upstream,
        } = session;
        let (listener, reason, seconds) = (&self.listener, end.as_str(), lasted.as_secs());
        let [from_client, from_upstream] = bytes;
        if end == SessionEnd::UpstreamRefused {
            self.failed(upstream, BridgeFault::CertificateRefused, detail);
        }
        info!(
            %listener, %peer, identity, upstream, reason, seconds, from_client, from_upstream,
            detail, "CTI session ended."
        );
    }

    /// An XSP did not take a session.
    pub fn failed(&self, upstream: &str, fault: BridgeFault, detail: &str) {
        let Some((counter, seldom)) = self.faults.get(&fault) else {
            return;
        };
        counter.inc();
        if let Some(unwritten) = seldom.pass(upstream, clock::mono()) {
            let (listener, reason, remedy) = (&self.listener, fault.as_str(), fault.remedy());
            warn!(
                %listener, upstream, reason, detail, remedy, unwritten,
                "An XSP did not take a CTI session."
            );
        }
    }

    /// Webex has been away for long, or is back.
    pub fn absence(&self, tidings: Tidings) {
        let listener = &self.listener;
        match tidings {
            Tidings::Back { absence } => {
                let seconds = absence.as_secs();
                info!(%listener, seconds, "A CTI session is open again.");
            }
            Tidings::Missing { absence, last } => {
                let seconds = absence.as_secs();
                let last = last.map_or_else(|| "never since the start".to_owned(), date::text);
                warn!(
                    %listener, seconds, last,
                    "No Webex CTI session: presence and call history stand still. Look for refused \
                     clients and XSPs in this log, and whether Webex reaches this port."
                );
            }
        }
    }
}
