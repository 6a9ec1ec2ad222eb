//! `xspd certs show`: all that is known of one thing that is watched, or what is in a file of
//! certificates.

use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::certs::Said;
use crate::cli::certs::failure::Failure;
use crate::cli::certs::watched;
use crate::cli::certs::watched::Scope;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;
use crate::domain::certs::facts::Validity;
use crate::domain::certs::file_format;
use crate::domain::certs::file_format::Format;
use crate::domain::certs::pem;
use crate::domain::certs::source::SourceFault;
use crate::tls;
use crate::tls::TlsError;

/// Blocks looked at; a chain has a handful.
const MOST: usize = 64;

/// Arguments of `xspd certs show`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name as `xspd certs list` shows it, or a file with one certificate or several
    /// (PEM, DER, PKCS#12 without a password)
    #[arg(value_name = "NAME|FILE")]
    what: PathBuf,
    #[command(flatten)]
    scope: Scope,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let named = args.what.to_str().filter(|name| {
        let path = Path::new(name);
        !path.exists() && !name.starts_with(['/', '.'])
    });
    match named {
        Some(name) => object(&args.scope, name, console, now),
        None => file(&args.what, console, now),
    }
}

/// One thing that is watched.
fn object(scope: &Scope, name: &str, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let found = scope.look(now)?;
    let held = found.find(name)?;
    if console.json {
        console.document(held);
    } else {
        for line in described(held) {
            console.line(line);
        }
    }
    if let Some(remark) = &found.remark {
        console.complain(remark);
    }
    Ok(Said::Told(watched::exit(&[held])))
}

fn word(value: &Value, key: &str) -> String {
    let text = value.get(key).and_then(Value::as_str);
    text.unwrap_or("-").to_owned()
}

fn described(held: &Value) -> Vec<String> {
    const KEYS: [&str; 16] = [
        "name",
        "kind",
        "role",
        "listener",
        "state",
        "severity",
        "not-before",
        "not-after",
        "renewal-due",
        "next-step",
        "seen-at",
        "bands-key",
        "owner",
        "notes",
        "runbook-url",
        "region",
    ];
    let mut lines: Vec<String> = KEYS
        .iter()
        .filter_map(|key| Some(format!("{key:<12} {}", held.get(key)?.as_str()?)))
        .collect();
    let each = |key: &str| {
        let list = held.get(key).and_then(Value::as_array);
        list.cloned().unwrap_or_default()
    };
    for place in each("places") {
        let state = if place.get("up") == Some(&Value::Bool(true)) {
            "up".to_owned()
        } else {
            format!("DOWN: {}", word(&place, "detail"))
        };
        lines.push(format!(
            "{:<12} {} {} ({state})",
            "place",
            word(&place, "kind"),
            word(&place, "name")
        ));
    }
    for problem in each("problems") {
        lines.push(format!(
            "{:<12} {} {}: {} [{}]",
            "problem",
            word(&problem, "severity"),
            word(&problem, "alarm"),
            word(&problem, "text"),
            word(&problem, "rule")
        ));
    }
    for remark in each("remarks") {
        lines.push(format!(
            "{:<12} {}",
            "remark",
            remark.as_str().unwrap_or_default()
        ));
    }
    for (nth, link) in (1..).zip(each("chain")) {
        lines.push(format!(
            "{:<12} {nth}: {}, to {}, {}, SHA-256 {}",
            "chain",
            word(&link, "subject"),
            word(&link, "not-after"),
            word(&link, "key"),
            word(&link, "fingerprint")
        ));
    }
    lines
}

fn file(path: &Path, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let bytes = tls::pem::read_bounded(path).map_err(Failure::Unreadable)?;
    let (unit, shown) = match file_format::format(&bytes) {
        Some(Format::Der | Format::Pkcs12) => ("certificate", whole(path, &bytes)?),
        Some(Format::Pem) | None => ("block", blocks(path, &bytes)?),
    };
    if shown.is_empty() {
        let path = path.to_owned();
        return Err(Failure::Unreadable(TlsError::NoCertificate { path }));
    }
    if console.json {
        let all: Vec<_> = shown
            .iter()
            .map(|(block, facts)| document(*block, facts, now))
            .collect();
        return Ok(Said::Document(json!({
            "file": path,
            "certificates": all,
        })));
    }
    let mut lines = Vec::new();
    for (block, facts) in &shown {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(format!("{}, {unit} {block}:", path.display()));
        lines.extend(text(facts, now));
    }
    Ok(Said::Lines(lines))
}

