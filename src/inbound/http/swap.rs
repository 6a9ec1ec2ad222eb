//! Our tokens on Xsi routes: judged here, because no XSP knows them, and replaced by a login token
//! of the same user (AuthService field page, section 1.3). All other credentials pass untouched.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::Request;
use http::StatusCode;
use http::header;
use http::request::Parts;
use http_body::Body;
use http_body_util::Full;

use crate::config::ForeignBearer;
use crate::domain::auth::parameters::bearer;
use crate::domain::auth::validation::NotValid;
use crate::domain::edge::affinity;
use crate::domain::edge::credential::Scheme;
use crate::domain::edge::reason::Reason;
use crate::domain::edge::target::judge;
use crate::domain::ocip::OcipFailure;
use crate::domain::ocip::Unreachable;
use crate::domain::xsi::path::user_below;
use crate::inbound::endpoints::auth_service::reply::NO_CHALLENGE;
use crate::inbound::http::Front;
use crate::inbound::http::answer::Ledger;
use crate::inbound::http::body::BoxError;
use crate::inbound::http::body::LimitedBody;
use crate::inbound::http::body::Tally;
use crate::inbound::http::relay::Way;
use crate::inbound::http::rescue::Refusal;
use crate::outbound::ReadError;
use crate::outbound::SendPlan;
use crate::outbound::Sent;
use crate::outbound::read_capped;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::auth_desk::check::Checked;
use crate::workers::auth_desk::login::Pass;
use crate::workers::auth_desk::login::Wanted;

/// Bodies up to this many bytes are kept to be sent again with another login token; Xsi-Actions
/// documents have a few KB, only uploads have more.
const KEPT_BYTES: u64 = 64 * 1024;

/// The only value that the header has.
const TRUE: HeaderValue = HeaderValue::from_static("true");

/// A good token whose place another credential takes.
pub(super) struct Swap {
    desk: AuthDesk,
    token: Arc<Checked>,
    /// Hash of its user, when the path names none.
    pub(super) affinity: Option<u64>,
}

/// A request's body on its way to an XSP that may refuse the first login token.
enum Load<B> {
    /// Whole.
    Kept(Bytes),
    /// As it comes.
    Stream(LimitedBody<B>, Arc<Tally>),
}

impl Swap {
    /// Whose token it is.
    pub(super) fn user(&self) -> &str {
        &self.token.claims.subject
    }
}

impl Front {
    /// Judges the token of a request to an Xsi route. `None`: the request goes as it came.
    pub(super) async fn swap(&self, parts: &Parts) -> Result<Option<Swap>, Refusal> {
        let mut sent = parts.headers.get_all(header::AUTHORIZATION).iter();
        let Some(authorization) = sent.next().map(HeaderValue::as_bytes) else {
            return Ok(None);
        };
        if sent.next().is_some() {
            // Which one counts would be decided differently here and behind us.
            return Err(Reason::CredentialConflict.into());
        }
        match Scheme::of(Some(authorization)) {
            Scheme::Bearer => {}
            Scheme::Basic
            | Scheme::BroadWorksSip
            | Scheme::BroadWorksSso
            | Scheme::None
            | Scheme::OAuth
            | Scheme::Other => return Ok(None),
        }
        // The plan and the desk come from one configuration.
        let desk = self.desk.as_ref().ok_or(Reason::AuthUnavailable)?;
        let judged = match bearer(authorization) {
            Some(token) => desk.validate(token).await,
            None => Err(NotValid::Foreign),
        };
        let token = match judged {
            Ok(valid) => valid.token,
            Err(NotValid::Foreign) if desk.rules().foreign_bearer == ForeignBearer::Pass => {
                return Ok(None);
            }
            Err(fault) => return Err(refusal_of(fault)),
        };
        let affinity = self.check_owner(desk, &token, parts)?;
        Ok(Some(Swap {
            desk: desk.clone(),
            token,
            affinity,
        }))
    }

    /// The user of the path is the token's, but for administrators. On paths without a user the
    /// XSP judges, as it does on all others once more. Gives the hash of the token's user when the
    /// path names none.
    fn check_owner(
        &self,
        desk: &AuthDesk,
        token: &Checked,
        parts: &Parts,
    ) -> Result<Option<u64>, Refusal> {
        let raw = parts.uri.path_and_query();
        let raw = raw.map_or("", http::uri::PathAndQuery::as_str);
        let target = judge(raw.as_bytes()).map_err(Reason::from)?;
        let found = self.plan.table.find(target.path());
        let (_, below) = found.ok_or(Reason::RouteUnknown)?;
        let subject = &token.claims.subject;
        match user_below(below, b"user") {
            None => Ok(Some(affinity::of_user(subject.as_bytes()))),
            Some(user) if user.eq_ignore_ascii_case(subject.as_bytes()) => Ok(None),
            Some(_) if desk.is_administrator(subject) => Ok(None),
            Some(_) => Err(Reason::TokenOfOtherUser.into()),
        }
    }

