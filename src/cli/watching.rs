//! What `--watch` of a list does: it looks again and again, draws anew on a terminal, and elsewhere
//! says what changed. A daemon that goes away is waited for.

use std::io::IsTerminal as _;
use std::time::Duration;

use serde_json::Value;

use crate::cli::Console;
use crate::cli::operations::Failure;
use crate::config::Environment;
use crate::domain::certs::date;
use crate::platform::clock;

/// Between two looks.
const STEP: Duration = Duration::from_secs(1);

/// One who watches.
pub(super) struct Watching {
    console: Console,
    redraws: bool,
    away: bool,
}

/// What there is to show of one look.
pub(super) struct Shown<'a> {
    /// Whether nothing was shown before.
    pub(super) first: bool,
    /// All of it, for people.
    pub(super) table: &'a dyn Fn() -> Vec<String>,
    /// All of it, for programs.
    pub(super) document: &'a dyn Fn() -> Value,
    /// What is otherwise than before, a line each.
    pub(super) changes: Vec<String>,
}

impl Watching {
    pub(super) fn new(console: Console) -> Self {
        let environment = Environment::process();
        let dumb = environment
            .variable("TERM")
            .is_none_or(|term| term == "dumb");
        Self {
            console,
            redraws: std::io::stdout().is_terminal() && !console.json && !dumb,
            away: false,
        }
    }

    /// What a look saw; `None` while the daemon is away. What never worked is wrong; what worked
    /// comes back.
    pub(super) fn seen<T>(
        &mut self,
        look: Result<T, Failure>,
        worked: bool,
    ) -> Result<Option<T>, Failure> {
        match look {
            Ok(seen) => {
                if std::mem::take(&mut self.away) {
                    self.console.complain("xspd: the daemon is back.");
                }
                Ok(Some(seen))
            }
            Err(failure) if worked && failure.may_pass() => {
                if !std::mem::replace(&mut self.away, true) {
                    self.console
                        .complain(format_args!("xspd: {failure} Trying again."));
                }
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    pub(super) fn show(&self, shown: Shown<'_>) {
        let Shown {
            first,
            table,
            document,
            changes,
        } = shown;
        if self.redraws {
            self.console.bytes(drawn(&table()).as_bytes());
        } else if self.console.json {
            if first || !changes.is_empty() {
                self.console.value(&document());
            }
        } else if first {
            table().iter().for_each(|line| self.console.line(line));
        } else {
            for line in changes {
                self.console
                    .line(format_args!("{}  {line}", date::text(clock::wall())));
            }
        }
    }

    /// Waits for the next look; `false` when nobody reads any more.
    #[must_use]
    pub(super) fn pause(&self) -> bool {
        if self.console.is_open() {
            std::thread::sleep(STEP);
        }
        self.console.is_open()
    }
}

/// Ages move by themselves; each line is written over the old one, so that nothing flickers.
fn drawn(table: &[String]) -> String {
    let mut screen = String::from("\u{1b}[H");
    for line in table {
        screen += line;
        screen += "\u{1b}[K\r\n";
    }
    screen += "\u{1b}[J";
    screen
}
