//! Alarms as written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::raw::DurationText;
use crate::config::raw::SecretText;
use crate::config::raw::SizeText;

/// How alarms are raised, told and kept.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Alarms {
    /// The node, as notices name it; by default as the host calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_name: Option<String>,
    /// How many equal looks in a row are believed, of a raise, a step and a clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_down: Option<i64>,
    /// How long something must stand to be believed without a further look, from a source that
    /// speaks only when something changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_time: Option<DurationText>,
    /// Believe what is critical at first sight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical_at_once: Option<bool>,
    /// Time between two reminders of one alarm; a day at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remind_every: Option<DurationText>,
    /// How long the history of alarms is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<DurationText>,
    /// Bearer secret for the alarm API: file:/path, env:NAME or cred:NAME; by default the one of
    /// provisioning.operations, or of auth-service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_token: Option<SecretText>,
    /// Clients with a certificate that a listener refuses in ten minutes before that is an alarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused_clients: Option<i64>,
    /// Users whose provisioning waits for xspd before that is an alarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backlog_users: Option<i64>,
    /// How long the first of them may wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backlog_age: Option<DurationText>,
    /// Free space below the state directory and the store; less is an alarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_disk: Option<SizeText>,
    /// What is different for single alarms.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub overrides: Option<Vec<AlarmOverride>>,
}

/// What is different for one alarm.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AlarmOverride {
    /// Name of the alarm, as in the catalogue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Never raise it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off: Option<bool>,
    /// How bad it is, whatever is found: informational, low, medium, high or critical.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// How much is affected: individualised, localised, large or widespread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impact: Option<String>,
    /// How pressing it is: low, medium, high or critical.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgency: Option<String>,
    /// Where your own instructions are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runbook_url: Option<String>,
}
