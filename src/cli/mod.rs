//! The command line: one file per verb.

pub mod acme;
mod admin;
pub mod alarms;
pub mod authservice;
pub mod blf;
pub mod certs;
pub mod check;
pub mod check_config;
pub mod config;
pub mod console;
pub mod cti;
pub mod enterprise;
pub mod exit;
mod input;
pub mod keys;
pub mod lab;
mod operations;
pub mod provision;
pub mod run;
mod table;
pub mod trust;
mod watching;

use clap::Parser;
use clap::Subcommand;

pub use console::Console;
pub use exit::Exit;

/// Stands between Webex and a BroadWorks XSP farm.
#[derive(Debug, Parser)]
#[command(name = "xspd", version, propagate_version = true)]
pub struct Command {
    /// Print JSON instead of words, where a verb prints a result.
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show alarms, take them on, silence them, try their sinks.
    Alarms(alarms::Args),
    /// Automatic certificates: how they stand, DNS records, the account's key.
    Acme(acme::Args),
    /// Record the shapes of an XSP's AuthService, or revoke tokens.
    Authservice(authservice::Args),
    /// Show busy lamps of the running daemon, and check what they need.
    Blf(blf::Args),
    /// Show what ends, plan its renewal and renew it: requests, import, activation, the way back.
    Certs(certs::Args),
    /// Check the running daemon for a monitoring system: exit code 0, 1, 2 or 3.
    Check(check::Args),
    /// Check a configuration file; prints every problem. Exit code 0 or 78.
    CheckConfig(check_config::Args),
    /// Show the effective configuration or its schema.
    Config(config::Args),
    /// List the CTI sessions of the running daemon.
    Cti(cti::Args),
    /// Make, rotate and carry the keys that sign AuthService tokens.
    Keys(keys::Args),
    /// Show customers of provisioning, and sync their directories.
    Enterprise(enterprise::Args),
    /// Start a lab: stand-ins for BroadWorks and Webex with the daemon in front, on loopback.
    Lab(lab::Args),
    /// Show users on their way from BroadWorks to Webex, and move them; prove mappings.
    Provision(provision::Args),
    /// Run the daemon.
    Run(run::Args),
    /// Show, split, compare and install trust files.
    Trust(trust::Args),
}

/// A runtime for verbs that ask others at once and end.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// Whether the words are for a monitoring system's plug-in, which has exit codes of its own.
fn is_plug_in(words: impl Iterator<Item = String>) -> bool {
    let mut verbs = words.filter(|word| !word.starts_with('-'));
    verbs.next().as_deref() == Some("check")
}

/// Parses the arguments of the process and runs the verb.
#[must_use]
pub fn main() -> Exit {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => {
            let printed = error.print();
            return if !error.use_stderr() {
                console::settle(printed);
                console::finish(Exit::Ok, false)
            } else if is_plug_in(std::env::args().skip(1)) {
                // To a monitoring system any other number is a fault of the plug-in itself.
                Exit::Unknown
            } else {
                Exit::Usage
            };
        }
    };
    let console = Console { json: command.json };
    let plug_in = matches!(command.verb, Verb::Check(_));
    let exit = match command.verb {
        Verb::Alarms(args) => alarms::run(&args, console),
        Verb::Acme(args) => acme::run(args, console),
        Verb::Authservice(args) => authservice::run(args, console),
        Verb::Blf(args) => blf::run(args, console),
        Verb::Certs(args) => certs::run(args, console),
        Verb::Check(args) => check::run(args, console),
        Verb::CheckConfig(args) => check_config::run(args, console),
        Verb::Config(args) => config::run(args, console),
        Verb::Cti(args) => cti::run(args, console),
        Verb::Keys(args) => keys::run(args, console),
        Verb::Enterprise(args) => enterprise::run(&args, console),
        Verb::Lab(args) => lab::run(args, console),
        Verb::Provision(args) => provision::run(args, console),
        Verb::Run(args) => run::run(&args, console),
        Verb::Trust(args) => trust::run(args, console),
    };
    console::finish(exit, plug_in)
}
