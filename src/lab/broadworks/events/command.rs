//! What clients, XSPs and the rest of BroadWorks say to the event service, and what it wants done.

use std::time::Duration;

use bytes::Bytes;

use crate::lab::broadworks::events::envelope::EventData;
use crate::lab::broadworks::events::ids::ChannelId;
use crate::lab::broadworks::events::ids::EventId;
use crate::lab::broadworks::events::ids::SubscriptionId;
use crate::lab::broadworks::events::package::Packages;
use crate::lab::broadworks::events::settings::Settings;
use crate::lab::broadworks::events::view::ChannelView;
use crate::lab::broadworks::xsp::Xsp;

/// Whose channels and subscriptions they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A client application, by the name in its certificate.
    Client(String),
    /// A user or administrator, by id.
    User(String),
}

impl Owner {
    /// The id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Client(id) | Self::User(id) => id,
        }
    }
}

/// Something that happens to the event service.
#[derive(Debug, Clone)]
pub enum Input {
    /// A client asks for something.
    Asked {
        /// Who.
        by: Owner,
        /// What.
        ask: Ask,
    },
    /// New times.
    Configure(Settings),
    /// A stream is gone; nothing can be written to it any more.
    Lost(ChannelId),
    /// Something happened to a user.
    Occurred(Occurrence),
    /// An HTTP contact took an event, or did not.
    Posted {
        /// The event.
        event: EventId,
        /// Whether it answered 200.
        taken: bool,
    },
    /// A subscription ends by somebody else's will.
    Terminate(SubscriptionId),
    /// A user is no more.
    UserDeleted(String),
}

/// What clients ask for.
#[derive(Debug, Clone)]
pub enum Ask {
    /// A heartbeat.
    Beat {
        /// The channel.
        channel: ChannelId,
        /// Where it arrived.
        at: Xsp,
    },
    /// The channels of a set.
    ChannelSet(String),
    /// The end of a channel.
    Close(ChannelId),
    /// A channel.
    Open(Open),
    /// A later end of a channel.
    ProlongChannel(ChannelId, u32),
    /// A later end of a subscription, and with it the state of its target anew.
    ProlongSubscription {
        /// The subscription.
        subscription: SubscriptionId,
        /// Seconds.
        expires: u32,
        /// The state.
        state: Vec<EventData>,
        /// Whether the asker may touch those of others.
        any: bool,
    },
    /// An acknowledgement.
    Respond {
        /// The event.
        event: EventId,
        /// What the client made of it.
        status: Status,
        /// Where it arrived.
        at: Xsp,
    },
    /// A subscription.
    Subscribe(Box<Subscribe>),
    /// The end of a subscription.
    Unsubscribe {
        /// The subscription.
        subscription: SubscriptionId,
        /// Whether the asker may touch those of others.
        any: bool,
    },
}

/// A channel to be opened.
#[derive(Debug, Clone)]
pub struct Open {
    /// Its set.
    pub set: String,
    /// Lower ones are preferred.
    pub priority: u32,
    /// Its share among those of equal priority.
    pub weight: u32,
    /// Seconds asked for.
    pub expires: u32,
    /// The application.
    pub application: Option<String>,
    /// The XSP that holds it.
    pub at: Xsp,
    /// What holds it alive.
    pub kind: ChannelKind,
}

/// What holds a channel alive, and whether its events are acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    /// Nothing but itself: a client application's, on no HTTP stream. What is written counts as
    /// acknowledged.
    Feed,
    /// Heartbeats over HTTP.
    Stream,
}

/// A subscription to be made.
#[derive(Debug, Clone)]
pub struct Subscribe {
    /// Whom it is about.
    pub target: Target,
    /// What.
    pub packages: Packages,
    /// Whether several packages were asked for at once.
    pub list: bool,
    /// The application.
    pub application: Option<String>,
    /// Shared with others.
    pub shared: Option<String>,
    /// Whether it takes the place of an equal one.
    pub replaces: bool,
    /// Where its events go.
    pub route: Destination,
    /// Seconds asked for.
    pub expires: u32,
    /// The state of the target.
    pub state: Vec<EventData>,
}

/// Where events are to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Over a channel of this set.
    ChannelSet(String),
    /// To this URI.
    Contact(String),
}

