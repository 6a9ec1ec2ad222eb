//! Watches everything that ends: certificates in files and as they are served, trust anchors, keys and
//! refresh tokens.
//!
//! * `entries`: what the configuration makes us watch.
//! * [`scan`]: one round over files; `read` and `pattern` are how it gets at them.
//! * `rounds`: one round of handshakes; `probe` is one of them, `prober` has one made outside.
//! * [`CertDesk`]: the handle to what was found.
//!
//! What it means is decided by [`Watchlist`]. Observations go to whoever keeps the alarms, through a
//! bounded queue: when that is full the watch waits.

#[cfg(test)]
mod bad_input;
mod entries;
mod glances;
mod pattern;
mod probe;
mod prober;
mod read;
pub mod rounds;
pub mod scan;
#[cfg(test)]
mod tests;
mod timer;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::config::Config;
use crate::domain::alarms::Observation;
use crate::domain::certs::watchlist::Action;
use crate::domain::certs::watchlist::Board;
use crate::domain::certs::watchlist::Input;
use crate::domain::certs::watchlist::Rules;
use crate::domain::certs::watchlist::Timekeeping;
use crate::domain::certs::watchlist::Watchlist;
use crate::domain::machine::Machine as _;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::telemetry::certificates::CertificateMetrics;
use crate::workers::cert_watch::rounds::Leaves;
use crate::workers::cert_watch::scan::Cache;
use crate::workers::cert_watch::scan::Token;
use crate::workers::cert_watch::timer::Timer;
use crate::workers::file_watch;

pub use glances::Glances;

/// Observations that wait for the alarms; a watch of this length waits for them.
pub const QUEUE: usize = 1_024;

/// Lines of the log for one look; a thousand certificates may end at once.
const MOST_LINES: usize = 50;

/// Where a machine with systemd-timesyncd says that its clock is kept.
const TIMESYNC: &str = "/run/systemd/timesync";

/// Tells the refresh tokens and when they lapse.
pub type Tokens = Arc<dyn Fn() -> Vec<Token> + Send + Sync>;

/// The handle to what is watched. Clones are handles to the same watch.
#[derive(Clone)]
pub struct CertDesk {
    board: watch::Receiver<Arc<Board>>,
    config: Arc<watch::Sender<Arc<Config>>>,
    again: mpsc::Sender<()>,
    glances: Glances,
}

/// What the watch runs on.
pub struct Ground {
    /// The configuration at the start.
    pub config: Arc<Config>,
    /// Our listeners and the addresses that they took.
    pub addresses: Vec<(String, SocketAddr)>,
    /// The refresh tokens.
    pub tokens: Tokens,
    /// Where observations go.
    pub observations: mpsc::Sender<Observation>,
    /// Where absolute times go.
    pub metrics: Arc<CertificateMetrics>,
}

impl CertDesk {
    /// Starts to watch.
    #[must_use]
    pub fn start(ground: Ground, tasks: &Tasks) -> Self {
        let (board, seen) = watch::channel(Arc::default());
        let (config, configs) = watch::channel(Arc::clone(&ground.config));
        // One wish is as good as many.
        let (again, wishes) = mpsc::channel(1);
        let glances = Glances::default();
        let watcher = Watcher {
            glances: glances.clone(),
            machine: Watchlist::new(rules(&ground.config), clock::now()),
            ground,
            board,
            tasks: tasks.clone(),
            cache: Some(Cache::default()),
            leaves: Leaves::new(),
        };
        tasks.worker("cert-watch", watcher.run(configs, wishes, tasks.stop()));
        Self {
            board: seen,
            config: Arc::new(config),
            again,
            glances,
        }
    }

    /// Our own handshakes, for listeners not to count.
    #[must_use]
    pub const fn glances(&self) -> &Glances {
        &self.glances
    }

    /// What is watched and how it stands.
    #[must_use]
    pub fn board(&self) -> Arc<Board> {
        Arc::clone(&self.board.borrow())
    }

    /// Goes on with another configuration.
    pub fn apply(&self, config: &Arc<Config>) {
        self.config.send_replace(Arc::clone(config));
    }

    /// Looks at files soon, and at listeners after that: something was installed or reloaded.
    pub fn look_again(&self) {
        // A full queue already says so.
        self.again.try_send(()).ok();
    }
}

struct Watcher {
    machine: Watchlist,
    ground: Ground,
    board: watch::Sender<Arc<Board>>,
    tasks: Tasks,
    /// `None` while a round over files has it.
    cache: Option<Cache>,
    leaves: Leaves,
    glances: Glances,
}

/// What happened.
enum Event {
    Changed,
    Configured,
    Due,
    Files,
    Probes,
}

