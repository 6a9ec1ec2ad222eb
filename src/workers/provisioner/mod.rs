//! Drives provisioning: takes wishes in durably, and brings every user to the newest of its own.
//!
//! * [`Provisioner`]: the handle that endpoints and commands use.
//! * `desk`: the task that runs the pure machine, with the store and Webex at its hands.
//! * `saver`: what the machine wants kept, in its order, tried until it is.
//! * `upkeep`: what is counted, and what is forgotten by age.

mod desk;
mod saver;
mod upkeep;
pub mod webex;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::domain::provisioning::conductor::Input;
use crate::domain::provisioning::ids::PartnerName;
use crate::domain::provisioning::ids::TrackingId;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::intake;
use crate::domain::provisioning::intake::Verdict;
use crate::domain::provisioning::intake::Wish;
use crate::domain::provisioning::policy::Settings;
use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::record::Source;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::WebexAnswer;
use crate::domain::provisioning::webex::WebexOp;
use crate::platform::tasks::Tasks;
use crate::store::Ask;
use crate::store::Feed;
use crate::store::Held;
use crate::store::Keep;
use crate::store::Store;
use crate::store::StoreError;
use crate::telemetry::provisioning::ProvisioningMetrics;
use crate::workers::provisioner::desk::Desk;

/// Inputs that wait for the machine, which takes microseconds for each.
const INPUTS: usize = 256;

/// How long a wish that comes during the start waits for its end: the AS must get its answer within
/// 2 s, and some of that is the store's.
const START: Duration = Duration::from_millis(1_000);

/// What came of one call to Webex.
#[derive(Debug)]
pub struct Performed {
    /// The answer.
    pub outcome: Result<WebexAnswer, CallFailure>,
    /// Our name of the call and Webex's, as far as there are any.
    pub tracking: Vec<TrackingId>,
}

/// Asks Webex once, with the account of a partner.
pub type Webex = Arc<dyn Fn(PartnerName, WebexOp) -> BoxFuture<'static, Performed> + Send + Sync>;

/// What a provisioner is made of.
pub struct Parts {
    /// Where it is kept.
    pub store: Store,
    /// The wishes that become durable there.
    pub feed: Feed,
    /// What the configuration says.
    pub settings: Settings,
    /// How long history is kept.
    pub history: Duration,
    /// Who asks Webex.
    pub webex: Webex,
    /// What it tells.
    pub metrics: Arc<ProvisioningMetrics>,
}

/// Why a wish was not taken in, though it might be later: the AS gets 503.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The daemon is ending.
    #[error("xspd is ending; another node or the next start takes it")]
    Draining,
    /// The daemon has just begun and still reads what it knew.
    #[error("xspd is starting; try again in a moment")]
    Starting,
    /// It could not be written down.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The handle; clones share it.
#[derive(Clone)]
pub struct Provisioner {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    settings: ArcSwap<Settings>,
    history: watch::Sender<Duration>,
    inputs: mpsc::Sender<Input>,
    phase: watch::Receiver<Phase>,
    draining: CancellationToken,
    metrics: Arc<ProvisioningMetrics>,
}

/// How far the desk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It reads what was known.
    Loading,
    /// It drives.
    Driving,
    /// It has ended.
    Ended,
}

impl Provisioner {
    /// Starts to drive what the store holds.
    #[must_use]
    pub fn start(parts: Parts, tasks: &Tasks) -> Self {
        let Parts {
            store,
            feed,
            settings,
            history,
            webex,
            metrics,
        } = parts;
        metrics.series();
        metrics.store_reasons(&StoreError::WORDS);
        for policy in settings.templates.values() {
            if let Some(partner) = &policy.partner {
                metrics.partner_series(partner.as_str());
            }
        }
        let (inputs, received) = mpsc::channel(INPUTS);
        let (phase, seen) = watch::channel(Phase::Loading);
        let (history, kept) = watch::channel(history);
        let draining = CancellationToken::new();
        let desk = Desk {
            store: store.clone(),
            webex,
            metrics: Arc::clone(&metrics),
            tasks: tasks.clone(),
            draining: draining.clone(),
            history: *kept.borrow(),
        };
        let stop = tasks.stop();
        tasks.worker(
            "provisioner",
            desk.run(settings.clone(), feed, received, phase, stop.clone()),
        );
        let upkeep = upkeep::run(store.clone(), kept, Arc::clone(&metrics), stop);
        tasks.worker("provisioner-upkeep", upkeep);
        Self {
            inner: Arc::new(Inner {
                store,
                settings: ArcSwap::from_pointee(settings),
                history,
                inputs,
                phase: seen,
                draining,
                metrics,
            }),
        }
    }

    /// Takes a wish in. When this returns [`Verdict::Accept`], the wish is durable.
    ///
    /// # Errors
    /// It was not taken in; it may be later.
    pub async fn submit(&self, wish: Wish) -> Result<Verdict, SubmitError> {
        let source = wish.source;
        let verdict = async {
            self.wait_for_start().await?;
            // Only the template tells how the customer is named, and it may be the one from before.
            let known = match wish.template {
                Some(_) => None,
                None => self.inner.store.user(&wish.key).await?,
            };
            let known = known.as_ref().map(|user| &user.desired);
            self.take_in(wish, known).await
        };
        let verdict = verdict.await;
        self.note(source, &verdict);
        verdict
    }

