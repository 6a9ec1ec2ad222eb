//! `xspd blf lines`: every line, its state, and who watches it.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::blf::daemon::Daemon;
use crate::cli::blf::daemon::Failure;
use crate::cli::blf::show;
use crate::cli::table::align;

/// Whom to ask.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    door: Door,
}

/// Lists them: exit 0.
pub fn run(args: &Args, console: Console) -> Exit {
    match list(args) {
        Ok(document) if console.json => {
            console.document(&document);
            Exit::Ok
        }
        Ok(document) => {
            for line in table(&document) {
                console.line(line);
            }
            Exit::Ok
        }
        Err(failure) => {
            console.complain(format_args!("xspd: {failure}"));
            failure.exit()
        }
    }
}

fn list(args: &Args) -> Result<Value, Failure> {
    let daemon = Daemon::of(&args.door)?;
    let listed = &daemon.get("/blf/v1/lines", Duration::ZERO)?;
    let sources = daemon.get("/blf/v1/sources", Duration::ZERO)?;
    Ok(json!({ "sources": sources, "lines": listed["lines"] }))
}

fn table(document: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for source in document["sources"].as_array().into_iter().flatten() {
        all.push(format!(
            "source {}: {}",
            show::text(source, "upstream"),
            show::text(source, "state")
        ));
    }
    let lines = document["lines"].as_array().map_or(&[][..], Vec::as_slice);
    if lines.is_empty() {
        all.push("No line is tracked: nobody watches, and [blf] names no watchers.".to_owned());
        return all;
    }
    let head = show::COLUMNS.map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(head)
        .chain(lines.iter().map(show::cells))
        .collect();
    all.extend(align(&rows));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_come_before_lines_and_an_empty_list_says_why() {
        let document = json!({
            "sources": [{"upstream": "xsp1", "state": "up"}],
            "lines": [{"user": "bob@x", "full": "idle", "watchers": ["alice@x"]}],
        });
        let rows = table(&document);
        assert_eq!(rows[0], "source xsp1: up");
        assert!(
            rows[2].contains("bob@x") && rows[2].ends_with("alice@x"),
            "{rows:?}"
        );
        let none = table(&json!({"sources": [], "lines": []}));
        assert!(none[0].contains("No line is tracked"));
    }
}
