//! Channels and subscriptions as their owner may see them.

use crate::lab::broadworks::events::command::Destination;
use crate::lab::broadworks::events::command::Owner;
use crate::lab::broadworks::events::command::Target;
use crate::lab::broadworks::events::ids::ChannelId;
use crate::lab::broadworks::events::ids::SubscriptionId;
use crate::lab::broadworks::events::package::Package;
use crate::lab::broadworks::xsp::Xsp;

/// A channel as its owner may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelView {
    /// Its id.
    pub id: ChannelId,
    /// Its set.
    pub set: String,
    /// Whose it is.
    pub owner: Owner,
    /// The XSP that holds it.
    pub at: Xsp,
    /// Priority.
    pub priority: u32,
    /// Weight.
    pub weight: u32,
    /// Seconds left.
    pub expires: u32,
    /// The application.
    pub application: Option<String>,
}

/// A subscription as its owner may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionView {
    /// Its id.
    pub id: SubscriptionId,
    /// Whose it is.
    pub owner: Owner,
    /// Whom it is about.
    pub target: Target,
    /// What.
    pub packages: Vec<Package>,
    /// Whether it was asked for as a list.
    pub list: bool,
    /// Seconds left.
    pub expires: u32,
    /// Where its events go.
    pub route: Destination,
    /// The application.
    pub application: Option<String>,
    /// Shared with others.
    pub shared: Option<String>,
}
