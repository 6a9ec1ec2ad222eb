//! Login tokens: a real XSP does not know our tokens, so it gets one of its own kind for the same
//! user (AuthService field page, section 1.3). They never reach a client.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use http::HeaderValue;

use crate::domain::ocip::OcipFailure;
use crate::platform::clock;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::auth_desk::check::Checked;

/// A login token made so recently counts as new.
const JUST_MADE: Duration = Duration::from_secs(5);

/// What opens the XSP to one user.
pub struct Pass {
    header: HeaderValue,
    made: Instant,
}

impl Pass {
    /// The `Authorization` towards the XSP.
    #[must_use]
    pub const fn header(&self) -> &HeaderValue {
        &self.header
    }
}

/// How new a login token must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// One that the cache still holds will do: the request can be sent again.
    Any,
    /// The request can be sent once only.
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
        if let Some(pass) = desk.caches.passes.get(&token.user, now) {
            let just_made = now.saturating_duration_since(pass.made) < JUST_MADE;
            if wanted == Wanted::Any || just_made {
                return Ok(pass);
            }
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
            Ok(Arc::new(Pass { header, made: now }))
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

    /// Forgets a login token that the XSP refused; another one made meanwhile stays.
    pub fn drop_pass(&self, token: &Checked, pass: &Arc<Pass>) {
        let passes = &self.0.caches.passes;
        passes.remove_if(&token.user, |held| Arc::ptr_eq(held, pass));
    }
}
