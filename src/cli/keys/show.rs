//! `xspd keys show`: the keys with their dates.

use std::time::SystemTime;

use serde_json::json;
use time::OffsetDateTime;

use crate::cli::Console;
use crate::cli::keys::Said;
use crate::cli::keys::directory;
use crate::cli::keys::failure::Failure;
use crate::cli::keys::place::Place;
use crate::domain::auth::keys::KeyAlgorithm;
use crate::domain::auth::keys::KeyRecord;
use crate::domain::auth::keys::KeyState;
use crate::domain::certs::date;
use crate::jose::KeyRing;

/// Arguments of `xspd keys show`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let settings = args.place.settings()?;
    let set = directory::read_present(&settings.directory)?;
    let path = settings.directory.join(directory::KEY_FILE);
    // As the daemon will: the numbers, and the names that follow from them.
    KeyRing::from_set(&set, now).map_err(|fault| Failure::BadKeyFile {
        path: path.clone(),
        fault,
    })?;
    let generation = set.generation();
    if console.json {
        let keys: Vec<_> = set.keys().iter().map(|key| document(key, now)).collect();
        return Ok(Said::Document(json!({
            "file": path,
            "generation": generation,
            "keys": keys,
        })));
    }
    let mut lines = vec![format!("{}: generation {generation}", path.display())];
    for key in set.keys() {
        lines.push(format!(
            "{} {}, {}, RSA-{}, made {}{}",
            key.kid,
            state(key, now),
            algorithm(key),
            bits(key),
            date::text(key.created.into()),
            life(key),
        ));
    }
    Ok(Said::Lines(lines))
}

fn document(key: &KeyRecord, now: SystemTime) -> serde_json::Value {
    let text = |at: Option<OffsetDateTime>| at.map(|at| date::text(at.into()));
    json!({
        "kid": key.kid,
        "state": state(key, now),
        "algorithm": algorithm(key),
        "bits": bits(key),
        "created": text(Some(key.created)),
        "activated": text(key.activated),
        "retires": text(key.retires),
    })
}

/// A retiring key that has ended stays in the file until the next change of it.
fn state(key: &KeyRecord, now: SystemTime) -> &'static str {
    if key.checks_at(now) {
        key.state.as_str()
    } else {
        "ended"
    }
}

const fn algorithm(key: &KeyRecord) -> &'static str {
    match key.alg {
        KeyAlgorithm::Ps256 => "PS256",
        KeyAlgorithm::Rs256 => "RS256",
    }
}

/// From the length of the modulus in base64url.
const fn bits(key: &KeyRecord) -> usize {
    key.n.len() * 3 / 4 * 8
}

fn life(key: &KeyRecord) -> String {
    let text = |at: Option<OffsetDateTime>| at.map_or_else(String::new, |at| date::text(at.into()));
    match key.state {
        KeyState::Next => ", never signed".to_owned(),
        KeyState::Active => format!(", signs since {}", text(key.activated)),
        KeyState::Retiring => format!(", checks until {}", text(key.retires)),
    }
}
