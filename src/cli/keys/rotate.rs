//! `xspd keys rotate`: the next key signs from now on.

use std::time::SystemTime;

use serde_json::json;

use crate::cli::Console;
use crate::cli::keys::Said;
use crate::cli::keys::directory;
use crate::cli::keys::directory::Directory;
use crate::cli::keys::failure::Failure;
use crate::cli::keys::place::Place;
use crate::domain::certs::date;

/// Arguments of `xspd keys rotate`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let settings = args.place.settings()?;
    // Not to make a directory just to say that it is empty.
    directory::read_present(&settings.directory)?;
    let (directory, held) = Directory::open(&settings.directory)?;
    let mut set = held.ok_or_else(|| Failure::NoKeys(directory.file().to_owned()))?;
    let rotation = set.rotate(now, settings.token_life)?;
    directory.write(&set)?;
    if console.json {
        return Ok(Said::Document(json!({
            "file": directory.file(),
            "generation": set.generation(),
            "active": rotation.active,
            "retiring": rotation.retiring,
            "until": date::text(rotation.until.into()),
            "gone": rotation.gone,
        })));
    }
    let mut lines = vec![
        format!("Active: {}", rotation.active),
        format!(
            "Retiring: {}; it checks its tokens until {}",
            rotation.retiring,
            date::text(rotation.until.into())
        ),
    ];
    lines.extend(rotation.gone.iter().map(|kid| format!("Gone: {kid}")));
    lines.push(format!(
        "Written: {}, generation {}",
        directory.file().display(),
        set.generation()
    ));
    lines.push(
        "Next: carry the file to the other nodes (xspd keys export, xspd keys import). Those that \
         know the key as their next one accept its tokens already."
            .to_owned(),
    );
    Ok(Said::Lines(lines))
}
