//! `xspd certs rollback`: the pair that was there before goes back into the configured files. What
//! renews the certificate by itself then rests, or it would be undone within seconds: what was there
//! before is due as a rule.

use std::time::SystemTime;

use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::admin::Door;
use crate::cli::certs::Said;
use crate::cli::certs::activate;
use crate::cli::certs::desk;
use crate::cli::certs::desk::Desk;
use crate::cli::certs::failure::Failure;
use crate::domain::certs::date;
use crate::domain::certs::renewal::hold_until;
use crate::workers::acme::places;
use crate::workers::acme::state::Asked;
use crate::workers::acme::state::Folder;
use crate::workers::cert_desk::activate::Way;
use crate::workers::cert_desk::shelf::Hold;
use crate::workers::cert_desk::shelf::Part;
use crate::workers::internal_ca::status::Records;

/// Arguments of `xspd certs rollback`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A listener, listener/host or listener/bridge
    place: String,
    #[command(flatten)]
    door: Door,
    /// Do not look whether it is served: the daemon does not run, and that is meant
    #[arg(long)]
    offline: bool,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let desk = Desk::open(&args.door, &args.place, now)?;
    let lock = desk.shelf.lock(&desk.place)?;
    let before = desk.shelf.held(&desk.place)?;
    // Before the files: the daemon may look in between.
    let rest = Rest::begin(&desk, now)?;
    let swap = crate::workers::cert_desk::activate::activate;
    let done = swap(&desk.shelf, &desk.place, Way::Back, &desk.by, now);
    if done.is_err() {
        // The first error is the one that is told.
        desk.shelf.hold(&desk.place, before.as_ref()).ok();
    }
    let done = done.map_err(Failure::Activate)?;
    drop(lock);
    let said = activate::told(&desk, &done, args.offline, console);
    Ok(match rest {
        Some(rest) => rest.told(said),
        None => said,
    })
}

/// What renews the place by itself, and until when it does not.
struct Rest {
    /// What `xspd certs renew` takes.
    names: Vec<String>,
    until: SystemTime,
}

impl Rest {
    /// Notes it, when something renews the place and there is something to go back to.
    fn begin(desk: &Desk, now: SystemTime) -> Result<Option<Self>, Failure> {
        let names = renewers(desk)?;
        let previous = desk.shelf.about(&desk.place, Part::Previous)?;
        let ends = previous.and_then(|about| date::from_unix(about.not_after));
        let (Some(ends), false) = (ends, names.is_empty()) else {
            return Ok(None);
        };
        let until = hold_until(ends, now);
        let hold = Hold {
            until: date::to_unix(until),
            by: desk.by.clone(),
        };
        desk.shelf.hold(&desk.place, Some(&hold))?;
        Ok(Some(Self { names, until }))
    }

    /// With what was said of the files.
    fn told(&self, said: Said) -> Said {
        match said {
            Said::Document(document) => {
                let until = date::text(self.until);
                let seconds = date::to_unix(self.until);
                let own = json!({ "at": until, "at-seconds": seconds, "renew": self.names });
                let own: Value = json!({ "orders-again": own });
                Said::Document(desk::with(document, &own))
            }
            Said::Lines(mut lines) => {
                lines.push(format!(
                    "The daemon will order again at {}, and not before. To have it order at once: \
                     xspd certs renew {}",
                    date::text(self.until),
                    self.names.join(", xspd certs renew ")
                ));
                Said::Lines(lines)
            }
            Said::Told(exit) => Said::Told(exit),
            Said::With(exit, said) => Said::With(exit, Box::new(self.told(*said))),
        }
    }
}

/// What renews a place by itself. What was asked of it and not yet done is taken back.
fn renewers(desk: &Desk) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for acme in &desk.config.acme {
        let ours = places(&desk.config, acme);
        if ours.iter().any(|place| place.name == desk.place.name) {
            Folder::new(&desk.config.state_dir, &acme.name).unask(Asked::Renew)?;
            names.push(acme.name.clone());
        }
    }
    if desk.config.internal_ca.is_some() {
        let status = Records::new(&desk.config.state_dir).status(&desk.place);
        names.extend(status.managed.then(|| desk.typed()));
    }
    Ok(names)
}