    /// Sends a request with a login token, and once more with a new one if the XSP refuses the
    /// first: it has not done anything then.
    pub(super) async fn send_swapped<B>(
        &self,
        mut parts: Parts,
        body: B,
        swap: &Swap,
        way: &Way<'_>,
        ledger: &mut Ledger,
    ) -> Result<Sent, Refusal>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        parts.headers.insert(NO_CHALLENGE, TRUE);
        match self.load(body, way, ledger).await? {
            Load::Stream(body, tally) => {
                let pass = swap.pass(Wanted::New).await?;
                let authorization = pass.header().clone();
                parts.headers.insert(header::AUTHORIZATION, authorization);
                let request = Request::from_parts(parts, body);
                let sent = way.send(request).await;
                let sent = sent.map_err(|failure| way.failed(&failure, Some(&tally), ledger))?;
                swap.learn(&pass, &sent);
                Ok(sent)
            }
            Load::Kept(bytes) => {
                let way = Way {
                    plan: SendPlan {
                        body_is_empty: bytes.is_empty(),
                        ..way.plan
                    },
                    ..*way
                };
                let mut repeated = false;
                loop {
                    let pass = swap.pass(Wanted::Any).await?;
                    let mut copy = parts.clone();
                    let authorization = pass.header().clone();
                    copy.headers.insert(header::AUTHORIZATION, authorization);
                    let request = Request::from_parts(copy, Full::new(bytes.clone()));
                    let sent = way.send(request).await;
                    let sent = sent.map_err(|failure| way.failed(&failure, None, ledger))?;
                    let worth_repeating = swap.learn(&pass, &sent);
                    if repeated || !worth_repeating {
                        return Ok(sent);
                    }
                    repeated = true;
                    swap.desk.metrics().retried();
                }
            }
        }
    }

    /// Reads a small body, and leaves a large one where it is.
    async fn load<B>(&self, body: B, way: &Way<'_>, ledger: &mut Ledger) -> Result<Load<B>, Refusal>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return Ok(Load::Kept(Bytes::new()));
        }
        let small = body.size_hint().upper();
        let small = small.is_some_and(|most| most <= KEPT_BYTES);
        let (body, tally) = self.take_body(body, way, ledger)?;
        if !small {
            return Ok(Load::Stream(body, tally));
        }
        match read_capped(body, KEPT_BYTES as usize).await {
            Ok(bytes) => Ok(Load::Kept(bytes)),
            Err(ReadError::TooLarge(_)) => Err(Reason::BodyTooLarge.into()),
            Err(ReadError::Broken(_)) => {
                let fault = tally.fault();
                Err(fault
                    .map_or(Reason::BodyBroken, |fault| fault.reason())
                    .into())
            }
        }
    }
}

impl Swap {
    async fn pass(&self, wanted: Wanted) -> Result<Arc<Pass>, Refusal> {
        let made = self.desk.pass(&self.token, wanted).await;
        made.map_err(|failure| without_pass(&failure))
    }

    /// Takes the XSP's word about a login token. Says whether another one may do better.
    fn learn(&self, pass: &Arc<Pass>, sent: &Sent) -> bool {
        if sent.response.status() == StatusCode::UNAUTHORIZED {
            self.desk.was_refused(&self.token, pass)
        } else {
            pass.was_accepted();
            false
        }
    }
}

fn refusal_of(fault: NotValid) -> Refusal {
    let (reason, retry_after) = match fault {
        NotValid::Expired => (Reason::TokenExpired, None),
        NotValid::Foreign => (Reason::TokenForeign, None),
        NotValid::Invalid => (Reason::TokenInvalid, None),
        NotValid::Revoked => (Reason::TokenRevoked, None),
        NotValid::Unavailable { retry_after } => (Reason::AuthUnavailable, retry_after),
        NotValid::UserGone => (Reason::TokenUserGone, None),
        NotValid::UserLocked { left } => (Reason::TokenUserLocked, Some(left)),
    };
    Refusal {
        reason,
        retry_after,
    }
}

fn without_pass(failure: &OcipFailure) -> Refusal {
    let (reason, retry_after) = match failure {
        OcipFailure::UnknownUser => (Reason::TokenUserGone, None),
        OcipFailure::Locked => (Reason::TokenUserLocked, None),
        OcipFailure::RateLimited { retry_after }
        | OcipFailure::Unreachable(Unreachable::Paused { retry_after }) => {
            (Reason::AuthUnavailable, Some(*retry_after))
        }
        OcipFailure::BadAnswer(_)
        | OcipFailure::BadCredentials
        | OcipFailure::Refused { .. }
        | OcipFailure::Timeout
        | OcipFailure::Unreachable(
            Unreachable::Closed | Unreachable::Connect | Unreachable::Login | Unreachable::Stopping,
        ) => (Reason::AuthUnavailable, None),
    };
    Refusal {
        reason,
        retry_after,
    }
}
