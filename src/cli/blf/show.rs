//! Lines and notices in words.

use std::time::SystemTime;

use serde_json::Value;

use crate::domain::certs::date;

/// The columns of a table of lines.
pub(super) const COLUMNS: [&str; 6] = ["USER", "NAME", "STATE", "SINCE", "WITH", "WATCHERS"];

/// Watchers named in a cell; the others are counted.
const NAMED: usize = 3;

/// The cells of one line, in the order of [`COLUMNS`].
pub(super) fn cells(line: &Value) -> Vec<String> {
    let watchers: Vec<&str> = line["watchers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let named = watchers.get(..NAMED).unwrap_or(&watchers).join(", ");
    let watchers = match watchers.len().checked_sub(NAMED) {
        None | Some(0) => named,
        Some(more) => format!("{named} +{more}"),
    };
    vec![
        text(line, "user"),
        text(line, "name"),
        state(line),
        since(line),
        parties(line),
        watchers,
    ]
}

/// The state with what stands beside it.
pub(super) fn state(line: &Value) -> String {
    let shown = line["full"]
        .as_str()
        .or_else(|| line["webex-compatible"].as_str());
    let mut words = shown.unwrap_or("unknown").to_owned();
    if line["do-not-disturb"] == true {
        words.push_str(" (do not disturb)");
    }
    if line["parked"].is_object() {
        words.push_str(" (a call is parked)");
    }
    words
}

/// When the oldest call of a line was answered, else began, by BroadWorks' clock.
fn since(line: &Value) -> String {
    let calls = line["calls"].as_array().into_iter().flatten();
    let times = calls.filter_map(|call| {
        let answered = call["answered"].as_u64();
        answered.or_else(|| call["started"].as_u64())
    });
    let oldest = times.min().and_then(|milliseconds| {
        let seconds = i64::try_from(milliseconds / 1000).ok()?;
        date::from_unix(seconds)
    });
    oldest.map_or_else(String::new, date::text)
}

/// With whom the calls of a line are, as far as they may be shown.
pub(super) fn parties(line: &Value) -> String {
    let calls = line["calls"].as_array().into_iter().flatten();
    let parties: Vec<String> = calls
        .map(|call| party(&call["remote"]))
        .filter(|party| !party.is_empty())
        .collect();
    parties.join(", ")
}

fn party(party: &Value) -> String {
    if party["privacy"] == true {
        return "withheld".to_owned();
    }
    let address = text(party, "address");
    let address = address
        .strip_prefix("tel:")
        .or_else(|| address.strip_prefix("sip:"))
        .unwrap_or(&address);
    match (text(party, "name"), address) {
        (name, "") => name,
        (name, address) if name.is_empty() => address.to_owned(),
        (name, address) => format!("{name} ({address})"),
    }
}

/// What one notice says, one text per line of output.
pub(super) fn notice(event: &str, data: &Value, at: SystemTime) -> Vec<String> {
    let clock = date::text(at);
    match event {
        "snapshot" => {
            let lines = data["lines"].as_array().map_or(&[][..], Vec::as_slice);
            let known = data["list-known"] == true;
            let mut all = vec![match (known, lines.len()) {
                (false, _) => format!("{clock}  the list is not read yet"),
                (true, lines) => format!("{clock}  all {lines} lines:"),
            }];
            all.extend(lines.iter().map(|line| format!("{clock}  {}", one(line))));
            let offers = data["offers"].as_array().into_iter().flatten();
            all.extend(offers.map(|lit| format!("{clock}  {}", offer(lit))));
            all
        }
        "state" => vec![format!("{clock}  {}", one(data))],
        "offer" => vec![format!("{clock}  {}", offer(data))],
        "withdraw" => vec![format!(
            "{clock}  offer {} is over: {}",
            data["offer"],
            text(data, "reason")
        )],
        other => vec![format!("{clock}  {}", plain(other))],
    }
}

/// One line in words.
pub(super) fn one(line: &Value) -> String {
    let name = text(line, "name");
    let name = if name.is_empty() {
        name
    } else {
        format!(" ({name})")
    };
    let with = parties(line);
    let with = if with.is_empty() {
        with
    } else {
        format!(", with {with}")
    };
    format!("{}{name}: {}{with}", text(line, "user"), state(line))
}

fn offer(offer: &Value) -> String {
    let caller = party(&offer["caller"]);
    let caller = if caller.is_empty() {
        caller
    } else {
        format!(", called by {caller}")
    };
    format!(
        "offer {}: it rings at {}{caller}",
        offer["offer"],
        text(offer, "user")
    )
}

/// A member as text that a terminal shows and does not obey: names come from outside.
pub(super) fn text(value: &Value, name: &str) -> String {
    plain(value[name].as_str().unwrap_or_default())
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn busy() -> Value {
        json!({
            "kind": "state", "user": "bob@x", "name": "Bob Boss", "full": "on-call",
            "webex-compatible": "on-a-call", "do-not-disturb": true,
            "calls": [{"call": "1", "started": 1_795_255_200_500_u64,
                "remote": {"name": "Zo\u{1b}[2Jë", "address": "tel:+12405550101"}}],
            "watchers": ["a@x", "b@x", "c@x", "d@x", "e@x"],
        })
    }

    #[test]
    fn a_line_is_a_row_and_nothing_from_outside_reaches_the_terminal_as_an_order() {
        let cells = cells(&busy());
        assert_eq!(
            cells,
            [
                "bob@x",
                "Bob Boss",
                "on-call (do not disturb)",
                "2026-11-21 10:00:00 UTC",
                "Zo[2Jë (+12405550101)",
                "a@x, b@x, c@x +2",
            ]
        );
        assert_eq!(cells.len(), COLUMNS.len());
    }

    #[test]
    fn every_notice_has_its_words() {
        let at = date::from_unix(0).unwrap();
        let said = |event, data: &Value| {
            let lines = notice(event, data, at);
            let short: Vec<String> = lines
                .iter()
                .map(|line| line["1970-01-01 00:00:00 UTC  ".len()..].to_owned())
                .collect();
            short
        };
        assert_eq!(
            said("state", &busy()),
            ["bob@x (Bob Boss): on-call (do not disturb), with Zo[2Jë (+12405550101)"]
        );
        let offer = json!({"offer": 7, "user": "bob@x", "caller": {"privacy": true}});
        assert_eq!(
            said("offer", &offer),
            ["offer 7: it rings at bob@x, called by withheld"]
        );
        let over = json!({"offer": 7, "reason": "picked-up"});
        assert_eq!(said("withdraw", &over), ["offer 7 is over: picked-up"]);
        let snapshot = json!({"list-known": true, "lines": [busy()], "offers": [offer]});
        assert_eq!(said("snapshot", &snapshot).len(), 3);
        let unread = json!({"list-known": false, "lines": [], "offers": []});
        assert_eq!(said("snapshot", &unread), ["the list is not read yet"]);
    }
}
