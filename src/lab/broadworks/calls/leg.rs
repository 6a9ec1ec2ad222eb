//! One end of a call, what BroadWorks calls a call half, as its user sees it.

use std::fmt;

use time::OffsetDateTime;

use crate::lab::broadworks::calls::party::Party;

/// Names a leg among all legs since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LegId(pub(super) u64);

impl LegId {
    /// From its form on the wire, `callhalf-722:0`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.strip_prefix("callhalf-")?.strip_suffix(":0")?;
        // Digits only: `+7` is a number to Rust.
        let plain = !number.starts_with('0') && number.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| number.parse().ok().map(Self)).flatten()
    }
}

impl fmt::Display for LegId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "callhalf-{}:0", self.0)
    }
}

/// What the legs of one call share, `97:1` on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tracking(pub(super) u64);

impl fmt::Display for Tracking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:1", self.0)
    }
}

/// Which end a leg is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personality {
    /// The own phone rings first.
    ClickToDial,
    /// It placed the call.
    Originator,
    /// It was called.
    Terminator,
}

impl Personality {
    /// The word of the schema.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClickToDial => "Click-to-Dial",
            Self::Originator => "Originator",
            Self::Terminator => "Terminator",
        }
    }
}

/// The state that a leg shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Talking.
    Active,
    /// Ringing, at this end or the other.
    Alerting,
    /// Transferred away.
    Detached,
    /// On hold by this end.
    Held,
    /// Over.
    Released,
    /// On hold by the other end.
    RemoteHeld,
}

impl State {
    /// The word of the schema.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Alerting => "Alerting",
            Self::Detached => "Detached",
            Self::Held => "Held",
            Self::Released => "Released",
            Self::RemoteHeld => "Remote Held",
        }
    }
}

/// Why a call ended otherwise than by hanging up. The words but `User Not Found` are the lab's:
/// no catalogue is public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Callers without a number are not wanted.
    AnonymousRejected,
    /// Another phone took it.
    AnsweredElsewhere,
    /// The called user is busy.
    Busy,
    /// The call was forwarded too often.
    ForwardingLoop,
    /// It was forwarded on without an answer.
    Forwarded,
    /// It lasted longer than the lab lets a call last.
    LongestCall,
    /// Nobody answered.
    NoAnswer,
    /// The phone of the called user cannot be reached.
    NotReachable,
    /// Declined for now.
    TemporarilyUnavailable,
    /// Nobody has the number.
    UserNotFound,
}

impl Cause {
    /// `internalReleaseCause`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnonymousRejected => "Anonymous Call Rejected",
            Self::AnsweredElsewhere => "Answered Elsewhere",
            Self::Busy => "Busy",
            Self::Forwarded => "Forwarded",
            Self::ForwardingLoop => "Forwarding Loop",
            Self::LongestCall => "Maximum Call Duration",
            Self::NoAnswer => "No Answer",
            Self::NotReachable => "Not Reachable",
            Self::TemporarilyUnavailable => "Temporarily Unavailable",
            Self::UserNotFound => "User Not Found",
        }
    }

    /// `q850Cause`, as ITU-T Q.850 numbers it.
    #[must_use]
    pub const fn q850(self) -> u8 {
        match self {
            Self::UserNotFound => 1,
            Self::Busy => 17,
            Self::NotReachable => 18,
            Self::NoAnswer => 19,
            Self::AnonymousRejected => 21,
            Self::ForwardingLoop => 25,
            Self::AnsweredElsewhere => 26,
            Self::Forwarded | Self::LongestCall => 31,
            Self::TemporarilyUnavailable => 41,
        }
    }
}

/// Which end let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleasedBy {
    /// This end.
    Local,
    /// The other end, or the network.
    Remote,
}

impl ReleasedBy {
    /// The word of the schema.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "localRelease",
            Self::Remote => "remoteRelease",
        }
    }
}

