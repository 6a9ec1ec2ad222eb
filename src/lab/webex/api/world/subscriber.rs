//! Subscribers: the mapping between a user of BroadWorks and one of Webex.

use uuid::Uuid;

use crate::lab::webex::api::world::time::At;

/// What a subscriber may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab::webex) enum Package {
    Basic,
    Premium,
    Softphone,
    Standard,
}

impl Package {
    const ALL: [Self; 4] = [Self::Basic, Self::Premium, Self::Softphone, Self::Standard];

    pub(in crate::lab::webex) const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Premium => "premium",
            Self::Softphone => "softphone",
            Self::Standard => "standard",
        }
    }

    pub(in crate::lab::webex) fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|package| package.as_str() == word)
    }
}

/// Where a subscriber is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::lab::webex) enum Status {
    PendingEmailInput,
    PendingEmailValidation,
    PendingUserMigration,
    Provisioning,
    Provisioned,
    Updating,
    Error,
}

impl Status {
    pub(in crate::lab::webex) const ALL: [Self; 7] = [
        Self::PendingEmailInput,
        Self::PendingEmailValidation,
        Self::PendingUserMigration,
        Self::Provisioning,
        Self::Provisioned,
        Self::Updating,
        Self::Error,
    ];

    pub(in crate::lab::webex) const fn as_str(self) -> &'static str {
        match self {
            Self::PendingEmailInput => "pending_email_input",
            Self::PendingEmailValidation => "pending_email_validation",
            Self::PendingUserMigration => "pending_user_migration",
            Self::Provisioning => "provisioning",
            Self::Provisioned => "provisioned",
            Self::Updating => "updating",
            Self::Error => "error",
        }
    }

    pub(in crate::lab::webex) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// What went wrong in the background.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lab::webex) struct Failure {
    pub(in crate::lab::webex) code: u64,
    pub(in crate::lab::webex) text: String,
}

impl Failure {
    pub(in crate::lab::webex) fn new(code: u64, text: &str) -> Self {
        let text = text.to_owned();
        Self { code, text }
    }
}

/// Where a subscriber is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lab::webex) enum State {
    /// The user is to type an e-mail address.
    AwaitingEmail,
    /// The user is to confirm it.
    AwaitingValidation,
    /// The owner of an account is to agree that it moves.
    AwaitingConsent,
    /// Until the enterprise's first user has settled.
    Held,
    /// Under way. `until` is absent for what never ends.
    Provisioning {
        until: Option<At>,
        failure: Option<Failure>,
    },
    /// Done.
    Provisioned { person: Uuid },
    /// A change is under way.
    Updating {
        person: Uuid,
        until: At,
        change: Box<Change>,
    },
    /// It failed.
    Failed(Vec<Failure>),
}

impl State {
    pub(in crate::lab::webex) const fn status(&self) -> Status {
        match self {
            Self::AwaitingEmail => Status::PendingEmailInput,
            Self::AwaitingValidation => Status::PendingEmailValidation,
            Self::AwaitingConsent => Status::PendingUserMigration,
            Self::Held | Self::Provisioning { .. } => Status::Provisioning,
            Self::Provisioned { .. } => Status::Provisioned,
            Self::Updating { .. } => Status::Updating,
            Self::Failed(_) => Status::Error,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lab::webex) struct New {
    pub(in crate::lab::webex) provisioning_id: String,
    pub(in crate::lab::webex) user: String,
    pub(in crate::lab::webex) enterprise: String,
    pub(in crate::lab::webex) first_name: String,
    pub(in crate::lab::webex) last_name: String,
    pub(in crate::lab::webex) package: Package,
    pub(in crate::lab::webex) phone: Option<String>,
    pub(in crate::lab::webex) mobile: Option<String>,
    pub(in crate::lab::webex) extension: Option<String>,
    pub(in crate::lab::webex) email: Option<String>,
}

/// A change; what is absent stays, an empty text takes away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::lab::webex) struct Change {
    pub(in crate::lab::webex) user: Option<String>,
    pub(in crate::lab::webex) first_name: Option<String>,
    pub(in crate::lab::webex) last_name: Option<String>,
    pub(in crate::lab::webex) package: Option<Package>,
    pub(in crate::lab::webex) phone: Option<String>,
    pub(in crate::lab::webex) mobile: Option<String>,
    pub(in crate::lab::webex) extension: Option<String>,
}

/// A subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lab::webex) struct Subscriber {
    pub(in crate::lab::webex) id: Uuid,
    pub(in crate::lab::webex) of: New,
    pub(in crate::lab::webex) state: State,
    pub(in crate::lab::webex) created: At,
    pub(in crate::lab::webex) changed: At,
    pub(in crate::lab::webex) self_activated: bool,
    /// Mails that asked for consent.
    pub(in crate::lab::webex) consent_mails: u32,
}

impl Subscriber {
    /// The person, which Webex shows only while the subscriber is provisioned.
    pub(in crate::lab::webex) const fn person(&self) -> Option<Uuid> {
        match self.state {
            State::Provisioned { person } | State::Updating { person, .. } => Some(person),
            State::AwaitingEmail
            | State::AwaitingValidation
            | State::AwaitingConsent
            | State::Held
            | State::Provisioning { .. }
            | State::Failed(_) => None,
        }
    }

    pub(super) fn enter(&mut self, state: State, at: At) {
        self.state = state;
        self.changed = at;
    }

    pub(super) fn apply(&mut self, change: Change) {
        let Change {
            user,
            first_name,
            last_name,
            package,
            phone,
            mobile,
            extension,
        } = change;
        let of = &mut self.of;
        of.user = user.unwrap_or_else(|| std::mem::take(&mut of.user));
        of.first_name = first_name.unwrap_or_else(|| std::mem::take(&mut of.first_name));
        of.last_name = last_name.unwrap_or_else(|| std::mem::take(&mut of.last_name));
        of.package = package.unwrap_or(of.package);
        for (held, change) in [
            (&mut of.phone, phone),
            (&mut of.mobile, mobile),
            (&mut of.extension, extension),
        ] {
            if let Some(text) = change {
                *held = Some(text).filter(|text| !text.is_empty());
            }
        }
    }
}
