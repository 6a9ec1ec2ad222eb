//! `xspd provision`: where every user is on the way from BroadWorks to Webex, and what an operator
//! says of it. `mapping` works
//! on files alone; all others speak with the running daemon.

mod act;
mod as_commands;
mod attention;
mod files;
pub(super) mod list;
pub mod mapping;
mod precheck;
mod reconcile;
mod rows;
mod show;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;

pub(super) use crate::cli::provision::show::when;

/// Shows and moves what is between BroadWorks and Webex.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// What to set on the Application Server so that it calls a template's adapter.
    AsCommands(as_commands::Args),
    /// What waits for a person, grouped by the reason.
    Attention(Door),
    /// End the job of a user where it is.
    Cancel(act::Word),
    /// Captured calls of the Application Server, or one of them.
    Captures(attention::Captures),
    /// Let the job of a user do what it asked about.
    Confirm(act::Word),
    /// Write the user-status view as CSV.
    Export(files::Export),
    /// Take users in from a CSV file, with a result for each line.
    Import(files::Import),
    /// Every user: package, status, what is pending, for how long, whose turn it is, the error.
    List(list::Args),
    /// Prove mapping files, and see how their rules read a request.
    Mapping(mapping::Args),
    /// Give a user another package.
    MovePackage(act::Move),
    /// Whether users could be provisioned, before somebody assigns.
    Precheck(precheck::Args),
    /// What BroadWorks and Webex hold differently, and mend it on your word.
    Reconcile(reconcile::Args),
    /// Remove the subscription of a user, or the person too.
    Remove(act::Remove),
    /// What a support case about a user needs.
    Report(show::ReportArgs),
    /// Try a user again, maybe with another e-mail address.
    Retry(act::Retry),
    /// All that is known of one user, its error to copy, and its history.
    Show(show::Args),
    /// The templates that the daemon goes by.
    Templates(Door),
}

/// Runs the verb.
#[must_use]
pub fn run(args: Args, console: Console) -> Exit {
    match args.verb {
        Verb::AsCommands(args) => as_commands::run(&args, console),
        Verb::Attention(door) => attention::run(&door, console),
        Verb::Cancel(args) => act::cancel(&args, console),
        Verb::Captures(args) => attention::captures(&args, console),
        Verb::Confirm(args) => act::confirm(&args, console),
        Verb::Export(args) => files::export(&args, console),
        Verb::Import(args) => files::import(&args, console),
        Verb::List(args) => list::run(&args, console),
        Verb::Mapping(args) => mapping::run(args, console),
        Verb::MovePackage(args) => act::move_package(&args, console),
        Verb::Precheck(args) => precheck::run(&args, console),
        Verb::Reconcile(args) => reconcile::run(&args, console),
        Verb::Remove(args) => act::remove(&args, console),
        Verb::Report(args) => show::report(&args, console),
        Verb::Retry(args) => act::retry(&args, console),
        Verb::Show(args) => show::run(&args, console),
        Verb::Templates(door) => attention::templates(&door, console),
    }
}
