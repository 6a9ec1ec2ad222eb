//! `xspd certs staged`: what waits, what can be gone back to, and what was done last.

use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::admin::Door;
use crate::cli::certs::Said;
use crate::cli::certs::failure::Failure;
use crate::cli::table::align;
use crate::domain::certs::date;
use crate::workers::cert_desk::place;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::shelf::About;
use crate::workers::cert_desk::shelf::Journal;
use crate::workers::cert_desk::shelf::Line;
use crate::workers::cert_desk::shelf::Part;
use crate::workers::cert_desk::shelf::Schedule;
use crate::workers::cert_desk::shelf::Shelf;

/// Lines of the journal that people see.
const LAST: usize = 10;

/// Arguments of `xspd certs staged`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    door: Door,
}

struct Row {
    place: Place,
    staged: Option<About>,
    previous: Option<About>,
    schedule: Option<Schedule>,
}

pub(super) fn run(args: &Args, console: Console) -> Result<Said, Failure> {
    let config = args.door.config().map_err(Failure::Config)?;
    let shelf = Shelf::new(&config.state_dir);
    let mut rows = Vec::new();
    for place in place::places(&config).0 {
        rows.push(Row {
            staged: shelf.about(&place, Part::Staged)?,
            previous: shelf.about(&place, Part::Previous)?,
            schedule: shelf.scheduled(&place)?,
            place,
        });
    }
    let journal = shelf.journal()?;
    if console.json {
        return Ok(Said::Document(json!({
            "places": rows.iter().map(document).collect::<Vec<_>>(),
            "journal": journal.lines,
            "journal-cut": journal.cut,
        })));
    }
    Ok(Said::Lines(words(&rows, &journal)))
}

fn words(
    rows: &[Row],
    Journal {
        lines: journal,
        cut,
    }: &Journal,
) -> Vec<String> {
    let until = |about: &Option<About>| match about {
        Some(about) => format!("{} until {}", about.subject, moment(about.not_after)),
        None => "-".to_owned(),
    };
    let head = ["PLACE", "STAGED", "AT", "PREVIOUS"].map(str::to_owned);
    let mut table = vec![head.to_vec()];
    table.extend(rows.iter().map(|row| {
        vec![
            row.place.name.clone(),
            until(&row.staged),
            row.schedule
                .as_ref()
                .map_or_else(|| "-".to_owned(), |schedule| moment(schedule.at)),
            until(&row.previous),
        ]
    }));
    let mut lines = align(&table);
    if !journal.is_empty() {
        lines.push(String::new());
    }
    let last = journal.iter().skip(journal.len().saturating_sub(LAST));
    lines.extend(last.map(|line| {
        let Line {
            at,
            place,
            event,
            by,
            fingerprint: _,
            note,
        } = line;
        format!("{}  {event} {place} by {by}: {note}", moment(*at))
    }));
    if *cut || journal.len() > LAST {
        lines.push(
            "Lines before these: certs/journal.jsonl and journal.jsonl.old in the state directory, \
             as far as they go back."
                .to_owned(),
        );
    }
    lines
}

fn moment(seconds: i64) -> String {
    date::from_unix(seconds).map_or_else(|| "?".to_owned(), date::text)
}

fn document(row: &Row) -> Value {
    json!({
        "place": row.place.name,
        "chain": row.place.chain,
        "key": row.place.key,
        "staged": row.staged,
        "scheduled": row.schedule,
        "previous": row.previous,
    })
}
