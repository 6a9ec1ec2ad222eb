//! Alarms: metrics, and a log line for each notice.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tracing::debug;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::domain::alarms::CaseLevel;
use crate::domain::alarms::Entry;
use crate::domain::alarms::NoticeKind;
use crate::domain::alarms::Severity;

/// Target of the log of notices, for filters.
pub const NOTICES: &str = "alarms";

/// What can become of a notice with a sink: the words of `result`.
pub const RESULTS: [&str; 4] = ["delivered", "discarded", "refused", "retried"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SeverityLabel {
    severity: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    sink: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SinkLabel {
    sink: String,
}

/// Metrics of alarms.
#[derive(Default)]
pub struct AlarmMetrics {
    alarms: Family<SeverityLabel, Gauge>,
    notices: Family<ResultLabels, Counter>,
    up: Family<SinkLabel, Gauge>,
    waiting: Family<SinkLabel, Gauge>,
    kept: Gauge,
    discarded: Counter,
}

impl AlarmMetrics {
    /// Registers the metrics, every series at zero.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let metrics = Self::default();
        metrics.counted(std::iter::empty());
        registry.register(
            "alarms",
            "Alarms that are on, by severity",
            metrics.alarms.clone(),
        );
        registry.register(
            "alarm_notices",
            "Notices of alarms, by what became of them with each sink",
            metrics.notices.clone(),
        );
        registry.register(
            "alarm_sink_up",
            "1: the sink took the last notice, or was not needed yet; 0: it did not",
            metrics.up.clone(),
        );
        registry.register(
            "alarm_outbox",
            "Notices that wait for a sink",
            metrics.waiting.clone(),
        );
        registry.register(
            "alarms_kept",
            "1: alarms and notices are kept on disk; 0: only in memory, a restart loses them",
            metrics.kept.clone(),
        );
        registry.register(
            "alarms_discarded",
            "Looks at alarms that found no place any more",
            metrics.discarded.clone(),
        );
        Arc::new(metrics)
    }

    /// How many alarms are on.
    pub fn counted(&self, severities: impl Iterator<Item = Severity>) {
        let mut counts = [0_i64; Severity::ALL.len()];
        for severity in severities {
            if let Some(count) = counts.get_mut(usize::from(severity.number())) {
                *count += 1;
            }
        }
        for (severity, count) in Severity::ALL.into_iter().zip(counts) {
            let severity = severity.word();
            self.alarms
                .get_or_create(&SeverityLabel { severity })
                .set(count);
        }
    }

    /// So many looks were discarded since the start.
    pub fn discarded(&self, total: u64) {
        let counted = self.discarded.get();
        self.discarded.inc_by(total.saturating_sub(counted));
    }

    /// Something happened to an alarm, and no sink of the kind `journal` says so.
    pub fn told(&self, entry: &Entry, case: CaseLevel) {
        let notice = &entry.notice;
        let alarm = notice.key.name.word();
        let object = notice.key.object.as_str();
        let severity = notice.severity.word();
        let kind = notice.kind.word();
        let (identifier, count) = (notice.identifier, notice.count);
        let (silenced, by) = (entry.silenced, entry.by.as_deref());
        let (step, action) = (notice.step.as_str(), notice.action.as_str());
        let text = notice.text.as_str();
        macro_rules! told {
            ($level:ident) => {
                $level!(
                    target: NOTICES,
                    alarm, object, severity, kind, identifier, count, step, %case, silenced, by,
                    action, "{text}"
                )
            };
        }
        match (notice.kind, notice.severity) {
            (NoticeKind::Cleared | NoticeKind::Acknowledged | NoticeKind::Test, _)
            | (_, Severity::Informational) => told!(info),
            (_, Severity::Low | Severity::Medium) => told!(warn),
            (_, Severity::High | Severity::Critical) => told!(error),
        }
    }

    /// The series of a sink, at zero; it has done nothing wrong yet.
    pub fn sink(&self, sink: &str) {
        for result in RESULTS {
            let sink = sink.to_owned();
            drop(self.notices.get_or_create(&ResultLabels { sink, result }));
        }
        let label = SinkLabel {
            sink: sink.to_owned(),
        };
        self.up.get_or_create(&label).set(1);
        self.waiting.get_or_create(&label).set(0);
    }

    /// A sink is gone.
    pub fn forget_sink(&self, sink: &str) {
        for result in RESULTS {
            let sink = sink.to_owned();
            self.notices.remove(&ResultLabels { sink, result });
        }
        let label = SinkLabel {
            sink: sink.to_owned(),
        };
        self.up.remove(&label);
        self.waiting.remove(&label);
    }

    /// So many notices wait for a sink.
    pub fn waiting(&self, sink: &str, count: usize) {
        let sink = sink.to_owned();
        self.waiting
            .get_or_create(&SinkLabel { sink })
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// A sink took a notice.
    pub fn delivered(&self, sink: &str, identifier: u64) {
        self.result(sink, "delivered");
        self.stands(sink, true);
        debug!(sink, identifier, "A sink took a notice.");
    }

    /// A sink did not take what it was told once more, so that it does not fade there.
    pub fn not_told_again(&self, sink: &str, reason: &str, detail: &str) {
        self.result(sink, "retried");
        warn!(
            sink,
            reason, detail, "A sink did not take what it was told again; it is tried in an hour."
        );
    }

    /// A sink did not take a notice; it is told again.
    pub fn retried(
        &self,
        sink: &str,
        identifier: u64,
        reason: &str,
        detail: &str,
        after: Duration,
    ) {
        self.result(sink, "retried");
        let was_up = self.stands(sink, false);
        let seconds = after.as_secs_f64().ceil();
        if was_up {
            warn!(
                sink,
                identifier,
                reason,
                detail,
                seconds,
                "A sink did not take a notice; it waits and is told again."
            );
        } else {
            debug!(
                sink,
                identifier, reason, detail, seconds, "A sink did not take a notice."
            );
        }
    }

    /// A sink will not take a notice, however often it is told.
    pub fn refused(&self, sink: &str, identifier: u64, reason: &str, detail: &str) {
        self.result(sink, "refused");
        self.stands(sink, false);
        warn!(
            sink,
            identifier, reason, detail, "A sink refused a notice; it is not told this one again."
        );
    }

    /// A notice found no place in the queue of a sink.
    pub fn notice_discarded(&self, sink: &str, identifier: u64) {
        self.result(sink, "discarded");
        debug!(
            sink,
            identifier, "Too many notices wait for a sink; one was discarded."
        );
    }

    /// Whether what happens is kept on disk, and at the start why not.
    pub fn kept(&self, on_disk: bool) {
        self.kept.set(i64::from(on_disk));
    }

    /// There is no store on disk; the reason tells what to do about it.
    pub fn in_memory(&self, why: &dyn std::fmt::Display) {
        self.kept(false);
        warn!(
            %why,
            "Alarms are kept in memory only: a restart loses them, their silences and history."
        );
    }

    /// What was kept has been read.
    pub fn loaded(&self, alarms: usize, waiting: usize, unreadable: u64) {
        self.kept(true);
        if unreadable > 0 {
            error!(
                unreadable,
                "Some records of alarms cannot be read, and are left alone."
            );
        }
        if alarms > 0 || waiting > 0 {
            info!(
                alarms,
                waiting, "Alarms from before the start are on again."
            );
        }
    }

    /// What was kept cannot be read.
    pub fn load_failed(&self, error: &dyn std::fmt::Display) {
        error!(
            %error,
            "The alarms from before the start cannot be read; watchers will raise them anew."
        );
    }

    /// An alarm could not be kept; it is told all the same.
    pub fn keeping_failed(&self, error: &dyn std::fmt::Display) {
        self.kept(false);
        error!(
            %error,
            "Alarms cannot be kept on disk: they are told all the same and kept in memory; it is \
             tried again."
        );
    }

    /// All is kept again.
    pub fn keeping_well(&self) {
        self.kept(true);
        info!("Alarms are kept on disk again.");
    }

    /// Old history could not be forgotten.
    pub fn prune_failed(&self, error: &dyn std::fmt::Display) {
        warn!(%error, "Old alarms could not be forgotten; it is tried again.");
    }

    /// What is waiting for a sink that is no longer configured.
    pub fn sink_gone(&self, sink: &str, waiting: usize) {
        self.forget_sink(sink);
        if waiting > 0 {
            warn!(
                sink,
                waiting, "A sink is gone from the configuration, and what waited for it."
            );
        }
    }

    fn result(&self, sink: &str, result: &'static str) {
        let sink = sink.to_owned();
        self.notices
            .get_or_create(&ResultLabels { sink, result })
            .inc();
    }

    /// Returns how it stood before.
    fn stands(&self, sink: &str, up: bool) -> bool {
        let sink = sink.to_owned();
        self.up
            .get_or_create(&SinkLabel { sink })
            .set(i64::from(up))
            == 1
    }
}
