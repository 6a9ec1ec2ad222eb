//! Who may see a watcher's lamps: the watcher itself, by a token of ours or by a credential that the
//! XSP takes for it, and operators.
//!
//! * [`Gate::admit`] decides; what cannot be proven now is refused now.
//! * [`Gate::again`] asks once more about somebody who was let in, for streams that stay open.
//! * `proofs` asks the XSP, once at a time for each credential and user, and remembers the answer
//!   for a minute at most.

mod operators;
mod proofs;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::HeaderValue;
use http::header::AUTHORIZATION;

use crate::config::ForeignBearer;
use crate::domain::auth::parameters::bearer;
use crate::domain::auth::validation::NotValid;
use crate::domain::edge::credential::Scheme;
use crate::domain::edge::reason::Reason;
use crate::outbound::Pool;
use crate::outbound::broadworks::xsi::XsiLimits;
use crate::platform::tasks::Tasks;
use crate::telemetry::blf_api::BlfApiMetrics;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::auth_desk::login::Wanted;
use crate::workers::auth_desk::users::folded;
use crate::workers::blf_gate::proofs::Proofs;
use crate::workers::blf_gate::proofs::Verdict;

pub use crate::workers::blf_gate::operators::OperatorError;
pub use crate::workers::blf_gate::operators::Operators;

/// Questions about an open stream that may go unanswered in a row before it ends.
const UNANSWERED: u32 = 3;

/// The gate of one configuration.
pub struct Gate {
    desk: Option<AuthDesk>,
    proofs: Arc<Proofs>,
}

/// Somebody who was let in.
#[derive(Clone)]
pub struct Admitted {
    /// Whose lamps he sees, by the id that BroadWorks has for the user.
    pub watcher: Arc<str>,
    by: By,
    unanswered: u32,
}

/// What let him in.
#[derive(Clone)]
enum By {
    /// A credential that the XSP took for the user.
    Credential(HeaderValue),
    /// The operators' secret.
    Operator,
    /// A token of ours.
    Token(Arc<str>),
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denied {
    /// The word.
    pub reason: Reason,
    /// When to try again, if that is known.
    pub retry_after: Option<Duration>,
    /// Whether a password was wrong, which counts against the address.
    pub wrong_password: bool,
}

impl From<Reason> for Denied {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            retry_after: None,
            wrong_password: false,
        }
    }
}

/// What became of somebody who was let in before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// He may stay.
    Stays,
    /// He may not.
    Ends(Reason),
}

impl Gate {
    /// A gate that asks the XSPs of `pool`. `previous` hands its answers on when it asked the same
    /// ones.
    #[must_use]
    pub fn new(
        desk: Option<AuthDesk>,
        pool: Arc<Pool>,
        limits: XsiLimits,
        tasks: &Tasks,
        metrics: &Arc<BlfApiMetrics>,
        previous: Option<&Self>,
    ) -> Self {
        let same = previous.filter(|previous| previous.proofs.asks(&pool));
        let proofs = match same {
            Some(previous) => Arc::clone(&previous.proofs),
            None => Arc::new(Proofs::new(pool, limits, tasks, metrics)),
        };
        Self { desk, proofs }
    }

    /// Lets an operator in, who was proven already.
    #[must_use]
    pub fn operator(watcher: &str) -> Admitted {
        Admitted {
            watcher: folded(watcher),
            by: By::Operator,
            unanswered: 0,
        }
    }

