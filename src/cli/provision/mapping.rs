//! `xspd provision mapping`: prove a mapping file, try it on a request, print the built-in one.

mod check;
mod try_on;

use crate::cli::Console;
use crate::cli::Exit;
use crate::domain::provisioning::mapping::BUILT_IN;

/// Arguments of `xspd provision mapping`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Check a mapping file; prints every problem. Exit code 0 or 65
    Check(check::Args),
    /// Print the built-in rules, to begin a file of your own with
    Print,
    /// Show how each rule sees a request and what comes of it; exit code 1 when it is refused
    Test(Box<try_on::Args>),
}

/// Runs `xspd provision mapping`.
#[must_use]
pub fn run(args: Args, console: Console) -> Exit {
    match args.verb {
        Verb::Check(args) => check::run(&args, console),
        Verb::Print => {
            console.line(BUILT_IN.trim_end());
            Exit::Ok
        }
        Verb::Test(args) => try_on::run(&args, console),
    }
}
