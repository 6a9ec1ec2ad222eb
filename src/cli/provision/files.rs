//! `xspd provision export` and `import`: the user-status view as CSV, and users out of a CSV file.

use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::admin::escaped;
use crate::cli::input;
use crate::cli::operations::Daemon;
use crate::cli::operations::Failure;
use crate::cli::operations::make_sure;
use crate::cli::operations::text;
use crate::cli::provision::list::Filter;
use crate::cli::provision::list::pages;
use crate::cli::provision::rows;
use crate::cli::provision::show::when;
use crate::domain::provisioning::csv;
use crate::domain::provisioning::csv::ImportResult;
use crate::domain::provisioning::csv::StatusRow;

/// What to export.
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    /// Comma-separated values, the only form there is.
    #[arg(long, required = true)]
    csv: bool,
    /// Where to; without it, or as `-`, to the standard output.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    door: Door,
}

/// Exports: exit 0, or 73 when the file cannot be written.
pub(super) fn export(args: &Export, console: Console) -> Exit {
    match write(args) {
        Ok(Some((path, users))) => {
            console.complain(format_args!("{users} users written to {}", path.display()));
            Exit::Ok
        }
        Ok(None) => Exit::Ok,
        Err(failure) => failure.told(console),
    }
}

fn write(args: &Export) -> Result<Option<(&Path, usize)>, Failure> {
    let daemon = Daemon::of(&args.door)?;
    let mut lines = Vec::new();
    pages(&daemon, &args.filter, |page| {
        lines.extend(rows::of(page).iter().map(exported));
        Ok(true)
    })?;
    let users = lines.len();
    let text = csv::statuses(&lines);
    let path = args.file.as_deref().filter(|path| *path != Path::new("-"));
    let Some(path) = path else {
        let mut out = std::io::stdout().lock();
        // A closed pipe ends quietly.
        drop(out.write_all(&text).and_then(|()| out.flush()));
        return Ok(None);
    };
    std::fs::write(path, text).map_err(|error| Failure::Output {
        path: path.display().to_string(),
        error,
    })?;
    Ok(Some((path, users)))
}

fn exported(row: &Value) -> StatusRow {
    let error = &row["error"];
    StatusRow {
        broadworks_id: text(row, "user"),
        enterprise: text(row, "enterprise"),
        template: text(row, "template"),
        package: text(row, "package"),
        status: rows::status(row),
        requirement_pending: text(row, "pending"),
        error_code: text(error, "code"),
        error_text: text(error, "text"),
        remedy: text(error, "action"),
        email: text(row, "email"),
        since: row["since"].as_u64().map_or_else(String::new, when),
        tracking_id: text(row, "tracking"),
        request_id: text(row, "request"),
    }
}

/// What to import.
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// A CSV file with a head line, or `-` for the standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The template of lines that name none; where one alone serves the cluster, it is that one.
    #[arg(long, value_name = "KEY")]
    template: Option<String>,
    /// The cluster of the users, where there are several.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Print the results as comma-separated values.
    #[arg(long)]
    csv: bool,
    /// Say what would come of each line; change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    door: Door,
}

/// Imports: exit 0 when every line was taken, else 1.
pub(super) fn import(args: &Import, console: Console) -> Exit {
    match take_in(args, console) {
        Ok(said) => {
            let said = &said;
            if console.json {
                console.document(said);
            } else if args.csv {
                let text = csv::import_results(&values(said));
                console.line(String::from_utf8_lossy(&text).trim_end());
            } else {
                results(said).iter().for_each(|line| console.line(line));
            }
            match said["refused"].as_u64() {
                Some(0) => Exit::Ok,
                Some(_) | None => Exit::Findings,
            }
        }
        Err(failure) => failure.told(console),
    }
}

