//! Compares BroadWorks with Webex, one enterprise after the other, and keeps the last report of
//! each. Nothing is changed by it.
//!
//! * [`Reconciler`]: the handle.
//! * `read`: both sides of one enterprise, one question after the other with a pause between.
//! * `report`: what differs.

mod read;
mod report;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::info;
use tracing::warn;

use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::Moment;
use crate::outbound::broadworks::ocip::CurrentOcip;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::workers::provisioner::Provisioner;
use crate::workers::reconciler::report::compared;
use crate::workers::webex_partners::WebexPartners;

pub use crate::workers::reconciler::report::Report;
pub use crate::workers::reconciler::report::Source;

/// Enterprises that may wait: more than a partner has.
const WAITING: usize = 10_000;
/// Enterprises whose last report is kept.
const REPORTS: usize = 2_000;
/// Between two looks at the hour.
const LOOK: Duration = Duration::from_secs(60);
const HOUR: u64 = 3_600;

/// How it goes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// At which hour of each night, UTC; `None`: on an operator's word only.
    pub nightly: Option<u32>,
    /// Between two questions.
    pub pause: Duration,
    /// How long a user may be pending before it counts as stuck.
    pub stuck_after: Duration,
}

/// What it asks.
#[derive(Clone)]
pub struct Sides {
    /// Has the records.
    pub provisioner: Provisioner,
    /// Webex.
    pub partners: WebexPartners,
    /// BroadWorks, for the cluster of which there is an account.
    pub ocip: CurrentOcip,
}

/// How far the comparison is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Which enterprise.
    pub enterprise: String,
    /// How many wait behind it.
    pub waiting: usize,
    /// What is being read.
    pub says: String,
}

/// Too many enterprises wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{WAITING} enterprises wait to be compared already; try again when some are done")]
pub struct Full;

/// The handle; clones share it.
#[derive(Clone)]
pub struct Reconciler(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    wanted: mpsc::Sender<()>,
}

struct State {
    rules: Rules,
    waiting: Vec<EnterpriseKey>,
    running: Option<Progress>,
    /// In the order of their ends, for the bound.
    ended: Vec<EnterpriseKey>,
    reports: BTreeMap<EnterpriseKey, Arc<Report>>,
}

impl Reconciler {
    /// Starts the worker.
    #[must_use]
    pub fn start(sides: Sides, rules: Rules, tasks: &Tasks) -> Self {
        // One word to begin is as good as many.
        let (wanted, begin) = mpsc::channel(1);
        let reconciler = Self(Arc::new(Inner {
            state: Mutex::new(State {
                rules,
                waiting: Vec::new(),
                running: None,
                ended: Vec::new(),
                reports: BTreeMap::new(),
            }),
            wanted,
        }));
        let work = run(reconciler.clone(), sides, begin, tasks.stop());
        tasks.worker("reconciler", work);
        reconciler
    }

    /// Takes changed rules over, for the next enterprise.
    pub fn apply(&self, rules: Rules) {
        self.state().rules = rules;
    }

    /// Asks for a comparison; one that waits already is not asked for twice. Says how many wait.
    ///
    /// # Errors
    /// [`Full`].
    pub fn ask_for(&self, keys: Vec<EnterpriseKey>) -> Result<usize, Full> {
        let mut state = self.state();
        for key in keys {
            if state.waiting.contains(&key) {
                continue;
            }
            if state.waiting.len() >= WAITING {
                return Err(Full);
            }
            state.waiting.push(key);
        }
        let waiting = state.waiting.len();
        if state.running.is_none() && waiting > 0 {
            // Whoever asks next must not take the last report for this one.
            state.running = Some(Progress {
                enterprise: String::new(),
                waiting,
                says: "The comparison begins.".to_owned(),
            });
        }
        drop(state);
        // A word that waits already is enough.
        self.0.wanted.try_send(()).ok();
        Ok(waiting)
    }

    /// How far it is; `None` while nothing is compared.
    #[must_use]
    pub fn running(&self) -> Option<Progress> {
        self.state().running.clone()
    }

    /// The last report of an enterprise.
    #[must_use]
    pub fn report(&self, key: &EnterpriseKey) -> Option<Arc<Report>> {
        self.state().reports.get(key).cloned()
    }

