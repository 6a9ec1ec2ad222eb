//! `xspd keys import`: the keys of another node become those of this one, unless that would take
//! something away that is in use.

use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::json;

use crate::cli::Console;
use crate::cli::keys::Said;
use crate::cli::keys::directory::Directory;
use crate::cli::keys::export::passphrase_of;
use crate::cli::keys::failure::Failure;
use crate::cli::keys::place::Place;
use crate::cli::keys::secret_argument::SecretArgument;
use crate::cli::keys::transfer_file;
use crate::config::secret::SecretRef;
use crate::domain::auth::keys::KeySet;
use crate::domain::auth::keys::KeyState;
use crate::jose::KeyRing;
use crate::jose::Opening;
use crate::jose::TransferFault;
use crate::jose::open_keys;
use crate::jose::private_key;

/// Arguments of `xspd keys import`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A file of xspd keys export
    file: PathBuf,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    secret: Opener,
    /// Take the keys even if that ends tokens which are in use
    #[arg(long)]
    force: bool,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Opener {
    /// Where the passphrase lies: file:/path, env:NAME or cred:NAME
    #[arg(long, value_name = "SECRET", value_parser = SecretArgument)]
    passphrase: Option<SecretRef>,
    /// Where the private key of the certificate lies, likewise
    #[arg(long, value_name = "SECRET", value_parser = SecretArgument)]
    key: Option<SecretRef>,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let settings = args.place.settings()?;
    let new = open(args, now)?;
    let (directory, held) = Directory::open(&settings.directory)?;
    let held = held.unwrap_or_else(KeySet::empty);
    let changes = changes(&held, &new);
    let same = held.generation() == new.generation() && held.agrees_with(&new);
    if !same {
        if !args.force {
            refuse(args, &held, &new, now)?;
        }
        directory.write(&new)?;
    }
    let generation = new.generation();
    if console.json {
        let file = directory.file();
        return Ok(Said::Document(json!({
            "file": file,
            "generation": generation,
            "changes": changes,
        })));
    }
    if same {
        return Ok(Said::Lines(vec![format!(
            "Nothing to do: this node has these keys already, generation {generation}."
        )]));
    }
    let mut lines = changes;
    lines.push(format!(
        "Written: {}, generation {generation} (before: {})",
        directory.file().display(),
        held.generation()
    ));
    lines.push(
        "The daemon takes the keys in by itself. Compare the nodes: xspd keys fingerprint."
            .to_owned(),
    );
    Ok(Said::Lines(lines))
}

/// Reads and opens the file, and proves every key in it.
fn open(args: &Args, now: SystemTime) -> Result<KeySet, Failure> {
    let sealed = transfer_file::read(&args.file)?;
    let transfer = |fault| Failure::Transfer {
        path: args.file.clone(),
        fault,
    };
    let opened = match (&args.secret.passphrase, &args.secret.key) {
        (Some(passphrase), _) => {
            let secret = passphrase.read()?;
            open_keys(&sealed, Opening::Passphrase(passphrase_of(&secret)))
        }
        (None, Some(key)) => {
            let secret = key.read()?;
            let key = private_key(secret.expose()).map_err(transfer)?;
            open_keys(&sealed, Opening::PrivateKey(&key))
        }
        // The command line demands one of them.
        (None, None) => Err(TransferFault::NeedsPassphrase),
    };
    let key_file = opened.map_err(transfer)?;
    let bad = |fault| Failure::BadImport {
        path: args.file.clone(),
        fault,
    };
    let set = KeySet::parse(&key_file).map_err(bad)?;
    KeyRing::from_set(&set, now).map_err(bad)?;
    Ok(set)
}

/// What --force would do all the same.
fn refuse(args: &Args, held: &KeySet, new: &KeySet, now: SystemTime) -> Result<(), Failure> {
    let path = args.file.clone();
    let (theirs, ours) = (new.generation(), held.generation());
    if theirs < ours {
        return Err(Failure::Older { path, theirs, ours });
    }
    if theirs == ours {
        let generation = ours;
        return Err(Failure::Diverged { path, generation });
    }
    let kids: Vec<_> = held
        .keys()
        .iter()
        .filter(|key| match key.state {
            // It has never signed.
            KeyState::Next => false,
            KeyState::Active | KeyState::Retiring => key.checks_at(now),
        })
        .filter(|key| state_in(new, &key.kid).is_none())
        .map(|key| key.kid.clone())
        .collect();
    if kids.is_empty() {
        Ok(())
    } else {
        Err(Failure::Drops { path, kids })
    }
}

fn state_in(set: &KeySet, kid: &str) -> Option<KeyState> {
    let key = set.keys().iter().find(|key| key.kid == kid);
    key.map(|key| key.state)
}

/// A line for each key that comes, goes or changes its state.
fn changes(held: &KeySet, new: &KeySet) -> Vec<String> {
    let mut lines = Vec::new();
    for key in new.keys() {
        let (kid, state) = (&key.kid, key.state.as_str());
        match state_in(held, kid) {
            None => lines.push(format!("New: {kid}, {state}")),
            Some(before) if before == key.state => {}
            Some(before) => lines.push(format!("Changed: {kid}, {} -> {state}", before.as_str())),
        }
    }
    let gone = held.keys().iter();
    let gone = gone.filter(|key| state_in(new, &key.kid).is_none());
    lines.extend(gone.map(|key| format!("Gone: {}, was {}", key.kid, key.state.as_str())));
    lines
}
