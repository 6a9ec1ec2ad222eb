//! Connections and handshakes: metrics, and the log lines that go with them.
//!
//! What a stranger can trigger is logged at debug each time, and seldom at a level that operators
//! see; the counters tell the rest.

mod labels;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tracing::debug;
use tracing::info;
use tracing::warn;

use crate::domain::alarms::refusals::Counted;
use crate::domain::auth::handshake::HandshakeReason;
use crate::domain::auth::identity::Caller;
use crate::domain::edge::ending::Ending;
use crate::platform::clock;
use crate::telemetry::concerns::Concerns;
use crate::telemetry::concerns::of_ending;
use crate::telemetry::concerns::of_failure;
use crate::telemetry::seldom::Seldom;

pub use labels::GenerationLabel;
pub use labels::ListenerLabel;
pub use labels::ReasonLabel;
pub use labels::VersionLabel;

/// Metrics of the edge.
#[derive(Default)]
pub struct EdgeMetrics {
    open: Family<ListenerLabel, Gauge>,
    accepted: Family<ListenerLabel, Counter>,
    handshakes: Family<VersionLabel, Counter>,
    failures: Family<ReasonLabel, Counter>,
    endings: Family<ReasonLabel, Counter>,
    unlisted: Family<ListenerLabel, Counter>,
    self_signed: Family<ListenerLabel, Gauge>,
    generation_used: Family<GenerationLabel, Counter>,
    generation_last_used: Family<GenerationLabel, Gauge>,
    panicked: Counter,
    reloads: Counter,
    reloads_rejected: Counter,
    material_rejected: Counter,
}

/// The counters of one listener, looked up once.
#[derive(Clone)]
pub struct ListenerMetrics {
    /// Name from the configuration.
    pub listener: Arc<str>,
    /// Connections open now.
    pub open: Gauge,
    /// Connections admitted.
    pub accepted: Counter,
    edge: Arc<EdgeMetrics>,
    tls12: Counter,
    tls13: Counter,
    seldom: Arc<Lines>,
}

/// Lines of one listener that are written seldom.
struct Lines {
    failures: BTreeMap<HandshakeReason, Seldom>,
    endings: BTreeMap<Ending, Seldom>,
    unlisted: Seldom,
}

/// A handshake that came to nothing.
pub struct FailedHandshake<'a> {
    /// The other end.
    pub peer: SocketAddr,
    /// Why.
    pub reason: HandshakeReason,
    /// Subject of the client certificate, when one was read.
    pub subject: Option<&'a str>,
    /// Its issuer.
    pub issuer: Option<&'a str>,
    /// What the library said.
    pub detail: &'a dyn std::fmt::Display,
}

