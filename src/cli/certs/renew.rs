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
use crate::domain::certs::renewal::UsedUp;
use crate::platform::clock;
use crate::workers::acme::state::Asked;
use crate::workers::acme::state::Status;

/// An order takes seconds; a slow name server minutes.
const PATIENCE: Duration = Duration::from_secs(300);

/// Between two looks at how it stands.
const PAUSE: Duration = Duration::from_millis(500);

/// Between two looks whether the daemon is still there; a restart takes less than [`SILENT`] of them.
const ASK: Duration = Duration::from_secs(5);

/// Looks in a row without an answer that mean that it has ended.
const SILENT: u32 = 3;

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
    let before = desk.folder.status()?;
    if let Some(used_up) = desk.used_up(&before, now) {
        return Ok(none_left(&args.name, &used_up, &before, console));
    }
    desk.alive()?;
    // Who asks for another one has found out what was wrong with the one before.
    desk.let_go()?;
    desk.folder.ask(Asked::Renew)?;
    if args.no_wait {
        return Ok(asked(&args.name, console));
    }
    wait(&args.name, &desk, &before, console)
}

/// Waits for what comes of it, as long as there is somebody who does it.
fn wait(name: &str, desk: &acme::Desk, before: &Status, console: Console) -> Result<Said, Failure> {
    let end = clock::mono() + PATIENCE;
    let (mut ask_at, mut silent) = (clock::mono() + ASK, 0);
    loop {
        // Before what came of it: the daemon takes it down first.
        let is_asked = desk.folder.is_asked();
        let now = desk.folder.status()?;
        match outcome(before, &now, is_asked) {
            Outcome::Renewed => return Ok(renewed(name, &now, console)),
            Outcome::Failed => return Ok(failed(name, &now, console)),
            Outcome::SetAside => return Ok(aside(name, &now, console)),
            // It was taken down and nothing was begun: another order came first.
            Outcome::Untouched => {
                if let Some(used_up) = desk.used_up(&now, clock::wall()) {
                    return Ok(none_left(name, &used_up, &now, console));
                }
            }
            Outcome::Waits => {}
        }
        if clock::mono() >= end {
            let said = late(&now, console, name);
            return Ok(Said::With(Exit::Unavailable, Box::new(said)));
        }
        if clock::mono() >= ask_at {
            silent = match desk.alive() {
                Err(failure) if silent + 1 >= SILENT => {
                    desk.folder.unask(Asked::Renew)?;
                    return Err(gone(failure));
                }
                Err(_) => silent + 1,
                Ok(()) => 0,
            };
            ask_at = clock::mono() + ASK;
        }
        std::thread::sleep(PAUSE);
    }
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Failed,
    Renewed,
    /// Somebody went back to the certificate before meanwhile.
    SetAside,
    /// The daemon has taken the wish down, and tried nothing since.
    Untouched,
    Waits,
}

fn outcome(before: &Status, now: &Status, is_asked: bool) -> Outcome {
    if is_asked {
        Outcome::Waits
    } else if now.tried == before.tried {
        Outcome::Untouched
    } else if now.renewed != before.renewed {
        Outcome::Renewed
    } else if now.failures > before.failures {
        Outcome::Failed
    } else if now.held.is_some() && now.held != before.held {
        // A new rollback, since that of before was let go.
        Outcome::SetAside
    } else {
        Outcome::Waits
    }
}

fn gone(failure: Failure) -> Failure {
    match failure {
        Failure::NoWorker { address, error } => Failure::WorkerGone { address, error },
        other => other,
    }
}

fn renewed(name: &str, now: &Status, console: Console) -> Said {
    if console.json {
        return Said::Document(json!({"name": name, "renewed": true, "status": now}));
    }
    let due = now.due.and_then(date::from_unix);
    Said::Lines(vec![format!(
        "Renewed: SHA-256 {}; the next time is {}.",
        now.fingerprint,
        due.map_or_else(|| "not known yet".to_owned(), date::text)
    )])
}

fn failed(name: &str, now: &Status, console: Console) -> Said {
    let said = if console.json {
        Said::Document(json!({"name": name, "renewed": false, "status": now}))
    } else {
        Said::Lines(vec![format!(
            "NOT RENEWED; what is served stays. {}",
            now.problem
        )])
    };
    Said::With(Exit::Findings, Box::new(said))
}

/// The CA is not asked again today, and nothing is left that would ask it later.
fn none_left(name: &str, used_up: &UsedUp, now: &Status, console: Console) -> Said {
    let said = if console.json {
        Said::Document(json!({
            "name": name,
            "renewed": false,
            "orders": used_up.made,
            "orders-since": date::to_unix(used_up.since),
            "no-order-before": date::to_unix(used_up.next),
            "status": now,
        }))
    } else {
        Said::Lines(vec![format!(
            "NOT ORDERED, and not asked for: {}.",
            acme::no_order_left(used_up)
        )])
    };
    Said::With(Exit::Unavailable, Box::new(said))
}

