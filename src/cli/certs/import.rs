//! `xspd certs import`: what a CA delivered is taken apart, put in order, matched with its key,
//! judged against its role and against the certificate that is there, and staged.

use std::io;
use std::io::BufRead as _;
use std::io::IsTerminal as _;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::certs::Said;
use crate::cli::certs::desk;
use crate::cli::certs::desk::Desk;
use crate::cli::certs::failure::Failure;
use crate::config::secret::SecretRef;
use crate::domain::certs::bundle;
use crate::domain::certs::bundle::Assembled;
use crate::domain::certs::bundle::Bundle;
use crate::domain::certs::bundle::BundleProblem;
use crate::domain::certs::bundle::Key;
use crate::domain::certs::date;
use crate::domain::certs::fit;
use crate::domain::certs::fit::Finding;
use crate::platform::files;
use crate::workers::cert_desk::activate;
use crate::workers::cert_desk::shelf::About;
use crate::workers::cert_desk::shelf::Line;
use crate::workers::cert_desk::shelf::Pair;
use crate::workers::cert_desk::shelf::Part;
use crate::workers::cert_desk::shelf::Schedule;

/// Arguments of `xspd certs import`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// PEM, DER, PKCS#7 or PKCS#12
    file: PathBuf,
    /// More files of the same delivery, such as intermediates or the key
    more: Vec<PathBuf>,
    /// The certificate that it renews: a listener, listener/host or listener/bridge
    #[arg(long = "for", value_name = "PLACE")]
    place: String,
    #[command(flatten)]
    door: Door,
    /// Check everything and say what would be staged, but write nothing
    #[arg(long)]
    dry_run: bool,
    /// File (mode 600) with the password of the key or of the PKCS#12 file; without it, it is
    /// asked for at a terminal
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let desk = Desk::open(&args.door, &args.place, now)?;
    let mut brought = read(args, &args.file, console)?;
    let form = brought.form;
    for path in &args.more {
        let more = read(args, path, console)?;
        brought.certificates.extend(more.certificates);
        brought.keys.extend(more.keys);
        brought.unusable_key |= more.unusable_key;
    }
    let bad = |problem| Failure::Bundle {
        path: args.file.clone(),
        problem,
    };
    let (chain, key) = pair(brought, &desk).map_err(bad)?;
    let old = activate::configured(&desk.place).ok().flatten();
    let findings = fit::judge(&chain, &desk.place.role, old.as_ref(), now);
    let refused = fit::is_refused(&findings);
    let lost = if refused {
        Lost::default()
    } else if args.dry_run {
        Lost::by(&desk, &chain)?
    } else {
        stage(&desk, &chain, &key, now)?
    };
    let exit = if refused { Exit::Data } else { Exit::Ok };
    let staged = !refused && !args.dry_run;
    let said = if console.json {
        Said::Document(json!({
            "place": desk.place.name,
            "form": form.as_str(),
            "staged": staged,
            "certificate": desk::leaf(&chain.leaf),
            "replaces": old.as_ref().map(desk::leaf),
            "replaces-staged": lost.staged,
            "activation-lost": lost.schedule,
            "chain": chain.chain.len(),
            "root-left-out": chain.root,
            "unused": chain.unused,
            "findings": desk::documents(&findings),
        }))
    } else {
        let mut lines = words(args, &desk, &chain, &findings, refused);
        lines.extend(lost.words(&desk));
        Said::Lines(lines)
    };
    Ok(Said::With(exit, Box::new(said)))
}

fn words(
    args: &Args,
    desk: &Desk,
    chain: &Assembled,
    findings: &[Finding],
    refused: bool,
) -> Vec<String> {
    let mut lines = vec![
        format!("For {}:", desk.place.name),
        format!("  {}", desk::words(&chain.leaf)),
        format!("  issued by {}", chain.leaf.issuer),
        format!("  chain of {}, leaf first", chain.chain.len()),
    ];
    lines.extend(
        chain
            .root
            .iter()
            .map(|root| format!("  the root {root} is left out: clients have it")),
    );
    lines.extend(
        chain
            .unused
            .iter()
            .map(|subject| format!("  left out, not of this chain: {subject}")),
    );
    lines.extend(findings.iter().map(desk::line));
    lines.push(match (refused, args.dry_run) {
        (true, _) => "Nothing was staged; what is served stays.".to_owned(),
        (false, true) => "Nothing was staged. Run it again without --dry-run.".to_owned(),
        (false, false) => format!(
            "Staged. Next: xspd certs activate {} (now), or with --at 2026-12-01T02:00Z",
            desk.typed()
        ),
    });
    lines
}

/// What another certificate loses by this one.
#[derive(Default)]
struct Lost {
    /// It was staged.
    staged: Option<About>,
    /// It was to be activated at a time.
    schedule: Option<Schedule>,
}

impl Lost {
    fn by(desk: &Desk, chain: &Assembled) -> Result<Self, Failure> {
        let new = chain.leaf.fingerprint.to_string();
        let staged = desk.shelf.about(&desk.place, Part::Staged)?;
        let schedule = desk.shelf.scheduled(&desk.place)?;
        Ok(Self {
            staged: staged.filter(|about| about.fingerprint != new),
            schedule: schedule.filter(|schedule| schedule.fingerprint != new),
        })
    }

