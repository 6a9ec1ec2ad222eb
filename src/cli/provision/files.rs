//! `xspd provision export` and `import`: the user-status view as CSV, and users out of a CSV file.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
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
use crate::cli::operations::counted;
use crate::cli::operations::make_sure;
use crate::cli::operations::text;
use crate::cli::provision::list::Filter;
use crate::cli::provision::list::pages;
use crate::cli::provision::rows;
use crate::cli::provision::show::when;
use crate::domain::provisioning::csv;
use crate::domain::provisioning::csv::ImportResult;
use crate::domain::provisioning::csv::StatusRow;
use crate::platform::files;

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
    match write(args, console) {
        Ok(Some((path, users))) => {
            let users = counted(users, "user", "users");
            console.complain(format_args!("{users} written to {}", path.display()));
            Exit::Ok
        }
        Ok(None) => Exit::Ok,
        Err(failure) => failure.told(console),
    }
}

fn write(args: &Export, console: Console) -> Result<Option<(&Path, usize)>, Failure> {
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
        console.bytes(&text);
        return Ok(None);
    };
    put(path, &text).map_err(|error| Failure::Output {
        path: path.display().to_string(),
        error,
    })?;
    Ok(Some((path, users)))
}

/// Writes a file that is whole or as it was before: an export that fails must not cost the last one.
fn put(path: &Path, text: &[u8]) -> io::Result<()> {
    // Made empty, it has the permissions that the umask gives.
    let fresh = match File::create_new(path) {
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(error),
    };
    let written = replace(path, text);
    if written.is_err() && fresh {
        // What made it fail is worth telling; that an empty file stays is not.
        drop(fs::remove_file(path));
    }
    written
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    // A link leads to the file that is meant.
    let path = fs::canonicalize(path)?;
    let held = fs::metadata(&path)?;
    if !held.is_file() {
        // A pipe or a device: there is nothing to replace.
        let mut file = File::options().write(true).open(&path)?;
        return file.write_all(text).and_then(|()| file.flush());
    }
    files::write_atomic(&path, text, held.permissions().mode() & 0o777)?;
    // Whoever may not give it back to its owner has become the owner.
    drop(std::os::unix::fs::chown(
        &path,
        Some(held.uid()),
        Some(held.gid()),
    ));
    Ok(())
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

/// Imports: exit 0 when every line was taken, 1 when one is refused, 69 when one could not be kept.
pub(super) fn import(args: &Import, console: Console) -> Exit {
    match take_in(args, console) {
        Ok(said) => {
            let said = &said;
            if console.json {
                console.document(said);
            } else if args.csv {
                console.bytes(&csv::import_results(&values(said)));
            } else {
                results(said).iter().for_each(|line| console.line(line));
            }
            outcome(said)
        }
        Err(failure) => failure.told(console),
    }
}

fn outcome(said: &Value) -> Exit {
    match (said["failed"].as_u64(), said["refused"].as_u64()) {
        (Some(0), Some(0)) => Exit::Ok,
        (Some(0), _) => Exit::Findings,
        (_, _) => Exit::Unavailable,
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
    let warning = promise(&tried);
    // A file on the standard input leaves nobody to ask.
    make_sure(console, args.yes, &warning, "yes")?;
    daemon.post_csv(&target(false), &text)
}

/// What a file comes to, in words.
fn promise(tried: &Value) -> String {
    let lines = tried["lines"].as_array().into_iter().flatten();
    let of = |words: &[&str]| {
        let outcome = |line: &&Value| {
            let outcome = line["outcome"].as_str();
            outcome.is_some_and(|outcome| words.contains(&outcome))
        };
        lines.clone().filter(outcome).count()
    };
    let mut parts = vec![counted(
        of(&["would be taken"]),
        "line becomes a job",
        "lines become jobs",
    )];
    for (count, one, more) in [
        (
            of(&["same", "not-present"]),
            "changes nothing",
            "change nothing",
        ),
        (of(&["refused"]), "is refused", "are refused"),
        (of(&["failed"]), "cannot be judged", "cannot be judged"),
    ] {
        if count > 0 {
            parts.push(counted(count, one, more));
        }
    }
    format!("{}.", parts.join(", "))
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
        wrong(io::Error::new(io::ErrorKind::InvalidData, what))
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
    let failed = match said["failed"].as_u64() {
        None | Some(0) => String::new(),
        Some(failed) => format!(", {failed} failed"),
    };
    all.push(format!(
        "{} taken, {} refused{failed}{dry}",
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
    fn what_a_file_comes_to_is_counted_by_what_becomes_of_its_lines() {
        let tried = |outcomes: &[&str]| {
            let lines = outcomes.iter().map(|outcome| json!({"outcome": outcome}));
            promise(&json!({"lines": lines.collect::<Vec<_>>()}))
        };
        assert_eq!(
            tried(&[
                "would be taken",
                "same",
                "refused",
                "not-present",
                "refused"
            ]),
            "1 line becomes a job, 2 change nothing, 2 are refused."
        );
        assert_eq!(
            tried(&["would be taken", "would be taken"]),
            "2 lines become jobs."
        );
        assert_eq!(tried(&["refused"]), "0 lines become jobs, 1 is refused.");
    }

    #[test]
    fn lines_that_could_not_be_kept_are_to_be_tried_again() {
        let of =
            |refused: u64, failed: u64| outcome(&json!({"refused": refused, "failed": failed}));
        assert_eq!(of(0, 0), Exit::Ok);
        assert_eq!(of(1, 0), Exit::Findings);
        assert_eq!(of(1, 1), Exit::Unavailable);
    }

    #[test]
    fn an_export_that_fails_leaves_the_one_before_and_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("users.csv");
        let names = || fs::read_dir(directory.path()).unwrap().count();
        put(&file, b"one").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let link = directory.path().join("latest");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        put(&link, b"two").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"two");
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!((mode & 0o777, names()), (0o640, 2));
        let error = put(Path::new("/dev/full"), b"three").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(put(&directory.path().join("missing/users.csv"), b"four").is_err());
        assert_eq!(names(), 2);
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
