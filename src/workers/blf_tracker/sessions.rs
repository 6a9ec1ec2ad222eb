//! Who reads what: from the board's sessions to the readers' queues.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use bytes::BufMut as _;
use bytes::BytesMut;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

use crate::domain::blf::board;
use crate::domain::blf::board::Refusal;
use crate::domain::blf::notice::Notification;
use crate::domain::blf::watcher::SessionId;
use crate::domain::blf::watcher::Wishes;
use crate::domain::events::ids::UserId;
use crate::telemetry::blf::BlfMetrics;
use crate::workers::blf_tracker::board::Answers;
use crate::workers::blf_tracker::board::BoardError;
use crate::workers::blf_tracker::board::Question;
use crate::workers::blf_tracker::board::Subscription;
use crate::workers::blf_tracker::notice::Notice;
use crate::workers::blf_tracker::notice::NoticeKind;
use crate::workers::blf_tracker::notice::Notices;
use crate::workers::blf_tracker::notice::Outlet;
use crate::workers::blf_tracker::notice::Told;
use crate::workers::blf_tracker::notice::outlet;

/// All sessions at the board.
pub(super) struct Sessions {
    sessions: HashMap<SessionId, Session>,
    /// Sessions of readers by the name that a reader keeps over a new start.
    readers: HashMap<u64, SessionId>,
    /// Watchers that are tracked although nobody reads.
    permanent: HashMap<UserId, SessionId>,
    last: u64,
    /// Sessions whose reader was found gone.
    gone: Vec<SessionId>,
    metrics: Arc<BlfMetrics>,
}

struct Session {
    watcher: UserId,
    wishes: Wishes,
    reader: Option<Reader>,
    /// Offers that stand, by their number, and the line of each.
    offers: Vec<(u64, UserId)>,
}

struct Reader {
    name: u64,
    outlet: Outlet,
    waits: Waits,
}

/// What a reader waits for with its first notice.
enum Waits {
    Join(Notices, Answer),
    Nothing,
    Resume(oneshot::Sender<Arc<Notice>>),
}

type Answer = Answers<Subscription>;

impl Sessions {
    pub(super) fn new(metrics: Arc<BlfMetrics>) -> Self {
        Self {
            sessions: HashMap::new(),
            readers: HashMap::new(),
            permanent: HashMap::new(),
            last: 0,
            gone: Vec::new(),
            metrics,
        }
    }

    fn fresh(&mut self) -> SessionId {
        self.last += 1;
        SessionId(self.last)
    }

    fn joined(&mut self, watcher: UserId, wishes: Wishes, reader: Option<Reader>) -> board::Input {
        let session = self.fresh();
        if let Some(reader) = &reader {
            self.readers.insert(reader.name, session);
        } else {
            self.permanent.insert(watcher.clone(), session);
        }
        let held = Session {
            watcher: watcher.clone(),
            wishes,
            reader,
            offers: Vec::new(),
        };
        self.sessions.insert(session, held);
        board::Input::Joined {
            session,
            watcher,
            wishes,
        }
    }

    /// A reader comes.
    pub(super) fn join(
        &mut self,
        watcher: UserId,
        wishes: Wishes,
        queue: usize,
        questions: mpsc::Sender<Question>,
        answer: Answer,
    ) -> board::Input {
        let name = self.last + 1;
        let (outlet, notices) = outlet(name, queue, questions);
        let waits = Waits::Join(notices, answer);
        let reader = Reader {
            name,
            outlet,
            waits,
        };
        self.joined(watcher, wishes, Some(reader))
    }

    /// A reader that fell behind starts anew: it leaves and joins in one go.
    pub(super) fn resume(
        &mut self,
        name: u64,
        answer: oneshot::Sender<Arc<Notice>>,
    ) -> Vec<board::Input> {
        let old = self.readers.remove(&name);
        let Some((old, session)) = old.and_then(|old| Some((old, self.sessions.remove(&old)?)))
        else {
            return Vec::new();
        };
        let Some(mut reader) = session.reader else {
            return Vec::new();
        };
        reader.outlet.caught_up();
        reader.waits = Waits::Resume(answer);
        let joined = self.joined(session.watcher, session.wishes, Some(reader));
        vec![board::Input::Left(old), joined]
    }

    /// A reader left.
    pub(super) fn left(&mut self, name: u64) -> Option<board::Input> {
        let session = self.readers.remove(&name)?;
        self.sessions.remove(&session)?;
        Some(board::Input::Left(session))
    }

