//! The task that owns the machines: channels, subscriptions and board as one, and the reading of
//! lists. It carries their actions out and decides nothing.

mod channels;
mod observer;
mod questions;
mod wanted;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use crate::config::Blf;
use crate::domain::blf::board;
use crate::domain::blf::list::WatchList;
use crate::domain::blf::reading;
use crate::domain::blf::reading::Reading;
use crate::domain::blf::tracker::Action;
use crate::domain::blf::tracker::Input;
use crate::domain::blf::tracker::Tracker as Machines;
use crate::domain::blf::watcher::Wishes;
use crate::domain::events::channel::Attempt;
use crate::domain::events::document::EventData;
use crate::domain::events::ids::UserId;
use crate::domain::events::subscriptions;
use crate::domain::machine::Machine as _;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::telemetry::blf::BlfGauges;
use crate::telemetry::blf::BlfMetrics;
use crate::workers::blf_tracker::board::Question;
use crate::workers::blf_tracker::report::Report;
use crate::workers::blf_tracker::requests::Asking;
use crate::workers::blf_tracker::requests::Requests;
use crate::workers::blf_tracker::sessions::Sessions;
use crate::workers::blf_tracker::tracker::channels::Line;

pub(super) use crate::workers::blf_tracker::tracker::channels::Member;
pub(super) use crate::workers::blf_tracker::tracker::observer::Observer;

/// How often the numbers of the moment are written, and readers that left silently looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// Reports, and questions, handled before deadlines are looked at again.
const BATCH: usize = 64;

/// What a reload may change.
pub(super) struct Settings {
    pub(super) config: Blf,
    pub(super) asking: Asking,
}

/// The tracker.
pub(super) struct Tracker {
    pub(super) settings: Arc<ArcSwap<Settings>>,
    pub(super) requests: Requests,
    pub(super) tasks: Tasks,
    pub(super) metrics: Arc<BlfMetrics>,
    /// Seconds of life asked for channels.
    pub(super) expires: u32,
    /// Makes nodes prefer different XSPs, each the same at every start.
    pub(super) first_choice: u32,
    /// Whether there are channels of ours.
    pub(super) active: bool,
    pub(super) machines: Machines,
    pub(super) members: Vec<Member>,
    /// Attempts under way: where they are.
    pub(super) lines: HashMap<Attempt, Line>,
    pub(super) reading: Reading,
    pub(super) sessions: Sessions,
    /// Members of the configured directories, by their place.
    pub(super) directories: Vec<Vec<UserId>>,
    pub(super) directories_due: Option<Instant>,
    pub(super) questions: mpsc::Sender<Question>,
    pub(super) drained: Vec<oneshot::Sender<()>>,
    pub(super) sweep: Instant,
    pub(super) observer: Observer,
}

