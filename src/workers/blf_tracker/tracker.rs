//! The task that owns the machines: channels, subscriptions, the reading of lists, the board. It
//! carries their actions out, hands what one of them says to the others, and decides nothing.

mod channels;
mod questions;
mod wanted;

use std::collections::HashMap;
use std::collections::HashSet;
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
use crate::domain::blf::board::Board;
use crate::domain::blf::board::LineEvent;
use crate::domain::blf::board::SourceId;
use crate::domain::blf::list::WatchList;
use crate::domain::blf::reading;
use crate::domain::blf::reading::Reading;
use crate::domain::blf::watcher::Wishes;
use crate::domain::events::channel::Attempt;
use crate::domain::events::channel::ChannelSet;
use crate::domain::events::document::EventData;
use crate::domain::events::document::SubscriptionEvent;
use crate::domain::events::ids::UserId;
use crate::domain::events::subscriptions;
use crate::domain::events::subscriptions::Subscriptions;
use crate::domain::machine::Machine as _;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::telemetry::blf::BlfGauges;
use crate::telemetry::blf::BlfMetrics;
use crate::workers::blf_tracker::board::Question;
use crate::workers::blf_tracker::report::Generation;
use crate::workers::blf_tracker::report::Report;
use crate::workers::blf_tracker::requests::Asking;
use crate::workers::blf_tracker::requests::Requests;
use crate::workers::blf_tracker::sessions::Sessions;
use crate::workers::blf_tracker::tracker::channels::Line;
use crate::workers::blf_tracker::tracker::channels::Member;

