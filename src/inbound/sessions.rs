//! The CTI sessions of one listener: which XSP gets the next, what each has carried, and whether
//! there is any at all.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use serde_json::Value;
use serde_json::json;
use tokio::sync::watch;

use crate::domain::certs::date;
use crate::domain::edge::session::Candidate;
use crate::domain::edge::session::choose;
use crate::inbound::connections::Full;
use crate::inbound::connections::Place;
use crate::inbound::connections::Places;
use crate::inbound::pass::Side;
use crate::inbound::pass::Tally;
use crate::inbound::watch::Order;
use crate::inbound::watch::Watch;
use crate::platform::clock;
use crate::telemetry::cti::CtiSeries;

/// For how long an XSP that failed is asked last: longer than its connect timeout, so that not
/// each session waits for it, and short beside a restart.
const FAILED_FOR: Duration = Duration::from_secs(30);

/// The sessions of one listener. It outlives reloads.
pub struct Sessions {
    listener: Arc<str>,
    places: Arc<Places>,
    state: Mutex<State>,
    count: watch::Sender<usize>,
    patience: watch::Sender<Duration>,
    /// Counters.
    pub series: CtiSeries,
}

#[derive(Default)]
struct State {
    next: u64,
    open: BTreeMap<u64, Arc<Session>>,
    /// Sessions by XSP, those being opened included.
    taken: HashMap<Arc<str>, usize>,
    failed: HashMap<Arc<str>, Instant>,
}

/// One session.
pub(super) struct Session {
    pub(super) peer: SocketAddr,
    pub(super) identity: String,
    /// Server name of the client's hello: it chose the host whose list the identity is on.
    pub(super) server_name: Option<String>,
    pub(super) upstream: Arc<str>,
    pub(super) opened: SystemTime,
    pub(super) since: Instant,
    /// Whether it has lasted long enough to count as one: an XSP that refuses our certificate
    /// may do so a moment after the session began, each time that Webex tries again.
    pub(super) settled: AtomicBool,
    pub(super) tally: Arc<Tally>,
    pub(super) watch: Arc<Watch>,
}

/// An XSP's place for one session; given back when dropped.
pub(super) struct Taken {
    sessions: Arc<Sessions>,
    upstream: Arc<str>,
}

/// Takes the session off the list when dropped.
pub(super) struct Listed {
    sessions: Arc<Sessions>,
    id: u64,
}

impl Sessions {
    /// No session yet. `patience` is how long that may last.
    #[must_use]
    pub fn new(listener: &Arc<str>, series: CtiSeries, patience: Duration) -> Arc<Self> {
        Arc::new(Self {
            listener: Arc::clone(listener),
            places: Arc::default(),
            state: Mutex::default(),
            count: watch::Sender::new(0),
            patience: watch::Sender::new(patience),
            series,
        })
    }

    /// Name of the listener.
    #[must_use]
    pub const fn listener(&self) -> &Arc<str> {
        &self.listener
    }

    /// How many are open and have settled, as it changes.
    #[must_use]
    pub fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// How long there may be none, as it changes.
    #[must_use]
    pub fn patience(&self) -> watch::Receiver<Duration> {
        self.patience.subscribe()
    }

    /// A reload says how long there may be none.
    pub fn set_patience(&self, patience: Duration) {
        self.patience.send_if_modified(|held| {
            let changed = *held != patience;
            *held = patience;
            changed
        });
    }

    /// Brings the gauges up to this moment.
    pub fn refresh_series(&self) {
        let state = self.lock();
        self.series
            .open_now(state.open.len(), state.settled(), clock::wall());
    }

    /// Ends the sessions whose identity is no longer let in; `listed` is given the server name and
    /// the identity.
    pub fn judge_again(&self, listed: impl Fn(Option<&str>, &str) -> bool) {
        for session in self.lock().open.values() {
            if !listed(session.server_name.as_deref(), &session.identity) {
                session.watch.order(Order::IdentityUnlisted);
            }
        }
    }

    /// Every session as JSON, the oldest first.
    #[must_use]
    pub fn document(&self) -> Vec<Value> {
        let sessions: Vec<_> = self.lock().open.clone().into_iter().collect();
        let now = clock::mono();
        let seconds = |duration: Duration| duration.as_secs();
        let one = |(id, session): (u64, Arc<Session>)| {
            let tally = &session.tally;
            json!({
                "id": id,
                "listener": self.listener.as_ref(),
                "peer": session.peer.to_string(),
                "identity": session.identity,
                "upstream": session.upstream.as_ref(),
                "opened": date::text(session.opened),
                "age-seconds": seconds(now.saturating_duration_since(session.since)),
                "bytes-from-client": tally.bytes_from(Side::Client),
                "bytes-from-upstream": tally.bytes_from(Side::Upstream),
                "quiet-seconds": seconds(tally.quiet()),
            })
        };
        sessions.into_iter().map(one).collect()
    }

    /// A place for a session of this address.
    pub(super) fn admit(
        &self,
        address: IpAddr,
        most: usize,
        per_address: usize,
    ) -> Result<Place, Full> {
        self.places.admit(address, most, per_address)
    }

