//! `xspd trust`: look at files of trust anchors, compare them, take them in, split them for the
//! XSP. Everything that can be wrong with a file is told before anything is written.

mod diff;
mod failure;
mod files;
mod import;
mod plan;
mod show;
mod split;
pub(super) mod table;
mod usage;

use std::time::SystemTime;

use crate::cli::Console;
use crate::cli::Exit;
use crate::platform::clock;

/// Arguments of `xspd trust`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Compare two files or directories of trust anchors; exit code 1 when they differ
    Diff(diff::Args),
    /// Check a chain file and put it into a directory of trust anchors, keeping the last generation and
    /// what is still used
    Import(import::Args),
    /// Say what is in a file or directory of trust anchors and whether it can be used
    Show(show::Args),
    /// Write root and issuing certificates to files of their own and print the XSP's commands
    Split(split::Args),
}

/// Runs `xspd trust`.
#[must_use]
pub fn run(args: Args, console: Console) -> Exit {
    run_at(args, console, clock::wall())
}

fn run_at(args: Args, console: Console, now: SystemTime) -> Exit {
    let done = match args.verb {
        Verb::Diff(args) => diff::run(&args, console, now),
        Verb::Import(args) => import::run(&args, now),
        Verb::Show(args) => show::run(&args, console, now),
        Verb::Split(args) => split::run(&args, now),
    };
    match done {
        Ok(report) => {
            report.tell(console);
            report.exit
        }
        Err(failure) => {
            console.complain(&failure);
            failure.exit()
        }
    }
}

/// What a verb has to say.
#[derive(Debug)]
struct Report {
    exit: Exit,
    said: Said,
    /// Lines for standard error.
    complaints: Vec<String>,
}

/// What goes to standard output.
#[derive(Debug)]
enum Said {
    Document(serde_json::Value),
    Lines(Vec<String>),
}

impl Report {
    fn tell(&self, console: Console) {
        match &self.said {
            Said::Document(document) => console.document(document),
            Said::Lines(lines) => lines.iter().for_each(|line| console.line(line)),
        }
        for complaint in &self.complaints {
            console.complain(complaint);
        }
    }
}

#[cfg(test)]
mod tests;
