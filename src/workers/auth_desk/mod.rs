//! AuthService itself: one desk that makes tokens, checks them, revokes them, and gets the login
//! tokens that stand in for them towards the XSP (AuthService field page, sections 1.3 to 1.7).
//!
//! * [`issue`]: from a proof of who the user is to an encrypted token.
//! * [`check`]: whether a token holds, from caches where that is safe.
//! * `users`: what the Application Server says of a user, asked once at a time.
//! * [`login`]: login tokens.
//! * [`revoke`]: one token, one user's, all.
//!
//! Whatever cannot be known is refused: without keys nothing is issued or accepted, and without
//! word from the Application Server tokens hold for `stale-limit` and no longer.

pub(in crate::workers) mod bounded;
pub mod check;
mod denied;
pub(in crate::workers) mod flights;
pub mod issue;
mod keys;
pub mod login;
mod readiness;
mod refusal;
pub mod revoke;
mod seen;
mod strangers;
#[cfg(test)]
pub(crate) mod tests;
pub(in crate::workers) mod users;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::SystemTime;

use arc_swap::ArcSwap;

use crate::config;
use crate::config::Config;
use crate::config::secret::Secret;
use crate::config::secret::SecretError;
use crate::domain::auth::backoff::BackOff;
use crate::domain::auth::standing::Ages;
use crate::domain::auth::standing::Standing;
use crate::domain::auth::token::TokenRules;
use crate::domain::auth::validation::NotValid;
use crate::domain::ocip::OcipFailure;
use crate::jose::KeyRing;
use crate::outbound::OutboundError;
use crate::outbound::broadworks::ocip;
use crate::outbound::broadworks::ocip::Ocip;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::telemetry::auth::AuthMetrics;
use crate::workers::auth_desk::bounded::Bounded;
use crate::workers::auth_desk::check::Checked;
use crate::workers::auth_desk::denied::Denied;
use crate::workers::auth_desk::flights::Flights;
use crate::workers::auth_desk::login::Pass;
use crate::workers::auth_desk::strangers::Strangers;
use crate::workers::ci::CiDesk;

pub use crate::workers::auth_desk::denied::UnreadableList;
pub use crate::workers::auth_desk::keys::KeysRejected;
pub use crate::workers::auth_desk::keys::path as key_file;
pub use crate::workers::auth_desk::readiness::Readiness;
pub use crate::workers::auth_desk::seen::Seen;

/// Users of whom something is known at once. Each costs some 300 bytes.
const USERS: usize = 50_000;

/// Tokens whose signature was found good a moment ago, at most 1 KB each.
const TOKENS: usize = 20_000;

/// Tokens that were found bad a moment ago; only their hash is kept.
const BAD_TOKENS: usize = 20_000;

/// The desk of one configuration; clones share it.
#[derive(Clone)]
pub struct AuthDesk(Arc<Desk>);

struct Desk {
    rules: config::AuthService,
    server: config::ApplicationServer,
    token_rules: TokenRules,
    ages: Ages,
    operator_token: Option<Secret>,
    ocip: Arc<Running<Ocip>>,
    ocip_files: Seen,
    ci: Option<CiDesk>,
    ci_files: Option<Seen>,
    kept: Arc<Kept>,
    caches: Arc<Caches>,
    tasks: Tasks,
    metrics: Arc<AuthMetrics>,
}

/// Something with workers of its own, which end with it.
struct Running<T> {
    it: T,
    tasks: Tasks,
}

impl<T> Running<T> {
    fn start<E>(tasks: &Tasks, start: impl FnOnce(&Tasks) -> Result<T, E>) -> Result<Arc<Self>, E> {
        let tasks = tasks.branch();
        let it = start(&tasks)?;
        Ok(Arc::new(Self { it, tasks }))
    }
}

impl<T> std::ops::Deref for Running<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.it
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

/// What outlives every reload.
struct Kept {
    keys: ArcSwap<KeyRing>,
    denied: Denied,
    back_off: BackOff,
    strangers: Strangers,
}

