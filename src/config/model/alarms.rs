//! Alarms.

use std::time::Duration;

use crate::config::secret::SecretRef;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::policy::Override;

/// How alarms are raised, told and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarms {
    /// The node, as notices name it; `None`: as the host calls itself.
    pub system_name: Option<String>,
    /// How many equal looks in a row are believed.
    pub hold_down: u32,
    /// How long is believed what a source that speaks seldom says.
    pub hold_time: Duration,
    /// Whether what is critical is believed at first sight.
    pub critical_at_once: bool,
    /// Between two reminders.
    pub remind_every: Duration,
    /// How long history is kept.
    pub history: Duration,
    /// Bearer secret of operators; absent: the one of provisioning or of the AuthService.
    pub operator_token: Option<SecretRef>,
    /// Refusals of clients with a certificate, per listener and ten minutes, that are an alarm.
    pub refused_clients: u32,
    /// Users that wait for us before that is an alarm.
    pub backlog_users: u32,
    /// How long the first of them may wait.
    pub backlog_age: Duration,
    /// Bytes that are to be free below the state directory and the store.
    pub free_disk: u64,
    /// What is different for single names.
    pub overrides: Vec<AlarmOverride>,
}

/// What is different for one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmOverride {
    /// Which.
    pub name: AlarmName,
    /// What.
    pub rules: Override,
}
