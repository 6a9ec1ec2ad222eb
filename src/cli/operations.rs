//! The daemon as `xspd provision` and `xspd enterprise` ask it (`/ops/v1/…`), and `xspd alarms`
//! (`/alarms/v1/…`): on its admin listener, with an operator token of the configuration. `xspd blf`
//! fails in the same ways.

use std::io;
use std::io::BufRead as _;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::admin::NoToken;
use crate::cli::admin::PATIENCE;
use crate::cli::admin::Question;
use crate::cli::admin::Sent;
use crate::cli::admin::token;
use crate::config::Environment;
use crate::config::secret::Secret;
use crate::domain::provisioning::ids::is_hidden;
use crate::platform::operator::operator;

/// Largest answer in bytes: a page of a thousand users, or the report of 50,000 rows.
const MOST: u64 = 64 * 1024 * 1024;

/// No templates.
const OFF: &str = "provisioning is off: this configuration has no [[template]]; add one, and \
                   restart the daemon";

/// Longest name of an operator that is told.
const NAME: usize = 64;

/// Why the daemon told or did nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0}")]
    Config(String),
    #[error("{0}")]
    Off(&'static str),
    #[error(
        "no operator token is set, and without it the daemon {0}; put a long random text into a \
         file with mode 600, set operator-token = \"file:/path\" in {1}, and reload the daemon"
    )]
    NoOperatorToken(&'static str, &'static str),
    #[error("{0}")]
    Token(#[from] NoToken),
    #[error(
        "the daemon cannot be reached at {address}: {error}; does it run, and is this the address \
         of its admin listener?"
    )]
    Unreachable {
        address: SocketAddr,
        error: io::Error,
    },
    #[error("{text}")]
    Refused { status: u16, text: String },
    #[error("the daemon at {0} gave an answer that is no JSON; is it an xspd of this version?")]
    NotJson(SocketAddr),
    #[error("{path}: {error}")]
    Input { path: String, error: io::Error },
    #[error("{path}: {error}")]
    Output { path: String, error: io::Error },
    #[error("{0}")]
    Usage(String),
    #[error("nothing was changed")]
    NotSure,
    #[error("{0}")]
    Nothing(String),
}

fn is_bad_data(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::FileTooLarge | io::ErrorKind::InvalidData
    )
}

impl Failure {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::NoOperatorToken(..) | Self::Off(_) => Exit::Config,
            Self::Token(error) => error.exit(),
            Self::Unreachable { .. } | Self::NotJson(_) => Exit::Unavailable,
            // It is there, and not what it should be.
            Self::Input { error, .. } if is_bad_data(error) => Exit::Data,
            Self::Input { .. } => Exit::NoInput,
            Self::Output { .. } => Exit::CantCreate,
            Self::NotSure | Self::Usage(_) => Exit::Usage,
            Self::Nothing(_) => Exit::Data,
            Self::Refused { status, .. } => match *status {
                401 | 403 => Exit::NoPermission,
                400..=428 | 430..=499 => Exit::Data,
                _ => Exit::Unavailable,
            },
        }
    }

    /// Whether it may pass by itself, as when the daemon restarts.
    pub(super) const fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => matches!(*status, 429 | 503),
            Self::Config(_)
            | Self::Input { .. }
            | Self::NoOperatorToken(..)
            | Self::NotJson(_)
            | Self::NotSure
            | Self::Nothing(_)
            | Self::Off(_)
            | Self::Output { .. }
            | Self::Token(_)
            | Self::Usage(_) => false,
        }
    }

    /// Says it and gives the exit code.
    pub(super) fn told(&self, console: Console) -> Exit {
        console.complain(format_args!("xspd: {self}"));
        self.exit()
    }
}

/// What helps where the daemon's words say only what is wrong.
pub(super) const fn remedy(status: u16) -> &'static str {
    match status {
        401 => {
            " Is the configuration the one that the daemon runs by? A reload makes sure: systemctl \
             reload xspd."
        }
        _ => "",
    }
}

/// The daemon's words, and what helps as a sentence of its own behind them.
fn helped(mut text: String, remedy: &str) -> String {
    if !remedy.is_empty() && !text.ends_with(['.', '?', '!']) {
        text.push('.');
    }
    text + remedy
}

/// The daemon of a configuration.
pub(super) struct Daemon {
    address: SocketAddr,
    operator: Option<Secret>,
    name: String,
}

