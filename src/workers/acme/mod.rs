//! Automatic certificates: ordered from a CA by ACME (RFC 8555), renewed when it is time, put into
//! the files of their listeners, and proven to be served. When is decided by
//! [`crate::domain::certs::renewal`].
//!
//! The protocol is `instant-acme`'s, over our own HTTP client (`transport`). Two things of it to know:
//! a refused nonce is tried three times in all, and the new key of an account is made by the library
//! and known here only after the CA has answered, so a change whose answer gets lost may cost the
//! account; the daily look at it tells.

mod account;
mod delivery;
mod failure;
mod found;
pub mod hook;
pub mod order;
mod renew;
pub mod state;
mod tell;
#[cfg(test)]
mod tests;
pub mod transport;
mod window;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use rustls_pki_types::CertificateDer;
use tokio_util::sync::CancellationToken;
use tracing::info;
use tracing::warn;

use crate::config::Acme;
use crate::config::Config;
use crate::domain::alarms::Observation;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::automatic;
use crate::domain::certs::date;
use crate::domain::certs::renewal::Renewal;
use crate::domain::certs::renewal::RenewalAction;
use crate::domain::certs::renewal::RenewalInput;
use crate::domain::certs::renewal::RenewalMemory;
use crate::domain::machine::Machine as _;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::tls::challenge::Challenges;
use crate::workers::acme::failure::Failure;
use crate::workers::acme::failure::on_disk;
use crate::workers::acme::failure::other;
use crate::workers::acme::found::Found;
use crate::workers::acme::state::Asked;
use crate::workers::acme::state::Folder;
use crate::workers::acme::state::Status;
use crate::workers::cert_desk::place;
use crate::workers::seed;

pub use delivery::staged;
pub use found::places;

/// Between two looks at files, the clock and what operators ask for.
const LOOK: Duration = Duration::from_secs(2);

/// Between two looks at places that do not serve what was renewed.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Who is told what was seen.
pub type Observe = Arc<dyn Fn(Observation) + Send + Sync>;

/// What the worker stands on.
pub struct AcmeGround {
    /// Gives the configuration in force.
    pub config: Box<dyn Fn() -> Arc<Config> + Send + Sync>,
    /// Where the CA's questions are answered.
    pub challenges: Arc<Challenges>,
    /// Who is told of failures.
    pub observe: Observe,
    /// Tells whoever lists accounts that one changed.
    pub changed: Box<dyn Fn() + Send + Sync>,
    /// Where blocking work runs.
    pub tasks: Tasks,
}

/// Orders and renews until `stop`.
pub async fn run(ground: AcmeGround, stop: CancellationToken) {
    let mut held: BTreeMap<String, Keeper> = BTreeMap::new();
    let (observe, config) = (Arc::clone(&ground.observe), (ground.config)());
    let gone = move || tell::take_back_gone(&observe, &config);
    ground.tasks.blocking(gone).await;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let config = (ground.config)();
        held.retain(|name, keeper| {
            let stays = config.acme.iter().any(|acme| acme.name == *name);
            if !stays {
                tell::take_back(&ground.observe, name, &keeper.status);
            }
            stays
        });
        for acme in &config.acme {
            let keeper = match held.entry(acme.name.clone()) {
                Entry::Occupied(held) => held.into_mut(),
                Entry::Vacant(free) => free.insert(Keeper::open(&ground, &config, acme).await),
            };
            tokio::select! {
                // An order that is cut off is begun anew after the restart; it counts as one of the
                // day's.
                () = stop.cancelled() => return,
                () = keeper.look(&ground, &config, acme) => {}
            }
        }
    }
}

/// One automatic certificate.
struct Keeper {
    folder: Folder,
    status: Status,
    renewal: Renewal,
    /// The leaf in the files that was looked at last.
    seen: Option<CertificateFacts>,
    /// The same in DER.
    leaf: Option<CertificateDer<'static>>,
    looked: bool,
    /// When the account is looked at; at once when there is no time.
    check_at: Option<Instant>,
    /// When the places that serve something else are looked at.
    glance_at: Option<Instant>,
}

impl Keeper {
    async fn open(ground: &AcmeGround, config: &Config, acme: &Acme) -> Self {
        let folder = Folder::new(&config.state_dir, &acme.name);
        let kept = folder.clone();
        let read = on_disk(&ground.tasks, move || kept.status().map_err(other)).await;
        let mut status = read.unwrap_or_else(|problem| {
            warn!(acme = acme.name, %problem, "How the renewal stood cannot be read.");
            Status::default()
        });
        if status.seed == 0 {
            status.seed = seed::fresh();
        }
        let orders = status.orders.iter().copied().filter_map(date::from_unix);
        let memory = RenewalMemory {
            orders: orders.collect(),
            failures: status.failures,
            complained: status.complained,
            rest: status.rest.and_then(date::from_unix),
            ends: status.ends.and_then(date::from_unix),
        };
        let limit = acme.orders_per_day;
        Self {
            renewal: Renewal::new(status.seed, limit, &memory, clock::now()),
            folder,
            status,
            seen: None,
            leaf: None,
            looked: false,
            check_at: None,
            glance_at: None,
        }
    }