impl Tracker {
    /// Runs until `stop` fires.
    pub(super) async fn run(
        mut self,
        mut questions: mpsc::Receiver<Question>,
        mut reports: mpsc::Receiver<Report>,
        stop: CancellationToken,
    ) {
        self.begin();
        loop {
            self.work();
            // All branches may be dropped halfway without losing anything.
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = sleep_until(self.deadline().into()) => {}
                Some(report) = reports.recv() => self.report(report),
                Some(question) = questions.recv() => self.question(question),
            }
            // Each gets its turn: neither a flood of questions must keep acknowledgements waiting,
            // nor one of events those who ask.
            for _ in 0..BATCH {
                let Ok(report) = reports.try_recv() else {
                    break;
                };
                self.work();
                self.report(report);
            }
            for _ in 0..BATCH {
                let Ok(question) = questions.try_recv() else {
                    break;
                };
                self.work();
                self.question(question);
            }
            // And neither must keep a deadline waiting.
            self.timeouts();
        }
    }

    fn begin(&mut self) {
        self.settle_watchers();
        self.read_directories();
    }

    fn deadline(&self) -> Instant {
        let machines = [
            self.machines.deadline(),
            self.reading.deadline(),
            self.directories_due,
        ];
        let first = machines.into_iter().flatten().min();
        first.map_or(self.sweep, |first| first.min(self.sweep))
    }

    fn timeouts(&mut self) {
        let now = clock::now();
        let due = |deadline: Option<Instant>| deadline.is_some_and(|at| at <= now.mono);
        if due(self.machines.deadline()) {
            self.machines.handle_timeout(now);
        }
        if due(self.reading.deadline()) {
            self.reading.handle_timeout(now);
        }
        if due(self.directories_due) {
            self.read_directories();
        }
        if self.sweep <= now.mono {
            self.sweep = now.mono + SWEEP;
            self.sessions.sweep();
            self.write_gauges();
            self.catch_observer_up();
        }
    }

    /// Carries out all that the machines want, until none wants anything.
    fn work(&mut self) {
        loop {
            if let Some(action) = self.machines.poll_action() {
                self.act(action);
            } else if let Some(watcher) = self.reading.poll_action() {
                let asking = self.settings.load().asking.clone();
                self.requests.list(asking, watcher);
            } else if let Some(input) = self.sessions.gone() {
                self.tell_board(input);
            } else {
                break;
            }
        }
        if cfg!(debug_assertions) {
            self.machines.check_invariants();
            self.reading.check_invariants();
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Board(action) => self.on_board(action),
            Action::Channel(action) => self.on_channels(action),
            Action::Full => {
                let most = self.settings.load().config.limits.lines;
                self.metrics.limit_reached("lines", most);
            }
            Action::Subscription(action) => self.on_subscriptions(action),
        }
    }

    fn tell_board(&mut self, input: board::Input) {
        self.machines.handle(Input::Board(input), clock::now());
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Channel(attempt, happening) => self.happened(attempt, happening),
            Report::Document(attempt, document) => self.document(attempt, document),
            Report::Fetched(fetch, user, fetched) => {
                self.tell_board(board::Input::CallsFetched(fetch, user, fetched));
            }
            Report::List(watcher, list) => self.list_read(&watcher, list),
            Report::Members(place, members) => self.members_read(place, members),
            Report::TapEnded(sources) => {
                for source in sources {
                    let returns = false;
                    self.tell_board(board::Input::SourceLost { source, returns });
                }
            }
            Report::Tapped(event) => {
                let kind = kind_of(&event.data);
                self.metrics
                    .event(kind, event.data.name(), event.data.odd_states());
                self.tell_board(board::Input::Event(*event));
            }
            Report::Subscription(input) => {
                self.machines
                    .handle(Input::Subscription(input), clock::now());
            }
        }
    }

    /// Without an account nothing is subscribed to: no source of ours is ever up.
    fn on_subscriptions(&mut self, action: subscriptions::Action) {
        let Some(client) = self.settings.load().asking.client.clone() else {
            return;
        };
        match action {
            subscriptions::Action::Create(ticket, target) => {
                self.requests.subscribe(client, ticket, target);
            }
            subscriptions::Action::Update(ticket, id, expires) => {
                self.requests.update(client, ticket, id, expires);
            }
            subscriptions::Action::Delete(id) => self.requests.unsubscribe(client, id),
            subscriptions::Action::Refused(target, fault) => {
                tracing::debug!(?target, ?fault, "A line cannot be subscribed to.");
            }
            // They stay inside the machine.
            subscriptions::Action::Fetch(_) | subscriptions::Action::Lost(..) => {}
        }
    }

    fn on_board(&mut self, action: board::Action) {
        let now = clock::now();
        match action {
            board::Action::FetchCalls(fetch, user) => {
                match self.settings.load().asking.client.clone() {
                    Some(client) => self.requests.fetch(client, fetch, user),
                    None => self.tell_board(board::Input::CallsFetched(fetch, user, None)),
                }
            }
            board::Action::Lamp { user, from, to } => {
                self.metrics.lamp(user.as_str(), from, to);
            }
            board::Action::Notify(notice) => {
                self.observe(&notice);
                self.sessions.notify(&notice);
            }
            board::Action::ReadList(watcher) => {
                self.reading.take(reading::Input::Want(&watcher), now);
            }
            board::Action::Refuse(session, refusal) => self.sessions.refuse(session, refusal),
            board::Action::StopList(watcher) => {
                self.reading.take(reading::Input::Unwant(&watcher), now);
            }
            // They stay inside the machine.
            board::Action::Refresh(_) | board::Action::Unwant(_) | board::Action::Want(_) => {}
        }
    }

    fn list_read(&mut self, watcher: &UserId, list: Result<WatchList, reading::Outcome>) {
        let outcome = match list {
            Ok(list) => {
                let list = self.cut(list);
                self.tell_board(board::Input::ListRead(watcher.clone(), list));
                reading::Outcome::Done
            }
            Err(outcome) => {
                if outcome == reading::Outcome::Refused {
                    self.tell_board(board::Input::ListLost(watcher.clone()));
                }
                outcome
            }
        };
        let read = reading::Input::Read(watcher, outcome);
        self.reading.take(read, clock::now());
    }

    /// A list longer than allowed keeps its first lines.
    fn cut(&self, list: WatchList) -> WatchList {
        let most = self.settings.load().config.limits.lines_per_watcher;
        if list.users().len() <= most {
            return list;
        }
        self.metrics.limit_reached("lines-per-watcher", most);
        WatchList::new(list.users().iter().take(most).cloned().collect())
    }

    pub(super) fn wishes(config: &Blf) -> Wishes {
        Wishes {
            notification_delay: config.notification.delay,
            display_caller: config.notification.display_caller,
        }
    }

    fn write_gauges(&self) {
        let (up, wanted) = self.machines.subscriptions().counts();
        let board = self.machines.board();
        self.metrics.gauges(&BlfGauges {
            lamps: board.lamps().map(|(_, count)| count),
            wanted,
            up,
            watchers: board.watchers().count(),
            readers: self.sessions.readers(),
        });
    }
}

const fn kind_of(data: &EventData) -> &'static str {
    match data {
        EventData::Calls { .. } => "call",
        EventData::DoNotDisturb(_) => "do-not-disturb",
        EventData::Hook(_) => "hook",
        EventData::Other { .. } => "other",
        EventData::Parked(_) => "park",
        EventData::Snapshot(snapshot) if snapshot.resync => "resync",
        EventData::Snapshot(_) => "snapshot",
        EventData::SubscriptionTerminated => "terminated",
        EventData::Unreadable { .. } => "unreadable",
    }
}
