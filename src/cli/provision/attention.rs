//! `xspd provision attention`: what waits for a person, grouped by the reason. `templates` and
//! `captures`: what the adapter goes by, and what it has seen.

use serde_json::Value;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::admin::escaped;
use crate::cli::operations::Daemon;
use crate::cli::operations::age;
use crate::cli::operations::text;
use crate::cli::table;

/// What waits for a person: exit 0 when nothing does, else 1.
pub(super) fn run(door: &Door, console: Console) -> Exit {
    match Daemon::of(door).and_then(|daemon| daemon.get("/ops/v1/attention")) {
        Ok(said) => {
            if console.json {
                console.document(&said);
            } else {
                lines(&said).iter().for_each(|line| console.line(line));
            }
            if of(&said, "reasons").is_empty() {
                Exit::Ok
            } else {
                Exit::Findings
            }
        }
        Err(failure) => failure.told(console),
    }
}

/// Lists the templates.
pub(super) fn templates(door: &Door, console: Console) -> Exit {
    match Daemon::of(door).and_then(|daemon| daemon.get("/ops/v1/templates")) {
        Ok(said) if console.json => console.document(&said),
        Ok(said) => table::print(
            of(&said, "templates"),
            &TEMPLATES,
            "No template is configured.",
            console,
        ),
        Err(failure) => return failure.told(console),
    }
    Exit::Ok
}

const TEMPLATES: [(&str, &str); 7] = [
    ("TEMPLATE", "key"),
    ("MODE", "mode"),
    ("CLUSTER", "cluster"),
    ("PARTNER", "partner"),
    ("PACKAGE", "package"),
    ("E-MAIL", "email"),
    ("CAPTURE", "capture"),
];

/// Which capture.
#[derive(Debug, clap::Args)]
pub(super) struct Captures {
    /// The whole of one, as JSON; `xspd provision mapping test --capture ID` shows how the rules see it.
    #[arg(value_name = "ID")]
    id: Option<String>,
    #[command(flatten)]
    door: Door,
}

/// Lists captured calls, or prints one.
pub(super) fn captures(args: &Captures, console: Console) -> Exit {
    let target = match &args.id {
        Some(id) => format!("/ops/v1/captures/{}", escaped(id)),
        None => "/ops/v1/captures".to_owned(),
    };
    match Daemon::of(&args.door).and_then(|daemon| daemon.get(&target)) {
        Ok(said) if console.json || args.id.is_some() => console.document(&said),
        Ok(said) => {
            let columns = [
                ("ID", "id"),
                ("AT", "at"),
                ("TEMPLATE", "template"),
                ("OUTCOME", "outcome"),
                ("STATUS", "status"),
            ];
            table::print(
                of(&said, "captures"),
                &columns,
                "No call is captured.",
                console,
            );
        }
        Err(failure) => return failure.told(console),
    }
    Exit::Ok
}

fn of<'a>(said: &'a Value, member: &str) -> &'a [Value] {
    said[member].as_array().map_or(&[], Vec::as_slice)
}

fn lines(said: &Value) -> Vec<String> {
    let reasons = of(said, "reasons");
    if reasons.is_empty() {
        return vec!["Nothing waits for a person.".to_owned()];
    }
    let at = said["at"].as_u64().unwrap_or_default();
    let mut all = Vec::new();
    for reason in reasons {
        let oldest = reason["oldest"].as_u64().unwrap_or(at);
        all.push(format!(
            "{} user{} of {}: {}, the oldest for {}; waits for: {}",
            reason["users"],
            if reason["users"] == 1 { "" } else { "s" },
            text(reason, "template"),
            text(reason, "reason"),
            age(at.saturating_sub(oldest) / 1000),
            text(reason, "owner"),
        ));
        let what = text(reason, "do");
        if !what.is_empty() {
            all.push(format!("  {what}"));
        }
        let examples: Vec<&str> = of(reason, "examples")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        if !examples.is_empty() {
            let examples = crate::cli::operations::plain(&examples.join(", "));
            all.push(format!("  for example {examples}"));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reasons_come_with_their_number_and_what_to_do() {
        let said = json!({"at": 3_600_000, "reasons": [{"reason": "2017", "users": 3, "oldest": 0,
            "template": "acme", "owner": "customer administrator", "do": "Ask.", "examples": ["a@x", "b@x"]}]});
        assert_eq!(
            lines(&said),
            [
                "3 users of acme: 2017, the oldest for 1 h; waits for: customer administrator",
                "  Ask.",
                "  for example a@x, b@x",
            ]
        );
        assert_eq!(
            lines(&json!({"reasons": []})),
            ["Nothing waits for a person."]
        );
    }
}
