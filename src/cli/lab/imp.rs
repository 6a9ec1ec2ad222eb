//! `xspd lab assign-imp` and `unassign-imp`: what an administrator does on the AS, done in a lab
//! that runs, with the AS's own words when it refuses.

use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Question;
use crate::cli::admin::escaped;

/// The AS waits for the messaging server, for 30 s unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// Most bytes of an answer: a sentence.
const MOST: u64 = 64 * 1024;

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// There is no running lab in the directory.
    #[error(
        "no lab runs in {}: start `xspd lab` there, or name its directory with --state-dir",
        directory.display()
    )]
    NoLab {
        /// The state directory.
        directory: PathBuf,
    },
    /// The AS refused.
    #[error("{0}")]
    Refused(String),
    /// The lab answered with something else.
    #[error("the lab answered with status {0}; is it of another version?")]
    Strange(u16),
    /// The lab does not answer.
    #[error("the lab at {address} does not answer: {error}")]
    Unreachable {
        /// Where it should be.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
}

impl Failure {
    const fn exit(&self) -> Exit {
        match self {
            Self::NoLab { .. } => Exit::NoInput,
            Self::Refused(_) => Exit::Findings,
            Self::Strange(_) | Self::Unreachable { .. } => Exit::Unavailable,
        }
    }
}

/// What an administrator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Assigns it; who has it keeps it.
    Assign,
    /// Has the AS call once more for who has it; else assigns it.
    AssignAgain,
    /// Takes it away.
    Unassign,
}

/// Gives a user Integrated IM&P, or takes it away: exit 0; 1 when the AS refuses.
pub(super) fn run(state_dir: &Path, user: &str, deed: Deed, console: Console) -> Exit {
    match carry_out(state_dir, user, deed) {
        Ok(answer) if console.json => {
            console.document(&answer);
            Exit::Ok
        }
        Ok(answer) => {
            console.line(told(user, deed, &answer));
            Exit::Ok
        }
        Err(failure) => {
            console.complain(format_args!("xspd: {failure}"));
            failure.exit()
        }
    }
}

fn told(user: &str, deed: Deed, answer: &Value) -> String {
    match (deed, answer["already"] == true) {
        (Deed::Assign, true) => format!(
            "{user} has Integrated IM&P already; nothing was called. With --again the AS calls once \
             more, as it does when something about the user changes; or take it away first, `xspd \
             lab unassign-imp {user}`, and assign it anew."
        ),
        (Deed::AssignAgain, true) => {
            format!("{user} has Integrated IM&P already; the AS has called once more.")
        }
        (Deed::Assign | Deed::AssignAgain, false) => {
            format!("Integrated IM&P assigned to {user}.")
        }
        (Deed::Unassign, true) => format!("{user} has no Integrated IM&P; nothing was called."),
        (Deed::Unassign, false) => format!("Integrated IM&P taken from {user}."),
    }
}

fn carry_out(state_dir: &Path, user: &str, deed: Deed) -> Result<Value, Failure> {
    let no_lab = || Failure::NoLab {
        directory: state_dir.to_owned(),
    };
    let file = std::fs::read(state_dir.join("lab.json")).map_err(|_| no_lab())?;
    let lab: Value = serde_json::from_slice(&file).map_err(|_| no_lab())?;
    let control = lab.pointer("/endpoints/broadworks-lab");
    let control = control.and_then(Value::as_str).unwrap_or_default();
    let address = control.strip_prefix("http://").unwrap_or_default().parse();
    let address = address.map_err(|_| no_lab())?;
    let (method, below) = match deed {
        Deed::Assign => ("POST", ""),
        Deed::AssignAgain => ("POST", "/again"),
        Deed::Unassign => ("DELETE", ""),
    };
    let question = Question {
        method,
        target: &format!("/lab/users/{}/imp{below}", escaped(user)),
        operator: None,
        sent: None,
        named: None,
        patience: PATIENCE,
        most: MOST,
    };
    let answer = question.ask(address);
    let (status, body) = answer.map_err(|error| Failure::Unreachable { address, error })?;
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    match (status, said.get("error").and_then(Value::as_str)) {
        (200, _) => Ok(said),
        (409, Some(summary)) => Err(Failure::Refused(summary.to_owned())),
        (status, _) => Err(Failure::Strange(status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_it_already_is_told_so_with_what_else_can_be_done() {
        let said = |deed, already| told("amy", deed, &serde_json::json!({ "already": already }));
        let kept = said(Deed::Assign, true);
        assert!(
            kept.contains("nothing was called") && kept.contains("--again"),
            "{kept}"
        );
        assert!(said(Deed::AssignAgain, true).contains("called once more"));
        assert_eq!(
            said(Deed::Assign, false),
            "Integrated IM&P assigned to amy."
        );
        assert_eq!(said(Deed::AssignAgain, false), said(Deed::Assign, false));
        assert!(said(Deed::Unassign, true).contains("nothing was called"));
    }

    #[test]
    fn without_a_lab_the_directory_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let failure = carry_out(directory.path(), "alice", Deed::Assign).unwrap_err();
        assert_eq!(failure.exit(), Exit::NoInput);
        let text = failure.to_string();
        assert!(
            text.contains(&directory.path().display().to_string()),
            "{text}"
        );
    }
}