/// The phone of a leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A device of the user; holds its address of record.
    Access(String),
    /// A location of BroadWorks Anywhere; holds its address.
    Anywhere(String),
    /// A mobile phone; holds its address.
    Mobility(String),
    /// The phone of the remote office; holds its address.
    RemoteOffice(String),
}

/// Why and from whom a call was redirected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirection {
    /// Who redirected it.
    pub party: Party,
    /// Why.
    pub reason: Reason,
}

/// Why a call was redirected (XSI schema, those that the lab has).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The user sent it on while it rang.
    Deflection,
    /// Do Not Disturb.
    DoNotDisturb,
    /// Nobody answered.
    NoAnswer,
    /// Its phone cannot be reached.
    OutOfService,
    /// The user transferred it.
    Transfer,
    /// Always forwarded.
    Unconditional,
    /// The user is busy.
    UserBusy,
    /// Into the mailbox.
    Voicemail,
}

impl Reason {
    /// The word of the schema.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deflection => "deflection",
            Self::DoNotDisturb => "do-not-disturb",
            Self::NoAnswer => "no-answer",
            Self::OutOfService => "out-of-service",
            Self::Transfer => "transfer",
            Self::Unconditional => "unconditional",
            Self::UserBusy => "user-busy",
            Self::Voicemail => "voicemail",
        }
    }
}

/// Where a leg was redirected to, shown on a detached one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The new address.
    pub address: String,
    /// Why.
    pub reason: Reason,
    /// When, milliseconds since 1970.
    pub time: i64,
}

/// Where the recording of a leg stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    /// Interrupted.
    Paused,
    /// Running.
    Started,
}

impl Recording {
    /// The word of the schema.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "Paused",
            Self::Started => "Started",
        }
    }
}

/// The times of a leg, milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// It began.
    pub start: i64,
    /// It was answered.
    pub answer: Option<i64>,
    /// On hold since.
    pub held: Option<i64>,
    /// Milliseconds on hold before.
    pub total_held: i64,
    /// Transferred away.
    pub detached: Option<i64>,
    /// Over.
    pub release: Option<i64>,
}

/// A leg as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegView {
    /// Call id.
    pub id: LegId,
    /// External tracking id.
    pub tracking: Tracking,
    /// Which end.
    pub personality: Personality,
    /// State.
    pub state: State,
    /// Why it failed.
    pub cause: Option<Cause>,
    /// Which end let go.
    pub released_by: Option<ReleasedBy>,
    /// The other end.
    pub remote: Party,
    /// How the call came here.
    pub redirections: Vec<Redirection>,
    /// Where it was transferred to.
    pub redirect: Option<Redirect>,
    /// The phone.
    pub endpoint: Endpoint,
    /// The line key of the phone, from 1.
    pub appearance: u8,
    /// Whether it can be answered.
    pub can_answer: bool,
    /// Times.
    pub times: Times,
    /// Whether it is in the user's conference.
    pub in_conference: bool,
    /// Recording.
    pub recording: Option<Recording>,
    /// What the client attached.
    pub info: Option<String>,
    /// Digits sent so far.
    pub dtmf: String,
}

/// The address of the lab's network server in network call ids; reserved for examples.
const NETWORK: &str = "192.0.2.10";

impl LegView {
    /// Its network call id as BroadWorks makes them: time and date of the start, a number, an
    /// address.
    #[must_use]
    pub fn network_call_id(&self) -> String {
        let nanoseconds = i128::from(self.times.start) * 1_000_000;
        let time = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds);
        let time = time.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (hour, minute, second, millisecond) = time.to_hms_milli();
        let (year, month, day) = time.to_calendar_date();
        let (month, year) = (u8::from(month), year.rem_euclid(100));
        let number: String = self.tracking.to_string().replace(':', "");
        format!(
            "BW{hour:02}{minute:02}{second:02}{millisecond:03}{day:02}{month:02}{year:02}-{number}@{NETWORK}"
        )
    }
}
