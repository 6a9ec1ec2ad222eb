//! `xspd trust show`: what is in a file or directory of trust anchors, and whether it can be used.

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
use crate::cli::trust::usage::Usage;
use crate::config::DEFAULT_PATH;
use crate::domain::certs::Role;
use crate::domain::certs::TrustNote;
use crate::domain::certs::TrustProblem;
use crate::domain::certs::TrustRules;
use crate::domain::certs::trust_file;
use crate::domain::certs::trust_file::Judgement;
use crate::domain::certs::trust_file::Listed;

/// Arguments of `xspd trust show`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// PEM file as Partner Hub gives it, or a directory with such files
    file: PathBuf,
    /// The daemon's main configuration file; of a trust set's directory it is then told when each
    /// file last let a client in
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    config: PathBuf,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Report, Failure> {
    let files = files::read_any(&args.file)?;
    let bytes: Vec<&[u8]> = files.iter().map(|(_, bytes)| bytes.as_slice()).collect();
    // A directory is in use, and there an ended generation may stand beside the current one; a
    // single file is about to be installed.
    let rules = if args.file.is_dir() {
        TrustRules::live(true)
    } else {
        TrustRules::STRICT
    };
    let judged = trust_file::judge_all(&bytes, now, rules);
    let shown: Vec<(&str, Judgement)> = files
        .iter()
        .map(|(name, _)| name.as_str())
        .zip(judged)
        .collect();
    let usable = |(_, judgement): &(&str, Judgement)| match &judgement.verdict {
        Ok(file) => !file.anchors.is_empty(),
        Err(_) => false,
    };
    let mut complaints = Vec::new();
    if !shown.iter().any(usable) {
        let path = args.file.display();
        complaints.push(format!(
            "{path}: it holds no trust anchor that can be used."
        ));
    }
    let good = shown.iter().all(|(_, judgement)| judgement.verdict.is_ok());
    let exit = if good && complaints.is_empty() {
        Exit::Ok
    } else {
        Exit::Data
    };
    let usage = Usage::of(&args.file, &args.config);
    let said = if console.json {
        let documents: Vec<Value> = shown
            .iter()
            .map(|(name, judgement)| document(name, judgement, &usage, now))
            .collect();
        Said::Document(json!({ "files": documents }))
    } else {
        let texts = shown
            .iter()
            .map(|(name, judgement)| text(name, judgement, &usage, now));
        Said::Lines(texts.collect::<Vec<_>>().join(&String::new()))
    };
    Ok(Report {
        exit,
        said,
        complaints,
    })
}

fn text(name: &str, judgement: &Judgement, usage: &Usage, now: SystemTime) -> Vec<String> {
    let mut lines = Vec::new();
    let found = judgement.certificates.len();
    let verdict = match &judgement.verdict {
        Ok(_) => "good",
        Err(_) => "REFUSED",
    };
    lines.push(format!("{name}: {verdict}; certificates: {found}."));
    lines.extend(usage.line(name, now));
    if found > 0 {
        let head = ["BLOCK", "ROLE"].into_iter().chain(table::COLUMNS);
        let mut rows = vec![head.map(str::to_owned).collect()];
        for listed in &judgement.certificates {
            let mut row = vec![listed.block.to_string(), role(listed).to_owned()];
            row.extend(table::cells(&listed.facts, now));
            rows.push(row);
        }
        lines.extend(align(&rows));
    }
    match &judgement.verdict {
        Ok(file) => lines.extend(file.notes.iter().map(|note| format!("Note: {note}"))),
        Err(problems) => {
            lines.extend(problems.iter().map(|problem| format!("Problem: {problem}")));
        }
    }
    lines
}

fn role(listed: &Listed) -> &'static str {
    match listed.role {
        Some(Role::Issuing) => "issuing",
        Some(Role::Root) => "root",
        None if listed.facts.is_ca() => "CA",
        None => "no CA",
    }
}

fn document(name: &str, judgement: &Judgement, usage: &Usage, now: SystemTime) -> Value {
    let certificates = judgement.certificates.iter().map(|listed| {
        let mut value = table::document(&listed.facts, role(listed), now);
        if let Some(object) = value.as_object_mut() {
            object.insert("block".to_owned(), json!(listed.block));
        }
        value
    });
    let (verdict, problems, notes) = match &judgement.verdict {
        Ok(file) => ("good", Vec::new(), file.notes.iter().map(note).collect()),
        Err(problems) => (
            "refused",
            problems.iter().map(problem).collect(),
            Vec::new(),
        ),
    };
    json!({
        "file": name,
        "verdict": verdict,
        "last-used-seconds": usage.generation(name).and_then(|kept| kept.last_used),
        "certificates": certificates.collect::<Vec<Value>>(),
        "problems": problems,
        "notes": notes,
    })
}

fn problem(problem: &TrustProblem) -> Value {
    let place = problem.place.as_ref();
    json!({
        "reason": problem.reason.as_str(),
        "block": place.map(|place| place.block),
        "subject": place.and_then(|place| place.subject.clone()),
        "text": problem.reason.to_string(),
    })
}

fn note(note: &TrustNote) -> Value {
    json!({
        "remark": note.remark.as_str(),
        "block": note.place.block,
        "subject": note.place.subject,
        "text": note.remark.to_string(),
    })
}
