//! The event around its data (Xsi-Events field page, 2.4 and 3.2).

use crate::domain::events::document::Document;
use crate::domain::events::document::DocumentError;
use crate::domain::events::document::TerminatedReason;
use crate::domain::events::document::call::Call;
use crate::domain::events::document::call::HookStatus;
use crate::domain::events::document::call::Party;
use crate::domain::events::document::fields::Fields;
use crate::domain::events::ids::ChannelId;
use crate::domain::events::ids::EventId;
use crate::domain::events::ids::SubscriptionId;
use crate::domain::events::ids::UserId;

/// An event of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionEvent {
    /// What its acknowledgement names.
    pub id: EventId,
    /// Its place in the subscription; wraps from 2147483647 to 1.
    pub sequence: Option<u32>,
    /// Who subscribed.
    pub owner: Option<Owner>,
    /// `externalApplicationId`.
    pub application: Option<Box<str>>,
    /// The subscription.
    pub subscription: Option<SubscriptionId>,
    /// `sharedSubscriptionId`.
    pub shared: Option<Box<str>>,
    /// How it came.
    pub delivery: Option<Delivery>,
    /// Whom it is about, as written; [`SubscriptionEvent::about`] knows the default.
    pub target: Option<UserId>,
    /// A part of the target (a Meet-Me bridge's conference).
    pub target_part: Option<Box<str>>,
    /// What happened.
    pub data: EventData,
}

/// Who owns a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A client application: the name in its certificate.
    Client(Box<str>),
    /// A user or administrator.
    User(UserId),
}

/// How an event came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// On a channel.
    Channel(ChannelId),
    /// To an HTTP contact.
    HttpContact(Box<str>),
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventData {
    /// Any event that carries calls; their states say more than its name.
    Calls {
        /// `CallReceivedEvent`, …
        name: Box<str>,
        /// At least one.
        calls: Vec<Call>,
    },
    /// `DoNotDisturbEvent`; `None` when the service was taken away.
    DoNotDisturb(Option<bool>),
    /// `HookStatusEvent`.
    Hook(HookStatus),
    /// Everything else.
    Other {
        /// Its type.
        name: Box<str>,
    },
    /// `CallParkedAgainstEvent`; `None` when nothing is parked any more.
    Parked(Option<Party>),
    /// `CallSubscriptionEvent` or `CallSubscriptionResyncEvent`: the whole truth.
    Snapshot(Snapshot),
    /// The subscription is over.
    SubscriptionTerminated,
    /// Of a known kind, with content that cannot be read: as good as missed. It still has to be
    /// acknowledged, or the Application Server would end the channel for its sake.
    Unreadable {
        /// Its type.
        name: Box<str>,
    },
}

/// The calls of a user, all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The calls.
    pub calls: Vec<Call>,
    /// Whether a conference is described, too.
    pub conference: bool,
    /// The receiver.
    pub hook: Option<HookStatus>,
    /// Sent unasked, after a fail-over of the Application Server.
    pub resync: bool,
}

impl SubscriptionEvent {
    /// Whom it is about: the target is left out where it is the owner.
    #[must_use]
    pub fn about(&self) -> Option<&UserId> {
        match (&self.target, &self.owner) {
            (Some(target), _) => Some(target),
            (None, Some(Owner::User(user))) => Some(user),
            (None, Some(Owner::Client(_)) | None) => None,
        }
    }
}

