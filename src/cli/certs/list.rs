//! `xspd certs list` and `xspd certs check`: what is watched, and what is wrong with it.

use std::time::SystemTime;

use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::certs::watched;
use crate::cli::certs::watched::Failure;
use crate::cli::certs::watched::Found;
use crate::cli::certs::watched::Scope;
use crate::cli::operations::age;
use crate::cli::table;
use crate::domain::alarms::Severity;
use crate::domain::certs::date;
use crate::domain::certs::watchlist::UNSEEN;

/// Arguments of both.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    scope: Scope,
    /// Only what ends within this time, such as 30d
    #[arg(long, value_name = "DAYS", value_parser = days)]
    within: Option<i64>,
}

/// A number of days.
pub(super) fn days(text: &str) -> Result<i64, String> {
    let digits = text.strip_suffix('d').unwrap_or(text);
    let days = digits
        .parse()
        .ok()
        .filter(|days| (0..=36_500).contains(days));
    days.ok_or_else(|| "expected days, such as 30d".to_owned())
}

/// Everything, what ends first first.
pub(super) fn list(args: &Args, console: Console, now: SystemTime) -> Result<Exit, Failure> {
    let found = args.scope.look(now)?;
    let all = args.chosen(&found, now);
    let worst = all.iter().filter_map(|held| watched::severity(held)).max();
    if console.json {
        console.document(&json!({
            "at": found.document.get("at"),
            "severity": worst.map(Severity::word),
            "certificates": all,
        }));
    } else {
        let unseen = |held: &Value| watched::is_unseen(held).then_some(Severity::Low);
        let severities: Vec<_> = all
            .iter()
            .map(|held| watched::severity(held).or_else(|| unseen(held)))
            .collect();
        let lines = args.scope.colored(rows(&all, now), &severities);
        lines.iter().for_each(|line| console.line(line));
    }
    if let Some(remark) = &found.remark {
        console.complain(remark);
    }
    Ok(found.exit(&all))
}

/// What is wrong: a summary, then one line each, the worst first.
pub(super) fn check(args: &Args, console: Console, now: SystemTime) -> Result<Exit, Failure> {
    let found = args.scope.look(now)?;
    let all = args.chosen(&found, now);
    let mut problems: Vec<(Severity, &Value, &Value)> = Vec::new();
    for held in &all {
        for problem in held["problems"].as_array().into_iter().flatten() {
            let severity = problem["severity"].as_str().and_then(Severity::from_word);
            problems.extend(severity.map(|severity| (severity, *held, problem)));
        }
    }
    problems.sort_by_key(|(severity, ..)| std::cmp::Reverse(*severity));
    let worst = problems.first().map(|(severity, ..)| *severity);
    let unseen: Vec<_> = all.iter().filter(|held| watched::is_unseen(held)).collect();
    if console.json {
        let told: Vec<Value> = problems
            .iter()
            .map(|(_, held, problem)| json!({ "name": held["name"], "problem": problem }))
            .collect();
        console.document(&json!({
            "severity": worst.map(Severity::word),
            "certificates": all.len(),
            "problems": told,
            "unseen": unseen.iter().map(|held| &held["name"]).collect::<Vec<_>>(),
        }));
    } else {
        let next = all
            .iter()
            .filter(|held| held["ended"] == false)
            .find_map(|held| Some((held["name"].as_str()?, held["not-after"].as_str()?)));
        let next = next.map_or_else(String::new, |(name, end)| {
            format!("; next to end: {name} on {end}")
        });
        let well = if unseen.is_empty() { "ok" } else { UNSEEN };
        let word = worst.map_or(well, Severity::word);
        let blind = match unseen.len() {
            0 => String::new(),
            some => format!(", {some} not seen yet"),
        };
        console.line(format_args!(
            "{word}: {} watched, {} problems{blind}{next}",
            all.len(),
            problems.len()
        ));
        for (severity, _, problem) in &problems {
            let text = problem["text"].as_str().unwrap_or_default();
            let alarm = problem["alarm"].as_str().unwrap_or_default();
            console.line(format_args!("{severity} {alarm}: {text}"));
        }
        // What is lost says so itself.
        for held in unseen.iter().filter(|held| held["severity"].is_null()) {
            let name = held["name"].as_str().unwrap_or_default();
            let faults = watched::faults(held);
            console.line(format_args!("{UNSEEN} {name}: not seen yet: {faults}"));
        }
    }
    if let Some(remark) = &found.remark {
        console.complain(remark);
    }
    Ok(found.exit(&all))
}

impl Args {
    fn chosen<'a>(&self, found: &'a Found, now: SystemTime) -> Vec<&'a Value> {
        let limit = self
            .within
            .map(|days| date::to_unix(now).saturating_add(days * 86_400));
        let all = found.certificates().iter();
        all.filter(|held| {
            limit.is_none_or(|limit| {
                held["not-after-seconds"]
                    .as_i64()
                    .is_some_and(|end| end <= limit)
            })
        })
        .collect()
    }
}

fn rows(all: &[&Value], now: SystemTime) -> Vec<String> {
    let head = [
        "END", "LEFT", "STATE", "NAME", "KIND", "SEEN AT", "PROBLEMS",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for held in all {
        let text = |key: &str| held[key].as_str().unwrap_or("-").to_owned();
        let left = held["not-after-seconds"].as_i64().map_or_else(
            || "-".to_owned(),
            |end| {
                let left = end.saturating_sub(date::to_unix(now));
                match u64::try_from(left) {
                    _ if held["ended"] == true => "ENDED".to_owned(),
                    // On its last day the hours count.
                    Ok(left) if left < 86_400 => age(left),
                    Ok(_) | Err(_) => format!("{} d", left.div_euclid(86_400)),
                }
            },
        );
        let alarms: Vec<&str> = held["problems"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|problem| problem["alarm"].as_str())
            .collect();
        let mut words = ["state", "severity"].into_iter();
        let state = words.find_map(|key| held[key].as_str());
        let state = state.unwrap_or("ok").to_owned();
        rows.push(vec![
            text("not-after"),
            left,
            state,
            text("name"),
            text("kind"),
            text("seen-at"),
            alarms.join(","),
        ]);
    }
    table::align(&rows)
}