fn take_in(args: &Import, console: Console) -> Result<Value, Failure> {
    let text = read(&args.file)?;
    let daemon = Daemon::of(&args.door)?;
    let target = |dry: bool| {
        let mut target = format!("/ops/v1/import?dry-run={dry}");
        for (key, value) in [("template", &args.template), ("cluster", &args.cluster)] {
            if let Some(value) = value {
                target += &format!("&{key}={}", escaped(value));
            }
        }
        target
    };
    let tried = daemon.post_csv(&target(true), &text)?;
    if args.dry_run {
        return Ok(tried);
    }
    let tried = &tried;
    let warning = format!(
        "{} lines become jobs, {} are refused.",
        tried["accepted"], tried["refused"]
    );
    // A file on the standard input leaves nobody to ask.
    make_sure(console, args.yes, &warning, "yes")?;
    daemon.post_csv(&target(false), &text)
}

fn read(path: &Path) -> Result<String, Failure> {
    let wrong = |error| Failure::Input {
        path: path.display().to_string(),
        error,
    };
    let most = u64::try_from(csv::BYTES).unwrap_or(u64::MAX);
    let bytes = input::read(path, most).map_err(wrong)?;
    String::from_utf8(bytes).map_err(|_| {
        let what = "it is not UTF-8; save it as \"CSV UTF-8\"";
        wrong(std::io::Error::new(std::io::ErrorKind::InvalidData, what))
    })
}

fn values(said: &Value) -> Vec<ImportResult> {
    let lines = said["lines"].as_array().into_iter().flatten();
    lines
        .map(|line| ImportResult {
            line: line["line"].as_u64().unwrap_or_default(),
            user: text(line, "user"),
            action: text(line, "action"),
            result: text(line, "outcome"),
            request_id: text(line, "request"),
            detail: text(line, "text"),
        })
        .collect()
}

fn results(said: &Value) -> Vec<String> {
    let lines = said["lines"].as_array().into_iter().flatten();
    let mut all: Vec<String> = lines
        .map(|line| {
            let (user, outcome) = (text(line, "user"), text(line, "outcome"));
            let user = if user.is_empty() {
                user
            } else {
                format!("{user}: ")
            };
            let why = text(line, "text");
            let why = if why.is_empty() {
                why
            } else {
                format!("; {why}")
            };
            format!("line {}: {user}{outcome}{why}", line["line"])
        })
        .collect();
    let dry = if said["dry-run"] == true {
        " (nothing was changed)"
    } else {
        ""
    };
    all.push(format!(
        "{} taken, {} refused{dry}",
        said["accepted"], said["refused"]
    ));
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_exported_cell_is_never_a_formula() {
        let row = json!({"user": "=1+1", "package": "basic", "state": "attention", "since": 0,
            "error": {"code": "10022", "text": "say \"x\""}});
        let text = String::from_utf8(csv::statuses(&[exported(&row)])).unwrap();
        let line = text.lines().nth(1).unwrap();
        assert!(line.starts_with("'=1+1,"), "{line}");
        assert!(line.contains("10022,\"say \"\"x\"\"\""), "{line}");
    }

    #[test]
    fn results_are_values_too() {
        let said = json!({"lines": [{"line": 2, "user": "a@x", "action": "remove",
            "outcome": "refused", "text": "A1105: not here", "request": null}]});
        let text = String::from_utf8(csv::import_results(&values(&said))).unwrap();
        assert_eq!(
            text,
            "line,user,action,result,request-id,detail\r\n\
             2,a@x,remove,refused,,A1105: not here\r\n"
        );
    }

    #[test]
    fn each_line_has_its_result() {
        let said = json!({"dry-run": true, "accepted": 1, "refused": 1, "lines": [
            {"line": 2, "user": "a@x", "outcome": "accepted"},
            {"line": 3, "user": "", "outcome": "refused", "text": "no user id"},
        ]});
        assert_eq!(
            results(&said),
            [
                "line 2: a@x: accepted",
                "line 3: refused; no user id",
                "1 taken, 1 refused (nothing was changed)",
            ]
        );
    }
}
