//! Verbs of the binary under test, typed beside a daemon.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::support::daemon::XSPD;

/// What a verb said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) complaints: String,
}

impl Said {
    /// Exit code and all that was said.
    pub(crate) fn all(self) -> (i32, String) {
        (self.code, self.out + &self.complaints)
    }

    /// Standard output of a verb that had to end well.
    pub(crate) fn well(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// Standard output as JSON.
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// Runs a verb with the `xspd.toml` of a folder.
pub(crate) async fn xspd(folder: &Path, words: &[&str]) -> Said {
    let config = folder.join("xspd.toml");
    let config = config.to_str().expect("a UTF-8 path");
    typed(&[words, &["--config", config]].concat()).await
}

/// Runs the binary with these arguments and no other.
pub(crate) async fn typed(words: &[&str]) -> Said {
    let running = Command::new(XSPD)
        .args(words)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = running.await.expect("the binary starts");
    Said {
        code: output.status.code().expect("an exit code"),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        complaints: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
