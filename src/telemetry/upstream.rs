//! Metrics and events of the upstream pools.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tracing::debug;
use tracing::info;
use tracing::warn;

use crate::domain::upstream::Failure;
use crate::domain::upstream::health::Change;

/// The metrics of all pools.
#[derive(Debug, Default)]
pub struct UpstreamMetrics {
    up: Family<Labels, Gauge>,
    requests: Family<Labels, Counter>,
    failures: Family<FailureLabels, Counter>,
    retries: Family<Labels, Counter>,
    ejections: Family<Labels, Counter>,
    last_resort: Family<Labels, Counter>,
    connections: Family<ConnectionLabels, Gauge>,
    known: Mutex<BTreeSet<Labels>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct Labels {
    pool: String,
    upstream: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabels {
    pool: String,
    upstream: String,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConnectionLabels {
    pool: String,
    upstream: String,
    state: &'static str,
}

/// Connections with a request on them.
const ACTIVE: &str = "active";
/// Connections that wait for the next request.
const IDLE: &str = "idle";

impl UpstreamMetrics {
    /// Registers the families; the series appear with [`UpstreamMetrics::series`].
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let metrics = Self::default();
        registry.register(
            "upstream_up",
            "Whether an upstream gets requests (1) or its health keeps it out (0)",
            metrics.up.clone(),
        );
        registry.register(
            "upstream_requests",
            "Requests sent to an upstream, repeated ones included",
            metrics.requests.clone(),
        );
        registry.register(
            "upstream_failures",
            "Requests and health checks that an upstream did not answer, by reason",
            metrics.failures.clone(),
        );
        registry.register(
            "upstream_retries",
            "Requests that were sent again after this upstream failed",
            metrics.retries.clone(),
        );
        registry.register(
            "upstream_ejections",
            "Times that failed requests took an upstream out",
            metrics.ejections.clone(),
        );
        registry.register(
            "upstream_last_resort_requests",
            "Requests sent to an unfit upstream because none was fit",
            metrics.last_resort.clone(),
        );
        registry.register(
            "upstream_connections",
            "Connections to an upstream, by state",
            metrics.connections.clone(),
        );
        Arc::new(metrics)
    }

    /// The series of one upstream, made at zero when they are new.
    #[must_use]
    pub fn series(&self, pool: &str, upstream: &str) -> UpstreamSeries {
        let labels = Labels {
            pool: pool.to_owned(),
            upstream: upstream.to_owned(),
        };
        self.known().insert(labels.clone());
        let connections = |state| {
            self.connections.get_or_create_owned(&ConnectionLabels {
                pool: pool.to_owned(),
                upstream: upstream.to_owned(),
                state,
            })
        };
        UpstreamSeries {
            up: self.up.get_or_create_owned(&labels),
            requests: self.requests.get_or_create_owned(&labels),
            failures: Failure::ALL.map(|failure| {
                self.failures
                    .get_or_create_owned(&failure_labels(&labels, failure))
            }),
            retries: self.retries.get_or_create_owned(&labels),
            ejections: self.ejections.get_or_create_owned(&labels),
            last_resort: self.last_resort.get_or_create_owned(&labels),
            active: connections(ACTIVE),
            idle: connections(IDLE),
            labels,
        }
    }

    /// Removes the series of upstreams that a new configuration no longer has.
    pub fn retain(&self, keep: impl Fn(&str, &str) -> bool) {
        self.known().retain(|labels| {
            let kept = keep(&labels.pool, &labels.upstream);
            if !kept {
                self.remove(labels);
            }
            kept
        });
    }

    fn remove(&self, labels: &Labels) {
        self.up.remove(labels);
        self.requests.remove(labels);
        self.retries.remove(labels);
        self.ejections.remove(labels);
        self.last_resort.remove(labels);
        for failure in Failure::ALL {
            self.failures.remove(&failure_labels(labels, failure));
        }
        for state in [ACTIVE, IDLE] {
            self.connections.remove(&ConnectionLabels {
                pool: labels.pool.clone(),
                upstream: labels.upstream.clone(),
                state,
            });
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeSet<Labels>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failure_labels(labels: &Labels, failure: Failure) -> FailureLabels {
    FailureLabels {
        pool: labels.pool.clone(),
        upstream: labels.upstream.clone(),
        reason: failure.as_str(),
    }
}

/// The series of one upstream; moving one costs an atomic addition.
#[derive(Debug)]
pub struct UpstreamSeries {
    labels: Labels,
    up: Gauge,
    requests: Counter,
    failures: [Counter; Failure::ALL.len()],
    retries: Counter,
    ejections: Counter,
    last_resort: Counter,
    active: Gauge,
    idle: Gauge,
}

impl UpstreamSeries {
    /// A request is being sent.
    pub fn request(&self) {
        self.requests.inc();
    }

    /// A request is being sent although no upstream is fit.
    pub fn last_resort(&self) {
        self.last_resort.inc();
    }

    /// A request or check failed. A farm that is down fails at the rate of its clients, so the
    /// line is debug; the change of state that follows is told once.
    pub fn failed(&self, failure: Failure, error: &dyn std::fmt::Display) {
        if let Some(counter) = self.failures.get(failure as usize) {
            counter.inc();
        }
        debug!(
            pool = self.labels.pool,
            upstream = self.labels.upstream,
            reason = failure.as_str(),
            %error,
            "A request to an upstream failed."
        );
    }

    /// The request is sent again.
    pub fn retried(&self) {
        self.retries.inc();
    }

    /// The first state of an upstream: in use until a check says otherwise.
    pub fn presumed_up(&self) {
        self.up.set(1);
    }

    /// The state changed. `detail` is the text of the last failure.
    pub fn changed(&self, change: Change, detail: &str) {
        let Labels { pool, upstream } = &self.labels;
        match change {
            Change::Down(failure) => {
                self.up.set(0);
                let reason = failure.as_str();
                warn!(
                    pool,
                    upstream, reason, detail, "The upstream is down: health checks fail."
                );
            }
            Change::Ejected(failure) => {
                self.up.set(0);
                self.ejections.inc();
                let reason = failure.as_str();
                warn!(
                    pool,
                    upstream, reason, detail, "The upstream is ejected: requests fail."
                );
            }
            Change::Probation => {
                debug!(pool, upstream, "The upstream is on probation.");
            }
            Change::Up => {
                self.up.set(1);
                info!(pool, upstream, "The upstream is up.");
            }
        }
    }

    /// A connection was opened, for a request.
    pub fn connection_opened(&self) {
        self.active.inc();
    }

    /// A connection was closed while, or because, a request was on it.
    pub fn active_connection_closed(&self) {
        self.active.dec();
    }

    /// A connection waits for its next request.
    pub fn connection_rested(&self) {
        self.active.dec();
        self.idle.inc();
    }

    /// A waiting connection got a request.
    pub fn connection_taken(&self) {
        self.idle.dec();
        self.active.inc();
    }

    /// A waiting connection was closed.
    pub fn idle_connection_closed(&self) {
        self.idle.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(registry: &Registry) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
        text
    }

    #[test]
    fn every_series_of_an_upstream_stands_at_zero_from_the_start() {
        let mut registry = Registry::with_prefix("xspd");
        let metrics = UpstreamMetrics::register(&mut registry);
        let series = metrics.series("farm", "xsp1");
        let text = text(&registry);
        for failure in Failure::ALL {
            let line = format!(
                "xspd_upstream_failures_total{{pool=\"farm\",upstream=\"xsp1\",reason=\"{}\"}} 0",
                failure.as_str()
            );
            assert!(text.contains(&line), "{line} is missing in\n{text}");
        }
        assert!(text.contains("xspd_upstream_up{pool=\"farm\",upstream=\"xsp1\"} 0"));
        series.presumed_up();
        series.failed(Failure::Busy, &"full");
        let text = self::text(&registry);
        assert!(text.contains("xspd_upstream_up{pool=\"farm\",upstream=\"xsp1\"} 1"));
        assert!(text.contains("reason=\"busy\"} 1"));
    }

    #[test]
    fn an_upstream_that_left_the_configuration_leaves_no_series() {
        let mut registry = Registry::with_prefix("xspd");
        let metrics = UpstreamMetrics::register(&mut registry);
        drop(metrics.series("farm", "xsp1"));
        drop(metrics.series("farm", "xsp2"));
        metrics.retain(|_, upstream| upstream == "xsp2");
        let text = text(&registry);
        assert!(!text.contains("xsp1"), "{text}");
        assert!(text.contains("xsp2"), "{text}");
    }
}
