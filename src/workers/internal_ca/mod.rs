//! The internal CA: what it issued for the bridges renews itself, what an older CA issued is
//! replaced, and it is told when the CA itself must be replaced and when its predecessor can go.
//!
//! * [`folder`]: the CA's directory, and how a rotation changes it;
//! * [`issue`]: a new certificate, shown to the XSPs before it is used;
//! * [`status`]: what is kept over a restart;
//! * `tell`: which alarms that means.
//!
//! When is decided by [`crate::domain::certs::renewal`]. Without the CA's key here nothing is
//! issued, and the dates are watched as those of any certificate.

pub mod folder;
pub mod issue;
pub mod status;
mod tell;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use tokio_util::sync::CancellationToken;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::config::Config;
use crate::config::InternalCa as Rules;
use crate::domain::alarms::Observation;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;
use crate::domain::certs::renewal::Life;
use crate::domain::certs::renewal::Renewal;
use crate::domain::certs::renewal::RenewalAction;
use crate::domain::certs::renewal::RenewalInput;
use crate::domain::certs::trust_usage::Present;
use crate::domain::certs::trust_usage::TrustUsage;
use crate::domain::certs::trust_usage::Verdict;
use crate::domain::machine::Machine as _;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::tls::authority::Likeness;
use crate::workers::cert_desk::place::Place;
use crate::workers::internal_ca::folder::CaFolder;
use crate::workers::internal_ca::folder::CaProblem;
use crate::workers::internal_ca::folder::Generation;
use crate::workers::internal_ca::issue::IssueError;
use crate::workers::internal_ca::issue::Proof;
use crate::workers::internal_ca::status::Records;
use crate::workers::internal_ca::status::Status;
use crate::workers::internal_ca::tell::Teller;

/// Between two looks at files and the clock.
const LOOK: Duration = Duration::from_secs(2);

/// Tries in a day: each is a connection to every XSP. After failures the pauses grow, so only
/// somebody who mends and breaks things all day comes near.
const TRIES_PER_DAY: usize = 24;

/// What is in use is written down to the hour: it is in use all the time.
const USE_STEP: i64 = 3_600;

/// The name under which the generations of the CA are remembered.
pub const SET: &str = "internal-ca";

/// What the worker stands on.
pub struct Ground {
    /// Gives the configuration in force.
    pub config: Box<dyn Fn() -> Arc<Config> + Send + Sync>,
    /// Who is told.
    pub observe: Arc<dyn Fn(Observation) + Send + Sync>,
    /// Where blocking work runs.
    pub tasks: Tasks,
}

