//! The internal CA: what it issued for the bridges renews itself, what an older CA issued is
//! replaced, and it is told when the CA itself must be replaced and when its predecessor can go.
//!
//! * [`folder`]: the CA's directory, and how a rotation changes it;
//! * [`issue`]: a new certificate, shown to the XSPs before it is used;
//! * `keeper`: one bridge's certificate and its renewal;
//! * [`status`]: what is kept over a restart;
//! * `tell`: which alarms that means, in the words of [`own_ca`].
//!
//! When is decided by [`crate::domain::certs::renewal`]. Without the CA's key here nothing is
//! issued, and the dates are watched as those of any certificate.

pub mod folder;
pub mod issue;
mod keeper;
pub mod status;
mod tell;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use tokio_util::sync::CancellationToken;
use tracing::info;
use tracing::warn;

use crate::config::Config;
use crate::config::InternalCa as Rules;
use crate::domain::alarms::Observation;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;
use crate::domain::certs::own_ca;
use crate::domain::certs::trust_usage::Present;
use crate::domain::certs::trust_usage::TrustUsage;
use crate::domain::certs::trust_usage::Verdict;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::shelf::Shelf;
use crate::workers::internal_ca::folder::CaFolder;
use crate::workers::internal_ca::folder::Generation;
use crate::workers::internal_ca::keeper::Keeper;
use crate::workers::internal_ca::status::Records;
use crate::workers::internal_ca::tell::Teller;

pub use crate::domain::certs::own_ca::SET;

/// Between two looks at files and the clock.
const LOOK: Duration = Duration::from_secs(2);

/// What is in use is written down to the hour: it is in use all the time.
const USE_STEP: i64 = 3_600;

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
struct Survey {
    has_key: bool,
    current: Option<Ca>,
    old: Option<Ca>,
    /// The next one is prepared.
    prepared: bool,
    problem: Option<String>,
    bridges: Vec<Bridge>,
    usage: TrustUsage,
    /// Why it is not known when each CA was in use; it is not written then either.
    lost: Option<String>,
}

/// What a bridge shows.
pub(super) struct Bridge {
    place: Place,
    pub(super) leaf: Option<Leaf>,
    /// Until when it is left alone: an operator went back to the certificate before.
    pub(super) held: Option<SystemTime>,
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
    let shelf = Shelf::new(&config.state_dir);
    let bridges = issue::bridges(config).into_iter();
    let bridges = bridges.map(|place| {
        let leaf = leaf(&place);
        // After the files: who goes back notes it before they are changed.
        let held = shelf.held(&place).ok().flatten();
        let held = held.and_then(|hold| date::from_unix(hold.until));
        Bridge { place, leaf, held }
    });
    let bridges = bridges.collect();
    let usage = Records::new(&config.state_dir).usage();
    let lost = usage.as_ref().err().map(ToString::to_string);
    Survey {
        has_key: folder.has_key(),
        prepared: folder.certificate(Generation::Next).exists(),
        bridges,
        current,
        old,
        problem,
        usage: usage.unwrap_or_default(),
        lost,
    }
}

#[derive(Default)]
struct Desk {
    keepers: BTreeMap<String, Keeper>,
    teller: Teller,
    /// What was said last of the CA as a whole, so that it is said once.
    said: Option<String>,
    /// The same of when each was in use.
    said_lost: Option<String>,
}

impl Desk {
    async fn look(&mut self, ground: &Ground, config: &Arc<Config>, rules: &Rules) {
        let (held, own) = (Arc::clone(config), rules.clone());
        let Some(survey) = ground.tasks.blocking(move || survey(&held, &own)).await else {
            return;
        };
        self.remark(rules, &survey);
        let there = |name: &String| survey.bridges.iter().any(|held| held.place.name == *name);
        self.keepers.retain(|name, _| there(name));
        let mut seen = Vec::new();
        for bridge in &survey.bridges {
            let place = &bridge.place;
            let keeper = match self.keepers.entry(place.name.clone()) {
                Entry::Occupied(held) => held.into_mut(),
                Entry::Vacant(free) => {
                    let records = Records::new(&config.state_dir);
                    free.insert(Keeper::open(ground, records, place).await)
                }
            };
            keeper.look(ground, config, rules, &survey, bridge).await;
            seen.push(tell::renewal(place, &keeper.status, bridge.leaf.as_ref()));
        }
        let now = clock::wall();
        seen.extend(
            survey
                .current
                .as_ref()
                .map(|ca| own_ca::rotation(&ca.facts, rules.client_lifetime, survey.prepared, now)),
        );
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
        &mut self,
        ground: &Ground,
        config: &Arc<Config>,
        survey: &Survey,
        now: SystemTime,
    ) -> Option<Observation> {
        let mut usage = survey.usage.clone();
        let verdict = judge_usage(&mut usage, survey, now);
        if survey.lost != self.said_lost
            && let Some(error) = &survey.lost
        {
            warn!(%error, "When each internal CA was last used cannot be read.");
        }
        self.said_lost.clone_from(&survey.lost);
        if usage != survey.usage && survey.lost.is_none() {
            let records = Records::new(&config.state_dir);
            let kept = ground.tasks.blocking(move || records.keep_usage(&usage));
            if let Some(Err(error)) = kept.await {
                warn!(%error, "When each internal CA was last used cannot be kept.");
            }
        }
        let old = survey.old.as_ref()?;
        Some(own_ca::unused(&old.facts, verdict, now))
    }
}

/// Takes in what is in use now. What is said of the CA before the one that issues.
fn judge_usage(usage: &mut TrustUsage, survey: &Survey, now: SystemTime) -> Verdict {
    let hour = date::to_unix(now) / USE_STEP * USE_STEP;
    let present = |of: Generation, ca: &Ca| {
        let mut leaves = survey.bridges.iter().filter_map(|held| held.leaf.as_ref());
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

#[cfg(test)]
mod tests;
