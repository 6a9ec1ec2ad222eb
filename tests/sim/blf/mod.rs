//! The tracker against an Application Server that places calls among users while channels die,
//! acknowledgements get lost, subscriptions end, snapshots do not come and lists change. After some
//! quiet time the board must equal the server: this is the proof that it does not lie.

mod server;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use xspd::domain::blf::board;
use xspd::domain::blf::list::WatchList;
use xspd::domain::blf::tracker::Action;
use xspd::domain::blf::tracker::Input;
use xspd::domain::blf::tracker::Rules;
use xspd::domain::blf::tracker::Tracker;
use xspd::domain::blf::view::Lamp;
use xspd::domain::events::channel;
use xspd::domain::events::channel::Attempt;
use xspd::domain::events::channel::Change;
use xspd::domain::events::channel::Happening;
use xspd::domain::events::channel::OpenFailure;
use xspd::domain::events::channel::Outcome;
use xspd::domain::events::document::ChannelEntry;
use xspd::domain::events::document::Document;
use xspd::domain::events::document::MonitoredUser;
use xspd::domain::events::document::TerminatedReason;
use xspd::domain::events::document::requests::AckStatus;
use xspd::domain::events::ids::ChannelId;
use xspd::domain::events::ids::EventId;
use xspd::domain::events::ids::UserId;
use xspd::domain::events::subscriptions;
use xspd::domain::events::subscriptions::Collection;
use xspd::domain::events::subscriptions::Fault;
use xspd::domain::events::subscriptions::Granted;
use xspd::domain::events::subscriptions::Target;
use xspd::domain::machine::Machine;
use xspd::domain::machine::Now;
use xspd::platform::clock;

use super::Random;
use super::explore;
use server::Server;
use watch::Watchers;

const USERS: u64 = 6;

/// Things that the world does in one run.
const DEEDS: usize = 60;

/// Long enough for every pause of the rules below, twice.
const QUIET: Duration = Duration::from_secs(400);

/// Seconds of life that the server grants where subscriptions may end without a word, which only
/// their next refresh notices: it must come within the quiet time.
const SHORT_LIFE: u32 = 240;

/// Where they do not, no refresh for age may heal what events should have told.
const LONG_LIFE: u32 = 86_400;

/// The server sends an unacknowledged event again after this time.
const NOTIFICATION_TIMEOUT: Duration = Duration::from_secs(5);

/// Something on its way to the tracker.
#[derive(Debug, Clone)]
enum Coming {
    Input(Input),
    /// A document on a stream, and its event.
    Document(Attempt, Box<Document>),
    /// The server looks whether an event was acknowledged.
    Look(EventId),
    /// A reading of calls happens at the server now, and is answered later.
    Read(board::FetchId, UserId),
}

struct Stream {
    channel: ChannelId,
    /// When its last document arrives; the next comes later.
    last: Instant,
    opened: bool,
}

struct World {
    tracker: Tracker,
    server: Server,
    watchers: Watchers,
    random: Random,
    now: Now,
    coming: BTreeMap<(Instant, u64), Coming>,
    sent: u64,
    streams: BTreeMap<Attempt, Stream>,
    /// Events that arrived on a living channel and were not answered yet.
    unanswered: BTreeMap<EventId, Attempt>,
    lists: BTreeMap<UserId, Vec<u64>>,
    /// Whether things go wrong.
    faults: bool,
    collective: bool,
    life: u32,
    source_lost: Option<Instant>,
    rules: Rules,
}

fn name(user: u64) -> UserId {
    UserId::new(&format!("u{user}"))
}

