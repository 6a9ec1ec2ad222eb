//! `xspd keys fingerprint`: lines that are equal on nodes with equal keys, and differ else.

use std::time::SystemTime;

use serde_json::json;

use crate::cli::Console;
use crate::cli::keys::Said;
use crate::cli::keys::directory;
use crate::cli::keys::failure::Failure;
use crate::cli::keys::place::Place;
use crate::domain::auth::keys::KeySet;
use crate::domain::auth::keys::KeyState;

/// Arguments of `xspd keys fingerprint`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let set = directory::read_present(&args.place.settings()?.directory)?;
    let keys = thumbprints(&set, now);
    if console.json {
        let keys: Vec<_> = keys
            .iter()
            .map(|(state, kid)| json!({ "state": state.as_str(), "kid": kid }))
            .collect();
        let generation = set.generation();
        return Ok(Said::Document(
            json!({ "generation": generation, "keys": keys }),
        ));
    }
    let mut lines = vec![format!("generation {}", set.generation())];
    lines.extend(
        keys.iter()
            .map(|(state, kid)| format!("{:<9}{kid}", state.as_str())),
    );
    Ok(Said::Lines(lines))
}

/// By state, then by name: the order in the file depends on the node. Keys that have ended are
/// left out, whether the file still has them or not.
pub(super) fn thumbprints(set: &KeySet, now: SystemTime) -> Vec<(KeyState, &str)> {
    let mut found = Vec::new();
    for state in [KeyState::Active, KeyState::Next, KeyState::Retiring] {
        let keys = set.keys().iter().filter(|key| key.state == state);
        let keys = keys.filter(|key| key.checks_at(now));
        let mut kids: Vec<_> = keys.map(|key| (state, key.kid.as_str())).collect();
        kids.sort_unstable_by_key(|(_, kid)| *kid);
        found.extend(kids);
    }
    found
}
