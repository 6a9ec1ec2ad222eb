//! What users can ask of the call engine, and what it answers and wants done.

use crate::lab::broadworks::calls::conference::ConferenceView;
use crate::lab::broadworks::calls::leg::Endpoint;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::leg::LegView;
use crate::lab::broadworks::calls::leg::Times;
use crate::lab::broadworks::calls::leg::Tracking;
use crate::lab::broadworks::calls::party::Party;
use crate::lab::broadworks::directory::LogKind;

/// A command of a user.
#[derive(Debug, Clone)]
pub struct Input {
    /// User id as it stands in the directory.
    pub user: String,
    /// The command.
    pub command: Command,
}

/// What a user can ask for. Calls are the user's own.
#[derive(Debug, Clone)]
pub enum Command {
    /// Takes a call into the conference.
    AddToConference(LegId),
    /// Transfers a call without asking the target.
    BlindTransfer(LegId, String),
    /// Starts a conference of these calls.
    Conference(Vec<LegId>),
    /// Connects the other ends of two calls.
    ConsultTransfer(LegId, LegId),
    /// Ends the conference and its calls.
    EndConference,
    /// Parks a call against the first free member of the group.
    GroupPark(LegId),
    /// Hangs up, or declines a ringing call.
    HangUp(LegId, Decline),
    /// Holds a call.
    Hold(LegId),
    /// Holds the conference.
    HoldConference,
    /// Attaches a text to a call.
    Info(LegId, String),
    /// Changes what the conference or one participant hears and says.
    Mix(Option<LegId>, Mix),
    /// Calls a target and transfers the call to it when it answers.
    MuteTransfer(LegId, String),
    /// Parks a call against a user; `None` is oneself.
    Park(LegId, Option<String>),
    /// Retrieves a held call and releases the current one.
    Reconnect(LegId),
    /// Starts, stops, pauses, resumes the recording of a call.
    Record(LegId, Record),
    /// Sends digits.
    SendDigits(LegId, String),
    /// Starts a call.
    Start {
        /// How.
        start: Start,
        /// The phone that rings first; without one the lab's phone dials at once.
        ring_first: Option<Endpoint>,
        /// A text attached to the call.
        info: Option<String>,
    },
    /// Answers a ringing call or retrieves a held one.
    Talk(LegId),
    /// Retrieves the conference.
    TalkConference,
    /// Sends a call into a mailbox; `None` is one's own.
    VoiceMailTransfer(LegId, Option<String>),
}

/// How a call starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Joins the call of a user, or takes it while it rings.
    BargeIn(String),
    /// Calls back whoever called last.
    CallReturn,
    /// Dials an address.
    Dial(String),
    /// Takes the ringing call of a user.
    DirectedPickup(String),
    /// Dials the last number again.
    LastNumberRedial,
    /// Listens to the call of a user.
    Monitor(String),
    /// Retrieves the call parked against a user; `None` is oneself.
    ParkRetrieve(Option<String>),
    /// Takes any ringing call of the group.
    Pickup,
}

/// What becomes of a ringing call that its user hangs up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decline {
    /// Goes where calls of a busy user go.
    Busy,
    /// Ends.
    No,
    /// Goes where unanswered calls go.
    TemporarilyUnavailable,
}

/// A change to what is heard in a conference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    /// Hears nothing.
    Deaf,
    /// Is not heard.
    Mute,
    /// Hears again.
    Undeaf,
    /// Is heard again.
    Unmute,
}

/// A change to a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// Interrupt.
    Pause,
    /// Go on.
    Resume,
    /// Begin.
    Start,
    /// End.
    Stop,
}

/// What a command brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is done.
    Done,
    /// The call is parked; the address retrieves it.
    Parked {
        /// As `tel:0102`.
        address: String,
    },
    /// A call began.
    Started {
        /// Its call id.
        call: LegId,
        /// Its tracking id.
        tracking: Tracking,
    },
}

