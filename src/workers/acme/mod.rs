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
pub mod hook;
pub mod order;
pub mod state;
mod tell;
pub mod transport;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering as Memory;
use std::time::Duration;
use std::time::Instant;

use rustls_pki_types::CertificateDer;
use tokio_util::sync::CancellationToken;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::config::Acme;
use crate::config::Config;
use crate::domain::alarms::Observation;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;
use crate::domain::certs::renewal::Life;
use crate::domain::certs::renewal::Renewal;
use crate::domain::certs::renewal::RenewalAction;
use crate::domain::certs::renewal::RenewalInput;
use crate::domain::certs::renewal::RenewalMemory;
use crate::domain::machine::Machine as _;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::tls::challenge::Challenges;
use crate::tls::pem;
use crate::workers::acme::account::VALID;
use crate::workers::acme::delivery::deliver;
use crate::workers::acme::order::OrderError;
use crate::workers::acme::order::Ordering;
use crate::workers::acme::state::Asked;
use crate::workers::acme::state::Folder;
use crate::workers::acme::state::Status;
use crate::workers::cert_desk::place;

/// Between two looks at files, the clock and what operators ask for.
const LOOK: Duration = Duration::from_secs(2);

/// Between two looks at places that do not serve what was renewed.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What is wrong when a new certificate is due at once.
const SHORT: &str = "the new certificate is due for renewal already; compare the clock of this host \
                     with its dates";

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
            let keeper = held
                .entry(acme.name.clone())
                .or_insert_with(|| Keeper::new(&config, acme));
            tokio::select! {
                // An order that is cut off is begun anew after the restart; it counts as one of the
                // day's.
                () = stop.cancelled() => return,
                () = keeper.look(&ground, &config, acme) => {}
            }
        }
    }
}

