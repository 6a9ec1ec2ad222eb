//! Whether a credential is a user's, as the XSP says: it is shown the credential with one question
//! for that user's profile. Neither credential nor user is kept, only a keyed hash of both.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use http::HeaderValue;
use tokio::sync::Semaphore;

use crate::domain::blf::requirements::read;
use crate::outbound::Pool;
use crate::outbound::broadworks::xsi::Account;
use crate::outbound::broadworks::xsi::XsiClient;
use crate::outbound::broadworks::xsi::XsiFailure;
use crate::outbound::broadworks::xsi::XsiLimits;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::telemetry::blf_api::BlfApiMetrics;
use crate::workers::auth_desk::bounded::Bounded;
use crate::workers::auth_desk::flights::Flights;
use crate::workers::auth_desk::users::folded;

/// Verdicts remembered, some 150 bytes each.
const REMEMBERED: usize = 50_000;

/// How long a good one is.
const GOOD: Duration = Duration::from_secs(60);

/// How long a bad one is: a client that repeats itself costs the XSP one question in this time.
const BAD: Duration = Duration::from_secs(5);

/// Questions under way at once. Strangers can cause them, and the XSP has others to serve.
const AT_ONCE: usize = 32;

/// What the XSP said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The credential opens that user, whose id this is.
    Good(Arc<str>),
    /// It opens nothing.
    Refused,
    /// It opens somebody else.
    Forbidden,
    /// There is no such user.
    Unknown,
    /// Nobody can say now.
    Unavailable,
}

impl Verdict {
    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Self::Good(_) => "good",
            Self::Refused => "refused",
            Self::Forbidden => "forbidden",
            Self::Unknown => "unknown-user",
            Self::Unavailable => "unavailable",
        }
    }
}

/// A keyed hash of a credential and a user.
type Key = [u8; 32];

/// Who asks the XSP, and what it remembers.
pub(super) struct Proofs {
    pool: Arc<Pool>,
    limits: XsiLimits,
    key: Option<hmac::Key>,
    remembered: Bounded<Key, Verdict>,
    asking: Flights<Key, Verdict>,
    places: Arc<Semaphore>,
    tasks: Tasks,
    metrics: Arc<BlfApiMetrics>,
}

impl Proofs {
    pub(super) fn new(
        pool: Arc<Pool>,
        limits: XsiLimits,
        tasks: &Tasks,
        metrics: &Arc<BlfApiMetrics>,
    ) -> Self {
        // Without random numbers nothing is remembered, and nobody is let in.
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok();
        Self {
            pool,
            limits,
            key,
            remembered: Bounded::new(REMEMBERED),
            asking: Flights::default(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            tasks: tasks.clone(),
            metrics: Arc::clone(metrics),
        }
    }

    /// Whether it asks these XSPs.
    pub(super) fn asks(&self, pool: &Arc<Pool>) -> bool {
        Arc::ptr_eq(&self.pool, pool)
    }

    /// The verdict, remembered or new.
    pub(super) async fn of(&self, authorization: &HeaderValue, user: &str) -> Verdict {
        let Some(key) = self.hash(authorization, user) else {
            return Verdict::Unavailable;
        };
        match self.remembered.get(&key, clock::mono()) {
            Some(verdict) => verdict,
            None => self.ask(key, authorization, user).await,
        }
    }

    /// A new verdict.
    pub(super) async fn anew(&self, authorization: &HeaderValue, user: &str) -> Verdict {
        match self.hash(authorization, user) {
            Some(key) => self.ask(key, authorization, user).await,
            None => Verdict::Unavailable,
        }
    }

    async fn ask(&self, key: Key, authorization: &HeaderValue, user: &str) -> Verdict {
        let account = Arc::new(Account::presented(authorization.clone()));
        let client = XsiClient::new(Arc::clone(&self.pool), account, self.limits);
        let (user, places) = (user.to_owned(), Arc::clone(&self.places));
        let flight = self.asking.board(&key, &self.tasks, || async move {
            let Ok(_place) = places.try_acquire() else {
                return Verdict::Unavailable;
            };
            judged(client.profile(&user).await, &user)
        });
        let verdict = flight.land().await.unwrap_or(Verdict::Unavailable);
        self.metrics.proven(verdict.as_str());
        let keep = match &verdict {
            Verdict::Good(_) => Some(GOOD),
            Verdict::Refused | Verdict::Forbidden | Verdict::Unknown => Some(BAD),
            Verdict::Unavailable => None,
        };
        if let Some(keep) = keep {
            let until = clock::mono() + keep;
            self.remembered.put(key, verdict.clone(), until);
        }
        verdict
    }

    fn hash(&self, authorization: &HeaderValue, user: &str) -> Option<Key> {
        let mut context = hmac::Context::with_key(self.key.as_ref()?);
        let authorization = authorization.as_bytes();
        // The length keeps the two apart.
        context.update(&(authorization.len() as u64).to_be_bytes());
        context.update(authorization);
        context.update(folded(user).as_bytes());
        context.sign().as_ref().try_into().ok()
    }
}

/// What an answer means. Everything that is not clearly an answer is none.
fn judged(answer: Result<bytes::Bytes, XsiFailure>, user: &str) -> Verdict {
    match answer {
        Ok(profile) => match read::profile(&profile) {
            Ok(profile) => Verdict::Good(folded(profile.user.as_deref().unwrap_or(user))),
            Err(_unreadable) => Verdict::Unavailable,
        },
        Err(XsiFailure::Unsendable) => Verdict::Unknown,
        Err(failure) => match failure.status() {
            Some(401) => Verdict::Refused,
            Some(403) => Verdict::Forbidden,
            Some(404) => Verdict::Unknown,
            Some(_) | None => Verdict::Unavailable,
        },
    }
}
