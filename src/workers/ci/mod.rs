//! The desk for CI tokens: says which BroadWorks user a token of Cisco's Common Identity stands
//! for, and keeps up what it takes to know that.
//!
//! * [`CiDesk`]: the handle that others ask.
//! * `keep`: the service token and the federation list, renewed in time.
//! * `flight`: one question to the token-info service, shared by all who ask the same.
//! * `record`: the last use of the refresh token, kept across restarts.

mod flight;
mod keep;
mod record;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio_util::sync::DropGuard;
use zeroize::Zeroizing;

use crate::config;
use crate::config::Environment;
use crate::config::TokenInfoFormat;
use crate::domain::auth::ci::answer::Form;
use crate::domain::auth::ci::answer::Rules;
use crate::domain::auth::ci::cache::TokenHash;
use crate::domain::auth::ci::cache::Verdict;
use crate::domain::auth::ci::cache::Verdicts;
use crate::domain::auth::ci::federation;
use crate::domain::auth::ci::presented;
use crate::domain::auth::ci::presented::Expected;
use crate::domain::auth::ci::session;
use crate::domain::auth::ci::session::Alarm;
use crate::domain::auth::ci::session::Input;
use crate::domain::auth::ci::session::REFRESH_TOKEN_LIFE;
use crate::outbound::OutboundError;
use crate::outbound::web::Limits;
use crate::outbound::webex::ci::CiClient;
use crate::outbound::webex::sha256;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::telemetry::ci::CiMetrics;
use crate::workers::ci::record::Record;

pub use crate::domain::auth::ci::CiUser;
pub use crate::domain::auth::ci::refusal::CiRefusal;

/// Questions to the token-info service at once; a few hundred a second when it is healthy.
const QUESTIONS: usize = 64;

/// Inputs of the session that wait for it. More cannot be on their way: two results, and denials,
/// of which one is as good as many.
const INPUTS: usize = 8;

/// The desk. Clones are handles to the same one; it ends with the last of them.
#[derive(Clone)]
pub struct CiDesk(Arc<Handle>);

struct Handle {
    desk: Arc<Desk>,
    _stop: DropGuard,
}

/// How the desk stands, for those who watch over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CiStanding {
    /// Whether there is a service token, without which no token can be checked.
    pub service_token: bool,
    /// When the refresh token was last used with success, or first seen.
    pub refresh_token_used: SystemTime,
    /// When it ends unless it is used.
    pub refresh_token_ends: SystemTime,
    /// When the federation list was last read; `None`: not since the start.
    pub federation_refreshed: Option<SystemTime>,
    /// Whose tokens are taken (BroadWorks: `ClusterMap`).
    pub issuers: Arc<Vec<String>>,
    /// Why an operator must act.
    pub alarms: Vec<Alarm>,
}

/// The times that are no matter of configuration; tests are in more of a hurry.
#[derive(Clone, Copy)]
struct Timing {
    limits: Limits,
    denial_pause: Duration,
}

impl Timing {
    const USUAL: Self = Self {
        limits: Limits::USUAL,
        denial_pause: session::DENIAL_PAUSE,
    };
}

/// What handle, session and flights share.
struct Desk {
    client: CiClient,
    issuer: String,
    rules: Rules,
    timing: Timing,
    metrics: Arc<CiMetrics>,
    tasks: Tasks,
    inputs: mpsc::Sender<Input>,
    service: watch::Sender<Service>,
    issuers: ArcSwap<Vec<String>>,
    facts: Mutex<Facts>,
    record: Record,
    verdicts: Mutex<Verdicts>,
    flights: Mutex<HashMap<TokenHash, watch::Receiver<Option<Verdict>>>>,
    questions: Semaphore,
}

/// Our own token.
type ServiceToken = Arc<Zeroizing<String>>;

/// The service token and how the attempts to get it went.
#[derive(Default)]
struct Service {
    token: Option<ServiceToken>,
    /// Attempts that have ended.
    attempts: u64,
    /// When the last one did.
    tried: Option<Instant>,
}

struct Facts {
    refresh_token_used: SystemTime,
    federation_refreshed: Option<SystemTime>,
    alarms: Vec<Alarm>,
}

