//! `xspd keys generate`: the first key of a farm, or the next one of a farm that has keys.

use std::path::Path;
use std::time::SystemTime;

use serde_json::json;

use crate::cli::Console;
use crate::cli::keys::Said;
use crate::cli::keys::directory::Directory;
use crate::cli::keys::failure::Failure;
use crate::cli::keys::place::Place;
use crate::cli::keys::place::Settings;
use crate::domain::auth::keys::KeySet;
use crate::domain::auth::keys::KeyState;
use crate::domain::auth::keys::KeysRefusal;
use crate::jose::SigningKey;

/// Arguments of `xspd keys generate`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    /// Length of the key in bits, instead of the configured one
    #[arg(long, value_name = "N", value_parser = bits)]
    bits: Option<u32>,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let mut settings = args.place.settings()?;
    settings.bits = args.bits.unwrap_or(settings.bits);
    let (directory, held) = Directory::open(&settings.directory)?;
    let mut set = held.unwrap_or_else(KeySet::empty);
    // Before the seconds that a key takes.
    if let Some(next) = set.in_state(KeyState::Next) {
        let kid = next.kid.clone();
        return Err(KeysRefusal::NextPresent { kid }.into());
    }
    console.complain(format_args!(
        "Making an RSA key of {} bits; that takes some seconds.",
        settings.bits
    ));
    let (kid, state) = add(&mut set, &settings, now)?;
    directory.write(&set)?;
    if console.json {
        return Ok(Said::Document(json!({
            "file": directory.file(),
            "generation": set.generation(),
            "kid": kid,
            "state": state.as_str(),
        })));
    }
    let next_step = match state {
        KeyState::Next => {
            "Next: carry it to the other nodes (xspd keys export, xspd keys import); when all of \
             them have it, xspd keys rotate lets it sign."
        }
        KeyState::Active | KeyState::Retiring => {
            "Next: carry it to the other nodes (xspd keys export, xspd keys import). Never \
             generate a first key on two nodes of a farm."
        }
    };
    Ok(Said::Lines(vec![
        format!("Made: {kid}, {}", state.as_str()),
        format!(
            "Written: {}, generation {}",
            directory.file().display(),
            set.generation()
        ),
        next_step.to_owned(),
    ]))
}

/// Makes the first key of a directory that has none, and returns the name of the active key. Keys
/// that are there stay as they are. For a lab, whose farm has one node; takes seconds.
///
/// # Errors
/// A key file that cannot be read, or a directory that cannot be written.
pub fn generate_first(directory: &Path, bits: u32, now: SystemTime) -> Result<String, Failure> {
    let (open, held) = Directory::open(directory)?;
    let mut set = held.unwrap_or_else(KeySet::empty);
    if let Some(active) = set.in_state(KeyState::Active) {
        return Ok(active.kid.clone());
    }
    let mut settings = Settings::of_directory(directory.to_owned());
    settings.bits = bits;
    let (kid, _) = add(&mut set, &settings, now)?;
    open.write(&set)?;
    Ok(kid)
}

fn add(
    set: &mut KeySet,
    settings: &Settings,
    now: SystemTime,
) -> Result<(String, KeyState), Failure> {
    set.expire(now);
    let key = SigningKey::generate(settings.bits)?;
    let state = set.generate(key.to_record(settings.algorithm)?, now)?;
    Ok((key.kid().to_owned(), state))
}

fn bits(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(bits @ (2048 | 3072 | 4096)) => Ok(bits),
        Ok(_) | Err(_) => Err("expected 2048, 3072 or 4096".to_owned()),
    }
}
