//! Metrics and events of the busy lamp API and of its webhook.

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tracing::info;
use tracing::warn;

use crate::domain::blf::outbox::Loss;
use crate::platform::clock;
use crate::telemetry::seldom::Seldom;

/// What the XSP said of a credential.
pub const PROOFS: [&str; 5] = [
    "forbidden",
    "good",
    "refused",
    "unavailable",
    "unknown-user",
];

/// How an attempt to deliver a notification to the webhook's receiver ended.
pub const POSTS: [&str; 9] = [
    "broken",
    "connect-failed",
    "delivered",
    "proxy-refused",
    "refused",
    "response-too-large",
    "server-error",
    "timeout",
    "tls-failed",
];

/// Why a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamEnd {
    /// The client left, or was cut because it took nothing.
    ClientLeft,
    /// The daemon drains.
    Draining,
    /// Its right ended.
    RightEnded,
    /// Lines are not tracked any more.
    TrackerGone,
}

impl StreamEnd {
    /// Every reason.
    pub const ALL: [Self; 4] = [
        Self::ClientLeft,
        Self::Draining,
        Self::RightEnded,
        Self::TrackerGone,
    ];

    /// The word for the metric and for the last event of a stream.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientLeft => "client-left",
            Self::Draining => "draining",
            Self::RightEnded => "right-ended",
            Self::TrackerGone => "tracker-gone",
        }
    }
}

/// The word of a notification that the webhook's receiver does not get.
#[must_use]
pub const fn loss_word(loss: Loss) -> &'static str {
    match loss {
        Loss::Dropped => "dropped",
        Loss::GivenUp => "given-up",
        Loss::Superseded => "superseded",
    }
}

/// Every loss.
pub const LOSSES: [Loss; 3] = [Loss::Dropped, Loss::GivenUp, Loss::Superseded];

/// The metrics.
#[derive(Debug, Default)]
pub struct BlfApiMetrics {
    streams: Gauge,
    endings: Family<ReasonLabels, Counter>,
    deliveries: Counter,
    proofs: Family<OutcomeLabels, Counter>,
    posts: Family<OutcomeLabels, Counter>,
    losses: Family<ReasonLabels, Counter>,
    waiting: Gauge,
    seldom: Seldom,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

impl BlfApiMetrics {
    /// Registers the families with every series at zero.
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let metrics = Self::default();
        registry.register(
            "blf_streams",
            "Open busy lamp streams, long polls included",
            metrics.streams.clone(),
        );
        registry.register(
            "blf_stream_endings",
            "Busy lamp streams that ended, by reason",
            metrics.endings.clone(),
        );
        registry.register(
            "blf_deliveries",
            "Notifications handed to a busy lamp stream",
            metrics.deliveries.clone(),
        );
        registry.register(
            "blf_proofs",
            "Questions to the XSP whose credential it is, by outcome",
            metrics.proofs.clone(),
        );
        registry.register(
            "blf_webhook_posts",
            "Attempts to deliver a notification to the webhook's receiver, by outcome",
            metrics.posts.clone(),
        );
        registry.register(
            "blf_webhook_losses",
            "Notifications that the webhook's receiver does not get, by reason",
            metrics.losses.clone(),
        );
        registry.register(
            "blf_webhook_waiting",
            "Notifications that wait for the webhook's receiver",
            metrics.waiting.clone(),
        );
        for reason in StreamEnd::ALL.map(StreamEnd::as_str) {
            drop(metrics.endings.get_or_create(&ReasonLabels { reason }));
        }
        for outcome in PROOFS {
            drop(metrics.proofs.get_or_create(&OutcomeLabels { outcome }));
        }
        for outcome in POSTS {
            drop(metrics.posts.get_or_create(&OutcomeLabels { outcome }));
        }
        for reason in LOSSES.map(loss_word) {
            drop(metrics.losses.get_or_create(&ReasonLabels { reason }));
        }
        Arc::new(metrics)
    }

    /// A stream began.
    pub fn stream_began(&self) {
        self.streams.inc();
    }

    /// A stream ended.
    pub fn stream_ended(&self, end: StreamEnd) {
        self.streams.dec();
        let reason = end.as_str();
        self.endings.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// A notification was handed to a stream.
    pub fn delivered(&self) {
        self.deliveries.inc();
    }

    /// The XSP said whose a credential is, or could not.
    pub fn proven(&self, outcome: &'static str) {
        self.proofs.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    /// A POST to the webhook's receiver ended. One line in a while: while a receiver is away every
    /// attempt fails.
    pub fn posted(&self, outcome: &'static str, good: bool, detail: &dyn std::fmt::Display) {
        self.posts.get_or_create(&OutcomeLabels { outcome }).inc();
        if good {
            return;
        }
        if let Some(unwritten) = self.seldom.pass(outcome, clock::mono()) {
            warn!(
                reason = outcome,
                %detail,
                unwritten,
                "The receiver of [blf.webhook] did not take a notification; states are kept for it."
            );
        }
    }

    /// The webhook's receiver takes notifications again.
    pub fn receiver_back(&self) {
        info!("The receiver of [blf.webhook] takes notifications again.");
    }

    /// The webhook's receiver does not get a notification.
    pub fn lost(&self, loss: Loss) {
        let reason = loss_word(loss);
        self.losses.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// So many wait for the webhook's receiver.
    pub fn waiting(&self, notifications: usize) {
        self.waiting
            .set(i64::try_from(notifications).unwrap_or(i64::MAX));
    }
}
