//! What the configuration says of provisioning: a [`Policy`] for each template, [`Rules`] for all,
//! and the form of the names of customers.

mod enterprise;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::provisioning::fault::Faults;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::PartnerName;
use crate::domain::provisioning::ids::ProvisioningId;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::profile::Package;

pub use enterprise::BadForm;
pub use enterprise::Case;
pub use enterprise::EnterpriseForm;
pub use enterprise::Escape;
pub use enterprise::NoEnterprise;

/// Everything that can change while jobs are under way.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Waits, deadlines, bounds.
    pub rules: Rules,
    /// By their names.
    pub templates: BTreeMap<TemplateKey, Arc<Policy>>,
    /// What codes mean.
    pub faults: Arc<Faults>,
}

/// How the users of one template are provisioned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub template: TemplateKey,
    /// The cluster whose users it is for.
    pub cluster: ClusterName,
    /// Who provisions.
    pub mode: Mode,
    /// The template of Partner Hub; `api` needs it.
    pub provisioning_id: Option<ProvisioningId>,
    /// The account that Webex is asked with; `api` needs it, the others track with it.
    pub partner: Option<PartnerName>,
    /// The package of its users, unless an operator chose another.
    pub package: Package,
    /// Whether e-mail addresses of BroadWorks are trusted.
    pub trusted_email: bool,
    /// How customers are named.
    pub enterprise: EnterpriseForm,
    /// What is refused at the door.
    pub early_validation: EarlyValidation,
    /// Which users are prechecked.
    pub precheck: Precheck,
    /// What becomes of remarks of a precheck.
    pub precheck_policy: PrecheckPolicy,
    /// What goes when a user goes.
    pub on_remove: OnRemove,
    /// What becomes of the removal of a user that we have never heard of.
    pub remove_unknown: RemoveUnknown,
    /// What a new BroadWorks user id leads to.
    pub user_id_change: UserIdChange,
    /// Whether a user begins as `basic` and is then moved to the package.
    pub stage_basic_first: bool,
    /// Language of users that have none.
    pub language: Option<String>,
    /// Time zone of users that have none.
    pub timezone: Option<String>,
}

impl Policy {
    /// A template with the defaults of the configuration.
    #[must_use]
    pub fn new(template: TemplateKey, cluster: ClusterName, mode: Mode, package: Package) -> Self {
        Self {
            template,
            cluster,
            mode,
            provisioning_id: None,
            partner: None,
            package,
            trusted_email: true,
            enterprise: EnterpriseForm::default(),
            early_validation: EarlyValidation::default(),
            precheck: Precheck::default(),
            precheck_policy: PrecheckPolicy::default(),
            on_remove: OnRemove::default(),
            remove_unknown: RemoveUnknown::default(),
            user_id_change: UserIdChange::default(),
            stage_basic_first: false,
            language: None,
            timezone: None,
        }
    }
}

/// Who provisions the users of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// We do, through the public interfaces of Webex.
    Api,
    /// Cisco's bridge, asked by the AS; we look on.
    Observe,
    /// Cisco's bridge, asked through us; we look on.
    Relay,
}

impl Mode {
    /// Whether we only look on.
    #[must_use]
    pub const fn tracks(self) -> bool {
        match self {
            Self::Api => false,
            Self::Observe | Self::Relay => true,
        }
    }
}

/// What is refused at the door, so that the BroadWorks administrator sees it at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EarlyValidation {
    /// Nothing beyond what nobody could work with.
    Off,
    /// Fields of impossible form.
    Syntax,
    /// What can never succeed, too.
    #[default]
    Business,
}

/// Which users are prechecked before they are created.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precheck {
    /// All.
    Always,
    /// The first of each customer.
    #[default]
    FirstUser,
    /// None.
    Never,
}

/// What becomes of a precheck that passed with remarks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PrecheckPolicy {
    /// They are shown.
    #[default]
    Continue,
    /// Somebody has to confirm.
    Stop,
}

/// What goes when a user goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnRemove {
    /// The subscription; the person stays in the organisation.
    #[default]
    Subscriber,
    /// The subscription and the person.
    SubscriberAndPerson,
}

