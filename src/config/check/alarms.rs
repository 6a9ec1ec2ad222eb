//! Alarms.

use std::time::Duration;

use crate::config::AlarmOverride;
use crate::config::Alarms;
use crate::config::check::at::At;
use crate::config::check::rules::Bounds;
use crate::config::raw;
use crate::config::values::Wrong;
use crate::config::values::wrong;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Severity;
use crate::domain::alarms::impact::Impact;
use crate::domain::alarms::impact::Urgency;
use crate::domain::alarms::policy::Override;

const DAY: u64 = 24 * 60 * 60;

/// One look may be a hiccup, two are none; more than ten hide what is wrong.
const HOLD_DOWN: Bounds<u32> = Bounds {
    default: 2,
    low: 1,
    high: 10,
};

/// Longer than a restart of an XSP's web server takes to be noticed.
const HOLD_TIME: Bounds<Duration> = Bounds {
    default: Duration::from_secs(60),
    low: Duration::from_millis(100),
    high: Duration::from_secs(3_600),
};

/// Whoever is reminded more often than daily stops reading.
const REMIND: Bounds<Duration> = Bounds {
    default: Duration::from_secs(DAY),
    low: Duration::from_secs(DAY),
    high: Duration::from_secs(90 * DAY),
};

/// A quarter of a year is what a monthly report and its questions need.
const HISTORY: Bounds<Duration> = Bounds {
    default: Duration::from_secs(90 * DAY),
    low: Duration::from_secs(DAY),
    high: Duration::from_secs(3_650 * DAY),
};

/// A client of Webex that is refused tries again every few seconds or minutes; fewer are a stray.
const REFUSED: Bounds<u32> = Bounds {
    default: 10,
    low: 1,
    high: 1_000_000,
};

/// What a busy evening of assignments brings is through in less; a migration is larger, and its
/// operator knows.
const BACKLOG: Bounds<u32> = Bounds {
    default: 1_000,
    low: 1,
    high: 10_000_000,
};

/// Webex's limits make users wait for minutes; an hour is a fault.
const BACKLOG_AGE: Bounds<Duration> = Bounds {
    default: Duration::from_secs(3_600),
    low: Duration::from_secs(60),
    high: Duration::from_secs(30 * DAY),
};

/// Some days of history and captures of a large provider, and room for the store to be tidied.
const FREE_DISK: Bounds<u64> = Bounds {
    default: 1 << 30,
    low: 16 << 20,
    high: 1 << 40,
};

/// Longest name of a system: what a trap, a syslog header and a host name can hold.
const SYSTEM: usize = 255;

/// Longest address of a runbook.
const URL: usize = 300;

pub(super) fn alarms(at: &At<'_>, raw: Option<&raw::Alarms>) -> Alarms {
    let silent = raw::Alarms::default();
    let raw = raw.unwrap_or(&silent);
    let name = |held: &raw::AlarmOverride| held.name.clone();
    let written = raw.overrides.as_deref();
    let overrides = at.named_as("override", written, name, alarm_name, rules);
    Alarms {
        system_name: at.text("system-name", raw.system_name.as_deref(), system),
        hold_down: at.count("hold-down", raw.hold_down, &HOLD_DOWN),
        hold_time: at.duration("hold-time", raw.hold_time.as_ref(), &HOLD_TIME),
        critical_at_once: raw.critical_at_once.unwrap_or(false),
        remind_every: at.duration("remind-every", raw.remind_every.as_ref(), &REMIND),
        history: at.duration("history", raw.history.as_ref(), &HISTORY),
        operator_token: at.secret("operator-token", raw.operator_token.as_ref()),
        refused_clients: at.count("refused-clients", raw.refused_clients, &REFUSED),
        backlog_users: at.count("backlog-users", raw.backlog_users, &BACKLOG),
        backlog_age: at.duration("backlog-age", raw.backlog_age.as_ref(), &BACKLOG_AGE),
        free_disk: at.size("free-disk", raw.free_disk.as_ref(), &FREE_DISK),
        overrides: overrides.into_iter().flatten().collect(),
    }
}

fn rules(at: &At<'_>, name: String, raw: &raw::AlarmOverride) -> Option<AlarmOverride> {
    Some(AlarmOverride {
        name: AlarmName::from_word(&name)?,
        rules: Override {
            off: raw.off.unwrap_or(false),
            severity: at.text("severity", raw.severity.as_deref(), |text| {
                let expected = "informational, low, medium, high or critical";
                word(Severity::from_word(text), expected)
            }),
            impact: at.text("impact", raw.impact.as_deref(), |text| {
                let expected = "individualised, localised, large or widespread";
                word(Impact::from_word(text), expected)
            }),
            urgency: at.text("urgency", raw.urgency.as_deref(), |text| {
                word(Urgency::from_word(text), "low, medium, high or critical")
            }),
            runbook: at.text("runbook-url", raw.runbook_url.as_deref(), url),
        },
    })
}

fn alarm_name(text: &str) -> Result<String, Wrong> {
    match AlarmName::from_word(text) {
        Some(_) => Ok(text.to_owned()),
        None => wrong(
            "no alarm has this name",
            "a name of the catalogue in the README, such as \"xspUnreachable\"",
        ),
    }
}

fn word<T>(found: Option<T>, expected: &str) -> Result<T, Wrong> {
    found.ok_or_else(|| Wrong {
        what: "not a word for this".to_owned(),
        expected: expected.to_owned(),
    })
}

fn system(text: &str) -> Result<String, Wrong> {
    let fits =
        !text.is_empty() && text.len() <= SYSTEM && text.chars().all(|c| c.is_ascii_graphic());
    if fits {
        Ok(text.to_owned())
    } else {
        wrong(
            "not a name that traps and syslog can carry",
            "up to 255 visible ASCII characters without spaces, such as \"xspd1.example.net\"",
        )
    }
}

fn url(text: &str) -> Result<String, Wrong> {
    let known = text.starts_with("https://") || text.starts_with("http://");
    let plain = text.chars().all(|c| !c.is_control() && !c.is_whitespace());
    if known && plain && text.len() <= URL {
        Ok(text.to_owned())
    } else {
        wrong(
            "not an address for a browser",
            "https://… of up to 300 characters",
        )
    }
}