impl EdgeMetrics {
    /// Adds the series to the registry.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let held = Self::default();
        registry.register(
            "connections_open",
            "Connections open now",
            held.open.clone(),
        );
        registry.register("connections", "Connections admitted", held.accepted.clone());
        registry.register(
            "handshakes",
            "TLS handshakes completed",
            held.handshakes.clone(),
        );
        registry.register(
            "handshake_failures",
            "Connections that never got as far as a request",
            held.failures.clone(),
        );
        registry.register(
            "connection_endings",
            "Why we ended connections",
            held.endings.clone(),
        );
        registry.register(
            "client_identity_unlisted",
            "Verified client certificates whose identity is not on the listener's list",
            held.unlisted.clone(),
        );
        registry.register(
            "certificate_self_signed",
            "Hosts of the listener that still present a generated self-signed certificate",
            held.self_signed.clone(),
        );
        registry.register(
            "trust_generation_used",
            "Client handshakes by the trust file that let them in",
            held.generation_used.clone(),
        );
        registry.register(
            "trust_generation_last_used_timestamp_seconds",
            "When a trust file last let a client in, Unix time; 0: not since the start",
            held.generation_last_used.clone(),
        );
        registry.register(
            "connections_panicked",
            "Connections that were dropped because of a bug",
            held.panicked.clone(),
        );
        registry.register("reloads", "Reloads that took effect", held.reloads.clone());
        registry.register(
            "reloads_rejected",
            "Reloads that were rejected; the old configuration stayed",
            held.reloads_rejected.clone(),
        );
        registry.register(
            "material_rejected",
            "Certificate, key or trust files that were rejected; the old ones stayed",
            held.material_rejected.clone(),
        );
        Arc::new(held)
    }

    /// The counters of a listener, every series at zero.
    #[must_use]
    pub fn listener(self: &Arc<Self>, name: &Arc<str>) -> ListenerMetrics {
        let label = ListenerLabel {
            listener: name.to_string(),
        };
        for reason in HandshakeReason::ALL {
            drop(
                self.failures
                    .get_or_create(&reason_label(name, reason.as_str())),
            );
        }
        for ending in Ending::ALL {
            drop(
                self.endings
                    .get_or_create(&reason_label(name, ending.as_str())),
            );
        }
        drop(self.unlisted.get_or_create(&label));
        drop(self.self_signed.get_or_create(&label));
        let version = |version| {
            let label = VersionLabel {
                listener: name.to_string(),
                version,
            };
            self.handshakes.get_or_create_owned(&label)
        };
        ListenerMetrics {
            listener: Arc::clone(name),
            open: self.open.get_or_create_owned(&label),
            accepted: self.accepted.get_or_create_owned(&label),
            edge: Arc::clone(self),
            tls12: version("TLSv1_2"),
            tls13: version("TLSv1_3"),
            seldom: Arc::new(Lines {
                failures: HandshakeReason::ALL
                    .map(|reason| (reason, Seldom::default()))
                    .into(),
                endings: Ending::ALL.map(|ending| (ending, Seldom::default())).into(),
                unlisted: Seldom::default(),
            }),
        }
    }

    /// Puts a generation's series at zero.
    pub fn generation_present(&self, trust: &str, generation: &str) {
        let label = generation_label(trust, generation);
        drop(self.generation_used.get_or_create(&label));
        drop(self.generation_last_used.get_or_create(&label));
    }

    /// A generation let a client in before the start, at `unix_seconds`; 0 when it is not known to.
    pub fn generation_was_used(&self, trust: &str, generation: &str, unix_seconds: i64) {
        let label = generation_label(trust, generation);
        let gauge = self.generation_last_used.get_or_create_owned(&label);
        if gauge.get() < unix_seconds {
            gauge.set(unix_seconds);
        }
    }

    /// When a generation last let a client in, as far as is known.
    #[must_use]
    pub fn generation_last_used(&self, trust: &str, generation: &str) -> Option<i64> {
        let label = generation_label(trust, generation);
        let at = self.generation_last_used.get(&label)?.get();
        (at > 0).then_some(at)
    }

    /// A generation let a client in at `unix_seconds`.
    pub fn generation_used(&self, trust: &str, generation: &str, unix_seconds: i64) {
        let label = generation_label(trust, generation);
        self.generation_used.get_or_create(&label).inc();
        self.generation_last_used
            .get_or_create(&label)
            .set(unix_seconds);
    }

    /// Handshakes of a listener since the start: how many were done, and how many came to nothing.
    #[must_use]
    pub fn handshakes_of(&self, listener: &Arc<str>) -> Counted {
        let done = |version| {
            let label = VersionLabel {
                listener: listener.to_string(),
                version,
            };
            self.handshakes
                .get(&label)
                .map_or(0, |counter| counter.get())
        };
        let refused = |reason: HandshakeReason| {
            let label = reason_label(listener, reason.as_str());
            let total = self.failures.get(&label);
            (reason, total.map_or(0, |counter| counter.get()))
        };
        Counted {
            listener: Arc::clone(listener),
            let_in: done("TLSv1_2") + done("TLSv1_3"),
            refused: HandshakeReason::ALL.map(refused).to_vec(),
        }
    }

    /// How many hosts of a listener present a generated certificate.
    pub fn self_signed(&self, listener: &str, hosts: i64) {
        let label = ListenerLabel {
            listener: listener.to_owned(),
        };
        self.self_signed.get_or_create(&label).set(hosts);
    }

    /// How many connections have panicked since the start, as the task registry counts them.
    pub fn connections_panicked(&self, total: u64) {
        self.panicked
            .inner()
            .store(total, std::sync::atomic::Ordering::Relaxed);
    }

    /// What the configuration in force says that most would not want.
    pub fn configuration_warnings<W: std::fmt::Display>(&self, warnings: &[W]) {
        for warning in warnings {
            warn!(%warning, "The configuration holds, but look at this.");
        }
    }

    /// A reload took effect.
    pub fn reloaded(&self, what: &str) {
        self.reloads.inc();
        info!(what, "Reload done.");
    }

    /// A reload was rejected for `problems`.
    pub fn reload_rejected<P: std::fmt::Display>(&self, problems: &[P]) {
        self.reloads_rejected.inc();
        for problem in problems {
            warn!(%problem, "Reload rejected; the old configuration stays.");
        }
    }

    /// A file was rejected; what was proven before stays.
    pub fn material_rejected(&self, problem: &dyn std::fmt::Display) {
        self.material_rejected.inc();
        warn!(%problem, "File rejected; what was loaded before stays in use.");
    }
}

