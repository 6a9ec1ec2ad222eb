//! `xspd keys`: the keys that sign our tokens, made, rotated and carried between the nodes of a
//! farm. Only these verbs write the key file; the daemon reads it and takes a new one in by itself.

mod directory;
mod export;
mod failure;
mod fingerprint;
mod generate;
mod import;
mod place;
mod rotate;
mod secret_argument;
mod show;
mod transfer_file;

use std::time::SystemTime;

use crate::cli::Console;
use crate::cli::Exit;
use crate::platform::clock;

pub use directory::KEY_FILE;
pub use failure::Failure;
pub use generate::generate_first;

/// Arguments of `xspd keys`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Write the keys to an encrypted file for the other nodes
    Export(export::Args),
    /// Print the thumbprints, to compare nodes
    Fingerprint(fingerprint::Args),
    /// Make the first key, or the next one
    Generate(generate::Args),
    /// Take in the keys of another node
    Import(import::Args),
    /// Let the next key sign; the one before it goes on checking its tokens
    Rotate(rotate::Args),
    /// Say which keys there are and since when
    Show(show::Args),
}

/// Runs `xspd keys`.
#[must_use]
pub fn run(args: Args, console: Console) -> Exit {
    run_at(args, console, clock::wall())
}

fn run_at(args: Args, console: Console, now: SystemTime) -> Exit {
    match carry_out(args, console, now) {
        Ok(said) => {
            match said {
                Said::Document(document) => console.document(&document),
                Said::Lines(lines) => lines.iter().for_each(|line| console.line(line)),
            }
            Exit::Ok
        }
        Err(failure) => {
            console.complain(&failure);
            failure.exit()
        }
    }
}

fn carry_out(args: Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    match args.verb {
        Verb::Export(args) => export::run(&args, console, now),
        Verb::Fingerprint(args) => fingerprint::run(&args, console, now),
        Verb::Generate(args) => generate::run(&args, console, now),
        Verb::Import(args) => import::run(&args, console, now),
        Verb::Rotate(args) => rotate::run(&args, console, now),
        Verb::Show(args) => show::run(&args, console, now),
    }
}

/// What goes to standard output.
#[derive(Debug)]
enum Said {
    Document(serde_json::Value),
    Lines(Vec<String>),
}

#[cfg(test)]
mod tests;
