//! Sinks of alarms: each kind has a table of its own, and no other.

mod message;
mod network;
mod web;

use std::time::Duration;

use crate::config::AlarmSink;
use crate::config::AlarmSinkKind;
use crate::config::AlarmWay;
use crate::config::check::at::At;
use crate::config::check::rules::Bounds;
use crate::config::raw;
use crate::config::raw::SecretText;
use crate::config::secret::SECRET_FORM;
use crate::config::secret::SecretRef;
use crate::config::values::Wrong;
use crate::config::values::wrong;
use crate::domain::alarms::Appetite;
use crate::domain::alarms::QuietHours;
use crate::domain::alarms::Severity;

/// A mail server takes seconds; a receiver that needs more than a minute is down.
const TIMEOUT: Bounds<Duration> = Bounds {
    default: Duration::from_secs(10),
    low: Duration::from_millis(100),
    high: Duration::from_secs(60),
};

/// Sinks of one node; each has an outbox of its own.
const MOST: usize = 32;

const SEVERITY_FORM: &str = "\"informational\", \"low\", \"medium\", \"high\" or \"critical\"";

const QUIET_FORM: &str = "two times of day such as \"22:00-06:00\"";

/// All sinks, in the order written.
pub(super) fn sinks(at: &At<'_>, raw: Option<&[raw::AlarmSink]>) -> Vec<AlarmSink> {
    let written = raw.unwrap_or_default();
    if written.len() > MOST {
        at.key("alarm-sink").refuse(
            format!("{} sinks", written.len()),
            format!("at most {MOST}"),
        );
    }
    let name = |sink: &raw::AlarmSink| sink.name.clone();
    let proven = at.named("alarm-sink", raw, name, sink);
    proven.into_iter().flatten().collect()
}

fn sink(at: &At<'_>, name: String, raw: &raw::AlarmSink) -> Option<AlarmSink> {
    let appetite = appetite(at, raw);
    let timeout = at.duration("timeout", raw.timeout.as_ref(), &TIMEOUT);
    let kind = kind(at, raw)?;
    foreign(at, raw, kind);
    Some(AlarmSink {
        name,
        appetite,
        timeout,
        way: way(at, raw, kind)?,
    })
}

/// The kind as written, or that of the only table.
fn kind(at: &At<'_>, raw: &raw::AlarmSink) -> Option<AlarmSinkKind> {
    if raw.kind.is_none() {
        let words: Vec<_> = AlarmSinkKind::ALL
            .iter()
            .map(|kind| format!("\"{}\"", kind.word()))
            .collect();
        at.key("kind")
            .refuse("missing", format!("one of {}", words.join(", ")));
    }
    raw.kind
}

fn foreign(at: &At<'_>, raw: &raw::AlarmSink, kind: AlarmSinkKind) {
    for other in AlarmSinkKind::ALL {
        if other != kind && has_table(raw, other) {
            let word = kind.word();
            at.key(other.word()).refuse(
                format!("has no effect on a sink of the kind \"{word}\""),
                format!(
                    "`kind = \"{}\"`, or a sink of its own for each",
                    other.word()
                ),
            );
        }
    }
}

const fn has_table(raw: &raw::AlarmSink, kind: AlarmSinkKind) -> bool {
    match kind {
        AlarmSinkKind::Alertmanager => raw.alertmanager.is_some(),
        AlarmSinkKind::Email => raw.email.is_some(),
        AlarmSinkKind::Journal => false,
        AlarmSinkKind::PagerDuty => raw.pagerduty.is_some(),
        AlarmSinkKind::Snmp => raw.snmp.is_some(),
        AlarmSinkKind::Syslog => raw.syslog.is_some(),
        AlarmSinkKind::Webex => raw.webex.is_some(),
        AlarmSinkKind::Webhook => raw.webhook.is_some(),
    }
}

fn way(at: &At<'_>, raw: &raw::AlarmSink, kind: AlarmSinkKind) -> Option<AlarmWay> {
    let inside = at.key(kind.word());
    match kind {
        AlarmSinkKind::Alertmanager => {
            let raw = table(&inside, raw.alertmanager.as_ref(), "`urls`")?;
            web::alertmanager(&inside, raw).map(AlarmWay::Alertmanager)
        }
        AlarmSinkKind::Email => {
            let raw = table(&inside, raw.email.as_ref(), "`server`, `from` and `to`")?;
            message::email(&inside, raw).map(AlarmWay::Email)
        }
        AlarmSinkKind::Journal => Some(AlarmWay::Journal),
        AlarmSinkKind::PagerDuty => {
            let raw = table(&inside, raw.pagerduty.as_ref(), "`routing-key`")?;
            web::pagerduty(&inside, raw).map(AlarmWay::PagerDuty)
        }
        AlarmSinkKind::Snmp => {
            let raw = table(&inside, raw.snmp.as_ref(), "`targets` and `community`")?;
            network::snmp(&inside, raw).map(AlarmWay::Snmp)
        }
        AlarmSinkKind::Syslog => {
            let raw = table(&inside, raw.syslog.as_ref(), "`server`")?;
            network::syslog(&inside, raw).map(AlarmWay::Syslog)
        }
        AlarmSinkKind::Webex => {
            let form = "`webhook`, or `token` and `room-id`";
            let raw = table(&inside, raw.webex.as_ref(), form)?;
            message::webex(&inside, raw).map(AlarmWay::Webex)
        }
        AlarmSinkKind::Webhook => {
            let raw = table(&inside, raw.webhook.as_ref(), "`url` and `secret`")?;
            web::webhook(&inside, raw).map(AlarmWay::Webhook)
        }
    }
}