    fn words(&self, desk: &Desk) -> Vec<String> {
        let staged = self.staged.as_ref().map(|about| {
            format!(
                "Note: it replaces what {} staged: {} (SHA-256 {})",
                about.by, about.subject, about.fingerprint
            )
        });
        let schedule = self.schedule.as_ref().map(|schedule| {
            let at = date::from_unix(schedule.at).map_or_else(|| "?".to_owned(), date::text);
            format!(
                "Note: the activation that {} set for {at} will not happen; set it again: xspd certs \
                 activate {} --at WHEN",
                schedule.by,
                desk.typed()
            )
        });
        staged.into_iter().chain(schedule).collect()
    }
}

/// The chain, and the key that fits: one that was brought, one of a request, or the one in use.
fn pair(brought: Bundle, desk: &Desk) -> Result<(Assembled, Key), BundleProblem> {
    let unusable = brought.unusable_key;
    matched(brought, desk).map_err(|problem| match problem {
        // It is there, and missed all the same.
        BundleProblem::NoPair if unusable => BundleProblem::UnusableKey,
        other => other,
    })
}

fn matched(brought: Bundle, desk: &Desk) -> Result<(Assembled, Key), BundleProblem> {
    let mut keys = brought.keys;
    // What cannot be read here is missed below, by name.
    let requests = desk.shelf.request_keys(&desk.place).unwrap_or_default();
    keys.extend(requests.into_iter().map(|(_, key)| key));
    let held = desk.place.files().key.read();
    keys.extend(held.ok().and_then(|secret| Key::of_pem(secret.expose())));
    let digests: Vec<_> = keys.iter().map(Key::spki_sha256).collect();
    let chain = bundle::assemble(&brought.certificates, &digests)?;
    let fits = |key: &Key| key.spki_sha256() == chain.leaf.spki_sha256;
    let key = keys.into_iter().find(fits).ok_or(BundleProblem::NoPair)?;
    Ok((chain, key))
}

fn stage(desk: &Desk, chain: &Assembled, key: &Key, now: SystemTime) -> Result<Lost, Failure> {
    let _lock = desk.shelf.lock(&desk.place)?;
    let lost = Lost::by(desk, chain)?;
    let about = activate::about(&desk.place, &chain.leaf, &desk.by, now);
    let pair = Pair {
        chain: chain.pem(),
        key: Zeroizing::new(key.pem().to_owned()),
        about,
    };
    desk.shelf.put(&desk.place, Part::Staged, &pair)?;
    desk.shelf.note(&Line {
        at: date::to_unix(now),
        place: desk.place.name.clone(),
        event: "staged".to_owned(),
        by: desk.by.clone(),
        fingerprint: pair.about.fingerprint,
        note: format!("{}, issued by {}", chain.leaf.subject, chain.leaf.issuer),
    })?;
    Ok(lost)
}

fn read(args: &Args, path: &Path, console: Console) -> Result<Bundle, Failure> {
    let bytes = bytes(path)?;
    let bad = |problem| Failure::Bundle {
        path: path.to_owned(),
        problem,
    };
    let password = match &args.password_file {
        Some(file) => Some(of_file(file)?),
        None => None,
    };
    match bundle::read(&bytes, password.as_ref().map(|text| text.as_str())) {
        Err(BundleProblem::NeedsPassword) if password.is_none() && io::stdin().is_terminal() => {
            let password = typed(path, console)?;
            bundle::read(&bytes, Some(&password)).map_err(bad)
        }
        read => read.map_err(bad),
    }
}

/// Never from a pipe or a device.
fn bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let unreadable = |source| {
        Failure::Unreadable(crate::tls::TlsError::Unreadable {
            path: path.to_owned(),
            source,
        })
    };
    let most = u64::try_from(bundle::LARGEST).unwrap_or(u64::MAX);
    let bytes = files::read(path, most).map_err(unreadable)?;
    Ok(Zeroizing::new(bytes))
}

fn of_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let path = std::path::absolute(path).map_err(|error| Failure::Password(error.to_string()))?;
    let secret = SecretRef::File(path).read();
    let secret = secret.map_err(|error| Failure::Password(error.to_string()))?;
    let text = std::str::from_utf8(secret.expose())
        .map_err(|_| Failure::Password("the file is not UTF-8".to_owned()))?;
    // The line end that every editor adds is no part of it.
    let text = text.strip_suffix('\n').unwrap_or(text);
    Ok(Zeroizing::new(
        text.strip_suffix('\r').unwrap_or(text).to_owned(),
    ))
}

/// Typed at a terminal that does not show it.
fn typed(path: &Path, console: Console) -> Result<Zeroizing<String>, Failure> {
    let echo = |word: &str| Command::new("stty").arg(word).status();
    let hidden = echo("-echo").is_ok_and(|status| status.success());
    let shown = if hidden { "" } else { " (it will be seen)" };
    console.complain(format_args!("Password of {}{shown}: ", path.display()));
    let mut line = Zeroizing::new(String::new());
    let read = io::stdin().lock().take(4096).read_line(&mut line);
    if hidden {
        echo("echo").ok();
    }
    read.map_err(|error| Failure::Password(error.to_string()))?;
    let text = line.trim_end_matches(['\r', '\n']).to_owned();
    Ok(Zeroizing::new(text))
}
