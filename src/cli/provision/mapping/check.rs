//! `xspd provision mapping check`: every problem of a mapping file at once.

use std::io;
use std::path::Path;
use std::path::PathBuf;

use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::input;
use crate::domain::provisioning::mapping::Mapping;
use crate::domain::provisioning::mapping::Problem;

/// Largest mapping file that is read at all.
const LARGEST: u64 = 1024 * 1024;

/// Arguments of `xspd provision mapping check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The mapping file
    file: PathBuf,
}

pub(super) fn run(args: &Args, console: Console) -> Exit {
    let mapping = match load(&args.file) {
        Ok(mapping) => mapping,
        Err(wrong) => return wrong.tell(&args.file, console),
    };
    let rules: Vec<&str> = mapping.rules().collect();
    if console.json {
        console.document(&json!({
            "file": args.file, "ok": true, "rules": rules, "problems": [],
        }));
    } else {
        let file = args.file.display();
        console.line(format_args!(
            "{file}: OK: {} rules: {}",
            rules.len(),
            rules.join(", ")
        ));
    }
    Exit::Ok
}

/// Why there is no mapping.
#[derive(Debug)]
pub(super) enum Wrong {
    Problems(Vec<Problem>),
    Unreadable(io::Error),
}

impl Wrong {
    pub(super) fn tell(&self, file: &Path, console: Console) -> Exit {
        match self {
            Self::Problems(problems) if console.json => console.document(&json!({
                "file": file, "ok": false, "rules": [], "problems": problems,
            })),
            Self::Problems(problems) => problems.iter().for_each(|problem| {
                console.complain(format_args!("{}: {problem}", file.display()))
            }),
            Self::Unreadable(error) => {
                console.complain(format_args!("cannot read {}: {error}", file.display()));
            }
        }
        match self {
            Self::Problems(_) => Exit::Data,
            Self::Unreadable(_) => Exit::NoInput,
        }
    }
}

/// Reads and proves a file.
pub(super) fn load(file: &Path) -> Result<Mapping, Wrong> {
    let bytes = input::read(file, LARGEST).map_err(Wrong::Unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        Wrong::Unreadable(io::Error::new(
            io::ErrorKind::InvalidData,
            error.utf8_error(),
        ))
    })?;
    Mapping::parse(&text).map_err(Wrong::Problems)
}
