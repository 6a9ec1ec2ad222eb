//! Metrics and events of busy lamps. User ids stand in debug lines only.

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
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::domain::blf::view::Lamp;
use crate::domain::events::channel::Alarm;
use crate::domain::events::channel::LostReason;
use crate::domain::events::document::requests::AckStatus;
use crate::platform::clock;
use crate::telemetry::seldom::Seldom;

/// Names of event types and packages that are told once each; more of them are an attack.
const NAMES: usize = 256;

/// Longest name told.
const NAME: usize = 80;

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
    /// Lines by [`Lamp::place`].
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

    /// The numbers of the moment.
    pub fn gauges(&self, gauges: &BlfGauges) {
        for (lamp, count) in Lamp::ALL.into_iter().zip(gauges.lamps) {
            let lamp = lamp.as_str();
            set(&self.lines.get_or_create_owned(&LampLabel { lamp }), count);
        }
        for (state, count) in [("wanted", gauges.wanted), ("up", gauges.up)] {
            set(
                &self
                    .subscriptions
                    .get_or_create_owned(&StateLabel { state }),
                count,
            );
        }
        set(&self.watchers, gauges.watchers);
        set(&self.readers, gauges.readers);
    }

    /// A channel is up.
    pub fn channel_up(&self, upstream: &str, channel: &str) {
        self.channel_gauge(upstream).set(1);
        info!(upstream, channel, "Our event channel is up.");
    }

    /// A channel is lost.
    pub fn channel_lost(&self, upstream: &str, reason: &LostReason) {
        self.channel_gauge(upstream).set(0);
        let word = reason.as_str();
        self.losses
            .get_or_create_owned(&ReasonLabel { reason: word })
            .inc();
        if matches!(reason, LostReason::Drained) {
            info!(upstream, "Our event channel is closed.");
        } else if let Some(unwritten) = self.seldom.channel.pass(upstream, clock::mono()) {
            warn!(
                upstream,
                reason = word,
                unwritten,
                "Our event channel is lost; it is opened again."
            );
        }
    }

    /// No channel is left.
    pub fn source_lost(&self, returns: bool) {
        self.sources_lost.inc();
        if returns {
            warn!("No event channel of ours is left; lines become unknown unless one comes back.");
        } else {
            warn!("No event channel of ours is left, and none comes back; every line is unknown.");
        }
    }

    /// A channel of this XSP is to be opened.
    pub fn channel_expected(&self, upstream: &str) {
        self.channel_gauge(upstream).set(0);
    }

    /// An XSP is no longer one of ours.
    pub fn forget_channel(&self, upstream: &str) {
        let upstream = upstream.to_owned();
        self.channels.remove(&UpstreamLabel { upstream });
    }

    /// Events flow.
    pub fn source_back(&self) {
        info!("Events flow; the state of every line is asked for.");
    }

    /// An operator must look.
    pub fn raised(&self, upstream: &str, alarm: Alarm) {
        self.alarm_gauge(alarm).set(1);
        let reason = alarm.as_str();
        if let Some(unwritten) = self.seldom.alarm.pass(reason, clock::mono()) {
            error!(
                upstream,
                reason,
                unwritten,
                "Busy lamps need a look: {}.",
                remedy(alarm)
            );
        }
    }

    /// The cause of an alarm is gone at one XSP; at another it may still be there.
    pub fn cleared(&self, upstream: &str, alarm: Alarm, elsewhere: bool) {
        self.alarm_gauge(alarm).set(i64::from(elsewhere));
        let reason = alarm.as_str();
        info!(
            upstream,
            reason, "The cause of an alarm of busy lamps is gone."
        );
    }

    /// An event was seen for the first time.
    pub fn event(&self, kind: &'static str, name: &str, odd_states: usize) {
        self.events
            .get_or_create_owned(&EventLabel { event: kind })
            .inc();
        self.odd_states.inc_by(odd_states as u64);
        if kind == "other" {
            self.unknown("event type", name);
        }
    }

    /// Something of an unknown name was seen: told once for each.
    pub fn unknown(&self, what: &'static str, name: &str) {
        let plain = name.chars().filter(|c| !c.is_control());
        let name: String = plain.take(NAME).collect();
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() < NAMES && names.insert(format!("{what} {name}")) {
            drop(names);
            info!(name, "Unused {what} on our event channel; told once.");
        }
    }

    /// An acknowledgement leaves.
    pub fn acknowledged(&self, status: AckStatus) {
        self.acknowledgement(status).inc();
    }

    /// A document cannot be used.
    pub fn document_refused(
        &self,
        upstream: &str,
        reason: &'static str,
        error: &dyn std::fmt::Display,
    ) {
        self.refused
            .get_or_create_owned(&ReasonLabel { reason })
            .inc();
        if let Some(unwritten) = self.seldom.document.pass(upstream, clock::mono()) {
            warn!(upstream, reason, %error, unwritten, "A document of an event channel cannot be used.");
        }
    }

    /// A request ended well.
    pub fn request_done(&self, request: &'static str) {
        let outcome = DONE;
        let labels = RequestLabel { request, outcome };
        self.requests.get_or_create_owned(&labels).inc();
    }

    /// A request failed. What concerns single users is debug, all of them an operator's matter.
    pub fn request_failed(
        &self,
        request: &'static str,
        outcome: &'static str,
        about: &str,
        error: &dyn std::fmt::Display,
    ) {
        let labels = RequestLabel { request, outcome };
        self.requests.get_or_create_owned(&labels).inc();
        debug!(request, outcome, about, %error, "A request for busy lamps failed.");
        let seldom = match request {
            "channel" => &self.seldom.opening,
            "list" | "directory" => &self.seldom.list,
            "subscribe" | "update" => &self.seldom.subscription,
            _ => return,
        };
        if let Some(unwritten) = seldom.pass(outcome, clock::mono()) {
            warn!(request, outcome, %error, unwritten, "A request for busy lamps failed.");
        }
    }

    /// A limit of `[blf.limits]` is reached.
    pub fn limit_reached(&self, key: &'static str, limit: usize) {
        if let Some(unwritten) = self.seldom.limit.pass(key, clock::mono()) {
            warn!(
                key,
                limit,
                unwritten,
                "A limit of busy lamps is reached; what is beyond it is not tracked."
            );
        }
    }

    /// A lamp changed.
    pub fn lamp(&self, user: &str, from: Lamp, to: Lamp) {
        debug!(
            user,
            from = from.as_str(),
            to = to.as_str(),
            "A lamp changed."
        );
    }

    /// A notice was made for so many readers.
    pub fn notice(&self, kind: &'static str) {
        self.notices.get_or_create_owned(&KindLabel { kind }).inc();
    }

    /// An offer was made to so many.
    pub fn offered(&self, count: usize) {
        self.offers.inc_by(count as u64);
    }

    /// An offer ended for so many.
    pub fn withdrawn(&self, reason: &'static str, count: usize) {
        let counter = self
            .withdrawals
            .get_or_create_owned(&ReasonLabel { reason });
        counter.inc_by(count as u64);
    }

    /// A reader fell behind.
    pub fn reader_behind(&self) {
        self.behind.inc();
    }

    /// A call was picked up, or not.
    pub fn picked_up(&self, outcome: &'static str, watcher: &str) {
        self.pickups
            .get_or_create_owned(&OutcomeLabel { outcome })
            .inc();
        debug!(outcome, watcher, "A pick-up ended.");
    }
}

fn set(gauge: &Gauge, count: usize) {
    gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
}

const fn remedy(alarm: Alarm) -> &'static str {
    match alarm {
        Alarm::BufferedStream => {
            "heartbeats are accepted but their echo does not come, so something between us and the \
             XSP holds the stream back; let it pass event streams unbuffered"
        }
        Alarm::Denied => {
            "the account is refused; check user-id and password of [blf.account], and that the \
             account is not locked"
        }
        Alarm::DuplicateChannelSet => {
            "another program uses our account with the same application id; give each its own"
        }
        Alarm::NonResponsiveChannel => {
            "our acknowledgements do not reach the XSP that holds the channel; each upstream of \
             the pool must be one XSP, not a load balancer"
        }
        Alarm::UnknownChannel => {
            "an XSP says that we do not know our own channel, so answers are crossed; each \
             upstream of the pool must be one XSP, not a load balancer"
        }
        Alarm::UserDeleted => {
            "the account of [blf.account] was deleted; make it again, then restart"
        }
    }
}
