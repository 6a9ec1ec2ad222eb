//! What watchers are told, rendered once for all of them, and how it reaches a reader.
//!
//! Memory stays bounded because notices are states: a reader that falls behind loses what waits and
//! gets the full state as soon as it reads again. It misses history, never the present.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::task::AtomicWaker;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

use crate::workers::blf_tracker::board::Question;

/// One thing told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Grows over the whole board; the `id` of a server-sent event.
    pub id: u64,
    /// What kind it is; the `event` of a server-sent event.
    pub kind: NoticeKind,
    /// The JSON object, on one line; a part of `sse`.
    pub json: Bytes,
    /// The whole server-sent event, shared by all streams.
    sse: Bytes,
    /// The same for those who see one view only, made when the first of them needs it.
    views: [OnceLock<(Bytes, Bytes)>; 2],
}

/// Which views of a line are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shown {
    /// Both.
    #[default]
    Both,
    /// All that is known.
    Full,
    /// What the Webex app would show.
    WebexCompatible,
}

impl Notice {
    /// Renders it, once for all readers. `json` has no line breaks.
    #[must_use]
    pub fn new(id: u64, kind: NoticeKind, json: &[u8]) -> Self {
        let (json, sse) = event(id, kind, json);
        Self {
            id,
            kind,
            json,
            sse,
            views: Default::default(),
        }
    }

    /// The server-sent event for those who see this.
    #[must_use]
    pub fn sse(&self, shown: Shown) -> Bytes {
        match self.view(shown) {
            Some((_, sse)) => sse.clone(),
            None => self.sse.clone(),
        }
    }

    /// The JSON object for those who see this.
    #[must_use]
    pub fn json(&self, shown: Shown) -> Bytes {
        match self.view(shown) {
            Some((json, _)) => json.clone(),
            None => self.json.clone(),
        }
    }

    fn view(&self, shown: Shown) -> Option<&(Bytes, Bytes)> {
        let [full, webex] = &self.views;
        let (place, without) = match shown {
            Shown::Both => return None,
            Shown::Full => (full, ONLY_WEBEX),
            Shown::WebexCompatible => (webex, ONLY_FULL),
        };
        match self.kind {
            // These tell nothing of lamps.
            NoticeKind::Offer | NoticeKind::Withdraw => None,
            NoticeKind::Snapshot | NoticeKind::State => Some(place.get_or_init(|| {
                let json = stripped(&self.json, without);
                event(self.id, self.kind, &json)
            })),
        }
    }
}

/// What of a line the Webex app does not show: its view knows `on a call` and nothing finer.
const ONLY_FULL: &[&str] = &["full", "calls", "hook", "parked", "do-not-disturb"];

/// What of a line is the Webex app's view alone.
const ONLY_WEBEX: &[&str] = &["webex-compatible"];

/// The JSON and the event that holds it, in one piece of memory.
fn event(id: u64, kind: NoticeKind, json: &[u8]) -> (Bytes, Bytes) {
    let head = format!("id: {id}\nevent: {}\ndata: ", kind.as_str());
    let mut event = Vec::with_capacity(head.len() + json.len() + 2);
    event.extend_from_slice(head.as_bytes());
    event.extend_from_slice(json);
    event.extend_from_slice(b"\n\n");
    let sse = Bytes::from(event);
    (sse.slice(head.len()..sse.len() - 2), sse)
}

/// A state, or a snapshot with its lines, without some members of each line.
fn stripped(json: &[u8], without: &[&str]) -> Vec<u8> {
    let Ok(mut document) = serde_json::from_slice::<Value>(json) else {
        // We wrote it ourselves; whoever reads it will see as much.
        return json.to_vec();
    };
    strip(&mut document, without);
    if let Some(lines) = document.get_mut("lines").and_then(Value::as_array_mut) {
        for line in lines {
            strip(line, without);
        }
    }
    document.to_string().into_bytes()
}

fn strip(line: &mut Value, without: &[&str]) {
    if let Some(line) = line.as_object_mut() {
        line.retain(|name, _| !without.contains(&name.as_str()));
    }
}

/// The kinds of notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoticeKind {
    /// A call may be picked up.
    Offer,
    /// All lines of the watcher, and the offers that stand.
    Snapshot,
    /// The state of one line.
    State,
    /// An offer ended.
    Withdraw,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Offer, Self::Snapshot, Self::State, Self::Withdraw];

    /// The word for the wire, labels and documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Snapshot => "snapshot",
            Self::State => "state",
            Self::Withdraw => "withdraw",
        }
    }
}

/// The reading end. Dropping it tells the tracker that the reader left.
pub struct Notices {
    reader: u64,
    received: mpsc::Receiver<Arc<Notice>>,
    gap: Arc<Gap>,
    questions: mpsc::Sender<Question>,
    /// The question for the full state, while it is under way.
    resuming: Option<BoxFuture<'static, Option<Arc<Notice>>>>,
}

