//! Watches everything that ends: certificates in files and as they are served, trust anchors, keys and
//! refresh tokens.
//!
//! * `entries`: what the configuration makes us watch.
//! * [`scan`]: one round over files; `read` and `pattern` are how it gets at them.
//! * `reading`: that round while it runs, which may take for ever.
//! * `rounds`: one round of handshakes; `probe` is one of them, `prober` has one made outside.
//! * [`CertDesk`]: the handle to what was found.
//!
//! What it means is decided by [`Watchlist`]. Observations go to whoever keeps the alarms, through a
//! bounded queue: when that is full the watch waits.

#[cfg(test)]
mod bad_input;
mod entries;
mod glances;
mod known;
mod pattern;
mod peers;
mod places;
mod probe;
mod prober;
mod read;
mod reading;
pub mod rounds;
pub mod scan;
mod tell;
#[cfg(test)]
mod tests;
mod timer;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::domain::alarms::Observation;
use crate::domain::certs::watchlist::Action;
use crate::domain::certs::watchlist::Board;
use crate::domain::certs::watchlist::Input;
use crate::domain::certs::watchlist::Watchlist;
use crate::domain::machine::Machine as _;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::telemetry::certificates::CertificateMetrics;
use crate::workers::cert_watch::places::directories;
use crate::workers::cert_watch::reading::Read;
use crate::workers::cert_watch::reading::Reading;
use crate::workers::cert_watch::reading::timekeeping;
use crate::workers::cert_watch::rounds::Leaves;
use crate::workers::cert_watch::scan::Cache;
use crate::workers::cert_watch::scan::Token;
use crate::workers::cert_watch::timer::Timer;

pub use glances::Glances;
pub use known::Known;
pub use places::object_of;
pub use places::only_watched;
pub use places::place_of;
pub use timer::rules;

/// Observations that wait for the alarms; a watch of this length waits for them.
pub const QUEUE: usize = 1_024;

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
    /// The alarms from before the start.
    pub known: Known,
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
            reading: Reading::default(),
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
    reading: Reading,
    glances: Glances,
}

/// What happened.
enum Event {
    Changed,
    Configured,
    Due,
    Files,
    Late,
    Probes,
    Read(Option<Read>),
    Stopped,
}

/// What is listened to.
struct Ears {
    configs: watch::Receiver<Arc<Config>>,
    wishes: mpsc::Receiver<()>,
    events: mpsc::Receiver<()>,
    stop: CancellationToken,
}

impl Watcher {
    async fn run(
        mut self,
        configs: watch::Receiver<Arc<Config>>,
        wishes: mpsc::Receiver<()>,
        stop: CancellationToken,
    ) {
        let (mut _watcher, events) = directories(&self.ground.config, &self.tasks).await;
        if stopped_before(&stop, self.restore()).await {
            return;
        }
        let mut ears = Ears {
            configs,
            wishes,
            events,
            stop: stop.clone(),
        };
        let mut timer = Timer::new(&self.ground.config);
        // Another configuration came while files were read by the old one.
        let mut outdated = false;
        loop {
            let event = self.next(&mut ears, &timer).await;
            let config = Arc::clone(&self.ground.config);
            let over = match event {
                Event::Stopped => true,
                Event::Changed => {
                    let settled = timer.changed(&config);
                    // What comes meanwhile is part of it.
                    let over = stopped_before(&stop, at(settled)).await;
                    while ears.events.try_recv().is_ok() {}
                    over
                }
                Event::Configured => {
                    self.ground.config = Arc::clone(&ears.configs.borrow_and_update());
                    (_watcher, ears.events) = directories(&self.ground.config, &self.tasks).await;
                    self.reloaded();
                    timer.soon();
                    outdated = self.reading.is_running();
                    false
                }
                Event::Due => {
                    self.machine.handle_timeout(clock::now());
                    false
                }
                Event::Files => {
                    self.read(&config);
                    false
                }
                Event::Late => {
                    let late = self.reading.late(clock::now());
                    !observe(&self.ground.observations, late, &stop).await
                }
                Event::Read(read) => {
                    timer.scanned(&config);
                    self.was_read(read);
                    if std::mem::take(&mut outdated) {
                        // It was by the old one, so what the next does not find may still go.
                        self.reloaded();
                        timer.soon();
                    }
                    let ended = self.reading.ended(clock::now());
                    !observe(&self.ground.observations, ended, &stop).await
                }
                Event::Probes => {
                    let over = stopped_before(&stop, self.probes(&config)).await;
                    timer.probed(&config);
                    over
                }
            };
            if over || !self.act(&stop).await {
                return;
            }
        }
    }

