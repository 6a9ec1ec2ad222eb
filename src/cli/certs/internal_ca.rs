//! `xspd certs init-internal-ca`: a CA for the way from the bridge to the XSPs.

use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::json;

use crate::cli::Console;
use crate::cli::certs::KeyType;
use crate::cli::certs::Said;
use crate::cli::certs::common_name;
use crate::cli::certs::failure::Failure;
use crate::cli::certs::place;
use crate::cli::certs::place::Placed;
use crate::domain::certs::date;
use crate::tls::authority;

/// Arguments of `xspd certs init-internal-ca`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Directory for the CA; made with mode 700 when it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Name of the CA
    #[arg(long, value_name = "NAME", default_value = "xspd internal CA", value_parser = common_name)]
    common_name: String,
    /// How long it is good
    #[arg(long, value_name = "N", default_value_t = 3650, value_parser = clap::value_parser!(u32).range(1..=7300))]
    days: u32,
    /// Kind of its key
    #[arg(long, value_name = "KIND", value_enum, default_value = "ecdsa-p256")]
    key_type: KeyType,
    /// Replace the CA that is there; what it issued then ends
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let placed = Placed::prepare(&args.out, place::CA, place::CA_KEY, args.force)?;
    let issued = authority::new_ca(&args.common_name, args.key_type.into(), args.days, now)
        .map_err(Failure::Mint)?;
    placed.write(&issued)?;
    let facts = &issued.facts;
    if console.json {
        return Ok(Said::Document(json!({
            "certificate": placed.certificate,
            "key": placed.key,
            "subject": facts.subject,
            "not-after": date::text(facts.not_after),
            "not-after-seconds": date::to_unix(facts.not_after),
            "fingerprint": facts.fingerprint.to_string(),
        })));
    }
    Ok(Said::Lines(vec![
        format!("Written: {}", placed.certificate.display()),
        format!(
            "  {}, good until {}, SHA-256 {}",
            facts.subject,
            date::text(facts.not_after),
            facts.fingerprint
        ),
        format!("Written: {} (mode 600)", placed.key.display()),
        "  Whoever has this key can pose as the bridge: back it up, and keep it off the servers \
         unless what it issues is to renew itself."
            .to_owned(),
        format!(
            "To have the daemon renew what it issues ([internal-ca] directory = \"{}\"), its account \
             must be able to read the key, and to write [listener.bridge]'s files.",
            args.out.display()
        ),
        format!(
            "Next: xspd certs issue-bridge-client --ca {} --common-name NAME --out DIR",
            args.out.display()
        ),
    ]))
}
