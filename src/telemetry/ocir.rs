//! Reports of Application Servers: metrics, and the log lines that go with them.

use std::sync::Arc;
use std::time::SystemTime;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tracing::debug;
use tracing::info;
use tracing::warn;

use crate::domain::certs::date;
use crate::domain::edge::absence::Tidings;
use crate::domain::ocir::Effect;
use crate::domain::ocir::Loss;
use crate::platform::clock;
use crate::telemetry::seldom::Seldom;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServerLabel {
    r#as: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EffectLabel {
    r#as: String,
    effect: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    r#as: String,
    reason: &'static str,
}

/// Metrics of all Application Servers that report.
#[derive(Debug, Default)]
pub struct OcirMetrics {
    connected: Family<ServerLabel, Gauge>,
    heard: Family<ServerLabel, Gauge>,
    reports: Family<EffectLabel, Counter>,
    losses: Family<ReasonLabel, Counter>,
}

/// The series of one Application Server.
#[derive(Debug)]
pub struct OcirSeries {
    server: Arc<str>,
    connected: Gauge,
    heard: Gauge,
    reports: [(Effect, Counter); Effect::ALL.len()],
    losses: [(Loss, Counter); Loss::ALL.len()],
    seldom: Seldoms,
}

/// Lines that a broken peer could repeat without end.
#[derive(Debug, Default)]
struct Seldoms {
    loss: Seldom,
    report: Seldom,
    look: Seldom,
}

impl OcirMetrics {
    /// Adds the families to the registry.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let metrics = Self::default();
        registry.register(
            "ocir_connected",
            "1: the Application Server is connected and has reported or pinged; 0: it is not",
            metrics.connected.clone(),
        );
        registry.register(
            "ocir_last_document_timestamp_seconds",
            "When the Application Server was last heard, Unix time; 0: not since the start",
            metrics.heard.clone(),
        );
        registry.register(
            "ocir_reports",
            "Reports of the Application Server, by what becomes of them",
            metrics.reports.clone(),
        );
        registry.register(
            "ocir_losses",
            "Why connections to the Application Server failed or ended",
            metrics.losses.clone(),
        );
        Arc::new(metrics)
    }

    /// The series of an Application Server, all of them at zero.
    #[must_use]
    pub fn server(&self, name: &str) -> OcirSeries {
        let label = ServerLabel {
            r#as: name.to_owned(),
        };
        let report = |effect: Effect| {
            let label = EffectLabel {
                r#as: name.to_owned(),
                effect: effect.as_str(),
            };
            (effect, self.reports.get_or_create_owned(&label))
        };
        let loss = |loss: Loss| {
            let label = ReasonLabel {
                r#as: name.to_owned(),
                reason: loss.as_str(),
            };
            (loss, self.losses.get_or_create_owned(&label))
        };
        OcirSeries {
            server: name.into(),
            connected: self.connected.get_or_create_owned(&label),
            heard: self.heard.get_or_create_owned(&label),
            reports: Effect::ALL.map(report),
            losses: Loss::ALL.map(loss),
            seldom: Seldoms::default(),
        }
    }
}

impl OcirSeries {
    /// A whole document came.
    pub fn heard(&self, now: SystemTime) {
        self.heard.set(date::to_unix(now));
        if self.connected.set(1) == 0 {
            info!(server = %self.server, "The Application Server reports.");
        }
    }

    /// It is not heard.
    pub fn lost(&self, loss: Loss, detail: &str) {
        self.connected.set(0);
        for (known, counter) in &self.losses {
            if *known == loss {
                counter.inc();
            }
        }
        let (server, reason, remedy) = (&self.server, loss.as_str(), loss.remedy());
        if let Some(unwritten) = self.seldom.loss.pass(reason, clock::mono()) {
            warn!(
                %server, reason, detail, remedy, unwritten,
                "The Application Server's reports are not heard; it is tried again."
            );
        }
    }

    /// A report came, about something in `request`.
    pub fn report(&self, effect: Effect, request: &str) {
        for (known, counter) in &self.reports {
            if *known == effect {
                counter.inc();
            }
        }
        debug!(server = %self.server, effect = effect.as_str(), request, "A report came.");
    }

    /// A report could not be used.
    pub fn unusable(&self, effect: Effect, why: &dyn std::fmt::Display) {
        self.report(effect, "");
        if let Some(unwritten) = self.seldom.report.pass(effect.as_str(), clock::mono()) {
            warn!(
                server = %self.server, effect = effect.as_str(), %why, unwritten,
                "A report of the Application Server cannot be used; reconciliation finds what it \
                 told."
            );
        }
    }

    /// The Application Server could not be asked about a user.
    pub fn not_looked_at(&self, why: &dyn std::fmt::Display, again: bool) {
        if let Some(unwritten) = self.seldom.look.pass("", clock::mono()) {
            warn!(
                server = %self.server, %why, again, unwritten,
                "The Application Server reported a change and cannot be asked about it."
            );
        }
    }

    /// It has been away for long, or is back.
    pub fn absence(&self, tidings: Tidings) {
        let server = &self.server;
        match tidings {
            Tidings::Back { absence } => {
                let seconds = absence.as_secs();
                info!(%server, seconds, "The Application Server reports again.");
            }
            Tidings::Missing { absence, last } => {
                let seconds = absence.as_secs();
                let last = last.map_or_else(|| "never since the start".to_owned(), date::text);
                warn!(
                    %server, seconds, last,
                    "The Application Server has not reported for long: changes in BroadWorks are \
                     not seen. See the losses in this log; reconcile once it is back."
                );
            }
        }
    }
}
