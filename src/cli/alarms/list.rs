//! `xspd alarms list`: what is wrong, once or as it changes.

use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::alarms::query;
use crate::cli::alarms::rows;
use crate::cli::operations::Daemon;
use crate::cli::operations::Failure;
use crate::cli::operations::text;
use crate::cli::table::align;
use crate::cli::watching::Shown;
use crate::cli::watching::Watching;

/// Which alarms, and how often.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only alarms at least as bad: informational, low, medium, high or critical.
    #[arg(long, value_name = "SEVERITY")]
    severity: Option<String>,
    /// Only alarms whose name matches; * is any text.
    #[arg(long, value_name = "PATTERN")]
    name: Option<String>,
    /// Only alarms whose object matches.
    #[arg(long, value_name = "PATTERN")]
    object: Option<String>,
    /// Only alarms that nobody has taken on.
    #[arg(long)]
    open: bool,
    /// Go on until Ctrl-C: drawn anew on a terminal when something changes, else a line per change.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    door: Door,
}

/// Lists: exit 0 when nothing of low severity or worse is in the list, else 1.
pub(super) fn run(args: &Args, console: Console) -> Exit {
    let shown = Daemon::of_alarms(&args.door).and_then(|daemon| {
        if args.watch {
            watch(args, &daemon, console)
        } else {
            once(args, &daemon, console)
        }
    });
    shown.unwrap_or_else(|failure| failure.told(console))
}

impl Args {
    /// Whether some alarms are left out.
    const fn is_part(&self) -> bool {
        self.severity.is_some() || self.name.is_some() || self.object.is_some() || self.open
    }
}

fn look(args: &Args, daemon: &Daemon) -> Result<Value, Failure> {
    let acknowledged = args.open.then(|| "false".to_owned());
    daemon.get(&format!(
        "/alarms/v1/alarms{}",
        query(&[
            ("severity", args.severity.clone()),
            ("name", args.name.clone()),
            ("object", args.object.clone()),
            ("acknowledged", acknowledged),
        ])
    ))
}

fn once(args: &Args, daemon: &Daemon, console: Console) -> Result<Exit, Failure> {
    let said = look(args, daemon)?;
    if console.json {
        console.document(&said);
    } else {
        let lines = table(&said, args.is_part());
        lines.iter().for_each(|line| console.line(line));
    }
    let matters = of(&said)
        .iter()
        .any(|row| row["severity"] != "informational");
    Ok(if matters { Exit::Findings } else { Exit::Ok })
}

fn of(said: &Value) -> &[Value] {
    said["alarms"].as_array().map_or(&[], Vec::as_slice)
}

fn table(said: &Value, is_part: bool) -> Vec<String> {
    let (all, at) = (of(said), said["at"].as_u64().unwrap_or_default());
    let mut lines = vec![rows::summary(all, is_part)];
    if said["durable"] == false {
        lines.push(
            "The daemon keeps alarms in memory only: a restart loses them (see its log)."
                .to_owned(),
        );
    }
    if all.is_empty() {
        return lines;
    }
    lines.push(String::new());
    let head = rows::ALARMS.map(str::to_owned).to_vec();
    let cells = all.iter().map(|row| rows::alarm(row, at));
    let cells: Vec<_> = std::iter::once(head).chain(cells).collect();
    lines.extend(align(&cells));
    lines
}

fn watch(args: &Args, daemon: &Daemon, console: Console) -> Result<Exit, Failure> {
    let mut watching = Watching::new(console);
    let mut before: Option<Value> = None;
    loop {
        if let Some(said) = watching.seen(look(args, daemon), before.is_some())? {
            let changed = |before: &Value| changes(of(before), of(&said));
            watching.show(Shown {
                first: before.is_none(),
                table: &|| table(&said, args.is_part()),
                document: &|| json!({"alarms": of(&said), "at": said.get("at")}),
                changes: before.as_ref().map(changed).unwrap_or_default(),
            });
            before = Some(said);
        }
        if !watching.pause() {
            return Ok(Exit::Ok);
        }
    }
}

/// What is new, is otherwise, or is gone.
fn changes(before: &[Value], after: &[Value]) -> Vec<String> {
    let whom = |row: &Value| (text(row, "name"), text(row, "object"));
    let stands = |row: &Value| (text(row, "severity"), text(row, "step"), rows::state(row));
    let mut lines = Vec::new();
    for row in after {
        let (name, object) = whom(row);
        let (severity, step, state) = stands(row);
        let old = before.iter().find(|old| whom(old) == whom(row));
        if old.is_some_and(|old| stands(old) == stands(row)) {
            continue;
        }
        let step = if step.is_empty() {
            step
        } else {
            format!(" ({step})")
        };
        let what = text(row, "text");
        lines.push(format!(
            "{name} {object}: {severity}{step}, {state}: {what}"
        ));
    }
    for row in before {
        if !after.iter().any(|new| whom(new) == whom(row)) {
            let (name, object) = whom(row);
            lines.push(format!("{name} {object}: no longer in this list"));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_a_line() {
        let row = |object: &str, severity: &str| {
            json!({"name": "n", "object": object,
            "severity": severity, "step": "", "text": "t", "ack": null, "silence": null})
        };
        let before = [row("a", "low"), row("b", "low")];
        let after = [row("a", "high"), row("c", "low")];
        assert_eq!(
            changes(&before, &after),
            [
                "n a: high, open: t",
                "n c: low, open: t",
                "n b: no longer in this list"
            ]
        );
        assert_eq!(changes(&after, &after), [""; 0]);
    }

    #[test]
    fn a_table_says_when_nothing_is_kept() {
        let said = json!({"alarms": [], "at": 0, "durable": false});
        let lines = table(&said, false);
        assert_eq!(lines[0], "No alarm is on.");
        assert!(lines[1].contains("in memory only"));
        assert_eq!(table(&said, true)[0], "Nothing matches.");
    }
}
