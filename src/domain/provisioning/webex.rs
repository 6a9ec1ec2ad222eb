//! What can be asked of Webex for a subscriber, and what it may answer: values only.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::OrgId;
use crate::domain::provisioning::ids::PersonId;
use crate::domain::provisioning::ids::ProvisioningId;
use crate::domain::provisioning::ids::SpEnterpriseId;
use crate::domain::provisioning::ids::SubscriberId;
use crate::domain::provisioning::ids::TrackingId;
use crate::domain::provisioning::ids::WebexEnterpriseId;
use crate::domain::provisioning::ids::WorkspaceId;
use crate::domain::provisioning::profile::Package;

/// One call to Webex on the way of a job (public API, `webex-broadworks.json`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebexOp {
    /// `POST /subscribers/{id}/emails/consentMove`.
    ConsentMove(SubscriberId),
    /// `DELETE /people/{id}`.
    DeletePerson(PersonId),
    /// `DELETE /broadworks/subscribers/{id}`.
    DeleteSubscriber(SubscriberId),
    /// `DELETE /broadworks/workspaces/{id}`.
    DeleteWorkspace(WorkspaceId),
    /// `GET /broadworks/enterprises?spEnterpriseId=`.
    FindEnterprise(SpEnterpriseId),
    /// `GET /broadworks/subscribers?userId=`.
    FindSubscriber(BwUserId),
    /// `GET /broadworks/subscribers/{id}`.
    GetSubscriber(SubscriberId),
    /// `GET /broadworks/subscribers?lastStatusChange=`, all pages: what changed since (Unix
    /// milliseconds).
    ListChanged(u64),
    /// `POST /broadworks/subscribers/validate`.
    Precheck(Box<NewSubscriber>),
    /// `POST /broadworks/subscribers/validate`, with an e-mail address alone.
    PrecheckEmail(String),
    /// `POST /broadworks/subscribers`.
    Provision(Box<NewSubscriber>),
    /// `POST /broadworks/workspaces`.
    ProvisionWorkspace(Box<NewWorkspace>),
    /// `PUT /broadworks/subscribers/{id}`.
    UpdateSubscriber(SubscriberId, Box<SubscriberChange>),
    /// `PUT /broadworks/workspaces/{id}`.
    UpdateWorkspace(WorkspaceId, Box<WorkspaceChange>),
}

/// What Webex answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebexAnswer {
    /// Done, nothing to tell.
    Done,
    /// Enterprises that match, none included.
    Enterprises(Vec<Enterprise>),
    /// A precheck passed; codes other than 100 are remarks.
    Prechecked(Vec<Remark>),
    /// One subscriber.
    Subscriber(Box<Subscriber>),
    /// Subscribers that match, none included.
    Subscribers(Vec<Subscriber>),
    /// One workspace.
    Workspace(WorkspaceId),
}

/// A subscriber to be. Absent fields are not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSubscriber {
    /// The template of Partner Hub.
    pub provisioning_id: ProvisioningId,
    /// The BroadWorks user.
    pub user: BwUserId,
    /// The customer.
    pub enterprise: SpEnterpriseId,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// The package.
    pub package: Package,
    /// Primary number.
    pub phone: Option<String>,
    /// Mobile number.
    pub mobile: Option<String>,
    /// Extension.
    pub extension: Option<String>,
    /// E-mail address; mandatory for templates that trust them.
    pub email: Option<String>,
    /// Language.
    pub language: Option<String>,
    /// Time zone.
    pub timezone: Option<String>,
}

/// A change of a subscriber. `None` stays as it is; an empty text removes (the mobile number
/// always, a phone while there is an extension, an extension while there is a phone).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubscriberChange {
    /// A new BroadWorks user id.
    pub user: Option<BwUserId>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Primary number.
    pub phone: Option<String>,
    /// Mobile number.
    pub mobile: Option<String>,
    /// Extension.
    pub extension: Option<String>,
    /// Time zone.
    pub timezone: Option<String>,
    /// The package.
    pub package: Option<Package>,
}

/// A workspace to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWorkspace {
    /// The template of Partner Hub.
    pub provisioning_id: ProvisioningId,
    /// The BroadWorks user.
    pub user: BwUserId,
    /// The customer, which must exist.
    pub enterprise: SpEnterpriseId,
    /// What people see.
    pub display_name: String,
    /// Primary number.
    pub phone: Option<String>,
    /// Extension.
    pub extension: Option<String>,
}

/// A change of a workspace. `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkspaceChange {
    /// A new BroadWorks user id.
    pub user: Option<BwUserId>,
    /// Primary number.
    pub phone: Option<String>,
    /// Extension.
    pub extension: Option<String>,
}

/// A subscriber as Webex shows it. What Webex leaves out is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// Webex's name of it.
    pub id: SubscriberId,
    /// Shown only while provisioned.
    pub person: Option<PersonId>,
    /// The BroadWorks user.
    pub user: Option<String>,
    /// The customer.
    pub enterprise: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Primary number.
    pub phone: Option<String>,
    /// Mobile number.
    pub mobile: Option<String>,
    /// Extension.
    pub extension: Option<String>,
    /// The package, word for word.
    pub package: Option<String>,
    /// Where it is.
    pub status: SubscriberStatus,
    /// What went wrong in the background.
    pub errors: Vec<SubscriberError>,
    /// The template of Partner Hub.
    pub provisioning_id: Option<String>,
    /// Whether the user signed up by itself.
    pub self_activated: Option<bool>,
    /// When the status changed last, word for word.
    pub last_status_change: Option<String>,
}