impl Watcher {
    async fn run(
        mut self,
        mut configs: watch::Receiver<Arc<Config>>,
        mut wishes: mpsc::Receiver<()>,
        stop: CancellationToken,
    ) {
        let (mut _watcher, mut events) = file_watch::directory_events(&places(&self.ground.config));
        let mut timer = Timer::new(&self.ground.config);
        loop {
            let due = self.machine.deadline().unwrap_or(timer.files_at);
            let event = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                changed = configs.changed() => match changed {
                    Ok(()) => Event::Configured,
                    Err(_) => return,
                },
                // Before what changes: a directory that never rests must not hold these up.
                () = at(timer.files_at) => Event::Files,
                () = at(timer.probes_at) => Event::Probes,
                () = at(due) => Event::Due,
                Some(()) = wishes.recv() => Event::Changed,
                Some(()) = events.recv() => Event::Changed,
            };
            let config = Arc::clone(&self.ground.config);
            let over = match event {
                Event::Changed => {
                    let settled = timer.changed(&config);
                    // What comes meanwhile is part of it.
                    let over = stopped_before(&stop, at(settled)).await;
                    while events.try_recv().is_ok() {}
                    over
                }
                Event::Configured => {
                    self.ground.config = Arc::clone(&configs.borrow_and_update());
                    (_watcher, events) = file_watch::directory_events(&places(&self.ground.config));
                    let rules = rules(&self.ground.config);
                    self.machine.handle(Input::Reloaded(rules), clock::now());
                    timer.soon();
                    false
                }
                Event::Due => {
                    self.machine.handle_timeout(clock::now());
                    false
                }
                Event::Files => {
                    self.files(&config).await;
                    timer.scanned(&config);
                    false
                }
                Event::Probes => {
                    let over = stopped_before(&stop, self.probes(&config)).await;
                    timer.probed(&config);
                    over
                }
            };
            if over {
                return;
            }
            let done = tokio::select! {
                () = stop.cancelled() => return,
                done = self.act() => done,
            };
            if !done {
                return;
            }
        }
    }

    async fn probes(&mut self, config: &Config) {
        let ours = rounds::Ours {
            addresses: &self.ground.addresses,
            leaves: &self.leaves,
            glances: &self.glances,
        };
        let scan = rounds::probes(config, ours, clock::wall()).await;
        self.machine.handle(Input::Scanned(scan), clock::now());
    }

    async fn files(&mut self, config: &Arc<Config>) {
        let config = Arc::clone(config);
        let tokens = (self.ground.tokens)();
        let mut cache = self.cache.take().unwrap_or_default();
        let now = clock::wall();
        let scanned = self.tasks.blocking(move || {
            let scan = scan::files(&config, &tokens, &mut cache, now);
            (scan, cache, timekeeping(Path::new(TIMESYNC)))
        });
        if let Some((scan, cache, time)) = scanned.await {
            self.cache = Some(cache);
            self.leaves = rounds::leaves(&scan);
            self.machine.handle(Input::Time(time), clock::now());
            self.machine.handle(Input::Scanned(scan), clock::now());
        }
    }

    /// Carries out what the machine wants. `false` when nobody wants to know any more.
    async fn act(&mut self) -> bool {
        while let Some(action) = self.machine.poll_action() {
            match action {
                Action::Observe(observation) => {
                    if self.ground.observations.send(observation).await.is_err() {
                        return false;
                    }
                }
                Action::Publish(board) => {
                    self.tell(&board);
                    self.ground.metrics.publish(&board);
                    self.board.send_replace(board);
                }
            }
        }
        if cfg!(debug_assertions) {
            self.machine.check_invariants();
        }
        true
    }

    /// What became wrong or right since the last board, in the log.
    fn tell(&self, board: &Board) {
        let before = Arc::clone(&self.board.borrow());
        let old: BTreeMap<_, _> = before
            .standings
            .iter()
            .map(|held| (&held.watched.id, held))
            .collect();
        let mut told = 0;
        for standing in &board.standings {
            let id = &standing.watched.id;
            let (was, is) = (
                old.get(id).and_then(|held| held.severity()),
                standing.severity(),
            );
            if was == is {
                continue;
            }
            told += 1;
            if told > MOST_LINES {
                continue;
            }
            let end = standing.not_after.map(crate::domain::certs::date::text);
            match standing.problems.first() {
                Some(problem) => tracing::warn!(
                    certificate = %id, alarm = problem.alarm.word(), severity = problem.severity.word(),
                    not_after = end, "{}", problem.text
                ),
                None => {
                    info!(certificate = %id, not_after = end, "Nothing is wrong with it any more.")
                }
            }
        }
        if told > MOST_LINES {
            let more = told - MOST_LINES;
            tracing::warn!(more, "More certificates changed; see `xspd certs check`.");
        }
    }
}

/// Waits for something; whether the end came first.
async fn stopped_before(stop: &CancellationToken, done: impl Future<Output = ()>) -> bool {
    tokio::select! {
        biased;
        () = stop.cancelled() => true,
        () = done => false,
    }
}

async fn at(moment: Instant) {
    sleep_until(moment.into()).await;
}

/// How patient a configuration is.
#[must_use]
pub fn rules(config: &Config) -> Rules {
    let rules = &config.certificates;
    Rules {
        lost_after: rules.lost_after,
        deploy_grace: rules.deploy_grace,
        nodes_grace: rules.nodes_grace,
        clock_tolerance: rules.clock_tolerance,
    }
}

/// Where files may change.
fn places(config: &Config) -> Vec<PathBuf> {
    let mut places = Vec::new();
    for entry in entries::entries(config) {
        match entry.source {
            entries::Source::Anchors(path) => places.push(path),
            entries::Source::Bundles { paths, .. } | entries::Source::Crls(paths) => {
                places.extend(paths);
            }
            entries::Source::Chain(files) => places.push(files.chain),
            entries::Source::TrustSet(set) => {
                places.extend(set.files);
                places.extend(set.directory);
            }
            // Beside the keys lies what changes all the time; they are not urgent.
            entries::Source::Declared { .. }
            | entries::Source::Keys(_)
            | entries::Source::Outside(_)
            | entries::Source::Probe(_)
            | entries::Source::Served { .. } => {}
        }
    }
    places
}

/// Whether systemd-timesyncd, where it runs, keeps the clock.
fn timekeeping(directory: &Path) -> Timekeeping {
    if !directory.is_dir() {
        Timekeeping::Unknown
    } else if directory.join("synchronized").exists() {
        Timekeeping::Kept
    } else {
        Timekeeping::Lost
    }
}
