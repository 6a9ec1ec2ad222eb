//! Revocation: one token on our own list, a user's or all by the Application Server, so that
//! BroadWorks' own long-lived tokens end too (AuthService field page, section 1.4.3).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::domain::auth::answer::AuthReason;
use crate::domain::auth::answer::Refused;
use crate::domain::certs::date;
use crate::domain::ocip::OcipFailure;
use crate::platform::clock;
use crate::telemetry::auth::Scope;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::auth_desk::refusal;
use crate::workers::auth_desk::users::folded;

/// Longer than the end of a token by the clocks' tolerance, so that it cannot come back to life
/// within that.
const TOLERANCE_SECONDS: i64 = 120;

/// What is to be revoked.
pub enum Revoke {
    /// Every token in the system.
    All,
    /// One token.
    Token(String),
    /// The tokens of one user.
    User(String),
}

impl AuthDesk {
    /// Revokes. `by` is who asked, for the log. When this returns the revocation holds here, and
    /// within `refresh` on every other node.
    ///
    /// # Errors
    /// Then nothing is revoked.
    pub async fn revoke(&self, what: Revoke, by: &str) -> Result<(), Refused> {
        match what {
            Revoke::All => self.revoke_at_server(None, by).await,
            Revoke::User(user) => self.revoke_at_server(Some(&user), by).await,
            Revoke::Token(token) => self.revoke_token(&token, by).await,
        }
    }

    async fn revoke_at_server(&self, user: Option<&str>, by: &str) -> Result<(), Refused> {
        let desk = &*self.0;
        let scope = match user {
            Some(_) => Scope::User,
            None => Scope::All,
        };
        if let Err(failure) = desk.ocip.revoke_tokens(user).await {
            // Somebody mistyped; the answer says so.
            if !matches!(failure, OcipFailure::UnknownUser) {
                desk.metrics.revocation_failed(scope, &failure);
            }
            return Err(refusal::of_ocip(&failure));
        }
        desk.caches.revocations.fetch_add(1, Ordering::AcqRel);
        match user {
            Some(user) => {
                // The server knows its users without their domain too.
                let user = folded(user);
                let is_user = |held: &Arc<str>| {
                    let rest = held.strip_prefix(&*user);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
                };
                desk.caches.users.remove_all(is_user);
                desk.caches.passes.remove_all(is_user);
            }
            None => {
                desk.caches.users.clear();
                desk.caches.passes.clear();
            }
        }
        desk.metrics.revoked(scope, user, by);
        Ok(())
    }

    /// A token that is not ours, or that has ended, needs no revocation (RFC 7009, section 2.2).
    async fn revoke_token(&self, token: &str, by: &str) -> Result<(), Refused> {
        let Some(claims) = self.ours(token) else {
            return Ok(());
        };
        let ends = claims.expires.saturating_add(TOLERANCE_SECONDS);
        if ends <= date::to_unix(clock::wall()) {
            return Ok(());
        }
        let desk = self.clone();
        let user = folded(&claims.subject);
        let kept = self.0.tasks.blocking(move || {
            let now = date::to_unix(clock::wall());
            let added = desk.0.kept.denied.add(&claims.jti, ends, now);
            added.map_err(|error| error.to_string())
        });
        match kept.await {
            Some(Ok(())) => {
                self.0.caches.passes.remove_if(&user, |_| true);
                self.0.metrics.revoked(Scope::Token, Some(&user), by);
                Ok(())
            }
            Some(Err(error)) => {
                self.0.metrics.revocation_failed(Scope::Token, &error);
                Err(AuthReason::RevocationFailed.into())
            }
            None => Err(AuthReason::RevocationFailed.into()),
        }
    }
}
