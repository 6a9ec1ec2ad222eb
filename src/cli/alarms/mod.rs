//! `xspd alarms`: what is wrong, who knows of it, and whether notices arrive. Asks the running
//! daemon at `/alarms/v1/…` on its admin listener.

mod list;
mod rows;
mod show;
mod word;

use serde_json::Value;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::admin::escaped;
use crate::cli::operations::Daemon;
use crate::cli::table::align;

/// Arguments of `xspd alarms`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Take an alarm on: no reminders, until it gets worse
    Ack(word::Ack),
    /// End an alarm by hand whose cause is gone and whose watcher too
    Clear(word::Clear),
    /// Say what happened, and who was told
    History(show::History),
    /// List what is wrong, the worst first. Exit code 0: nothing that matters; 1: something
    List(list::Args),
    /// Say everything of one alarm: what to do, how to open a case, what happened
    Show(show::Args),
    /// Hold back what matches, for a while
    Silence(word::Silence),
    /// List silences
    Silences(Door),
    /// List sinks, and what waits for them
    Sinks(Door),
    /// Send a notice to a sink, to see whether it arrives
    Test(word::Test),
    /// Give an alarm back
    Unack(word::Unack),
    /// End a silence
    Unsilence(word::Unsilence),
}

/// Runs the verb.
#[must_use]
pub fn run(args: &Args, console: Console) -> Exit {
    match &args.verb {
        Verb::Ack(args) => word::ack(args, console),
        Verb::Clear(args) => word::clear(args, console),
        Verb::History(args) => show::history(args, console),
        Verb::List(args) => list::run(args, console),
        Verb::Show(args) => show::run(args, console),
        Verb::Silence(args) => word::silence(args, console),
        Verb::Silences(door) => listed(door, console, "silences", rows::SILENCES),
        Verb::Sinks(door) => listed(door, console, "sinks", rows::SINKS),
        Verb::Test(args) => word::test(args, console),
        Verb::Unack(args) => word::unack(args, console),
        Verb::Unsilence(args) => word::unsilence(args, console),
    }
}

/// A short list as it is.
fn listed(door: &Door, console: Console, what: &str, columns: rows::Columns) -> Exit {
    let asked = Daemon::of_alarms(door);
    let said = asked.and_then(|daemon| daemon.get(&format!("/alarms/v1/{what}")));
    match said {
        Ok(said) if console.json => console.document(&said),
        Ok(said) => {
            let said = &said;
            let all = said[what].as_array().map_or(&[][..], Vec::as_slice);
            if all.is_empty() {
                console.line(format_args!("There are no {what}."));
                return Exit::Ok;
            }
            let head = columns.iter().map(|(head, _)| (*head).to_owned()).collect();
            let cells = all.iter().map(|row| {
                let cells = columns.iter().map(|(_, cell)| cell(row));
                cells.collect::<Vec<_>>()
            });
            let table: Vec<Vec<String>> = std::iter::once(head).chain(cells).collect();
            align(&table).iter().for_each(|line| console.line(line));
        }
        Err(failure) => return failure.told(console),
    }
    Exit::Ok
}

/// A query of what is given.
fn query(pairs: &[(&str, Option<String>)]) -> String {
    let given = pairs.iter().filter_map(|(key, value)| {
        let value = value.as_ref()?;
        Some(format!("{key}={}", escaped(value)))
    });
    let given: Vec<_> = given.collect();
    if given.is_empty() {
        String::new()
    } else {
        format!("?{}", given.join("&"))
    }
}

/// What came of an order, in a line.
fn done(
    said: Result<Value, crate::cli::operations::Failure>,
    line: &str,
    console: Console,
) -> Exit {
    match said {
        Ok(said) if console.json => console.document(&said),
        Ok(_) => console.line(line),
        Err(failure) => return failure.told(console),
    }
    Exit::Ok
}
