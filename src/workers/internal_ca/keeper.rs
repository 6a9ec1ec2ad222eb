//! One bridge's certificate and its renewal.

use std::sync::Arc;
use std::time::SystemTime;

use tracing::error;
use tracing::info;
use tracing::warn;

use crate::config::Config;
use crate::config::InternalCa as Rules;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;
use crate::domain::certs::renewal::Life;
use crate::domain::certs::renewal::Renewal;
use crate::domain::certs::renewal::RenewalAction;
use crate::domain::certs::renewal::RenewalInput;
use crate::domain::certs::renewal::RenewalMemory;
use crate::domain::machine::Machine as _;
use crate::platform::clock;
use crate::tls::authority::Likeness;
use crate::workers::cert_desk::place::Place;
use crate::workers::internal_ca::Bridge;
use crate::workers::internal_ca::Ground;
use crate::workers::internal_ca::Leaf;
use crate::workers::internal_ca::Survey;
use crate::workers::internal_ca::folder::CaFolder;
use crate::workers::internal_ca::folder::CaProblem;
use crate::workers::internal_ca::folder::Generation;
use crate::workers::internal_ca::issue;
use crate::workers::internal_ca::issue::IssueError;
use crate::workers::internal_ca::issue::Proof;
use crate::workers::internal_ca::status::Records;
use crate::workers::internal_ca::status::Status;
use crate::workers::seed;

/// Tries in a day: each is a connection to every XSP. After failures the pauses grow, so only
/// somebody who mends and breaks things all day comes near.
const TRIES_PER_DAY: usize = 24;

/// One bridge's certificate.
pub(super) struct Keeper {
    records: Records,
    place: Place,
    pub(super) status: Status,
    renewal: Renewal,
    kept: bool,
}

impl Keeper {
    pub(super) async fn open(ground: &Ground, records: Records, place: &Place) -> Self {
        let (kept, own) = (records.clone(), place.clone());
        let read = ground.tasks.blocking(move || kept.read_status(&own)).await;
        let mut status = match read {
            Some(Ok(status)) => status,
            Some(Err(problem)) => {
                warn!(place = place.name, %problem, "How the renewal stood cannot be read.");
                Status::default()
            }
            None => Status::default(),
        };
        if status.seed == 0 {
            status.seed = seed::fresh();
        }
        status.place.clone_from(&place.name);
        let tries = status.tries.iter().copied().filter_map(date::from_unix);
        // A restart is a way to have it tried at once: the pause after failures is not kept.
        let memory = RenewalMemory {
            orders: tries.collect(),
            failures: status.failures,
            ..RenewalMemory::default()
        };
        Self {
            renewal: Renewal::new(status.seed, TRIES_PER_DAY, &memory, clock::now()),
            records,
            place: place.clone(),
            status,
            kept: false,
        }
    }

    pub(super) async fn look(
        &mut self,
        ground: &Ground,
        config: &Arc<Config>,
        rules: &Rules,
        survey: &Survey,
        bridge: &Bridge,
    ) {
        let leaf = bridge.leaf.as_ref();
        let before = self.status.clone();
        let ours = leaf.filter(|leaf| Likeness::of(&leaf.facts).is_some());
        self.status.managed = rules.renew && survey.has_key && ours.is_some();
        let print = leaf.map(|leaf| leaf.facts.fingerprint.to_string());
        if self.status.problem.is_empty() || !self.status.managed {
            self.status.problem.clear();
            self.status.failures = 0;
        } else if print
            .as_ref()
            .is_some_and(|print| *print != self.status.fingerprint)
        {
            // Somebody has put another one there: what went wrong with the one before is over.
            self.status.problem.clear();
        }
        if let (true, Some(leaf)) = (self.status.managed, ours) {
            // What an older CA issued is to be replaced now.
            let life = (leaf.of == Generation::Current).then(|| Life::from(&leaf.facts));
            // Before what is in use: what an operator went back to may be due.
            self.renewal
                .handle(RenewalInput::Held(bridge.held), clock::now());
            self.renewal.handle(RenewalInput::InUse(life), clock::now());
            self.renewal.handle_timeout(clock::now());
            while let Some(action) = self.renewal.poll_action() {
                match action {
                    // Nobody has a window here.
                    RenewalAction::AskWindow => self
                        .renewal
                        .handle(RenewalInput::WindowUnknown, clock::now()),
                    RenewalAction::Order => self.renew(ground, config, rules, survey, leaf).await,
                    // Told at the first failure already: nothing here fails for a moment only.
                    RenewalAction::Complain { .. } | RenewalAction::Relieve => {}
                }
            }
            self.status.failures = self.renewal.failures();
            self.status.due = self.renewal.due().map(date::to_unix);
            self.status.tries = tries(&self.renewal);
        } else {
            self.status.due = None;
        }
        if self.status != before || !self.kept {
            self.keep(ground).await;
        }
    }

