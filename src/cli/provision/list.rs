//! `xspd provision list`: where every user is, once or as it changes.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::admin::escaped;
use crate::cli::operations::Daemon;
use crate::cli::operations::Failure;
use crate::cli::provision::rows;
use crate::cli::table::align;
use crate::cli::watching::Shown;
use crate::cli::watching::Watching;
use crate::platform::clock;

/// Users in one answer.
const PAGE: usize = 500;

/// Users that `--watch` follows: more fit no screen, and filters choose.
const WATCHED: usize = 2_000;

/// Which users.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Filter {
    /// Only users in this state, as the STATUS column writes it; several by commas.
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    state: Vec<String>,
    /// Only users of this template.
    #[arg(long, value_name = "KEY")]
    template: Option<String>,
    /// Only users of this cluster.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Only users of this enterprise, as Webex calls it (spEnterpriseId).
    #[arg(long, value_name = "ID")]
    enterprise: Option<String>,
    /// Only users whose id begins so.
    #[arg(long, value_name = "PREFIX")]
    user: Option<String>,
    /// Only users that moved in the last so long, as 30m, 24h or 7d.
    #[arg(long, value_name = "TIME", value_parser = ago)]
    since: Option<u64>,
    /// Leave out who is provisioned.
    #[arg(long)]
    exclude_provisioned: bool,
}

impl Filter {
    /// The query of a page.
    fn query(&self, cursor: Option<&str>, most: usize) -> String {
        let mut query = format!("limit={most}");
        let mut add = |key: &str, value: &str| query += &format!("&{key}={}", escaped(value));
        if !self.state.is_empty() {
            add("state", &self.state.join(","));
        }
        for (key, value) in [
            ("template", &self.template),
            ("cluster", &self.cluster),
            ("enterprise", &self.enterprise),
            ("user", &self.user),
        ] {
            if let Some(value) = value {
                add(key, value);
            }
        }
        if let Some(seconds) = self.since {
            add("since-seconds", &seconds.to_string());
        }
        if self.exclude_provisioned {
            add("exclude-provisioned", "true");
        }
        if let Some(cursor) = cursor {
            add("cursor", cursor);
        }
        query
    }
}

/// Which users, and how often.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    filter: Filter,
    /// Go on until Ctrl-C: drawn anew on a terminal when something changes, else a line per change.
    #[arg(long)]
    watch: bool,
    /// With --watch: end when nothing is under way or waited for any more.
    #[arg(long, requires = "watch")]
    until_final: bool,
    /// With --watch: end after so long in any case, with exit code 1 if something is not final.
    #[arg(long, value_name = "TIME", requires = "watch", value_parser = ago)]
    at_most: Option<u64>,
    #[command(flatten)]
    door: Door,
}

/// Lists: exit 0.
pub(super) fn run(args: &Args, console: Console) -> Exit {
    let shown = Daemon::of(&args.door).and_then(|daemon| {
        if args.watch {
            watch(args, &daemon, console)
        } else {
            once(args, &daemon, console).map(|()| Exit::Ok)
        }
    });
    shown.unwrap_or_else(|failure| failure.told(console))
}

/// Every user that a filter lets through, page by page; `false` from `take` ends it.
pub(super) fn pages(
    daemon: &Daemon,
    filter: &Filter,
    mut take: impl FnMut(&Value) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let mut cursor: Option<String> = None;
    loop {
        let query = filter.query(cursor.as_deref(), PAGE);
        let page = &daemon.get(&format!("/ops/v1/jobs?{query}"))?;
        let next = page["next"].as_str().map(str::to_owned);
        if !take(page)? {
            return Ok(());
        }
        // A cursor that stands still would never end.
        if next.is_none() || next == cursor {
            return Ok(());
        }
        cursor = next;
    }
}

fn once(args: &Args, daemon: &Daemon, console: Console) -> Result<(), Failure> {
    let (mut all, mut at) = (Vec::new(), 0);
    pages(daemon, &args.filter, |page| {
        at = page["at"].as_u64().unwrap_or(at);
        all.extend_from_slice(rows::of(page));
        Ok(true)
    })?;
    if console.json {
        console.document(&json!({"jobs": all, "at": at}));
    } else {
        for line in table(&all, at, false) {
            console.line(line);
        }
    }
    Ok(())
}

struct Picture {
    rows: Vec<Value>,
    at: u64,
    more: bool,
}

fn look(args: &Args, daemon: &Daemon) -> Result<Picture, Failure> {
    let mut picture = Picture {
        rows: Vec::new(),
        at: 0,
        more: false,
    };
    pages(daemon, &args.filter, |page| {
        picture.at = page["at"].as_u64().unwrap_or(picture.at);
        picture.rows.extend_from_slice(rows::of(page));
        picture.more = picture.rows.len() >= WATCHED && page["next"].is_string();
        Ok(!picture.more)
    })?;
    Ok(picture)
}