fn rules(collective: bool) -> Rules {
    Rules {
        channels: channel::Rules::default(),
        subscriptions: subscriptions::Rules {
            collections_above: collective.then_some(0),
            collections: vec![Collection::System],
            denied_pause: Duration::from_secs(60),
            ..subscriptions::Rules::default()
        },
        board: board::Rules::default(),
        lines: usize::MAX,
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let now = clock::now();
        let collective = random.below(4) == 0;
        let life = if random.below(2) == 0 {
            SHORT_LIFE
        } else {
            LONG_LIFE
        };
        let rules = rules(collective);
        let tracker = Tracker::new(rules.clone(), 2, seed, now);
        Self {
            tracker,
            server: Server::new(USERS),
            watchers: Watchers::default(),
            random,
            now,
            coming: BTreeMap::new(),
            sent: 0,
            streams: BTreeMap::new(),
            unanswered: BTreeMap::new(),
            lists: BTreeMap::new(),
            faults: true,
            collective,
            life,
            source_lost: Some(now.mono),
            rules,
        }
    }

    fn chance(&mut self, of: u64) -> bool {
        self.faults && self.random.below(of) == 0
    }

    fn latency(&mut self) -> Duration {
        self.random.duration(Duration::from_millis(400))
    }

    fn later(&mut self, after: Duration, what: Coming) {
        self.sent += 1;
        self.coming.insert((self.now.mono + after, self.sent), what);
    }

    fn soon(&mut self, input: Input) {
        let after = self.latency();
        self.later(after, Coming::Input(input));
    }

    /// What comes on one stream comes in order.
    fn on_stream(&mut self, attempt: Attempt, document: Document) {
        let after = self.latency();
        let Some(stream) = self.streams.get_mut(&attempt) else {
            return;
        };
        stream.last = stream.last.max(self.now.mono + after);
        self.sent += 1;
        let place = (stream.last, self.sent);
        let what = Coming::Document(attempt, Box::new(document));
        self.coming.insert(place, what);
    }

    fn happen(&mut self, attempt: Attempt, happening: Happening) {
        let input = channel::Input::On(attempt, happening);
        self.soon(Input::Channel(input));
    }

    fn run(&mut self) {
        for _ in 0..DEEDS {
            let until = self.now.mono + self.random.duration(Duration::from_secs(3));
            self.pass(until);
            self.deed();
        }
        self.faults = false;
        // One event more for each, so that numbers show what was lost.
        self.server.greet();
        self.flush(false);
        self.pass(self.now.mono + QUIET);
        self.judge_quiet();
        self.leave();
    }

    fn pass(&mut self, until: Instant) {
        loop {
            let coming = self.coming.keys().next().map(|(at, _)| *at);
            let deadline = self.tracker.deadline();
            let next = coming.into_iter().chain(deadline).min();
            let Some(next) = next.filter(|next| *next <= until) else {
                break;
            };
            let step = next.saturating_duration_since(self.now.mono);
            self.now.mono += step;
            if self.faults && self.random.below(50) == 0 {
                let wall = self.random.duration(Duration::from_secs(1 << 31));
                self.now.wall = SystemTime::UNIX_EPOCH + wall;
            }
            if coming == Some(next) {
                if let Some((_, what)) = self.coming.pop_first() {
                    self.arrive(what);
                }
            } else {
                self.tracker.handle_timeout(self.now);
                self.settle();
            }
        }
        self.now.mono = until;
    }

    fn arrive(&mut self, what: Coming) {
        match what {
            Coming::Document(attempt, document) => {
                if !self.streams.contains_key(&attempt) {
                    return;
                }
                let ended = matches!(*document, Document::ChannelTerminated { .. });
                if let Document::Event(event) = &*document {
                    self.unanswered.insert(event.id.clone(), attempt);
                }
                let input = Input::Document(attempt, *document);
                self.tracker.handle(input, self.now);
                if ended {
                    self.end_stream(attempt);
                }
            }
            Coming::Input(input) => self.tracker.handle(input, self.now),
            Coming::Look(event) => self.look(&event),
            Coming::Read(id, user) => {
                let fetched = self.server.read(&user);
                let lost = self.chance(8);
                let fetched = (!lost).then_some(fetched);
                let result = board::Input::CallsFetched(id, user, fetched);
                self.soon(Input::Board(result));
            }
        }
        self.settle();
    }

    fn settle(&mut self) {
        self.tracker.check_invariants();
        while let Some(action) = self.tracker.poll_action() {
            self.act(action);
        }
        self.judge();
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Board(action) => self.of_board(action),
            Action::Channel(action) => self.of_channel(action),
            Action::Full => unreachable!("there is no limit"),
            Action::Subscription(action) => self.of_subscription(action),
        }
    }

    fn of_board(&mut self, action: board::Action) {
        match action {
            board::Action::FetchCalls(id, user) => {
                let after = self.latency();
                if !self.chance(10) {
                    self.later(after, Coming::Read(id, user));
                }
            }
            board::Action::Notify(notice) => self.watchers.told(&notice),
            board::Action::ReadList(watcher) => {
                let list = self.list(&watcher);
                let read = board::Input::ListRead(watcher, list);
                self.soon(Input::Board(read));
            }
            board::Action::Refuse(session, refusal) => panic!("{session:?}: {refusal:?}"),
            board::Action::Lamp { .. } | board::Action::StopList(_) => {}
            board::Action::Refresh(_) | board::Action::Unwant(_) | board::Action::Want(_) => {
                panic!("these stay inside")
            }
        }
    }

    fn list(&mut self, watcher: &UserId) -> WatchList {
        let random = &mut self.random;
        let users = self.lists.entry(watcher.clone()).or_insert_with(|| {
            let count = random.below(USERS + 1);
            (0..count).map(|_| random.below(USERS)).collect()
        });
        let entry = |user: &u64| MonitoredUser {
            user: name(*user),
            name: None,
            number: None,
            extension: None,
        };
        WatchList::new(users.iter().map(entry).collect())
    }

    fn of_channel(&mut self, action: channel::Action) {
        match action {
            channel::Action::Acknowledge(attempt, event, status) => {
                self.acknowledge(attempt, event, status);
            }
            channel::Action::Announce(change) => self.announced(&change),
            channel::Action::Close(attempt) => self.end_stream(attempt),
            channel::Action::Delete(attempt, channel) => {
                let gone = Document::ChannelTerminated {
                    channel: Some(channel),
                    reason: TerminatedReason::ExplicitDelete,
                };
                self.on_stream(attempt, gone);
            }
            channel::Action::Heartbeat(attempt, _) => self.heartbeat(attempt),
            channel::Action::Open { attempt, .. } => self.open(attempt),
            channel::Action::Refresh(attempt, ..) => {
                let done = Happening::Refreshed(Outcome::Done, Some(3_600));
                self.happen(attempt, done);
            }
            channel::Action::Clear(..) | channel::Action::Drained | channel::Action::Raise(..) => {}
            channel::Action::Deliver(_) => panic!("this stays inside"),
        }
    }

    fn announced(&mut self, change: &Change) {
        match change {
            Change::SourceBack => self.source_lost = None,
            Change::SourceLost { .. } => self.source_lost = Some(self.now.mono),
            Change::Lost(..) | Change::Up(..) => {}
        }
    }

    fn open(&mut self, attempt: Attempt) {
        if self.chance(4) {
            let failure = match self.random.below(3) {
                0 => OpenFailure::Io,
                1 => OpenFailure::Refused(503),
                _ => OpenFailure::Redirected("http://xsp2/".into()),
            };
            self.happen(attempt, Happening::OpenFailed(failure));
            return;
        }
        self.sent += 1;
        let channel = ChannelId::new(&format!("channel-{}", self.sent));
        self.streams.insert(
            attempt,
            Stream {
                channel: channel.clone(),
                last: self.now.mono,
                opened: false,
            },
        );
        if !self.chance(20) {
            let opened = Document::ChannelOpened(ChannelEntry {
                id: channel,
                set: None,
                expires: Some(3_600),
            });
            self.on_stream(attempt, opened);
            if let Some(stream) = self.streams.get_mut(&attempt) {
                stream.opened = true;
            }
        }
    }

    fn heartbeat(&mut self, attempt: Attempt) {
        let outcome = if !self.streams.contains_key(&attempt) || self.chance(40) {
            Outcome::Gone
        } else if self.chance(15) {
            Outcome::Failed
        } else {
            Outcome::Done
        };
        if outcome == Outcome::Done && !self.chance(8) {
            self.on_stream(attempt, Document::HeartBeat);
        }
        if !self.chance(30) {
            self.happen(attempt, Happening::HeartbeatEnded(outcome));
        }
    }

    fn acknowledge(&mut self, attempt: Attempt, event: EventId, status: AckStatus) {
        self.unanswered.remove(&event);
        let lost = self.chance(10);
        if !lost {
            self.server.acknowledged(&event, status);
        }
        // The answer may get lost as well, or be a failure.
        let outcome = if lost { Outcome::Failed } else { Outcome::Done };
        if !self.chance(20) {
            self.happen(attempt, Happening::Acknowledged(event, outcome));
        }
    }

    /// The stream is over; what was on its way on it is lost.
    fn end_stream(&mut self, attempt: Attempt) {
        self.streams.remove(&attempt);
        self.unanswered.retain(|_, on| *on != attempt);
    }

    fn of_subscription(&mut self, action: subscriptions::Action) {
        match action {
            subscriptions::Action::Create(ticket, target) => {
                let result = if self.chance(6) {
                    Err(if self.random.below(3) == 0 {
                        Fault::Denied
                    } else {
                        Fault::Failed
                    })
                } else {
                    let user = match &target {
                        Target::Collection(_) => None,
                        Target::User(user) => Some(user.clone()),
                    };
                    let id = self.server.subscribe(user);
                    self.flush(false);
                    Ok(Granted {
                        id,
                        expires: Some(self.life),
                    })
                };
                if !self.chance(15) {
                    let created = subscriptions::Input::Created(ticket, result);
                    self.soon(Input::Subscription(created));
                }
            }
            subscriptions::Action::Delete(id) => self.server.unsubscribe(&id),
            subscriptions::Action::Update(ticket, id, _) => {
                let result = if self.chance(10) {
                    Err(Fault::Failed)
                } else if self.server.refresh(&id) {
                    self.flush(true);
                    Ok(Some(self.life))
                } else {
                    Err(Fault::Gone)
                };
                if !self.chance(15) {
                    let updated = subscriptions::Input::Updated(ticket, result);
                    self.soon(Input::Subscription(updated));
                }
            }
            subscriptions::Action::Refused(..) => {}
            subscriptions::Action::Fetch(_) | subscriptions::Action::Lost(..) => {
                panic!("these stay inside")
            }
        }
    }

    /// Sends what the server has to say. An overloaded server may lose a snapshot, and an event
    /// where numbers tell that it did.
    fn flush(&mut self, snapshot: bool) {
        for event in self.server.said() {
            let lost = if snapshot {
                self.chance(6)
            } else {
                !self.collective && self.chance(20) && !self.server.is_farewell(&event)
            };
            if lost {
                self.server.forget(&event);
                continue;
            }
            self.send(&event, None);
        }
    }

    /// Sends an event on the best channel, other than the one that failed where there is one.
    fn send(&mut self, event: &EventId, failed: Option<Attempt>) {
        let open = self.streams.iter().filter(|(_, stream)| stream.opened);
        let mut open: Vec<_> = open
            .map(|(attempt, stream)| (*attempt, stream.channel.clone()))
            .collect();
        if open.len() > 1 {
            open.retain(|(attempt, _)| Some(*attempt) != failed);
        }
        let Some((attempt, channel)) = open.first().cloned() else {
            // No channel: tried again a little, then given up.
            if self.server.try_in_vain(event) {
                self.later(NOTIFICATION_TIMEOUT, Coming::Look(event.clone()));
            }
            return;
        };
        let Some(document) = self.server.document(event, attempt, &channel) else {
            return;
        };
        if self.chance(12) {
            self.on_stream(attempt, document.clone());
        }
        self.on_stream(attempt, document);
        self.later(NOTIFICATION_TIMEOUT, Coming::Look(event.clone()));
    }

    fn look(&mut self, event: &EventId) {
        if let Some(failed) = self.server.unacknowledged(event)
            && self.server.try_in_vain(event)
        {
            self.send(event, failed);
        }
    }

    fn deed(&mut self) {
        match self.random.below(20) {
            0 => self.kill_channel(),
            1 => self.end_subscription(),
            2 => self.change_list(),
            3 => self.come_or_go(),
            4 => {
                // A server that failed over tells everybody anew.
                self.server.resync();
                self.flush(true);
            }
            5 if !self.collective => self.server.count_anew(),
            _ => {
                let random = &mut self.random;
                self.server.place_calls(random);
                self.flush(false);
            }
        }
        self.settle();
    }

    fn kill_channel(&mut self) {
        let count = self.streams.len() as u64;
        if count == 0 {
            return;
        }
        let place = usize::try_from(self.random.below(count)).unwrap_or_default();
        let Some((attempt, stream)) = self.streams.iter().nth(place) else {
            return;
        };
        let (attempt, channel) = (*attempt, stream.channel.clone());
        let reason = match self.random.below(6) {
            0 => TerminatedReason::Expired,
            1 => TerminatedReason::NonResponsiveChannel,
            2 => TerminatedReason::DuplicateChannelSet,
            _ => {
                self.end_stream(attempt);
                self.happen(attempt, Happening::Ended);
                return;
            }
        };
        let channel = Some(channel);
        self.on_stream(attempt, Document::ChannelTerminated { channel, reason });
    }

    fn end_subscription(&mut self) {
        let told = self.life == LONG_LIFE || self.random.below(2) == 0;
        let random = &mut self.random;
        self.server.end_one(random, told);
        self.flush(false);
    }

    fn change_list(&mut self) {
        let watcher = name(self.random.below(3));
        let Some(users) = self.lists.get_mut(&watcher) else {
            return;
        };
        if self.random.below(2) == 0 {
            users.push(self.random.below(USERS));
        } else {
            users.pop();
        }
        let list = self.list(&watcher);
        self.soon(Input::Board(board::Input::ListRead(watcher, list)));
    }

    fn come_or_go(&mut self) {
        let input = self.watchers.come_or_go(&mut self.random);
        self.tracker.handle(Input::Board(input), self.now);
    }

    /// Holds after every step.
    fn judge(&self) {
        self.watchers.judge();
        let grace = self.rules.board.grace;
        if self
            .source_lost
            .is_some_and(|lost| lost + grace < self.now.mono)
        {
            for line in self.tracker.board().lines(true) {
                assert_eq!(line.full, Lamp::Unknown, "{}: no source", line.user);
            }
        }
        // Few events come in these runs: each is answered at once, or its channel is gone.
        let waiting = self.unanswered.len();
        assert!(waiting < 200, "{waiting} events without acknowledgement");
    }

    /// Holds when nothing went wrong for a while.
    fn judge_quiet(&mut self) {
        assert_eq!(self.source_lost, None, "the source is back");
        for (event, attempt) in &self.unanswered {
            assert!(
                !self.streams.contains_key(attempt),
                "{event} was never acknowledged"
            );
        }
        let board = self.tracker.board();
        for line in board.lines(true) {
            let (lamp, calls) = self.server.truth(&line.user);
            assert_eq!(line.full, lamp, "{}: {line:?}", line.user);
            let mut shown: Vec<_> = line.calls.into_iter().map(|call| call.call).collect();
            shown.sort();
            assert_eq!(shown, calls, "{}", line.user);
        }
        self.watchers.judge_quiet(board, &self.server, &self.lists);
    }

    /// Everybody leaves: nothing stays behind.
    fn leave(&mut self) {
        while let Some(input) = self.watchers.leave() {
            self.tracker.handle(Input::Board(input), self.now);
            self.settle();
        }
        self.watchers.judge_empty();
        self.pass(self.now.mono + Duration::from_secs(62));
        assert_eq!(
            self.tracker.board().lines(true).count(),
            0,
            "no line is left"
        );
        let (exist, wanted) = self.tracker.subscriptions().counts();
        if !self.collective {
            assert_eq!((exist, wanted), (0, 0), "no subscription is left");
        }
        let drain = Input::Channel(channel::Input::Drain);
        self.tracker.handle(drain, self.now);
        self.settle();
        self.pass(self.now.mono + Duration::from_secs(5));
        assert!(self.streams.is_empty(), "no stream is left");
        assert_eq!(self.tracker.deadline(), None, "nothing is planned any more");
    }
}

#[test]
fn the_board_equals_the_server_once_it_is_quiet() {
    explore(1_000, |seed| World::new(seed).run());
}
