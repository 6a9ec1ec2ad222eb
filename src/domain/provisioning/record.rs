//! What is kept of a user, an enterprise and a job, from one start of the daemon to the next.

mod state;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::GroupId;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::OrgId;
use crate::domain::provisioning::ids::PersonId;
use crate::domain::provisioning::ids::RequestId;
use crate::domain::provisioning::ids::SpEnterpriseId;
use crate::domain::provisioning::ids::SpId;
use crate::domain::provisioning::ids::SubscriberId;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::ids::TrackingId;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::ids::WebexEnterpriseId;
use crate::domain::provisioning::ids::WorkspaceId;
use crate::domain::provisioning::profile::Package;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::webex::SubscriberError;

pub use state::JobState;
pub use state::Owner;

/// What a user is to be: written by whoever takes a wish in, never by the machine. Each wish is a
/// revision; the latest wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Desired {
    /// Whom it is about.
    pub key: UserKey,
    /// Grows by one with each wish; the first is 1.
    pub revision: u64,
    /// The request that brought this revision, which is also the name of its job.
    pub request: RequestId,
    /// Present with this profile, or absent.
    pub presence: Presence,
    /// Which template it goes by.
    pub template: TemplateKey,
    /// The enterprise, as it is sent to Webex; unknown for users of relay templates until Webex
    /// has told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enterprise: Option<SpEnterpriseId>,
    /// The package that an operator chose in place of the template's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<Package>,
    /// The e-mail address that an operator gave for a retry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Who the user was before its BroadWorks user id changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formerly: Option<BwUserId>,
    /// Where in BroadWorks it was when it was to be a subscriber last; of one that is to be, the
    /// profile tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was_in: Option<Box<Home>>,
    /// An operator's word that belongs to this revision alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word: Option<Word>,
    /// Who wants it.
    pub source: Source,
    /// SHA-256 of what counts when wishes are compared, in hex.
    pub digest: String,
    /// When it was taken in.
    pub at: Moment,
}

impl Desired {
    /// Where in BroadWorks the user is, or was last; unknown of one that never was to be a
    /// subscriber.
    #[must_use]
    pub fn home(&self) -> Option<Home> {
        match &self.presence {
            Presence::Absent { .. } => self.was_in.as_deref().cloned(),
            Presence::Present { profile } => Some(Home {
                sp: profile.sp.clone(),
                group: profile.group.clone(),
            }),
        }
    }
}

/// Where in BroadWorks a user is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Home {
    /// The service provider or enterprise.
    pub sp: SpId,
    /// The group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
}

/// Whether a user is to be a subscriber.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Presence {
    /// It is not.
    Absent {
        /// As the request wrote it.
        user: BwUserId,
        /// Whether the person goes, too; `None`: as the template says.
        #[serde(skip_serializing_if = "Option::is_none")]
        person: Option<bool>,
    },
    /// It is, and looks like this.
    Present {
        /// The user's data.
        profile: Box<Profile>,
    },
}

/// What an operator says of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// Nothing more is to be done until the next wish.
    Cancel,
    /// What the job asked about may be done.
    Confirm,
    /// Try again, from the look-up on.
    Retry,
}

/// Where a wish came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The AS called the adapter.
    As,
    /// A CSV file that an operator imported.
    Import,
    /// A report of the OCI-R interface.
    Ocir,
    /// An operator's command.
    Operator,
    /// A reconciliation, on an operator's word.
    Reconcile,
}

impl Source {
    /// All, in the order of their names.
    pub const ALL: [Self; 5] = [
        Self::As,
        Self::Import,
        Self::Ocir,
        Self::Operator,
        Self::Reconcile,
    ];

    /// As tables, logs and metrics write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::As => "as",
            Self::Import => "import",
            Self::Ocir => "ocir",
            Self::Operator => "operator",
            Self::Reconcile => "reconcile",
        }
    }
}

/// How far a user has come: written by the machine alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct JobRecord {
    /// Whom it is about.
    pub key: UserKey,
    /// The request whose revision it drives at.
    pub request: RequestId,
    /// The revision that it drives at.
    pub revision: u64,
    /// Where it is.
    pub state: JobState,
    /// Since when it is there.
    pub since: Moment,
    /// Calls that failed since the last one that worked.
    pub attempt: u32,
    /// When it goes on by itself; `None`: only when something happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Moment>,
    /// What went wrong last, or is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// What Webex holds.
    pub actual: Actual,
    /// Tracking ids of the last calls, ours and theirs, newest last; at most 20.
    pub tracking: Vec<TrackingId>,
    /// What the machine has to remember of the way.
    #[serde(default)]
    pub progress: Progress,
}

