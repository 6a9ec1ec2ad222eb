//! Our own channels: one set, one channel per XSP (Xsi-Events field page, 1.9).
//!
//! [`ChannelSet`] is the machine; a worker opens streams, sends requests and tells it what came.
//! Every request and stream carries the [`Attempt`] that it belongs to, so that what comes late is
//! known as late. Events are acknowledged before anybody looks at them, and each is handed on once,
//! whichever channel of the set brought it.

mod acks;
mod loss;
mod member;
mod recent;
mod set;
mod shared;
mod up;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use set::ChannelSet;

use crate::domain::events::document::Document;
use crate::domain::events::document::SubscriptionEvent;
use crate::domain::events::document::TerminatedReason;
use crate::domain::events::document::requests::AckStatus;
use crate::domain::events::ids::ChannelId;
use crate::domain::events::ids::EventId;

/// Seconds that mean "never" (schema of the event interface).
pub const NEVER: u32 = 2_147_483_647;

/// The numbers of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Time between two heartbeats: half of the XSP's `eventTimeout`.
    pub heartbeat: Duration,
    /// The XSP's `eventTimeout`: without a good heartbeat for so long, a channel is lost.
    pub event_timeout: Duration,
    /// How long an XSP may take to name the channel.
    pub opening: Duration,
    /// Redirects followed in one opening.
    pub redirects: u8,
    /// Acknowledgements under way at once, per channel.
    pub acks_at_once: usize,
    /// Acknowledgements waiting, per channel. One more and the channel is given up: the server
    /// then sends again what was not acknowledged, so nothing is lost and memory stays bounded.
    pub acks_waiting: usize,
    /// How long a request may be without its result before it counts as failed.
    pub patience: Duration,
    /// Seconds of life asked for.
    pub expires: u32,
    /// How long a channel may take to say farewell when we leave.
    pub farewell: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(15),
            event_timeout: Duration::from_secs(30),
            opening: Duration::from_secs(10),
            redirects: 3,
            acks_at_once: 4,
            acks_waiting: 1_024,
            patience: Duration::from_secs(10),
            expires: 3_600,
            farewell: Duration::from_secs(2),
        }
    }
}

/// One XSP of the set, by its place in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Xsp(pub u16);

/// One opening of a channel, and all that follows from it. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Attempt(pub u64);

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The daemon stops: leave in order.
    Drain,
    /// Something happened to an attempt.
    On(Attempt, Happening),
    /// There are so many XSPs now, and not those of before: what is open is given up, and opened
    /// anew in the same set, so that the subscriptions carry on.
    Xsps(u16),
}

/// What happened to an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// An acknowledgement ended.
    Acknowledged(EventId, Outcome),
    /// The stream brought a document. The standing says what is known of the event's subscription;
    /// it is ignored for other documents.
    Document(Document, Standing),
    /// The stream ended, or broke.
    Ended,
    /// A heartbeat ended.
    HeartbeatEnded(Outcome),
    /// The stream could not be opened.
    OpenFailed(OpenFailure),
    /// The channel's update ended; the answer's `expires`.
    Refreshed(Outcome, Option<u32>),
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// 200.
    Done,
    /// No usable answer, or 5xx: worth another try.
    Failed,
    /// 401, 403, 404 or 410: the XSP does not know us or the channel.
    Gone,
}

/// Why no stream was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenFailure {
    /// 401 or 403.
    Denied,
    /// No connection, no answer, or a broken one.
    Io,
    /// 302; where to. The worker has checked that we may go there.
    Redirected(Box<str>),
    /// Any other status.
    Refused(u16),
}

/// What is known of an event's subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Ours, or about to be: acknowledged and handed on.
    Current,
    /// Nothing to us at present, but not to be ended either: acknowledged and dropped.
    Foreign,
    /// Left by an earlier life of ours: answered with 481, which ends it.
    Stale,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Acknowledge an event, on a connection of its own to the XSP of the attempt.
    Acknowledge(Attempt, EventId, AckStatus),
    /// Tell the world.
    Announce(Change),
    /// The cause of an alarm is gone.
    Clear(Xsp, Alarm),
    /// Drop the stream.
    Close(Attempt),
    /// Delete the channel; the result does not matter.
    Delete(Attempt, ChannelId),
    /// An event that was not seen before.
    Deliver(Box<SubscriptionEvent>),
    /// All channels are closed after [`Input::Drain`].
    Drained,
    /// Send a heartbeat.
    Heartbeat(Attempt, ChannelId),
    /// Open a stream at this XSP, or where it sent us.
    Open {
        /// At which XSP.
        xsp: Xsp,
        /// The name of this attempt.
        attempt: Attempt,
        /// Where it redirected us.
        location: Option<Box<str>>,
    },
    /// An operator must look.
    Raise(Xsp, Alarm),
    /// Give the channel a longer life.
    Refresh(Attempt, ChannelId, u32),
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A channel is lost.
    Lost(Xsp, LostReason),
    /// The first channel of the set is up: events flow.
    SourceBack,
    /// The last channel of the set is lost.
    SourceLost {
        /// Whether it may come back by itself.
        returns: bool,
    },
    /// A channel is up.
    Up(Xsp, ChannelId),
}

