//! `xspd provision`: what an operator does around flowthrough provisioning.

mod input;
pub mod mapping;

use crate::cli::Console;
use crate::cli::Exit;

/// Arguments of `xspd provision`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Prove mapping files, and see how their rules read a request.
    Mapping(mapping::Args),
}

/// Runs `xspd provision`.
#[must_use]
pub fn run(args: Args, console: Console) -> Exit {
    match args.verb {
        Verb::Mapping(args) => mapping::run(args, console),
    }
}