impl Daemon {
    pub(super) fn of(door: &Door) -> Result<Self, Failure> {
        let config = door.config().map_err(Failure::Config)?;
        let address = door.address(&config);
        if config.templates.is_empty() {
            return Err(Failure::Off(OFF));
        }
        let own = config.provisioning.operations.operator_token.as_ref();
        let service = config.auth_service.as_ref();
        let service = service.and_then(|rules| rules.operator_token.as_ref());
        let (key, reference) = match (own, service) {
            (Some(own), _) => ("provisioning.operations.operator-token", own),
            (None, Some(service)) => ("auth-service.operator-token", service),
            (None, None) => {
                let what = "takes no operator's word";
                return Err(Failure::NoOperatorToken(what, "[provisioning.operations]"));
            }
        };
        Ok(Self {
            address,
            operator: Some(token(key, reference)?),
            name: name(),
        })
    }

    /// The same for alarms, which are there without provisioning, and may be seen without a token
    /// where there is none.
    pub(super) fn of_alarms(door: &Door) -> Result<Self, Failure> {
        let config = door.config().map_err(Failure::Config)?;
        let own = config.alarms.operator_token.as_ref();
        let provisioning = config.provisioning.operations.operator_token.as_ref();
        let service = config.auth_service.as_ref();
        let service = service.and_then(|rules| rules.operator_token.as_ref());
        let all = [
            ("alarms.operator-token", own),
            ("provisioning.operations.operator-token", provisioning),
            ("auth-service.operator-token", service),
        ];
        let held = all.into_iter().find_map(|(key, held)| Some((key, held?)));
        let operator = held.map(|(key, reference)| token(key, reference));
        Ok(Self {
            address: door.address(&config),
            operator: operator.transpose()?,
            name: name(),
        })
    }

    /// The JSON document at a target.
    pub(super) fn get(&self, target: &str) -> Result<Value, Failure> {
        self.ask("GET", target, None)
    }

    /// What came of an order.
    pub(super) fn post(&self, target: &str, order: &Value) -> Result<Value, Failure> {
        self.ask("POST", target, Some(Sent::Json(&order.to_string())))
    }

    /// What came of a file.
    pub(super) fn post_csv(&self, target: &str, text: &str) -> Result<Value, Failure> {
        self.ask("POST", target, Some(Sent::Csv(text)))
    }

    fn ask(
        &self,
        method: &'static str,
        target: &str,
        sent: Option<Sent<'_>>,
    ) -> Result<Value, Failure> {
        let question = Question {
            method,
            target,
            operator: self.operator.as_ref(),
            named: Some(&self.name),
            sent,
            // Some answers wait for Webex or for the AS.
            patience: PATIENCE + Duration::from_secs(60),
            most: MOST,
        };
        let unreachable = |error| Failure::Unreachable {
            address: self.address,
            error,
        };
        let (status, body) = question.ask(self.address).map_err(unreachable)?;
        let document: Option<Value> = serde_json::from_slice(&body).ok();
        if !(200..300).contains(&status) {
            let said = document.as_ref().and_then(|said| said["error"].as_str());
            let text = match said {
                Some(text) => plain(text),
                None => format!(
                    "the daemon refused ({status}); is this the admin listener of an xspd of this \
                     version?"
                ),
            };
            let text = helped(text, remedy(status));
            return Err(Failure::Refused { status, text });
        }
        document.ok_or(Failure::NotJson(self.address))
    }
}

/// Who sits here: as the environment tells, or else the kernel.
pub(super) fn name() -> String {
    named(&Environment::process(), operator)
}

fn named(environment: &Environment, otherwise: impl FnOnce() -> Option<String>) -> String {
    let held = ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .find_map(|variable| {
            environment
                .variable(variable)
                .filter(|held| !held.is_empty())
        });
    let fits = |c: &char| c.is_ascii_alphanumeric() || "._-@\\+".contains(*c);
    let held = held.map(str::to_owned).or_else(otherwise);
    let held = held.unwrap_or_default();
    let name: String = held.chars().filter(fits).collect();
    match name.get(..NAME) {
        Some(start) => start.to_owned(),
        None if name.is_empty() => "unknown".to_owned(),
        None => name,
    }
}

/// Asks for a typed answer before something that cannot be taken back, unless `yes` was given.
///
/// # Errors
/// [`Failure::NotSure`] after another answer, [`Failure::Usage`] where nobody can be asked.
pub(super) fn make_sure(
    console: Console,
    yes: bool,
    warning: &str,
    answer: &str,
) -> Result<(), Failure> {
    if yes {
        console.complain(format_args!("xspd: {warning}"));
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage(format!(
            "{warning} Add --yes if that is meant."
        )));
    }
    console.complain(format_args!("{warning}\nType \"{answer}\" to go on: "));
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    if read.is_ok() && line.trim() == answer {
        Ok(())
    } else {
        Err(Failure::NotSure)
    }
}