fn table<'a, T>(at: &At<'_>, raw: Option<&'a T>, keys: &str) -> Option<&'a T> {
    if raw.is_none() {
        at.refuse("missing", format!("a table of this name with {keys}"));
    }
    raw
}

fn appetite(at: &At<'_>, raw: &raw::AlarmSink) -> Appetite {
    let level = at.text("level", raw.level.as_deref(), severity);
    let level = level.unwrap_or(Severity::Low);
    let hours = at.text("quiet-hours", raw.quiet_hours.as_deref(), hours);
    let zone = at.text("quiet-zone", raw.quiet_zone.as_deref(), zone);
    let worst = at.text("quiet-level", raw.quiet_level.as_deref(), severity);
    if raw.quiet_hours.is_none() {
        let others = [
            ("quiet-zone", raw.quiet_zone.is_some()),
            ("quiet-level", raw.quiet_level.is_some()),
        ];
        for (key, _) in others.iter().filter(|(_, written)| *written) {
            at.key(key)
                .refuse("has no effect without `quiet-hours`", QUIET_FORM);
        }
    }
    let worst = worst.unwrap_or(Severity::Low);
    if raw.quiet_hours.is_some() && worst < level {
        at.key("quiet-level").refuse_value(
            format!("\"{worst}\""),
            Wrong {
                what: format!("nothing milder than \"{level}\" is told anyway"),
                expected: "a `quiet-level` not below `level`, or no `quiet-hours`".to_owned(),
            },
        );
    }
    let quiet = hours.map(|(from, until)| QuietHours {
        from,
        until,
        zone: zone.unwrap_or_else(|| "UTC".to_owned()),
        level: worst,
    });
    Appetite { level, quiet }
}

fn severity(text: &str) -> Result<Severity, Wrong> {
    Severity::from_word(text).map_or_else(|| wrong("not a severity", SEVERITY_FORM), Ok)
}

/// First quiet minute and first loud one.
fn hours(text: &str) -> Result<(u16, u16), Wrong> {
    let minute = |text: &str| -> Option<u16> {
        let (hours, minutes) = text.split_once(':')?;
        let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        let (hours, minutes): (u16, u16) = match digits(hours) && digits(minutes) {
            true => (hours.parse().ok()?, minutes.parse().ok()?),
            false => return None,
        };
        (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
    };
    let pair = || -> Option<(u16, u16)> {
        let (from, until) = text.split_once('-')?;
        Some((minute(from.trim())?, minute(until.trim())?))
    };
    match pair() {
        Some((from, until)) if from == until => wrong(
            "both times are the same: always quiet, or never",
            QUIET_FORM,
        ),
        Some(pair) => Ok(pair),
        None => wrong("not two times of day", QUIET_FORM),
    }
}

fn zone(text: &str) -> Result<String, Wrong> {
    if QuietHours::is_zone(text) {
        return Ok(text.to_owned());
    }
    wrong(
        "not a time zone",
        "a name of the IANA time zone database such as \"Europe/Rome\"",
    )
}

/// A user and a password, both or none.
fn account(
    at: &At<'_>,
    username: Option<&String>,
    password: Option<&SecretText>,
) -> Option<(String, SecretRef)> {
    let secret = at.secret("password", password);
    match (username, password) {
        (None, None) => None,
        (None, Some(_)) => {
            at.key("username")
                .refuse("missing, but there is a `password`", "the user's name");
            None
        }
        (Some(_), None) => {
            at.key("password")
                .refuse("missing, but there is a `username`", SECRET_FORM);
            None
        }
        (Some(name), Some(_)) => {
            let name = at.text("username", Some(name), user_name)?;
            Some((name, secret?))
        }
    }
}

/// It goes before a colon.
fn user_name(text: &str) -> Result<String, Wrong> {
    if text.is_empty()
        || text.len() > 256
        || text.contains(':')
        || text.chars().any(char::is_control)
    {
        return wrong("not a user's name", "1 to 256 bytes without a colon");
    }
    Ok(text.to_owned())
}
