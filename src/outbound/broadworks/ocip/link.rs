//! The connections to the cluster, and the way of one request through pace, breaker, connection,
//! repetition.

mod opening;

use std::hash::BuildHasher;
use std::hash::RandomState;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use tokio::sync::Notify;
use tokio::sync::Semaphore;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::domain::ocip::Answer;
use crate::domain::ocip::OcipFailure;
use crate::domain::ocip::Request;
use crate::domain::ocip::RequestKind;
use crate::domain::ocip::Unreachable;
use crate::domain::ocip::breaker::Admission;
use crate::domain::ocip::breaker::Breaker;
use crate::domain::ocip::breaker::Change;
use crate::domain::ocip::breaker::Standing;
use crate::domain::ocip::pace::Pacer;
use crate::domain::ocip::refusal::Meaning;
use crate::domain::ocip::refusal::Refusal;
use crate::outbound::broadworks::ocip::session::Broken;
use crate::outbound::broadworks::ocip::session::Session;
use crate::outbound::broadworks::ocip::settings::Settings;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::telemetry::ocip::OcipMetrics;

/// Connections held at once: one slow answer must not hold up everybody, and more would only let
/// us press harder on a server whose first job is calls.
const CONNECTIONS: usize = 2;

/// Requests that wait at once, whatever the rate; each is a task of some kilobytes.
const QUEUE: usize = 1_000;

/// When to come back after the queue was full.
const QUEUE_RETRY: Duration = Duration::from_secs(1);

/// How long a request that was not permitted on a fresh login is not tried with another one.
const DENIED: Duration = Duration::from_secs(300);

/// What the handles share.
pub(super) struct Link {
    pub(super) settings: Settings,
    pub(super) metrics: Arc<OcipMetrics>,
    tasks: Tasks,
    pub(super) breaker: Mutex<Breaker>,
    pacer: Mutex<Pacer>,
    /// Before `pacer`, for what anybody may ask: strangers who guess passwords must not use up
    /// what those with tokens need.
    strangers: Mutex<Pacer>,
    pub(super) idle: Mutex<Vec<Session>>,
    connections: Semaphore,
    queue: Arc<Semaphore>,
    /// By kind: the form that this Application Server knows, counted from 1; 0 is not yet known.
    forms: [AtomicUsize; RequestKind::ALL.len()],
    /// By kind: until when a lack of permission is believed.
    denied: Mutex<[Option<Instant>; RequestKind::ALL.len()]>,
    /// By address: until when it is tried last.
    avoided: Mutex<Vec<Option<Instant>>>,
    /// The breaker opened; the keeper has a date.
    pub(super) woken: Notify,
}

impl Link {
    pub(super) fn new(settings: Settings, tasks: &Tasks, metrics: Arc<OcipMetrics>) -> Arc<Self> {
        Arc::new(Self {
            pacer: Mutex::new(Pacer::new(settings.per_second, settings.burst)),
            strangers: Mutex::new(Pacer::new(settings.per_second / 2.0, settings.burst / 2)),
            avoided: Mutex::new(vec![None; settings.addresses.len()]),
            settings,
            metrics,
            tasks: tasks.clone(),
            breaker: Mutex::default(),
            idle: Mutex::default(),
            connections: Semaphore::new(CONNECTIONS),
            queue: Arc::new(Semaphore::new(QUEUE)),
            forms: std::array::from_fn(|_| AtomicUsize::new(0)),
            denied: Mutex::new([None; RequestKind::ALL.len()]),
            woken: Notify::new(),
        })
    }

    pub(super) fn standing(&self) -> Standing {
        hold(&self.breaker).standing()
    }