/// What becomes of the removal of a user that we have never heard of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RemoveUnknown {
    /// Nothing.
    Ignore,
    /// Webex is asked: the user may have been provisioned before we were here.
    #[default]
    LookUp,
}

/// What a new BroadWorks user id leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UserIdChange {
    /// Somebody decides.
    #[default]
    Attention,
    /// The subscriber gets the new user id.
    Put,
    /// The subscriber is removed and created anew.
    Recreate,
}

/// Waits, deadlines and bounds, for all templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// When a subscriber that Webex works on is asked for, counted from the answer to the call.
    pub poll_plan: Vec<Duration>,
    /// How often after the plan.
    pub poll_every: Duration,
    /// With more open jobs of a partner than this, changes are listed instead.
    pub list_above: usize,
    /// How often they are listed.
    pub list_every: Duration,
    /// How far each list reaches back behind the one before.
    pub list_overlap: Duration,
    /// How often a job is asked for by itself while changes are listed.
    pub list_fallback: Duration,
    /// How long Webex may take.
    pub settle_within: Duration,
    /// How long Webex may take for the first user of a customer.
    pub settle_first_within: Duration,
    /// How often a stalled job is asked for.
    pub stalled_every: Duration,
    /// How long after it stalled somebody has to look at it.
    pub stalled_for: Duration,
    /// How often a job that waits for a user is asked for: up to an age, this often.
    pub waiting_plan: Vec<(Duration, Duration)>,
    /// How often Webex is asked whether the customer's administrator has let us in; zero: on an
    /// operator's word only.
    pub customer_admin_every: Duration,
    /// How long the consent mail is not sent again.
    pub consent_again_after: Duration,
    /// The first wait after a failure; each further one is twice as long.
    pub retry_first: Duration,
    /// The longest wait after a failure.
    pub retry_longest: Duration,
    /// Failures in a row after which somebody has to look at it.
    pub retry_tries: u32,
    /// How long it may fail before somebody has to look at it.
    pub retry_for: Duration,
    /// The longest `Retry-After` that is heeded.
    pub retry_after_longest: Duration,
    /// How long a partner is left alone after a 429 that gave no time.
    pub slow_down: Duration,
    /// How long after a call without an answer Webex is asked what became of it.
    pub unanswered_pause: Duration,
    /// How old a look-up may be when a create follows.
    pub look_up_fresh: Duration,
    /// How long a partner that refuses us is left alone before one call tries again.
    pub refused_pause: Duration,
    /// Requests per second to one partner.
    pub requests_per_second: u32,
    /// Calls under way to one partner.
    pub in_flight: usize,
}

impl Default for Rules {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        let seconds = Duration::from_secs;
        Self {
            poll_plan: [3, 5, 10, 20, 40, 60].map(seconds).to_vec(),
            poll_every: seconds(MINUTE),
            list_above: 20,
            list_every: seconds(15),
            list_overlap: seconds(MINUTE),
            list_fallback: seconds(5 * MINUTE),
            settle_within: seconds(10 * MINUTE),
            settle_first_within: seconds(30 * MINUTE),
            stalled_every: seconds(5 * MINUTE),
            stalled_for: seconds(DAY),
            waiting_plan: vec![
                (seconds(DAY), seconds(5 * MINUTE)),
                (seconds(14 * DAY), seconds(HOUR)),
                (seconds(90 * DAY), seconds(DAY)),
            ],
            customer_admin_every: seconds(12 * HOUR),
            consent_again_after: seconds(DAY),
            retry_first: seconds(2),
            retry_longest: seconds(2 * MINUTE),
            retry_tries: 12,
            retry_for: seconds(6 * HOUR),
            retry_after_longest: seconds(5 * MINUTE),
            slow_down: seconds(5),
            unanswered_pause: seconds(10),
            look_up_fresh: seconds(MINUTE),
            refused_pause: seconds(MINUTE),
            requests_per_second: 5,
            in_flight: 4,
        }
    }
}
