//! A new certificate goes into the files of its places, and is looked for where it should be served;
//! unless an operator went back to the one before while it was ordered.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use tracing::error;
use tracing::warn;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::bundle;
use crate::domain::certs::bundle::Key;
use crate::domain::certs::date;
use crate::platform::clock;
use crate::workers::acme::Failure;
use crate::workers::acme::other;
use crate::workers::cert_desk::activate;
use crate::workers::cert_desk::activate::Way;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::proof;
use crate::workers::cert_desk::proof::Proof;
use crate::workers::cert_desk::shelf::Hold;
use crate::workers::cert_desk::shelf::Line;
use crate::workers::cert_desk::shelf::Pair;
use crate::workers::cert_desk::shelf::Part;
use crate::workers::cert_desk::shelf::Shelf;

/// Longest wait for a verb that works on a place: it takes moments, and what was ordered would be lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks whether it has ended.
const PAUSE: Duration = Duration::from_millis(100);

/// Where an operator went back to the certificate before, by place.
pub(super) type Holds = BTreeMap<String, Hold>;

/// What became of a new certificate.
pub(super) struct Delivered {
    /// Its leaf.
    pub(super) leaf: CertificateFacts,
    pub(super) end: End,
}

/// Where it is.
pub(super) enum End {
    /// In its files, and these places do not serve it.
    InUse(Vec<(Place, Proof)>),
    /// Staged, because an operator went back to the certificate before while it was ordered; nothing
    /// is ordered until then.
    Staged(SystemTime),
}

/// A new certificate that was ordered.
pub(super) struct Delivery {
    pub(super) config: Arc<Config>,
    pub(super) places: Vec<Place>,
    /// What its certificate is called.
    pub(super) name: String,
    /// What was known when it was ordered.
    pub(super) holds: Holds,
}

impl Delivery {
    /// Puts a new certificate into the files of its places, and looks whether it is served; stages it
    /// alone, in all places, when somebody went back in one of them meanwhile. Blocks.
    pub(super) fn run(
        &self,
        chain: &str,
        key: &Key,
        now: SystemTime,
    ) -> Result<Delivered, Failure> {
        let read = bundle::read(chain.as_bytes(), None).map_err(other)?;
        let chain = bundle::assemble(&read.certificates, &[key.spki_sha256()]).map_err(other)?;
        let shelf = Shelf::new(&self.config.state_dir);
        let by = format!("acme {}", self.name);
        let new_hold = |place: &Place| self.new_hold(&shelf, place, now);
        let mut held = self.places.iter().filter_map(new_hold).max();
        for place in &self.places {
            let _lock = lock(&shelf, place)?;
            // Who goes back notes it under the same lock.
            held = held.max(new_hold(place));
            if held.is_some() && is_taken(&shelf, place, &by) {
                warn!(
                    place = place.name,
                    "Something else is staged there and stays; what was ordered is not kept for it."
                );
                continue;
            }
            let pair = Pair {
                chain: chain.pem(),
                key: Zeroizing::new(key.pem().to_owned()),
                about: activate::about(place, &chain.leaf, &by, now),
            };
            shelf
                .put(place, Part::Staged, &pair)
                .and_then(|()| shelf.schedule(place, None))
                .map_err(other)?;
            match held {
                Some(_) => note(&shelf, place, &pair, now),
                None => {
                    activate::activate(&shelf, place, Way::Forward, &by, now).map_err(other)?;
                }
            }
        }
        let end = match held {
            Some(until) => End::Staged(until),
            None => End::InUse(self.unserved(&chain.leaf)),
        };
        Ok(Delivered {
            leaf: chain.leaf,
            end,
        })
    }

    /// Until when nothing is ordered, of an operator who went back since this was ordered. One who
    /// did before wanted it ordered all the same.
    fn new_hold(&self, shelf: &Shelf, place: &Place, now: SystemTime) -> Option<SystemTime> {
        let held = shelf.held(place).ok().flatten()?;
        let is_new = self.holds.get(&place.name) != Some(&held);
        let until = date::from_unix(held.until)?;
        (is_new && until > now).then_some(until)
    }

    fn unserved(&self, leaf: &CertificateFacts) -> Vec<(Place, Proof)> {
        let mut unserved = Vec::new();
        for place in &self.places {
            match proof::prove(&self.config, place, leaf) {
                Proof::Served | Proof::NotAListener => {}
                unproven @ (Proof::Other(_) | Proof::Silent(_)) => {
                    error!(place = place.name, proof = %unproven, "Renewed, but not served.");
                    unserved.push((place.clone(), unproven));
                }
            }
        }
        unserved
    }
}

/// Where operators went back, by what is on the disk. Blocks.
pub(super) fn holds(shelf: &Shelf, places: &[Place]) -> Holds {
    let held = places.iter().filter_map(|place| {
        let held = shelf.held(place).ok().flatten()?;
        Some((place.name.clone(), held))
    });
    held.collect()
}

/// The places where what was ordered waits to be activated. Blocks.
#[must_use]
pub fn staged(shelf: &Shelf, places: &[Place], name: &str) -> Vec<String> {
    let by = format!("acme {name}");
    let waits = |place: &&Place| stager(shelf, place).is_some_and(|who| who == by);
    let waiting = places.iter().filter(waits);
    waiting.map(|place| place.name.clone()).collect()
}

/// Who staged what waits there.
fn stager(shelf: &Shelf, place: &Place) -> Option<String> {
    let about = shelf.about(place, Part::Staged).ok().flatten();
    about.map(|about| about.by)
}

/// Whether somebody else staged something there.
fn is_taken(shelf: &Shelf, place: &Place, by: &str) -> bool {
    stager(shelf, place).is_some_and(|who| who != by)
}

fn lock(shelf: &Shelf, place: &Place) -> Result<File, Failure> {
    let end = clock::mono() + PATIENCE;
    loop {
        match shelf.lock(place) {
            Err(problem) if problem.is_busy() && clock::mono() < end => std::thread::sleep(PAUSE),
            locked => return locked.map_err(other),
        }
    }
}

fn note(shelf: &Shelf, place: &Place, pair: &Pair, now: SystemTime) {
    let line = Line {
        at: date::to_unix(now),
        place: place.name.clone(),
        event: "staged".to_owned(),
        by: pair.about.by.clone(),
        fingerprint: pair.about.fingerprint.clone(),
        note: "somebody went back to the certificate before while it was ordered".to_owned(),
    };
    if let Err(problem) = shelf.note(&line) {
        warn!(place = place.name, %problem, "The journal does not say what was staged.");
    }
}

/// Why what the files of a place hold is not served; `None` when it is. Blocks.
pub(super) fn unserved(place: &Place) -> Option<String> {
    match activate::configured(place) {
        Ok(Some(facts)) => {
            let proof = proof::glance(place, &facts);
            (!proof.is_good()).then(|| proof.to_string())
        }
        Ok(None) => Some("its file holds no certificate".to_owned()),
        Err(problem) => Some(problem.to_string()),
    }
}
