//! The program that sets and removes TXT records for dns-01. It is run without a shell:
//! `HOOK set _acme-challenge.xsp1.example.net VALUE`, and `remove` with the same words afterwards.

use std::io;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use crate::platform::clock;

/// Name servers that need longer to be told must be waited for by the hook itself, within this.
const PATIENCE: Duration = Duration::from_secs(180);

/// Between two looks at the program.
const PAUSE: Duration = Duration::from_millis(100);

/// Why a record was not set.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// It said no.
    #[error("the DNS hook {hook} {verb} ended with {status}; run it by hand to see why")]
    Failed {
        /// The program.
        hook: String,
        /// `set` or `remove`.
        verb: &'static str,
        /// How it ended.
        status: String,
    },
    /// It could not be run.
    #[error("the DNS hook {hook} cannot be run: {source}")]
    Start {
        /// The program.
        hook: String,
        /// Why.
        source: io::Error,
    },
    /// It was still running and was ended.
    #[error(
        "the DNS hook {0} was still running after {seconds} s and was ended",
        seconds = PATIENCE.as_secs()
    )]
    TooSlow(String),
}

/// Runs the program and waits for it. Blocks.
pub(super) fn run(
    hook: &Path,
    verb: &'static str,
    name: &str,
    value: &str,
) -> Result<(), HookError> {
    let text = || hook.display().to_string();
    let failed = |source| HookError::Start {
        hook: text(),
        source,
    };
    let mut child = Command::new(hook)
        .args([verb, name, value])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let end = clock::mono() + PATIENCE;
    loop {
        match child.try_wait().map_err(failed)? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => {
                return Err(HookError::Failed {
                    hook: text(),
                    verb,
                    status: status.to_string(),
                });
            }
            None if clock::mono() >= end => {
                child.kill().ok();
                child.wait().ok();
                return Err(HookError::TooSlow(text()));
            }
            None => std::thread::sleep(PAUSE),
        }
    }
}
