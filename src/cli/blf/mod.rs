//! `xspd blf`: busy lamps of the running daemon, and whether what they need is in place.
//!
//! * [`board`], [`lines`] and [`watch`] ask the daemon's admin listener, through `daemon`;
//! * [`check`] asks the XSPs itself, so that it works before the daemon runs;
//! * `show` turns the daemon's JSON into words.

pub mod board;
pub mod check;
mod daemon;
mod facts;
pub mod lines;
mod show;
pub mod watch;

use crate::cli::Console;
use crate::cli::Exit;

/// Shows busy lamps, and checks what they need.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Every line that is not idle, and how its state is learned.
    Board(board::Args),
    /// Check what a watcher needs: services, list, monitored users, and a checklist of the platform.
    Check(check::Args),
    /// Every line: its state, and who watches it.
    Lines(lines::Args),
    /// What one watcher is told, as it comes.
    Watch(watch::Args),
}

/// Runs the verb.
pub fn run(args: Args, console: Console) -> Exit {
    match args.verb {
        Verb::Board(args) => board::run(&args, console),
        Verb::Check(args) => check::run(&args, console),
        Verb::Lines(args) => lines::run(&args, console),
        Verb::Watch(args) => watch::run(&args, console),
    }
}