    /// Asks, in the name of a form that the Application Server knows.
    ///
    /// The work goes on in a task of its own when the caller leaves: the connection stays whole,
    /// and a server that lets callers wait until they leave is found out all the same.
    pub(super) async fn ask(
        self: &Arc<Self>,
        request: Request,
    ) -> Result<(Answer, &'static str), OcipFailure> {
        let Ok(place) = Arc::clone(&self.queue).try_acquire_owned() else {
            return Err(OcipFailure::RateLimited {
                retry_after: QUEUE_RETRY,
            });
        };
        if request.kind() == RequestKind::Verify {
            self.wait_for_pace(&self.strangers).await?;
        }
        self.wait_for_pace(&self.pacer).await?;
        let (reply, answer) = oneshot::channel();
        let link = Arc::clone(self);
        let stop = self.tasks.stop();
        self.tasks.connection(async move {
            let outcome = tokio::select! {
                () = stop.cancelled() => Err(OcipFailure::Unreachable(Unreachable::Stopping)),
                outcome = link.in_turn(&request, || reply.is_closed()) => outcome,
            };
            drop(place);
            // Nobody may be waiting any more.
            reply.send(outcome).ok();
        });
        let stopped = OcipFailure::Unreachable(Unreachable::Stopping);
        answer.await.unwrap_or(Err(stopped))
    }

    async fn wait_for_pace(&self, pacer: &Mutex<Pacer>) -> Result<(), OcipFailure> {
        let now = clock::mono();
        // While it is left alone nobody waits, and no token is used up.
        if let Some(retry_after) = hold(&self.breaker).pause(now) {
            let paused = Unreachable::Paused { retry_after };
            return Err(OcipFailure::Unreachable(paused));
        }
        let wait = hold(pacer)
            .take(now, self.settings.response_timeout)
            .map_err(|retry_after| OcipFailure::RateLimited { retry_after })?;
        if !wait.is_zero() {
            sleep(wait).await;
        }
        Ok(())
    }

    async fn in_turn(
        &self,
        request: &Request,
        given_up: impl Fn() -> bool,
    ) -> Result<(Answer, &'static str), OcipFailure> {
        let turn = timeout(self.settings.response_timeout, self.connections.acquire());
        // The semaphore is never closed.
        let Ok(Ok(_turn)) = turn.await else {
            return Err(OcipFailure::Timeout);
        };
        if given_up() {
            return Err(OcipFailure::Timeout);
        }
        let admission = hold(&self.breaker).admit(clock::mono());
        let _probe = match admission {
            Admission::Pass => None,
            Admission::Probe => Some(Probe(self)),
            Admission::Wait(retry_after) => {
                let paused = Unreachable::Paused { retry_after };
                return Err(OcipFailure::Unreachable(paused));
            }
        };
        self.in_known_form(request).await
    }

    async fn in_known_form(
        &self,
        request: &Request,
    ) -> Result<(Answer, &'static str), OcipFailure> {
        let kind = request.kind();
        let known = self.forms.get(kind as usize);
        let settled = known.map_or(0, |form| form.load(Ordering::Relaxed));
        let mut version = settled.saturating_sub(1);
        let mut first_refusal = None;
        loop {
            let answer = self.on_a_session(request, version).await?;
            let name = request.name(version);
            let settle = || {
                if let Some(form) = known {
                    form.store(version + 1, Ordering::Relaxed);
                }
            };
            let Some(refusal) = answer.refusal() else {
                settle();
                return Ok((answer, name));
            };
            match refusal.meaning() {
                // Reads only have other forms, so asking on is harmless; what unknown forms are
                // answered with is not published.
                Meaning::NotSupported | Meaning::Other if settled == 0 => {
                    let refusal = first_refusal.get_or_insert(refusal);
                    if version + 1 >= kind.versions().len() {
                        return Err(failure_of(refusal));
                    }
                    version += 1;
                }
                Meaning::Unauthorized => {
                    self.metrics.not_permitted(name, &self.settings.user_id);
                    return Err(failure_of(&refusal));
                }
                // A form whose content was judged is known.
                Meaning::BadCredentials | Meaning::Locked | Meaning::UnknownUser => {
                    settle();
                    return Err(failure_of(&refusal));
                }
                Meaning::NotLoggedIn | Meaning::NotSupported | Meaning::Other => {
                    return Err(failure_of(&refusal));
                }
            }
        }
    }

