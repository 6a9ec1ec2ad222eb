//! The task that runs the pure machine, with the store and Webex at its hands.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use futures_util::future::BoxFuture;
use futures_util::future::FutureExt;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use crate::domain::machine::Machine;
use crate::domain::provisioning::conductor::Action;
use crate::domain::provisioning::conductor::CallId;
use crate::domain::provisioning::conductor::Conductor;
use crate::domain::provisioning::conductor::Input;
use crate::domain::provisioning::ids::PartnerName;
use crate::domain::provisioning::policy::Settings;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::FailureKind;
use crate::domain::provisioning::webex::WebexOp;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::store::Feed;
use crate::store::Store;
use crate::store::StoreError;
use crate::telemetry::provisioning::ProvisioningMetrics;
use crate::workers::provisioner::Performed;
use crate::workers::provisioner::Phase;
use crate::workers::provisioner::Webex;
use crate::workers::provisioner::saver;
use crate::workers::provisioner::saver::Waiting;
use crate::workers::provisioner::upkeep;

/// Answers that wait; the machine has a few calls under way for each partner.
const ANSWERS: usize = 256;

/// The first pause after a start that could not read the store, doubled up to the longest.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What the task works with.
pub(super) struct Desk {
    pub(super) store: Store,
    pub(super) webex: Webex,
    pub(super) metrics: Arc<ProvisioningMetrics>,
    pub(super) tasks: Tasks,
    pub(super) draining: CancellationToken,
    pub(super) history: Duration,
}

/// What may happen to the desk.
enum Happening {
    Deadline,
    Drain,
    Ended,
    Input(Input),
    Kept(Vec<Input>),
}

impl Desk {
    /// Reads what was known and drives it, until a drain is over or `stop` fires.
    pub(super) async fn run(
        self,
        settings: Settings,
        feed: Feed,
        inputs: mpsc::Receiver<Input>,
        phase: watch::Sender<Phase>,
        stop: CancellationToken,
    ) {
        let work = async {
            if let Some(conductor) = self.load(settings).await {
                phase.send_replace(Phase::Driving);
                self.drive(conductor, feed, inputs).await;
            }
        };
        // Cut off, nothing is lost but calls whose end the next start asks Webex for.
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = work => {}
        }
        phase.send_replace(Phase::Ended);
    }

    /// `None`: a drain came first.
    async fn load(&self, settings: Settings) -> Option<Conductor> {
        let mut pause = PAUSE;
        loop {
            match self.read(settings.clone()).await {
                Ok(conductor) => return Some(conductor),
                Err(error) => {
                    let reason = error.as_str();
                    self.metrics.store_failed(reason, &error.to_string());
                }
            }
            tokio::select! {
                () = self.draining.cancelled() => return None,
                () = sleep(pause) => pause = pause.saturating_mul(2).min(LONGEST_PAUSE),
            }
        }
    }

    async fn read(&self, settings: Settings) -> Result<Conductor, StoreError> {
        let began = clock::mono();
        // Nobody is at work with them yet. A full disk, or one that is only read, must not keep the
        // others from going on.
        if let Err(error) = self.store.prune(upkeep::ago(self.history)).await {
            let reason = error.as_str();
            self.metrics.store_failed(reason, &error.to_string());
        }
        let now = clock::now();
        let mut conductor = Conductor::new(settings, seed(), now);
        // One that cannot be read must not keep all the others from going on.
        let (enterprises, lost) = self.store.load_enterprises().await?;
        for record in enterprises {
            conductor.load_enterprise(record, now);
        }
        let take = |user: crate::store::query::UserRecord| {
            conductor.load(user.desired, user.job, now);
        };
        let unreadable = self.store.load(take).await?.saturating_add(lost);
        let seconds = clock::mono().duration_since(began).as_secs_f64();
        self.metrics.loaded(conductor.open(), unreadable, seconds);
        // Sets all of them going.
        conductor.handle_timeout(clock::now());
        Ok(conductor)
    }

    async fn drive(&self, mut conductor: Conductor, feed: Feed, inputs: mpsc::Receiver<Input>) {
        let (answer, answers) = mpsc::channel(ANSWERS);
        let mut hands = Hands {
            feed,
            inputs,
            answers,
            trip: None,
        };
        let mut waiting = Waiting::default();
        let mut draining = false;
        loop {
            if cfg!(debug_assertions) {
                conductor.check_invariants();
            }
            while let Some(action) = conductor.poll_action() {
                match action {
                    Action::Call { call, partner, op } => self.call(call, partner, op, &answer),
                    Action::Recall(key) => waiting.recall(key),
                    Action::Save { token, changes } => waiting.save(token, changes),
                    Action::Tell(event) => self.metrics.tell(&event),
                }
            }
            if hands.trip.is_none()
                && let Some(trip) = waiting.next()
            {
                let (store, metrics) = (self.store.clone(), Arc::clone(&self.metrics));
                hands.trip = Some(saver::go(store, metrics, trip).boxed());
            }
            let kept = hands.trip.is_none() && waiting.is_empty();
            if draining && kept && conductor.is_idle() && hands.feed.is_empty() {
                return;
            }
            let deadline = conductor.deadline();
            match hands.wait(deadline, &self.draining, draining).await {
                Happening::Deadline => conductor.handle_timeout(clock::now()),
                Happening::Drain => {
                    draining = true;
                    conductor.drain();
                }
                Happening::Ended => return,
                Happening::Input(input) => conductor.handle(input, clock::now()),
                Happening::Kept(inputs) => {
                    hands.trip = None;
                    let now = clock::now();
                    for input in inputs {
                        conductor.handle(input, now);
                    }
                }
            }
            // A flood of inputs must not keep a deadline waiting.
            let now = clock::now();
            if conductor.deadline().is_some_and(|due| due <= now.mono) {
                conductor.handle_timeout(now);
            }
        }
    }

    /// Asks Webex in a task of its own, which answers exactly once.
    fn call(&self, call: CallId, partner: PartnerName, op: WebexOp, answers: &mpsc::Sender<Input>) {
        let asked = (self.webex)(partner, op);
        let answers = answers.clone();
        self.tasks.connection(async move {
            // A bug there must not leave the machine waiting for ever.
            let ended = std::panic::AssertUnwindSafe(asked).catch_unwind().await;
            let Performed { outcome, tracking } = ended.unwrap_or_else(|_| broken());
            let answered = Input::Answered {
                call,
                outcome,
                tracking,
            };
            // The desk is gone, and with it the question.
            drop(answers.send(answered).await);
        });
    }
}

