//! `xspd certs activate`: what is staged goes into the configured files, now or at a time, and a
//! handshake proves that it is served.

use std::time::SystemTime;

use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::admin::PATIENCE;
use crate::cli::admin::Question;
use crate::cli::certs::Said;
use crate::cli::certs::desk;
use crate::cli::certs::desk::Desk;
use crate::cli::certs::failure::Failure;
use crate::cli::certs::moment;
use crate::domain::certs::date;
use crate::domain::certs::fit;
use crate::domain::certs::fit::Finding;
use crate::workers::cert_desk::activate;
use crate::workers::cert_desk::activate::ActivateError;
use crate::workers::cert_desk::activate::Activated;
use crate::workers::cert_desk::activate::Way;
use crate::workers::cert_desk::proof;
use crate::workers::cert_desk::proof::Proof;
use crate::workers::cert_desk::shelf::Line;
use crate::workers::cert_desk::shelf::Part;
use crate::workers::cert_desk::shelf::Schedule;

/// Arguments of `xspd certs activate`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A listener, listener/host or listener/bridge
    place: String,
    #[command(flatten)]
    door: Door,
    /// Let the daemon do it at this moment, such as 2026-12-01T02:00Z; a restart does not forget it
    #[arg(long, value_name = "WHEN", value_parser = moment::parse)]
    at: Option<SystemTime>,
    /// Take back what was put off with --at
    #[arg(long, conflicts_with = "at")]
    cancel: bool,
    /// Do not look whether it is served: the daemon does not run, and that is meant
    #[arg(long, conflicts_with_all = ["at", "cancel"])]
    offline: bool,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let desk = Desk::open(&args.door, &args.place, now)?;
    if args.cancel {
        return cancel(&desk, console, now);
    }
    match args.at {
        Some(at) => put_off(args, &desk, at, console, now),
        None => {
            let lock = desk.shelf.lock(&desk.place)?;
            let done = activate::activate(&desk.shelf, &desk.place, Way::Forward, &desk.by, now);
            let done = done.map_err(Failure::Activate)?;
            // What was put off has happened.
            desk.shelf.schedule(&desk.place, None)?;
            drop(lock);
            Ok(told(&desk, &done, args.offline, console))
        }
    }
}

/// What came of it, in words or JSON, with the proof.
pub(super) fn told(desk: &Desk, done: &Activated, offline: bool, console: Console) -> Said {
    let proof = if offline {
        None
    } else {
        Some(proof::prove(&desk.config, &desk.place, &done.new))
    };
    let exit = match &proof {
        None | Some(Proof::Served | Proof::NotAListener) => Exit::Ok,
        Some(Proof::Other(_)) => Exit::Findings,
        Some(Proof::Silent(_)) => Exit::Unavailable,
    };
    let place = &desk.place.name;
    let said = if console.json {
        Said::Document(json!({
            "place": place,
            "listeners": desk.place.listeners(),
            "certificate": desk::leaf(&done.new),
            "replaced": done.old.as_ref().map(desk::leaf),
            "findings": desk::documents(&done.findings),
            "served": proof.as_ref().map(|proof| matches!(proof, Proof::Served)),
            "proof": proof.as_ref().map(ToString::to_string),
        }))
    } else {
        let mut lines = vec![
            format!("Written: {}", desk.place.chain.display()),
            format!("  {}", desk::words(&done.new)),
        ];
        lines.extend(done.old.as_ref().map(|old| {
            if old.fingerprint == done.new.fingerprint {
                return "The same certificate was there before: what there is to go back to stays."
                    .to_owned();
            }
            format!("Kept to go back to: {}", desk::words(old))
        }));
        lines.extend(done.findings.iter().map(desk::line));
        lines.push(match &proof {
            None => "Not looked at whether it is served.".to_owned(),
            Some(Proof::Served) => format!(
                "Served on {} by {}.",
                addresses(desk),
                listeners(desk, " and ")
            ),
            Some(Proof::NotAListener) => {
                "It is shown from the next session to the XSPs on; a running daemon has taken it \
                 in when its log says \"Reload done\"."
                    .to_owned()
            }
            Some(Proof::Other(_)) => format!(
                "NOT SERVED by {}; {}. See the daemon's log (\"File rejected\"), or go back: xspd \
                 certs rollback {}",
                listeners(desk, " or "),
                proof.as_ref().map(ToString::to_string).unwrap_or_default(),
                desk.typed()
            ),
            Some(silent @ Proof::Silent(_)) => format!(
                "NOT PROVEN: {silent}. The files are in place; a daemon that is started now serves \
                 them."
            ),
        });
        Said::Lines(lines)
    };
    Said::With(exit, Box::new(said))
}

