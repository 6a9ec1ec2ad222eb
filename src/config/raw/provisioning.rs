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
use crate::config::TemplateMode;
use crate::config::TemplatePackage;
use crate::config::UserIdChange;
use crate::config::raw::DurationText;
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