/// The certificates of a PEM file, each with the number of its block.
fn blocks(path: &Path, bytes: &[u8]) -> Result<Vec<(usize, CertificateFacts)>, Failure> {
    let mut shown = Vec::new();
    for (block, place) in pem::blocks(bytes, MOST).into_iter().zip(1..) {
        if block.label != "CERTIFICATE" {
            continue;
        }
        let bad = |detail: String| Failure::BadBlock {
            path: path.to_owned(),
            block: place,
            detail,
        };
        let der = block.content.map_err(|damage| bad(damage.to_string()))?;
        let facts = CertificateFacts::parse(&der).map_err(|error| bad(error.to_string()))?;
        shown.push((place, facts));
    }
    Ok(shown)
}

/// Those of a DER or PKCS#12 file.
fn whole(path: &Path, bytes: &[u8]) -> Result<Vec<(usize, CertificateFacts)>, Failure> {
    let bad = |fault| Failure::Content {
        path: path.to_owned(),
        fault,
    };
    let ders = file_format::certificates(bytes, None).map_err(bad)?;
    let read = |(place, der): (usize, Vec<u8>)| {
        let facts = CertificateFacts::parse(&der);
        let facts = facts.map_err(|error| bad(SourceFault::BadCertificate(place, error)))?;
        Ok((place, facts))
    };
    (1..).zip(ders).map(read).collect()
}

fn text(facts: &CertificateFacts, now: SystemTime) -> Vec<String> {
    let none = || "none".to_owned();
    let list = |names: Vec<&str>| {
        if names.is_empty() {
            none()
        } else {
            names.join(", ")
        }
    };
    let state = match facts.validity_at(now) {
        Validity::Over => "ENDED".to_owned(),
        Validity::NotYet => "NOT BEGUN".to_owned(),
        Validity::Now => format!("{} days left", date::days_between(now, facts.not_after)),
    };
    let ca = match (facts.is_ca(), facts.path_length) {
        (false, _) => "no".to_owned(),
        (true, None) => "yes".to_owned(),
        (true, Some(length)) => format!("yes, path length {length}"),
    };
    let rows = [
        ("subject", facts.subject.clone()),
        ("issuer", facts.issuer.clone()),
        ("serial", facts.serial.clone()),
        (
            "DNS names",
            list(facts.dns_names.iter().map(String::as_str).collect()),
        ),
        ("purposes", list(purposes(facts))),
        ("key usage", list(usages(facts))),
        ("CA", ca),
        ("from", date::text(facts.not_before)),
        ("to", format!("{} ({state})", date::text(facts.not_after))),
        ("key", facts.key.to_string()),
        ("SHA-256", facts.fingerprint.to_string()),
    ];
    rows.into_iter()
        .map(|(name, value)| format!("  {name:<10} {value}"))
        .collect()
}

fn purposes(facts: &CertificateFacts) -> Vec<&str> {
    let purposes = facts.extended_key_usage.as_ref();
    purposes
        .map(|purposes| purposes.names())
        .unwrap_or_default()
}

fn usages(facts: &CertificateFacts) -> Vec<&'static str> {
    facts
        .key_usage
        .map(|usage| usage.names())
        .unwrap_or_default()
}

fn document(block: usize, facts: &CertificateFacts, now: SystemTime) -> Value {
    json!({
        "block": block,
        "subject": facts.subject,
        "issuer": facts.issuer,
        "serial": facts.serial,
        "dns-names": facts.dns_names,
        "purposes": purposes(facts),
        "key-usage": usages(facts),
        "ca": facts.is_ca(),
        "path-length": facts.path_length,
        "not-before": date::text(facts.not_before),
        "not-before-seconds": date::to_unix(facts.not_before),
        "not-after": date::text(facts.not_after),
        "not-after-seconds": date::to_unix(facts.not_after),
        "days-left": date::days_between(now, facts.not_after),
        "key": facts.key.to_string(),
        "signature": facts.signature.to_string(),
        "fingerprint": facts.fingerprint.to_string(),
    })
}