fn listeners(desk: &Desk, joint: &str) -> String {
    let names = desk.place.listeners();
    let word = if names.len() == 1 {
        "listener"
    } else {
        "listeners"
    };
    format!("{word} {}", names.join(joint))
}

fn addresses(desk: &Desk) -> String {
    let all = desk.place.uses.iter().flat_map(|used| &used.addresses);
    let mut texts: Vec<_> = all.map(ToString::to_string).collect();
    texts.dedup();
    texts.join(" and ")
}

fn put_off(
    args: &Args,
    desk: &Desk,
    at: SystemTime,
    console: Console,
    now: SystemTime,
) -> Result<Said, Failure> {
    let _lock = desk.shelf.lock(&desk.place)?;
    let place = &desk.place.name;
    let refused = |problem| Failure::Activate(problem);
    let Some(pair) = desk.shelf.pair(&desk.place, Part::Staged)? else {
        return Err(refused(ActivateError::Nothing {
            place: place.clone(),
            part: Part::Staged,
        }));
    };
    let bad = |problem| {
        refused(ActivateError::Bad {
            place: place.clone(),
            part: Part::Staged,
            problem,
        })
    };
    let chain = activate::assembled(&pair).map_err(bad)?;
    let old = activate::configured(&desk.place).ok().flatten();
    // As it will be then: a certificate that begins tomorrow may be put off until tomorrow. A moment
    // that has passed means now.
    let then = at.max(now);
    let findings = fit::judge(&chain, &desk.place.role, old.as_ref(), then);
    if fit::is_refused(&findings) {
        return Err(unfit(place.clone(), findings, then, now));
    }
    let address = args.door.address(&desk.config);
    alive(address).map_err(|error| Failure::NoDaemon { address, error })?;
    let schedule = Schedule {
        // A moment that has passed already is not one that was missed.
        at: date::to_unix(then),
        by: desk.by.clone(),
        fingerprint: pair.about.fingerprint,
    };
    desk.shelf.schedule(&desk.place, Some(&schedule))?;
    note(
        desk,
        "scheduled",
        &schedule.fingerprint,
        date::text(at),
        now,
    )?;
    if console.json {
        return Ok(Said::Document(json!({
            "place": place,
            "at": date::text(at),
            "at-seconds": schedule.at,
            "passed": at <= now,
            "certificate": desk::leaf(&chain.leaf),
            "findings": desk::documents(&findings),
        })));
    }
    let mut lines = vec![format!(
        "The daemon will activate it for {place} at {}: {}",
        date::text(at),
        desk::words(&chain.leaf)
    )];
    if at <= now {
        lines.push("That moment has passed: it happens within seconds.".to_owned());
    }
    lines.extend(findings.iter().map(desk::line));
    lines.push(format!(
        "Take it back: xspd certs activate {} --cancel",
        desk.typed()
    ));
    Ok(Said::Lines(lines))
}

fn unfit(place: String, findings: Vec<Finding>, at: SystemTime, now: SystemTime) -> Failure {
    if at > now {
        Failure::NotThen {
            place,
            at,
            findings,
        }
    } else {
        Failure::Activate(ActivateError::Refused { place, findings })
    }
}

fn cancel(desk: &Desk, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let _lock = desk.shelf.lock(&desk.place)?;
    let place = &desk.place.name;
    let held = desk.shelf.scheduled(&desk.place)?;
    if let Some(schedule) = &held {
        desk.shelf.schedule(&desk.place, None)?;
        note(desk, "cancelled", &schedule.fingerprint, String::new(), now)?;
    }
    if console.json {
        return Ok(Said::Document(
            json!({ "place": place, "cancelled": held.is_some() }),
        ));
    }
    Ok(Said::Lines(vec![match held {
        Some(_) => format!("Taken back. What is staged for {place} stays staged."),
        None => format!("Nothing was put off for {place}."),
    }]))
}

fn note(
    desk: &Desk,
    event: &str,
    fingerprint: &str,
    note: String,
    now: SystemTime,
) -> Result<(), Failure> {
    desk.shelf.note(&Line {
        at: date::to_unix(now),
        place: desk.place.name.clone(),
        event: event.to_owned(),
        by: desk.by.clone(),
        fingerprint: fingerprint.to_owned(),
        note,
    })?;
    Ok(())
}

/// Whether a daemon is there to do it.
pub(in crate::cli) fn alive(address: std::net::SocketAddr) -> std::io::Result<()> {
    let question = Question {
        method: "GET",
        target: "/livez",
        operator: None,
        named: None,
        sent: None,
        patience: PATIENCE,
        most: 4096,
    };
    match question.ask(address)? {
        (200, _) => Ok(()),
        (status, _) => Err(std::io::Error::other(format!("it said {status}"))),
    }
}