impl ListenerMetrics {
    /// A handshake is done.
    pub fn handshake_done(&self, version: &'static str) {
        if version == "TLSv1_3" {
            self.tls13.inc()
        } else {
            self.tls12.inc()
        };
    }

    /// A handshake came to nothing.
    pub fn handshake_failed(&self, failed: &FailedHandshake<'_>) {
        let reason = failed.reason.as_str();
        self.edge
            .failures
            .get_or_create(&reason_label(&self.listener, reason))
            .inc();
        let (listener, peer, detail) = (&self.listener, failed.peer, failed.detail);
        let (subject, issuer) = (failed.subject.map(clip), failed.issuer.map(clip));
        debug!(%listener, %peer, reason, subject, issuer, %detail, "Handshake failed.");
        let address = peer.ip().to_string();
        let lines = self.seldom.failures.get(&failed.reason);
        let unwritten =
            lines.and_then(|lines| lines.pass(subject.unwrap_or(&address), clock::mono()));
        let Some(unwritten) = unwritten else {
            return;
        };
        match of_failure(failed.reason) {
            Concerns::Nobody => {}
            Concerns::TheCurious => info!(
                %listener, %peer, reason, subject, issuer, %detail, unwritten, "Client refused."
            ),
            Concerns::TheOperator => warn!(
                %listener, %peer, reason, subject, issuer, %detail, unwritten, "Client refused."
            ),
        }
    }

    /// We ended a connection.
    pub fn ended(&self, peer: SocketAddr, ending: Ending) {
        let (listener, reason) = (&self.listener, ending.as_str());
        self.edge
            .endings
            .get_or_create(&reason_label(listener, reason))
            .inc();
        debug!(%listener, %peer, reason, "Connection ended.");
        let lines = self.seldom.endings.get(&ending);
        let address = peer.ip().to_string();
        let Some(unwritten) = lines.and_then(|lines| lines.pass(&address, clock::mono())) else {
            return;
        };
        match of_ending(ending) {
            Concerns::Nobody => {}
            Concerns::TheCurious => info!(%listener, %peer, reason, unwritten, "Client cut off."),
            Concerns::TheOperator => warn!(%listener, %peer, reason, unwritten, "Client cut off."),
        }
    }

    /// A client certificate let its owner in.
    pub fn admitted(
        &self,
        peer: SocketAddr,
        caller: &Caller,
        trust: &str,
        generation: &str,
        at: i64,
    ) {
        self.edge.generation_used(trust, generation, at);
        if !caller.listed {
            let label = ListenerLabel {
                listener: self.listener.to_string(),
            };
            self.edge.unlisted.get_or_create(&label).inc();
            let pass = self.seldom.unlisted.pass(&caller.identity, clock::mono());
            if let Some(unwritten) = pass {
                info!(
                    listener = %self.listener, %peer, identity = clip(&caller.identity),
                    serial = caller.serial, fingerprint = %caller.fingerprint, unwritten,
                    "Client identity is verified but not listed; pin it with allowed-identities."
                );
            }
        }
    }
}

/// Longest text of a peer in a line, in bytes; longer names are no names.
const LONGEST: usize = 256;

fn clip(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST))
        .unwrap_or(text)
}

fn reason_label(listener: &str, reason: &'static str) -> ReasonLabel {
    ReasonLabel {
        listener: listener.to_owned(),
        reason,
    }
}

fn generation_label(trust: &str, generation: &str) -> GenerationLabel {
    GenerationLabel {
        trust: trust.to_owned(),
        generation: generation.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handshakes_are_counted_by_their_outcome_and_an_unknown_listener_has_none() {
        let edge = EdgeMetrics::register(&mut Registry::default());
        let (name, other) = (Arc::from("edge"), Arc::from("other"));
        let listener = edge.listener(&name);
        listener.handshake_done("TLSv1_3");
        listener.handshake_done("TLSv1_2");
        let stranger = HandshakeReason::CertificateUnknownIssuer;
        listener.handshake_failed(&FailedHandshake {
            peer: SocketAddr::from(([127, 0, 0, 1], 1)),
            reason: stranger,
            subject: None,
            issuer: None,
            detail: &"no issuer",
        });
        let counted = edge.handshakes_of(&name);
        assert_eq!(counted.let_in, 2);
        for (reason, total) in counted.refused {
            assert_eq!(total, u64::from(reason == stranger), "{reason:?}");
        }
        assert_eq!(edge.handshakes_of(&other).let_in, 0);
    }
}
