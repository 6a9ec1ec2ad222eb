//! Reads the configuration: the main file, `conf.d/*.toml` beside it, and the environment.

use std::fs;
use std::io;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize as _;

use crate::config::Config;
use crate::config::Environment;
use crate::config::Place;
use crate::config::Problem;
use crate::config::check::Checked;
use crate::config::check::check;
use crate::config::files::check_files_with;
use crate::config::merge;
use crate::config::path::is_within;
use crate::config::raw::Raw;
use crate::config::shape;
use crate::config::tree::Node;

/// Where the package puts the main file.
pub const DEFAULT_PATH: &str = "/etc/xspd/xspd.toml";

/// Largest file in bytes. A farm with a hundred hosts needs a tenth of it.
const FILE_BYTES: u64 = 1024 * 1024;

/// Most files in `conf.d`, so that a wrong directory is noticed.
const FILES: usize = 256;

/// A proven configuration and where it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the daemon runs by.
    pub config: Config,
    /// The files read, the main file first.
    pub files: Vec<PathBuf>,
    /// What works but is not what most want, in the order of the files.
    pub warnings: Vec<Problem>,
    pub(super) written: Node,
}

/// Whether the files that a configuration names are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedFiles {
    /// They must be there and well guarded.
    Check,
    /// They are left alone.
    Skip,
}

/// Loads with the environment of this process and checks the files named. Blocks on the file
/// system.
///
/// # Errors
/// Every problem found, in the order of the files.
pub fn load(path: &Path) -> Result<Loaded, Vec<Problem>> {
    load_with(path, &Environment::process(), NamedFiles::Check)
}

/// Like [`load()`], with the environment given.
///
/// # Errors
/// As [`load()`].
pub fn load_with(
    path: &Path,
    environment: &Environment,
    named: NamedFiles,
) -> Result<Loaded, Vec<Problem>> {
    let files = files(path).map_err(|problem| vec![*problem])?;
    let mut written = read(&files)?;
    let (config, warnings) = prove(&mut written, &files, environment, named)?;
    Ok(Loaded {
        config,
        files,
        warnings,
        written,
    })
}

/// Proves one text on its own: no `conf.d`, no environment, and the files that it names are left
/// alone. For configurations that are made rather than written.
///
/// # Errors
/// Every problem found, with the file called `config`.
pub fn from_text(text: &str) -> Result<Config, Vec<Problem>> {
    let file = PathBuf::from("config");
    let mut written = Node::parse(&file, text)?;
    let environment = Environment::default();
    prove(&mut written, &[file], &environment, NamedFiles::Skip).map(|(config, _)| config)
}

fn prove(
    written: &mut Node,
    files: &[PathBuf],
    environment: &Environment,
    named: NamedFiles,
) -> Result<(Config, Vec<Problem>), Vec<Problem>> {
    let shape = shape::root();
    let mut problems = merge::override_by(written, environment, shape);
    let misfits = shape::prune(written, shape);
    let raw = raw(written, &mut problems);
    let Checked {
        config,
        problems: faults,
        mut warnings,
    } = check(&raw);
    // What did not fit is reported already; that it is missing now would be an echo.
    let is_echo = |fault: &Problem| misfits.iter().any(|misfit| echoes(fault, misfit));
    problems.extend(faults.into_iter().filter(|fault| !is_echo(fault)));
    problems.extend(misfits);
    if named == NamedFiles::Check {
        problems.extend(check_files_with(&config, environment));
    }
    if problems.is_empty() {
        sort(&mut warnings, written, files);
        return Ok((config, warnings));
    }
    sort(&mut problems, written, files);
    Err(problems)
}

/// Gives each its place, and brings them into the order of the files.
fn sort(problems: &mut [Problem], written: &Node, files: &[PathBuf]) {
    for problem in problems.iter_mut() {
        if problem.place.is_none() {
            problem.place = written.nearest(&problem.path).cloned();
        }
    }
    problems.sort_by_cached_key(|problem| order(problem.place.as_ref(), files));
}

fn raw(written: &Node, problems: &mut Vec<Problem>) -> Raw {
    Raw::deserialize(written.to_toml()).unwrap_or_else(|error| {
        // The shape is made from the same types, so only a bug of ours leads here; it must not
        // pass for an empty configuration.
        problems.push(Problem::new("", error.message()));
        Raw::default()
    })
}

fn echoes(fault: &Problem, misfit: &Problem) -> bool {
    let list = misfit
        .path
        .strip_suffix(']')
        .and_then(|path| path.rsplit_once('['));
    is_within(&fault.path, &misfit.path) || list.is_some_and(|(list, _)| fault.path == list)
}

/// File by file from top to bottom, then the environment, then what has no place.
fn order(place: Option<&Place>, files: &[PathBuf]) -> (usize, usize, usize) {
    match place {
        Some(Place::File { file, line, column }) => {
            let at = files.iter().position(|known| known == file);
            (at.unwrap_or(files.len()), *line, *column)
        }
        Some(Place::Environment { .. }) => (files.len(), 0, 0),
        None => (files.len() + 1, 0, 0),
    }
}

/// The main file and those of `conf.d` in name order.
fn files(main: &Path) -> Result<Vec<PathBuf>, Box<Problem>> {
    let directory = main.with_file_name("conf.d");
    let unreadable = |error: io::Error| unreadable(&directory, &error);
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![main.to_owned()]),
        Err(error) => return Err(unreadable(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path
            .file_name()
            .is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
        if !hidden
            && path
                .extension()
                .is_some_and(|extension| extension == "toml")
        {
            files.push(path);
        }
        if files.len() > FILES {
            let what = format!("{} holds more than {FILES} files", directory.display());
            return Err(Box::new(
                Problem::new("", what).expected("fewer and larger files"),
            ));
        }
    }
    files.sort();
    files.insert(0, main.to_owned());
    Ok(files)
}

/// All files laid over one another; the syntax errors of all of them when there are any.
fn read(files: &[PathBuf]) -> Result<Node, Vec<Problem>> {
    let mut root = Node::empty();
    let mut problems = Vec::new();
    for file in files {
        let parsed = text(file).map_err(|problem| vec![*problem]);
        match parsed.and_then(|text| Node::parse(file, &text)) {
            Ok(node) => merge::lay(&mut root, node),
            Err(faults) => problems.extend(faults),
        }
    }
    if problems.is_empty() {
        Ok(root)
    } else {
        Err(problems)
    }
}

fn text(file: &Path) -> Result<String, Box<Problem>> {
    let failed = |error| unreadable(file, &error);
    if !fs::metadata(file).map_err(failed)?.is_file() {
        let what = format!("{} is not a regular file", file.display());
        return Err(Box::new(Problem::new("", what).expected("a TOML file")));
    }
    let mut bytes = Vec::new();
    let opened = fs::File::open(file).map_err(failed)?;
    let read = opened.take(FILE_BYTES + 1).read_to_end(&mut bytes);
    if read.map_err(failed)? as u64 > FILE_BYTES {
        let what = format!("{} is larger than 1 MiB", file.display());
        return Err(Box::new(Problem::new("", what).expected("a TOML file")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let what = format!("{} is not UTF-8 (byte {at})", file.display());
        Box::new(Problem::new("", what).expected("a TOML file in UTF-8"))
    })
}

fn unreadable(path: &Path, error: &io::Error) -> Box<Problem> {
    let what = format!("{} cannot be read: {error}", path.display());
    Box::new(Problem::new("", what).expected("a TOML file that the daemon may read"))
}

#[cfg(test)]
mod tests;