impl EventData {
    /// The type's name on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Calls { name, .. } | Self::Other { name } | Self::Unreadable { name } => name,
            Self::DoNotDisturb(_) => "DoNotDisturbEvent",
            Self::Hook(_) => "HookStatusEvent",
            Self::Parked(_) => "CallParkedAgainstEvent",
            Self::Snapshot(snapshot) if snapshot.resync => "CallSubscriptionResyncEvent",
            Self::Snapshot(_) => "CallSubscriptionEvent",
            Self::SubscriptionTerminated => "SubscriptionTerminatedEvent",
        }
    }

    /// Calls whose state had to be guessed.
    pub fn odd_states(&self) -> usize {
        let calls = match self {
            Self::Calls { calls, .. } => calls,
            Self::Snapshot(snapshot) => &snapshot.calls,
            Self::DoNotDisturb(_)
            | Self::Hook(_)
            | Self::Other { .. }
            | Self::Parked(_)
            | Self::SubscriptionTerminated
            | Self::Unreadable { .. } => return 0,
        };
        calls.iter().filter(|call| call.odd_state).count()
    }

    fn read(fields: Fields<'_>) -> Result<Self, DocumentError> {
        let name = fields.kind().unwrap_or_default();
        match name {
            "CallSubscriptionEvent" | "CallSubscriptionResyncEvent" => {
                return Ok(Self::Snapshot(Snapshot {
                    calls: calls(fields)?,
                    conference: fields.has("conference"),
                    hook: fields.text("hookStatus").and_then(HookStatus::parse),
                    resync: name == "CallSubscriptionResyncEvent",
                }));
            }
            "HookStatusEvent" => {
                if let Some(hook) = fields.text("hookStatus").and_then(HookStatus::parse) {
                    return Ok(Self::Hook(hook));
                }
            }
            "CallParkedAgainstEvent" => {
                return Ok(Self::Parked(fields.child("parkedParty").map(Party::read)));
            }
            "DoNotDisturbEvent" => {
                let active = fields.child("info").and_then(|info| info.text("active"));
                return Ok(Self::DoNotDisturb(
                    active.map(|word| matches!(word, "true" | "1")),
                ));
            }
            "SubscriptionTerminatedEvent" => return Ok(Self::SubscriptionTerminated),
            // Tells of a call that is over since long; it says nothing about the line.
            "CallHistoryEvent" => {}
            _ => {
                let calls = calls(fields)?;
                if !calls.is_empty() {
                    let name = Box::from(name);
                    return Ok(Self::Calls { name, calls });
                }
            }
        }
        Ok(Self::Other {
            name: Box::from(name),
        })
    }
}

fn calls(fields: Fields<'_>) -> Result<Vec<Call>, DocumentError> {
    let inner = fields
        .all("calls")
        .flat_map(|calls| calls.all("call").collect::<Vec<_>>());
    fields.all("call").chain(inner).map(Call::read).collect()
}

pub(super) fn read(fields: Fields<'_>) -> Result<Document, DocumentError> {
    match fields.kind() {
        Some("SubscriptionEvent") => {}
        Some("ChannelTerminatedEvent") => {
            return Ok(Document::ChannelTerminated {
                channel: fields.text("channelId").map(ChannelId::new),
                reason: TerminatedReason::parse(fields.text("reason").unwrap_or_default()),
            });
        }
        // Perhaps a later kind of event that must be acknowledged: with an id it is one.
        Some(other) if !fields.has("eventID") => return Ok(Document::unknown(other)),
        None if !fields.has("eventID") => return Ok(Document::unknown("Event")),
        Some(_) | None => {}
    }
    let id = fields.text("eventID").ok_or(DocumentError::EventId)?;
    let user = fields
        .text("userId")
        .map(|user| Owner::User(UserId::new(user)));
    let client = || fields.owned("clientId").map(Owner::Client);
    let contact = || {
        let uri = fields.child("httpContact")?.owned("uri")?;
        Some(Delivery::HttpContact(uri))
    };
    let data = match fields.child("eventData") {
        Some(data) => EventData::read(data).unwrap_or_else(|_| EventData::Unreadable {
            name: Box::from(data.kind().unwrap_or_default()),
        }),
        None => EventData::Other { name: "".into() },
    };
    Ok(Document::Event(Box::new(SubscriptionEvent {
        id: EventId::new(id),
        sequence: fields.number("sequenceNumber"),
        owner: user.or_else(client),
        application: fields.owned("externalApplicationId"),
        subscription: fields.text("subscriptionId").map(SubscriptionId::new),
        shared: fields.owned("sharedSubscriptionId"),
        delivery: fields
            .text("channelId")
            .map(|id| Delivery::Channel(ChannelId::new(id)))
            .or_else(contact),
        target: fields.text("targetId").map(UserId::new),
        target_part: fields.owned("targetSubId"),
        data,
    })))
}