/// How often the numbers of the moment are written, and readers that left silently looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// Reports and questions handled before deadlines are looked at again.
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
    pub(super) channel_rules: crate::domain::events::channel::Rules,
    pub(super) channels: ChannelSet,
    pub(super) generation: Generation,
    pub(super) members: Vec<Member>,
    /// Attempts under way: where they are.
    pub(super) lines: HashMap<Attempt, Line>,
    pub(super) subscriptions: Subscriptions,
    pub(super) board: Board,
    pub(super) reading: Reading,
    pub(super) sessions: Sessions,
    /// Lines that are subscribed to, and those beyond the limit.
    pub(super) tracked: HashSet<UserId>,
    pub(super) untracked: HashSet<UserId>,
    /// Members of the configured directories, by their place.
    pub(super) directories: Vec<Vec<UserId>>,
    pub(super) directories_due: Option<Instant>,
    pub(super) questions: mpsc::Sender<Question>,
    pub(super) drained: Vec<oneshot::Sender<()>>,
    pub(super) seed: u64,
    pub(super) sweep: Instant,
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
                Some(question) = questions.recv() => {
                    self.question(question);
                    for _ in 1..BATCH {
                        let Ok(question) = questions.try_recv() else { break };
                        self.work();
                        self.question(question);
                    }
                }
                Some(report) = reports.recv() => {
                    self.report(report);
                    for _ in 1..BATCH {
                        let Ok(report) = reports.try_recv() else { break };
                        self.work();
                        self.report(report);
                    }
                }
            }
            // A flood of reports must not keep a deadline waiting.
            self.timeouts();
        }
    }

    fn begin(&mut self) {
        self.settle_watchers();
        self.read_directories();
    }

    fn deadline(&self) -> Instant {
        let machines = [
            self.channels.deadline(),
            self.subscriptions.deadline(),
            self.board.deadline(),
            self.reading.deadline(),
            self.directories_due,
        ];
        let first = machines.into_iter().flatten().min();
        first.map_or(self.sweep, |first| first.min(self.sweep))
    }

    fn timeouts(&mut self) {
        let now = clock::now();
        let due = |deadline: Option<Instant>| deadline.is_some_and(|at| at <= now.mono);
        if due(self.channels.deadline()) {
            self.channels.handle_timeout(now);
        }
        if due(self.subscriptions.deadline()) {
            self.subscriptions.handle_timeout(now);
        }
        if due(self.board.deadline()) {
            self.board.handle_timeout(now);
        }
        if due(self.reading.deadline()) {
            self.reading.handle_timeout(now);
        }
        if due(self.directories_due) {
            self.read_directories();
        }
        if self.sweep <= now.mono {
            self.sweep = now.mono + SWEEP;
            self.write_gauges();
        }
    }

    /// Carries out all that the machines want, until none wants anything.
    fn work(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(action) = self.channels.poll_action() {
                quiet = false;
                self.on_channels(action);
            }
            while let Some(action) = self.subscriptions.poll_action() {
                quiet = false;
                self.on_subscriptions(action);
            }
            while let Some(action) = self.board.poll_action() {
                quiet = false;
                self.on_board(action);
            }
            while let Some(watcher) = self.reading.poll_action() {
                quiet = false;
                let asking = self.settings.load().asking.clone();
                self.requests.list(asking, watcher);
            }
            while let Some(input) = self.sessions.gone() {
                quiet = false;
                self.board.handle(input, clock::now());
            }
            if quiet {
                break;
            }
        }
        if cfg!(debug_assertions) {
            self.channels.check_invariants();
            self.reading.check_invariants();
        }
    }

    fn report(&mut self, report: Report) {
        let now = clock::now();
        match report {
            Report::Channel(generation, attempt, happening) => {
                self.happened(generation, attempt, happening);
            }
            Report::Document(generation, attempt, document) => {
                self.document(generation, attempt, document);
            }
            Report::Fetched(fetch, user, fetched) => {
                let input = board::Input::CallsFetched(fetch, user, fetched);
                self.board.handle(input, now);
            }
            Report::List(watcher, list) => self.list_read(&watcher, list),
            Report::Members(place, members) => self.members_read(place, members),
            Report::Subscription(input) => self.subscriptions.handle(input, now),
        }
    }

    /// An event that was not seen before.
    fn deliver(&mut self, event: SubscriptionEvent) {
        let now = clock::now();
        let kind = kind_of(&event.data);
        let odd_states = event.data.odd_states();
        self.metrics.event(kind, event.data.name(), odd_states);
        let user = event.about().cloned().or_else(|| {
            let subscription = event.subscription.as_ref()?;
            self.subscriptions.user(subscription).cloned()
        });
        if matches!(event.data, EventData::SubscriptionTerminated) {
            if let Some(id) = event.subscription {
                let input = subscriptions::Input::Terminated(id);
                self.subscriptions.handle(input, now);
            }
            return;
        }
        let Some(user) = user else { return };
        let scope = self.subscriptions.scope(event.subscription.as_ref());
        let input = board::Input::Event(LineEvent {
            user,
            source: SourceId::OWN,
            subscription: event.subscription,
            sequence: event.sequence,
            scope,
            data: event.data,
        });
        self.board.handle(input, now);
    }

    fn on_subscriptions(&mut self, action: subscriptions::Action) {
        let now = clock::now();
        let client = self.settings.load().asking.client.clone();
        match (action, client) {
            (subscriptions::Action::Create(ticket, target), Some(client)) => {
                self.requests.subscribe(client, ticket, target);
            }
            (subscriptions::Action::Update(ticket, id, expires), Some(client)) => {
                self.requests.update(client, ticket, id, expires);
            }
            (subscriptions::Action::Delete(id), Some(client)) => {
                self.requests.unsubscribe(client, id);
            }
            (subscriptions::Action::Fetch(user), _) => {
                self.board.handle(board::Input::Fetch(user), now);
            }
            (subscriptions::Action::Lost(id, scope), _) => {
                let input = board::Input::SubscriptionLost(id, scope);
                self.board.handle(input, now);
            }
            (subscriptions::Action::Refused(target, fault), _) => {
                if let subscriptions::Target::User(user) = target {
                    tracing::debug!(user = user.as_str(), ?fault, "A line cannot be tracked.");
                    self.board.handle(board::Input::UserDeleted(user), now);
                }
            }
            // Without an account nothing is subscribed to: no source is ever up.
            (
                subscriptions::Action::Create(..)
                | subscriptions::Action::Update(..)
                | subscriptions::Action::Delete(_),
                None,
            ) => {}
        }
    }

    fn on_board(&mut self, action: board::Action) {
        let now = clock::now();
        match action {
            board::Action::FetchCalls(fetch, user) => {
                match self.settings.load().asking.client.clone() {
                    Some(client) => self.requests.fetch(client, fetch, user),
                    None => {
                        let input = board::Input::CallsFetched(fetch, user, None);
                        self.board.handle(input, now);
                    }
                }
            }
            board::Action::Lamp { user, from, to } => {
                self.metrics.lamp(user.as_str(), from, to);
            }
            board::Action::Notify(notice) => self.sessions.notify(&notice),
            board::Action::ReadList(watcher) => {
                self.reading.take(reading::Input::Want(&watcher), now);
            }
            board::Action::Refresh(user) => {
                let input = subscriptions::Input::Refresh(user);
                self.subscriptions.handle(input, now);
            }
            board::Action::Refuse(session, refusal) => self.sessions.refuse(session, refusal),
            board::Action::StopList(watcher) => {
                self.reading.take(reading::Input::Unwant(&watcher), now);
            }
            board::Action::Unwant(user) => self.unwant(user),
            board::Action::Want(user) => self.want(user),
        }
    }

    fn list_read(&mut self, watcher: &UserId, list: Result<WatchList, reading::Outcome>) {
        let now = clock::now();
        let outcome = match list {
            Ok(list) => {
                let list = self.cut(list);
                let input = board::Input::ListRead(watcher.clone(), list);
                self.board.handle(input, now);
                reading::Outcome::Done
            }
            Err(outcome) => {
                if outcome == reading::Outcome::Refused {
                    let input = board::Input::ListLost(watcher.clone());
                    self.board.handle(input, now);
                }
                outcome
            }
        };
        self.reading.take(reading::Input::Read(watcher, outcome), now);
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
        let (up, wanted) = self.subscriptions.counts();
        self.metrics.gauges(&BlfGauges {
            lamps: self.board.lamps().map(|(_, count)| count),
            wanted,
            up,
            watchers: self.board.watchers().count(),
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
    }
}
