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

/// Gives a user Integrated IM&P, or takes it away: exit 0; 1 when the AS refuses.
pub(super) fn run(state_dir: &Path, user: &str, given: bool, console: Console) -> Exit {
    match carry_out(state_dir, user, given) {
        Ok(answer) if console.json => {
            console.document(&answer);
            Exit::Ok
        }
        Ok(_) => {
            let what = if given { "assigned to" } else { "taken from" };
            console.line(format_args!("Integrated IM&P {what} {user}."));
            Exit::Ok
        }
        Err(failure) => {
            console.complain(format_args!("xspd: {failure}"));
            failure.exit()
        }
    }
}

fn carry_out(state_dir: &Path, user: &str, given: bool) -> Result<Value, Failure> {
    let no_lab = || Failure::NoLab {
        directory: state_dir.to_owned(),
    };
    let file = std::fs::read(state_dir.join("lab.json")).map_err(|_| no_lab())?;
    let lab: Value = serde_json::from_slice(&file).map_err(|_| no_lab())?;
    let control = lab.pointer("/endpoints/broadworks-lab");
    let control = control.and_then(Value::as_str).unwrap_or_default();
    let address = control.strip_prefix("http://").unwrap_or_default().parse();
    let address = address.map_err(|_| no_lab())?;
    let question = Question {
        method: if given { "POST" } else { "DELETE" },
        target: &format!("/lab/users/{}/imp", escaped(user)),
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
    fn without_a_lab_the_directory_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let failure = carry_out(directory.path(), "alice", true).unwrap_err();
        assert_eq!(failure.exit(), Exit::NoInput);
        let text = failure.to_string();
        assert!(
            text.contains(&directory.path().display().to_string()),
            "{text}"
        );
    }
}
