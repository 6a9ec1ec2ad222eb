//! Metrics and events of busy lamps. User ids stand in debug lines only.

mod told;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::domain::blf::view::Lamp;
use crate::domain::events::channel::Alarm;
use crate::domain::events::channel::LostReason;
use crate::domain::events::document::requests::AckStatus;
use crate::telemetry::seldom::Seldom;

/// What busy lamps ask of XSPs and Application Server; a request's word is its label.
pub const REQUESTS: [&str; 12] = [
    "acknowledge",
    "calls",
    "channel",
    "channel-delete",
    "channel-update",
    "directory",
    "heartbeat",
    "list",
    "pickup",
    "subscribe",
    "unsubscribe",
    "update",
];

/// How a request ends, besides the words of its failure.
pub const DONE: &str = "done";

/// Kinds of events.
pub const EVENTS: [&str; 9] = [
    "call",
    "do-not-disturb",
    "hook",
    "other",
    "park",
    "resync",
    "snapshot",
    "terminated",
    "unreadable",
];

/// What happens to documents that are not used.
pub const REFUSED: [&str; 3] = ["malformed", "too-large", "unreadable"];

/// The metrics of busy lamps.
#[derive(Debug)]
pub struct BlfMetrics {
    lines: Family<LampLabel, Gauge>,
    channels: Family<UpstreamLabel, Gauge>,
    losses: Family<ReasonLabel, Counter>,
    sources_lost: Counter,
    alarms: Family<ReasonLabel, Gauge>,
    subscriptions: Family<StateLabel, Gauge>,
    events: Family<EventLabel, Counter>,
    acknowledgements: Family<StatusLabel, Counter>,
    refused: Family<ReasonLabel, Counter>,
    odd_states: Counter,
    requests: Family<RequestLabel, Counter>,
    offers: Counter,
    withdrawals: Family<ReasonLabel, Counter>,
    notices: Family<KindLabel, Counter>,
    behind: Counter,
    watchers: Gauge,
    readers: Gauge,
    pickups: Family<OutcomeLabel, Counter>,
    seldom: Seldoms,
    names: Mutex<BTreeSet<String>>,
}

/// Lines that a broken peer could repeat without end.
#[derive(Debug, Default)]
struct Seldoms {
    alarm: Seldom,
    channel: Seldom,
    document: Seldom,
    limit: Seldom,
    list: Seldom,
    opening: Seldom,
    subscription: Seldom,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LampLabel {
    lamp: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UpstreamLabel {
    upstream: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabel {
    event: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabel {
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabel {
    request: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

/// Label values that rooms above know.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// How requests fail.
    pub failures: &'a [&'static str],
    /// Why offers end.
    pub withdrawals: &'a [&'static str],
    /// How pick-ups fail.
    pub pickups: &'a [&'static str],
    /// Kinds of notices.
    pub kinds: &'a [&'static str],
}

/// Numbers of the moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BlfGauges {
    /// Lines by lamp, in the order of [`Lamp::ALL`].
    pub lamps: [usize; Lamp::ALL.len()],
    /// Subscriptions wanted.
    pub wanted: usize,
    /// Subscriptions that exist.
    pub up: usize,
    /// Watchers.
    pub watchers: usize,
    /// Readers of their notices.
    pub readers: usize,
}