    async fn keep(&mut self, ground: &Ground) {
        let (records, place, status) = (
            self.records.clone(),
            self.place.clone(),
            self.status.clone(),
        );
        let kept = ground
            .tasks
            .blocking(move || records.keep_status(&place, &status));
        match kept.await {
            Some(Err(problem)) => {
                warn!(place = self.place.name, %problem, "How the renewal stands cannot be kept.");
            }
            Some(Ok(())) | None => self.kept = true,
        }
    }

    async fn renew(
        &mut self,
        ground: &Ground,
        config: &Arc<Config>,
        rules: &Rules,
        survey: &Survey,
        leaf: &Leaf,
    ) {
        // The try counts even if we do not live to see its end.
        self.status.tries = tries(&self.renewal);
        self.status.fingerprint = leaf.facts.fingerprint.to_string();
        self.keep(ground).await;
        match self.try_renew(ground, config, rules, survey, leaf).await {
            Ok(facts) => {
                info!(
                    place = self.place.name,
                    fingerprint = %facts.fingerprint,
                    not_after = date::text(facts.not_after),
                    "Renewed by the internal CA."
                );
                self.status.problem.clear();
                self.status.renewed = Some(date::to_unix(clock::wall()));
                self.status.fingerprint = facts.fingerprint.to_string();
                let renewed = RenewalInput::Renewed(Life::from(&facts));
                self.renewal.handle(renewed, clock::now());
            }
            // Whoever is at it may do what is to be done: no failure, and nothing to be told.
            Err(NotRenewed::Busy) => {
                info!(
                    place = self.place.name,
                    "Somebody else is changing the certificate; it is looked at again later."
                );
                let failed = RenewalInput::Failed {
                    retry_after: None,
                    away: true,
                };
                self.renewal.handle(failed, clock::now());
            }
            Err(NotRenewed::Failed(problem)) => {
                self.status.problem = problem;
                let failed = RenewalInput::Failed {
                    retry_after: None,
                    away: false,
                };
                self.renewal.handle(failed, clock::now());
                error!(
                    place = self.place.name,
                    problem = self.status.problem,
                    failures = self.renewal.failures(),
                    "The certificate of a bridge could not be renewed by the internal CA; it is \
                     tried again. What is shown stays."
                );
            }
        }
    }

    async fn try_renew(
        &self,
        ground: &Ground,
        config: &Arc<Config>,
        rules: &Rules,
        survey: &Survey,
        leaf: &Leaf,
    ) -> Result<CertificateFacts, NotRenewed> {
        let stopped = || NotRenewed::Failed("the daemon is stopping".to_owned());
        let before: Vec<Vec<u8>> = [&survey.current, &survey.old]
            .into_iter()
            .flatten()
            .map(|ca| ca.der.clone())
            .collect();
        let (held, own, place) = (Arc::clone(config), rules.clone(), self.place.clone());
        let prepared = ground.tasks.blocking(move || {
            let now = clock::wall();
            let authority = CaFolder::new(&own.directory).load(now)?;
            let lifetime = own.client_lifetime;
            issue::prepare(&held, &place, &authority, &before, lifetime, now).map_err(Failed::from)
        });
        let fresh = prepared.await.ok_or_else(stopped)?;
        let fresh = fresh.map_err(|failed| match failed {
            Failed::Issue(IssueError::Disk(error)) if error.is_busy() => NotRenewed::Busy,
            Failed::Ca(_) | Failed::Issue(_) => NotRenewed::Failed(failed.to_string()),
        })?;
        let (trials, proof) = if rules.try_first {
            (
                fresh.trials().await,
                proof_needed(&leaf.facts, clock::wall()),
            )
        } else {
            (Vec::new(), Proof::Unasked)
        };
        let held = Arc::clone(config);
        let done = ground
            .tasks
            .blocking(move || fresh.activate(&held, &trials, proof, "internal CA", clock::wall()));
        let done = done.await.ok_or_else(stopped)?;
        let done = done.map_err(|error| NotRenewed::Failed(error.to_string()))?;
        Ok(done.new)
    }
}

/// Times of the tries of the last day, as they are kept.
fn tries(renewal: &Renewal) -> Vec<i64> {
    let orders = renewal.memory().orders.into_iter();
    orders.map(date::to_unix).collect()
}

/// What became of a renewal that brought nothing.
enum NotRenewed {
    /// A verb or another worker holds the place.
    Busy,
    /// What is told.
    Failed(String),
}

/// Why there is no new certificate.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("{0}")]
    Ca(#[from] CaProblem),
    #[error("{0}")]
    Issue(#[from] IssueError),
}

/// In the last tenth of what is in use an XSP that cannot be asked is no reason to wait any longer.
fn proof_needed(leaf: &CertificateFacts, now: SystemTime) -> Proof {
    let whole = leaf.not_after.duration_since(leaf.not_before);
    let left = leaf.not_after.duration_since(now);
    if left.unwrap_or_default() < whole.unwrap_or_default() / 10 {
        Proof::NoRefusal
    } else {
        Proof::One
    }
}
