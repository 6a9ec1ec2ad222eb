//! Provisioning: how many wishes a second become durable, and what 100,000 queued jobs cost.
//! `cargo bench --bench provisioning [-- --seconds N --users N --directory DIR]`.
//!
//! The limit of the first is the disk: it is measured in the same run, on the same disk, in turns
//! with it, by appending a record of the same size to a file and calling fdatasync.

mod made;
mod queued;
mod raw;
mod wishes;

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// What anything here fails with.
type Failure = Box<dyn Error + Send + Sync>;

/// Turns of raw and durable; each figure is the median of its own.
const TURNS: usize = 5;

struct Options {
    /// Of one measurement of one turn.
    span: Duration,
    users: u32,
    directory: PathBuf,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        // A process of its own, whose memory holds nothing else.
        ["replay", directory] => replay(directory),
        words => options(words).and_then(|options| all(&options)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "provisioning: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn options(words: &[&str]) -> Result<Options, Failure> {
    let mut options = Options {
        span: Duration::from_secs(2),
        users: 100_000,
        directory: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target")),
    };
    let mut words = words.iter().filter(|word| **word != "--bench");
    while let Some(word) = words.next() {
        let value = words
            .next()
            .ok_or_else(|| format!("{word} needs a value"))?;
        match *word {
            "--seconds" => options.span = Duration::from_secs_f64(value.parse()?),
            "--users" => options.users = value.parse()?,
            "--directory" => options.directory = PathBuf::from(value),
            other => return Err(format!("no such option: {other}").into()),
        }
    }
    Ok(options)
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.enable_all().build()?)
}

fn all(options: &Options) -> Result<(), Failure> {
    let scratch = tempfile::Builder::new()
        .prefix("bench-provisioning-")
        .tempdir_in(&options.directory)?;
    let (mut raw, mut one, mut many) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..TURNS {
        let directory = scratch.path().join(format!("turn{turn}"));
        std::fs::create_dir(&directory)?;
        raw.push(raw::appends_per_second(&directory, options.span)?);
        one.push(runtime()?.block_on(wishes::per_second(&directory, 1, options.span))?);
        many.push(runtime()?.block_on(wishes::per_second(&directory, 16, options.span))?);
    }
    let (raw, one, many) = (median(raw), median(one), median(many));
    tell(format_args!(
        "raw append + fdatasync of {} bytes: {raw:.0}/s",
        made::record().len()
    ));
    tell(format_args!(
        "wishes durable, 1 caller: {one:.0}/s = {:.2} of raw",
        one / raw
    ));
    tell(format_args!(
        "wishes durable, 16 callers: {many:.0}/s = {:.2} of raw",
        many / raw
    ));
    let directory = scratch.path().join("queued");
    std::fs::create_dir(&directory)?;
    runtime()?.block_on(queued::fill_and_ask(&directory, options.users))?;
    let itself = std::env::current_exe()?;
    let mut child = std::process::Command::new(itself);
    let ended = child.arg("replay").arg(&directory).status()?;
    if !ended.success() {
        return Err("the replay failed".into());
    }
    Ok(())
}

fn replay(directory: &str) -> Result<(), Failure> {
    runtime()?.block_on(queued::replay(directory.as_ref()))
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

fn tell(line: std::fmt::Arguments<'_>) {
    // Nobody reads it when this fails.
    drop(writeln!(std::io::stdout(), "{line}"));
}