impl std::fmt::Debug for Notices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notices")
            .field("reader", &self.reader)
            .finish_non_exhaustive()
    }
}

/// The writing end.
#[derive(Debug)]
pub(super) struct Outlet {
    sender: mpsc::Sender<Arc<Notice>>,
    gap: Arc<Gap>,
}

/// Whether a reader has fallen behind. It may empty its queue between the moment in which that is
/// found full and the one in which this is noted, so it is woken apart from the queue.
#[derive(Debug, Default)]
struct Gap {
    behind: AtomicBool,
    reader: AtomicWaker,
}

impl Gap {
    fn is_open(&self) -> bool {
        self.behind.load(Ordering::Acquire)
    }

    fn open(&self) {
        self.behind.store(true, Ordering::Release);
        self.reader.wake();
    }

    fn close(&self) {
        self.behind.store(false, Ordering::Release);
    }
}

/// What became of one notice for one reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It waits for the reader.
    Queued,
    /// The reader has fallen behind and will get the full state.
    Behind,
    /// It falls behind with this one.
    FallsBehind,
    /// The reader left.
    Gone,
}

pub(super) fn outlet(
    reader: u64,
    queue: usize,
    questions: mpsc::Sender<Question>,
) -> (Outlet, Notices) {
    let (sender, received) = mpsc::channel(queue.max(1));
    let gap = Arc::<Gap>::default();
    let outlet = Outlet {
        sender,
        gap: Arc::clone(&gap),
    };
    let notices = Notices {
        reader,
        received,
        gap,
        questions,
        resuming: None,
    };
    (outlet, notices)
}

impl Outlet {
    pub(super) fn tell(&self, notice: &Arc<Notice>) -> Told {
        if self.gap.is_open() {
            return Told::Behind;
        }
        match self.sender.try_send(Arc::clone(notice)) {
            Ok(()) => Told::Queued,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.gap.open();
                Told::FallsBehind
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Told::Gone,
        }
    }

    /// The full state is on its way; notices count again.
    pub(super) fn caught_up(&self) {
        self.gap.close();
    }

    /// Whether the reader left.
    pub(super) fn is_abandoned(&self) -> bool {
        self.sender.is_closed()
    }
}

impl Notices {
    /// The next notice; `None` when the tracker ended. May be dropped halfway without losing
    /// anything.
    pub async fn next(&mut self) -> Option<Arc<Notice>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`Notices::next`], for those who poll.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Arc<Notice>>> {
        loop {
            if let Some(resuming) = &mut self.resuming {
                let notice = ready!(resuming.as_mut().poll(cx));
                self.resuming = None;
                return Poll::Ready(notice);
            }
            if let Poll::Ready(notice) = self.received.poll_recv(cx) {
                return Poll::Ready(notice);
            }
            // Told of first, looked at then: whoever falls behind from now on is woken.
            self.gap.reader.register(cx.waker());
            if !self.gap.is_open() {
                return Poll::Pending;
            }
            let (questions, reader) = (self.questions.clone(), self.reader);
            self.resuming = Some(Box::pin(async move {
                let (answer, answered) = oneshot::channel();
                let question = Question::Resume(reader, answer);
                questions.send(question).await.ok()?;
                // Without an answer the tracker knows this reader no more.
                answered.await.ok()
            }));
        }
    }

    /// A notice that waits already.
    pub fn ready(&mut self) -> Option<Arc<Notice>> {
        self.next().now_or_never().flatten()
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        // When the queue is full, the next notice or sweep finds the reader gone.
        self.questions.try_send(Question::Left(self.reader)).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;
    use std::task::Waker;

    use super::*;

    #[derive(Default)]
    struct Alarm(AtomicUsize);

    impl Wake for Alarm {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The teller finds the queue full; the reader empties it and finds that it is not behind;
    /// only then the teller notes that it is.
    #[test]
    fn a_reader_that_empties_its_queue_while_it_falls_behind_is_woken() {
        let (questions, mut asked) = mpsc::channel(4);
        let (outlet, mut notices) = outlet(7, 1, questions);
        let alarm = Arc::<Alarm>::default();
        let waker = Waker::from(Arc::clone(&alarm));
        let mut cx = Context::from_waker(&waker);
        assert!(notices.poll_next(&mut cx).is_pending());
        outlet.gap.open();
        assert_eq!(alarm.0.load(Ordering::Relaxed), 1, "nobody wakes it");
        assert!(notices.poll_next(&mut cx).is_pending());
        assert!(matches!(asked.try_recv(), Ok(Question::Resume(7, _))));
    }
}
