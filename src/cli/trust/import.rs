//! `xspd trust import`: a checked chain file goes into a trust directory, which then holds the new
//! generation, the one before it, and whatever older one still lets clients in. Webex presents the certificate that fits whichever is trusted,
//! so both may stand side by side until every node is done (TAC document 221674).

use std::fs;
use std::fs::File;
use std::fs::TryLockError;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::cli::Exit;
use crate::cli::trust::Report;
use crate::cli::trust::Said;
use crate::cli::trust::diff;
use crate::cli::trust::failure::Failure;
use crate::cli::trust::files;
use crate::cli::trust::plan;
use crate::cli::trust::plan::Change;
use crate::cli::trust::plan::Plan;
use crate::cli::trust::usage::Usage;
use crate::cli::trust::usage::ago;
use crate::config::DEFAULT_PATH;
use crate::domain::certs::Generation;
use crate::domain::certs::TrustRules;
use crate::domain::certs::trust_file;
use crate::domain::certs::trust_set;
use crate::domain::certs::trust_usage::LastUse;
use crate::domain::certs::trust_usage::QUIET_DAYS;

/// Arguments of `xspd trust import`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// PEM file as Partner Hub gives it
    file: PathBuf,
    /// The trust set's directory
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// Check everything and say what would change, but write nothing
    #[arg(long)]
    dry_run: bool,
    /// Take a file although some of its certificates are outside of their dates
    #[arg(long)]
    allow_out_of_date: bool,
    /// The daemon's main configuration file; it tells when each file last let a client in
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    config: PathBuf,
    /// Retire older files although they let clients in of late, or nobody knows
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args, now: SystemTime) -> Result<Report, Failure> {
    let bytes = files::read(&args.file)?;
    let new = judge(args, &bytes, now)?;
    if !args.into.is_dir() {
        return Err(Failure::NoDirectory(args.into.clone()));
    }
    let _lock = lock(&args.into)?;
    let held = held(&args.into, now)?;
    let usage = Usage::of(&args.into, &args.config);
    let last_use = |name: &str| usage.last_use(name, now);
    let lines = match plan::plan(&new, &held, last_use, args.force) {
        Plan::NothingToDo { held_in } => vec![format!(
            "Nothing to do: {} holds these certificates already, in {}.",
            args.into.display(),
            held_in.join(" and ")
        )],
        Plan::TakeIn(change) => {
            let target = args.into.join(&new.name);
            if fs::symlink_metadata(&target).is_ok() {
                return Err(Failure::Taken(target));
            }
            let staying = held.len().saturating_sub(change.retire.len());
            if staying >= trust_set::MOST_FILES {
                return Err(Failure::TooMany(args.into.clone()));
            }
            let mut lines = tell(args, &target, &change, now);
            if !args.dry_run {
                // The new file first: between the steps there is a generation too many, never one
                // too few.
                files::write(&target, &bytes)?;
                for name in &change.retire {
                    files::retire(&args.into.join(name))?;
                }
            }
            lines.extend(next_steps(args));
            lines
        }
    };
    Ok(Report {
        exit: Exit::Ok,
        said: Said::Lines(lines),
        complaints: new
            .file
            .notes
            .iter()
            .map(|note| format!("Note: {note}"))
            .collect(),
    })
}

fn judge(args: &Args, bytes: &[u8], now: SystemTime) -> Result<Generation, Failure> {
    let rules = if args.allow_out_of_date {
        TrustRules::live(true)
    } else {
        TrustRules::STRICT
    };
    let file = trust_file::parse(bytes, now, rules).map_err(|problems| Failure::RefusedFile {
        path: args.file.clone(),
        problems,
    })?;
    let name = args.file.file_name().unwrap_or_default();
    let mut name = name.to_string_lossy().into_owned();
    if name.starts_with('.') {
        return Err(Failure::HiddenName(args.file.clone()));
    }
    if !trust_set::is_generation(&name) {
        name.push_str(".txt");
    }
    Ok(Generation { name, file })
}

/// What is in the directory. Dates do not matter: an ended generation is what gets replaced.
fn held(directory: &Path, now: SystemTime) -> Result<Vec<Generation>, Failure> {
    let files = files::read_directory(directory)?;
    let rules = TrustRules::live(true);
    trust_set::generations(&files, now, rules).map_err(|problems| Failure::RefusedDirectory {
        directory: directory.to_owned(),
        problems,
    })
}

/// Keeps a second import out until the returned file is dropped.
fn lock(directory: &Path) -> Result<Option<File>, Failure> {
    let file = File::open(directory).map_err(|source| Failure::Unreadable {
        path: directory.to_owned(),
        source,
    })?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(Failure::Locked(directory.to_owned())),
        // Some network file systems have no locks; one engineer at a time is the rule there.
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

fn tell(args: &Args, target: &Path, change: &Change, now: SystemTime) -> Vec<String> {
    let (taken, retired) = if args.dry_run {
        ("Would take in", "Would retire")
    } else {
        ("Taken in", "Retired")
    };
    let mut lines = vec![format!("{taken}: {}", target.display())];
    if change.older {
        lines.push(
            "This file is older than what is there. That works; make sure that it is meant."
                .to_owned(),
        );
    }
    lines.extend(
        change
            .beside
            .iter()
            .map(|name| format!("Stays beside it: {name}")),
    );
    lines.extend(change.needed.iter().map(|(name, last_use)| {
        let why = speaks_for(*last_use, &args.config, now);
        format!("Stays: {name}: {why}")
    }));
    if !change.needed.is_empty() {
        lines.push(format!(
            "What stays is retired by an import after {QUIET_DAYS} days without a client, or with \
             --force. While a file that Webex still shows is missing, Webex is refused."
        ));
    }
    lines.extend(change.retire.iter().map(|name| {
        let to = files::retired_name(&args.into.join(name));
        let to = to.file_name().unwrap_or_default().to_string_lossy();
        format!("{retired}: {name} (renamed to {to})")
    }));
    lines.push(String::new());
    lines.extend(diff::text(&change.diff, now));
    lines
}

fn speaks_for(last_use: LastUse, config: &Path, now: SystemTime) -> String {
    match last_use {
        LastUse::Lately(at) => format!("last let a client in {}.", ago(at, now)),
        LastUse::Quiet => "belongs together with another one that stays.".to_owned(),
        LastUse::Unknown => format!(
            "whether it lets clients in is not known. Name the daemon's configuration with --config \
             ({} says nothing of it).",
            config.display()
        ),
        LastUse::Unseen(since) => format!(
            "let no client in yet, but is watched only since {}.",
            ago(since, now)
        ),
    }
}

fn next_steps(args: &Args) -> Vec<String> {
    let directory = args.into.display();
    let lines: &[String] = if args.dry_run {
        &["Nothing was written. Run it again without --dry-run.".to_owned()]
    } else {
        &[
            format!(
                "Next: nothing more on this node, if {directory} is the directory of a trust set: \
                 the daemon watches it and takes the new anchors in by itself, without SIGHUP or \
                 restart. To see them: xspd trust show {directory}"
            ),
            "Do the same on every other node. XSPs that check Webex's certificate themselves need \
             the new chain too: xspd trust split."
                .to_owned(),
        ]
    };
    [&[String::new()], lines].concat()
}
