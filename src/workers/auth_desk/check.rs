//! Whether a token of ours holds. A signature is checked once and then remembered for a minute at
//! most; whether the token or its user was revoked is looked at each time.

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use aws_lc_rs::digest;

use crate::domain::auth::standing::Judgement;
use crate::domain::auth::standing::Standing;
use crate::domain::auth::token::Claims;
use crate::domain::auth::token::TokenRules;
use crate::domain::auth::validation::NotValid;
use crate::domain::auth::validation::Outcome;
use crate::domain::certs::date;
use crate::domain::machine::Now;
use crate::platform::clock;
use crate::telemetry::auth::Source;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::auth_desk::refusal;
use crate::workers::auth_desk::users::folded;

/// How long a good signature is remembered.
const GOOD: Duration = Duration::from_secs(60);

/// How long a bad token is.
const BAD: Duration = Duration::from_secs(5);

/// A token whose signature is good.
#[derive(Debug)]
pub struct Checked {
    /// What it says.
    pub claims: Claims,
    /// Its user in the form in which ids are compared.
    pub(super) user: Arc<str>,
}

/// A token that holds.
#[derive(Debug, Clone)]
pub struct Valid {
    /// The token.
    pub token: Arc<Checked>,
    /// What is known of its user.
    pub standing: Arc<Standing>,
}

impl AuthDesk {
    /// Whether a token holds now.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn validate(&self, token: &str) -> Result<Valid, NotValid> {
        let now = clock::now();
        let (checked, source) = self.checked(token, now);
        let judged = match checked {
            Ok(checked) => self.judge(checked, now).await,
            Err(fault) => Err(fault),
        };
        let outcome = match &judged {
            Ok(_) => Outcome::Valid,
            Err(fault) => fault.outcome(),
        };
        self.0.metrics.validated(outcome, source);
        judged
    }

    /// The token with its signature checked, now or a moment ago.
    fn checked(&self, token: &str, now: Now) -> (Result<Arc<Checked>, NotValid>, Source) {
        let desk = &*self.0;
        let Some(hash) = hash(token) else {
            return (Err(NotValid::Invalid), Source::Checked);
        };
        if let Some(checked) = desk.caches.tokens.get(&hash, now.mono) {
            // Its end may have come since, and clocks may have been set.
            let holds = checked.claims.judge(&desk.token_rules, now.wall);
            let holds = holds.map_err(refusal::of_token);
            return (holds.map(|()| checked), Source::Cached);
        }
        if let Some(fault) = desk.caches.bad_tokens.get(&hash, now.mono) {
            return (Err(fault), Source::Cached);
        }
        (self.check(token, hash, now), Source::Checked)
    }

    fn check(&self, token: &str, hash: [u8; 32], now: Now) -> Result<Arc<Checked>, NotValid> {
        let desk = &*self.0;
        let keys = desk.kept.keys.load_full();
        if !keys.is_ready() {
            return Err(NotValid::Unavailable { retry_after: None });
        }
        match keys.verify(token, &desk.token_rules, now.wall) {
            Ok(claims) => {
                let keep = GOOD.min(left(&claims, now.wall));
                let user = folded(&claims.subject);
                let checked = Arc::new(Checked { claims, user });
                let tokens = &desk.caches.tokens;
                tokens.put(hash, Arc::clone(&checked), now.mono + keep);
                // Other keys may have come, and the cache been cleared for them, in between.
                if !Arc::ptr_eq(&keys, &desk.kept.keys.load()) {
                    tokens.remove_if(&hash, |_| true);
                }
                Ok(checked)
            }
            Err(fault) => {
                let fault = refusal::of_token(fault);
                desk.caches.bad_tokens.put(hash, fault, now.mono + BAD);
                Err(fault)
            }
        }
    }

    async fn judge(&self, token: Arc<Checked>, now: Now) -> Result<Valid, NotValid> {
        let desk = &*self.0;
        if desk.kept.denied.holds(&token.claims.jti) {
            return Err(NotValid::Revoked);
        }
        let standing = self.standing(&token.user, now.mono).await;
        let standing = standing.map_err(|failure| refusal::unavailable(&failure))?;
        let age = now.mono.saturating_duration_since(standing.learned);
        desk.metrics.judged_by(age);
        match standing.judge(token.claims.issued_ms, now.mono) {
            Judgement::Good => Ok(Valid { token, standing }),
            Judgement::Locked { left } => Err(NotValid::UserLocked { left }),
            Judgement::Revoked => Err(NotValid::Revoked),
            Judgement::UserGone => Err(NotValid::UserGone),
        }
    }

    /// The claims of a token whose signature is ours, whatever became of it since, and whether or
    /// not it has begun by this node's clock.
    pub(super) fn ours(&self, token: &str) -> Option<Claims> {
        let keys = self.0.kept.keys.load();
        let rules = TokenRules {
            leeway: TokenRules::MAX_LIFE,
            ..self.0.token_rules.clone()
        };
        keys.verify(token, &rules, clock::wall()).ok()
    }
}

fn hash(token: &str) -> Option<[u8; 32]> {
    let digest = digest::digest(&digest::SHA256, token.as_bytes());
    digest.as_ref().try_into().ok()
}

/// Time until a token ends; none if that cannot be said.
fn left(claims: &Claims, now: SystemTime) -> Duration {
    let left = claims.expires.saturating_sub(date::to_unix(now));
    Duration::from_secs(u64::try_from(left).unwrap_or(0))
}