    /// One exchange; one more on a new connection where the first one's was torn or logged out.
    async fn on_a_session(&self, request: &Request, version: usize) -> Result<Answer, OcipFailure> {
        let mut session = match self.take_idle() {
            Some(session) => session,
            None => self.open_or_fail().await?,
        };
        let limit = self.settings.response_timeout;
        let outcome = session.ask(request, version, limit).await;
        let mut session = match outcome {
            Ok(answer) if self.wants_new_login(request, &session, &answer) => {
                drop(session);
                self.open_or_fail().await?
            }
            Ok(answer) => return Ok(self.answered(session, answer)),
            Err(Broken::Closed | Broken::Io(_)) if request.may_repeat() => {
                drop(session);
                self.open_or_fail().await?
            }
            Err(broken) => return Err(self.failed(broken)),
        };
        match session.ask(request, version, limit).await {
            Ok(answer) => {
                self.note_permission(request, &answer);
                Ok(self.answered(session, answer))
            }
            Err(broken) => Err(self.failed(broken)),
        }
    }

    /// Whether the refusal may only mean that the login is gone. "Unauthorized" can be both, so
    /// it is believed after a fresh login, for a while.
    fn wants_new_login(&self, request: &Request, session: &Session, answer: &Answer) -> bool {
        let Some(refusal) = answer.refusal() else {
            return false;
        };
        match refusal.meaning() {
            Meaning::NotLoggedIn => !session.fresh,
            Meaning::Unauthorized => {
                let until = hold(&self.denied).get(request.kind() as usize).copied();
                let denied = until.flatten().is_some_and(|until| until > clock::mono());
                !session.fresh && !denied
            }
            Meaning::BadCredentials
            | Meaning::Locked
            | Meaning::NotSupported
            | Meaning::Other
            | Meaning::UnknownUser => false,
        }
    }

    fn note_permission(&self, request: &Request, answer: &Answer) {
        let unauthorized = answer
            .refusal()
            .is_some_and(|refusal| refusal.meaning() == Meaning::Unauthorized);
        if let Some(until) = hold(&self.denied).get_mut(request.kind() as usize) {
            *until = unauthorized.then(|| clock::mono() + DENIED);
        }
    }

    fn take_idle(&self) -> Option<Session> {
        loop {
            let mut session = hold(&self.idle).pop()?;
            if session.is_quiet() {
                return Some(session);
            }
        }
    }

    fn answered(&self, mut session: Session, answer: Answer) -> Answer {
        self.reached();
        session.fresh = false;
        session.used = clock::mono();
        self.rest(session);
        answer
    }

    /// Keeps a connection for the next request; the keeper's may be one too many.
    pub(super) fn rest(&self, session: Session) {
        let mut idle = hold(&self.idle);
        if idle.len() < CONNECTIONS {
            idle.push(session);
        }
    }

    fn failed(&self, broken: Broken) -> OcipFailure {
        match &broken {
            Broken::BadAnswer(fault) if !fault.is_no_application_server() => self.reached(),
            Broken::BadAnswer(_) | Broken::Closed | Broken::Io(_) | Broken::Timeout(_) => {
                self.unreached();
            }
        }
        match broken {
            Broken::BadAnswer(fault) => OcipFailure::BadAnswer(fault),
            Broken::Closed | Broken::Io(_) => OcipFailure::Unreachable(Unreachable::Closed),
            Broken::Timeout(_) => OcipFailure::Timeout,
        }
    }

    fn reached(&self) {
        let change = hold(&self.breaker).succeeded();
        self.tell(change);
    }

    fn unreached(&self) {
        let dice = RandomState::new().hash_one(()) as u32;
        let change = hold(&self.breaker).failed(clock::mono(), dice);
        self.tell(change);
    }

    fn tell(&self, change: Option<Change>) {
        if let Some(change) = change {
            self.metrics.changed(change);
        }
        // The keeper has a new date for its probe.
        if self.standing() != Standing::Up {
            self.woken.notify_one();
        }
    }
}

/// A probe that ends without a verdict leaves its place to the next request.
struct Probe<'a>(&'a Link);

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        hold(&self.0.breaker).abandoned(clock::mono());
    }
}

pub(super) fn hold<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failure_of(refusal: &Refusal) -> OcipFailure {
    match refusal.meaning() {
        Meaning::BadCredentials => OcipFailure::BadCredentials,
        Meaning::Locked => OcipFailure::Locked,
        Meaning::UnknownUser => OcipFailure::UnknownUser,
        Meaning::NotLoggedIn | Meaning::NotSupported | Meaning::Other | Meaning::Unauthorized => {
            OcipFailure::Refused {
                code: refusal.code,
                summary: refusal.summary_english.clone(),
            }
        }
    }
}