    /// Whether whoever sent these headers may see the lamps of `watcher`.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn admit(&self, headers: &HeaderMap, watcher: &str) -> Result<Admitted, Denied> {
        let mut sent = headers.get_all(AUTHORIZATION).iter();
        let Some(authorization) = sent.next() else {
            return Err(Reason::CredentialsMissing.into());
        };
        if sent.next().is_some() {
            // Which one counts would be decided differently here and behind us.
            return Err(Reason::CredentialConflict.into());
        }
        let scheme = Scheme::of(Some(authorization.as_bytes()));
        match scheme {
            Scheme::Bearer => {
                if let Some(desk) = &self.desk
                    && let Some(admitted) = by_token(desk, authorization, watcher).await?
                {
                    return Ok(admitted);
                }
            }
            Scheme::Basic | Scheme::BroadWorksSip | Scheme::BroadWorksSso | Scheme::OAuth => {}
            Scheme::None | Scheme::Other => return Err(Reason::CredentialsRefused.into()),
        }
        let watcher = match self.proofs.of(authorization, watcher).await {
            Verdict::Good(user) => user,
            Verdict::Refused => {
                return Err(Denied {
                    wrong_password: scheme.is_password(),
                    ..Reason::CredentialsRefused.into()
                });
            }
            Verdict::Forbidden => return Err(Reason::CredentialsOfOtherUser.into()),
            Verdict::Unknown => return Err(Reason::WatcherUnknown.into()),
            Verdict::Unavailable => return Err(Reason::AuthUnavailable.into()),
        };
        Ok(Admitted {
            watcher,
            by: By::Credential(authorization.clone()),
            unanswered: 0,
        })
    }

    /// Whether somebody may still see what he sees. An answer that cannot be had does not end a
    /// stream the first times, or every hiccup of the XSP would cost all of them.
    pub async fn again(&self, admitted: &mut Admitted) -> Again {
        let asked = match &admitted.by {
            By::Operator => return Again::Stays,
            By::Token(token) => match &self.desk {
                Some(desk) => match desk.validate(token).await {
                    Ok(_) => Ok(()),
                    Err(NotValid::Unavailable { .. }) => Err(None),
                    Err(fault) => Err(Some(denied(fault).reason)),
                },
                None => Err(Some(Reason::TokenForeign)),
            },
            By::Credential(authorization) => {
                match self.proofs.anew(authorization, &admitted.watcher).await {
                    Verdict::Good(_) => Ok(()),
                    Verdict::Refused => Err(Some(Reason::CredentialsRefused)),
                    Verdict::Forbidden => Err(Some(Reason::CredentialsOfOtherUser)),
                    Verdict::Unknown => Err(Some(Reason::WatcherUnknown)),
                    Verdict::Unavailable => Err(None),
                }
            }
        };
        match asked {
            Ok(()) => {
                admitted.unanswered = 0;
                Again::Stays
            }
            Err(Some(reason)) => Again::Ends(reason),
            Err(None) => {
                admitted.unanswered += 1;
                if admitted.unanswered < UNANSWERED {
                    Again::Stays
                } else {
                    Again::Ends(Reason::AuthUnavailable)
                }
            }
        }
    }

    /// What the XSP takes for this user, so that it acts in his name; `None` when only our own
    /// account can act.
    ///
    /// # Errors
    /// [`Denied`]: he is known here, but nothing can be had for the XSP now.
    pub async fn credential(&self, admitted: &Admitted) -> Result<Option<HeaderValue>, Denied> {
        match &admitted.by {
            By::Operator => Ok(None),
            By::Credential(authorization) => Ok(Some(authorization.clone())),
            By::Token(token) => {
                let Some(desk) = &self.desk else {
                    return Ok(None);
                };
                let valid = desk.validate(token).await.map_err(denied)?;
                match desk.pass(&valid.token, Wanted::New).await {
                    Ok(pass) => Ok(Some(pass.header().clone())),
                    Err(_unreachable) => Err(Reason::AuthUnavailable.into()),
                }
            }
        }
    }
}

/// `None`: not a token of ours, and the XSP may judge it.
async fn by_token(
    desk: &AuthDesk,
    authorization: &HeaderValue,
    watcher: &str,
) -> Result<Option<Admitted>, Denied> {
    let token = bearer(authorization.as_bytes());
    let judged = match token {
        Some(token) => desk.validate(token).await,
        None => Err(NotValid::Foreign),
    };
    let valid = match judged {
        Ok(valid) => valid,
        Err(NotValid::Foreign) if desk.rules().foreign_bearer == ForeignBearer::Pass => {
            return Ok(None);
        }
        Err(fault) => return Err(denied(fault)),
    };
    let subject = &valid.token.claims.subject;
    if folded(subject) != folded(watcher) && !desk.is_administrator(subject) {
        return Err(Reason::TokenOfOtherUser.into());
    }
    Ok(Some(Admitted {
        watcher: folded(watcher),
        by: By::Token(token.unwrap_or_default().into()),
        unanswered: 0,
    }))
}

fn denied(fault: NotValid) -> Denied {
    let (reason, retry_after) = match fault {
        NotValid::Expired => (Reason::TokenExpired, None),
        NotValid::Foreign => (Reason::TokenForeign, None),
        NotValid::Invalid => (Reason::TokenInvalid, None),
        NotValid::Revoked => (Reason::TokenRevoked, None),
        NotValid::Unavailable { retry_after } => (Reason::AuthUnavailable, retry_after),
        NotValid::UserGone => (Reason::TokenUserGone, None),
        NotValid::UserLocked { left } => (Reason::TokenUserLocked, Some(left)),
    };
    Denied {
        retry_after,
        ..reason.into()
    }
}