/// What was learned under one Application Server and one issuer.
struct Caches {
    users: Bounded<Arc<str>, Arc<Standing>>,
    /// Questions that failed a moment ago.
    unanswered: Bounded<Arc<str>, OcipFailure>,
    asking: Flights<Arc<str>, Result<Arc<Standing>, OcipFailure>>,
    /// Changes with each revocation: what was asked before it is not kept.
    revocations: AtomicU64,
    tokens: Bounded<[u8; 32], Arc<Checked>>,
    bad_tokens: Bounded<[u8; 32], NotValid>,
    passes: Bounded<Arc<str>, Arc<Pass>>,
    /// Users whose login token was replaced a moment ago because the XSP refused it.
    replaced: Bounded<Arc<str>, ()>,
    making: Flights<Arc<str>, Result<Arc<Pass>, OcipFailure>>,
}

/// Why there can be no desk.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// AuthService needs the Application Server.
    #[error("auth-service: mode native needs an [application-server]")]
    NoApplicationServer,
    /// What it needs of the outside cannot be built.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// A secret cannot be read.
    #[error("auth-service.operator-token: {0}")]
    Secret(#[from] SecretError),
    /// The key file is damaged.
    #[error(transparent)]
    Keys(#[from] KeysRejected),
    /// The list of revoked tokens cannot be read.
    #[error(transparent)]
    Denied(#[from] UnreadableList),
}

impl AuthDesk {
    /// The client of the Application Server. It ends with this desk: ask again after a reload.
    #[must_use]
    pub fn ocip(&self) -> Ocip {
        self.0.ocip.it.clone()
    }

    /// Builds the desk of a configuration, `None` when AuthService is relayed. `previous` hands on
    /// what it has learned, as far as that still holds. Blocks on the disk.
    ///
    /// # Errors
    /// What is wrong with the configuration's files.
    pub fn build(
        config: &Config,
        tasks: &Tasks,
        telemetry: &Telemetry,
        previous: Option<&Self>,
    ) -> Result<Option<Self>, DeskError> {
        let Some(rules) = config.auth_service.clone() else {
            return Ok(None);
        };
        let server = config.application_server.as_ref();
        let server = server.ok_or(DeskError::NoApplicationServer)?;
        let previous = previous.map(|desk| &*desk.0);
        let same_server = previous.filter(|desk| desk.server == *server);
        // Looked at before they are read, so that no change between the two is missed.
        let ocip_files = Seen::of_server(server);
        let ci_files = rules.cisco.as_ref().map(Seen::of_cisco);
        let ocip = match same_server {
            Some(desk) if desk.ocip_files == ocip_files => Arc::clone(&desk.ocip),
            Some(_) | None => Running::start(tasks, |tasks| {
                Ocip::new(server, tasks, Arc::clone(&telemetry.ocip))
            })?,
        };
        let ci = match (&rules.cisco, previous) {
            (None, _) => None,
            (Some(cisco), Some(desk))
                if desk.rules.cisco.as_ref() == Some(cisco) && desk.ci_files == ci_files =>
            {
                desk.ci.clone()
            }
            (Some(cisco), _) => {
                let metrics = Arc::clone(&telemetry.ci);
                Some(CiDesk::start(cisco, &config.state_dir, tasks, metrics)?)
            }
        };
        let operator_token = operator_token(&rules)?;
        let kept = match previous {
            Some(desk) => Arc::clone(&desk.kept),
            None => Arc::new(Kept {
                keys: ArcSwap::from_pointee(keys::load(&rules.keys.directory, clock::wall())?),
                denied: Denied::open(&rules.keys.directory)?,
                back_off: BackOff::new(clock::mono()),
                strangers: Strangers::new(),
            }),
        };
        let same_answers = same_server.filter(|desk| {
            desk.rules.tokens.issuer == rules.tokens.issuer
                && desk.rules.login_tokens == rules.login_tokens
        });
        let caches = match same_answers {
            Some(desk) => Arc::clone(&desk.caches),
            None => Arc::new(Caches::new(rules.login_tokens.users)),
        };
        if previous.is_none() {
            let keys = kept.keys.load();
            telemetry
                .auth
                .keys_in_use(keys.generation(), keys.is_ready());
        }
        Ok(Some(Self(Arc::new(Desk {
            token_rules: TokenRules::new(&rules.tokens.issuer),
            ages: Ages {
                refresh: rules.revocation.refresh,
                stale_limit: rules.revocation.stale_limit,
            },
            server: server.clone(),
            rules,
            operator_token,
            ocip,
            ocip_files,
            ci,
            ci_files,
            kept,
            caches,
            tasks: tasks.clone(),
            metrics: Arc::clone(&telemetry.auth),
        }))))
    }

    /// What a start with this configuration would find wrong. Nothing is started.
    #[must_use]
    pub fn prove(config: &Config) -> Vec<DeskError> {
        let Some(rules) = &config.auth_service else {
            return Vec::new();
        };
        let server = match &config.application_server {
            Some(server) => Ocip::prove(server).map_err(DeskError::from),
            None => Err(DeskError::NoApplicationServer),
        };
        let secret = operator_token(rules);
        let keys = keys::load(&rules.keys.directory, clock::wall());
        let denied = Denied::open(&rules.keys.directory);
        let found = [
            server.err(),
            secret.err().map(DeskError::from),
            keys.err().map(DeskError::from),
            denied.err().map(DeskError::from),
        ];
        found.into_iter().flatten().collect()
    }

    /// Its configuration.
    #[must_use]
    pub fn rules(&self) -> &config::AuthService {
        &self.0.rules
    }

    /// Where its events go.
    #[must_use]
    pub fn metrics(&self) -> &AuthMetrics {
        &self.0.metrics
    }

    /// Whether both ask the Application Server over the same connections.
    #[cfg(test)]
    fn asks_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0.ocip, &other.0.ocip)
    }

    /// What is missing.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        Readiness {
            keys: self.0.kept.keys.load().is_ready(),
            application_server: self.0.ocip.standing() == ocip::Standing::Up,
            identity_provider: self.0.ci.as_ref().map(|ci| ci.standing().service_token),
        }
    }

    /// When the refresh token of Common Identity lapses unless it is used; `None` without one.
    #[must_use]
    pub fn refresh_token_ends(&self) -> Option<SystemTime> {
        let ci = self.0.ci.as_ref()?;
        Some(ci.standing().refresh_token_ends)
    }

    /// The public keys as a JWK Set.
    #[must_use]
    pub fn key_set(&self) -> String {
        self.0.kept.keys.load().jwks()
    }

    /// Whether `token` is the operator's; `None` when none is configured. Takes equally long for
    /// every wrong token of a length.
    #[must_use]
    pub fn is_operator(&self, token: &str) -> Option<bool> {
        let held = self.0.operator_token.as_ref()?;
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(
            held.expose().trim_ascii(),
            token.as_bytes(),
        );
        Some(same.is_ok())
    }

    /// Whether the user's tokens open other users' paths too.
    #[must_use]
    pub fn is_administrator(&self, user: &str) -> bool {
        let administrators = &self.0.rules.administrators;
        administrators
            .iter()
            .any(|held| held.eq_ignore_ascii_case(user))
    }

    /// Reads the key file again: a good one takes effect at once, a bad one is told and changes
    /// nothing. Says whether it was good. Blocks on the disk.
    pub fn reload_keys(&self) -> bool {
        let desk = &*self.0;
        let held = desk.kept.keys.load_full();
        match keys::load_instead_of(&held, &desk.rules.keys.directory, clock::wall()) {
            Ok(None) => true,
            Ok(Some(ring)) => {
                desk.metrics.keys_in_use(ring.generation(), ring.is_ready());
                desk.kept.keys.store(Arc::new(ring));
                // A key may be gone, and one may have come for tokens that were found bad.
                desk.caches.tokens.clear();
                desk.caches.bad_tokens.clear();
                true
            }
            Err(rejected) => {
                desk.metrics.keys_rejected(&rejected);
                false
            }
        }
    }
}

/// The operator token. A blank one would be that of everybody who sends none.
fn operator_token(rules: &config::AuthService) -> Result<Option<Secret>, SecretError> {
    let Some(reference) = &rules.operator_token else {
        return Ok(None);
    };
    let token = reference.read()?;
    if token.expose().trim_ascii().is_empty() {
        return Err(SecretError::Empty(reference.clone()));
    }
    Ok(Some(token))
}

impl Caches {
    fn new(passes: usize) -> Self {
        Self {
            users: Bounded::new(USERS),
            unanswered: Bounded::new(USERS),
            asking: Flights::default(),
            revocations: AtomicU64::new(0),
            tokens: Bounded::new(TOKENS),
            bad_tokens: Bounded::new(BAD_TOKENS),
            passes: Bounded::new(passes),
            replaced: Bounded::new(passes),
            making: Flights::default(),
        }
    }
}
