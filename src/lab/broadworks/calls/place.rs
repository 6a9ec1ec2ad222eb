//! How calls begin: dialled, taken over while they ring, retrieved from where they are parked.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::domain::machine::Now;
use crate::lab::broadworks::calls::command::Change;
use crate::lab::broadworks::calls::command::Refusal;
use crate::lab::broadworks::calls::command::Reply;
use crate::lab::broadworks::calls::command::Start;
use crate::lab::broadworks::calls::dialling;
use crate::lab::broadworks::calls::dialling::Target;
use crate::lab::broadworks::calls::half::Attempt;
use crate::lab::broadworks::calls::half::Due;
use crate::lab::broadworks::calls::half::Leg;
use crate::lab::broadworks::calls::half::Nature;
use crate::lab::broadworks::calls::half::Owner;
use crate::lab::broadworks::calls::half::Phase;
use crate::lab::broadworks::calls::leg::Cause;
use crate::lab::broadworks::calls::leg::Endpoint;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::leg::Personality;
use crate::lab::broadworks::calls::leg::ReleasedBy;
use crate::lab::broadworks::calls::machine::Calls;
use crate::lab::broadworks::calls::machine::NewLeg;
use crate::lab::broadworks::calls::outside;
use crate::lab::broadworks::calls::outside::Script;
use crate::lab::broadworks::calls::party::Party;
use crate::lab::broadworks::calls::services;
use crate::lab::broadworks::directory::CallLogEntry;
use crate::lab::broadworks::directory::LogKind;
use crate::lab::broadworks::directory::User;

/// How long the own phone rings for a call that is to be placed.
const OWN_PHONE: Duration = Duration::from_secs(30);

const PICKUP: &str = "Directed Call Pickup";
const BARGE_IN: &str = "Directed Call Pickup with Barge-in";

/// What a start leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// A target, and what was dialled for it.
    Dial(Target, String),
    /// A connected leg of somebody else.
    Join { call: LegId, silent: bool },
    /// A parked leg.
    Parked(LegId),
    /// A ringing leg of somebody else.
    Ringing(LegId),
}