/// A member as text that a terminal shows and does not obey: names come from outside.
pub(super) fn text(value: &Value, name: &str) -> String {
    match &value[name] {
        Value::String(text) => plain(text),
        Value::Null => String::new(),
        other => plain(&other.to_string()),
    }
}

/// Text in one line, in which whatever is not seen or turns the text around it is written out: left
/// out, it would make two users look like one.
pub(super) fn plain(text: &str) -> String {
    // Names and marks of people may have these.
    let joins = |c: char| matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\n' | '\r' | '\t') {
            shown.push(' ');
        } else if is_hidden(c) && !joins(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown.truncate(shown.trim_end().len());
    shown
}

/// A number and what is counted.
pub(super) fn counted(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// How long ago, in one or two units.
pub(super) fn age(seconds: u64) -> String {
    let (minute, hour, day) = (60, 3600, 86_400);
    let two = |big, name, small, other| {
        let rest = seconds % big / small;
        if rest == 0 {
            format!("{} {name}", seconds / big)
        } else {
            format!("{} {name} {rest} {other}", seconds / big)
        }
    };
    if seconds < minute {
        format!("{seconds} s")
    } else if seconds < hour {
        format!("{} min", seconds / minute)
    } else if seconds < day {
        two(hour, "h", minute, "min")
    } else {
        two(day, "d", hour, "h")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_from_outside_reaches_the_terminal_as_an_order() {
        let value = json!({"name": "Zo\u{1b}[2J\u{202e}ë\n", "n": 7});
        assert_eq!(text(&value, "name"), "Zo\\u{1b}[2J\\u{202e}ë");
        assert_eq!(text(&value, "n"), "7");
        assert_eq!(text(&value, "none"), "");
    }

    #[test]
    fn texts_that_differ_in_what_is_not_seen_do_not_look_the_same() {
        for id in [
            "anna\u{200b}@x",
            "anna\u{feff}@x",
            "anna\u{ad}@x",
            "\u{202e}anna@x",
        ] {
            assert_ne!(plain(id), "anna@x");
            assert!(plain(id).is_ascii(), "{}", plain(id));
        }
        assert_eq!(plain("two\nlines\r\n"), "two lines");
        assert_eq!(plain("نامه\u{200c}ای"), "نامه\u{200c}ای");
    }

    #[test]
    fn what_helps_is_a_sentence_of_its_own() {
        let said = helped(
            "the operator token is missing or wrong".to_owned(),
            remedy(401),
        );
        assert!(
            said.contains("missing or wrong. Is the configuration"),
            "{said}"
        );
        let said = helped("It is wrong.".to_owned(), remedy(401));
        assert!(said.starts_with("It is wrong. Is"), "{said}");
        assert_eq!(helped("gone".to_owned(), remedy(404)), "gone");
    }

    #[test]
    fn an_age_has_at_most_two_units() {
        for (seconds, said) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_599, "59 min"),
            (3_600, "1 h"),
            (7_800, "2 h 10 min"),
            (86_400, "1 d"),
            (100_000, "1 d 3 h"),
        ] {
            assert_eq!(age(seconds), said);
        }
    }

    #[test]
    fn the_operator_is_named_by_whom_he_was_before_sudo() {
        let of = |held: &[(&str, &str)]| {
            let kernel = || Some("cron".to_owned());
            named(&held.iter().copied().collect(), kernel)
        };
        assert_eq!(
            of(&[("USER", "root"), ("SUDO_USER", "jörg\r\nx: y")]),
            "jrgxy"
        );
        assert_eq!(of(&[("USER", "noc")]), "noc");
        // A job that has no environment is somebody's all the same.
        assert_eq!(of(&[]), "cron");
        assert_eq!(of(&[("USER", "")]), "cron");
        assert_eq!(named(&Environment::default(), || None), "unknown");
        assert_eq!(of(&[("USER", &"n".repeat(200))]).len(), NAME);
    }

    #[test]
    fn refusals_have_the_exit_codes_of_the_others() {
        let refused = |status| Failure::Refused {
            status,
            text: String::new(),
        };
        assert_eq!(refused(401).exit(), Exit::NoPermission);
        assert_eq!(refused(404).exit(), Exit::Data);
        assert_eq!(refused(503).exit(), Exit::Unavailable);
        assert!(refused(503).may_pass() && !refused(409).may_pass());
        // Whoever is asked to wait has done nothing wrong.
        assert_eq!(refused(429).exit(), Exit::Unavailable);
        assert!(refused(429).may_pass());
        assert_eq!(Failure::NoOperatorToken("", "").exit(), Exit::Config);
    }
}
