//! `xspd trust split`: one file for each certificate, and the commands that install them on an XSP
//! (TAC document 221674, "Update Trusts for CTI Interface in Webex for BroadWorks").

use std::cmp::Reverse;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::cli::Exit;
use crate::cli::trust::Report;
use crate::cli::trust::Said;
use crate::cli::trust::failure::Failure;
use crate::cli::trust::files;
use crate::domain::certs::Anchor;
use crate::domain::certs::Role;
use crate::domain::certs::TrustRules;
use crate::domain::certs::date;
use crate::domain::certs::pem;
use crate::domain::certs::trust_file;

/// Where the XSP trusts client certificates: the CTI interface and the HTTP interface.
const CONTEXTS: [&str; 2] = [
    "Interface/CTI/SSLCommonSettings/ClientAuthentication/Trusts",
    "Interface/Http/SSLCommonSettings/ClientAuthentication/Trusts",
];

/// Arguments of `xspd trust split`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// PEM file as Partner Hub gives it
    #[arg(long = "in", value_name = "FILE")]
    input: PathBuf,
    /// Directory for the files; created when it is not there
    #[arg(long, value_name = "DIR")]
    out_dir: PathBuf,
    /// Year in the names; else from the file's name, else from the newest certificate
    #[arg(long, value_name = "YYYY", value_parser = clap::value_parser!(u16).range(1990..=2099))]
    year: Option<u16>,
    /// Leave certificates outside of their dates out instead of refusing the file
    #[arg(long)]
    allow_out_of_date: bool,
}

/// One file to write.
struct Part<'a> {
    anchor: &'a Anchor,
    /// `2023`, `2023-2` and so on.
    suffix: String,
}

impl Part<'_> {
    fn file_name(&self) -> String {
        format!("{}{}.txt", self.anchor.role.as_str(), self.suffix)
    }

    fn alias(&self) -> String {
        format!("webexclient{}{}", self.anchor.role.as_str(), self.suffix)
    }
}

pub(super) fn run(args: &Args, now: SystemTime) -> Result<Report, Failure> {
    let bytes = files::read(&args.input)?;
    let rules = if args.allow_out_of_date {
        TrustRules::live(true)
    } else {
        TrustRules::STRICT
    };
    let file = trust_file::parse(&bytes, now, rules).map_err(|problems| Failure::RefusedFile {
        path: args.input.clone(),
        problems,
    })?;
    let year = year(args, &file.anchors);
    let parts = parts(&file.anchors, &year);
    let mut lines = write(&parts, &args.out_dir)?;
    lines.extend(commands(&parts));
    Ok(Report {
        exit: Exit::Ok,
        said: Said::Lines(lines),
        complaints: file
            .notes
            .iter()
            .map(|note| format!("Note: {note}"))
            .collect(),
    })
}

fn year(args: &Args, anchors: &[Anchor]) -> String {
    let name = args.input.file_stem().unwrap_or_default().to_string_lossy();
    let newest = || {
        let starts = anchors.iter().map(|anchor| anchor.facts.not_before);
        starts
            .max()
            .and_then(date::year)
            .map(|year| year.to_string())
    };
    args.year
        .map(|year| year.to_string())
        .or_else(|| year_in(&name))
        .or_else(newest)
        .unwrap_or_default()
}

/// The last number of exactly four digits in a file name that can be a year.
fn year_in(name: &str) -> Option<String> {
    name.split(|character: char| !character.is_ascii_digit())
        .rev()
        .find(|run| run.len() == 4 && (run.starts_with("19") || run.starts_with("20")))
        .map(str::to_owned)
}

/// Roots before issuing certificates, the newest of each first and without a number.
fn parts<'a>(anchors: &'a [Anchor], year: &str) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    for role in [Role::Root, Role::Issuing] {
        let mut held: Vec<&Anchor> = anchors
            .iter()
            .filter(|anchor| anchor.role == role)
            .collect();
        held.sort_by_key(|anchor| Reverse(anchor.facts.not_before));
        parts.extend((1..).zip(held).map(|(number, anchor)| Part {
            anchor,
            suffix: match number {
                1 => year.to_owned(),
                more => format!("{year}-{more}"),
            },
        }));
    }
    parts
}

fn write(parts: &[Part<'_>], directory: &Path) -> Result<Vec<String>, Failure> {
    let mut to_write = Vec::new();
    let mut lines = Vec::new();
    for part in parts {
        let path = directory.join(part.file_name());
        let text = pem::certificate(&part.anchor.der);
        if fs::symlink_metadata(&path).is_err() {
            lines.push(format!(
                "Written: {} ({})",
                path.display(),
                part.anchor.facts.subject
            ));
            to_write.push((path, text));
        } else if files::read(&path).is_ok_and(|held| held == text.as_bytes()) {
            lines.push(format!("There already: {}", path.display()));
        } else {
            return Err(Failure::Taken(path));
        }
    }
    if !directory.is_dir() {
        fs::create_dir(directory).map_err(|source| Failure::Unwritable {
            path: directory.to_owned(),
            source,
            after: "",
        })?;
    }
    for (path, text) in to_write {
        files::write(&path, text.as_bytes())?;
    }
    Ok(lines)
}

/// The lines to type on each XSP.
fn commands(parts: &[Part<'_>]) -> Vec<String> {
    let mut lines = vec![
        String::new(),
        "Copy the files to /tmp of each XSP, then type there (bwcli):".to_owned(),
    ];
    for context in CONTEXTS {
        lines.extend(parts.iter().map(|part| {
            format!(
                "{context}> updateTrust {} /tmp/{}",
                part.alias(),
                part.file_name()
            )
        }));
    }
    lines.push(
        "The first context is for CTI, the second one for AuthService with mutual TLS.".to_owned(),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_year_is_the_last_number_of_four_digits() {
        let cases = [
            ("CombinedCertChain2023", Some("2023")),
            ("CombinedCertChain", None),
            ("2021-to-2026", Some("2026")),
            ("build20231", None),
            ("case1234_2023", Some("2023")),
            ("2023_case1234", Some("2023")),
        ];
        for (name, year) in cases {
            assert_eq!(year_in(name).as_deref(), year, "{name}");
        }
    }
}