impl BlfMetrics {
    /// Registers the families; the series appear with [`BlfMetrics::series`].
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let metrics = Self {
            lines: Family::default(),
            channels: Family::default(),
            losses: Family::default(),
            sources_lost: Counter::default(),
            alarms: Family::default(),
            subscriptions: Family::default(),
            events: Family::default(),
            acknowledgements: Family::default(),
            refused: Family::default(),
            odd_states: Counter::default(),
            requests: Family::default(),
            offers: Counter::default(),
            withdrawals: Family::default(),
            notices: Family::default(),
            behind: Counter::default(),
            watchers: Gauge::default(),
            readers: Gauge::default(),
            pickups: Family::default(),
            seldom: Seldoms::default(),
            names: Mutex::default(),
        };
        metrics.register_state(registry);
        metrics.register_flow(registry);
        Arc::new(metrics)
    }

    fn register_state(&self, registry: &mut Registry) {
        registry.register("blf_lines", "Lines tracked, by lamp", self.lines.clone());
        registry.register(
            "blf_channel_up",
            "Whether our event channel at the XSP is up",
            self.channels.clone(),
        );
        registry.register(
            "blf_alarm",
            "Whether an operator must look, by reason",
            self.alarms.clone(),
        );
        registry.register(
            "blf_subscriptions",
            "Subscriptions wanted, and those that exist",
            self.subscriptions.clone(),
        );
        registry.register("blf_watchers", "Watchers tracked", self.watchers.clone());
        registry.register(
            "blf_readers",
            "Readers of watchers' notices",
            self.readers.clone(),
        );
    }

    fn register_flow(&self, registry: &mut Registry) {
        registry.register(
            "blf_channel_losses",
            "Event channels of ours that were lost, by reason",
            self.losses.clone(),
        );
        registry.register(
            "blf_sources_lost",
            "Times that no event channel of ours was left",
            self.sources_lost.clone(),
        );
        registry.register(
            "blf_events",
            "Events that were seen for the first time, by kind",
            self.events.clone(),
        );
        registry.register(
            "blf_acknowledgements",
            "Events answered, by status",
            self.acknowledgements.clone(),
        );
        registry.register(
            "blf_documents_refused",
            "Documents of our channels that could not be used, by reason",
            self.refused.clone(),
        );
        registry.register(
            "blf_odd_call_states",
            "Calls in a state that is not known, taken for active",
            self.odd_states.clone(),
        );
        registry.register(
            "blf_requests",
            "Requests for busy lamps, by outcome",
            self.requests.clone(),
        );
        registry.register("blf_offers", "Pick-up offers made", self.offers.clone());
        registry.register(
            "blf_withdrawals",
            "Pick-up offers that ended, by reason",
            self.withdrawals.clone(),
        );
        registry.register(
            "blf_notices",
            "Notices made, each for all who may see the same",
            self.notices.clone(),
        );
        registry.register(
            "blf_readers_behind",
            "Times that a slow reader got the full state instead of what it missed",
            self.behind.clone(),
        );
        registry.register(
            "blf_pickups",
            "Calls picked up through us, by outcome",
            self.pickups.clone(),
        );
    }

    /// Makes every series, at zero; called when lines are tracked at these XSPs.
    pub fn series<'u>(&self, upstreams: impl IntoIterator<Item = &'u str>, words: &Words<'_>) {
        let Words {
            failures,
            withdrawals,
            pickups,
            kinds,
        } = words;
        for upstream in upstreams {
            self.channel_gauge(upstream).set(0);
        }
        self.gauges(&BlfGauges::default());
        for reason in LostReason::WORDS {
            drop(self.losses.get_or_create_owned(&ReasonLabel { reason }));
        }
        for alarm in Alarm::ALL {
            self.alarm_gauge(alarm).set(0);
        }
        for event in EVENTS {
            drop(self.events.get_or_create_owned(&EventLabel { event }));
        }
        for status in [AckStatus::Done, AckStatus::NoSuchSubscription] {
            drop(self.acknowledgement(status));
        }
        for reason in REFUSED {
            drop(self.refused.get_or_create_owned(&ReasonLabel { reason }));
        }
        for request in REQUESTS {
            for outcome in failures.iter().copied().chain([DONE]) {
                let labels = RequestLabel { request, outcome };
                drop(self.requests.get_or_create_owned(&labels));
            }
        }
        for reason in withdrawals.iter().copied() {
            drop(
                self.withdrawals
                    .get_or_create_owned(&ReasonLabel { reason }),
            );
        }
        for outcome in pickups.iter().copied().chain([DONE]) {
            drop(self.pickups.get_or_create_owned(&OutcomeLabel { outcome }));
        }
        for kind in kinds.iter().copied() {
            drop(self.notices.get_or_create_owned(&KindLabel { kind }));
        }
    }

    fn channel_gauge(&self, upstream: &str) -> Gauge {
        let upstream = upstream.to_owned();
        self.channels
            .get_or_create_owned(&UpstreamLabel { upstream })
    }

    fn alarm_gauge(&self, alarm: Alarm) -> Gauge {
        let reason = alarm.as_str();
        self.alarms.get_or_create_owned(&ReasonLabel { reason })
    }

    fn acknowledgement(&self, status: AckStatus) -> Counter {
        let status = match status {
            AckStatus::Done => "200",
            AckStatus::NoSuchSubscription => "481",
        };
        self.acknowledgements
            .get_or_create_owned(&StatusLabel { status })
    }
}
