//! `xspd certs renew`: an automatic certificate is ordered anew, before its time. That of an [[acme]]
//! by the daemon, which answers the CA; that of a bridge, `listener/bridge`, by the internal CA here.

use std::time::Duration;
use std::time::SystemTime;

use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::acme;
use crate::cli::admin::Door;
use crate::cli::certs::Said;
use crate::cli::certs::failure::Failure;
use crate::cli::certs::object;
use crate::cli::certs::renew_bridge;
use crate::domain::certs::date;
use crate::platform::clock;
use crate::workers::acme::state::Asked;
use crate::workers::acme::state::Status;

/// An order takes seconds; a slow name server minutes.
const PATIENCE: Duration = Duration::from_secs(300);

/// Between two looks at how it stands.
const PAUSE: Duration = Duration::from_millis(500);

/// Arguments of `xspd certs renew`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name of an [[acme]] of the configuration, or listener/bridge for a certificate of the
    /// internal CA
    name: String,
    #[command(flatten)]
    door: Door,
    /// Do not wait for what comes of it
    #[arg(long)]
    no_wait: bool,
    /// For listener/bridge: do not show the new certificate to the XSPs before it is used
    #[arg(long)]
    untried: bool,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let name = object::renewable(&args.door, &args.name);
    if name.contains('/') {
        return renew_bridge::run(&args.door, &name, args.untried, console, now);
    }
    let desk = acme::Desk::open(&args.door, &name)?;
    desk.alive()?;
    let before = desk.folder.status()?;
    // Who asks for another one has found out what was wrong with the one before.
    desk.let_go()?;
    desk.folder.ask(Asked::Renew)?;
    if args.no_wait {
        return Ok(asked(&args.name, console));
    }
    let end = clock::mono() + PATIENCE;
    loop {
        let now = desk.folder.status()?;
        let over = !desk.folder.is_asked() && now.tried != before.tried;
        let renewed = now.renewed != before.renewed;
        if over && (renewed || now.failures > before.failures) {
            let exit = if renewed { Exit::Ok } else { Exit::Findings };
            let said = if console.json {
                Said::Document(json!({"name": args.name, "renewed": renewed, "status": now}))
            } else if renewed {
                Said::Lines(vec![format!(
                    "Renewed: SHA-256 {}; the next time is {}.",
                    now.fingerprint,
                    now.due
                        .and_then(date::from_unix)
                        .map_or_else(|| "not known yet".to_owned(), date::text)
                )])
            } else {
                Said::Lines(vec![format!(
                    "NOT RENEWED; what is served stays. {}",
                    now.problem
                )])
            };
            return Ok(Said::With(exit, Box::new(said)));
        }
        // A new rollback, since that of before was let go.
        if over && now.held.is_some() && now.held != before.held {
            return Ok(Said::With(
                Exit::Findings,
                Box::new(aside(&args.name, &now, console)),
            ));
        }
        if clock::mono() >= end {
            let said = late(&args.name, &now, console);
            return Ok(Said::With(Exit::Unavailable, Box::new(said)));
        }
        std::thread::sleep(PAUSE);
    }
}

fn asked(name: &str, console: Console) -> Said {
    if console.json {
        return Said::Document(json!({"name": name, "asked": "renew"}));
    }
    Said::Lines(vec![format!(
        "Asked. How it stands: xspd acme list ({name})"
    )])
}

/// Somebody went back to the certificate before meanwhile.
fn aside(name: &str, status: &Status, console: Console) -> Said {
    if console.json {
        return Said::Document(json!({"name": name, "renewed": false, "status": status}));
    }
    Said::Lines(vec![
        "NOT RENEWED; somebody went back to the certificate before meanwhile. What was ordered is \
         staged: xspd acme list"
            .to_owned(),
    ])
}

fn late(name: &str, status: &Status, console: Console) -> Said {
    if console.json {
        return Said::Document(json!({"name": name, "renewed": false, "status": status}));
    }
    Said::Lines(vec![format!(
        "Nothing came of it within {} s: as many orders were made today as orders-per-day allows, or \
         the CA is slow. How it stands: xspd acme list",
        PATIENCE.as_secs()
    )])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_hear_json_however_it_ends() {
        let json = Console { json: true };
        let Said::Document(document) = asked("public", json) else {
            panic!("words for a program");
        };
        assert_eq!(document, json!({"name": "public", "asked": "renew"}));
        let Said::Document(document) = late("public", &Status::default(), json) else {
            panic!("words for a program");
        };
        assert_eq!(document["renewed"], false);
        let people = Console { json: false };
        assert!(matches!(asked("public", people), Said::Lines(_)));
        assert!(matches!(
            late("public", &Status::default(), people),
            Said::Lines(_)
        ));
    }
}
