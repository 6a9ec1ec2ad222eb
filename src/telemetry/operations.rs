//! What operators do: a counter, and the audit log.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tracing::info;
use tracing::warn;

use crate::platform::clock;
use crate::telemetry::seldom::Seldom;

/// Target of the log of operators' actions, for filters.
pub const AUDIT: &str = "xspd::operations";

/// What operators do, as the log and the counter write it.
pub const ACTIONS: [&str; 11] = [
    "cancel",
    "confirm",
    "import",
    "move-package",
    "precheck",
    "reconcile",
    "reconcile-apply",
    "remove",
    "retry",
    "sync",
    "sync-user",
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabels {
    action: &'static str,
    outcome: &'static str,
}

/// Why somebody was not let in as an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnedAway {
    /// Its address tried too many tokens before.
    LockedOut,
    /// It showed no token.
    NoToken,
    /// It showed a wrong one, and that was one too many.
    NowLockedOut,
    /// It showed a wrong one.
    WrongToken,
}

impl TurnedAway {
    /// Every word.
    pub const WORDS: [&'static str; 3] = ["locked-out", "no-token", "wrong-token"];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LockedOut => "locked-out",
            Self::NoToken => "no-token",
            Self::NowLockedOut | Self::WrongToken => "wrong-token",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AwayLabels {
    reason: &'static str,
}

/// One action.
#[derive(Debug)]
pub struct Audit<'a> {
    /// One of [`ACTIONS`].
    pub action: &'static str,
    /// Whom or what it is about.
    pub about: &'a str,
    /// The request that came of it.
    pub request: Option<&'a str>,
    /// Where it came from.
    pub client: IpAddr,
    /// What the operator calls itself: told, not proven.
    pub operator: &'a str,
    /// Why it was not carried out.
    pub refused: Option<&'static str>,
    /// How long it took.
    pub took: Duration,
    /// Our name of the request.
    pub tracking_id: &'a str,
}

/// Metrics of operators' actions.
#[derive(Default)]
pub struct OperationsMetrics {
    actions: Family<ActionLabels, Counter>,
    away: Family<AwayLabels, Counter>,
    seldom: Seldom,
}

impl OperationsMetrics {
    /// Registers the metrics, every series at zero.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let metrics = Self::default();
        for action in ACTIONS {
            for outcome in ["done", "refused"] {
                drop(
                    metrics
                        .actions
                        .get_or_create(&ActionLabels { action, outcome }),
                );
            }
        }
        registry.register(
            "operator_actions",
            "Actions of operators on provisioning",
            metrics.actions.clone(),
        );
        for reason in TurnedAway::WORDS {
            drop(metrics.away.get_or_create(&AwayLabels { reason }));
        }
        registry.register(
            "operator_refusals",
            "Requests to what is for operators alone, of somebody who is none",
            metrics.away.clone(),
        );
        Arc::new(metrics)
    }

    /// Somebody was not let in. Counted each time, and told as seldom as it needs that nobody fills
    /// the disk.
    pub fn turned_away(&self, why: TurnedAway, client: IpAddr) {
        let reason = why.as_str();
        self.away.get_or_create(&AwayLabels { reason }).inc();
        if why == TurnedAway::NowLockedOut {
            warn!(
                target: AUDIT, %client,
                "An address that tried too many operator tokens is locked out for a while."
            );
            return;
        }
        if let Some(unwritten) = self
            .seldom
            .pass(&format!("{client} {reason}"), clock::mono())
        {
            warn!(
                target: AUDIT, %client, reason, unwritten,
                "Somebody who is no operator was turned away."
            );
        }
    }

    /// An operator did something, or was refused it.
    pub fn acted(&self, audit: &Audit<'_>) {
        let outcome = if audit.refused.is_none() {
            "done"
        } else {
            "refused"
        };
        let labels = ActionLabels {
            action: audit.action,
            outcome,
        };
        self.actions.get_or_create(&labels).inc();
        info!(
            target: AUDIT,
            action = audit.action,
            about = audit.about,
            request = audit.request,
            client = %audit.client,
            operator = audit.operator,
            outcome = audit.refused.unwrap_or("done"),
            duration_ms = u64::try_from(audit.took.as_millis()).unwrap_or(u64::MAX),
            tracking_id = audit.tracking_id,
            "An operator acted."
        );
    }
}