    /// The last report of each enterprise, in their order.
    #[must_use]
    pub fn reports(&self) -> Vec<Arc<Report>> {
        self.state().reports.values().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rules(&self) -> Rules {
        self.state().rules
    }

    /// The next that waits; without one, nothing runs any more.
    fn next(&self) -> Option<EnterpriseKey> {
        let mut state = self.state();
        if state.waiting.is_empty() {
            state.running = None;
            return None;
        }
        let key = state.waiting.remove(0);
        state.running = Some(Progress {
            enterprise: key.enterprise().to_owned(),
            waiting: state.waiting.len(),
            says: format!("{}: it begins", key.enterprise()),
        });
        Some(key)
    }

    fn says(&self, text: String) {
        let mut state = self.state();
        let waiting = state.waiting.len();
        if let Some(running) = &mut state.running {
            running.says = text;
            running.waiting = waiting;
        }
    }

    fn keep(&self, report: Report) {
        let mut state = self.state();
        let key = report.key.clone();
        state.ended.retain(|held| *held != key);
        state.ended.push(key.clone());
        state.reports.insert(key, Arc::new(report));
        if state.ended.len() > REPORTS {
            let oldest = state.ended.remove(0);
            state.reports.remove(&oldest);
        }
    }
}

async fn run(
    reconciler: Reconciler,
    sides: Sides,
    mut begin: mpsc::Receiver<()>,
    stop: CancellationToken,
) {
    let mut last_night = None;
    loop {
        // All may be dropped halfway without losing anything: what waits stands in the state.
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            wanted = begin.recv() => if wanted.is_none() { return },
            () = sleep(LOOK) => {
                let night = nightly(reconciler.rules(), clock::wall());
                if night.is_none() || night == last_night {
                    continue;
                }
                last_night = night;
                all(&reconciler, &sides).await;
            }
        }
        while let Some(key) = reconciler.next() {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = one(&reconciler, &sides, key) => {}
            }
        }
    }
}

/// The number of the day whose hour it is.
fn nightly(rules: Rules, wall: SystemTime) -> Option<u64> {
    let hours = Moment::of(wall).0 / 1_000 / HOUR;
    let hour = rules.nightly?;
    (hours % 24 == u64::from(hour)).then_some(hours / 24)
}

async fn all(reconciler: &Reconciler, sides: &Sides) {
    match sides.provisioner.store().customers().await {
        Ok(held) => {
            let keys = held.into_iter().map(|record| record.key).collect();
            if let Err(error) = reconciler.ask_for(keys) {
                warn!(%error, "Not every enterprise is compared this night.");
            }
        }
        Err(error) => warn!(%error, "Nothing is compared this night."),
    }
}

async fn one(reconciler: &Reconciler, sides: &Sides, key: EnterpriseKey) {
    let rules = reconciler.rules();
    let began = Moment::of(clock::wall());
    let says = |text: String| reconciler.says(text);
    let read = match read::read(sides, &key, rules.pause, &says).await {
        Ok(Some(read)) => read,
        // It is gone meanwhile.
        Ok(None) => return,
        Err(error) => {
            warn!(enterprise = key.enterprise(), %error, "An enterprise was not compared.");
            return;
        }
    };
    let times = (began, Moment::of(clock::wall()));
    let report = compared(key, read, rules.stuck_after, times);
    info!(
        enterprise = report.key.enterprise(),
        cluster = %report.key.cluster,
        broadworks = report.broadworks_users,
        webex = report.webex_users,
        differences = report.rows.len(),
        problem = report.problem.as_deref(),
        note = report.note.as_deref(),
        "An enterprise was compared."
    );
    reconciler.keep(report);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_comes_once_a_day_at_its_hour() {
        let rules = |nightly| Rules {
            nightly,
            pause: Duration::ZERO,
            stuck_after: Duration::ZERO,
        };
        let at = |hours: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(hours * HOUR + 59);
        assert_eq!(nightly(rules(Some(2)), at(24 + 2)), Some(1));
        assert_eq!(nightly(rules(Some(2)), at(24 + 3)), None);
        assert_eq!(nightly(rules(None), at(24 + 2)), None);
    }
}
