//! Where a job is, and who has to move next.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// It has not begun, or begins again at `next`.
    Queued,
    /// The first user of its enterprise has to be through before.
    WaitingFirstUser,
    /// The customer's administrator has to let the partner in (2017).
    WaitingCustomerAdmin,
    /// Webex is asked whether it would take the user.
    Prechecking,
    /// A create or an update may be on its way; Webex is asked before it is repeated.
    Submitting,
    /// Webex works on it.
    WaitingWebex,
    /// Webex works on it for longer than it should.
    Stalled,
    /// The user has to type an e-mail address.
    WaitingEmailInput,
    /// The user has to confirm the e-mail address.
    WaitingEmailValidation,
    /// The user has to agree to the move of an account.
    WaitingConsent,
    /// A removal may be on its way.
    Removing,
    /// The person's removal may be on its way.
    DeletingPerson,
    /// A person has to look at it; it goes on by a new wish or an operator's word.
    Attention,
    /// The end: the subscriber is as it is to be.
    Provisioned,
    /// The end: it was so already.
    NoChange,
    /// The end: there is no subscriber any more.
    Removed,
    /// The end: there is neither subscriber nor person any more.
    PersonDeleted,
    /// The end, by an operator's word.
    Cancelled,
    /// The end: a later wish took its place. Stands in the history only.
    Superseded,
}

impl JobState {
    /// All, in the order of the life of a job.
    pub const ALL: [Self; 19] = [
        Self::Queued,
        Self::WaitingFirstUser,
        Self::WaitingCustomerAdmin,
        Self::Prechecking,
        Self::Submitting,
        Self::WaitingWebex,
        Self::Stalled,
        Self::WaitingEmailInput,
        Self::WaitingEmailValidation,
        Self::WaitingConsent,
        Self::Removing,
        Self::DeletingPerson,
        Self::Attention,
        Self::Provisioned,
        Self::NoChange,
        Self::Removed,
        Self::PersonDeleted,
        Self::Cancelled,
        Self::Superseded,
    ];

    /// As tables, logs and metrics write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::WaitingFirstUser => "waiting-first-user",
            Self::WaitingCustomerAdmin => "waiting-customer-admin",
            Self::Prechecking => "prechecking",
            Self::Submitting => "submitting",
            Self::WaitingWebex => "waiting-webex",
            Self::Stalled => "stalled",
            Self::WaitingEmailInput => "waiting-email-input",
            Self::WaitingEmailValidation => "waiting-email-validation",
            Self::WaitingConsent => "waiting-consent",
            Self::Removing => "removing",
            Self::DeletingPerson => "deleting-person",
            Self::Attention => "attention",
            Self::Provisioned => "provisioned",
            Self::NoChange => "no-change",
            Self::Removed => "removed",
            Self::PersonDeleted => "person-deleted",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
        }
    }

    /// Whether nothing goes on any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Queued
            | Self::WaitingFirstUser
            | Self::WaitingCustomerAdmin
            | Self::Prechecking
            | Self::Submitting
            | Self::WaitingWebex
            | Self::Stalled
            | Self::WaitingEmailInput
            | Self::WaitingEmailValidation
            | Self::WaitingConsent
            | Self::Removing
            | Self::DeletingPerson
            | Self::Attention => false,
            Self::Provisioned
            | Self::NoChange
            | Self::Removed
            | Self::PersonDeleted
            | Self::Cancelled
            | Self::Superseded => true,
        }
    }

    /// Whether Webex or a user is waited for, and Webex asked now and then.
    #[must_use]
    pub const fn polls(self) -> bool {
        matches!(
            self,
            Self::WaitingWebex
                | Self::Stalled
                | Self::WaitingEmailInput
                | Self::WaitingEmailValidation
                | Self::WaitingConsent
        )
    }

    /// Who has to move next.
    #[must_use]
    pub const fn owner(self) -> Owner {
        match self {
            Self::Queued
            | Self::WaitingFirstUser
            | Self::Prechecking
            | Self::Submitting
            | Self::Removing
            | Self::DeletingPerson => Owner::Us,
            Self::WaitingWebex | Self::Stalled => Owner::Webex,
            Self::WaitingCustomerAdmin => Owner::CustomerAdministrator,
            Self::WaitingEmailInput | Self::WaitingEmailValidation | Self::WaitingConsent => {
                Owner::User
            }
            Self::Attention => Owner::Operator,
            Self::Provisioned
            | Self::NoChange
            | Self::Removed
            | Self::PersonDeleted
            | Self::Cancelled
            | Self::Superseded => Owner::Nobody,
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who has to move next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// The administrator of the customer's organisation.
    CustomerAdministrator,
    /// It is over.
    Nobody,
    /// The provider's people.
    Operator,
    /// This daemon.
    Us,
    /// The user.
    User,
    /// Webex.
    Webex,
}

impl Owner {
    /// As tables write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CustomerAdministrator => "customer administrator",
            Self::Nobody => "-",
            Self::Operator => "operator",
            Self::Us => "xspd",
            Self::User => "user",
            Self::Webex => "Webex",
        }
    }
}
