//! Standard output and error of the verbs; nothing else writes there. A closed pipe ends quietly.
//! Any other failure to write is told once and becomes the exit code: a list that is not whole must
//! not look like one.

use std::fmt::Display;
use std::io;
use std::io::Write as _;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering;

use serde_json::Value;

use crate::cli::Exit;
use crate::domain::provisioning::ids::is_hidden;

/// Where a verb writes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Console {
    /// Machine-readable output was asked for.
    pub json: bool,
}

/// How the standard output of the process stands: [`OPEN`], [`CLOSED`] or [`LOST`]. It never goes
/// back, so that nothing stands behind a gap.
static OUTPUT: AtomicU8 = AtomicU8::new(OPEN);

/// Somebody takes what is written.
const OPEN: u8 = 0;
/// Whoever read has gone, as `head` does.
const CLOSED: u8 = 1;
/// Something could not be written: the disk is full, or failed.
const LOST: u8 = 2;

impl Console {
    /// One line on standard output.
    pub fn line(&self, text: impl Display) {
        if self.is_open() {
            settle(writeln!(io::stdout().lock(), "{text}"));
        }
    }

    /// Text or values on standard output, as they are.
    pub fn bytes(&self, bytes: &[u8]) {
        if self.is_open() {
            let mut out = io::stdout().lock();
            settle(out.write_all(bytes).and_then(|()| out.flush()));
        }
    }

    /// One line on standard error.
    pub fn complain(&self, text: impl Display) {
        drop(writeln!(io::stderr().lock(), "{text}"));
    }

    /// A value as pretty JSON on standard output.
    pub fn document(&self, value: &Value) {
        self.line(json_text(&format!("{value:#}")));
    }

    /// A value as JSON in one line on standard output.
    pub fn value(&self, value: &Value) {
        self.line(json_text(&value.to_string()));
    }

    /// Whether what is written still comes somewhere; who watches ends when it does not.
    #[must_use]
    pub fn is_open(&self) -> bool {
        OUTPUT.load(Ordering::Relaxed) == OPEN
    }
}

/// JSON in which what a terminal would obey, or would not show, is escaped; the value is the same.
fn json_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        // Outside of texts JSON has no such character but the end of a line.
        if c == '\n' || !is_hidden(c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            escaped += &format!("\\u{unit:04x}");
        }
    }
    escaped
}

/// What came of writing to the standard output.
pub(super) fn settle(written: io::Result<()>) {
    let Err(error) = written else {
        return;
    };
    let fate = fate(&error);
    if OUTPUT.fetch_max(fate, Ordering::Relaxed) < LOST && fate == LOST {
        Console::default().complain(format_args!(
            "xspd: the standard output cannot be written: {error}; what stands there is not whole"
        ));
    }
}

/// How the standard output stands after an error.
fn fate(error: &io::Error) -> u8 {
    if error.kind() == io::ErrorKind::BrokenPipe {
        CLOSED
    } else {
        LOST
    }
}

/// The exit code of a verb that has ended, when all of its output is where it belongs. `plug_in`:
/// it is read by a monitoring system.
pub(super) fn finish(exit: Exit, plug_in: bool) -> Exit {
    settle(io::stdout().flush());
    ended(exit, plug_in, OUTPUT.load(Ordering::Relaxed) == LOST)
}

fn ended(exit: Exit, plug_in: bool, lost: bool) -> Exit {
    match exit {
        // An outage stays one; that all is well was not told to anybody.
        Exit::Ok | Exit::Findings | Exit::Unknown if lost && plug_in => Exit::Unknown,
        Exit::Ok | Exit::Findings | Exit::Critical if lost && !plug_in => Exit::Io,
        Exit::Ok
        | Exit::Findings
        | Exit::Critical
        | Exit::Unknown
        | Exit::Usage
        | Exit::Data
        | Exit::NoInput
        | Exit::Unavailable
        | Exit::Software
        | Exit::CantCreate
        | Exit::Io
        | Exit::NoPermission
        | Exit::Config => exit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_closed_pipe_is_no_loss() {
        let of = |kind: io::ErrorKind| fate(&io::Error::from(kind));
        assert_eq!(of(io::ErrorKind::BrokenPipe), CLOSED);
        for lost in [io::ErrorKind::StorageFull, io::ErrorKind::PermissionDenied] {
            assert_eq!(of(lost), LOST, "{lost}");
        }
    }

    #[test]
    fn json_is_the_same_value_and_no_order_to_a_terminal() {
        let value = serde_json::json!({"user": "an\u{202e}na\u{9b}\u{e0041}", "name": "Zoë\n"});
        for text in [format!("{value:#}"), value.to_string()] {
            let escaped = json_text(&text);
            assert!(
                escaped.contains("an\\u202ena\\u009b\\udb40\\udc41"),
                "{escaped}"
            );
            assert_eq!(serde_json::from_str::<Value>(&escaped).unwrap(), value);
        }
    }

    #[test]
    fn a_result_that_was_lost_is_none() {
        for exit in Exit::ALL {
            assert_eq!(ended(exit, false, false), exit);
            assert_eq!(ended(exit, true, false), exit);
        }
        for exit in [Exit::Ok, Exit::Findings, Exit::Critical] {
            assert_eq!(ended(exit, false, true), Exit::Io, "{exit:?}");
        }
        assert_eq!(ended(Exit::Unavailable, false, true), Exit::Unavailable);
        assert_eq!(ended(Exit::Ok, true, true), Exit::Unknown);
        assert_eq!(ended(Exit::Critical, true, true), Exit::Critical);
    }
}
