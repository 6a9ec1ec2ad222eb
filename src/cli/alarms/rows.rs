//! Rows: from the daemon's JSON to cells.

use std::time::Duration;
use std::time::SystemTime;

use serde_json::Value;

use crate::cli::operations::age;
use crate::cli::operations::plain;
use crate::cli::operations::text;
use crate::domain::certs::date;

/// Columns: a head, and what makes the cell of a row.
pub(super) type Columns = &'static [(&'static str, fn(&Value) -> String)];

/// Characters of a sentence in a cell; the whole stands in `show`.
const SHORT: usize = 70;

pub(super) const SILENCES: Columns = &[
    ("ID", |row| text(row, "id")),
    ("NAME", |row| text(row, "name")),
    ("OBJECT", |row| text(row, "object")),
    ("UNTIL", |row| when(&row["until"])),
    ("WHO", |row| text(row, "who")),
    ("COMMENT", |row| text(row, "comment")),
];

pub(super) const SINKS: Columns = &[
    ("SINK", |row| text(row, "name")),
    ("KIND", |row| text(row, "kind")),
    ("LEVEL", |row| text(row, "level")),
    ("WAITING", |row| text(row, "waiting")),
    ("LAST TAKEN", |row| when(&row["delivered"])),
    ("LAST ERROR", |row| short(&text(row, "error"))),
];

/// The columns of the list of alarms.
pub(super) const ALARMS: [&str; 7] = [
    "SEVERITY",
    "CASE",
    "ALARM",
    "OBJECT",
    "AGE",
    "STATE",
    "WHAT IS WRONG",
];

/// The cells of one alarm; `at` is the daemon's clock.
pub(super) fn alarm(row: &Value, at: u64) -> Vec<String> {
    let since = row["since"].as_u64().unwrap_or(at);
    vec![
        text(row, "severity"),
        text(&row["case"], "level"),
        text(row, "name"),
        short(&text(row, "object")),
        age(at.saturating_sub(since) / 1000),
        state(row),
        short(&text(row, "text")),
    ]
}

/// Who knows of it.
pub(super) fn state(row: &Value) -> String {
    let mut state = match (&row["ack"], &row["silence"]) {
        (Value::Object(_), _) => format!("ack {}", text(&row["ack"], "who")),
        (_, Value::Object(_)) => "silenced".to_owned(),
        (_, _) => "open".to_owned(),
    };
    if row["flapping"] == true {
        state += ", flapping";
    }
    state
}

/// One line of history.
pub(super) fn history(row: &Value) -> Vec<String> {
    let by = text(row, "by");
    let told = row["deliveries"].as_array().map_or(&[][..], Vec::as_slice);
    let told = told.iter().map(|told| match told["state"].as_str() {
        Some("delivered") => text(told, "sink"),
        _ => format!("{} ({})", text(told, "sink"), text(told, "state")),
    });
    let told: Vec<_> = told.collect();
    vec![
        when(&row["at"]),
        text(row, "kind"),
        text(row, "severity"),
        text(row, "name"),
        short(&text(row, "object")),
        if row["silenced"] == true {
            "silenced".to_owned()
        } else {
            told.join(", ")
        },
        match (by.is_empty(), text(row, "comment")) {
            (true, _) => short(&text(row, "text")),
            (false, comment) if comment.is_empty() => by,
            (false, comment) => format!("{by}: {}", short(&comment)),
        },
    ]
}

/// The columns of the history.
pub(super) const HISTORY: [&str; 7] = [
    "WHEN", "WHAT", "SEVERITY", "ALARM", "OBJECT", "TOLD TO", "WORDS",
];

/// One sentence that counts the rows. Of a part, none does not mean that all is well.
pub(super) fn summary(all: &[Value], is_part: bool) -> String {
    let count = |severity: &str| all.iter().filter(|row| row["severity"] == severity).count();
    let words = ["critical", "high", "medium", "low", "informational"];
    let parts: Vec<_> = words
        .iter()
        .filter_map(|word| match count(word) {
            0 => None,
            count => Some(format!("{count} {word}")),
        })
        .collect();
    match all.len() {
        0 if is_part => "Nothing matches.".to_owned(),
        0 => "No alarm is on.".to_owned(),
        1 => format!("1 alarm: {}", parts.join(", ")),
        more => format!("{more} alarms: {}", parts.join(", ")),
    }
}

/// A date, or a dash.
pub(super) fn when(millis: &Value) -> String {
    let since = millis.as_u64().map(Duration::from_millis);
    let at = since.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
    at.map_or_else(|| "-".to_owned(), date::text)
}

fn short(text: &str) -> String {
    let text = plain(text);
    if text.chars().count() <= SHORT {
        return text;
    }
    let start: String = text.chars().take(SHORT - 1).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_alarm_is_a_row_that_says_who_knows_of_it() {
        let mut row = json!({
            "severity": "high", "case": {"level": "S2"}, "name": "xspUnreachable",
            "object": "pool xsp", "since": 1_000, "text": "It is wrong.", "ack": null,
            "silence": null, "flapping": false,
        });
        assert_eq!(
            alarm(&row, 61_000),
            [
                "high",
                "S2",
                "xspUnreachable",
                "pool xsp",
                "1 min",
                "open",
                "It is wrong."
            ]
        );
        row["silence"] = json!({"id": 1});
        assert_eq!(state(&row), "silenced");
        row["ack"] = json!({"who": "anna"});
        row["flapping"] = json!(true);
        assert_eq!(state(&row), "ack anna, flapping");
    }

    #[test]
    fn alarms_are_counted_by_severity() {
        let row = |severity: &str| json!({"severity": severity});
        assert_eq!(summary(&[], false), "No alarm is on.");
        assert_eq!(summary(&[], true), "Nothing matches.");
        assert_eq!(
            summary(&[row("low"), row("critical"), row("low")], true),
            "3 alarms: 1 critical, 2 low"
        );
    }
}