    /// Looks for readers that left without a word, because there was no room for it.
    pub(super) fn sweep(&mut self) {
        let left = |session: &Session| {
            let reader = session.reader.as_ref();
            // One that waits to join holds its reading end here.
            reader.is_some_and(|reader| reader.outlet.is_abandoned())
        };
        let found = self.sessions.iter().filter(|(_, session)| left(session));
        let mut found: Vec<_> = found.map(|(id, _)| *id).collect();
        found.retain(|id| !self.gone.contains(id));
        self.gone.extend(found);
    }

    /// Readers that were found gone while they were told something.
    pub(super) fn gone(&mut self) -> Option<board::Input> {
        let session = self.gone.pop()?;
        let held = self.sessions.remove(&session);
        if let Some(reader) = held.and_then(|held| held.reader) {
            self.readers.remove(&reader.name);
        }
        Some(board::Input::Left(session))
    }

    /// The watchers that are tracked although nobody reads are these from now on.
    pub(super) fn keep(&mut self, watchers: &[UserId], wishes: Wishes) -> Vec<board::Input> {
        let wanted: HashSet<&UserId> = watchers.iter().collect();
        let over: Vec<_> = self
            .permanent
            .keys()
            .filter(|watcher| !wanted.contains(watcher))
            .cloned()
            .collect();
        let mut inputs = Vec::new();
        for watcher in over {
            if let Some(session) = self.permanent.remove(&watcher) {
                self.sessions.remove(&session);
                inputs.push(board::Input::Left(session));
            }
        }
        for watcher in watchers {
            if !self.permanent.contains_key(watcher) {
                inputs.push(self.joined(watcher.clone(), wishes, None));
            }
        }
        inputs
    }

    /// The board does not take a session.
    pub(super) fn refuse(&mut self, session: SessionId, refusal: Refusal) {
        let Some(held) = self.sessions.remove(&session) else {
            return;
        };
        let Some(reader) = held.reader else {
            self.permanent.remove(&held.watcher);
            return;
        };
        self.readers.remove(&reader.name);
        if let Waits::Join(_, answer) = reader.waits {
            let error = match refusal {
                Refusal::TooManySessions => BoardError::TooManyWatchers,
                Refusal::TooManySessionsOfWatcher => BoardError::TooManyReaders,
            };
            // Who asked may have left meanwhile.
            drop(answer.send(Err(error)));
        }
    }

    /// Tells all who hear it.
    pub(super) fn notify(&mut self, notice: &board::Notice) {
        let kind = kind_of(&notice.body);
        self.metrics.notice(kind.as_str());
        match &*notice.body {
            Notification::Offer(_) => self.metrics.offered(notice.to.len()),
            Notification::Withdraw(withdraw) => {
                let reason = withdraw.reason.as_str();
                self.metrics.withdrawn(reason, notice.to.len());
            }
            Notification::Snapshot(_) | Notification::State(_) => {}
        }
        // Rendered when the first reader needs it, which is never for watchers without any.
        let mut rendered = None;
        for id in &*notice.to {
            let Some(session) = self.sessions.get_mut(id) else {
                continue;
            };
            session.note(&notice.body);
            let Some(reader) = &mut session.reader else {
                continue;
            };
            let rendered: &Arc<Notice> =
                rendered.get_or_insert_with(|| Arc::new(render(notice.id, kind, &notice.body)));
            match std::mem::replace(&mut reader.waits, Waits::Nothing) {
                Waits::Nothing => match reader.outlet.tell(rendered) {
                    Told::Queued | Told::Behind => {}
                    Told::FallsBehind => self.metrics.reader_behind(),
                    Told::Gone => self.gone.push(*id),
                },
                Waits::Join(notices, answer) => {
                    let snapshot = Arc::clone(rendered);
                    // Who asked may have left meanwhile; the notices are then dropped, which
                    // tells us so.
                    drop(answer.send(Ok(Subscription { snapshot, notices })));
                }
                Waits::Resume(answer) => drop(answer.send(Arc::clone(rendered))),
            }
        }
    }

