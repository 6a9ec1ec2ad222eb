//! The daemon as `xspd blf` asks it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::admin::PATIENCE;
use crate::cli::admin::Question;
use crate::config::secret::Secret;

/// Largest answer in bytes: 50,000 lines of 500 bytes, and room.
const MOST: u64 = 64 * 1024 * 1024;

/// Why the daemon told nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0}")]
    Config(String),
    #[error("busy lamps are off: this configuration has no [blf]; add it, and restart the daemon")]
    Off,
    #[error(
        "no operator token is set, and without it the daemon shows nobody's lamps; put a long \
         random text into a file with mode 600, set operator-token = \"file:/path\" in [blf.api], \
         and reload the daemon"
    )]
    NoOperatorToken,
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
    #[error("the daemon at {0} gave an answer that is no JSON; is it an xspd of this version?")]
    NotJson(SocketAddr),
}

impl Failure {
    pub(super) const fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::NoOperatorToken | Self::Off => Exit::Config,
            Self::Unreachable { .. } | Self::NotJson(_) => Exit::Unavailable,
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
            Self::Config(_) | Self::NoOperatorToken | Self::NotJson(_) | Self::Off => false,
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => matches!(*status, 429 | 503),
        }
    }
}

/// What helps where the daemon's words say only what is wrong.
const fn remedy(status: u16) -> &'static str {
    match status {
        401 => {
            " Is the configuration the one that the daemon runs by? A reload makes sure: systemctl \
             reload xspd."
        }
        404 => " If [blf] was added since the daemon started, restart it: systemctl restart xspd.",
        _ => "",
    }
}

/// The daemon of a configuration.
pub(super) struct Daemon {
    address: SocketAddr,
    operator: Secret,
}

impl Daemon {
    pub(super) fn of(door: &Door) -> Result<Self, Failure> {
        let config = door.config().map_err(Failure::Config)?;
        let address = door.address(&config);
        let blf = config.blf.ok_or(Failure::Off)?;
        let service = config.auth_service.and_then(|rules| rules.operator_token);
        let (key, reference) = match (blf.api.operator_token, service) {
            (Some(own), _) => ("blf.api.operator-token", own),
            (None, Some(service)) => ("auth-service.operator-token", service),
            (None, None) => return Err(Failure::NoOperatorToken),
        };
        let operator = reference
            .read()
            .map_err(|error| Failure::Config(format!("{key}: {error}")))?;
        Ok(Self { address, operator })
    }

    /// The JSON document at a target.
    pub(super) fn get(&self, target: &str, longer: Duration) -> Result<Value, Failure> {
        let question = Question {
            method: "GET",
            target,
            operator: Some(&self.operator),
            sent: None,
            named: None,
            // A long poll has more.
            patience: PATIENCE + longer,
            most: MOST,
        };
        let unreachable = |error| Failure::Unreachable {
            address: self.address,
            error,
        };
        let (status, body) = question.ask(self.address).map_err(unreachable)?;
        let document: Option<Value> = serde_json::from_slice(&body).ok();
        if status != 200 {
            let said = document.as_ref().and_then(|said| said["error"].as_str());
            let text = said.unwrap_or("no busy lamps of xspd are there").to_owned();
            return Err(Failure::Refused { status, text });
        }
        document.ok_or(Failure::NotJson(self.address))
    }
}
