//! The documents of a stream: the first one, the echo of a heartbeat, events, the end of a
//! channel. One line each but for the line feed after the prolog of the first one (seen).

use std::sync::Arc;

use bytes::Bytes;

use crate::lab::broadworks::events::command::ChannelEnd;
use crate::lab::broadworks::events::command::Owner;
use crate::lab::broadworks::events::ids::ChannelId;
use crate::lab::broadworks::events::ids::EventId;
use crate::lab::broadworks::events::ids::SubscriptionId;
use crate::lab::broadworks::events::markup::Markup;

const PROLOG: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

const XSI: &str = "http://schema.broadsoft.com/xsi";

const EVENT: &str = concat!(
    r#"<xsi:Event xmlns:xsi="http://schema.broadsoft.com/xsi" "#,
    r#"xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance" xsi1:type="xsi:"#
);

/// The attribute that tells a type.
pub(super) const TYPE: &str = "xsi1:type";

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventData {
    /// Its type, as `CallReceivedEvent`.
    pub kind: &'static str,
    /// Its elements.
    pub(super) content: Arc<str>,
}

impl EventData {
    pub(super) fn new(kind: &'static str, write: impl FnOnce(&mut Markup)) -> Self {
        let mut markup = Markup::default();
        write(&mut markup);
        Self {
            kind,
            content: markup.into_text().into(),
        }
    }
}

/// What all events of a subscription have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heading {
    pub(super) subscription: SubscriptionId,
    pub(super) owner: Owner,
    pub(super) application: Option<String>,
    pub(super) shared: Option<String>,
    pub(super) target_sub: Option<String>,
}

/// By which way an event reaches the client.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way<'a> {
    Channel(ChannelId),
    Contact(&'a str),
}

/// What is said about whom, and how often something was said before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Saying {
    pub(super) id: EventId,
    pub(super) sequence: u32,
    /// The user whom it is about, where it is one.
    pub(super) subject: Option<String>,
    pub(super) data: EventData,
}

/// A `SubscriptionEvent`.
pub(super) fn event(heading: &Heading, way: Way<'_>, saying: &Saying) -> Bytes {
    let mut inner = Markup::default();
    inner
        .leaf("eventID", &saying.id.to_string())
        .leaf("sequenceNumber", &saying.sequence.to_string());
    match &heading.owner {
        Owner::Client(id) => inner.leaf("clientId", id),
        Owner::User(id) => inner.leaf("userId", id),
    };
    inner
        .leaf(
            "externalApplicationId",
            heading.application.as_deref().unwrap_or_default(),
        )
        .leaf("subscriptionId", &heading.subscription.to_string())
        .some("sharedSubscriptionId", heading.shared.as_deref());
    match way {
        Way::Channel(channel) => inner.leaf("channelId", &channel.to_string()),
        Way::Contact(uri) => inner.within("httpContact", |inner| {
            inner.leaf("uri", uri);
        }),
    };
    // Absent where the target is the owner (seen).
    let own = matches!(&heading.owner, Owner::User(id) if saying.subject.as_ref() == Some(id));
    inner
        .some("targetId", saying.subject.as_deref().filter(|_| !own))
        .some("targetSubId", heading.target_sub.as_deref());
    let kind = format!("xsi:{}", saying.data.kind);
    inner.within_with("eventData", Some((TYPE, &kind)), |inner| {
        inner.raw(&saying.data.content);
    });
    outer("SubscriptionEvent", inner)
}

/// A `ChannelTerminatedEvent`.
pub(super) fn terminated(channel: ChannelId, end: ChannelEnd) -> Bytes {
    let mut inner = Markup::default();
    inner
        .leaf("channelId", &channel.to_string())
        .leaf("reason", end.as_str());
    outer("ChannelTerminatedEvent", inner)
}

fn outer(kind: &str, inner: Markup) -> Bytes {
    let inner = inner.into_text();
    format!("{PROLOG}{EVENT}{kind}\">{inner}</xsi:Event>").into()
}

/// The first document of a stream.
pub(super) fn opening(channel: ChannelId, expires: u32) -> Bytes {
    format!(
        "{PROLOG}\n<Channel xmlns=\"{XSI}\"><channelId>{channel}</channelId>\
         <expires>{expires}</expires></Channel>"
    )
    .into()
}

/// The echo of a heartbeat.
pub(super) fn echo() -> Bytes {
    Bytes::from_static(
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?>"#,
            r#"<ChannelHeartBeat xmlns="http://schema.broadsoft.com/xsi"/>"#
        )
        .as_bytes(),
    )
}