    async fn look(&mut self, ground: &AcmeGround, config: &Arc<Config>, acme: &Acme) {
        let before = self.status.clone();
        let (held, own, folder) = (Arc::clone(config), acme.clone(), self.folder.clone());
        let look = move || Found::look(&held, &own, &folder);
        let Some(found) = ground.tasks.blocking(look).await else {
            return;
        };
        if !self.looked {
            // It may not be there to be asked, and may be another CA by now.
            (ground.observe)(tell::account(acme, &self.status));
        }
        let (asked, held, holds) = (found.asked, found.held(), found.holds.clone());
        // Before what is in use: what an operator went back to may be due.
        self.renewal.handle(RenewalInput::Held(held), clock::now());
        self.take_in(found, acme);
        match asked {
            Some(Asked::Renew) => self.renewal.handle(RenewalInput::Asked, clock::now()),
            Some(Asked::NewAccount) => self.forget_account(ground, acme).await,
            Some(Asked::RollKey) => self.roll_key(ground, acme).await,
            None => {}
        }
        self.renewal.handle_timeout(clock::now());
        while let Some(action) = self.renewal.poll_action() {
            match action {
                RenewalAction::AskWindow => self.ask_window(ground, acme).await,
                RenewalAction::Order => self.renew(ground, config, acme, &holds).await,
                RenewalAction::Complain { failures } => {
                    let (seen, problem) = (self.seen.as_ref(), &self.status.problem);
                    (ground.observe)(tell::failing(acme, failures, seen, problem));
                }
                RenewalAction::Relieve => (ground.observe)(automatic::renewed(&acme.name)),
            }
        }
        self.look_at_unserved(ground, config).await;
        self.check_account(ground, acme).await;
        self.remember();
        if (self.status != before || !self.looked)
            && let Err(problem) = self.keep(ground).await
        {
            warn!(acme = acme.name, %problem, "How the renewal stands cannot be kept.");
        }
        let account = |status: &Status| status.account_at(&acme.name, &acme.directory);
        if account(&self.status) != account(&before) {
            (ground.changed)();
        }
        self.looked = true;
    }

    async fn keep(&self, ground: &AcmeGround) -> Result<(), Failure> {
        let (folder, status) = (self.folder.clone(), self.status.clone());
        let keep = move || folder.keep_status(&status).map_err(other);
        on_disk(&ground.tasks, keep).await
    }

    /// Takes into the status what outlives us.
    fn remember(&mut self) {
        let memory = self.renewal.memory();
        self.status.failures = memory.failures;
        self.status.complained = memory.complained;
        // Not a part of a second too early.
        self.status.rest = memory.rest.map(|rest| date::to_unix(rest) + 1);
        self.status.held = self.renewal.held().map(date::to_unix);
        self.status.ends = memory.ends.map(date::to_unix);
        self.status.orders = memory.orders.into_iter().map(date::to_unix).collect();
        self.status.due = self.renewal.due().map(date::to_unix);
    }

    /// Looks whether places that served something else after a renewal have come round.
    async fn look_at_unserved(&mut self, ground: &AcmeGround, config: &Arc<Config>) {
        let now = clock::mono();
        if self.status.unserved.is_empty() || self.glance_at.is_some_and(|at| now < at) {
            return;
        }
        self.glance_at = Some(now + LOOK_AGAIN);
        let (names, config) = (self.status.unserved.clone(), Arc::clone(config));
        let look = move || {
            // What is gone from the configuration is not looked at any more.
            let look = |name: String| {
                let wrong = place::find(&config, &name).ok();
                let wrong = wrong.and_then(|place| delivery::unserved(&place));
                (name, wrong)
            };
            names.into_iter().map(look).collect::<Vec<_>>()
        };
        let Some(looked) = ground.tasks.blocking(look).await else {
            return;
        };
        self.status.unserved.clear();
        for (place, wrong) in looked {
            let Some(wrong) = wrong else {
                info!(place, "What was renewed is served now.");
                (ground.observe)(automatic::deployed(&place));
                continue;
            };
            // Of what was told before a restart nobody knows whether it is still so.
            if !self.looked {
                let leaf = &self.status.fingerprint;
                (ground.observe)(automatic::not_deployed(&place, leaf, &wrong));
            }
            self.status.unserved.push(place);
        }
    }

    /// Takes in what is in the files: somebody may have put another certificate there.
    fn take_in(&mut self, found: Found, acme: &Acme) {
        let same = |a: &Option<CertificateFacts>, b: &Option<CertificateFacts>| {
            a.as_ref().map(|facts| facts.fingerprint) == b.as_ref().map(|facts| facts.fingerprint)
        };
        if self.looked && same(&self.seen, &found.facts) {
            return;
        }
        let life = found.life(acme);
        self.leaf = found.leaf;
        self.seen = found.facts;
        self.renewal.handle(RenewalInput::InUse(life), clock::now());
    }
}
