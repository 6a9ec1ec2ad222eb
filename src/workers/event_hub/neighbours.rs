//! Asks the other nodes which XSP holds a channel or sent an event.
//!
//! Only the question goes to another node, never the request itself: so nothing can go round in
//! circles, and each node speaks to every XSP anyway. Equal questions are asked once at a time, and
//! a "nobody knows" is kept for a moment.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::future::Shared;
use futures_util::stream::FuturesUnordered;
use http::Request;
use http::StatusCode;
use http::header::HOST;
use http_body_util::Empty;
use tracing::debug;

use crate::domain::events::whereabouts::Wanted;
use crate::domain::percent;
use crate::outbound::Aim;
use crate::outbound::Pool;
use crate::outbound::SendPlan;
use crate::outbound::read_capped;
use crate::platform::clock;

/// Where a node answers.
pub const WHERE_PATH: &str = "/xspd/events/v1/whereabouts";

/// How long another node's word on a channel holds. A channel never moves, but it ends.
pub(super) const KNOWN: Duration = Duration::from_secs(600);

/// How long "nobody knows" holds: shorter than the pause between two heartbeats.
const NOBODY: Duration = Duration::from_secs(2);

/// Questions under way and answers kept; more are asked without being kept.
const QUESTIONS: usize = 10_000;

/// Longest name of an upstream taken.
const NAME: usize = 256;

type Answer = Option<Arc<str>>;
type Asking = Shared<BoxFuture<'static, Answer>>;

/// The other nodes.
#[derive(Default)]
pub struct Neighbours {
    questions: Mutex<HashMap<Vec<u8>, Question>>,
}

enum Question {
    Asking(Asking),
    Nobody(Instant),
}

impl Neighbours {
    /// Asks all nodes of `pool` at once; the first that knows is believed.
    pub async fn ask(&self, pool: &Arc<Pool>, wanted: Wanted<'_>, patience: Duration) -> Answer {
        let (kind, id) = match wanted {
            Wanted::Channel(id) => ("channel", id),
            Wanted::Event(id) => ("event", id),
        };
        let key = [kind.as_bytes(), b" ", id].concat();
        let asking = {
            let mut questions = self.questions();
            match questions.get(&key) {
                Some(Question::Nobody(until)) if clock::mono() < *until => return None,
                Some(Question::Asking(asking)) => asking.clone(),
                Some(Question::Nobody(_)) | None => {
                    let target = format!("{WHERE_PATH}?{kind}={}", escaped(id));
                    let asking = ask_all(Arc::clone(pool), target, patience).boxed().shared();
                    if questions.len() < QUESTIONS {
                        questions.insert(key.clone(), Question::Asking(asking.clone()));
                    }
                    asking
                }
            }
        };
        let answer = asking.await;
        let mut questions = self.questions();
        if let Some(question) = questions.get_mut(&key) {
            if answer.is_some() {
                questions.remove(&key);
            } else if matches!(question, Question::Asking(_)) {
                *question = Question::Nobody(clock::mono() + NOBODY);
            }
        }
        answer
    }

    /// Forgets old answers, and questions that nobody waits for any more.
    pub(super) fn forget(&self, now: Instant) {
        self.questions().retain(|_, question| match question {
            Question::Asking(asking) => asking.strong_count().is_some_and(|count| count > 1),
            Question::Nobody(until) => *until > now,
        });
    }

    fn questions(&self) -> MutexGuard<'_, HashMap<Vec<u8>, Question>> {
        self.questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ask_all(pool: Arc<Pool>, target: String, patience: Duration) -> Answer {
    let nodes = 0..pool.upstreams().len();
    let mut answers: FuturesUnordered<_> = nodes
        .map(|place| ask_one(&pool, place, &target, patience))
        .collect();
    let first = async {
        while let Some(answer) = answers.next().await {
            if answer.is_some() {
                return answer;
            }
        }
        None
    };
    tokio::time::timeout(patience, first).await.unwrap_or(None)
}

async fn ask_one(pool: &Pool, place: usize, target: &str, patience: Duration) -> Answer {
    let node = pool.upstreams().get(place)?;
    let request = Request::get(target)
        .header(HOST, node.authority())
        .body(Empty::<Bytes>::new())
        .ok()?;
    let plan = SendPlan {
        affinity: None,
        response_timeout: patience,
        idle_timeout: patience,
        body_is_empty: true,
        may_last: false,
    };
    let sent = match pool.send_to(Aim::Only(place), request, &plan).await {
        Ok(sent) => sent,
        Err(failure) => {
            debug!(%failure, "Another node could not be asked.");
            return None;
        }
    };
    let status = sent.response.status();
    if status != StatusCode::OK {
        debug!(node = %node.name(), %status, "Another node does not know.");
        return None;
    }
    let name = read_capped(sent.response.into_body(), NAME).await.ok()?;
    let name = std::str::from_utf8(&name).ok()?.trim();
    (!name.is_empty()).then(|| name.into())
}

/// An id as it may stand in a query.
fn escaped(id: &[u8]) -> String {
    percent::encoded(id, b"")
}

/// The id that was escaped, and what it is of.
#[must_use]
pub fn asked(query: &str) -> Option<(bool, Vec<u8>)> {
    let (kind, text) = query.split_once('=')?;
    let is_channel = match kind {
        "channel" => true,
        "event" => false,
        _ => return None,
    };
    let mut id = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            id.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            id.push(byte);
        }
    }
    (!id.is_empty()).then_some((is_channel, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_way_to_another_node() {
        for id in [&b"a-b.c~d_e"[..], b"a&b=c%20 /?\x00\xff"] {
            let query = format!("event={}", escaped(id));
            assert_eq!(asked(&query), Some((false, id.to_vec())));
        }
        assert_eq!(asked("channel=1"), Some((true, b"1".to_vec())));
        for bad in ["", "channel", "channel=", "other=1", "event=%", "event=%zz"] {
            assert_eq!(asked(bad), None, "{bad}");
        }
    }
}
