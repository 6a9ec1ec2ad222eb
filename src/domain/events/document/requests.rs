//! What we send: one line of XML, in the order of the schema.

use crate::domain::events::ids::EventId;
use crate::domain::xsi::codec::Document as Tree;
use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::Encoding;
use crate::domain::xsi::codec::write_xml;

/// A channel to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelAdd<'a> {
    /// One per node, the same for ever: a fresh one at each start leaks subscriptions.
    pub set: &'a str,
    /// Lower is preferred.
    pub priority: u32,
    /// Share among equals.
    pub weight: u32,
    /// Seconds of life asked for.
    pub expires: u32,
    /// One set per user and application. Two nodes need two, or none at all.
    pub application: Option<&'a str>,
}

/// A subscription to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscriptionAdd<'a> {
    /// One package is written alone, several as a list.
    pub packages: &'a [&'a str],
    /// Seconds of life asked for.
    pub expires: u32,
    /// Where its events go.
    pub set: &'a str,
    /// Its application.
    pub application: Option<&'a str>,
}

/// What an acknowledgement says to the Application Server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AckStatus {
    /// 200: done.
    Done,
    /// 481: no such subscription; the server ends it.
    NoSuchSubscription,
}

impl AckStatus {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Done => 200,
            Self::NoSuchSubscription => 481,
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::Done => "OK",
            Self::NoSuchSubscription => "Subscription does not exist",
        }
    }
}

/// `POST …/channel`.
#[must_use]
pub fn channel_add(channel: ChannelAdd<'_>) -> Vec<u8> {
    write(
        Element::xsi("Channel")
            .with_leaf("channelSetId", channel.set)
            .with_leaf("priority", channel.priority.to_string())
            .with_leaf("weight", channel.weight.to_string())
            .with_leaf("expires", channel.expires.to_string())
            .with_some("applicationId", channel.application),
    )
}

/// `PUT …/channel/{id}`.
#[must_use]
pub fn channel_update(expires: u32) -> Vec<u8> {
    write(Element::xsi("Channel").with_leaf("expires", expires.to_string()))
}

/// `POST …/user/{id}` or another target.
#[must_use]
pub fn subscription_add(subscription: SubscriptionAdd<'_>) -> Vec<u8> {
    let events = subscription
        .packages
        .iter()
        .map(|package| Element::leaf("event", *package));
    let root = Element::xsi("Subscription");
    let root = if subscription.packages.len() == 1 {
        root.with_all(events)
    } else {
        root.with(Element::new("eventPackageList").with_all(events))
    };
    write(
        root.with_leaf("expires", subscription.expires.to_string())
            .with_leaf("channelSetId", subscription.set)
            .with_some("applicationId", subscription.application),
    )
}

/// `PUT …/subscription/{id}`: longer life, and for a user a new snapshot.
#[must_use]
pub fn subscription_update(expires: u32) -> Vec<u8> {
    write(Element::xsi("Subscription").with_leaf("expires", expires.to_string()))
}

/// `POST …/channel/eventresponse`.
#[must_use]
pub fn event_response(event: &EventId, status: AckStatus) -> Vec<u8> {
    write(
        Element::xsi("EventResponse")
            .with_leaf("eventID", event.as_str())
            .with_leaf("statusCode", status.code().to_string())
            .with_leaf("reason", status.reason()),
    )
}

fn write(root: Element) -> Vec<u8> {
    write_xml(&Tree::new(root), Encoding::Utf8)
}
