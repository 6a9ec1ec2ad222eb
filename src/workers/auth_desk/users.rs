//! What the Application Server says of users: asked once at a time, kept for a while, used beyond
//! that only while no answer comes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::domain::auth::standing::Age;
use crate::domain::auth::standing::Membership;
use crate::domain::auth::standing::Standing;
use crate::domain::auth::standing::State;
use crate::domain::ocip::OcipFailure;
use crate::domain::ocip::facts::LoginInfo;
use crate::domain::ocip::facts::Verified;
use crate::platform::clock;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::auth_desk::flights::Flight;

/// How long a failed question is not asked again: a server that is down must not be asked by each
/// request.
const PAUSE: Duration = Duration::from_secs(2);

/// Answer to a question about a user.
type Answer = Result<Arc<Standing>, OcipFailure>;

/// Folds a user id to the form in which ids are compared. Beyond ASCII nothing is folded: whether
/// the Application Server takes `Ä` for `ä` is unpublished, and where it does not, one user would
/// get the login token of another.
pub(in crate::workers) fn folded(user: &str) -> Arc<str> {
    user.trim().to_ascii_lowercase().into()
}

impl AuthDesk {
    /// What is known of a user, from the cache as far as that may be used.
    pub(super) async fn standing(&self, user: &Arc<str>, now: Instant) -> Answer {
        let caches = &self.0.caches;
        if let Some(known) = caches.users.get(user, now) {
            match self.0.ages.of(&known, now) {
                Age::Fresh => return Ok(known),
                Age::Aging => {
                    if caches.unanswered.get(user, now).is_none() {
                        // It goes on by itself; the next request finds its answer.
                        drop(self.ask(user));
                    }
                    return Ok(known);
                }
                Age::TooOld => {}
            }
        }
        self.ask_unless_refused(user, now).await
    }

    /// What is known of a user for whom a token is to be made: nothing that is aging.
    pub(super) async fn fresh_standing(&self, user: &Arc<str>, now: Instant) -> Answer {
        match self.0.caches.users.get(user, now) {
            Some(known) if self.0.ages.of(&known, now) == Age::Fresh => Ok(known),
            Some(_) | None => self.ask_unless_refused(user, now).await,
        }
    }

    async fn ask_unless_refused(&self, user: &Arc<str>, now: Instant) -> Answer {
        if let Some(failure) = self.0.caches.unanswered.get(user, now) {
            return Err(failure);
        }
        // Without an answer the question died of a bug, which is told where it happened.
        let landed = self.ask(user).land().await;
        landed.unwrap_or(Err(OcipFailure::Timeout))
    }

    fn ask(&self, user: &Arc<str>) -> Flight<Answer> {
        let (desk, asked) = (self.clone(), Arc::clone(user));
        self.0
            .caches
            .asking
            .board(user, &self.0.tasks, || async move {
                let before = desk.revocations();
                let answer = match desk.0.ocip.login_info(&asked).await {
                    Ok(info) => Ok(standing_of(info, clock::mono())),
                    Err(OcipFailure::UnknownUser) => Ok(Standing {
                        learned: clock::mono(),
                        state: State::Absent,
                    }),
                    Err(failure) => Err(failure),
                };
                let now = clock::mono();
                match answer {
                    Ok(standing) => {
                        let standing = Arc::new(standing);
                        desk.keep_standing(asked, &standing, before);
                        Ok(standing)
                    }
                    Err(failure) => {
                        desk.0.metrics.standing_unknown(failure.as_str(), now);
                        let unanswered = &desk.0.caches.unanswered;
                        unanswered.put(asked, failure.clone(), now + PAUSE);
                        Err(failure)
                    }
                }
            })
    }

    /// Learns from a login what there is to learn; `before` counts the revocations when it began.
    pub(super) fn learn(&self, verified: &Verified, before: u64, now: Instant) -> Arc<Standing> {
        let standing = Arc::new(Standing {
            learned: now,
            state: State::Present {
                user_id: verified.user_id.clone(),
                revoked_ms: verified.token_revocation_ms,
                locked_until: None,
                membership: Membership {
                    group: verified.group_id.clone(),
                    service_provider: verified.service_provider_id.clone(),
                    is_enterprise: verified.is_enterprise,
                },
            },
        });
        self.keep_standing(folded(&verified.user_id), &standing, before);
        standing
    }

    /// Revocations so far.
    pub(super) fn revocations(&self) -> u64 {
        self.0.caches.revocations.load(Ordering::Acquire)
    }

    /// Keeps an answer, unless something was revoked since it was asked for: it may be older.
    fn keep_standing(&self, user: Arc<str>, standing: &Arc<Standing>, before: u64) {
        let until = standing.learned + self.0.ages.stale_limit;
        let users = &self.0.caches.users;
        users.put(Arc::clone(&user), Arc::clone(standing), until);
        // After it was put, or a revocation in between would have missed it.
        if self.revocations() != before {
            users.remove_if(&user, |held| Arc::ptr_eq(held, standing));
        }
    }
}

fn standing_of(info: LoginInfo, now: Instant) -> Standing {
    Standing {
        learned: now,
        state: State::Present {
            user_id: info.user_id,
            revoked_ms: info.token_revocation_ms,
            locked_until: info.locked_for.and_then(|left| now.checked_add(left)),
            membership: Membership {
                group: info.group_id,
                service_provider: info.service_provider_id,
                is_enterprise: info.is_enterprise,
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_surely_one_user_is_taken_for_one() {
        assert_eq!(
            folded(" Alice@AS.example.net"),
            folded("alice@as.example.net")
        );
        for (one, other) in [("\u{c4}rger", "\u{e4}rger"), ("\u{212a}ate", "kate")] {
            assert_ne!(folded(one), folded(other), "{one}");
        }
    }
}
