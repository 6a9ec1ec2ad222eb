//! `xspd certs rollback`: the pair that was there before goes back into the configured files.

use std::time::SystemTime;

use crate::cli::Console;
use crate::cli::admin::Door;
use crate::cli::certs::Said;
use crate::cli::certs::activate;
use crate::cli::certs::desk::Desk;
use crate::cli::certs::failure::Failure;
use crate::workers::cert_desk::activate::Way;

/// Arguments of `xspd certs rollback`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A listener, listener/host or listener/bridge
    place: String,
    #[command(flatten)]
    door: Door,
    /// Do not look whether it is served: the daemon does not run, and that is meant
    #[arg(long)]
    offline: bool,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let desk = Desk::open(&args.door, &args.place, now)?;
    let lock = desk.shelf.lock(&desk.place)?;
    let swap = crate::workers::cert_desk::activate::activate;
    let done = swap(&desk.shelf, &desk.place, Way::Back, &desk.by, now);
    let done = done.map_err(Failure::Activate)?;
    drop(lock);
    Ok(activate::told(&desk, &done, args.offline, console))
}
