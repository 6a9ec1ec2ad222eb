//! A call as BroadWorks tells it (Xsi-Events field page, 3.3).

use serde::Serialize;

use crate::domain::events::document::DocumentError;
use crate::domain::events::document::fields::Fields;
use crate::domain::events::ids::CallId;
use crate::domain::events::ids::TrackingId;
use crate::domain::events::ids::UserId;

/// One call of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name.
    pub id: CallId,
    /// What it shares with the other half.
    pub tracking: Option<TrackingId>,
    /// Which side the user is on.
    pub personality: Personality,
    /// How it stands.
    pub state: CallState,
    /// The state's word was unknown and [`CallState::Active`] stands in for it; to be counted.
    pub odd_state: bool,
    /// The other side. Empty when it asked for privacy.
    pub remote: Party,
    /// Ringing may be answered by Xsi-Actions Talk.
    pub answerable: bool,
    /// Milliseconds since 1970, BroadWorks' clock.
    pub started: Option<u64>,
    /// Milliseconds since 1970, BroadWorks' clock.
    pub answered: Option<u64>,
    /// Milliseconds since 1970, BroadWorks' clock.
    pub held: Option<u64>,
}

/// Which side of a call the user is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Personality {
    /// He asked for it by click.
    ClickToDial,
    /// He calls.
    Originator,
    /// He is called.
    Terminator,
    /// Not said, or a word that the public schema does not have.
    Unknown,
}

/// State of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallState {
    /// Answered.
    Active,
    /// Ringing here, or at the other side.
    Alerting,
    /// No longer at the user's device (transferred away).
    Detached,
    /// Held by the user.
    Held,
    /// Not yet anything.
    Idle,
    /// Over.
    Released,
    /// Held by the other side.
    RemoteHeld,
}

/// The receiver of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookStatus {
    /// In use.
    OffHook,
    /// On its cradle.
    OnHook,
}

/// A party of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Party {
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// `tel:` or `sip:` address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Box<str>>,
    /// When it is a BroadWorks user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// It asked for privacy: nothing else is kept.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub privacy: bool,
}

impl Call {
    pub(super) fn read(fields: Fields<'_>) -> Result<Self, DocumentError> {
        let id = fields.text("callId").ok_or(DocumentError::Call)?;
        let word = fields.text("state").ok_or(DocumentError::Call)?;
        let state = CallState::parse(word);
        Ok(Self {
            id: CallId::new(id),
            tracking: fields.text("extTrackingId").map(TrackingId::new),
            personality: Personality::parse(fields.text("personality")),
            state: state.unwrap_or(CallState::Active),
            odd_state: state.is_none(),
            remote: fields
                .child("remoteParty")
                .map(Party::read)
                .unwrap_or_default(),
            answerable: fields.has("allowAnswer"),
            started: fields.number("startTime"),
            answered: fields.number("answerTime"),
            held: fields.number("heldTime"),
        })
    }
}

impl Personality {
    fn parse(word: Option<&str>) -> Self {
        match word {
            Some("Click-to-Dial") => Self::ClickToDial,
            Some("Originator") => Self::Originator,
            Some("Terminator") => Self::Terminator,
            Some(_) | None => Self::Unknown,
        }
    }
}

impl CallState {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "Active" => Some(Self::Active),
            "Alerting" => Some(Self::Alerting),
            "Detached" => Some(Self::Detached),
            "Held" => Some(Self::Held),
            "Idle" => Some(Self::Idle),
            "Released" => Some(Self::Released),
            "Remote Held" => Some(Self::RemoteHeld),
            _ => None,
        }
    }
}

impl HookStatus {
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "Off-Hook" => Some(Self::OffHook),
            "On-Hook" => Some(Self::OnHook),
            _ => None,
        }
    }
}

impl Party {
    pub(super) fn read(fields: Fields<'_>) -> Self {
        if fields.has("privacy") {
            return Self {
                privacy: true,
                ..Self::default()
            };
        }
        Self {
            name: fields.owned("name"),
            address: fields.owned("address"),
            user: fields.text("userId").map(UserId::new),
            privacy: false,
        }
    }

    /// Whether there is nothing to show.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.name.is_none() && self.address.is_none() && self.user.is_none()
    }
}
