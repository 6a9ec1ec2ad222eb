//! What many tracked lines cost: memory for each, and the time from the bytes of an event to the
//! notice that its watcher is sent.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::time::Duration;
use std::time::Instant;

use xspd::domain::blf::board;
use xspd::domain::blf::list::WatchList;
use xspd::domain::blf::tracker::Action;
use xspd::domain::blf::tracker::Input;
use xspd::domain::blf::tracker::Rules;
use xspd::domain::blf::tracker::Tracker;
use xspd::domain::blf::view::Lamp;
use xspd::domain::blf::watcher::SessionId;
use xspd::domain::blf::watcher::Wishes;
use xspd::domain::events::channel;
use xspd::domain::events::channel::Attempt;
use xspd::domain::events::channel::Happening;
use xspd::domain::events::channel::Outcome;
use xspd::domain::events::document::CAP;
use xspd::domain::events::document::Document;
use xspd::domain::events::document::MonitoredUser;
use xspd::domain::events::ids::SubscriptionId;
use xspd::domain::events::ids::UserId;
use xspd::domain::events::subscriptions;
use xspd::domain::events::subscriptions::Granted;
use xspd::domain::events::subscriptions::Target;
use xspd::domain::machine::Machine as _;
use xspd::domain::machine::Now;
use xspd::platform::clock;

type Failure = Box<dyn Error>;

const OPENED: &[u8] =
    include_bytes!("../tests/fixtures/wire/xsi-events/02-channel-add-response.xml");
const IDLE: &str = include_str!("../tests/fixtures/wire/xsi-events/27-callsubscription-idle.xml");
const RINGING: &str = include_str!("../tests/fixtures/wire/xsi-events/33-callreceived-group.xml");
const RELEASED: &str = include_str!("../tests/fixtures/wire/xsi-events/42-callreleased-local.xml");

const WATCHERS: usize = 200;
const LINES_OF_EACH: usize = 100;

/// Events whose time is taken.
const EVENTS: usize = 100_000;

/// The tracker and the world around it, which does at once what it is asked for.
struct World {
    tracker: Tracker,
    now: Now,
    attempt: Option<Attempt>,
    subscriptions: BTreeMap<UserId, SubscriptionId>,
    /// Events sent about each user.
    sequence: BTreeMap<UserId, u32>,
    events: usize,
}

/// Prints what lines cost. What the world itself keeps of each is counted in: a copy of its name in
/// three places, and the id of its subscription.
pub(crate) fn measure() -> Result<(), Failure> {
    let before = resident()?;
    let mut world = World::new();
    let users = world.fill()?;
    let grown = resident()? - before;
    say(&format!(
        "{} lines on {WATCHERS} lists, subscribed and known: {:.0} bytes of resident memory for each",
        users.len(),
        as_f64(grown) / as_f64(users.len()),
    ));
    let mut took = world.times(&users)?;
    took.sort_unstable();
    let at = |percent: usize| {
        let place = (took.len() * percent / 100).min(took.len().saturating_sub(1));
        took.get(place).map_or(0.0, |took| took.as_secs_f64() * 1e6)
    };
    say(&format!(
        "from the bytes of an event to its watcher's notice, of {}: p50 {:.1} µs, p99 {:.1} µs",
        took.len(),
        at(50),
        at(99)
    ));
    Ok(())
}

impl World {
    fn new() -> Self {
        let now = clock::now();
        let rules = Rules {
            subscriptions: subscriptions::Rules {
                per_second: 1_000_000,
                at_once: 1_000_000,
                ..subscriptions::Rules::default()
            },
            ..Rules::default()
        };
        Self {
            tracker: Tracker::new(rules, 1, 1, now),
            now,
            attempt: None,
            subscriptions: BTreeMap::new(),
            sequence: BTreeMap::new(),
            events: 0,
        }
    }

    /// Watchers come, their lists are read, their lines subscribed to and known.
    fn fill(&mut self) -> Result<Vec<UserId>, Failure> {
        self.tracker.handle_timeout(self.now);
        self.settle()?;
        let mut users = Vec::new();
        for number in 0..WATCHERS {
            let watcher = UserId::new(&format!("watcher{number:03}@example.net"));
            let joined = board::Input::Joined {
                session: SessionId(u64::try_from(number)?),
                watcher: watcher.clone(),
                wishes: Wishes::default(),
            };
            self.handle(Input::Board(joined))?;
            let own: Vec<_> = (0..LINES_OF_EACH)
                .map(|line| UserId::new(&format!("line{number:03}-{line:03}@example.net")))
                .collect();
            let list = own.iter().map(|user| MonitoredUser {
                user: user.clone(),
                name: None,
                number: None,
                extension: None,
            });
            let list = WatchList::new(list.collect());
            self.handle(Input::Board(board::Input::ListRead(watcher, list)))?;
            users.extend(own);
        }
        for _ in 0..100 {
            if self.subscriptions.len() == users.len() {
                break;
            }
            self.pass(Duration::from_secs(1))?;
        }
        if self.subscriptions.len() < users.len() {
            return Err(format!("only {} lines subscribed", self.subscriptions.len()).into());
        }
        for user in &users {
            let idle = self.event(IDLE, user);
            self.document(&idle)?;
        }
        let known = users.iter().filter(|user| {
            let line = self.tracker.board().line(user, true);
            line.is_some_and(|(line, _)| line.full == Lamp::Idle)
        });
        let known = known.count();
        if known < users.len() {
            return Err(format!("only {known} lines are known").into());
        }
        Ok(users)
    }

