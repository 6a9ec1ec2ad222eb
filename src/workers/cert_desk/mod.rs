//! Certificates that are renewed by hand: staged, activated now or at a time, rolled back. The
//! verbs of `xspd certs` do it without the daemon; the daemon does what was put off, and finishes
//! what a crash interrupted.

pub mod activate;
mod disk;
mod journal;
pub mod place;
pub mod proof;
mod put_off;
pub mod record;
pub mod shelf;
#[cfg(test)]
mod tests;
mod tidy;

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use tokio_util::sync::CancellationToken;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::config::Config;
use crate::domain::alarms::Observation;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::proof::Proof;
use crate::workers::cert_desk::shelf::Shelf;

pub use put_off::Done;
pub use put_off::PutOff;

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
        let _lock = match shelf.lock(&place) {
            Ok(lock) => lock,
            Err(problem) if problem.is_busy() => continue,
            Err(problem) => {
                error!(place = place.name, %problem, "{}", activate::UNFINISHED);
                continue;
            }
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
    observe: impl Fn(Observation) + Send + Sync + 'static,
    tasks: Tasks,
    stop: CancellationToken,
) {
    let mut said: Option<String> = None;
    let mut put_off = PutOff::default();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let config = config();
        let looked = tasks.blocking(move || {
            let done = put_off.act(&config, clock::wall());
            for (place, after) in &done.proofs {
                tell(place, &proof::prove(&config, place, after));
            }
            (put_off, done)
        });
        let done;
        (put_off, done) = looked.await.unwrap_or_default();
        done.observations.into_iter().for_each(&observe);
        let trouble = done.trouble;
        // A trouble that stays is told once.
        if let Some(text) = &trouble
            && said.as_ref() != Some(text)
        {
            warn!("{text}");
        }
        said = trouble;
    }
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
