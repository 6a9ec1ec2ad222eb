//! `xspd authservice`: what concerns the AuthService apart from the daemon.

pub mod record;

use crate::cli::Console;
use crate::cli::Exit;

/// Captures the shapes of an XSP's AuthService.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Relay on loopback to the XSP's AuthService and record shapes, never values.
    Record(record::Args),
}

/// Runs the verb.
pub fn run(args: Args, console: Console) -> Exit {
    match args.verb {
        Verb::Record(args) => record::run(args, console),
    }
}
