//! Keeps up the access token of one partner: carries out what the session's machine asks for, and
//! keeps the newest refresh token.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::sync::DropGuard;
use zeroize::Zeroizing;

use crate::config;
use crate::domain::auth::ci::grant::Grant;
use crate::domain::auth::ci::grant::GrantFault;
use crate::domain::auth::ci::session::Action;
use crate::domain::auth::ci::session::Alarm;
use crate::domain::auth::ci::session::Input;
use crate::domain::auth::ci::session::REFRESH_TOKEN_LIFE;
use crate::domain::auth::ci::session::Rules;
use crate::domain::auth::ci::session::Session;
use crate::outbound::webex::api::PartnerClient;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::telemetry::webex::WebexMetrics;
use crate::workers::drive::drive;
use crate::workers::webex_partners::identity::Identity;
use crate::workers::webex_partners::record::Kept;
use crate::workers::webex_partners::record::Record;
use crate::workers::webex_partners::refresh::read;

/// Inputs of the session that wait for it: a result, and denials, of which one is as good as many.
const INPUTS: usize = 8;

/// Longest refresh. Shorter than the session's patience of 30 s, so that two are never under way.
const LONGEST: Duration = Duration::from_secs(25);

/// Time between two attempts to keep a refresh token on a disk that refused it.
const KEEP_AGAIN: Duration = Duration::from_secs(60);

/// An access token.
pub(super) type AccessToken = Arc<Zeroizing<String>>;

/// How the tokens of a partner stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenStanding {
    /// Whether there is an access token, without which nothing can be asked.
    pub access_token: bool,
    /// When the refresh token ends unless it is used.
    pub refresh_token_ends: SystemTime,
    /// Whether the newest refresh token is on disk.
    pub kept: bool,
    /// Why an operator must act.
    pub alarms: Vec<Alarm>,
    /// What the last failed refresh said, until one succeeds.
    pub failure: Option<String>,
}

/// The keeper; it ends with the last of its clones.
#[derive(Clone)]
pub(super) struct Keeper(Arc<Handle>);

struct Handle {
    inner: Arc<Inner>,
    _stop: DropGuard,
}

pub(super) struct Inner {
    pub(super) partner: String,
    pub(super) identity: Identity,
    pub(super) client: ArcSwap<PartnerClient>,
    pub(super) record: Record,
    pub(super) metrics: Arc<WebexMetrics>,
    pub(super) tasks: Tasks,
    stop: CancellationToken,
    inputs: mpsc::Sender<Input>,
    access: watch::Sender<Access>,
    facts: Mutex<Facts>,
    denial_pause: Duration,
}

/// The access token and how the attempts to get it went.
#[derive(Default)]
struct Access {
    token: Option<AccessToken>,
    /// Attempts that have ended.
    attempts: u64,
    /// When the last one did.
    tried: Option<Instant>,
}

pub(super) struct Facts {
    /// What is or should be on disk, and what it began with.
    pub(super) newest: Option<([u8; 32], Kept)>,
    unkept: bool,
    refresh_ends: SystemTime,
    alarms: Vec<Alarm>,
    failure: Option<String>,
}

/// What came of a wish for another access token.
pub(super) enum Renewal {
    /// There is none.
    Failed,
    /// It was got a moment ago: it is not the token that is wrong.
    NotDue,
    /// Here it is.
    Renewed(AccessToken),
}

