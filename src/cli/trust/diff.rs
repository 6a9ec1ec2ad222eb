//! `xspd trust diff`: what changes between two files or directories of trust anchors.

use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::table::align;
use crate::cli::trust::Report;
use crate::cli::trust::Said;
use crate::cli::trust::failure::Failure;
use crate::cli::trust::files;
use crate::cli::trust::table;
use crate::domain::certs::Anchor;
use crate::domain::certs::Generation;
use crate::domain::certs::TrustDiff;
use crate::domain::certs::TrustRules;
use crate::domain::certs::trust_diff::KeyChange;
use crate::domain::certs::trust_set;

/// Arguments of `xspd trust diff`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file or directory in use
    old: PathBuf,
    /// The file or directory to take its place
    new: PathBuf,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Report, Failure> {
    let old = load(&args.old, now)?;
    let new = load(&args.new, now)?;
    let diff = TrustDiff::between(
        old.iter().flat_map(Generation::all),
        new.iter().flat_map(Generation::all),
    );
    let said = if console.json {
        Said::Document(document(&diff, now))
    } else {
        Said::Lines(text(&diff, now))
    };
    Ok(Report {
        exit: if diff.is_empty() {
            Exit::Ok
        } else {
            Exit::Findings
        },
        said,
        complaints: Vec::new(),
    })
}

/// Dates do not matter here: an old generation may have ended, a new one may not have begun.
fn load(path: &Path, now: SystemTime) -> Result<Vec<Generation>, Failure> {
    let files = files::read_any(path)?;
    let rules = TrustRules::live(true);
    trust_set::generations(&files, now, rules).map_err(|problems| Failure::RefusedSet {
        path: path.to_owned(),
        problems,
    })
}

/// The rows of a difference, and a sentence for each name that got another key.
pub(super) fn text(diff: &TrustDiff, now: SystemTime) -> Vec<String> {
    if diff.is_empty() {
        return vec![format!("The same {} trust anchors.", diff.kept.len())];
    }
    let head = ["", "ROLE"].into_iter().chain(table::COLUMNS);
    let mut rows = vec![head.map(str::to_owned).collect()];
    let parts = [
        ("added", &diff.added),
        ("removed", &diff.removed),
        ("kept", &diff.kept),
    ];
    for (word, anchors) in parts {
        for anchor in anchors {
            let mut row = vec![word.to_owned(), anchor.role.as_str().to_owned()];
            row.extend(table::cells(&anchor.facts, now));
            rows.push(row);
        }
    }
    let mut lines = align(&rows);
    lines.extend(diff.namesakes.iter().map(|pair| match pair.key {
        KeyChange::New => format!(
            "{}: the name is the same, the key is new ({}… becomes {}…).",
            pair.subject,
            pair.old.short(),
            pair.new.short()
        ),
        KeyChange::Same => format!(
            "{}: issued again with the same key ({}… becomes {}…).",
            pair.subject,
            pair.old.short(),
            pair.new.short()
        ),
    }));
    lines
}

fn document(diff: &TrustDiff, now: SystemTime) -> Value {
    let list = |anchors: &[Anchor]| -> Vec<Value> {
        let one = |anchor: &Anchor| table::document(&anchor.facts, anchor.role.as_str(), now);
        anchors.iter().map(one).collect()
    };
    let namesakes: Vec<Value> = diff
        .namesakes
        .iter()
        .map(|pair| {
            json!({
                "subject": pair.subject,
                "old": pair.old.to_string(),
                "new": pair.new.to_string(),
                "new-key": pair.key == KeyChange::New,
            })
        })
        .collect();
    json!({
        "same": diff.is_empty(),
        "added": list(&diff.added),
        "removed": list(&diff.removed),
        "kept": list(&diff.kept),
        "same-name": namesakes,
    })
}