    /// Takes over what was on before the start. Without it those alarms end an hour after the start
    /// where nobody sees them.
    async fn restore(&mut self) {
        let alarms = known::alarms(&mut self.ground.known).await;
        let alarms = Input::Restored(alarms);
        self.machine.handle(alarms, clock::now());
    }

    async fn next(&mut self, ears: &mut Ears, timer: &Timer) -> Event {
        let probes = timer.probes_at(self.machine.ask_at(), &self.ground.config);
        let due = self.machine.deadline().unwrap_or(timer.files_at);
        let is_idle = !self.reading.is_running();
        // Who is asked is compared with what the files hold.
        let may_probe = is_idle || self.reading.is_late();
        let late = self.reading.late_at();
        tokio::select! {
            biased;
            () = ears.stop.cancelled() => Event::Stopped,
            changed = ears.configs.changed() => match changed {
                Ok(()) => Event::Configured,
                Err(_) => Event::Stopped,
            },
            read = self.reading.done() => Event::Read(read),
            () = at(late.unwrap_or(due)), if late.is_some() => Event::Late,
            // Before what changes: a directory that never rests must not hold these up.
            () = at(timer.files_at), if is_idle => Event::Files,
            () = at(probes), if may_probe => Event::Probes,
            () = at(due) => Event::Due,
            // What changes while files are read waits until they were.
            Some(()) = ears.wishes.recv(), if is_idle => Event::Changed,
            Some(()) = ears.events.recv(), if is_idle => Event::Changed,
        }
    }

    /// Another configuration is in force.
    fn reloaded(&mut self) {
        let rules = rules(&self.ground.config);
        self.machine.handle(Input::Reloaded(rules), clock::now());
    }

    async fn probes(&mut self, config: &Arc<Config>) {
        let own = Arc::clone(config);
        let entries = self.tasks.blocking(move || entries::entries(&own));
        let Some(entries) = entries.await else { return };
        let ours = rounds::Ours {
            addresses: &self.ground.addresses,
            leaves: &self.leaves,
            glances: &self.glances,
        };
        let scan = rounds::ask(config, entries, ours, clock::wall()).await;
        self.machine.handle(Input::Scanned(scan), clock::now());
    }

    /// Begins a round over files. It may never end: a file system may not answer.
    fn read(&mut self, config: &Arc<Config>) {
        let (config, tasks) = (Arc::clone(config), self.tasks.clone());
        let tokens = Arc::clone(&self.ground.tokens);
        let mut cache = self.cache.take().unwrap_or_default();
        let now = clock::now();
        let work = async move {
            let read = tasks.blocking(move || {
                let scan = scan::files(&config, &tokens(), &mut cache, now.wall);
                let time = timekeeping(Path::new(reading::TIMESYNC), now.wall);
                (scan, cache, time)
            });
            read.await
        };
        self.reading.begin(work, now);
    }

    fn was_read(&mut self, read: Option<Read>) {
        if let Some((scan, cache, time)) = read {
            self.cache = Some(cache);
            self.leaves = rounds::leaves(&scan);
            self.machine.handle(Input::Time(time), clock::now());
            self.machine.handle(Input::Scanned(scan), clock::now());
        }
    }

    /// Carries out what the machine wants, until `stop`. `false` when that came, or nobody wants to
    /// know any more.
    async fn act(&mut self, stop: &CancellationToken) -> bool {
        tokio::select! {
            () = stop.cancelled() => false,
            done = self.act_all() => done,
        }
    }

    async fn act_all(&mut self) -> bool {
        while let Some(action) = self.machine.poll_action() {
            match action {
                Action::Observe(observation) => {
                    if self.ground.observations.send(observation).await.is_err() {
                        return false;
                    }
                }
                Action::Publish(board) => {
                    tell::changes(&self.board.borrow(), &board);
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
}

/// Tells what the machine knows nothing of. `false` when nobody wants to know any more.
async fn observe(
    observations: &mpsc::Sender<Observation>,
    seen: Option<Observation>,
    stop: &CancellationToken,
) -> bool {
    let Some(seen) = seen else { return true };
    tokio::select! {
        () = stop.cancelled() => false,
        sent = observations.send(seen) => sent.is_ok(),
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