    /// Whose sessions these are.
    pub(super) fn watchers<'a>(
        &'a self,
        sessions: &'a [SessionId],
    ) -> impl Iterator<Item = &'a UserId> {
        let held = sessions.iter().filter_map(|id| self.sessions.get(id));
        held.map(|session| &session.watcher)
    }

    /// Readers of notices.
    pub(super) fn readers(&self) -> usize {
        self.readers.len()
    }

    /// Readers and offers of one watcher.
    pub(super) fn of(&self, watcher: &UserId) -> (usize, usize) {
        let of = |session: &&Session| session.watcher == *watcher;
        let facts = self.sessions.values().filter(of).map(Session::facts);
        facts.fold((0, 0), add)
    }

    /// Readers and offers of every watcher.
    pub(super) fn by_watcher(&self) -> HashMap<&UserId, (usize, usize)> {
        let mut all: HashMap<_, (usize, usize)> = HashMap::new();
        for session in self.sessions.values() {
            let facts = all.entry(&session.watcher).or_default();
            *facts = add(*facts, session.facts());
        }
        all
    }

    /// Where an offer that stands for a watcher rings.
    pub(super) fn line_of_offer(&self, watcher: &UserId, offer: u64) -> Option<UserId> {
        let of = |session: &&Session| session.watcher == *watcher;
        let mut offers = self
            .sessions
            .values()
            .filter(of)
            .flat_map(|one| &one.offers);
        let found = offers.find(|(number, _)| *number == offer);
        found.map(|(_, user)| user.clone())
    }
}

impl Session {
    /// Keeps in mind which offers stand.
    fn note(&mut self, body: &Notification) {
        match body {
            Notification::Offer(offer) => self.offers.push((offer.offer, offer.user.clone())),
            Notification::Withdraw(withdraw) => {
                self.offers.retain(|(number, _)| *number != withdraw.offer);
            }
            Notification::Snapshot(snapshot) => {
                let offers = snapshot.offers.iter();
                self.offers = offers
                    .map(|offer| (offer.offer, offer.user.clone()))
                    .collect();
            }
            Notification::State(_) => {}
        }
    }

    const fn facts(&self) -> (usize, usize) {
        (self.reader.is_some() as usize, self.offers.len())
    }
}

/// Readers add up; sessions of one watcher see the same offers.
fn add(one: (usize, usize), other: (usize, usize)) -> (usize, usize) {
    (one.0 + other.0, one.1.max(other.1))
}

const fn kind_of(body: &Notification) -> NoticeKind {
    match body {
        Notification::Offer(_) => NoticeKind::Offer,
        Notification::Snapshot(_) => NoticeKind::Snapshot,
        Notification::State(_) => NoticeKind::State,
        Notification::Withdraw(_) => NoticeKind::Withdraw,
    }
}

/// One line of JSON that begins with the id.
fn render(id: u64, kind: NoticeKind, body: &Notification) -> Notice {
    let mut json = BytesMut::with_capacity(512);
    json.put_slice(format!("{{\"id\":{id},").as_bytes());
    // Plain structs and strings always can be written.
    let written = serde_json::to_vec(body).unwrap_or_else(|_| b"{}".to_vec());
    json.put_slice(written.get(1..).unwrap_or(b"}"));
    Notice::new(id, kind, &json)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::blf::notice::Snapshot;
    use crate::telemetry::Telemetry;

    /// Thousands of streams that a load balancer drops at once are more than the tracker's queue
    /// holds, and a line where nothing happens tells nobody anything.
    #[test]
    fn a_reader_that_left_while_the_queue_was_full_is_found() {
        let mut sessions = Sessions::new(Telemetry::new().blf);
        let (questions, _asked) = mpsc::channel(1);
        questions.try_send(Question::Left(99)).unwrap();
        let (answer, mut answered) = oneshot::channel();
        let wishes = Wishes {
            notification_delay: Duration::ZERO,
            display_caller: true,
        };
        let watcher = UserId::new("alice");
        let joined = sessions.join(watcher.clone(), wishes, 4, questions, answer);
        let board::Input::Joined { session, .. } = joined else {
            panic!("{joined:?}");
        };
        sessions.sweep();
        assert_eq!(sessions.gone(), None, "it has not joined yet");
        sessions.notify(&board::Notice {
            id: 1,
            to: Arc::new([session]),
            body: Arc::new(Notification::Snapshot(Snapshot {
                watcher,
                list_known: true,
                long_list: false,
                lines: Vec::new(),
                offers: Vec::new(),
            })),
        });
        let joined = answered.try_recv().unwrap().unwrap();
        sessions.sweep();
        assert_eq!(sessions.gone(), None, "it reads");
        drop(joined);
        sessions.sweep();
        sessions.sweep();
        assert_eq!(sessions.gone(), Some(board::Input::Left(session)));
        assert_eq!(sessions.gone(), None);
        assert_eq!(sessions.readers(), 0);
    }
}