/// What the machine has to remember of the way to a revision, beyond a crash.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Progress {
    /// Webex has taken a create for this revision, whatever became of it.
    pub created: bool,
    /// Webex has taken an update for this revision, whatever became of it.
    pub updated: bool,
    /// A workspace may have been created without our knowing its name.
    pub unsure: bool,
    /// An update for an earlier revision was taken, or may have been, and was not seen to its end:
    /// what Webex shows may change by it yet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub overtaken: bool,
    /// Writes that failed since the last one that worked: what is read between them does not
    /// count.
    #[serde(skip_serializing_if = "is_zero")]
    pub write_failed: u32,
    /// When the first of the failures came that [`Progress::write_failed`] counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_failing_since: Option<Moment>,
    /// A retry after 2017 has been made for this revision.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub knocked: bool,
    /// Since this revision Webex has shown the subscriber absent, at work, or with another date of
    /// its status than before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub moved: bool,
    /// The codes of what an operator confirmed for this wish.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub confirmed: Vec<String>,
    /// When the first of the failures came that [`JobRecord::attempt`] counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Moment>,
    /// When the consent mail was sent again last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reminded: Option<Moment>,
    /// What the precheck had to say, word for word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precheck: Option<String>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape that serde asks for"
)]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// What went wrong, as the operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Fault {
    /// `A1102`, `2017`, `HTTP-503`: a code of the error table, or one that it does not know.
    pub code: String,
    /// What was said, word for word, up to 1,000 characters.
    pub text: String,
    /// What to do, from the error table.
    pub action: String,
    /// When it was seen.
    pub at: Moment,
}

/// What Webex holds of a user, as far as we have read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Actual {
    /// The subscriber.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscriber: Option<SubscriberId>,
    /// The person; shown by Webex only while provisioned, and kept here beyond.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// The workspace, for users that are one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<WorkspaceId>,
    /// The customer as Webex names it, word for word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enterprise: Option<String>,
    /// Webex's status, word for word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the user signed up by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_activated: Option<bool>,
    /// What Webex says is wrong with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<SubscriberError>,
    /// When Webex says that the status changed last, word for word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<String>,
    /// We created it, and it has never been seen provisioned: nothing is lost with it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unproven: bool,
    /// The digest of the wish that it was last brought to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<String>,
    /// When Webex was read last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Moment>,
}

/// A customer, which is one BroadWorks enterprise and one Webex organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EnterpriseRecord {
    /// Which.
    pub key: EnterpriseKey,
    /// As it is sent: never changed after the first user.
    pub sent_as: SpEnterpriseId,
    /// The one template of this customer.
    pub template: TemplateKey,
    /// Where it is.
    pub state: EnterpriseState,
    /// Since when.
    pub since: Moment,
    /// The user with whom it begins, or began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_user: Option<UserKey>,
    /// When it was last refused because of the customer's administrator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knocked: Option<Moment>,
    /// Webex's enterprise, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webex: Option<WebexEnterpriseId>,
    /// The organisation, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<OrgId>,
}

/// How far a customer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnterpriseState {
    /// Bound to its template; Webex has not been asked.
    New,
    /// Its first user is under way, alone.
    FirstUser,
    /// The customer's administrator has to let the partner in (2017).
    WaitingCustomerAdmin,
    /// There is an organisation.
    Ready,
}

impl EnterpriseState {
    /// As tables write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::FirstUser => "first-user",
            Self::WaitingCustomerAdmin => "waiting-customer-admin",
            Self::Ready => "ready",
        }
    }
}

/// One line of a user's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Step {
    /// Whom it is about.
    pub key: UserKey,
    /// Which job.
    pub request: RequestId,
    /// When.
    pub at: Moment,
    /// Into which state.
    pub state: JobState,
    /// Why, in words; up to 1,000 characters.
    pub why: String,
    /// The call behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking: Option<TrackingId>,
}
