//! The events of busy lamps: each writes its log line and moves its metric.

use std::fmt;
use std::sync::PoisonError;

use prometheus_client::metrics::gauge::Gauge;
use tracing::debug;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::domain::blf::view::Lamp;
use crate::domain::events::channel::Alarm;
use crate::domain::events::channel::LostReason;
use crate::domain::events::document::requests::AckStatus;
use crate::platform::clock;
use crate::telemetry::blf::BlfGauges;
use crate::telemetry::blf::BlfMetrics;
use crate::telemetry::blf::DONE;
use crate::telemetry::blf::EventLabel;
use crate::telemetry::blf::KindLabel;
use crate::telemetry::blf::LampLabel;
use crate::telemetry::blf::OutcomeLabel;
use crate::telemetry::blf::ReasonLabel;
use crate::telemetry::blf::RequestLabel;
use crate::telemetry::blf::StateLabel;
use crate::telemetry::blf::UpstreamLabel;

/// Names of event types that are told once each; more of them are an attack.
const NAMES: usize = 256;

/// Longest name told.
const NAME: usize = 80;

impl BlfMetrics {
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
    pub fn document_refused(&self, upstream: &str, reason: &'static str, error: &dyn fmt::Display) {
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
        error: &dyn fmt::Display,
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