impl CiDesk {
    /// Starts the desk. Reads the CA file, the secrets and the record of the last start below
    /// `state_dir`, blocking; called at start and reload only.
    ///
    /// # Errors
    /// Something in the configuration cannot be used; the text names the key.
    pub fn start(
        cisco: &config::Cisco,
        state_dir: &Path,
        tasks: &Tasks,
        metrics: Arc<CiMetrics>,
    ) -> Result<Self, OutboundError> {
        Self::start_with(cisco, state_dir, tasks, metrics, Timing::USUAL)
    }

    fn start_with(
        cisco: &config::Cisco,
        state_dir: &Path,
        tasks: &Tasks,
        metrics: Arc<CiMetrics>,
        timing: Timing,
    ) -> Result<Self, OutboundError> {
        let client = CiClient::new(cisco, &Environment::process(), timing.limits)?;
        let refresh_token = client.secrets()?.refresh_token_hash();
        let record = Record::below(state_dir);
        let used = record.open(refresh_token, clock::wall(), &metrics);
        metrics.refresh_token_known(used);
        let (inputs, received) = mpsc::channel(INPUTS);
        let desk = Arc::new(Desk {
            client,
            issuer: cisco.issuer_name.clone(),
            rules: rules(cisco),
            timing,
            metrics,
            tasks: tasks.clone(),
            inputs,
            service: watch::Sender::default(),
            issuers: ArcSwap::from_pointee(federation::built_in(&cisco.issuer_name)),
            facts: Mutex::new(Facts {
                refresh_token_used: used,
                federation_refreshed: None,
                alarms: Vec::new(),
            }),
            record,
            verdicts: Mutex::default(),
            flights: Mutex::default(),
            questions: Semaphore::new(QUESTIONS),
        });
        let stop = tasks.stop().child_token();
        let rules = session::Rules::ci(cisco.federation.refresh, timing.denial_pause);
        keep::start(&desk, rules, used, received, stop.clone());
        Ok(Self(Arc::new(Handle {
            desk,
            _stop: stop.drop_guard(),
        })))
    }

    /// Says whose the token is. Whether that user exists and may sign in is not known here.
    ///
    /// # Errors
    /// Why the user is not let in.
    pub async fn check(&self, token: &str) -> Result<CiUser, CiRefusal> {
        let desk = &self.0.desk;
        let verdict = desk.check(token).await;
        match &verdict {
            Ok(_) => desk.metrics.accepted(),
            Err(refusal) => desk.metrics.refused(*refusal),
        }
        verdict
    }

    /// How the desk stands.
    #[must_use]
    pub fn standing(&self) -> CiStanding {
        let desk = &self.0.desk;
        let facts = desk.facts();
        CiStanding {
            service_token: desk.service.borrow().token.is_some(),
            refresh_token_used: facts.refresh_token_used,
            refresh_token_ends: facts.refresh_token_used + REFRESH_TOKEN_LIFE,
            federation_refreshed: facts.federation_refreshed,
            issuers: desk.issuers.load_full(),
            alarms: facts.alarms.clone(),
        }
    }
}

impl Desk {
    async fn check(self: &Arc<Self>, token: &str) -> Verdict {
        let presented = {
            let issuers = self.issuers.load();
            let expected = Expected {
                issuers: &issuers,
                organization: self.rules.organization.as_deref(),
            };
            presented::judge(token, expected, clock::wall())?
        };
        let hash = sha256(token.as_bytes());
        let known = self.verdicts().look(&hash, clock::mono());
        match known {
            Some(verdict) => verdict,
            None => flight::join(self, hash, token, presented).await,
        }
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn verdicts(&self) -> MutexGuard<'_, Verdicts> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn rules(cisco: &config::Cisco) -> Rules {
    Rules {
        form: match cisco.token_info_format {
            TokenInfoFormat::IdpProxy => Form::IdpProxy,
            TokenInfoFormat::Rfc7662 => Form::Introspection,
        },
        scopes: cisco.scopes.clone(),
        organization: cisco.organization.clone(),
        user_claim: cisco.user_claim.clone(),
    }
}
