//! `xspd authservice revoke`: asks the running daemon to revoke a token, a user's tokens or all,
//! through its admin listener and with the operator token of the configuration.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::admin::NoToken;
use crate::cli::admin::PATIENCE;
use crate::cli::admin::Question;
use crate::cli::admin::Sent;
use crate::cli::admin::escaped;
use crate::cli::admin::token;
use crate::cli::input;

/// Largest token, and largest answer, in bytes.
const MOST: u64 = 64 * 1024;

/// What to revoke, and whom to ask.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    what: What,
    /// Really revoke all.
    #[arg(long, requires = "all")]
    yes: bool,
    #[command(flatten)]
    door: Door,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct What {
    /// Every token of every user, BroadWorks' own among them; needs --yes.
    #[arg(long)]
    all: bool,
    /// One token, in a file, or `-` for the standard input; never on the command line, where
    /// others see it.
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
    /// The tokens of one user.
    #[arg(long, value_name = "ID")]
    user: Option<String>,
}

/// Why nothing was revoked.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("revoking all tokens signs every user out; add --yes if that is meant")]
    NotSure,
    #[error("{0}")]
    Config(String),
    #[error(
        "auth-service.operator-token is not set, and without it the daemon takes no revocation; \
         put a long random text into a file with mode 600, set operator-token = \"file:/path\", \
         and reload the daemon"
    )]
    NoOperatorToken,
    #[error("{0}")]
    Operator(#[from] NoToken),
    #[error("the token cannot be read from {path}: {error}")]
    Token { path: PathBuf, error: io::Error },
    #[error(
        "the daemon cannot be reached at {address}: {error}; does it run, and is this the address \
         of its admin listener?"
    )]
    Unreachable {
        address: SocketAddr,
        error: io::Error,
    },
    #[error("the daemon refused ({status}): {text}{}", remedy(*.status))]
    Refused { status: u16, text: String },
}

impl Failure {
    fn exit(&self) -> Exit {
        match self {
            Self::NotSure => Exit::Usage,
            Self::Operator(error) => error.exit(),
            Self::Config(_) | Self::NoOperatorToken => Exit::Config,
            Self::Token { .. } => Exit::NoInput,
            Self::Unreachable { .. } => Exit::Unavailable,
            Self::Refused { status, .. } => match *status {
                401 | 403 => Exit::NoPermission,
                400..=499 => Exit::Data,
                _ => Exit::Unavailable,
            },
        }
    }
}

/// What helps where the daemon's words say only what is wrong.
const fn remedy(status: u16) -> &'static str {
    match status {
        401 => {
            " Is the configuration the one that the daemon runs by? A reload makes sure: systemctl reload \
             xspd."
        }
        403 => " Then reload the daemon: systemctl reload xspd.",
        _ => "",
    }
}

/// What holds now.
const fn done(what: &What) -> &'static str {
    if what.token.is_some() {
        "On this node the token does not hold, if it ever did. Other nodes are not told: do the \
         same there, or revoke all tokens of its user with --user."
    } else {
        "Revoked. Other nodes learn of it within `revocation.refresh`."
    }
}

/// Revokes: exit 0 when it is done.
pub fn run(args: Args, console: Console) -> Exit {
    let done = done(&args.what);
    match revoke(args) {
        Ok(()) if console.json => {
            console.document(&json!({"revoked": true}));
            Exit::Ok
        }
        Ok(()) => {
            console.line(done);
            Exit::Ok
        }
        Err(failure) => {
            console.complain(format_args!("xspd: {failure}"));
            failure.exit()
        }
    }
}

fn revoke(args: Args) -> Result<(), Failure> {
    let form = form(&args.what, args.yes)?;
    let config = args.door.config().map_err(Failure::Config)?;
    let address = args.door.address(&config);
    let secret = config.auth_service.and_then(|rules| rules.operator_token);
    let secret = secret.ok_or(Failure::NoOperatorToken)?;
    let operator = token("auth-service.operator-token", &secret)?;
    let question = Question {
        method: "POST",
        target: "/authService/revoke",
        patience: PATIENCE,
        operator: Some(&operator),
        sent: Some(Sent::Form(&form)),
        named: None,
        most: MOST,
    };
    let answer = question.ask(address);
    let answer = answer.map_err(|error| Failure::Unreachable { address, error })?;
    match answer {
        (200, _) => Ok(()),
        (status, body) => {
            let said: Option<Value> = serde_json::from_slice(&body).ok();
            let text = said
                .as_ref()
                .and_then(|said| said["error_description"].as_str());
            let text = text
                .unwrap_or("no AuthService of ours answers there")
                .to_owned();
            Err(Failure::Refused { status, text })
        }
    }
}

fn form(what: &What, yes: bool) -> Result<String, Failure> {
    if what.all {
        return if yes {
            Ok("all=true".to_owned())
        } else {
            Err(Failure::NotSure)
        };
    }
    if let Some(user) = &what.user {
        return Ok(format!("user={}", escaped(user)));
    }
    let path = what.token.as_deref().unwrap_or_else(|| Path::new("-"));
    let token = input::text(path, MOST).map_err(|error| Failure::Token {
        path: path.to_owned(),
        error,
    })?;
    Ok(format!("token={}", escaped(token.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(all: bool, user: Option<&str>) -> What {
        What {
            all,
            token: None,
            user: user.map(str::to_owned),
        }
    }

    #[test]
    fn all_is_revoked_only_by_somebody_who_is_sure() {
        let refused = form(&what(true, None), false);
        assert!(matches!(refused, Err(Failure::NotSure)));
        assert_eq!(form(&what(true, None), true).unwrap(), "all=true");
    }

    #[test]
    fn of_one_token_nobody_believes_that_the_other_nodes_know() {
        let mut one = what(false, None);
        one.token = Some(PathBuf::from("-"));
        assert!(done(&one).contains("Other nodes are not told"));
        assert!(done(&what(true, None)).contains("revocation.refresh"));
    }

    #[test]
    fn a_user_id_is_escaped() {
        let form = form(&what(false, Some("jörg+x@as&all=true")), false).unwrap();
        assert_eq!(form, "user=j%C3%B6rg%2Bx%40as%26all%3Dtrue");
    }
}