impl Keeper {
    /// Starts to keep the token. Reads secrets and record, blocking.
    pub(super) fn start(
        partner: &config::WebexPartner,
        client: Arc<PartnerClient>,
        state_dir: &Path,
        tasks: &Tasks,
        metrics: Arc<WebexMetrics>,
        denial_pause: Duration,
    ) -> Self {
        let identity = Identity::of(partner);
        let record = Record::new(state_dir, &partner.name);
        let now = clock::now();
        let newest = identity.secrets().ok().map(|secrets| {
            let kept = read(&record, &partner.name, secrets.began_with, &metrics);
            (secrets.began_with, kept)
        });
        let (used, told) = newest.as_ref().map_or((now.wall, None), |(_, kept)| {
            (kept.used.min(now.wall), kept.ends)
        });
        let stop = tasks.stop().child_token();
        let (inputs, received) = mpsc::channel(INPUTS);
        let seed = RandomState::new().hash_one(());
        let session = Session::resumed(Rules::partner(denial_pause), used, told, seed, now);
        let refresh_ends = session.refresh_token_ends();
        metrics.refresh_token_known(&partner.name, refresh_ends);
        let inner = Arc::new(Inner {
            partner: partner.name.clone(),
            identity,
            client: ArcSwap::new(client),
            record,
            metrics,
            tasks: tasks.clone(),
            stop: stop.clone(),
            inputs,
            access: watch::Sender::default(),
            facts: Mutex::new(Facts {
                newest: None,
                unkept: false,
                refresh_ends,
                alarms: Vec::new(),
                failure: None,
            }),
            denial_pause,
        });
        if let Some((began_with, kept)) = newest {
            // When a token was first seen counts across restarts too.
            inner.keep(began_with, kept);
        }
        let act = {
            let inner = Arc::clone(&inner);
            move |action| {
                inner.act(action);
                std::future::ready(())
            }
        };
        let driver = drive(session, received, stop.clone(), act);
        tasks.worker("webex-token", driver);
        Self(Arc::new(Handle {
            inner,
            _stop: stop.drop_guard(),
        }))
    }

    /// Whether it keeps the token of this partner as it is configured now.
    pub(super) fn is_for(&self, partner: &config::WebexPartner) -> bool {
        self.0.inner.identity == Identity::of(partner)
    }

    /// Goes on with another client.
    pub(super) fn use_client(&self, client: Arc<PartnerClient>) {
        self.0.inner.client.store(client);
    }

    pub(super) fn standing(&self) -> TokenStanding {
        let facts = self.0.inner.facts();
        TokenStanding {
            access_token: self.0.inner.access.borrow().token.is_some(),
            refresh_token_ends: facts.refresh_ends,
            kept: !facts.unkept,
            alarms: facts.alarms.clone(),
            failure: facts.failure.clone(),
        }
    }

    /// The access token; just after the start the first attempt to get it is waited for.
    pub(super) async fn token(&self) -> Option<AccessToken> {
        let mut access = self.0.inner.access.subscribe();
        let tried = access
            .wait_for(|access| access.token.is_some() || access.attempts > 0)
            .await;
        tried.ok().and_then(|access| access.token.clone())
    }

    /// Another access token than this one, which Webex denied. However many ask, there is one
    /// refresh.
    pub(super) async fn renewed(&self, denied: &AccessToken) -> Renewal {
        let inner = &self.0.inner;
        let mut access = inner.access.subscribe();
        let attempts = {
            // While this is held nobody can publish a new token, so a denial always comes before
            // the grant that ends its cause, and never brings about a second refresh.
            let access = inner.access.borrow();
            match &access.token {
                Some(token) if !Arc::ptr_eq(token, denied) => {
                    return Renewal::Renewed(Arc::clone(token));
                }
                Some(_) | None => {}
            }
            // Twice the session's own pause, so that the session is sure to act.
            let pause = inner.denial_pause * 2;
            let fresh = access
                .tried
                .is_some_and(|tried| clock::mono().saturating_duration_since(tried) < pause);
            if fresh {
                return Renewal::NotDue;
            }
            // When the queue is full, others have said the same.
            inner.inputs.try_send(Input::Denied).ok();
            access.attempts
        };
        let ended = timeout(
            LONGEST * 2,
            access.wait_for(|access| access.attempts != attempts),
        );
        let token = match ended.await {
            Ok(Ok(access)) => access.token.clone(),
            Ok(Err(_)) | Err(_) => None,
        };
        match token {
            Some(token) if !Arc::ptr_eq(&token, denied) => Renewal::Renewed(token),
            Some(_) | None => Renewal::Failed,
        }
    }
}