/// Why a command is not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The parameter of this name means nothing.
    BadParameter(&'static str),
    /// The user lacks the service of this name.
    NotAssigned(&'static str),
    /// There is nothing to pick up, retrieve or join.
    NothingThere,
    /// The call or user does not allow it now; the text says why.
    NotNow(&'static str),
    /// The user has no such call.
    UnknownCall,
}

/// What is to be done.
#[derive(Debug, Clone)]
pub enum Action {
    /// A call has reached a user and does not ring yet. Only who asks for all of it sees that.
    Arrival {
        /// Whose.
        user: String,
        /// What became of it; nothing more is told of one that does not ring.
        arrival: Arrival,
        /// The leg that rings if it comes to that.
        leg: Box<LegView>,
    },
    /// A user's conference changed; `None` means that it is over.
    Conference {
        /// The controller.
        user: String,
        /// How it stands.
        conference: Option<ConferenceView>,
    },
    /// A user's phone was taken up or put down.
    Hook {
        /// The user.
        user: String,
        /// Whether it is off hook.
        off: bool,
    },
    /// A leg changed.
    Leg {
        /// Whose.
        user: String,
        /// What happened.
        change: Change,
        /// How it stands.
        leg: Box<LegView>,
    },
    /// Write a call log entry.
    Log(Box<CallRecord>),
    /// Keep a voice message.
    Message(Message),
    /// The call parked against a user changed; `None` means that there is none any more.
    Park {
        /// Against whom.
        user: String,
        /// Who waits there.
        parked: Option<Party>,
    },
    /// Answer the command; exactly one after each.
    Reply(Result<Reply, Refusal>),
}

/// What becomes of a call that has reached a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The services of the user have not run yet.
    Offered,
    /// They sent it on.
    Redirected,
    /// They refused it.
    Refused,
}

/// What happened to a leg, named as Xsi-Events names it (schema, call events).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Answered.
    Answered,
    /// Joined by a third one.
    BargedIn,
    /// Transferred away.
    Detached,
    /// Forwarded to somebody else.
    Forwarded,
    /// Put on hold, by this end or the other.
    Held,
    /// Listened to.
    Monitored,
    /// Placed.
    Originated,
    /// The own phone rings.
    Originating,
    /// Retrieved from where it was parked.
    ParkRetrieved,
    /// Picked up by another phone.
    PickedUp,
    /// Rings.
    Received,
    /// The recording stands otherwise.
    Recording(Record),
    /// Over.
    Released,
    /// Has failed and tells why.
    Releasing,
    /// Back from hold.
    Retrieved,
    /// Has another other end.
    Transferred,
    /// Something else changed.
    Updated,
}

impl Change {
    /// A word for log lines.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::BargedIn => "barged-in",
            Self::Detached => "detached",
            Self::Forwarded => "forwarded",
            Self::Held => "held",
            Self::Monitored => "monitored",
            Self::Originated => "originated",
            Self::Originating => "originating",
            Self::ParkRetrieved => "park-retrieved",
            Self::PickedUp => "picked-up",
            Self::Received => "received",
            Self::Recording(_) => "recording",
            Self::Released => "released",
            Self::Releasing => "releasing",
            Self::Retrieved => "retrieved",
            Self::Transferred => "transferred",
            Self::Updated => "updated",
        }
    }
}

/// A call that is over for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// The user.
    pub user: String,
    /// In which list it belongs.
    pub kind: LogKind,
    /// Its call id.
    pub call: LegId,
    /// The other end.
    pub remote: Party,
    /// What was dialled, when it was.
    pub dialled: Option<String>,
    /// Its times; the release is set.
    pub times: Times,
}

/// A voice message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whose mailbox.
    pub mailbox: String,
    /// Who speaks.
    pub from: Party,
    /// When it began, milliseconds since 1970.
    pub time: i64,
    /// Milliseconds, whole seconds and at least one.
    pub duration: u64,
}
