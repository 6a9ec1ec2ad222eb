//! `xspd blf board`: lines that are not idle and the sources of their state, once or as it changes.

use std::io::IsTerminal as _;
use std::time::Duration;

use serde_json::Value;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::blf::daemon::Daemon;
use crate::cli::blf::daemon::Failure;
use crate::cli::blf::show;
use crate::cli::table::align;
use crate::domain::certs::date;
use crate::platform::clock;

/// Between two looks of `--watch`.
const STEP: Duration = Duration::from_secs(1);

/// What is shown.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show it once; the default.
    #[arg(long, conflicts_with = "watch")]
    once: bool,
    /// Go on until Ctrl-C: drawn anew on a terminal when something changes, else a line per change.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    door: Door,
}

/// Shows the board: exit 0, with `--watch` by Ctrl-C only.
pub fn run(args: &Args, console: Console) -> Exit {
    let shown = Daemon::of(&args.door).and_then(|daemon| {
        if args.watch {
            watch(&daemon, console)
        } else {
            let board = look(&daemon)?;
            if console.json {
                console.document(&board);
            } else {
                for line in table(&board) {
                    console.line(line);
                }
            }
            Ok(())
        }
    });
    match shown {
        Ok(()) => Exit::Ok,
        Err(failure) => {
            console.complain(format_args!("xspd: {failure}"));
            failure.exit()
        }
    }
}

fn look(daemon: &Daemon) -> Result<Value, Failure> {
    daemon.get("/blf/v1/board", Duration::ZERO)
}

fn watch(daemon: &Daemon, console: Console) -> Result<(), Failure> {
    let terminal = std::io::stdout().is_terminal() && !console.json;
    let mut last = look(daemon)?;
    let mut first = true;
    loop {
        let board = match look(daemon) {
            Ok(board) => board,
            Err(failure) if failure.may_pass() => {
                console.complain(format_args!("xspd: {failure}"));
                std::thread::sleep(STEP);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        if first || lines(&board) != lines(&last) || states(&board) != states(&last) {
            if console.json {
                console.value(&board);
            } else if terminal {
                // Home, and what is below is gone.
                console.line(format_args!(
                    "\u{1b}[H\u{1b}[2J{}",
                    table(&board).join("\n")
                ));
            } else if first {
                for line in table(&board) {
                    console.line(line);
                }
            } else {
                for line in changes(&last, &board) {
                    console.line(format_args!("{}  {line}", date::text(clock::wall())));
                }
            }
        }
        if !console.is_open() {
            return Ok(());
        }
        first = false;
        last = board;
        std::thread::sleep(STEP);
    }
}

/// What of the sources is worth a new picture; their ages are not.
fn states(board: &Value) -> Vec<(&Value, &Value)> {
    let sources = board["sources"].as_array().into_iter().flatten();
    sources
        .map(|source| (&source["upstream"], &source["state"]))
        .collect()
}

fn lines(board: &Value) -> &[Value] {
    board["lines"].as_array().map_or(&[], Vec::as_slice)
}

fn table(board: &Value) -> Vec<String> {
    let counts = &board["counts"];
    let mut all = vec![format!(
        "{} lines, {} watchers, {} readers; {} of {} subscriptions are up",
        counts["lines"],
        counts["watchers"],
        counts["readers"],
        counts["subscriptions-up"],
        counts["subscriptions-wanted"],
    )];
    let sources = board["sources"].as_array().into_iter().flatten();
    all.extend(sources.map(|source| {
        let loss = show::text(source, "last-loss");
        let loss = if loss.is_empty() {
            loss
        } else {
            format!(", last lost: {loss}")
        };
        format!(
            "{}: {} for {} s{loss}",
            show::text(source, "upstream"),
            show::text(source, "state"),
            source["age-seconds"],
        )
    }));
    all.push(String::new());
    let lines = lines(board);
    if lines.is_empty() {
        all.push("Every line is idle.".to_owned());
        return all;
    }
    let head = show::COLUMNS.map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(head)
        .chain(lines.iter().map(show::cells))
        .collect();
    all.extend(align(&rows));
    all
}

/// Lines that stand differently, and those that are idle again.
fn changes(before: &Value, after: &Value) -> Vec<String> {
    let find = |board, user: &Value| -> Option<Value> {
        let found = lines(board).iter().find(|line| line["user"] == *user);
        found.cloned()
    };
    let changed = lines(after)
        .iter()
        .filter(|line| find(before, &line["user"]).as_ref() != Some(line))
        .map(show::one);
    let idle = lines(before)
        .iter()
        .filter(|line| find(after, &line["user"]).is_none())
        .map(|line| format!("{}: idle", show::text(line, "user")));
    changed.chain(idle).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn board(lines: &Value) -> Value {
        json!({
            "sources": [{"upstream": "xsp1", "state": "up", "age-seconds": 7}],
            "counts": {"lines": 3, "watchers": 1, "readers": 0, "subscriptions-up": 3,
                "subscriptions-wanted": 3},
            "lines": lines,
        })
    }

    #[test]
    fn a_board_begins_with_where_its_state_comes_from() {
        let rows = table(&board(
            &json!([{"user": "bob@x", "full": "held", "calls": []}]),
        ));
        assert_eq!(
            rows[0],
            "3 lines, 1 watchers, 0 readers; 3 of 3 subscriptions are up"
        );
        assert_eq!(rows[1], "xsp1: up for 7 s");
        assert!(rows[3].starts_with("USER "));
        assert!(rows[4].starts_with("bob@x ") && rows[4].contains("held"));
        assert!(table(&board(&json!([]))).contains(&"Every line is idle.".to_owned()));
    }

    #[test]
    fn only_what_changed_is_told() {
        let held = json!({"user": "bob@x", "full": "held"});
        let call = json!({"user": "bob@x", "full": "on-call"});
        let other = json!({"user": "carol@x", "full": "ringing"});
        let before = board(&json!([held, other]));
        assert_eq!(changes(&before, &before), [""; 0]);
        let after = board(&json!([call]));
        assert_eq!(
            changes(&before, &after),
            ["bob@x: on-call", "carol@x: idle"]
        );
    }
}
