//! Channels and subscriptions as elements, in the order of the schema.

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::events::command::Destination;
use crate::lab::broadworks::events::command::Owner;
use crate::lab::broadworks::events::command::Target;
use crate::lab::broadworks::events::ids::ChannelId;
use crate::lab::broadworks::events::ids::SubscriptionId;
use crate::lab::broadworks::events::view::ChannelView;
use crate::lab::broadworks::events::view::SubscriptionView;

/// `Channel` of an answer.
pub(super) fn channel(id: ChannelId, expires: u32) -> Element {
    Element::xsi("Channel")
        .with_leaf("channelId", id.to_string())
        .with_leaf("expires", expires.to_string())
}

/// `ChannelSet` or `SystemChannelSet`.
pub(super) fn set(root: &str, channels: &[ChannelView]) -> Element {
    let channels = channels.iter().map(|channel| {
        Element::new("channel")
            .with_leaf("channelId", channel.id.to_string())
            .with_leaf("channelSetId", &channel.set)
            .with_leaf("priority", channel.priority.to_string())
            .with_leaf("weight", channel.weight.to_string())
            .with_leaf("expires", channel.expires.to_string())
            .with_some("applicationId", channel.application.as_deref())
    });
    Element::xsi(root).with_all(channels)
}

/// `Subscription` of an answer.
pub(super) fn subscribed(id: SubscriptionId, expires: u32) -> Element {
    Element::xsi("Subscription")
        .with_leaf("subscriptionId", id.to_string())
        .with_leaf("expires", expires.to_string())
}

/// `Subscription` in full.
pub(super) fn subscription(view: &SubscriptionView) -> Element {
    fill(Element::xsi("Subscription"), view, true)
}

/// `SubscriptionList`. The type of a target is left out where it is a user (as printed).
pub(super) fn subscriptions<'a>(views: impl Iterator<Item = &'a SubscriptionView>) -> Element {
    let all = views.map(|view| {
        let typed = !matches!(view.target, Target::User { .. });
        fill(Element::new("subscription"), view, typed)
    });
    Element::xsi("SubscriptionList").with_all(all)
}

fn fill(element: Element, view: &SubscriptionView, typed: bool) -> Element {
    let target = TargetText::of(&view.target);
    let element = element
        .with_leaf("subscriptionId", view.id.to_string())
        .with_some("sharedSubscriptionId", view.shared.as_deref());
    let element = match &view.owner {
        Owner::Client(id) => element.with_leaf("clientId", id),
        Owner::User(id) => element.with_leaf("subscriberId", id),
    };
    let element = element
        .with_some("targetIdType", typed.then_some(target.kind))
        .with_some("targetGrpParentId", target.parent)
        .with_some("targetId", target.id)
        .with_some("targetSubId", target.sub);
    let events = view
        .packages
        .iter()
        .map(|package| Element::leaf("event", package.name()));
    let element = if view.list {
        element.with(Element::new("eventPackageList").with_all(events))
    } else {
        element.with_all(events)
    };
    let element = element.with_leaf("expires", view.expires.to_string());
    let element = match &view.route {
        Destination::ChannelSet(set) => element.with_leaf("channelSetId", set),
        Destination::Contact(uri) => {
            element.with(Element::new("httpContact").with_leaf("uri", uri))
        }
    };
    element.with_some("applicationId", view.application.as_deref())
}

/// A target as the schema names it.
pub(super) struct TargetText<'a> {
    pub(super) kind: &'static str,
    pub(super) parent: Option<&'a str>,
    pub(super) id: Option<&'a str>,
    pub(super) sub: Option<&'a str>,
}

impl<'a> TargetText<'a> {
    pub(super) fn of(target: &'a Target) -> Self {
        let (kind, parent, id, sub) = match target {
            Target::Group { provider, group } => {
                ("Group", Some(provider.as_str()), Some(group.as_str()), None)
            }
            Target::Provider(id) => ("ServiceProvider", None, Some(id.as_str()), None),
            Target::System => ("System", None, None, None),
            Target::User { user, sub } => ("User", None, Some(user.as_str()), sub.as_deref()),
        };
        Self {
            kind,
            parent,
            id,
            sub,
        }
    }
}
