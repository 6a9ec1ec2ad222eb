//! The event packages by name (XSI schema, `event` of a subscription), and sets of them.

/// An event package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package(u8);

/// The names with their exact spelling. The last one is in no public schema: the call history of
/// a captured delivery belongs to a package whose name is guessed from it.
const NAMES: [&str; 39] = [
    "Basic Call",
    "Standard Call",
    "Advanced Call",
    "Voice Mail Message Summary",
    "Call Park",
    "Do Not Disturb",
    "Call Forwarding Always",
    "Call Forwarding Busy",
    "Call Forwarding No Answer",
    "Remote Office",
    "Call Center Queue",
    "Call Center Configuration",
    "Call Center Monitoring",
    "Route Point Queue",
    "Meet Me Conference",
    "Call Center Agent",
    "Call Center Agent Monitoring",
    "Collaborate Room",
    "Call Forwarding Always Secondary",
    "BroadWorks Anywhere",
    "Call Transfer",
    "Call Waiting",
    "CommPilot Express",
    "Flexible Seating Guest",
    "Hoteling Guest",
    "Last Number Redial",
    "N-Way Call",
    "Three-Way Call",
    "Music On Hold",
    "Personal Assistant",
    "Push Notification Registration",
    "Security Classification",
    "Sequential Ring",
    "Simultaneous Ring Personal",
    "Silent Alerting",
    "Third-Party Voice Mail Support",
    "Voice Messaging",
    "Call Recording",
    "Call History",
];

impl Package {
    pub(super) const STANDARD_CALL: Self = Self(1);
    pub(super) const ADVANCED_CALL: Self = Self(2);
    pub(super) const VOICE_MAIL_SUMMARY: Self = Self(3);
    pub(super) const CALL_PARK: Self = Self(4);
    pub(super) const DO_NOT_DISTURB: Self = Self(5);
    pub(super) const FORWARDING_ALWAYS: Self = Self(6);
    pub(super) const FORWARDING_BUSY: Self = Self(7);
    pub(super) const FORWARDING_NO_ANSWER: Self = Self(8);
    pub(super) const REMOTE_OFFICE: Self = Self(9);
    pub(super) const CALL_HISTORY: Self = Self(38);

    /// By its name, spelt exactly so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let place = NAMES.iter().position(|known| *known == name)?;
        u8::try_from(place).ok().map(Self)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or_default()
    }

    /// Whether only virtual users have it: call centers, route points, bridges.
    #[must_use]
    pub const fn is_of_virtual_users(self) -> bool {
        matches!(self.0, 10..=14)
    }

    /// The service that a user must have for it, where the lab has the service.
    #[must_use]
    pub const fn service(self) -> Option<&'static str> {
        match self {
            Self::VOICE_MAIL_SUMMARY => Some("Voice Messaging User"),
            Self::CALL_PARK => Some("Call Park"),
            Self::DO_NOT_DISTURB => Some("Do Not Disturb"),
            Self::FORWARDING_ALWAYS => Some("Call Forwarding Always"),
            Self::FORWARDING_BUSY => Some("Call Forwarding Busy"),
            Self::FORWARDING_NO_ANSWER => Some("Call Forwarding No Answer"),
            Self::REMOTE_OFFICE => Some("Remote Office"),
            _ => None,
        }
    }
}

/// Some packages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Packages(u64);

impl Packages {
    pub(super) const CALLS: Self = Self(0b111);
    pub(super) const ADVANCED: Self = Self::of(Package::ADVANCED_CALL);
    /// Those that tell more than that a call came and went.
    pub(super) const FROM_STANDARD: Self = Self(0b110);
    pub(super) const TO_STANDARD: Self = Self(0b011);
    pub(super) const HISTORY: Self = Self::of(Package::CALL_HISTORY);

    /// One.
    #[must_use]
    pub const fn of(package: Package) -> Self {
        Self(1 << package.0)
    }

    /// With one more.
    #[must_use]
    pub const fn and(self, package: Package) -> Self {
        Self(self.0 | 1 << package.0)
    }

    /// Whether one is in it.
    #[must_use]
    pub const fn has(self, package: Package) -> bool {
        self.0 & 1 << package.0 != 0
    }

    /// Whether both have one in common.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = Package> {
        let all = u8::try_from(NAMES.len()).unwrap_or(u8::MAX);
        (0..all).map(Package).filter(move |one| self.has(*one))
    }
}