/// Renews until `stop`.
pub async fn run(ground: Ground, stop: CancellationToken) {
    let mut desk = Desk::default();
    loop {
        let config = (ground.config)();
        match config.internal_ca.clone() {
            // What was told of a CA that is configured no longer is over.
            None => desk.teller.say(Vec::new(), &ground.observe),
            Some(rules) => {
                tokio::select! {
                    // What is cut off is begun anew after the restart.
                    () = stop.cancelled() => return,
                    () = desk.look(&ground, &config, &rules) => {}
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// What is in the files.
pub(super) struct Survey {
    has_key: bool,
    current: Option<Ca>,
    old: Option<Ca>,
    problem: Option<String>,
    bridges: Vec<(Place, Option<Leaf>)>,
    usage: TrustUsage,
}

/// One generation of the CA.
#[derive(Clone)]
pub(super) struct Ca {
    pub(super) facts: CertificateFacts,
    pub(super) der: Vec<u8>,
}

/// A leaf that the CA, or the one before it, issued.
pub(super) struct Leaf {
    pub(super) facts: CertificateFacts,
    of: Generation,
}

/// Looks at the files. Blocks.
fn survey(config: &Config, rules: &Rules) -> Survey {
    let folder = CaFolder::new(&rules.directory);
    let mut problem = None;
    let mut ca = |generation| match folder.facts(generation) {
        Ok(found) => found.map(|(facts, der)| Ca { facts, der }),
        Err(error) => {
            problem = Some(error.to_string());
            None
        }
    };
    let (current, old) = (ca(Generation::Current), ca(Generation::Old));
    if current.is_none() && problem.is_none() {
        let path = folder.certificate(Generation::Current);
        problem = Some(format!("there is no {}", path.display()));
    }
    let known = [
        (Generation::Current, current.as_ref()),
        (Generation::Old, old.as_ref()),
    ];
    let leaf = |place: &Place| {
        let der = issue::in_use(place).ok().flatten()?;
        let of = known
            .iter()
            .find(|(_, ca)| ca.is_some_and(|ca| issue::issued_by(&der, &ca.der)))?;
        let facts = CertificateFacts::parse(&der).ok()?;
        Some(Leaf { facts, of: of.0 })
    };
    let bridges = issue::bridges(config).into_iter();
    let bridges = bridges.map(|place| {
        let leaf = leaf(&place);
        (place, leaf)
    });
    let bridges = bridges.collect();
    Survey {
        has_key: folder.has_key(),
        bridges,
        current,
        old,
        problem,
        usage: Records::new(&config.state_dir).usage(),
    }
}

#[derive(Default)]
struct Desk {
    keepers: BTreeMap<String, Keeper>,
    teller: Teller,
    /// What was said last of the CA as a whole, so that it is said once.
    said: Option<String>,
}

impl Desk {
    async fn look(&mut self, ground: &Ground, config: &Arc<Config>, rules: &Rules) {
        let (held, own) = (Arc::clone(config), rules.clone());
        let Some(survey) = ground.tasks.blocking(move || survey(&held, &own)).await else {
            return;
        };
        self.remark(rules, &survey);
        let there = |name: &String| survey.bridges.iter().any(|(place, _)| place.name == *name);
        self.keepers.retain(|name, _| there(name));
        let mut seen = Vec::new();
        for (place, leaf) in &survey.bridges {
            let records = Records::new(&config.state_dir);
            let keeper = self
                .keepers
                .entry(place.name.clone())
                .or_insert_with(|| Keeper::new(records, place));
            keeper
                .look(ground, config, rules, &survey, leaf.as_ref())
                .await;
            seen.push(tell::renewal(place, &keeper.status, leaf.as_ref()));
        }
        let now = clock::wall();
        seen.extend(survey.current.as_ref().map(|ca| {
            let next = CaFolder::new(&rules.directory).certificate(Generation::Next);
            tell::rotation(&ca.facts, rules.client_lifetime, next.exists(), now)
        }));
        seen.extend(self.usage(ground, config, &survey, now).await);
        self.teller.say(seen, &ground.observe);
    }

    /// Says once what the CA as a whole lacks.
    fn remark(&mut self, rules: &Rules, survey: &Survey) {
        let directory = rules.directory.display();
        let said = match &survey.problem {
            Some(problem) => Some(format!("The internal CA cannot be read: {problem}.")),
            None if rules.renew && !survey.has_key => Some(format!(
                "The key of the internal CA is not in {directory}: what it issued is renewed by hand \
                 (xspd certs issue-bridge-client), and only its dates are watched."
            )),
            None => None,
        };
        if said != self.said
            && let Some(text) = &said
        {
            if survey.problem.is_some() {
                warn!("{text}");
            } else {
                info!("{text}");
            }
        }
        self.said = said;
    }

    /// Remembers which CA's leaves are in use, and says of the old one whether it can go.
    async fn usage(
        &self,
        ground: &Ground,
        config: &Arc<Config>,
        survey: &Survey,
        now: SystemTime,
    ) -> Option<Observation> {
        let mut usage = survey.usage.clone();
        let verdict = judge_usage(&mut usage, survey, now);
        if usage != survey.usage {
            let records = Records::new(&config.state_dir);
            let kept = ground.tasks.blocking(move || records.keep_usage(&usage));
            if let Some(Err(error)) = kept.await {
                warn!(%error, "When each internal CA was last used cannot be kept.");
            }
        }
        let old = survey.old.as_ref()?;
        Some(tell::unused(&old.facts, verdict, now))
    }
}

/// Takes in what is in use now. What is said of the CA before the one that issues.
pub(super) fn judge_usage(usage: &mut TrustUsage, survey: &Survey, now: SystemTime) -> Verdict {
    let hour = date::to_unix(now) / USE_STEP * USE_STEP;
    let present = |of: Generation, ca: &Ca| {
        let mut leaves = survey.bridges.iter().filter_map(|(_, leaf)| leaf.as_ref());
        Present {
            name: ca.facts.fingerprint.to_string(),
            ends: Some(ca.facts.not_after),
            last_used: leaves.any(|leaf| leaf.of == of).then_some(hour),
        }
    };
    let current = survey.current.as_ref();
    let old = survey.old.as_ref();
    let all: Vec<Present> = current
        .map(|ca| present(Generation::Current, ca))
        .into_iter()
        .chain(old.map(|ca| present(Generation::Old, ca)))
        .collect();
    let verdicts = usage.look(SET, &all, now);
    match (old, verdicts.last()) {
        (Some(_), Some(verdict)) => *verdict,
        (_, _) => Verdict::Used,
    }
}

/// One bridge's certificate.
struct Keeper {
    records: Records,
    place: Place,
    status: Status,
    renewal: Renewal,
    kept: bool,
}

impl Keeper {
    fn new(records: Records, place: &Place) -> Self {
        let mut status = records.status(place);
        if status.seed == 0 {
            let mut seed = [0; 8];
            // Without randomness all nodes come at once, which is no harm to one of them.
            aws_lc_rs::rand::fill(&mut seed).ok();
            status.seed = u64::from_le_bytes(seed) | 1;
        }
        status.place.clone_from(&place.name);
        let tries = status.tries.iter().copied().filter_map(date::from_unix);
        let tries = tries.collect();
        Self {
            renewal: Renewal::new(status.seed, TRIES_PER_DAY, tries),
            records,
            place: place.clone(),
            status,
            kept: false,
        }
    }

    async fn look(
        &mut self,
        ground: &Ground,
        config: &Arc<Config>,
        rules: &Rules,
        survey: &Survey,
        leaf: Option<&Leaf>,
    ) {
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
            let life = (leaf.of == Generation::Current).then_some(Life {
                not_before: leaf.facts.not_before,
                not_after: leaf.facts.not_after,
            });
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
            self.status.tries = self.renewal.orders().map(date::to_unix).collect();
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
        self.status.tries = self.renewal.orders().map(date::to_unix).collect();
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
                let life = Life {
                    not_before: facts.not_before,
                    not_after: facts.not_after,
                };
                let renewed = RenewalInput::Renewed(life);
                self.renewal.handle(renewed, clock::now());
            }
            Err(problem) => {
                self.status.problem = problem;
                let failed = RenewalInput::Failed { retry_after: None };
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
    ) -> Result<CertificateFacts, String> {
        let stopped = || "the daemon is stopping".to_owned();
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
        let fresh = fresh.map_err(|error| error.to_string())?;
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
        let done = done.map_err(|error| error.to_string())?;
        Ok(done.new)
    }
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

#[cfg(test)]
mod tests;
