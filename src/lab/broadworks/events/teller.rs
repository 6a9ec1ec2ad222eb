//! From what the call engine did to what each package tells of it (specification 4.4 and 4.7.1).

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::lab::broadworks::calls::command::Action;
use crate::lab::broadworks::calls::command::Arrival;
use crate::lab::broadworks::calls::command::Change;
use crate::lab::broadworks::calls::command::Record;
use crate::lab::broadworks::calls::conference::ConferenceView;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::leg::LegView;
use crate::lab::broadworks::calls::leg::ReleasedBy;
use crate::lab::broadworks::calls::leg::State;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::events::call;
use crate::lab::broadworks::events::call::Phone;
use crate::lab::broadworks::events::command::Occurrence;
use crate::lab::broadworks::events::envelope::EventData;
use crate::lab::broadworks::events::package::Package;
use crate::lab::broadworks::events::package::Packages;

/// What one change is to the packages, in order.
type Told = Vec<(Packages, EventData)>;

/// What events depend on beyond the change itself.
#[derive(Debug, Default)]
pub(super) struct Teller {
    /// Calls that Advanced Call knows of before they ring.
    announced: BTreeSet<LegId>,
    /// Calls that their own user holds.
    held_here: BTreeSet<LegId>,
    /// Conferences as they were told last.
    conferences: BTreeMap<String, ConferenceView>,
}

impl Teller {
    /// What subscribers are told of actions of the engine.
    pub(super) fn tell(&mut self, actions: &[Action], directory: &Directory) -> Vec<Occurrence> {
        let mut all = Vec::new();
        let mut rest = actions;
        while let Some((action, behind)) = rest.split_first() {
            rest = behind;
            let (user, told) = match action {
                Action::Arrival { user, arrival, leg } => (user, self.arrival(*arrival, leg)),
                Action::Conference { user, conference } => {
                    (user, self.conference(user, conference.as_ref()))
                }
                Action::Hook { user, off } => (user, hook(*off)),
                Action::Leg {
                    user,
                    change: Change::Detached,
                    leg,
                } if leg.redirect.is_some() => {
                    let mut legs = vec![leg.as_ref()];
                    while let Some((next, behind)) = next_detached(rest, user) {
                        legs.push(next);
                        rest = behind;
                    }
                    (user, redirected(&legs))
                }
                Action::Leg { user, change, leg } => (user, self.leg(*change, leg)),
                Action::Park { user, parked } => {
                    let data = call::parked(parked.as_ref());
                    (user, vec![(Packages::of(Package::CALL_PARK), data)])
                }
                Action::Log(_) | Action::Message(_) | Action::Reply(_) => continue,
            };
            // Who is gone has neither group nor subscribers.
            if let Some(subject) = directory.user(user)
                && !told.is_empty()
            {
                all.push(Occurrence {
                    provider: subject.service_provider.clone(),
                    group: subject.group.clone(),
                    user: subject.id.clone(),
                    told,
                });
            }
        }
        all
    }

    fn arrival(&mut self, arrival: Arrival, leg: &LegView) -> Told {
        let released = || {
            let mut over = LegView {
                state: State::Released,
                redirect: None,
                ..leg.clone()
            };
            over.times.release = over.times.release.or(over.times.detached);
            single("CallReleasedEvent", &over, Phone::Unknown)
        };
        let advanced = |data| (Packages::ADVANCED, data);
        match arrival {
            Arrival::Offered => {
                self.announced.insert(leg.id);
                vec![advanced(single("CallReceivedEvent", leg, Phone::Unknown))]
            }
            Arrival::Redirected => {
                self.announced.remove(&leg.id);
                let data = several("CallRedirectedEvent", &[leg]);
                vec![advanced(data), advanced(released())]
            }
            Arrival::Refused => {
                self.announced.remove(&leg.id);
                vec![advanced(released())]
            }
        }
    }

    fn leg(&mut self, change: Change, leg: &LegView) -> Told {
        let calls = |kind| vec![(Packages::CALLS, single(kind, leg, Phone::Known))];
        let standard = |kind| vec![(Packages::FROM_STANDARD, single(kind, leg, Phone::Known))];
        match change {
            Change::Answered => calls("CallAnsweredEvent"),
            Change::BargedIn => standard("CallBargedInEvent"),
            Change::Detached => {
                let data = single("CallDetachedEvent", leg, Phone::Known);
                vec![(Packages::ADVANCED, data)]
            }
            Change::Forwarded => standard("CallForwardedEvent"),
            Change::Held if leg.state == State::Held => {
                self.held_here.insert(leg.id);
                standard("CallHeldEvent")
            }
            // Hold by the other end is told of calls within the group or enterprise only.
            Change::Held if call::is_near(leg) => standard("CallHeldEvent"),
            Change::Held => Vec::new(),
            Change::Monitored => standard("CallMonitoredEvent"),
            Change::Originated => calls("CallOriginatedEvent"),
            Change::Originating => {
                let data = single("CallOriginatingEvent", leg, Phone::LineKey);
                vec![(Packages::CALLS, data)]
            }
            Change::ParkRetrieved => standard("CallParkRetrievedEvent"),
            Change::PickedUp => standard("CallPickedUpEvent"),
            Change::Received => self.received(leg),
            Change::Recording(record) => vec![(Packages::FROM_STANDARD, recording(record, leg))],
            Change::Released => self.released(leg),
            Change::Releasing => calls("CallReleasingEvent"),
            Change::Retrieved => {
                if self.held_here.remove(&leg.id) || call::is_near(leg) {
                    standard("CallRetrievedEvent")
                } else {
                    Vec::new()
                }
            }
            Change::Transferred => standard("CallTransferredEvent"),
            Change::Updated => standard("CallUpdatedEvent"),
        }
    }