/// Whom a subscription is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A group of a service provider.
    Group {
        /// The service provider or enterprise.
        provider: String,
        /// The group.
        group: String,
    },
    /// A service provider or enterprise.
    Provider(String),
    /// Everybody.
    System,
    /// One user, or a part of one.
    User {
        /// The user.
        user: String,
        /// The part.
        sub: Option<String>,
    },
}

/// What a client made of an event (XSI schema, `EventResponse`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// 400: dropped.
    Dropped,
    /// 500: try the next channel.
    Failed,
    /// 200.
    Taken,
    /// 404: the channel is not known.
    UnknownChannel,
    /// 481: the subscription is not known.
    UnknownSubscription,
}

impl Status {
    /// By its number.
    #[must_use]
    pub const fn of(code: u32) -> Option<Self> {
        match code {
            200 => Some(Self::Taken),
            400 => Some(Self::Dropped),
            404 => Some(Self::UnknownChannel),
            481 => Some(Self::UnknownSubscription),
            500 => Some(Self::Failed),
            _ => None,
        }
    }
}

/// Something that happened to a user, as the packages tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Service provider or enterprise of the user.
    pub provider: String,
    /// Group of the user.
    pub group: String,
    /// The user.
    pub user: String,
    /// In order: which packages tell what.
    pub told: Vec<(Packages, EventData)>,
}

/// What an ask brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The channels of a set.
    Channels(Vec<ChannelView>),
    /// It is done.
    Done,
    /// A channel is open.
    Opened {
        /// Its id.
        channel: ChannelId,
        /// Seconds granted.
        expires: u32,
    },
    /// The channel lives so many seconds longer.
    Prolonged(u32),
    /// A subscription is made, or lives longer.
    Subscribed {
        /// Its id.
        subscription: SubscriptionId,
        /// Seconds granted.
        expires: u32,
    },
}

/// Why an ask is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A bound is reached; the text says which.
    Full(&'static str),
    /// The set has no live channel.
    NoChannel,
    /// No such channel here.
    UnknownChannel,
    /// No such event here.
    UnknownEvent,
    /// No such subscription.
    UnknownSubscription,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Break a stream off.
    Cut(ChannelId),
    /// An event will not arrive.
    Dropped {
        /// The event.
        event: EventId,
        /// Why.
        reason: DropReason,
    },
    /// End a stream in order.
    End(ChannelId),
    /// Send an event to an HTTP contact and tell what it answered.
    Post {
        /// The event.
        event: EventId,
        /// Where.
        uri: String,
        /// The document.
        document: Bytes,
    },
    /// Answer the ask; exactly one after each.
    Reply(Result<Reply, Refusal>),
    /// Write a document.
    Write {
        /// On this channel.
        channel: ChannelId,
        /// What it is.
        what: Piece,
        /// The document.
        document: Bytes,
    },
}

/// What a document on a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// The echo of a heartbeat.
    Echo,
    /// An event.
    Event(EventId),
    /// The end of the channel.
    Terminated(ChannelEnd),
}

/// Why an event did not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// Too many wait.
    Backlog,
    /// The HTTP contact did not take it.
    Contact,
    /// The client answered 400.
    Dropped,
    /// No channel of the set came back in time.
    Expired,
    /// The subscription is gone.
    Subscription,
    /// No channel acknowledged it, others were.
    Unacknowledged,
}

/// Why a channel ended (XSI schema, `ChannelTerminatedReason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelEnd {
    /// Another set of the same owner and application.
    DuplicateChannelSet,
    /// Deleted.
    ExplicitDelete,
    /// Not prolonged.
    Expired,
    /// No channel of the set acknowledges events.
    NonResponsiveChannel,
    /// The application says that it does not know it.
    UnknownChannel,
    /// The owner is no more.
    UserDeleted,
}

impl ChannelEnd {
    /// The word of the schema.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DuplicateChannelSet => "DuplicateChannelSet",
            Self::ExplicitDelete => "ExplicitDelete",
            Self::Expired => "Expired",
            Self::NonResponsiveChannel => "NonResponsiveChannel",
            Self::UnknownChannel => "UnknownChannel",
            Self::UserDeleted => "UserDeleted",
        }
    }
}

/// Seconds as a length of time.
pub(super) const fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds as u64)
}
