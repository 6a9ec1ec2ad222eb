//! Directory syncs on an operator's word: carries out what [`SyncQueue`] says, one at a time in a
//! cluster. What waits is forgotten with the process; what runs at Webex goes on there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Instant;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use tracing::info;
use tracing::warn;

use crate::domain::machine::Machine as _;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::PartnerName;
use crate::domain::provisioning::ids::WebexEnterpriseId;
use crate::domain::provisioning::sync_queue::Action;
use crate::domain::provisioning::sync_queue::Full;
use crate::domain::provisioning::sync_queue::Heard;
use crate::domain::provisioning::sync_queue::Input;
use crate::domain::provisioning::sync_queue::Standing;
use crate::domain::provisioning::sync_queue::SyncQueue;
use crate::domain::provisioning::sync_queue::heard;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::DirectorySync;
use crate::platform::clock;
use crate::platform::tasks::Tasks;

/// Inputs that wait for the queue, which takes microseconds for each.
const INPUTS: usize = 64;

/// Where the directory of an enterprise is synced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// With whose account.
    pub partner: PartnerName,
    /// Webex's name of the enterprise.
    pub id: WebexEnterpriseId,
}

/// One call for a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Read the status.
    Look,
    /// Start it.
    Trigger,
}

/// Asks Webex once.
pub type AskWebex = Arc<
    dyn Fn(Target, Call) -> BoxFuture<'static, Result<DirectorySync, CallFailure>> + Send + Sync,
>;

/// The handle; clones share it.
#[derive(Clone)]
pub struct DirectorySyncs(Arc<Inner>);

struct Inner {
    held: Mutex<Held>,
    inputs: mpsc::Sender<Input>,
}

#[derive(Default)]
struct Held {
    queue: SyncQueue,
    targets: BTreeMap<EnterpriseKey, Target>,
}

impl DirectorySyncs {
    /// Starts to carry out what is asked for.
    #[must_use]
    pub fn start(webex: AskWebex, tasks: &Tasks) -> Self {
        let (inputs, received) = mpsc::channel(INPUTS);
        let syncs = Self(Arc::new(Inner {
            held: Mutex::default(),
            inputs,
        }));
        let work = run(syncs.clone(), webex, received, tasks.clone(), tasks.stop());
        tasks.worker("directory-sync", work);
        syncs
    }

    /// Asks for the sync of an enterprise, in its turn. One that waits or runs is the same one: then
    /// this is how it stands.
    ///
    /// # Errors
    /// Too many of its cluster wait.
    pub async fn ask_for(
        &self,
        key: EnterpriseKey,
        target: Target,
    ) -> Result<Option<Standing>, Full> {
        {
            let mut held = self.held();
            let before = held.queue.standing(&key);
            if let Some(before) = before.filter(Standing::is_open) {
                return Ok(Some(before));
            }
            held.queue.room(&key.cluster)?;
            held.targets.insert(key.clone(), target);
            // Seen at once by whoever asks how it stands.
            held.queue.handle(Input::Wanted(key.clone()), clock::now());
        }
        // Wakes the worker; that it has ended means that the process does.
        drop(self.0.inputs.send(Input::Wanted(key)).await);
        Ok(None)
    }

    /// Somebody looks at the sync of an enterprise: how it stands should not be old news.
    pub fn watched(&self, key: &EnterpriseKey) {
        let watched = Input::Watched(key.clone());
        self.held().queue.handle(watched.clone(), clock::now());
        // Wakes the worker; a full queue does so too.
        self.0.inputs.try_send(watched).ok();
    }

    /// How the sync of an enterprise stands; `None` when nobody asked for one since the start.
    #[must_use]
    pub fn standing(&self, key: &EnterpriseKey) -> Option<Standing> {
        self.held().queue.standing(key)
    }

