//! One end of a call as the engine keeps it.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::lab::broadworks::calls::command::Start;
use crate::lab::broadworks::calls::leg::Cause;
use crate::lab::broadworks::calls::leg::Endpoint;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::leg::Personality;
use crate::lab::broadworks::calls::leg::Recording;
use crate::lab::broadworks::calls::leg::Redirect;
use crate::lab::broadworks::calls::leg::Redirection;
use crate::lab::broadworks::calls::leg::Times;
use crate::lab::broadworks::calls::leg::Tracking;
use crate::lab::broadworks::calls::party::Party;

/// Whose leg it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Owner {
    /// An outside number.
    Outside(Party),
    /// A user, by id.
    User(String),
    /// The mailbox of a user, by the user's id.
    VoiceMail(String),
}

impl Owner {
    pub(super) fn user(&self) -> Option<&str> {
        match self {
            Self::User(id) => Some(id),
            Self::Outside(_) | Self::VoiceMail(_) => None,
        }
    }
}

/// How a leg came about; decides in which call log it ends up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    /// Joined somebody else's call.
    Barged,
    /// Was called.
    Called,
    /// Dialled.
    Dialled,
    /// Took somebody else's ringing or parked call.
    Taken,
}

/// Where a leg stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    /// Transferred away; shown while the leg that it left behind is there.
    Detached { follows: LegId, to: Redirect },
    /// Waits for an answer of its peers.
    Dialling,
    /// Hears why the call failed.
    Failed(Cause),
    /// The own phone rings before the rest is done.
    OwnPhone(Box<Start>),
    /// Parked against a user, by id; `by` is who parked it.
    Parked { against: String, by: String },
    /// Rings; its one peer waits.
    Ringing,
    /// Connected; or, with an [`Attempt`], answered once and now waiting for a transfer target.
    Up,
}

/// An attempt to reach somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    /// The user whose services decide what becomes of it.
    pub(super) called: Option<String>,
    /// Redirections so far.
    pub(super) redirections: Vec<Redirection>,
}

/// What happens to a leg when its time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// The outside phone is picked up.
    Answers,
    /// The failure has been heard.
    FailureHeard,
    /// The caller has waited long enough.
    GiveUp,
    /// A call lasts no longer.
    LongestCall,
    /// The message is long enough.
    MessageEnds,
    /// The called user does not answer.
    NoAnswer,
    /// The own phone was not picked up.
    OwnPhone,
    /// The parked call goes back to who parked it.
    ParkRecall,
}

/// A leg.
#[derive(Debug, Clone)]
pub(super) struct Leg {
    pub(super) tracking: Tracking,
    pub(super) owner: Owner,
    pub(super) personality: Personality,
    pub(super) nature: Nature,
    pub(super) phase: Phase,
    pub(super) attempt: Option<Attempt>,
    /// The other ends: one when connected or ringing, several that ring when waiting.
    pub(super) peers: BTreeSet<LegId>,
    /// Put on hold by its owner.
    pub(super) held: bool,
    pub(super) remote: Party,
    /// What the owner dialled.
    pub(super) dialled: Option<String>,
    pub(super) redirections: Vec<Redirection>,
    pub(super) endpoint: Endpoint,
    pub(super) appearance: u8,
    pub(super) times: Times,
    pub(super) timer: Option<(Instant, Due)>,
    pub(super) recording: Option<Recording>,
    pub(super) info: Option<String>,
    /// Digits sent.
    pub(super) dtmf: String,
    /// When answered, this held leg is transferred to the answering end.
    pub(super) completes: Option<LegId>,
}

impl Leg {
    /// Connected to exactly one other end.
    pub(super) const fn is_connected(&self) -> bool {
        matches!(self.phase, Phase::Up) && self.attempt.is_none()
    }

    /// Why it failed.
    pub(super) const fn failure(&self) -> Option<Cause> {
        if let Phase::Failed(cause) = self.phase {
            Some(cause)
        } else {
            None
        }
    }

    /// Rings at its owner.
    pub(super) const fn is_ringing(&self) -> bool {
        matches!(self.phase, Phase::Ringing)
    }
}