impl Subscriber {
    /// When the status changed last. Webex writes dates as ISO 8601 or as milliseconds.
    #[must_use]
    pub fn changed_at(&self) -> Option<Moment> {
        let text = self.last_status_change.as_deref()?.trim();
        if let Ok(millis) = text.parse() {
            return Some(Moment(millis));
        }
        let date = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let millis = date.unix_timestamp_nanos() / 1_000_000;
        u64::try_from(millis).ok().map(Moment)
    }
}

/// What went wrong with a subscriber in the background.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SubscriberError {
    /// Webex's code, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Word for word, up to 1,000 characters.
    pub description: String,
}

/// Where Webex is with a subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubscriberStatus {
    /// The user has to type an e-mail address.
    PendingEmailInput,
    /// The user has to confirm the e-mail address.
    PendingEmailValidation,
    /// The user has to agree to the move of an account.
    PendingUserMigration,
    /// Done.
    Provisioned,
    /// Work in the background.
    Provisioning,
    /// It failed.
    Error,
    /// A change is under way.
    Updating,
    /// A word that we do not know: not settled, and worth a warning.
    Unknown(String),
}

impl SubscriberStatus {
    /// From Webex's word.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "pending_email_input" => Self::PendingEmailInput,
            "pending_email_validation" => Self::PendingEmailValidation,
            "pending_user_migration" => Self::PendingUserMigration,
            "provisioned" => Self::Provisioned,
            "provisioning" => Self::Provisioning,
            "error" => Self::Error,
            "updating" => Self::Updating,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// Webex's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::PendingEmailInput => "pending_email_input",
            Self::PendingEmailValidation => "pending_email_validation",
            Self::PendingUserMigration => "pending_user_migration",
            Self::Provisioned => "provisioned",
            Self::Provisioning => "provisioning",
            Self::Error => "error",
            Self::Updating => "updating",
            Self::Unknown(word) => word,
        }
    }
}

/// An enterprise as Webex shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enterprise {
    /// Webex's name of it.
    pub id: WebexEnterpriseId,
    /// Its organisation.
    pub org: Option<OrgId>,
    /// Which customer it is.
    pub sp_enterprise_id: Option<String>,
    /// The template of Partner Hub.
    pub provisioning_id: Option<String>,
    /// Directory sync, if told.
    pub sync: Option<DirectorySync>,
}

/// How an enterprise's directory sync stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectorySync {
    /// Whether it is on.
    pub enabled: Option<bool>,
    /// `COMPLETE`, `NOT_SYNCED`, `IN_PROGRESS`, `FAILED` …: word for word.
    pub status: Option<String>,
    /// When it last went well, word for word.
    pub last_success: Option<String>,
    /// Counters by Webex's names.
    pub counts: Vec<(String, u64)>,
    /// What went wrong.
    pub errors: Vec<SubscriberError>,
    /// The name of the last sync in Webex's logs.
    pub tracking: Option<String>,
}

/// What a precheck had to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// 100 is: nothing in the way.
    pub code: Option<u64>,
    /// Word for word.
    pub description: String,
}

/// A call that did not do what it was to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFailure {
    /// What kind it is.
    pub kind: FailureKind,
    /// Webex's own code, as text, if it gave one.
    pub code: Option<String>,
    /// What was said, word for word, up to 1,000 characters.
    pub text: String,
    /// Our name of the call.
    pub ours: Option<TrackingId>,
    /// Webex's name of the call.
    pub theirs: Option<TrackingId>,
    /// How long Webex asked us to wait.
    pub retry_after: Option<Duration>,
}

/// What kind of failure a call met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// There is no token, and none could be had.
    NoToken,
    /// The request did not leave us: name, connection, TLS.
    NotSent,
    /// The request may have arrived, but no whole answer came.
    Unanswered,
    /// Webex answered with this status.
    Status(u16),
    /// Webex answered well, but nobody could read it.
    Unreadable,
}

impl FailureKind {
    /// Whether Webex has judged what it was asked: 4xx, but for those about whoever asks, and how
    /// fast.
    #[must_use]
    pub const fn is_judgement(self) -> bool {
        match self {
            Self::Status(status) => {
                matches!(status, 400..=499) && !matches!(status, 401 | 403 | 408 | 429)
            }
            Self::NoToken | Self::NotSent | Self::Unanswered | Self::Unreadable => false,
        }
    }

    /// Whether Webex may have done what was asked, so that it must be asked before a repetition.
    #[must_use]
    pub const fn may_have_happened(self) -> bool {
        match self {
            Self::NoToken | Self::NotSent => false,
            Self::Unanswered | Self::Unreadable => true,
            Self::Status(status) => status >= 500 || status == 408,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webex_that_is_busy_away_or_does_not_know_us_has_judged_nothing() {
        for status in [400, 404, 409, 422] {
            assert!(FailureKind::Status(status).is_judgement(), "{status}");
        }
        for status in [401, 403, 408, 429, 500, 503] {
            assert!(!FailureKind::Status(status).is_judgement(), "{status}");
        }
        for kind in [
            FailureKind::NoToken,
            FailureKind::NotSent,
            FailureKind::Unanswered,
        ] {
            assert!(!kind.is_judgement(), "{kind:?}");
        }
    }
}
