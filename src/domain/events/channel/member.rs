//! The channel at one XSP.

use std::time::Duration;
use std::time::Instant;

use crate::domain::events::channel::Action;
use crate::domain::events::channel::Alarm;
use crate::domain::events::channel::Attempt;
use crate::domain::events::channel::Change;
use crate::domain::events::channel::Happening;
use crate::domain::events::channel::LostReason;
use crate::domain::events::channel::OpenFailure;
use crate::domain::events::channel::Rules;
use crate::domain::events::channel::Standing;
use crate::domain::events::channel::Xsp;
use crate::domain::events::channel::loss::alarm_of;
use crate::domain::events::channel::loss::pause_after;
use crate::domain::events::channel::shared::Shared;
use crate::domain::events::channel::up::Up;
use crate::domain::events::document::ChannelEntry;
use crate::domain::events::document::Document;
use crate::domain::events::document::SubscriptionEvent;
use crate::domain::events::document::requests::AckStatus;

/// A channel that lived so long was a good one: the pauses begin anew, alarms end.
const GOOD_LIFE: Duration = Duration::from_secs(60);

/// An alarm about a rival or about lost acknowledgements ends after so much quiet.
const CALM: Duration = Duration::from_secs(300);

#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) xsp: Xsp,
    pub(super) state: State,
    failures: u32,
    alarms: Vec<(Alarm, Instant)>,
}

#[derive(Debug, Clone)]
pub(super) enum State {
    Waiting {
        until: Instant,
    },
    Opening {
        attempt: Attempt,
        redirects: u8,
        until: Instant,
    },
    Up(Box<Up>),
    Stopped,
}

impl Member {
    pub(super) const fn new(xsp: Xsp, first: Instant) -> Self {
        Self {
            xsp,
            state: State::Waiting { until: first },
            failures: 0,
            alarms: Vec::new(),
        }
    }

    pub(super) const fn attempt(&self) -> Option<Attempt> {
        match &self.state {
            State::Opening { attempt, .. } => Some(*attempt),
            State::Up(up) => Some(up.attempt),
            State::Waiting { .. } | State::Stopped => None,
        }
    }

    pub(super) const fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    pub(super) const fn is_stopped(&self) -> bool {
        matches!(self.state, State::Stopped)
    }

    pub(super) fn handle(&mut self, happening: Happening, shared: &mut Shared<'_>, now: Instant) {
        match happening {
            Happening::Acknowledged(event, outcome) => self.up(shared, now, |up, _| {
                up.acks
                    .ended(&event, outcome, now)
                    .map_err(LostReason::of_trouble)
            }),
            Happening::Document(document, standing) => {
                self.document(document, standing, shared, now);
            }
            Happening::Ended => match &self.state {
                State::Opening { .. } | State::Up(_) => {
                    self.lose(LostReason::StreamEnded, shared, now);
                }
                State::Waiting { .. } | State::Stopped => {}
            },
            Happening::HeartbeatEnded(outcome) => {
                self.up(shared, now, |up, shared| {
                    up.beat_ended(outcome, shared, now)
                });
            }
            Happening::OpenFailed(failure) => self.open_failed(failure, shared, now),
            Happening::Refreshed(outcome, expires) => {
                self.up(shared, now, |up, shared| {
                    up.refreshed(outcome, expires, shared, now)
                });
            }
        }
        self.send_acks(shared, now);
    }

