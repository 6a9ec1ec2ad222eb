//! Certificates that are renewed by hand: staged, activated now or at a time, rolled back. The
//! verbs of `xspd certs` do it without the daemon; the daemon does what was put off, and finishes
//! what a crash interrupted.

pub mod activate;
mod disk;
pub mod place;
pub mod proof;
pub mod record;
pub mod shelf;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use tokio_util::sync::CancellationToken;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::config::Config;
use crate::domain::certs::date;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::workers::cert_desk::activate::ActivateError;
use crate::workers::cert_desk::activate::Way;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::proof::Proof;
use crate::workers::cert_desk::shelf::Line;
use crate::workers::cert_desk::shelf::Shelf;

/// How often the wall clock is compared with what was put off: it may jump, so no timer is set for
/// the moment itself.
const LOOK: Duration = Duration::from_secs(10);

/// Finishes interrupted activations, before the files are read at the start. Blocks on the disk.
pub fn recover(config: &Config, now: SystemTime) {
    let shelf = Shelf::new(&config.state_dir);
    for place in place::places(config).0 {
        if matches!(shelf.about(&place, shelf::Part::Applying), Ok(None)) {
            continue;
        }
        // A verb that is at work right now finishes it itself.
        let Ok(_lock) = shelf.lock(&place) else {
            continue;
        };
        match activate::recover(&shelf, &place, now) {
            Ok(false) => {}
            Ok(true) => info!(
                place = place.name,
                "An activation that was interrupted is finished."
            ),
            Err(problem) => error!(place = place.name, %problem, "{}", activate::UNFINISHED),
        }
    }
}

/// Does what was put off, until `stop`. `config` gives the configuration in force.
pub async fn run(
    config: impl Fn() -> Arc<Config> + Send + Sync + 'static,
    tasks: Tasks,
    stop: CancellationToken,
) {
    let mut said: Option<String> = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let config = config();
        let done = tasks.blocking(move || {
            let done = act(&config, clock::wall());
            for (place, after) in &done.proofs {
                tell(place, &proof::prove(&config, place, after));
            }
            done.trouble
        });
        // A trouble that stays is told once.
        let trouble = done.await.flatten();
        if let Some(text) = &trouble
            && said.as_ref() != Some(text)
        {
            warn!("{text}");
        }
        said = trouble;
    }
}

/// What one look came to.
#[derive(Default)]
pub struct Done {
    /// Places whose certificate was activated, with the leaf that is to be served now.
    pub proofs: Vec<(Place, crate::domain::certs::CertificateFacts)>,
    /// What cannot be read.
    pub trouble: Option<String>,
}

/// Activates what is due at `now`. Blocks on the disk.
#[must_use]
pub fn act(config: &Config, now: SystemTime) -> Done {
    let shelf = Shelf::new(&config.state_dir);
    let mut done = Done::default();
    for place in place::places(config).0 {
        let due = match shelf.scheduled(&place) {
            Ok(Some(schedule)) if schedule.at <= date::to_unix(now) => schedule,
            Ok(_) => continue,
            Err(problem) => {
                done.trouble = Some(format!("What is put off cannot be read: {problem}"));
                continue;
            }
        };
        let Ok(_lock) = shelf.lock(&place) else {
            continue;
        };
        let by = format!("daemon, as {} asked", due.by);
        let staged = shelf.about(&place, shelf::Part::Staged);
        let outcome = match staged {
            Ok(Some(about)) if about.fingerprint != due.fingerprint => Err(format!(
                "another certificate was staged since; what was meant is {}",
                due.fingerprint
            )),
            Ok(_) => activate::activate(&shelf, &place, Way::Forward, &by, now)
                .map_err(|problem: ActivateError| problem.to_string()),
            Err(problem) => Err(problem.to_string()),
        };
        match outcome {
            Ok(activated) => {
                info!(
                    place = place.name,
                    fingerprint = %activated.new.fingerprint,
                    "The staged certificate was activated at its time."
                );
                done.proofs.push((place.clone(), activated.new));
            }
            Err(problem) => {
                error!(
                    place = place.name, %problem,
                    "The staged certificate was not activated at its time; what was served stays."
                );
                let line = Line {
                    at: date::to_unix(now),
                    place: place.name.clone(),
                    event: "refused".to_owned(),
                    by,
                    fingerprint: due.fingerprint,
                    note: problem,
                };
                shelf.note(&line).ok();
            }
        }
        // Either way it is over: a refused one is not tried again each ten seconds.
        shelf.schedule(&place, None).ok();
    }
    done
}

fn tell(place: &Place, proof: &Proof) {
    match proof {
        Proof::Served => info!(place = place.name, "The new certificate is served."),
        Proof::NotAListener => info!(
            place = place.name,
            "The new certificate is used from the next session on."
        ),
        Proof::Other(_) | Proof::Silent(_) => error!(
            place = place.name, %proof,
            "The new certificate is in its files but is not served."
        ),
    }
}
