//! What goes into the conductor and what comes out of it.

use std::time::Duration;

use crate::domain::provisioning::fault::Class;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::PartnerName;
use crate::domain::provisioning::ids::RequestId;
use crate::domain::provisioning::ids::SpEnterpriseId;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::ids::TrackingId;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::policy::Settings;
use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::record::EnterpriseRecord;
use crate::domain::provisioning::record::JobRecord;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Source;
use crate::domain::provisioning::record::Step;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::WebexAnswer;
use crate::domain::provisioning::webex::WebexOp;

/// What may happen to a [`Conductor`](super::Conductor).
#[derive(Debug, Clone)]
pub enum Input {
    /// What [`Action::Call`] asked for has ended. Each call is answered exactly once.
    Answered {
        /// Which call.
        call: CallId,
        /// What came of it.
        outcome: Result<WebexAnswer, CallFailure>,
        /// Our name of the call and Webex's, as far as there are any.
        tracking: Vec<TrackingId>,
    },
    /// A new revision, which is durable already.
    Desired {
        /// The revision.
        desired: Box<Desired>,
        /// The customer, when the same commit wrote it.
        enterprise: Option<Box<EnterpriseRecord>>,
    },
    /// Something was heard of a user: it is looked up now, if its job is open.
    Observed(UserKey),
    /// Whether there is a token of a partner; told whenever that changes, and with `true` whenever
    /// somebody authorised it again.
    PartnerToken {
        /// Whose.
        partner: PartnerName,
        /// Whether there is one.
        ok: bool,
    },
    /// What [`Action::Recall`] asked for.
    Recalled {
        /// Whom it is about.
        key: UserKey,
        /// What the store holds of its job.
        job: Option<Box<JobRecord>>,
    },
    /// What [`Action::Save`] asked for is durable. A save that fails is tried until it does not.
    Saved(SaveToken),
    /// The configuration has changed.
    Settings(Box<Settings>),
}

/// What a [`Conductor`](super::Conductor) wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Webex is asked, once: whoever does it repeats nothing, but may renew a token once.
    Call {
        /// Names the call.
        call: CallId,
        /// With whose account.
        partner: PartnerName,
        /// What.
        op: WebexOp,
    },
    /// What the store holds of a user's job is read, after all saves before it.
    Recall(UserKey),
    /// All of it becomes durable, or nothing.
    Save {
        /// Names the save.
        token: SaveToken,
        /// At most [`MOST_CHANGES`](super::MOST_CHANGES) records, and the steps that led to them.
        changes: Vec<Change>,
    },
    /// A log line and a metric.
    Tell(Event),
}

/// One record to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// In place of the one with its key.
    Enterprise(Box<EnterpriseRecord>),
    /// In place of the one with its key.
    Job(Box<JobRecord>),
    /// One more line of a history.
    Step(Box<Step>),
}

/// Names a call, from one start of the daemon to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// Names a save, from one start of the daemon to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SaveToken(pub u64);

/// Something worth a log line or a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A customer has, or has not, come to its organisation.
    Enterprise {
        /// Which customer.
        key: EnterpriseKey,
        /// What happened.
        what: EnterpriseEvent,
    },
    /// Webex names a customer otherwise than our form would.
    FormDiffers {
        /// The template with the form.
        template: TemplateKey,
        /// What the form gives.
        ours: SpEnterpriseId,
        /// What Webex says.
        theirs: String,
    },
    /// A job has moved.
    Moved {
        /// Whose.
        key: UserKey,
        /// Which.
        request: RequestId,
        /// Of which template.
        template: TemplateKey,
        /// Who wanted it.
        source: Source,
        /// From where; `None`: it began.
        from: Option<JobState>,
        /// To where.
        to: JobState,
        /// The code of what went wrong, if anything did.
        code: Option<String>,
    },
    /// How we stand with a partner has changed.
    Partner {
        /// Which.
        partner: PartnerName,
        /// How.
        standing: Standing,
    },
    /// A code that the table does not know.
    UnknownCode {
        /// Which.
        code: String,
        /// How it was judged.
        class: Class,
    },
    /// A status of a subscriber that we do not know.
    UnknownStatus(String),
}

/// What happened to a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EnterpriseEvent {
    /// Its first user is under way, alone.
    FirstUser,
    /// Its first user takes too long; all others wait.
    FirstUserStalled,
    /// There is an organisation.
    Ready,
    /// The customer's administrator has to let the partner in.
    WaitingCustomerAdmin,
}

/// How we stand with a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It lets us in.
    Open,
    /// It does not take our token, or refuses us: nothing is asked until it does.
    Refused,
    /// It wants to be asked later.
    Slowed(Duration),
}
