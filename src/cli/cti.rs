//! `xspd cti`: what goes on at the CTI bridge of the running daemon.

use serde_json::Value;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin;
use crate::cli::admin::Door;
use crate::cli::admin::NotSeen;
use crate::cli::table;

/// Most bytes of a list: room for some ten thousand sessions.
const MOST: u64 = 4 << 20;

/// Looks at the CTI bridge.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the CTI sessions that are open, with their age and bytes
    Sessions(Door),
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Config(String),
    #[error("{0}")]
    NotSeen(#[from] NotSeen),
}

impl Failure {
    fn exit(&self) -> Exit {
        match self {
            Self::Config(_) => Exit::Config,
            Self::NotSeen(error) => error.exit(),
        }
    }
}

/// Prints what was asked for: exit 0.
pub fn run(args: Args, console: Console) -> Exit {
    let Verb::Sessions(door) = args.verb;
    match sessions(&door) {
        Ok(answer) if console.json => {
            console.document(&answer);
            Exit::Ok
        }
        Ok(answer) => {
            for line in lines(&answer) {
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

fn sessions(door: &Door) -> Result<Value, Failure> {
    let config = door.config().map_err(Failure::Config)?;
    let what = "list of sessions";
    Ok(admin::look(door, &config, "/cti/sessions", what, MOST)?)
}

/// As a table.
fn lines(answer: &Value) -> Vec<String> {
    const COLUMNS: [(&str, &str); 9] = [
        ("LISTENER", "listener"),
        ("PEER", "peer"),
        ("IDENTITY", "identity"),
        ("UPSTREAM", "upstream"),
        ("OPENED", "opened"),
        ("AGE S", "age-seconds"),
        ("FROM CLIENT", "bytes-from-client"),
        ("FROM XSP", "bytes-from-upstream"),
        ("QUIET S", "quiet-seconds"),
    ];
    let sessions = answer["sessions"].as_array();
    let sessions = sessions.map(Vec::as_slice).unwrap_or_default();
    if sessions.is_empty() {
        return vec!["No CTI session is open.".to_owned()];
    }
    let mut rows = vec![COLUMNS.map(|(head, _)| head.to_owned()).to_vec()];
    for session in sessions {
        let cell = |(_, key): (&str, &str)| match &session[key] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        rows.push(COLUMNS.map(cell).to_vec());
    }
    table::align(&rows)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sessions_are_a_table_and_none_are_a_sentence() {
        assert_eq!(lines(&json!({"sessions": []})), ["No CTI session is open."]);
        let lines = lines(&json!({"sessions": [{
            "listener": "cti", "peer": "192.0.2.1:4711", "identity": "bwcticlient.webex.com",
            "upstream": "xsp1:8012", "opened": "2026-11-28 00:00:00 UTC", "age-seconds": 5,
            "bytes-from-client": 1, "bytes-from-upstream": 2, "quiet-seconds": 3,
        }]}));
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("LISTENER  PEER"), "{}", lines[0]);
        assert!(lines[1].ends_with('3'), "{}", lines[1]);
    }
}