fn watch(args: &Args, daemon: &Daemon, console: Console) -> Result<Exit, Failure> {
    let mut watching = Watching::new(console);
    let mut before: Option<Picture> = None;
    let started = clock::mono();
    loop {
        if let Some(picture) = watching.seen(look(args, daemon), before.is_some())? {
            watching.show(Shown {
                first: before.is_none(),
                table: &|| table(&picture.rows, picture.at, picture.more),
                document: &|| json!({"jobs": picture.rows, "at": picture.at}),
                changes: changes(before.as_ref(), &picture),
            });
            let over = args.until_final && !picture.more && all_final(&picture);
            before = Some(picture);
            if over {
                return Ok(Exit::Ok);
            }
        }
        let waited = clock::mono().saturating_duration_since(started).as_secs();
        if args.at_most.is_some_and(|most| waited >= most) {
            let over = before.as_ref().is_some_and(all_final);
            return Ok(if over { Exit::Ok } else { Exit::Findings });
        }
        if !watching.pause() {
            return Ok(Exit::Ok);
        }
    }
}

fn all_final(picture: &Picture) -> bool {
    picture.rows.iter().all(|row| row["final"] == true)
}

/// Users that stand differently, and those that the filter no longer lets through.
fn changes(before: Option<&Picture>, after: &Picture) -> Vec<String> {
    let Some(before) = before else {
        return Vec::new();
    };
    let mut old: BTreeMap<_, _> = before
        .rows
        .iter()
        .map(|row| (rows::whom(row), row))
        .collect();
    let mut lines = Vec::new();
    for row in &after.rows {
        lines.extend(rows::change(old.remove(&rows::whom(row)), row));
    }
    if !before.more && !after.more {
        let gone = old
            .keys()
            .map(|(_, user)| format!("{user}: no longer in this list"));
        lines.extend(gone);
    }
    lines
}

fn table(all: &[Value], at: u64, more: bool) -> Vec<String> {
    let mut lines = vec![rows::summary(all.iter())];
    if more {
        lines.push(format!(
            "Only the first {} are followed; filters choose others.",
            all.len()
        ));
    }
    if all.is_empty() {
        return lines;
    }
    lines.push(String::new());
    let head = rows::COLUMNS.map(str::to_owned).to_vec();
    let cells = all.iter().map(|row| rows::cells(row, at));
    lines.extend(align(
        &std::iter::once(head).chain(cells).collect::<Vec<_>>(),
    ));
    lines
}

/// `30m` and its like, in seconds.
pub(in crate::cli) fn ago(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no length of time such as 30s, 15m, 24h or 7d");
    let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(factor).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(rows: &Value) -> Picture {
        Picture {
            rows: rows.as_array().unwrap().clone(),
            at: 5_000,
            more: false,
        }
    }

    #[test]
    fn a_length_of_time_has_a_unit() {
        assert_eq!(ago("90s"), Ok(90));
        assert_eq!(ago("2h"), Ok(7_200));
        assert_eq!(ago("7d"), Ok(604_800));
        for wrong in ["", "7", "h", "-1h", "1w", "99999999999999999999d", "1é"] {
            assert!(ago(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_filter_is_a_query_whatever_is_in_it() {
        let filter = Filter {
            state: vec!["attention".to_owned(), "stalled".to_owned()],
            cluster: Some("east".to_owned()),
            user: Some("a&b".to_owned()),
            exclude_provisioned: true,
            ..Filter::default()
        };
        assert_eq!(
            filter.query(Some("c/1"), 500),
            "limit=500&state=attention%2Cstalled&cluster=east&user=a%26b&exclude-provisioned=true&cursor=c%2F1"
        );
    }

    #[test]
    fn changes_name_who_moved_and_who_left_the_list() {
        let before = picture(&json!([
            {"cluster": "e", "user": "a", "state": "queued"},
            {"cluster": "e", "user": "b", "state": "attention"},
        ]));
        let after = picture(&json!([
            {"cluster": "e", "user": "a", "state": "waiting-webex"},
            {"cluster": "e", "user": "c", "state": "queued"},
        ]));
        assert_eq!(
            changes(Some(&before), &after),
            [
                "a: queued -> waiting-webex",
                "c: queued",
                "b: no longer in this list"
            ]
        );
        assert_eq!(changes(None, &after), [""; 0]);
    }

    #[test]
    fn a_table_begins_with_what_it_holds() {
        let picture = picture(&json!([{"cluster": "e", "user": "a", "state": "queued",
            "since": 2_000, "owner": "xspd", "final": false}]));
        let lines = table(&picture.rows, picture.at, false);
        assert_eq!(lines[0], "1 user: 1 under way");
        assert!(lines[2].starts_with("USER"));
        assert!(lines[3].contains("queued") && lines[3].contains("3 s"));
        assert!(!all_final(&picture));
    }
}