impl Calls {
    /// Starts a call, at once or when the own phone is picked up.
    pub(super) fn start(
        &mut self,
        user: &str,
        start: Start,
        ring_first: Option<Endpoint>,
        info: Option<String>,
        now: Now,
    ) -> Result<Reply, Refusal> {
        let found = self.find(user, &start)?;
        // Joining a call takes two legs.
        if !self.has_room(user) {
            return Err(Refusal::NotNow("Too many calls"));
        }
        let id = self.originate(user, now);
        let personality = match ring_first {
            Some(_) => Personality::ClickToDial,
            None => Personality::Originator,
        };
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.info = info;
            leg.personality = personality;
            if let Found::Dial(_, dialled) = &found {
                leg.remote = Party::dialled(dialled);
            }
        }
        match ring_first {
            None => self.proceed(id, found, now),
            Some(endpoint) => self.ring_own(id, start, endpoint, now),
        }
        let tracking = self.legs.get(&id).map(|leg| leg.tracking);
        // A leg that failed at once still tells why for a while, so it is there.
        let tracking = tracking.ok_or(Refusal::NothingThere)?;
        Ok(Reply::Started { call: id, tracking })
    }

    /// A leg of a user that is about to dial.
    pub(super) fn originate(&mut self, user: &str, now: Now) -> LegId {
        let new = NewLeg {
            owner: Owner::User(user.to_owned()),
            personality: Personality::Originator,
            nature: Nature::Dialled,
            phase: Phase::Dialling,
            tracking: None,
            remote: Party::dialled(""),
        };
        self.create(new, now)
    }

    fn ring_own(&mut self, id: LegId, start: Start, endpoint: Endpoint, now: Now) {
        let script = match &endpoint {
            Endpoint::Access(_) => Script::Ring,
            Endpoint::Anywhere(address)
            | Endpoint::Mobility(address)
            | Endpoint::RemoteOffice(address) => outside::script(address),
        };
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.phase = Phase::OwnPhone(Box::new(start));
            leg.endpoint = endpoint;
        }
        match script {
            Script::Answer(after) => self.arm(id, Due::Answers, after, now),
            Script::Refuse(_) | Script::Ring => self.arm(id, Due::OwnPhone, OWN_PHONE, now),
        }
        self.tell(id, Change::Originating);
    }

    /// The own phone is picked up: what the call was meant for begins.
    pub(super) fn own_phone_answers(&mut self, id: LegId, start: &Start, now: Now) {
        let Some(leg) = self.legs.get_mut(&id) else {
            return;
        };
        leg.phase = Phase::Dialling;
        leg.personality = Personality::Originator;
        leg.timer = None;
        let user = leg.owner.user().unwrap_or_default().to_owned();
        match self.find(&user, start) {
            Ok(found) => self.proceed(id, found, now),
            Err(_) => {
                let cause = Some(Cause::NotReachable);
                self.release(id, cause, ReleasedBy::Remote, now);
            }
        }
    }

    /// Goes on with a fresh leg that was created to dial.
    fn proceed(&mut self, id: LegId, found: Found, now: Now) {
        match found {
            Found::Dial(target, dialled) => self.dial(id, &target, dialled, now),
            Found::Join { call, silent } => self.join(id, call, silent, now),
            Found::Parked(parked) => self.retrieve_parked(id, parked, now),
            Found::Ringing(ringing) => self.take(id, ringing, now),
        }
    }

    /// Dials from a fresh leg.
    pub(super) fn dial(&mut self, id: LegId, target: &Target, dialled: String, now: Now) {
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.remote = Party::dialled(&dialled);
            leg.dialled = Some(dialled);
            leg.attempt = Some(Attempt {
                called: None,
                redirections: Vec::new(),
            });
        }
        self.give_voice(id, now);
        self.show_target(id, target);
        self.tell(id, Change::Originated);
        self.offer(id, target, now);
    }

    /// Takes a ringing call of somebody else.
    fn take(&mut self, id: LegId, ringing: LegId, now: Now) {
        let Some(waiting) = self.peer(ringing) else {
            return;
        };
        let tracking = self.legs.get(&waiting).map(|leg| leg.tracking);
        let viewer = self.legs.get(&id).and_then(|leg| leg.owner.user());
        let directory = Arc::clone(&self.directory);
        let caller = match viewer.and_then(|user| directory.user(user)) {
            Some(user) => self.caller(waiting, user),
            None => self.party_of(waiting, None),
        };
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.phase = Phase::Ringing;
            leg.nature = Nature::Taken;
            leg.remote = caller;
            leg.tracking = tracking.unwrap_or(leg.tracking);
        }
        self.link(waiting, id);
        self.connect(id, now);
        self.tell(id, Change::PickedUp);
    }

    /// What a start leads to, now.
    pub(super) fn find(&self, user: &str, start: &Start) -> Result<Found, Refusal> {
        let by = self.directory.user(user).ok_or(Refusal::NothingThere)?;
        match start {
            Start::BargeIn(address) => {
                assigned(by, BARGE_IN)?;
                let other = self.colleague(by, address)?;
                match self.ringing_at(other) {
                    Some(ringing) => Ok(Found::Ringing(ringing)),
                    None => self.joinable(by, other, false),
                }
            }
            Start::CallReturn => {
                let latest = [LogKind::Received, LogKind::Missed]
                    .into_iter()
                    .filter_map(|kind| by.call_logs.get(&kind)?.first())
                    .max_by_key(|entry| OffsetDateTime::parse(&entry.time, &Rfc3339).ok());
                self.again(by, latest)
            }
            Start::Dial(address) => self.dialled(by, address),
            Start::DirectedPickup(address) => {
                assigned(by, PICKUP)?;
                let other = self.colleague(by, address)?;
                let ringing = self.ringing_at(other).ok_or(Refusal::NothingThere)?;
                Ok(Found::Ringing(ringing))
            }
            Start::LastNumberRedial => {
                let placed = by.call_logs.get(&LogKind::Placed);
                self.again(by, placed.and_then(|placed| placed.first()))
            }
            Start::Monitor(address) => {
                let other = self.colleague(by, address)?;
                self.joinable(by, other, true)
            }
            Start::ParkRetrieve(address) => {
                let against = match address {
                    Some(address) => self.colleague(by, address)?,
                    None => by,
                };
                let parked = self.parked_against(&against.id);
                Ok(Found::Parked(parked.ok_or(Refusal::NothingThere)?))
            }
            Start::Pickup => {
                let in_group = |leg: &Leg| {
                    let owner = leg.owner.user().and_then(|id| self.directory.user(id));
                    owner.is_some_and(|owner| owner.id != by.id && same_group(owner, by))
                };
                let mut ringing = self.legs.iter().filter(|(_, leg)| leg.is_ringing());
                let found = ringing.find(|(_, leg)| in_group(leg));
                let (id, _) = found.ok_or(Refusal::NothingThere)?;
                Ok(Found::Ringing(*id))
            }
        }
    }

    fn dialled(&self, by: &User, address: &str) -> Result<Found, Refusal> {
        let target = dialling::resolve(&self.directory, by, address)
            .filter(|target| *target != Target::User(by.id.clone()));
        let target = target.ok_or(Refusal::BadParameter("address"))?;
        let dialled = address.strip_prefix("tel:").unwrap_or(address);
        Ok(Found::Dial(target, dialled.to_owned()))
    }

    fn again(&self, by: &User, entry: Option<&CallLogEntry>) -> Result<Found, Refusal> {
        let entry = entry.ok_or(Refusal::NothingThere)?;
        self.dialled(by, &entry.number)
            .map_err(|_| Refusal::NotNow("The last call has no number"))
    }

    /// Somebody else of the user's group, by an address.
    pub(super) fn colleague(&self, by: &User, address: &str) -> Result<&User, Refusal> {
        match dialling::resolve(&self.directory, by, address) {
            Some(Target::User(id)) => self
                .directory
                .user(&id)
                .filter(|other| same_group(other, by))
                .ok_or(Refusal::BadParameter("address")),
            Some(Target::Outside(_)) | None => Err(Refusal::BadParameter("address")),
        }
    }

    fn ringing_at(&self, user: &User) -> Option<LegId> {
        let mut ringing = self.owned(&user.id).filter(|(_, leg)| leg.is_ringing());
        ringing.next().map(|(id, _)| id)
    }

    fn joinable(&self, by: &User, other: &User, silent: bool) -> Result<Found, Refusal> {
        let mut talking = self
            .owned(&other.id)
            .filter(|(_, leg)| leg.is_connected() && !leg.held);
        let (call, _) = talking.next().ok_or(Refusal::NothingThere)?;
        if services::is_exempt_from_barge_in(other) {
            return Err(Refusal::NotNow("The user is exempt from barge-in"));
        }
        let peer = self.peer(call).ok_or(Refusal::NothingThere)?;
        let ends = [call, peer].map(|id| self.legs.get(&id).map(|leg| &leg.owner));
        let taken = ends.iter().any(|owner| match owner {
            Some(Owner::User(id)) => *id == by.id,
            Some(Owner::VoiceMail(_)) => true,
            Some(Owner::Outside(_)) | None => false,
        });
        let conferring = [call, peer].map(|id| self.conference_of(id).is_some());
        if taken || conferring.contains(&true) || self.conferences.contains_key(&by.id) {
            return Err(Refusal::NotNow("The call cannot be joined"));
        }
        Ok(Found::Join { call, silent })
    }
}

/// Whether two users are in one group.
pub(super) fn same_group(one: &User, other: &User) -> bool {
    one.service_provider == other.service_provider && one.group == other.group
}

/// Refuses when a service is not assigned.
pub(super) fn assigned(user: &User, service: &'static str) -> Result<(), Refusal> {
    if user.has_service(service) {
        Ok(())
    } else {
        Err(Refusal::NotAssigned(service))
    }
}
