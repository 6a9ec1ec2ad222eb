//! The daemon as `xspd blf` asks it.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::cli::admin::Door;
use crate::cli::admin::PATIENCE;
use crate::cli::admin::Question;
use crate::cli::admin::token;
use crate::cli::operations;
use crate::config::secret::Secret;

pub(super) use crate::cli::operations::Failure;

/// No busy lamps.
const OFF: &str =
    "busy lamps are off: this configuration has no [blf]; add it, and restart the daemon";

/// Largest answer in bytes: 50,000 lines of 500 bytes, and room.
const MOST: u64 = 64 * 1024 * 1024;

/// What the daemon's words leave out.
const fn remedy(status: u16) -> &'static str {
    match status {
        404 => " If [blf] was added since the daemon started, restart it: systemctl restart xspd.",
        _ => operations::remedy(status),
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
        let blf = config.blf.ok_or(Failure::Off(OFF))?;
        let service = config.auth_service.and_then(|rules| rules.operator_token);
        let (key, reference) = match (blf.api.operator_token, service) {
            (Some(own), _) => ("blf.api.operator-token", own),
            (None, Some(service)) => ("auth-service.operator-token", service),
            (None, None) => {
                let what = "shows nobody's lamps";
                return Err(Failure::NoOperatorToken(what, "[blf.api]"));
            }
        };
        let operator = token(key, &reference)?;
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
            let text = said.unwrap_or("no busy lamps of xspd are there");
            let text = format!("the daemon refused ({status}): {text}{}", remedy(status));
            return Err(Failure::Refused { status, text });
        }
        document.ok_or(Failure::NotJson(self.address))
    }
}