    /// All that were asked for.
    #[must_use]
    pub fn all(&self) -> Vec<(EnterpriseKey, Standing)> {
        self.held().queue.all()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be done now, each with its target, and when to look again.
    fn step(&self, input: Option<Input>) -> (Vec<(Action, Target)>, Option<Instant>) {
        let now = clock::now();
        let mut held = self.held();
        match input {
            // These were handled when they were asked for.
            Some(Input::Wanted(_) | Input::Watched(_)) => {}
            Some(Input::Heard(key, heard)) => {
                log(&key, &heard);
                held.queue.handle(Input::Heard(key, heard), now);
            }
            Some(input @ Input::Unwanted(_)) => held.queue.handle(input, now),
            None => held.queue.handle_timeout(now),
        }
        if cfg!(debug_assertions) {
            held.queue.check_invariants();
        }
        let mut work = Vec::new();
        while let Some(action) = held.queue.poll_action() {
            let (Action::Look(key) | Action::Trigger(key)) = &action;
            if let Some(target) = held.targets.get(key).cloned() {
                work.push((action, target));
            }
        }
        let known: Vec<EnterpriseKey> = held.targets.keys().cloned().collect();
        for key in known {
            let standing = held.queue.standing(&key);
            if !standing.is_some_and(|standing| standing.is_open()) {
                held.targets.remove(&key);
            }
        }
        (work, held.queue.deadline())
    }
}

async fn run(
    syncs: DirectorySyncs,
    webex: AskWebex,
    mut inputs: mpsc::Receiver<Input>,
    tasks: Tasks,
    stop: CancellationToken,
) {
    let mut input = None;
    loop {
        let (work, deadline) = syncs.step(input.take());
        for (action, target) in work {
            let (key, call) = match action {
                Action::Look(key) => (key, Call::Look),
                Action::Trigger(key) => (key, Call::Trigger),
            };
            let (asking, inputs) = (webex(target, call), syncs.0.inputs.clone());
            tasks.connection(async move {
                let heard = heard(&asking.await);
                drop(inputs.send(Input::Heard(key, heard)).await);
            });
        }
        let passed = async {
            match deadline {
                Some(deadline) => sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        // All three may be dropped halfway without losing anything.
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            received = inputs.recv() => match received {
                Some(received) => input = Some(received),
                None => return,
            },
            () = passed => {}
        }
    }
}

fn log(key: &EnterpriseKey, heard: &Heard) {
    let (enterprise, cluster) = (key.enterprise(), key.cluster.as_str());
    match heard {
        Heard::Settled { well: true, text } => {
            info!(cluster, enterprise, webex = %text, "A directory sync is done.");
        }
        Heard::Settled { well: false, text } | Heard::Refused(text) => {
            warn!(cluster, enterprise, webex = %text, "A directory sync failed.");
        }
        Heard::Busy { .. } | Heard::Failed(_) | Heard::Running => {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::provisioning::ids::ClusterName;
    use crate::domain::provisioning::ids::SpEnterpriseId;
    use crate::domain::provisioning::webex::FailureKind;

    fn key(enterprise: &str) -> EnterpriseKey {
        EnterpriseKey::new(
            ClusterName::parse("east").unwrap(),
            &SpEnterpriseId::parse(enterprise).unwrap(),
        )
    }

    fn target(id: &str) -> Target {
        Target {
            partner: PartnerName::parse("acme").unwrap(),
            id: WebexEnterpriseId::parse(id).unwrap(),
        }
    }

    /// Runs syncs of two looks each, one at a time: a second one at once gets 429.
    fn webex(log: Arc<Mutex<Vec<String>>>) -> AskWebex {
        let running: Arc<Mutex<Option<(String, u32)>>> = Arc::default();
        Arc::new(move |target, call| {
            let mut running = running.lock().unwrap();
            let id = target.id.as_str().to_owned();
            log.lock().unwrap().push(format!("{call:?} {id}"));
            let said = |status: &str| {
                Ok(DirectorySync {
                    status: Some(status.to_owned()),
                    ..DirectorySync::default()
                })
            };
            let answer = match (call, running.take()) {
                (Call::Trigger, None) => {
                    *running = Some((id, 2));
                    said("IN_PROGRESS")
                }
                (Call::Trigger, Some(held)) => {
                    *running = Some(held);
                    Err(CallFailure {
                        kind: FailureKind::Status(429),
                        code: None,
                        text: String::new(),
                        ours: None,
                        theirs: None,
                        retry_after: None,
                    })
                }
                (Call::Look, Some((held, looks @ 2..))) => {
                    *running = Some((held, looks - 1));
                    said("IN_PROGRESS")
                }
                (Call::Look, Some(_) | None) => said("COMPLETE"),
            };
            Box::pin(std::future::ready(answer))
        })
    }

    #[tokio::test(start_paused = true)]
    async fn syncs_of_a_cluster_run_one_after_the_other_to_their_ends() {
        let tasks = Tasks::new();
        let log = Arc::default();
        let syncs = DirectorySyncs::start(webex(Arc::clone(&log)), &tasks);
        for name in ["a", "b"] {
            let target = target(&name.to_uppercase());
            assert_eq!(syncs.ask_for(key(name), target).await, Ok(None));
        }
        // A second wish is the same one, and says so.
        let again = syncs.ask_for(key("b"), target("B")).await.unwrap();
        assert_eq!(again, syncs.standing(&key("b")));
        let waits = Standing::Waiting {
            before: 1,
            put_back: 0,
        };
        assert_eq!(syncs.standing(&key("b")), Some(waits));
        let done = |standing| matches!(standing, Some(Standing::Done { .. }));
        while !done(syncs.standing(&key("b"))) {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert!(done(syncs.standing(&key("a"))));
        assert_eq!(
            *log.lock().unwrap(),
            [
                "Trigger A",
                "Look A",
                "Look A",
                "Trigger B",
                "Look B",
                "Look B"
            ]
        );
        tasks.stop().cancel();
        tasks.join().await;
    }
}
