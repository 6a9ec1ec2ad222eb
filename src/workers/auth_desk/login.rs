//! Login tokens: a real XSP does not know our tokens, so it gets one of its own kind for the same
//! user (AuthService field page, section 1.3). They never reach a client.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use http::HeaderValue;

use crate::domain::ocip::OcipFailure;
use crate::platform::clock;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::auth_desk::check::Checked;

/// A login token that the XSP refused although it was never good before is not replaced for this
/// long: its user has no Xsi, and each of its requests would ask the Application Server. Nor is
/// one that took the place of a refused one, or a user whose requests are answered 401 now and
/// then would use up what the Application Server answers everybody.
const PATIENCE: Duration = Duration::from_secs(5);

/// What opens the XSP to one user.
pub struct Pass {
    header: HeaderValue,
    made: Instant,
    accepted: AtomicBool,
}

impl Pass {
    /// The `Authorization` towards the XSP.
    #[must_use]
    pub const fn header(&self) -> &HeaderValue {
        &self.header
    }

    fn is_new(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.made) < PATIENCE
    }

    /// The XSP has taken it.
    pub fn was_accepted(&self) {
        self.accepted.store(true, Ordering::Relaxed);
    }
}

/// How new a login token must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// One that the cache still holds will do: the request can be sent again.
    Any,
    /// The request can be sent once only. Those of the same few seconds share one: whoever
    /// uploads a lot must not use up what the Application Server answers everybody.
    New,
}

impl AuthDesk {
    /// A login token for a token's user.
    ///
    /// # Errors
    /// Why the Application Server made none.
    pub async fn pass(&self, token: &Checked, wanted: Wanted) -> Result<Arc<Pass>, OcipFailure> {
        let desk = &*self.0;
        let now = clock::mono();
        let held = desk.caches.passes.get(&token.user, now);
        if let Some(pass) = held.filter(|pass| wanted == Wanted::Any || pass.is_new(now)) {
            return Ok(pass);
        }
        let (held, user) = (self.clone(), Arc::clone(&token.user));
        let subject = token.claims.subject.clone();
        let making = desk
            .caches
            .making
            .board(&token.user, &desk.tasks, || async move {
                held.make(user, &subject).await
            });
        // Without an answer the question died of a bug, which is told where it happened.
        making.land().await.unwrap_or(Err(OcipFailure::Timeout))
    }

    async fn make(&self, user: Arc<str>, subject: &str) -> Result<Arc<Pass>, OcipFailure> {
        let desk = &*self.0;
        let made = desk.ocip.create_login_token(subject).await;
        let now = clock::mono();
        let made = made.and_then(|token| {
            let value = zeroize::Zeroizing::new(format!("BroadWorksSSO {}", token.expose()));
            let mut header = HeaderValue::from_str(&value)
                // No header can carry it.
                .map_err(|_| OcipFailure::Refused {
                    code: None,
                    summary: "a login token with control characters".to_owned(),
                })?;
            header.set_sensitive(true);
            let accepted = AtomicBool::new(false);
            Ok(Arc::new(Pass {
                header,
                made: now,
                accepted,
            }))
        });
        match made {
            Ok(pass) => {
                desk.metrics.login_token_made();
                let until = now + desk.rules.login_tokens.cache;
                desk.caches.passes.put(user, Arc::clone(&pass), until);
                Ok(pass)
            }
            Err(failure) => {
                desk.metrics.login_token_failed(failure.as_str(), now);
                Err(failure)
            }
        }
    }

    /// The XSP refused a login token, which is forgotten; another one made meanwhile stays. Says
    /// whether a new one may do better.
    #[must_use]
    pub fn was_refused(&self, token: &Checked, pass: &Arc<Pass>) -> bool {
        let now = clock::mono();
        if pass.is_new(now) && !pass.accepted.load(Ordering::Relaxed) {
            return false;
        }
        let caches = &self.0.caches;
        let held = caches.passes.get(&token.user, now);
        if held.is_some_and(|held| Arc::ptr_eq(&held, pass)) {
            if caches.replaced.get(&token.user, now).is_some() {
                return false;
            }
            let user = Arc::clone(&token.user);
            caches.replaced.put(user, (), now + PATIENCE);
            let same = |held: &Arc<Pass>| Arc::ptr_eq(held, pass);
            caches.passes.remove_if(&token.user, same);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_token_is_new_for_a_few_seconds() {
        let made = clock::mono();
        let pass = Pass {
            header: HeaderValue::from_static("BroadWorksSSO x"),
            made,
            accepted: AtomicBool::new(true),
        };
        assert!(pass.is_new(made));
        assert!(!pass.is_new(made + PATIENCE));
    }
}
