//! The JSON forms of alarms. Times are milliseconds since 1970.

use std::time::SystemTime;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::domain::alarms::Alarm;
use crate::domain::alarms::Silence;
use crate::domain::alarms::Whose;
use crate::domain::alarms::catalogue;
use crate::domain::alarms::whose;
use crate::inbound::endpoints::alarms::key_of;
use crate::store::alarms::Delivery;
use crate::store::alarms::HistoryRow;
use crate::workers::alarm_desk::Shown;
use crate::workers::alarm_desk::SinkStanding;

pub(super) fn alarm(shown: &Shown) -> Value {
    let Shown {
        alarm,
        case,
        impact,
        urgency,
        runbook,
        silence: silent,
    } = shown;
    let Alarm {
        key,
        severity,
        step,
        text,
        rule,
        ends,
        details,
        since,
        seen,
        count,
        identifier,
        told,
        ack,
        flapping,
    } = alarm;
    let entry = catalogue::entry(key.name);
    let (name, object) = key_of(key);
    json!({
        "name": name,
        "object": object,
        "severity": severity.word(),
        "step": step,
        "text": text,
        "rule": rule,
        "ends": ends.map(millis),
        "details": pairs(details),
        "since": millis(*since),
        "seen": millis(*seen),
        "count": count,
        "identifier": identifier,
        "told": told.as_ref().map(|told| millis(told.at)),
        "flapping": flapping,
        "component": entry.component,
        "action": whose::action(key.name, step, Whose::of(details)),
        "clears-when": entry.clears,
        "runbook": runbook,
        "case": {
            "level": case.word(),
            "first-response": case.first_response_text(),
            "channel": case.channel(),
            "impact": impact.word(),
            "urgency": urgency.word(),
        },
        "ack": ack.as_ref().map(|ack| json!({
            "who": ack.who,
            "at": millis(ack.at),
            "until": ack.until.map(millis),
            "comment": ack.comment,
        })),
        "silence": silent.as_ref().map(silence),
    })
}

pub(super) fn silence(silence: &Silence) -> Value {
    let Silence {
        id,
        name,
        object,
        who,
        comment,
        at,
        until,
    } = silence;
    json!({
        "id": id,
        "name": name,
        "object": object,
        "who": who,
        "comment": comment,
        "at": millis(*at),
        "until": millis(*until),
    })
}

pub(super) fn history(row: &HistoryRow) -> Value {
    let (entry, notice) = (&row.entry, &row.entry.notice);
    let (name, object) = key_of(&notice.key);
    json!({
        "identifier": notice.identifier,
        "at": millis(notice.at),
        "kind": notice.kind.word(),
        "name": name,
        "object": object,
        "severity": notice.severity.word(),
        "step": notice.step,
        "text": notice.text,
        "since": millis(notice.since),
        "count": notice.count,
        "by": entry.by,
        "comment": entry.comment,
        "silenced": entry.silenced,
        "deliveries": row.deliveries.iter().map(delivery).collect::<Vec<_>>(),
    })
}

fn delivery(delivery: &Delivery) -> Value {
    let state = match (&delivery.error, delivery.delivered_at) {
        (None, Some(_)) => "delivered",
        (Some(_), Some(_)) => "refused",
        (_, None) => "waiting",
    };
    json!({
        "sink": delivery.sink,
        "state": state,
        "attempts": delivery.attempts,
        "error": delivery.error,
        "at": delivery.delivered_at.map(millis),
    })
}

pub(super) fn sink(standing: &SinkStanding) -> Value {
    let SinkStanding {
        name,
        kind,
        level,
        waiting,
        error,
        delivered,
    } = standing;
    json!({
        "name": name,
        "kind": kind,
        "level": level.word(),
        "waiting": waiting,
        "error": error,
        "delivered": delivered.map(millis),
    })
}

pub(super) fn millis(at: SystemTime) -> u64 {
    let since = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn pairs(details: &[(String, String)]) -> Value {
    let pairs = details.iter();
    let pairs = pairs.map(|(name, value)| (name.clone(), Value::String(value.clone())));
    Value::Object(pairs.collect::<Map<_, _>>())
}