/// Why a channel was lost.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LostReason {
    /// Acknowledgements do not reach the XSP.
    AcksFailing,
    /// More acknowledgements were waiting than allowed.
    AcksOverflow,
    /// Heartbeats were accepted and no echo came: something between us holds the stream back.
    BufferedStream,
    /// 401 or 403.
    Denied,
    /// The daemon stops.
    Drained,
    /// Heartbeats got no answer.
    HeartbeatFailed,
    /// The XSP does not know the channel any more.
    HeartbeatRefused,
    /// No connection, or a broken one.
    Io,
    /// The stream opened but no channel was named in time.
    NoChannel,
    /// Redirected too often.
    Redirects,
    /// A status that says no.
    Refused(u16),
    /// The stream ended.
    StreamEnded,
    /// The Application Server ended it.
    Terminated(TerminatedReason),
    /// The XSPs are others now.
    XspsChanged,
}

impl LostReason {
    /// Every word of [`LostReason::as_str`].
    pub const WORDS: [&'static str; 20] = [
        "acks-failing",
        "acks-overflow",
        "buffered-stream",
        "denied",
        "drained",
        "duplicate-channel-set",
        "expired",
        "explicit-delete",
        "heartbeat-failed",
        "heartbeat-refused",
        "io",
        "no-channel",
        "non-responsive-channel",
        "other",
        "redirects",
        "refused",
        "stream-ended",
        "unknown-channel",
        "user-deleted",
        "xsps-changed",
    ];

    /// The word of metrics and logs.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::AcksFailing => "acks-failing",
            Self::AcksOverflow => "acks-overflow",
            Self::BufferedStream => "buffered-stream",
            Self::Denied => "denied",
            Self::Drained => "drained",
            Self::HeartbeatFailed => "heartbeat-failed",
            Self::HeartbeatRefused => "heartbeat-refused",
            Self::Io => "io",
            Self::NoChannel => "no-channel",
            Self::Redirects => "redirects",
            Self::Refused(_) => "refused",
            Self::StreamEnded => "stream-ended",
            Self::Terminated(reason) => reason.as_str(),
            Self::XspsChanged => "xsps-changed",
        }
    }
}

/// Why an operator must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Alarm {
    /// Something between us and the XSP holds the stream back.
    BufferedStream,
    /// The account is refused.
    Denied,
    /// Somebody else uses our account and applicationId.
    DuplicateChannelSet,
    /// Our acknowledgements go astray.
    NonResponsiveChannel,
    /// An event was answered with 404, which we never do: answers are crossed.
    UnknownChannel,
    /// The account was deleted.
    UserDeleted,
}

impl Alarm {
    /// Every alarm.
    pub const ALL: [Self; 6] = [
        Self::BufferedStream,
        Self::Denied,
        Self::DuplicateChannelSet,
        Self::NonResponsiveChannel,
        Self::UnknownChannel,
        Self::UserDeleted,
    ];

    /// The word of metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BufferedStream => "buffered-stream",
            Self::Denied => "denied",
            Self::DuplicateChannelSet => "duplicate-channel-set",
            Self::NonResponsiveChannel => "non-responsive-channel",
            Self::UnknownChannel => "unknown-channel",
            Self::UserDeleted => "user-deleted",
        }
    }
}

/// How a channel stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelState {
    /// Tried again later.
    Waiting,
    /// Being opened.
    Opening,
    /// Events flow.
    Up(ChannelId),
    /// Not tried again.
    Stopped,
}

/// Names under which one node of a farm opens channels and subscribes. A second channel set with
/// the same user and applicationId kills the first (Xsi-Events field page, 1.2), and a subscription
/// of the same owner, target, package and applicationId replaces the other: so each node has its
/// own, the same at every start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeNames {
    /// `channelSetId`.
    pub set: Box<str>,
    /// `applicationId`.
    pub application: Box<str>,
}

impl NodeNames {
    /// Longest id that the schema allows.
    const LONGEST: usize = 256;

    /// Of a node of a farm. Both parts together must be shorter than 200 characters.
    ///
    /// # Errors
    /// The names would be longer than the schema allows.
    pub fn of(application: &str, node: &str) -> Result<Self, NamesTooLong> {
        let application = format!("{application}.{node}");
        let set = format!("{application}.set");
        if set.chars().count() > Self::LONGEST {
            return Err(NamesTooLong);
        }
        Ok(Self {
            set: set.into(),
            application: application.into(),
        })
    }
}

/// A name that the schema does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("application and node name together are longer than BroadWorks allows (252 characters)")]
pub struct NamesTooLong;