    fn up(
        &mut self,
        shared: &mut Shared<'_>,
        now: Instant,
        then: impl FnOnce(&mut Up, &mut Shared<'_>) -> Result<(), LostReason>,
    ) {
        let outcome = match &mut self.state {
            State::Up(up) => then(up, shared),
            State::Waiting { .. } | State::Opening { .. } | State::Stopped => Ok(()),
        };
        if let Err(reason) = outcome {
            self.lose(reason, shared, now);
        }
    }

    fn document(
        &mut self,
        document: Document,
        standing: Standing,
        shared: &mut Shared<'_>,
        now: Instant,
    ) {
        match document {
            Document::ChannelOpened(channel) => self.opened(&channel, shared, now),
            Document::ChannelTerminated { channel, reason } => {
                let ours = match (&self.state, channel) {
                    (State::Up(up), Some(id)) => up.channel == id,
                    (State::Up(_) | State::Opening { .. }, None) => true,
                    (State::Opening { .. } | State::Waiting { .. } | State::Stopped, _) => false,
                };
                if ours {
                    self.lose(LostReason::Terminated(reason), shared, now);
                }
            }
            Document::Event(event) => self.event(event, standing, shared, now),
            Document::HeartBeat => {
                self.up(shared, now, |up, _| {
                    up.echoed(now);
                    Ok(())
                });
                if self.is_up() {
                    self.clear(Alarm::BufferedStream, shared);
                }
            }
            // Seen rarely; what follows from it comes as the stream's end.
            Document::ErrorInfo(_) | Document::Unknown { .. } => {}
        }
    }

    fn opened(&mut self, channel: &ChannelEntry, shared: &mut Shared<'_>, now: Instant) {
        let State::Opening { attempt, .. } = self.state else {
            return;
        };
        let up = Up::new(attempt, channel, shared.rules, now);
        self.state = State::Up(Box::new(up));
        self.clear(Alarm::Denied, shared);
        let change = Change::Up(self.xsp, channel.id.clone());
        shared.act(Action::Announce(change));
    }

    fn event(
        &mut self,
        event: Box<SubscriptionEvent>,
        standing: Standing,
        shared: &mut Shared<'_>,
        now: Instant,
    ) {
        let State::Up(up) = &mut self.state else {
            return;
        };
        let (status, wanted) = match standing {
            Standing::Current => (AckStatus::Done, true),
            Standing::Foreign => (AckStatus::Done, false),
            Standing::Stale => (AckStatus::NoSuchSubscription, false),
        };
        if let Err(trouble) = up.acks.push(&event.id, status, shared.rules, now) {
            self.lose(LostReason::of_trouble(trouble), shared, now);
            return;
        }
        if shared.recent.insert(&event.id, now) && wanted {
            shared.act(Action::Deliver(event));
        }
    }

    fn open_failed(&mut self, failure: OpenFailure, shared: &mut Shared<'_>, now: Instant) {
        let State::Opening { redirects, .. } = self.state else {
            return;
        };
        let reason = match failure {
            OpenFailure::Redirected(location) if redirects < shared.rules.redirects => {
                self.open(redirects + 1, Some(location), shared, now);
                return;
            }
            OpenFailure::Denied => LostReason::Denied,
            OpenFailure::Io => LostReason::Io,
            OpenFailure::Redirected(_) => LostReason::Redirects,
            OpenFailure::Refused(status) => LostReason::Refused(status),
        };
        self.lose(reason, shared, now);
    }

    fn open(
        &mut self,
        redirects: u8,
        location: Option<Box<str>>,
        shared: &mut Shared<'_>,
        now: Instant,
    ) {
        let attempt = shared.attempt();
        self.state = State::Opening {
            attempt,
            redirects,
            until: now + shared.rules.opening,
        };
        shared.act(Action::Open {
            xsp: self.xsp,
            attempt,
            location,
        });
    }

    /// The one way out of opening and up.
    fn lose(&mut self, reason: LostReason, shared: &mut Shared<'_>, now: Instant) {
        let (attempt, leaving) = match &self.state {
            State::Opening { attempt, .. } => (*attempt, false),
            State::Up(up) => {
                if now.saturating_duration_since(up.since) >= GOOD_LIFE {
                    self.failures = 0;
                }
                (up.attempt, up.farewell.is_some())
            }
            State::Waiting { .. } | State::Stopped => return,
        };
        shared.act(Action::Close(attempt));
        let reason = if leaving { LostReason::Drained } else { reason };
        self.failures = self.failures.saturating_add(1);
        self.state = match pause_after(&reason, self.failures, shared) {
            Some(pause) => State::Waiting { until: now + pause },
            None => State::Stopped,
        };
        if let Some(alarm) = alarm_of(&reason) {
            self.raise(alarm, shared, now);
        }
        shared.act(Action::Announce(Change::Lost(self.xsp, reason)));
    }

    /// Leaves in order: the channel is deleted and its farewell awaited.
    pub(super) fn drain(&mut self, shared: &mut Shared<'_>, now: Instant) {
        match &mut self.state {
            State::Up(up) => {
                if up.farewell.is_none() {
                    up.farewell = Some(now + shared.rules.farewell);
                    let channel = up.channel.clone();
                    shared.act(Action::Delete(up.attempt, channel));
                }
            }
            State::Opening { .. } => self.lose(LostReason::Drained, shared, now),
            State::Waiting { .. } => self.state = State::Stopped,
            State::Stopped => {}
        }
    }

    /// The XSP is no longer one of ours.
    pub(super) fn give_up(&mut self, shared: &mut Shared<'_>, now: Instant) {
        if let State::Up(up) = &self.state
            && up.farewell.is_none()
        {
            shared.act(Action::Delete(up.attempt, up.channel.clone()));
        }
        for (alarm, _) in self.alarms.clone() {
            self.clear(alarm, shared);
        }
        self.lose(LostReason::XspsChanged, shared, now);
    }

    pub(super) fn timeout(&mut self, shared: &mut Shared<'_>, now: Instant) {
        match &self.state {
            State::Waiting { until } if *until <= now => self.open(0, None, shared, now),
            State::Opening { until, .. } if *until <= now => {
                self.lose(LostReason::NoChannel, shared, now);
            }
            State::Up(_) => {
                self.up(shared, now, |up, shared| up.timeout(shared, now));
                self.send_acks(shared, now);
                self.calm(shared, now);
            }
            State::Waiting { .. } | State::Opening { .. } | State::Stopped => {}
        }
    }

    fn send_acks(&mut self, shared: &mut Shared<'_>, now: Instant) {
        let State::Up(up) = &mut self.state else {
            return;
        };
        while let Some((event, status)) = up.acks.next(shared.rules, now) {
            shared.act(Action::Acknowledge(up.attempt, event, status));
        }
    }

    fn raise(&mut self, alarm: Alarm, shared: &mut Shared<'_>, now: Instant) {
        match self.alarms.iter_mut().find(|(held, _)| *held == alarm) {
            Some((_, since)) => *since = now,
            None => {
                self.alarms.push((alarm, now));
                shared.act(Action::Raise(self.xsp, alarm));
            }
        }
    }

    fn clear(&mut self, alarm: Alarm, shared: &mut Shared<'_>) {
        let before = self.alarms.len();
        self.alarms.retain(|(held, _)| *held != alarm);
        if self.alarms.len() < before {
            shared.act(Action::Clear(self.xsp, alarm));
        }
    }

    /// Ends alarms whose cause was not seen again while the channel was up for long.
    fn calm(&mut self, shared: &mut Shared<'_>, now: Instant) {
        if self.calm_at().is_none_or(|at| now < at) {
            return;
        }
        for alarm in [
            Alarm::DuplicateChannelSet,
            Alarm::NonResponsiveChannel,
            Alarm::UnknownChannel,
            Alarm::UserDeleted,
        ] {
            self.clear(alarm, shared);
        }
    }

    fn calm_at(&self) -> Option<Instant> {
        let State::Up(up) = &self.state else {
            return None;
        };
        let calms = |alarm: Alarm| match alarm {
            // These two end by what they are about.
            Alarm::BufferedStream | Alarm::Denied => false,
            Alarm::DuplicateChannelSet
            | Alarm::NonResponsiveChannel
            | Alarm::UnknownChannel
            | Alarm::UserDeleted => true,
        };
        let some = self.alarms.iter().any(|(alarm, _)| calms(*alarm));
        some.then(|| up.since + CALM)
    }

    pub(super) fn deadline(&self, rules: &Rules) -> Option<Instant> {
        match &self.state {
            State::Waiting { until } | State::Opening { until, .. } => Some(*until),
            State::Up(up) => [Some(up.deadline(rules)), self.calm_at()]
                .into_iter()
                .flatten()
                .min(),
            State::Stopped => None,
        }
    }

    pub(super) fn check_invariants(&self, rules: &Rules) {
        match &self.state {
            State::Up(up) => up.acks.check_invariants(rules),
            State::Opening { redirects, .. } => assert!(*redirects <= rules.redirects),
            State::Waiting { .. } | State::Stopped => {}
        }
    }
}
