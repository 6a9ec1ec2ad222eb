//! `xspd certs init-internal-ca`: a CA for the way from the bridge to the XSPs.

use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::json;

use crate::cli::Console;
use crate::cli::certs::NewCa;
use crate::cli::certs::Said;
use crate::cli::certs::desk;
use crate::cli::certs::failure::Failure;
use crate::cli::certs::place;
use crate::cli::certs::place::Placed;
use crate::domain::shell::quoted;

/// Arguments of `xspd certs init-internal-ca`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Directory for the CA; made with mode 700 when it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    new: NewCa,
    /// Replace the CA that is there; what it issued then ends
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let placed = Placed::prepare(&args.out, place::CA, place::CA_KEY, args.force)?;
    let issued = args.new.make(None, now)?;
    placed.write(&issued)?;
    let facts = &issued.facts;
    if console.json {
        let own = json!({
            "certificate": placed.certificate,
            "key": placed.key,
        });
        return Ok(Said::Document(desk::with(own, &desk::brief(facts))));
    }
    let directory = place::absolute(&args.out)?;
    Ok(Said::Lines(vec![
        format!("Written: {}", placed.certificate.display()),
        format!("  {}", desk::brief_words(facts)),
        format!("Written: {} (mode 600)", placed.key.display()),
        "  Whoever has this key can pose as the bridge: back it up, and keep it off the servers \
         unless what it issues is to renew itself."
            .to_owned(),
        format!(
            "To have the daemon renew what it issues ([internal-ca] directory = \"{}\"), its account \
             must be able to read the key, and to write [listener.bridge]'s files.",
            directory.display()
        ),
        format!(
            "Next: xspd certs issue-bridge-client --ca {} --common-name NAME --out DIR",
            quoted(&directory.to_string_lossy())
        ),
    ]))
}
