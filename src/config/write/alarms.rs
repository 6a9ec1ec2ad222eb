//! Alarms, as written.

use crate::config;
use crate::config::raw;
use crate::config::raw::SecretText;
use crate::config::write::number;
use crate::config::write::size;
use crate::config::write::time;
use crate::domain::alarms::policy::Override;

pub(super) fn alarms(alarms: &config::Alarms) -> raw::Alarms {
    let config::Alarms {
        system_name,
        hold_down,
        hold_time,
        critical_at_once,
        remind_every,
        history,
        operator_token,
        refused_clients,
        backlog_users,
        backlog_age,
        free_disk,
        overrides,
    } = alarms;
    raw::Alarms {
        system_name: system_name.clone(),
        hold_down: number(*hold_down),
        hold_time: time(*hold_time),
        critical_at_once: Some(*critical_at_once),
        remind_every: time(*remind_every),
        history: time(*history),
        operator_token: operator_token
            .as_ref()
            .map(|token| SecretText(token.to_string())),
        refused_clients: number(*refused_clients),
        backlog_users: number(*backlog_users),
        backlog_age: time(*backlog_age),
        free_disk: size(*free_disk),
        overrides: Some(overrides.iter().map(written).collect()),
    }
}

fn written(held: &config::AlarmOverride) -> raw::AlarmOverride {
    let config::AlarmOverride { name, rules } = held;
    let Override {
        off,
        severity,
        impact,
        urgency,
        runbook,
    } = rules;
    raw::AlarmOverride {
        name: Some(name.word().to_owned()),
        off: Some(*off),
        severity: severity.map(|severity| severity.word().to_owned()),
        impact: impact.map(|impact| impact.word().to_owned()),
        urgency: urgency.map(|urgency| urgency.word().to_owned()),
        runbook_url: runbook.clone(),
    }
}
