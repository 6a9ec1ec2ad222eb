//! `xspd alarms show` and `history`.

use serde_json::Value;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::alarms::query;
use crate::cli::alarms::rows;
use crate::cli::operations::Daemon;
use crate::cli::operations::age;
use crate::cli::operations::plain;
use crate::cli::operations::text;
use crate::cli::provision::list::ago;
use crate::cli::table::align;

/// Which alarm.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its name, as in the list.
    #[arg(value_name = "ALARM")]
    name: String,
    /// Its object; may be left out where there is one alarm of the name.
    #[arg(value_name = "OBJECT")]
    object: Option<String>,
    #[command(flatten)]
    door: Door,
}

/// Which part of the history.
#[derive(Debug, clap::Args)]
pub(super) struct History {
    /// Only of this alarm.
    #[arg(value_name = "ALARM")]
    name: Option<String>,
    /// Only of this object.
    #[arg(value_name = "OBJECT")]
    object: Option<String>,
    /// Only of the last so long, as 30m, 24h or 7d.
    #[arg(long, value_name = "TIME", value_parser = ago)]
    since: Option<u64>,
    /// Lines at most.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: u32,
    #[command(flatten)]
    door: Door,
}

pub(super) fn run(args: &Args, console: Console) -> Exit {
    let target = query(&[
        ("name", Some(args.name.clone())),
        ("object", args.object.clone()),
    ]);
    let asked = Daemon::of_alarms(&args.door);
    match asked.and_then(|daemon| daemon.get(&format!("/alarms/v1/alarm{target}"))) {
        Ok(said) if console.json => console.document(&said),
        Ok(said) => lines(&said).iter().for_each(|line| console.line(line)),
        Err(failure) => return failure.told(console),
    }
    Exit::Ok
}

fn lines(said: &Value) -> Vec<String> {
    let (alarm, at) = (&said["alarm"], said["at"].as_u64().unwrap_or_default());
    let case = &alarm["case"];
    let since = alarm["since"].as_u64().unwrap_or(at);
    let mut lines = vec![
        format!("{} {}", text(alarm, "name"), text(alarm, "object")),
        text(alarm, "text"),
        String::new(),
    ];
    let step = text(alarm, "step");
    let severity = if step.is_empty() {
        text(alarm, "severity")
    } else {
        format!("{} ({step})", text(alarm, "severity"))
    };
    let mut facts = vec![
        ("severity", severity),
        ("state", rows::state(alarm)),
        (
            "since",
            format!(
                "{}, for {}",
                rows::when(&alarm["since"]),
                age(at.saturating_sub(since) / 1000)
            ),
        ),
        (
            "seen",
            format!(
                "{} times, last {}",
                text(alarm, "count"),
                rows::when(&alarm["seen"])
            ),
        ),
        (
            "case",
            format!(
                "open a case as {}, {}: first response {} (impact {}, urgency {})",
                text(case, "level"),
                text(case, "channel"),
                text(case, "first-response"),
                text(case, "impact"),
                text(case, "urgency")
            ),
        ),
        ("do", text(alarm, "action")),
        ("clears when", text(alarm, "clears-when")),
    ];
    facts.extend(further(alarm));
    let details = alarm["details"].as_object().into_iter().flatten();
    let details = details.map(|(name, value)| {
        let value = value.as_str().unwrap_or_default();
        vec![plain(name), plain(value)]
    });
    let facts = facts.into_iter();
    let facts = facts.map(|(name, value)| vec![name.to_owned(), value]);
    lines.extend(align(&facts.chain(details).collect::<Vec<_>>()));
    lines.push(String::new());
    lines.extend(history_table(&said["history"]));
    let unreadable = text(said, "history-unreadable");
    if !unreadable.is_empty() {
        lines.push(format!("The history cannot be read: {unreadable}"));
    }
    lines
}

/// What only some alarms have.
fn further(alarm: &Value) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    for (name, key) in [("rule", "rule"), ("runbook", "runbook")] {
        let value = text(alarm, key);
        if !value.is_empty() {
            facts.push((name, value));
        }
    }
    if alarm["ends"].is_u64() {
        facts.push(("ends", rows::when(&alarm["ends"])));
    }
    if let Value::Object(_) = alarm["ack"] {
        let ack = &alarm["ack"];
        let until = match ack["until"].is_u64() {
            true => format!(" until {}", rows::when(&ack["until"])),
            false => String::new(),
        };
        let (who, comment) = (text(ack, "who"), text(ack, "comment"));
        facts.push((
            "acknowledged",
            format!("by {who}{until} {comment}").trim_end().to_owned(),
        ));
    }
    if let Value::Object(_) = alarm["silence"] {
        let silence = &alarm["silence"];
        facts.push((
            "silenced",
            format!(
                "until {} by {} (silence {})",
                rows::when(&silence["until"]),
                text(silence, "who"),
                text(silence, "id")
            ),
        ));
    }
    facts
}

fn history_table(all: &Value) -> Vec<String> {
    let all = all.as_array().map_or(&[][..], Vec::as_slice);
    if all.is_empty() {
        return vec!["Nothing is written of it.".to_owned()];
    }
    let head = rows::HISTORY.map(str::to_owned).to_vec();
    let cells = all.iter().map(rows::history);
    align(&std::iter::once(head).chain(cells).collect::<Vec<_>>())
}

pub(super) fn history(args: &History, console: Console) -> Exit {
    let target = query(&[
        ("name", args.name.clone()),
        ("object", args.object.clone()),
        (
            "since-seconds",
            args.since.map(|seconds| seconds.to_string()),
        ),
        ("limit", Some(args.limit.to_string())),
    ]);
    let asked = Daemon::of_alarms(&args.door);
    match asked.and_then(|daemon| daemon.get(&format!("/alarms/v1/history{target}"))) {
        Ok(said) if console.json => console.document(&said),
        Ok(said) => {
            let said = &said;
            let lines = history_table(&said["history"]);
            lines.iter().for_each(|line| console.line(line));
        }
        Err(failure) => return failure.told(console),
    }
    Exit::Ok
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_alarm_says_how_a_case_is_opened() {
        let said = json!({"at": 61_000, "history": [], "alarm": {
            "name": "xspUnreachable", "object": "pool xsp", "severity": "high", "step": "1 of 2",
            "text": "It is wrong.", "since": 1_000, "seen": 2_000, "count": 3,
            "action": "Do it.", "clears-when": "it is done", "details": {"owner": "noc"},
            "case": {"level": "S2", "channel": "by phone", "first-response": "30 min",
                "impact": "large", "urgency": "high"},
            "ack": {"who": "anna", "until": null, "comment": "on it"}, "silence": null,
            "ends": null, "flapping": false,
        }});
        let all = lines(&said).join("\n");
        for words in [
            "open a case as S2, by phone: first response 30 min",
            "high (1 of 2)",
            "by anna on it",
            "Do it.",
            "noc",
            "Nothing is written of it.",
        ] {
            assert!(all.contains(words), "{words} is missing in\n{all}");
        }
    }
}
