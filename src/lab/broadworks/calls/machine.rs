//! The call engine: all legs of all users, and what holds them together.
//!
//! Every call has two ends, and each end is a leg, also an outside number and a mailbox; so a
//! transfer or a retrieved park only ties legs together anew. Legs know each other mutually.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use std::time::UNIX_EPOCH;

use crate::domain::machine::Machine;
use crate::domain::machine::Now;
use crate::lab::broadworks::calls::command::Action;
use crate::lab::broadworks::calls::command::Command;
use crate::lab::broadworks::calls::command::Input;
use crate::lab::broadworks::calls::command::Refusal;
use crate::lab::broadworks::calls::command::Reply;
use crate::lab::broadworks::calls::conference::Conference;
use crate::lab::broadworks::calls::half::Due;
use crate::lab::broadworks::calls::half::Leg;
use crate::lab::broadworks::calls::half::Nature;
use crate::lab::broadworks::calls::half::Owner;
use crate::lab::broadworks::calls::half::Phase;
use crate::lab::broadworks::calls::leg::Endpoint;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::leg::Personality;
use crate::lab::broadworks::calls::leg::ReleasedBy;
use crate::lab::broadworks::calls::leg::Times;
use crate::lab::broadworks::calls::leg::Tracking;
use crate::lab::broadworks::calls::party::Party;
use crate::lab::broadworks::directory::Directory;

/// Legs of one user, as many as line keys of a large phone.
pub(super) const PER_USER: usize = 10;

/// Legs in all: a hundred times what a lab needs, and few enough to look through for a timer.
pub(super) const IN_ALL: usize = 1000;

/// Longest time that a call rings: a real network gives up after about three minutes.
pub(super) const ALERTING: Duration = Duration::from_secs(180);

/// A forgotten call ends after this time, so that the bounds above are not eaten up.
pub(super) const LONGEST: Duration = Duration::from_secs(4 * 3600);

/// First number of a leg: three digits, as in the samples, and none that is mistaken for a first.
const FIRST: u64 = 101;

/// The call engine.
#[derive(Debug)]
pub struct Calls {
    pub(super) directory: Arc<Directory>,
    pub(super) legs: BTreeMap<LegId, Leg>,
    /// Conferences by their controller.
    pub(super) conferences: BTreeMap<String, Conference>,
    pub(super) off_hook: BTreeSet<String>,
    next_leg: u64,
    next_tracking: u64,
    actions: VecDeque<Action>,
}

impl Machine for Calls {
    type Input = Input;
    type Action = Action;

    fn handle(&mut self, input: Input, now: Now) {
        let reply = self.carry_out(&input.user, input.command, now);
        self.settle(now);
        // Zero rings forward at once.
        self.handle_timeout(now);
        self.actions.push_back(Action::Reply(reply));
    }

