//! Documents of the event interface: what an XSP writes on a stream or answers, and what we send.
//!
//! Judged by [`crate::domain::xsi::codec`] (hardening: DOCTYPE, depth, attributes, characters, one
//! root), then read by local name, in any order and under any prefix. Only what we cannot do
//! without must be there: an event's id, a call's id and state.

pub mod answers;
pub mod call;
pub mod envelope;
mod fields;
pub mod requests;

#[cfg(test)]
mod tests;

pub use answers::BusyLampField;
pub use answers::ChannelEntry;
pub use answers::ErrorInfo;
pub use answers::MonitoredUser;
pub use answers::SubscriptionEntry;
pub use call::Call;
pub use call::CallState;
pub use call::HookStatus;
pub use call::Party;
pub use call::Personality;
pub use envelope::Delivery;
pub use envelope::EventData;
pub use envelope::Owner;
pub use envelope::Snapshot;
pub use envelope::SubscriptionEvent;

use crate::domain::events::document::fields::Fields;
use crate::domain::events::ids::ChannelId;
use crate::domain::xsi::codec::CodecError;
use crate::domain::xsi::codec::XSI;
use crate::domain::xsi::codec::parse_xml;

/// The usual cap of one document: real ones have 1 to 3 KiB, a snapshot of 50 calls 80.
pub const CAP: usize = 256 * 1024;

/// One complete document of an event stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// First of a stream: the channel is up.
    ChannelOpened(ChannelEntry),
    /// The channel is over; must not be acknowledged (Xsi-Events field page, 1.8).
    ChannelTerminated {
        /// Which one.
        channel: Option<ChannelId>,
        /// Why.
        reason: TerminatedReason,
    },
    /// A refusal on the stream.
    ErrorInfo(ErrorInfo),
    /// An event of a subscription.
    Event(Box<SubscriptionEvent>),
    /// The echo of our heartbeat.
    HeartBeat,
    /// Something that we do not know, by its name.
    Unknown {
        /// Local name of the root, or of the event's type.
        name: Box<str>,
    },
}

/// Why the Application Server ended a channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TerminatedReason {
    /// Another channel set with our user and applicationId.
    DuplicateChannelSet,
    /// Somebody deleted it.
    ExplicitDelete,
    /// It was not refreshed.
    Expired,
    /// No channel of the set acknowledged events.
    NonResponsiveChannel,
    /// A word that the public schema does not have.
    Other(Box<str>),
    /// An event was answered with 404.
    UnknownChannel,
    /// The owner is gone.
    UserDeleted,
}

impl TerminatedReason {
    /// From the wire's word.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "DuplicateChannelSet" => Self::DuplicateChannelSet,
            "ExplicitDelete" => Self::ExplicitDelete,
            "Expired" => Self::Expired,
            "NonResponsiveChannel" => Self::NonResponsiveChannel,
            "UnknownChannel" => Self::UnknownChannel,
            "UserDeleted" => Self::UserDeleted,
            other => Self::Other(Box::from(other)),
        }
    }

    /// The word of metrics and logs.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::DuplicateChannelSet => "duplicate-channel-set",
            Self::ExplicitDelete => "explicit-delete",
            Self::Expired => "expired",
            Self::NonResponsiveChannel => "non-responsive-channel",
            Self::Other(_) => "other",
            Self::UnknownChannel => "unknown-channel",
            Self::UserDeleted => "user-deleted",
        }
    }
}

/// A document that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// A call has no id, or no state.
    #[error("a call without callId or state")]
    Call,
    /// An event has no id, so that it cannot be acknowledged.
    #[error("an event without eventID")]
    EventId,
    /// Another document was expected.
    #[error("not the document that was expected")]
    Kind,
    /// A channel, subscription or list entry has no id.
    #[error("a document without its id")]
    Id,
    /// It is no well-formed document.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

impl Document {
    /// Reads one complete document of at most `cap` bytes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8], cap: usize) -> Result<Self, DocumentError> {
        let document = parse_xml(bytes, cap, None)?;
        let root = Fields(document.root());
        if document.root().namespace() != Some(XSI) {
            return Ok(Self::unknown(root.name()));
        }
        match root.name() {
            "Channel" => Ok(Self::ChannelOpened(ChannelEntry::read(root)?)),
            // One text spells it with a small b.
            "ChannelHeartBeat" | "ChannelHeartbeat" => Ok(Self::HeartBeat),
            "ErrorInfo" => Ok(Self::ErrorInfo(ErrorInfo::read(root))),
            "Event" => envelope::read(root),
            other => Ok(Self::unknown(other)),
        }
    }

    fn unknown(name: &str) -> Self {
        Self::Unknown {
            name: Box::from(name),
        }
    }
}