fn asked(name: &str, console: Console) -> Said {
    if console.json {
        return Said::Document(json!({"name": name, "asked": "renew"}));
    }
    Said::Lines(vec![format!(
        "Asked. How it stands: xspd acme list ({name})"
    )])
}

fn aside(name: &str, now: &Status, console: Console) -> Said {
    let said = if console.json {
        Said::Document(json!({"name": name, "renewed": false, "status": now}))
    } else {
        Said::Lines(vec![
            "NOT RENEWED; somebody went back to the certificate before meanwhile. What was ordered \
             is staged: xspd acme list"
                .to_owned(),
        ])
    };
    Said::With(Exit::Findings, Box::new(said))
}

fn late(status: &Status, console: Console, name: &str) -> Said {
    if console.json {
        return Said::Document(json!({"name": name, "renewed": false, "status": status}));
    }
    Said::Lines(vec![format!(
        "Nothing came of it within {} s: the CA, or a DNS hook, is slow; the daemon goes on. How it \
         stands: xspd acme list",
        PATIENCE.as_secs()
    )])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::acme::state::Folder;

    #[test]
    fn it_is_over_when_the_daemon_has_tried_and_not_before() {
        let before = Status {
            tried: Some(1),
            renewed: Some(1),
            failures: 2,
            ..Status::default()
        };
        let now = |tried, renewed, failures| Status {
            tried: Some(tried),
            renewed: Some(renewed),
            failures,
            ..Status::default()
        };
        for (now, is_asked, expected) in [
            (now(1, 1, 2), true, Outcome::Waits),
            (now(1, 1, 2), false, Outcome::Untouched),
            (now(5, 1, 2), false, Outcome::Waits),
            (now(5, 1, 3), false, Outcome::Failed),
            (now(5, 6, 0), false, Outcome::Renewed),
            // Due at once: renewed, and a failure all the same.
            (now(5, 6, 3), false, Outcome::Renewed),
        ] {
            assert_eq!(outcome(&before, &now, is_asked), expected, "{now:?}");
        }
    }

    #[test]
    fn on_a_day_without_orders_nothing_is_asked_for_and_the_next_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        let text = format!(
            r#"
state-dir = "{path}/state"
[[pool]]
name = "xsp"
upstream = [{{ name = "one", url = "http://127.0.0.1:1" }}]
[[acme]]
name = "le"
directory = "https://127.0.0.1:1/directory"
terms-agreed = true
challenge = "dns-01"
dns-hook = "/usr/local/libexec/hook"
names = ["auto.example.com"]
for = ["public/auto.example.com"]
[[listener]]
name = "public"
addresses = ["127.0.0.1:0"]
routes = ["xsi-actions"]
[[listener.host]]
names = ["auto.example.com"]
certificates = [{{ chain = "{path}/auto.pem", key = "file:{path}/auto.key" }}]
"#
        );
        let file = folder.path().join("xspd.toml");
        std::fs::write(&file, text).unwrap();
        let now = clock::wall();
        let kept = Folder::new(&folder.path().join("state"), "le");
        let status = Status {
            orders: vec![date::to_unix(now) - 100; 5],
            ..Status::default()
        };
        kept.keep_status(&status).unwrap();
        let people = Console { json: false };
        for no_wait in [true, false] {
            let args = Args {
                name: "le".to_owned(),
                door: Door::at(Some(&file), None),
                no_wait,
                untried: false,
            };
            let Ok(Said::With(exit, said)) = run(&args, people, now) else {
                panic!("it is told");
            };
            assert_eq!(exit, Exit::Unavailable);
            let Said::Lines(lines) = *said else {
                panic!("for people");
            };
            assert!(lines[0].contains("5 orders were made since"), "{lines:?}");
            assert!(lines[0].contains("the next is possible at"), "{lines:?}");
            assert!(!kept.is_asked(), "it would come hours later");
        }
    }

    #[test]
    fn programs_hear_json_however_it_ends() {
        let json = Console { json: true };
        let Said::Document(document) = asked("public", json) else {
            panic!("words for a program");
        };
        assert_eq!(document, json!({"name": "public", "asked": "renew"}));
        let Said::Document(document) = late(&Status::default(), json, "public") else {
            panic!("words for a program");
        };
        assert_eq!(document["renewed"], false);
        let people = Console { json: false };
        assert!(matches!(asked("public", people), Said::Lines(_)));
        assert!(matches!(
            late(&Status::default(), people, "public"),
            Said::Lines(_)
        ));
    }
}