/// Why a renewal came to nothing.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Order(#[from] OrderError),
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// How long the CA wants to be left alone.
    const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Order(OrderError::Ca(error)) => error.retry_after(),
            Self::Order(_) | Self::Other(_) => None,
        }
    }

    /// Whether the CA is not there.
    const fn is_away(&self) -> bool {
        match self {
            Self::Order(OrderError::Ca(error)) => error.is_away(),
            Self::Order(_) | Self::Other(_) => false,
        }
    }

    /// Whether the account may be the reason.
    fn is_of_account(&self) -> bool {
        match self {
            Self::Order(OrderError::Ca(error)) => error.is_refusal(),
            Self::Order(_) | Self::Other(_) => false,
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
    fn new(config: &Config, acme: &Acme) -> Self {
        let folder = Folder::new(&config.state_dir, &acme.name);
        let mut status = folder.status().unwrap_or_default();
        if status.seed == 0 {
            let mut seed = [0; 8];
            // Without randomness all nodes come at once, which is no harm to one of them.
            aws_lc_rs::rand::fill(&mut seed).ok();
            status.seed = u64::from_le_bytes(seed) | 1;
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
        self.read_files(config, acme);
        match self.folder.take_asked() {
            Some(Asked::Renew) => self.renewal.handle(RenewalInput::Asked, clock::now()),
            Some(Asked::NewAccount) => self.forget_account(ground, acme),
            Some(Asked::RollKey) => self.roll_key(acme).await,
            None => {}
        }
        self.renewal.handle_timeout(clock::now());
        while let Some(action) = self.renewal.poll_action() {
            match action {
                RenewalAction::AskWindow => self.ask_window(acme).await,
                RenewalAction::Order => self.renew(ground, config, acme).await,
                RenewalAction::Complain { failures } => {
                    let (seen, problem) = (self.seen.as_ref(), &self.status.problem);
                    (ground.observe)(tell::failing(acme, failures, seen, problem));
                }
                RenewalAction::Relieve => (ground.observe)(tell::renewed(&acme.name)),
            }
        }
        self.look_at_unserved(ground, config).await;
        self.check_account(ground, acme).await;
        self.remember();
        if (self.status != before || !self.looked)
            && let Err(problem) = self.folder.keep_status(&self.status)
        {
            warn!(acme = acme.name, %problem, "How the renewal stands cannot be kept.");
        }
        self.looked = true;
    }

    /// Takes into the status what outlives us.
    fn remember(&mut self) {
        let memory = self.renewal.memory();
        self.status.failures = memory.failures;
        self.status.complained = memory.complained;
        // Not a part of a second too early.
        self.status.rest = memory.rest.map(|rest| date::to_unix(rest) + 1);
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
            let still = |name: &String| match place::find(&config, name) {
                // It is gone from the configuration.
                Err(_) => false,
                Ok(place) => delivery::glance(&place).is_none_or(|(_, proof)| !proof.is_good()),
            };
            names.into_iter().partition(still)
        };
        let looked: Option<(Vec<String>, Vec<String>)> = ground.tasks.blocking(look).await;
        if let Some((still, served)) = looked {
            for place in &served {
                info!(place, "What was renewed is served now.");
                (ground.observe)(tell::deployed(place));
            }
            self.status.unserved = still;
        }
    }

    /// Looks at what is in the files: somebody may have imported another certificate.
    fn read_files(&mut self, config: &Config, acme: &Acme) {
        let places = acme.places.iter();
        let first = places
            .filter_map(|asked| place::find(config, asked).ok())
            .next();
        let leaf = first.and_then(|place| pem::load_chain(&place.chain).ok()?.into_iter().next());
        let facts = leaf
            .as_ref()
            .and_then(|leaf| CertificateFacts::parse(leaf).ok());
        let same = |a: &Option<CertificateFacts>, b: &Option<CertificateFacts>| {
            a.as_ref().map(|facts| facts.fingerprint) == b.as_ref().map(|facts| facts.fingerprint)
        };
        if self.looked && same(&self.seen, &facts) {
            return;
        }
        // A certificate that lacks a name, or that nobody but itself vouches for, is to be replaced.
        let life = facts.as_ref().filter(|facts| {
            let covers = |name: &String| facts.dns_names.iter().any(|held| held == name);
            !facts.self_issued && acme.names.iter().all(covers)
        });
        let life = life.map(life_of);
        self.renewal.handle(RenewalInput::InUse(life), clock::now());
        self.leaf = leaf;
        self.seen = facts;
    }

    async fn renew(&mut self, ground: &AcmeGround, config: &Arc<Config>, acme: &Acme) {
        let now = clock::wall();
        self.status.tried = Some(date::to_unix(now));
        // The order counts even if we do not live to see its end.
        self.remember();
        self.folder.keep_status(&self.status).ok();
        info!(
            acme = acme.name,
            names = acme.names.join(","),
            "Ordering a certificate."
        );
        let placed = AtomicBool::new(false);
        match self.try_renew(ground, config, acme, &placed).await {
            Ok(facts) => {
                info!(
                    acme = acme.name,
                    fingerprint = %facts.fingerprint,
                    not_after = date::text(facts.not_after),
                    "Renewed."
                );
                self.status.problem.clear();
                self.status.renewed = Some(date::to_unix(clock::wall()));
                self.status.fingerprint = facts.fingerprint.to_string();
                VALID.clone_into(&mut self.status.account_state);
                (ground.observe)(tell::account_works(&acme.name));
                let life = life_of(&facts);
                self.renewal
                    .handle(RenewalInput::Renewed(life), clock::now());
                if self.renewal.failures() > 0 {
                    SHORT.clone_into(&mut self.status.problem);
                    error!(acme = acme.name, "Renewed, but {SHORT}.");
                }
            }
            Err(problem) => {
                self.status.problem = problem.to_string();
                let failed = RenewalInput::Failed {
                    retry_after: problem.retry_after(),
                    away: problem.is_away() && !placed.load(Memory::Relaxed),
                };
                if problem.is_of_account() {
                    self.check_at = None;
                }
                self.renewal.handle(failed, clock::now());
                error!(
                    acme = acme.name, %problem, failures = self.renewal.failures(),
                    "A certificate could not be renewed; it is tried again. What is served stays."
                );
            }
        }
    }

    async fn try_renew(
        &mut self,
        ground: &AcmeGround,
        config: &Arc<Config>,
        acme: &Acme,
        placed: &AtomicBool,
    ) -> Result<CertificateFacts, Failure> {
        let mut places = Vec::new();
        for asked in &acme.places {
            let found = place::find(config, asked);
            places.push(found.map_err(|problem| Failure::Other(problem.to_string()))?);
        }
        let account = self.account(acme).await?;
        let ordering = Ordering {
            acme,
            account: &account,
            challenges: &ground.challenges,
            tasks: &ground.tasks,
            // Only of a certificate that is good enough to be renewed at all.
            replaces: self.identifier(),
            placed,
        };
        let (chain, key) = Box::pin(ordering.run()).await?;
        let (name, held) = (acme.name.clone(), Arc::clone(config));
        let work = move || deliver(&held, &places, &name, &chain, &key, clock::wall());
        let done = ground.tasks.blocking(work).await;
        let (facts, unserved) = done.ok_or(OrderError::Stopped)??;
        let before = std::mem::take(&mut self.status.unserved);
        for (place, proof) in &unserved {
            (ground.observe)(tell::not_deployed(&place.name, &facts, proof));
            self.status.unserved.push(place.name.clone());
        }
        for place in before {
            if !self.status.unserved.contains(&place) {
                (ground.observe)(tell::deployed(&place));
            }
        }
        self.glance_at = Some(clock::mono() + LOOK_AGAIN);
        Ok(facts)
    }
}

const fn life_of(facts: &CertificateFacts) -> Life {
    Life {
        not_before: facts.not_before,
        not_after: facts.not_after,
    }
}

fn other(problem: impl std::fmt::Display) -> Failure {
    Failure::Other(problem.to_string())
}