    /// One event after the other, a call that rings and its end by turns.
    fn times(&mut self, users: &[UserId]) -> Result<Vec<Duration>, Failure> {
        let mut took = Vec::with_capacity(EVENTS);
        // Neighbours of the order are no neighbours in memory.
        let mut turns = users.iter().cycle().step_by(7);
        while took.len() < EVENTS {
            let user = turns.next().ok_or("no lines")?;
            for text in [RINGING, RELEASED] {
                let bytes = self.event(text, user).into_bytes();
                let start = clock::mono();
                let told = self.document_of(&bytes)?;
                took.push(clock::mono() - start);
                if told == 0 {
                    return Err("nobody was told of an event".into());
                }
            }
            self.pass(Duration::from_millis(20))?;
        }
        Ok(took)
    }

    /// Time passes, from one deadline to the next.
    fn pass(&mut self, time: Duration) -> Result<(), Failure> {
        let until = self.now.mono + time;
        while let Some(at) = self.tracker.deadline().filter(|at| *at <= until) {
            self.advance(at);
            self.tracker.handle_timeout(self.now);
            self.settle()?;
        }
        self.advance(until);
        Ok(())
    }

    fn advance(&mut self, to: Instant) {
        let passed = to.saturating_duration_since(self.now.mono);
        self.now.mono += passed;
        self.now.wall += passed;
    }

    fn handle(&mut self, input: Input) -> Result<usize, Failure> {
        self.tracker.handle(input, self.now);
        self.settle()
    }

    fn document(&mut self, text: &str) -> Result<usize, Failure> {
        self.document_of(text.as_bytes())
    }

    fn document_of(&mut self, bytes: &[u8]) -> Result<usize, Failure> {
        let attempt = self.attempt.ok_or("no channel")?;
        let document = Document::parse(bytes, CAP)?;
        self.handle(Input::Document(attempt, document))
    }

    /// An event about a user, with the next number of his subscription.
    fn event(&mut self, text: &str, user: &UserId) -> String {
        let number = self.sequence.entry(user.clone()).or_insert(0);
        *number += 1;
        self.events += 1;
        let subscription = self.subscriptions.get(user);
        let subscription = subscription.map_or("", SubscriptionId::as_str);
        let text = replaced(text, "eventID", &format!("event-{:08}", self.events));
        let text = replaced(&text, "sequenceNumber", &number.to_string());
        let text = replaced(&text, "callId", &format!("callhalf-{user}:{}", *number / 2));
        let text = replaced(&text, "targetId", user.as_str());
        replaced(&text, "subscriptionId", subscription)
    }

    /// Does what is asked for; how many notices there were.
    fn settle(&mut self) -> Result<usize, Failure> {
        let mut notices = 0;
        while let Some(action) = self.tracker.poll_action() {
            match action {
                Action::Board(board::Action::Notify(notice)) => {
                    std::hint::black_box(serde_json::to_vec(&*notice.body)?);
                    notices += 1;
                }
                Action::Channel(channel::Action::Open { attempt, .. }) => {
                    self.attempt = Some(attempt);
                    let opened = Document::parse(OPENED, CAP)?;
                    self.tracker
                        .handle(Input::Document(attempt, opened), self.now);
                }
                Action::Channel(channel::Action::Acknowledge(attempt, event, _)) => {
                    self.on(attempt, Happening::Acknowledged(event, Outcome::Done));
                }
                Action::Channel(channel::Action::Heartbeat(attempt, _)) => {
                    self.on(attempt, Happening::HeartbeatEnded(Outcome::Done));
                    let echo = Input::Document(attempt, Document::HeartBeat);
                    self.tracker.handle(echo, self.now);
                }
                Action::Subscription(subscriptions::Action::Create(ticket, target)) => {
                    let Target::User(user) = target else {
                        return Err("no collection was configured".into());
                    };
                    let place = self.subscriptions.len();
                    let id =
                        SubscriptionId::new(&format!("{place:08}-c113-419c-8012-092556b85c66"));
                    self.subscriptions.insert(user, id.clone());
                    let granted = Granted {
                        id,
                        expires: Some(86_400),
                    };
                    let created = subscriptions::Input::Created(ticket, Ok(granted));
                    self.tracker.handle(Input::Subscription(created), self.now);
                }
                Action::Subscription(_) | Action::Channel(_) | Action::Board(_) | Action::Full => {}
            }
        }
        Ok(notices)
    }

    fn on(&mut self, attempt: Attempt, happening: Happening) {
        let input = channel::Input::On(attempt, happening);
        self.tracker.handle(Input::Channel(input), self.now);
    }
}

/// The text with another content in the first element of this name, if there is one.
fn replaced(text: &str, name: &str, with: &str) -> String {
    let open = format!("<xsi:{name}>");
    let parts = text.split_once(&open).and_then(|(head, tail)| {
        let end = tail.find('<')?;
        Some((head, tail.get(end..)?))
    });
    match parts {
        Some((head, tail)) => format!("{head}{open}{with}{tail}"),
        None => text.to_owned(),
    }
}

fn resident() -> Result<usize, Failure> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.ok_or("no VmRSS")?.parse::<usize>()? * 1_024)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
const fn as_f64(number: usize) -> f64 {
    number as f64
}

fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}