    /// Takes a place at the XSP that is to have the next session; `tried` are the places of those
    /// that turned it away.
    pub(super) fn take(
        self: &Arc<Self>,
        upstreams: &[Arc<str>],
        tried: &[usize],
    ) -> Option<(usize, Taken)> {
        let now = clock::mono();
        let mut state = self.lock();
        // What a reload took out of the configuration goes too.
        state
            .failed
            .retain(|_, since| now.saturating_duration_since(*since) < FAILED_FOR);
        let candidates: Vec<_> = upstreams
            .iter()
            .enumerate()
            .map(|(at, name)| Candidate {
                sessions: state.taken.get(name).copied().unwrap_or(0),
                failed: state.failed.contains_key(name),
                tried: tried.contains(&at),
            })
            .collect();
        let at = choose(&candidates)?;
        let upstream = Arc::clone(upstreams.get(at)?);
        *state.taken.entry(Arc::clone(&upstream)).or_insert(0) += 1;
        drop(state);
        let taken = Taken {
            sessions: Arc::clone(self),
            upstream,
        };
        Some((at, taken))
    }

    /// Enters a session that goes through.
    pub(super) fn enter(self: &Arc<Self>, session: Arc<Session>) -> Listed {
        let mut state = self.lock();
        state.failed.remove(&session.upstream);
        let id = state.next;
        state.next += 1;
        state.open.insert(id, session);
        self.changed(&state);
        Listed {
            sessions: Arc::clone(self),
            id,
        }
    }

    /// The lock is held, so that counts are told in the order in which they were true.
    fn changed(&self, state: &State) {
        let (open, settled) = (state.open.len(), state.settled());
        self.series.open_now(open, settled, clock::wall());
        self.count.send_if_modified(|held| {
            let changed = *held != settled;
            *held = settled;
            changed
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn settled(&self) -> usize {
        let settled = |session: &&Arc<Session>| session.settled.load(Ordering::Relaxed);
        self.open.values().filter(settled).count()
    }
}

impl Listed {
    /// The session has lasted long enough to count as one.
    pub(super) fn settle(&self) {
        let state = self.sessions.lock();
        if let Some(session) = state.open.get(&self.id) {
            session.settled.store(true, Ordering::Relaxed);
        }
        self.sessions.changed(&state);
    }
}

impl Taken {
    pub(super) const fn upstream(&self) -> &Arc<str> {
        &self.upstream
    }

    /// The XSP did not take it: others come first for a while.
    pub(super) fn failed(&self) {
        let name = Arc::clone(&self.upstream);
        self.sessions.lock().failed.insert(name, clock::mono());
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut state = self.sessions.lock();
        if let Some(count) = state.taken.get_mut(&self.upstream) {
            *count -= 1;
            if *count == 0 {
                state.taken.remove(&self.upstream);
            }
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut state = self.sessions.lock();
        state.open.remove(&self.id);
        self.sessions.changed(&state);
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::registry::Registry;

    use super::*;
    use crate::telemetry::cti::CtiMetrics;

    fn sessions() -> Arc<Sessions> {
        let metrics = CtiMetrics::register(&mut Registry::default());
        let name = "cti".into();
        Sessions::new(&name, metrics.listener(&name), Duration::from_secs(300))
    }

    fn upstreams() -> Vec<Arc<str>> {
        vec!["xsp1:8012".into(), "xsp2:8012".into()]
    }

    fn session(upstream: &Arc<str>, identity: &str) -> Arc<Session> {
        Arc::new(Session {
            peer: ([192, 0, 2, 1], 4711).into(),
            identity: identity.to_owned(),
            server_name: None,
            upstream: Arc::clone(upstream),
            opened: SystemTime::UNIX_EPOCH,
            since: clock::mono(),
            settled: AtomicBool::new(false),
            tally: Arc::new(Tally::new(Counter::default(), Counter::default())),
            watch: Watch::new(),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_spread_by_number_and_a_failed_xsp_comes_last_for_a_while() {
        let (sessions, upstreams) = (sessions(), upstreams());
        let (first, one) = sessions.take(&upstreams, &[]).unwrap();
        let (second, two) = sessions.take(&upstreams, &[]).unwrap();
        assert_eq!((first, second), (0, 1));
        drop(one);
        let (third, three) = sessions.take(&upstreams, &[]).unwrap();
        assert_eq!(third, 0);
        three.failed();
        drop(three);
        let (fourth, four) = sessions.take(&upstreams, &[]).unwrap();
        assert_eq!(fourth, 1, "although it has one already");
        assert_eq!(sessions.take(&upstreams, &[1]).unwrap().0, 0);
        assert!(sessions.take(&upstreams, &[0, 1]).is_none());
        drop((two, four));
        tokio::time::advance(FAILED_FOR).await;
        assert_eq!(sessions.take(&upstreams, &[]).unwrap().0, 0);
        assert!(sessions.lock().taken.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_list_shows_what_is_open_and_ends_whom_the_list_of_identities_lacks() {
        let (sessions, upstreams) = (sessions(), upstreams());
        let (webex, other) = (
            session(&upstreams[0], "bwcticlient.webex.com"),
            session(&upstreams[1], "other"),
        );
        let listed = [
            sessions.enter(Arc::clone(&webex)),
            sessions.enter(Arc::clone(&other)),
        ];
        assert_eq!(*sessions.count().borrow(), 0, "they may be refused yet");
        listed.iter().for_each(Listed::settle);
        assert_eq!(*sessions.count().borrow(), 2);
        let document = sessions.document();
        assert_eq!(document.len(), 2);
        assert_eq!(document[0]["identity"], "bwcticlient.webex.com");
        assert_eq!(document[0]["upstream"], "xsp1:8012");
        assert_eq!(document[0]["peer"], "192.0.2.1:4711");
        sessions.judge_again(|_, identity| identity == "bwcticlient.webex.com");
        assert_eq!(webex.watch.ordered(), Order::None);
        assert_eq!(other.watch.ordered(), Order::IdentityUnlisted);
        drop(listed);
        assert_eq!(*sessions.count().borrow(), 0);
        assert!(sessions.document().is_empty());
    }
}
