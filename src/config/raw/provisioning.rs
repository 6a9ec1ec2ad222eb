//! Provisioning and its templates as written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::CaptureWhat;
use crate::config::EarlyValidation;
use crate::config::EnterpriseCase;
use crate::config::EnterpriseEscape;
use crate::config::OnRemove;
use crate::config::OnUnreachable;
use crate::config::PrecheckPolicy;
use crate::config::PrecheckWhen;
use crate::config::RemoveUnknown;
use crate::config::TemplateMode;
use crate::config::TemplatePackage;
use crate::config::UserIdChange;
use crate::config::raw::DurationText;
use crate::config::raw::Operations;
use crate::config::raw::SecretText;
use crate::config::raw::SizeText;

/// What all templates share.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Provisioning {
    /// Time within which a call is answered; what is not written by then is refused with 503.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_within: Option<DurationText>,
    /// Calls a second, of all templates together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<f64>,
    /// Calls that may come at once after a pause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<i64>,
    /// Absolute path of a TOML file whose entries go before the built-in table of Webex's errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_table: Option<String>,
    /// What is kept of calls for a look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture: Option<Capture>,
    /// Waits and deadlines of jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs: Option<JobRules>,
    /// What operators may do, on the admin listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<Operations>,
}

/// What is kept of calls for a look.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Capture {
    /// Which calls, of templates that say nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<CaptureWhat>,
    /// How many of each template; the oldest make room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ring: Option<i64>,
    /// Largest body that is kept; of a larger one only its length is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<SizeText>,
    /// Keep them over a restart, in the state directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<bool>,
    /// How long any of them is kept, in memory and on the disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<DurationText>,
    /// Keep names, numbers and addresses readable; passwords never are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub personal_data: Option<bool>,
}

/// A template of Partner Hub, and how calls of the Application Server for it are taken.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Template {
    /// Name used in its URL, in logs and metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who provisions its users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<TemplateMode>,
    /// Further URLs, https://host/path, below which calls are of this template; their hosts are then the only ones.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<Vec<String>>,
    /// Name of the BroadWorks cluster within which user ids are unique.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Customers that Partner Hub shows for the cluster; with more than 50 its URLs must not be edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customers: Option<i64>,
    /// Name of the Webex partner account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<String>,
    /// The template's provisioning id, as Partner Hub shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioning_id: Option<String>,
    /// The template's provisioning adapter URL, as Partner Hub shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bridge_url: Option<String>,
    /// The provisioning account of the Application Server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Where its password lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretText>,
    /// Addresses and networks of the Application Servers; by default those of the listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<String>>,
    /// The service provider of a user is an enterprise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enterprise_mode: Option<bool>,
    /// E-mail addresses of BroadWorks are trusted, as the template in Partner Hub says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_email: Option<bool>,
    /// What its users may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<TemplatePackage>,
    /// Language of users for whom BroadWorks says none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Time zone of users for whom BroadWorks says none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// What is refused at once, before a job begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_validation: Option<EarlyValidation>,
    /// When Webex is asked beforehand whether it would take a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precheck: Option<PrecheckWhen>,
    /// What follows when that passes with remarks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precheck_policy: Option<PrecheckPolicy>,
    /// What a removal takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_remove: Option<OnRemove>,
    /// What follows the removal of a user that was never heard of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remove_unknown: Option<RemoveUnknown>,
    /// What follows when a user id changes in BroadWorks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id_change: Option<UserIdChange>,
    /// Make users with the package basic first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage_basic_first: Option<bool>,
    /// Which calls are kept for a look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture: Option<CaptureWhat>,
    /// Absolute path of the mapping of inbound calls, format bwa-adapter/1; by default the built-in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    /// How the enterprise of a user is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sp_enterprise_id: Option<SpEnterpriseIdForm>,
    /// How calls are relayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relay: Option<TemplateRelay>,
    /// What the Application Server is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<TemplateResponse>,
}

/// How the enterprise of a user is called.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SpEnterpriseIdForm {
    /// Text with {sp} and {group}; by default {sp}+{group}, in enterprise mode {sp}.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Letter case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<EnterpriseCase>,
    /// What becomes of + and % inside the ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escape: Option<EnterpriseEscape>,
}

/// How calls are relayed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TemplateRelay {
    /// What a call gets while the bridge cannot be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_unreachable: Option<OnUnreachable>,
    /// Time limit of TCP connect and TLS handshake, each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<DurationText>,
    /// Time limit of the whole call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_timeout: Option<DurationText>,
    /// Absolute path of a PEM file with the CA certificates of the bridge; by default the public roots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Account for the bridge, when the Application Server's credentials are not passed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Where its password lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretText>,
}

/// What the Application Server is answered.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TemplateResponse {
    /// When a call was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<AcceptedResponse>,
    /// When a call was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorResponse>,
}

/// The answer to a call that was accepted.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AcceptedResponse {
    /// Status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<i64>,
    /// Content type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Text with {user_id:xml} and {request_id}.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// The answer to a call that was refused; its status is that of the reason.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ErrorResponse {
    /// Content type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Text with {code}, {message:xml} and {request_id}.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// Waits and deadlines of jobs.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct JobRules {
    /// When a subscriber that Webex works on is asked for, counted from its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll_plan: Option<Vec<DurationText>>,
    /// How often after that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll_every: Option<DurationText>,
    /// With more open jobs of a partner than this, changes are listed instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_above: Option<i64>,
    /// How often they are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_every: Option<DurationText>,
    /// How far each list reaches back behind the one before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_overlap: Option<DurationText>,
    /// How often a job is asked for by itself while changes are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_fallback: Option<DurationText>,
    /// How long Webex may take before a job counts as stalled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settle_within: Option<DurationText>,
    /// How long it may take for the first user of a customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settle_first_within: Option<DurationText>,
    /// How often a stalled job is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stalled_every: Option<DurationText>,
    /// How long after that somebody has to look at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stalled_for: Option<DurationText>,
    /// How often a job that waits for a user is asked for, by its age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_plan: Option<Vec<WaitingStep>>,
    /// How often Webex is asked whether the customer's administrator has let us in; 0s: on an operator's word only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_admin_every: Option<DurationText>,
    /// How long the consent mail is not sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent_again_after: Option<DurationText>,
    /// The first wait after a failure; each further one is twice as long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_first: Option<DurationText>,
    /// The longest wait after a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_longest: Option<DurationText>,
    /// Failures in a row after which somebody has to look at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_tries: Option<i64>,
    /// How long it may fail before somebody has to look at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_for: Option<DurationText>,
    /// The longest Retry-After that is heeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_longest: Option<DurationText>,
    /// How long a partner is left alone after a 429 that gave no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_down: Option<DurationText>,
    /// How long after a call without an answer Webex is asked what became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unanswered_pause: Option<DurationText>,
    /// How old a look-up may be when a create follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub look_up_fresh: Option<DurationText>,
    /// How long a partner that refuses us is left alone before one call tries again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused_pause: Option<DurationText>,
}

/// How often a job of an age is asked for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct WaitingStep {
    /// Up to this age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<DurationText>,
    /// How often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<DurationText>,
}
