//! One question to the token-info service. All who present the same token meanwhile wait for the
//! one answer. It is a task of its own, so that the first one's going away does not cost the
//! others theirs.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use http::StatusCode;
use tokio::sync::watch;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::domain::auth::ci::answer;
use crate::domain::auth::ci::answer::Confirmed;
use crate::domain::auth::ci::cache::TokenHash;
use crate::domain::auth::ci::cache::Verdict;
use crate::domain::auth::ci::presented::Presented;
use crate::domain::auth::ci::refusal::CiRefusal;
use crate::domain::auth::ci::session::Input;
use crate::domain::auth::ci::session::REFUSAL_PAUSE;
use crate::outbound::Causes;
use crate::outbound::web::WebAnswer;
use crate::outbound::web::WebFailure;
use crate::platform::clock;
use crate::workers::ci::Desk;
use crate::workers::ci::ServiceToken;

/// Tokens under question, those that wait for their turn included. Each waits a few seconds at
/// most; beyond this there is a flood, and a quick refusal is better than a queue.
const FLIGHTS: usize = 512;

/// Longest time from question to verdict, a renewal of the service token included. Whoever asks
/// us waits for 10 s.
const LONGEST: Duration = Duration::from_secs(9);

/// A service token is only suspected when it was not got a moment ago. Longer than the session's
/// own pause, so that the session is sure to act.
const SUSPICION: Duration = REFUSAL_PAUSE.saturating_mul(2);

type Flights = HashMap<TokenHash, watch::Receiver<Option<Verdict>>>;

/// Waits for the verdict on a token, and starts the question if nobody has asked it yet.
pub(super) async fn join(
    desk: &Arc<Desk>,
    hash: TokenHash,
    token: &str,
    presented: Presented,
) -> Verdict {
    let mut verdict = board(desk, hash, token, presented)?;
    let landed = verdict.wait_for(Option::is_some).await;
    let verdict = landed.ok().and_then(|verdict| verdict.clone());
    // Without a word only after a panic, which is told where it happens.
    verdict.unwrap_or(Err(CiRefusal::Unreachable))
}

fn board(
    desk: &Arc<Desk>,
    hash: TokenHash,
    token: &str,
    presented: Presented,
) -> Result<watch::Receiver<Option<Verdict>>, CiRefusal> {
    let mut flights = flights(desk);
    if let Some(flight) = flights.get(&hash) {
        return Ok(flight.clone());
    }
    if flights.len() >= FLIGHTS {
        return Err(CiRefusal::Busy);
    }
    let (tell, verdict) = watch::channel(None);
    flights.insert(hash, verdict.clone());
    let landing = Landing {
        desk: Arc::clone(desk),
        hash,
    };
    let token = Zeroizing::new(token.to_owned());
    desk.tasks.connection(async move {
        let desk = &landing.desk;
        let asked = timeout(LONGEST, ask(desk, &token, &presented)).await;
        let outcome = asked.unwrap_or(Err(CiRefusal::Unreachable));
        let life = outcome
            .as_ref()
            .ok()
            .and_then(|confirmed| life(confirmed, &presented, clock::wall()));
        let verdict = outcome.map(|confirmed| confirmed.user);
        let mut verdicts = desk.verdicts();
        verdicts.keep(landing.hash, &verdict, life, clock::mono());
        drop(verdicts);
        tell.send_replace(Some(verdict));
    });
    Ok(verdict)
}

/// Takes the flight off the board however it ends.
struct Landing {
    desk: Arc<Desk>,
    hash: TokenHash,
}

impl Drop for Landing {
    fn drop(&mut self) {
        flights(&self.desk).remove(&self.hash);
    }
}

fn flights(desk: &Desk) -> MutexGuard<'_, Flights> {
    desk.flights.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The rest of the token's life: whatever ends first of what the token and the answer say.
fn life(confirmed: &Confirmed, presented: &Presented, now: SystemTime) -> Option<Duration> {
    let said = match presented {
        Presented::Opaque => None,
        Presented::Signed { ends, .. } => Some(*ends),
    };
    let ends = confirmed.ends.into_iter().chain(said).min()?;
    Some(ends.duration_since(now).unwrap_or_default())
}

async fn ask(desk: &Desk, token: &str, presented: &Presented) -> Result<Confirmed, CiRefusal> {
    let _turn = desk.questions.acquire().await;
    let service = service_token(desk).await?;
    let mut answer = desk.client.token_info(&service, token).await;
    if is_unauthorized(&answer) {
        // The user's token, or ours? A new one of ours tells.
        match renewed(desk, &service).await {
            Renewal::Renewed(service) => {
                answer = desk.client.token_info(&service, token).await;
            }
            Renewal::Failed => return Err(CiRefusal::ServiceToken),
            Renewal::NotDue => {}
        }
    }
    let answer = answer.map_err(|failure| {
        desk.metrics.unanswered(failure.as_str(), &Causes(&failure));
        refusal(&failure)
    })?;
    let realm = match presented {
        Presented::Opaque => None,
        Presented::Signed { organization, .. } => organization.as_deref(),
    };
    let now = clock::wall();
    answer::read(&desk.rules, answer.status, &answer.body, realm, now)
}

const fn refusal(failure: &WebFailure) -> CiRefusal {
    match failure {
        WebFailure::Broken(_)
        | WebFailure::Connect(_)
        | WebFailure::Proxy { .. }
        | WebFailure::Status(_)
        | WebFailure::Timeout(_)
        | WebFailure::Tls(_) => CiRefusal::Unreachable,
        WebFailure::TooLarge(_) => CiRefusal::ResponseTooLarge,
    }
}

fn is_unauthorized(answer: &Result<WebAnswer, WebFailure>) -> bool {
    answer
        .as_ref()
        .is_ok_and(|answer| answer.status == StatusCode::UNAUTHORIZED)
}

/// The service token; just after the start the first attempt to get it is waited for.
async fn service_token(desk: &Desk) -> Result<ServiceToken, CiRefusal> {
    let mut service = desk.service.subscribe();
    let tried = service
        .wait_for(|service| service.token.is_some() || service.attempts > 0)
        .await;
    let token = tried.ok().and_then(|service| service.token.clone());
    token.ok_or(CiRefusal::ServiceToken)
}

/// What came of asking for a new service token.
enum Renewal {
    /// There is none.
    Failed,
    /// It was got a moment ago, so it is not the one that was refused.
    NotDue,
    /// Here it is.
    Renewed(ServiceToken),
}

async fn renewed(desk: &Desk, denied: &ServiceToken) -> Renewal {
    let mut service = desk.service.subscribe();
    let attempts = {
        let service = service.borrow();
        match &service.token {
            Some(token) if !Arc::ptr_eq(token, denied) => {
                return Renewal::Renewed(Arc::clone(token));
            }
            Some(_) | None => {}
        }
        let fresh = service
            .tried
            .is_some_and(|tried| clock::mono().saturating_duration_since(tried) < SUSPICION);
        if fresh {
            return Renewal::NotDue;
        }
        service.attempts
    };
    // When the queue is full, others have said the same.
    desk.inputs.try_send(Input::Denied).ok();
    let ended = service
        .wait_for(|service| service.attempts != attempts)
        .await;
    let token = ended.ok().and_then(|service| service.token.clone());
    match token {
        Some(token) if !Arc::ptr_eq(&token, denied) => Renewal::Renewed(token),
        Some(_) | None => Renewal::Failed,
    }
}