    /// The phone is known a moment later than the call.
    fn received(&mut self, leg: &LegView) -> Told {
        let announced = self.announced.remove(&leg.id);
        let to = if announced {
            Packages::TO_STANDARD
        } else {
            Packages::CALLS
        };
        vec![
            (to, single("CallReceivedEvent", leg, Phone::Unknown)),
            (
                Packages::FROM_STANDARD,
                single("CallUpdatedEvent", leg, Phone::Known),
            ),
        ]
    }

    fn released(&mut self, leg: &LegView) -> Told {
        self.held_here.remove(&leg.id);
        // To the others a call that was detached is over since then.
        let to = if leg.times.detached.is_some() {
            Packages::ADVANCED
        } else {
            Packages::CALLS
        };
        vec![
            (to, single("CallReleasedEvent", leg, Phone::Unknown)),
            (
                Packages::HISTORY,
                single("CallHistoryEvent", leg, Phone::Unknown),
            ),
        ]
    }

    fn conference(&mut self, user: &str, now: Option<&ConferenceView>) -> Told {
        let before = match now {
            Some(now) => self.conferences.insert(user.to_owned(), now.clone()),
            None => self.conferences.remove(user),
        };
        let kind = match (&before, now) {
            (None, None) => return Vec::new(),
            (Some(_), None) => "ConferenceReleasedEvent",
            (None, Some(_)) => "ConferenceStartedEvent",
            (Some(before), Some(now)) if before.state != now.state => {
                if now.state == State::Held {
                    "ConferenceHeldEvent"
                } else {
                    "ConferenceRetrievedEvent"
                }
            }
            (Some(before), Some(now)) if before.muted != now.muted => {
                if now.muted {
                    "ConferenceMutedEvent"
                } else {
                    "ConferenceUnmutedEvent"
                }
            }
            (Some(_), Some(_)) => "ConferenceUpdatedEvent",
        };
        let data = EventData::new(kind, |markup| call::conference(markup, now));
        vec![(Packages::FROM_STANDARD, data)]
    }
}

/// The next action, when it detaches another call of the same user.
fn next_detached<'a>(rest: &'a [Action], user: &str) -> Option<(&'a LegView, &'a [Action])> {
    match rest.split_first()? {
        (
            Action::Leg {
                user: other,
                change: Change::Detached,
                leg,
            },
            behind,
        ) if other == user && leg.redirect.is_some() => Some((leg.as_ref(), behind)),
        _ => None,
    }
}

fn hook(off: bool) -> Told {
    let data = EventData::new("HookStatusEvent", |markup| call::hook(markup, off));
    vec![(Packages::CALLS, data)]
}

/// A transfer: to Advanced Call both legs are redirected, to the others each is over.
fn redirected(legs: &[&LegView]) -> Told {
    let mut told: Told = legs
        .iter()
        .map(|leg| {
            let mut over = LegView::clone(leg);
            over.state = State::Released;
            over.released_by = Some(ReleasedBy::Local);
            over.redirect = None;
            over.times.release = over.times.detached.take();
            let data = single("CallReleasedEvent", &over, Phone::Unknown);
            (Packages::TO_STANDARD, data)
        })
        .collect();
    told.push((Packages::ADVANCED, several("CallRedirectedEvent", legs)));
    told
}

fn recording(record: Record, leg: &LegView) -> EventData {
    let kind = match record {
        Record::Pause => "CallRecordingPausedEvent",
        Record::Resume => "CallRecordingResumedEvent",
        Record::Start => "CallRecordingStartedEvent",
        Record::Stop => "CallRecordingStoppedEvent",
    };
    EventData::new(kind, |markup| {
        call::call(markup, leg, Phone::Known);
        if record == Record::Stop {
            markup.leaf("reason", "User Requested");
        }
    })
}

fn single(kind: &'static str, leg: &LegView, phone: Phone) -> EventData {
    EventData::new(kind, |markup| call::call(markup, leg, phone))
}

fn several(kind: &'static str, legs: &[&LegView]) -> EventData {
    EventData::new(kind, |markup| {
        markup.within("calls", |all| {
            for leg in legs {
                call::call(all, leg, Phone::Known);
            }
        });
    })
}