impl Inner {
    fn act(self: &Arc<Self>, action: Action) {
        match action {
            Action::Clear(alarm) => {
                self.facts().alarms.retain(|held| *held != alarm);
                self.metrics.cleared(&self.partner, alarm);
            }
            Action::Forget => {
                self.access.send_modify(|access| access.token = None);
                self.metrics.access_token_ended(&self.partner);
            }
            Action::Raise(alarm) => {
                self.facts().alarms.push(alarm);
                self.metrics.raised(&self.partner, alarm);
            }
            // There is no list for partners.
            Action::ReadFederation => {}
            // Not cut short by the end of the session: Webex may have given a new refresh token
            // that has to be kept. It ends by itself, in time.
            Action::Refresh => {
                let inner = Arc::clone(self);
                let refresh = async move { inner.refresh().await };
                self.tasks.connection(refresh);
            }
        }
    }

    async fn refresh(self: Arc<Self>) {
        let outcome = timeout(LONGEST, self.attempt())
            .await
            .unwrap_or_else(|_| Err((GrantFault::Unreachable, "no answer in time".to_owned())));
        let now = clock::wall();
        let input = match &outcome {
            Ok((began_with, grant)) => {
                self.granted(*began_with, grant, now).await;
                Input::Granted {
                    life: grant.life,
                    refresh_token: grant.refresh_life,
                }
            }
            Err((fault, detail)) => {
                self.metrics.refresh_failed(&self.partner, *fault, detail);
                self.facts().failure = Some(detail.clone());
                Input::Failed(*fault)
            }
        };
        self.access.send_modify(|access| {
            access.attempts += 1;
            access.tried = Some(clock::mono());
            if let Ok((_, grant)) = outcome {
                access.token = Some(Arc::new(grant.token));
            }
        });
        // When the machine has ended, nobody needs the result.
        self.inputs.send(input).await.ok();
    }

    /// Keeps what was granted, before anybody uses it.
    async fn granted(self: &Arc<Self>, began_with: [u8; 32], grant: &Grant, now: SystemTime) {
        let ends = grant.refresh_life.and_then(|life| now.checked_add(life));
        let old = {
            let mut facts = self.facts();
            facts.failure = None;
            facts.refresh_ends = ends.unwrap_or(now + REFRESH_TOKEN_LIFE);
            let newest = facts.newest.take();
            newest.filter(|(held, _)| *held == began_with)
        };
        let given = grant.refresh_token.as_ref();
        let given = given.map(|token| Zeroizing::new(token.as_bytes().to_vec()));
        let kept = Kept {
            token: given.or_else(|| old.and_then(|(_, kept)| kept.token)),
            used: now,
            ends,
        };
        let inner = Arc::clone(self);
        // A panic in there is told where it happens.
        self.tasks
            .blocking(move || inner.keep(began_with, kept))
            .await;
        let access_ends = now.checked_add(grant.life).unwrap_or(now);
        let refresh_ends = self.facts().refresh_ends;
        self.metrics
            .refreshed(&self.partner, access_ends, refresh_ends);
    }

    /// Keeps it in memory and on disk. Blocks on the disk.
    fn keep(self: &Arc<Self>, began_with: [u8; 32], kept: Kept) {
        let written = self.record.write(began_with, &kept);
        let (was, is) = {
            let mut facts = self.facts();
            facts.newest = Some((began_with, kept));
            (
                std::mem::replace(&mut facts.unkept, written.is_err()),
                written.is_err(),
            )
        };
        match written {
            Ok(()) if was => self.metrics.record_kept(&self.partner),
            Ok(()) => {}
            Err(error) => {
                let path = self.record.path();
                self.metrics.record_failed(&self.partner, path, &error);
            }
        }
        if is && !was {
            self.keep_again();
        }
    }

    /// Tries to write what is not on disk until it is.
    fn keep_again(self: &Arc<Self>) {
        let inner = Arc::clone(self);
        self.tasks.connection(async move {
            loop {
                tokio::select! {
                    () = inner.stop.cancelled() => return,
                    () = tokio::time::sleep(KEEP_AGAIN) => {}
                }
                let newest = match &*inner.facts() {
                    Facts {
                        unkept: true,
                        newest,
                        ..
                    } => newest.clone(),
                    Facts { .. } => return,
                };
                let Some((began_with, kept)) = newest else {
                    return;
                };
                let writer = Arc::clone(&inner);
                inner
                    .tasks
                    .blocking(move || writer.keep(began_with, kept))
                    .await;
            }
        });
    }

    pub(super) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