    /// The same where it is known what the user was to be. Several at once are taken in in the order
    /// in which they are first polled.
    ///
    /// # Errors
    /// As [`Provisioner::submit`].
    pub async fn submit_known(
        &self,
        wish: Wish,
        known: Option<&Desired>,
    ) -> Result<Verdict, SubmitError> {
        let source = wish.source;
        let verdict = async {
            self.wait_for_start().await?;
            self.take_in(wish, known).await
        };
        let verdict = verdict.await;
        self.note(source, &verdict);
        verdict
    }

    /// What would come of wishes that are taken in one after the other, by the same decision; nothing
    /// is. Of each goes what the user was to be.
    ///
    /// # Errors
    /// It cannot be told, but may be later.
    pub async fn rehearse(
        &self,
        wishes: Vec<(Wish, Option<Desired>)>,
    ) -> Result<Vec<Result<Verdict, StoreError>>, SubmitError> {
        self.wait_for_start().await?;
        let settings = self.inner.settings.load_full();
        let asked = wishes.into_iter().map(|(wish, known)| {
            let ask = ask(known.as_ref(), &wish, &settings);
            (ask, deciding(wish, Arc::clone(&settings)))
        });
        Ok(self.inner.store.rehearse(asked.collect()).await?)
    }

    async fn take_in(&self, wish: Wish, known: Option<&Desired>) -> Result<Verdict, SubmitError> {
        let settings = self.inner.settings.load_full();
        let ask = ask(known, &wish, &settings);
        let accepted = self.inner.store.accept(ask, deciding(wish, settings));
        Ok(accepted.await?)
    }

    fn note(&self, source: Source, verdict: &Result<Verdict, SubmitError>) {
        let metrics = &self.inner.metrics;
        let word = match verdict {
            Ok(Verdict::Accept { .. }) => "accepted",
            Ok(Verdict::NotPresent) => "not-present",
            Ok(Verdict::Refuse(_)) => "refused",
            Ok(Verdict::Same { .. }) => "same",
            Err(_) => "failed",
        };
        metrics.wish(source, word);
        match verdict {
            // The others may have been answered without a write.
            Ok(Verdict::Accept { .. }) => metrics.store_well(),
            Err(SubmitError::Store(error)) => {
                metrics.store_failed(error.as_str(), &error.to_string());
            }
            Ok(_) | Err(SubmitError::Draining | SubmitError::Starting) => {}
        }
    }

    async fn wait_for_start(&self) -> Result<(), SubmitError> {
        if self.inner.draining.is_cancelled() {
            return Err(SubmitError::Draining);
        }
        let mut phase = self.inner.phase.clone();
        let begun = phase.wait_for(|phase| *phase != Phase::Loading);
        match timeout(START, begun).await {
            Ok(Ok(phase)) if *phase == Phase::Driving => Ok(()),
            Ok(_) => Err(SubmitError::Draining),
            Err(_late) => Err(SubmitError::Starting),
        }
    }

    /// Where everything is kept: for lists, histories and counts.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// What the configuration says at this moment.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.inner.settings.load_full()
    }

    /// Something was heard of a user: it is looked up in Webex, if its job is open.
    pub async fn observed(&self, key: UserKey) {
        self.input(Input::Observed(key)).await;
    }

    /// Whether there is a token of a partner; told whenever that changes, and with `true` whenever
    /// somebody authorised it again.
    pub async fn partner_token(&self, partner: PartnerName, ok: bool) {
        self.input(Input::PartnerToken { partner, ok }).await;
    }

    /// Takes a changed configuration over: for wishes at once, for jobs with their next step.
    pub async fn apply(&self, settings: Settings, history: Duration) {
        self.inner.settings.store(Arc::new(settings.clone()));
        self.inner.history.send_replace(history);
        self.input(Input::Settings(Box::new(settings))).await;
    }

    async fn input(&self, input: Input) {
        // The desk has ended when this fails, and nobody drives any more.
        drop(self.inner.inputs.send(input).await);
    }

    /// Takes nothing more in, lets the calls under way end and be written down, and ends. Returns
    /// after `patience` at the latest; what is not written down then is found by the next start.
    pub async fn drain(&self, patience: Duration) {
        self.inner.draining.cancel();
        let mut phase = self.inner.phase.clone();
        let ended = phase.wait_for(|phase| *phase == Phase::Ended);
        // Late or not, the process ends.
        drop(timeout(patience, ended).await);
    }
}

/// What has to be held for the decision about a wish.
fn ask(known: Option<&Desired>, wish: &Wish, settings: &Settings) -> Ask {
    Ask {
        user: wish.key.clone(),
        enterprise: intake::enterprise_of(known, wish, settings),
        email: intake::email_of(known, wish, settings),
    }
}

/// The decision about a wish, and what is kept of it.
fn deciding(wish: Wish, settings: Arc<Settings>) -> impl FnOnce(&Held) -> (Verdict, Keep) {
    move |held| {
        let verdict = intake::decide(held, wish, &settings);
        let keep = match &verdict {
            Verdict::Accept {
                desired,
                enterprise,
            } => Keep {
                desired: Some((**desired).clone()),
                enterprise: enterprise.clone(),
            },
            Verdict::NotPresent | Verdict::Refuse(_) | Verdict::Same { .. } => Keep::default(),
        };
        (verdict, keep)
    }
}
