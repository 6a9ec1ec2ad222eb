//! `xspd certs csr`: a certificate request. Its key never leaves this machine; `import` finds it
//! again by itself.

use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::json;

use crate::cli::Console;
use crate::cli::admin::Door;
use crate::cli::certs::KeyType;
use crate::cli::certs::Said;
use crate::cli::certs::desk::Desk;
use crate::cli::certs::failure::Failure;
use crate::domain::certs::bundle::BundleProblem;
use crate::domain::certs::bundle::Key;
use crate::domain::certs::csr::Request;
use crate::domain::certs::csr::Subject;
use crate::domain::certs::date;
use crate::domain::certs::fit::Role;
use crate::domain::certs::pem;
use crate::domain::ids::Fingerprint;
use crate::platform::files;
use crate::tls::authority;
use crate::tls::authority::AuthorityError;

/// Arguments of `xspd certs csr`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The certificate that is to be renewed: a listener, listener/host or listener/bridge
    #[arg(long = "for", value_name = "PLACE")]
    place: String,
    #[command(flatten)]
    door: Door,
    /// A name to be certified, may be repeated; without any, those of the host and of the
    /// certificate that is there
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// Kind of the new key
    #[arg(
        long,
        value_name = "KIND",
        value_enum,
        default_value = "ecdsa-p256",
        conflicts_with = "existing_key"
    )]
    key_type: KeyType,
    /// Ask for a certificate of the key that is in use, instead of a new one
    #[arg(long)]
    existing_key: bool,
    /// Country, two letters
    #[arg(long, value_name = "CC")]
    country: Option<String>,
    /// State or province
    #[arg(long, value_name = "NAME")]
    state: Option<String>,
    /// City
    #[arg(long, value_name = "NAME")]
    locality: Option<String>,
    /// Organization
    #[arg(long, value_name = "NAME")]
    organization: Option<String>,
    /// Its unit
    #[arg(long, value_name = "NAME")]
    unit: Option<String>,
    /// Write the request here too, besides keeping it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let desk = Desk::open(&args.door, &args.place, now)?;
    let subject = Subject {
        country: args.country.clone(),
        state: args.state.clone(),
        locality: args.locality.clone(),
        organization: args.organization.clone(),
        unit: args.unit.clone(),
    };
    let request = Request::new(&names(args, &desk), subject)?;
    let key = key(args, &desk)?;
    let der = request.sign(key.pair())?;
    let text = pem::written("CERTIFICATE REQUEST", &der);
    let _lock = desk.shelf.lock(&desk.place)?;
    let digest = Fingerprint::new(key.spki_sha256()).short();
    let name = format!("{}-{digest}", date::to_unix(now));
    let kept = desk.shelf.keep_request(&desk.place, &name, &key, &text)?;
    if let Some(out) = &args.out {
        files::write_atomic(out, text.as_bytes(), files::PUBLIC)
            .map_err(|source| Failure::unwritable(out, source))?;
    }
    if console.json {
        return Ok(Said::Document(json!({
            "place": desk.place.name,
            "names": request.names(),
            "request": text,
            "kept": kept,
            "written": args.out,
            "new-key": !args.existing_key,
        })));
    }
    let place = &desk.place.name;
    // The request alone goes to standard output, for a pipe or a copy.
    console.complain(format_args!(
        "Request for {place} with the names {}. Its key is kept in {} and goes nowhere. Send the \
         request to the CA, then: xspd certs import FILE --for {}",
        request.names().join(", "),
        kept.parent().unwrap_or(&kept).display(),
        desk.typed(),
    ));
    let lines = text.lines().map(str::to_owned).collect();
    Ok(Said::Lines(lines))
}

fn names(args: &Args, desk: &Desk) -> Vec<String> {
    if !args.name.is_empty() {
        return args.name.clone();
    }
    let mut names = match &desk.place.role {
        Role::Server(hosts) => hosts.clone(),
        Role::Client => Vec::new(),
    };
    // A file that cannot be read gives none.
    let held = crate::workers::cert_desk::activate::configured(&desk.place);
    if let Ok(Some(facts)) = held {
        names.extend(facts.dns_names.clone());
        if names.is_empty() {
            names.extend(facts.common_name().map(str::to_owned));
        }
    }
    names
}

fn key(args: &Args, desk: &Desk) -> Result<Key, Failure> {
    if args.existing_key {
        let secret = desk.place.files().key.read().map_err(Failure::Key)?;
        return Key::of_pem(secret.expose()).ok_or_else(|| Failure::Bundle {
            path: desk.place.key.clone(),
            problem: BundleProblem::UnusableKey,
        });
    }
    let pair = authority::KeyType::from(args.key_type).generate();
    let pair = pair.map_err(|error| Failure::Mint(AuthorityError::Mint(error)))?;
    Ok(Key::of_pair(pair))
}