/// Where things come from that happen to the desk.
struct Hands {
    feed: Feed,
    inputs: mpsc::Receiver<Input>,
    answers: mpsc::Receiver<Input>,
    trip: Option<BoxFuture<'static, Vec<Input>>>,
}

impl Hands {
    /// Each branch may be dropped halfway without losing anything: receivers then have taken
    /// nothing, and the trip stays.
    async fn wait(
        &mut self,
        deadline: Option<Instant>,
        drain: &CancellationToken,
        draining: bool,
    ) -> Happening {
        let trip = self.trip.as_mut();
        let kept = async {
            match trip {
                Some(trip) => trip.await,
                None => std::future::pending().await,
            }
        };
        let due = async {
            match deadline {
                Some(deadline) => sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = drain.cancelled(), if !draining => Happening::Drain,
            inputs = kept => Happening::Kept(inputs),
            // We hold a sender: it never ends.
            Some(answered) = self.answers.recv() => Happening::Input(answered),
            accepted = self.feed.recv() => match accepted {
                Some(accepted) => Happening::Input(Input::Desired {
                    desired: accepted.desired,
                    enterprise: accepted.enterprise,
                }),
                // The store has ended: nothing can be kept any more.
                None => Happening::Ended,
            },
            Some(input) = self.inputs.recv() => Happening::Input(input),
            () = due => Happening::Deadline,
        }
    }
}

fn broken() -> Performed {
    Performed {
        outcome: Err(CallFailure {
            kind: FailureKind::Unanswered,
            code: None,
            text: "the call ended in a way it should not; please report this".to_owned(),
            ours: None,
            theirs: None,
            retry_after: None,
        }),
        tracking: Vec::new(),
    }
}

/// Differs from start to start, so that the retries of several nodes spread.
fn seed() -> u64 {
    let (high, low) = uuid::Uuid::now_v7().as_u64_pair();
    high ^ low
}