    fn handle_timeout(&mut self, now: Now) {
        while let Some((id, due)) = self.expired(now) {
            if let Some(leg) = self.legs.get_mut(&id) {
                leg.timer = None;
            }
            self.due(id, due, now);
            self.settle(now);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let timers = self.legs.values().filter_map(|leg| leg.timer);
        timers.map(|(at, _)| at).min()
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn check_invariants(&self) {
        self.check();
    }
}

impl Calls {
    /// Without calls.
    #[must_use]
    pub fn new(directory: Arc<Directory>) -> Self {
        Self {
            directory,
            legs: BTreeMap::new(),
            conferences: BTreeMap::new(),
            off_hook: BTreeSet::new(),
            next_leg: FIRST,
            next_tracking: 1,
            actions: VecDeque::new(),
        }
    }

    /// The directory as it is from now on; services are read when a call needs them.
    pub fn look_up(&mut self, directory: Arc<Directory>) {
        self.directory = directory;
    }

    fn carry_out(&mut self, user: &str, command: Command, now: Now) -> Result<Reply, Refusal> {
        match command {
            Command::AddToConference(call) => self.add_to_conference(user, call, now),
            Command::BlindTransfer(call, to) => self.blind_transfer(user, call, &to, now),
            Command::Conference(calls) => self.start_conference(user, &calls, now),
            Command::ConsultTransfer(one, other) => self.consult_transfer(user, one, other, now),
            Command::EndConference => self.end_conference(user, now),
            Command::GroupPark(call) => self.group_park(user, call, now),
            Command::HangUp(call, decline) => {
                self.own(user, call)?;
                self.hang_up(call, decline, now);
                Ok(Reply::Done)
            }
            Command::Hold(call) => self.hold(user, call, now),
            Command::HoldConference => self.hold_conference(user, now),
            Command::Info(call, text) => self.attach(user, call, text),
            Command::Mix(call, mix) => self.mix(user, call, mix),
            Command::MuteTransfer(call, to) => self.mute_transfer(user, call, &to, now),
            Command::Park(call, against) => self.park_call(user, call, against.as_deref(), now),
            Command::Reconnect(call) => self.reconnect(user, call, now),
            Command::Record(call, record) => self.record(user, call, record),
            Command::SendDigits(call, digits) => self.send_digits(user, call, &digits),
            Command::Start {
                start,
                ring_first,
                info,
            } => self.start(user, start, ring_first, info, now),
            Command::Talk(call) => self.talk(user, call, now),
            Command::TalkConference => self.talk_conference(user, now),
            Command::VoiceMailTransfer(call, mailbox) => {
                self.voice_mail_transfer(user, call, mailbox.as_deref(), now)
            }
        }
    }

    fn expired(&self, now: Now) -> Option<(LegId, Due)> {
        let due = self.legs.iter().filter_map(|(id, leg)| {
            let (at, due) = leg.timer?;
            (at <= now.mono).then_some((at, *id, due))
        });
        due.min_by_key(|(at, id, _)| (*at, *id))
            .map(|(_, id, due)| (id, due))
    }

    fn due(&mut self, id: LegId, due: Due, now: Now) {
        match due {
            Due::Answers => self.pick_up(id, now),
            Due::FailureHeard | Due::LongestCall | Due::MessageEnds | Due::OwnPhone => {
                self.end(id, due, now);
            }
            Due::GiveUp => self.give_up(id, now),
            Due::NoAnswer => self.not_answered(id, now),
            Due::ParkRecall => self.recall(id, now),
        }
    }

    /// What follows from every change: conferences of one end, detached legs whose call is over
    /// and transfers that wait for a call that is gone end; hooks are told.
    fn settle(&mut self, now: Now) {
        self.settle_conferences();
        // One detached leg may follow another.
        while let Some(id) = self.left_behind() {
            self.release(id, None, ReleasedBy::Remote, now);
        }
        let known: BTreeSet<LegId> = self
            .legs
            .iter()
            .filter(|(_, leg)| leg.is_connected())
            .map(|(id, _)| *id)
            .collect();
        for leg in self.legs.values_mut() {
            leg.completes = leg.completes.filter(|held| known.contains(held));
        }
        let off_hook = self.hooks();
        for user in self.off_hook.symmetric_difference(&off_hook) {
            self.actions.push_back(Action::Hook {
                user: user.clone(),
                off: off_hook.contains(user),
            });
        }
        self.off_hook = off_hook;
    }

    /// A detached leg whose call is over.
    fn left_behind(&self) -> Option<LegId> {
        let mut legs = self.legs.iter();
        let gone = legs.find(|(_, leg)| {
            matches!(leg.phase, Phase::Detached { follows, .. } if !self.legs.contains_key(&follows))
        });
        gone.map(|(id, _)| *id)
    }

    /// Who has a call that is more than a ringing phone.
    pub(super) fn hooks(&self) -> BTreeSet<String> {
        let lifted = self.legs.values().filter(|leg| {
            !matches!(
                leg.phase,
                Phase::Detached { .. } | Phase::OwnPhone(_) | Phase::Ringing
            )
        });
        lifted
            .filter_map(|leg| leg.owner.user().map(str::to_owned))
            .collect()
    }

    /// A new leg on the first free line key.
    pub(super) fn create(&mut self, new: NewLeg, now: Now) -> LegId {
        let id = LegId(self.next_leg);
        self.next_leg += 1;
        let tracking = new.tracking.unwrap_or_else(|| {
            let tracking = Tracking(self.next_tracking);
            self.next_tracking += 1;
            tracking
        });
        let user = new.owner.user().unwrap_or_default();
        let used: BTreeSet<u8> = self.owned(user).map(|(_, leg)| leg.appearance).collect();
        let appearance = (1..u8::MAX).find(|key| !used.contains(key));
        let leg = Leg {
            tracking,
            personality: new.personality,
            nature: new.nature,
            phase: new.phase,
            attempt: None,
            peers: BTreeSet::new(),
            held: false,
            remote: new.remote,
            dialled: None,
            redirections: Vec::new(),
            endpoint: Endpoint::Access(user.to_owned()),
            appearance: appearance.unwrap_or_default(),
            times: Times {
                start: milliseconds(now),
                answer: None,
                held: None,
                total_held: 0,
                detached: None,
                release: None,
            },
            timer: None,
            recording: None,
            info: None,
            dtmf: String::new(),
            completes: None,
            owner: new.owner,
        };
        self.legs.insert(id, leg);
        id
    }

    /// The legs of a user, oldest first.
    pub(super) fn owned(&self, user: &str) -> impl Iterator<Item = (LegId, &Leg)> {
        let own = move |leg: &Leg| leg.owner.user() == Some(user);
        self.legs
            .iter()
            .filter(move |(_, leg)| own(leg))
            .map(|(id, leg)| (*id, leg))
    }

    /// A leg, when it is the user's.
    pub(super) fn own(&self, user: &str, id: LegId) -> Result<&Leg, Refusal> {
        let leg = self.legs.get(&id);
        leg.filter(|leg| leg.owner.user() == Some(user))
            .ok_or(Refusal::UnknownCall)
    }

    /// Whether a user can have one more leg.
    pub(super) fn has_room(&self, user: &str) -> bool {
        self.legs.len() < IN_ALL && self.owned(user).count() < PER_USER
    }

    /// Ties two legs together.
    pub(super) fn link(&mut self, one: LegId, other: LegId) {
        for (id, peer) in [(one, other), (other, one)] {
            if let Some(leg) = self.legs.get_mut(&id) {
                leg.peers.insert(peer);
            }
        }
    }

    /// Unties a leg from all others, and says from which.
    pub(super) fn unlink(&mut self, id: LegId) -> BTreeSet<LegId> {
        let peers = match self.legs.get_mut(&id) {
            Some(leg) => std::mem::take(&mut leg.peers),
            None => BTreeSet::new(),
        };
        for peer in &peers {
            if let Some(leg) = self.legs.get_mut(peer) {
                leg.peers.remove(&id);
            }
        }
        peers
    }

    /// The one other end of a connected or ringing leg.
    pub(super) fn peer(&self, id: LegId) -> Option<LegId> {
        self.legs.get(&id)?.peers.first().copied()
    }

    /// Starts the timer of a leg, in place of the one before.
    pub(super) fn arm(&mut self, id: LegId, due: Due, after: Duration, now: Now) {
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.timer = Some((now.mono + after, due));
        }
    }

    pub(super) fn push(&mut self, action: Action) {
        self.actions.push_back(action);
    }
}

/// What a new leg needs.
pub(super) struct NewLeg {
    pub(super) owner: Owner,
    pub(super) personality: Personality,
    pub(super) nature: Nature,
    pub(super) phase: Phase,
    /// `None` begins a call.
    pub(super) tracking: Option<Tracking>,
    pub(super) remote: Party,
}

/// The wall clock as Xsi writes it; a clock before 1970 reads as 1970.
pub(super) fn milliseconds(now: Now) -> i64 {
    let since = now.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
