//! The daemon from start to end.

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use arc_swap::ArcSwap;
use sd_notify::NotifyState;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::app::AppError;
use crate::app::alarms::Alarms;
use crate::app::build;
use crate::app::certificates;
use crate::app::certs;
use crate::app::drain;
use crate::app::logging;
use crate::app::material;
use crate::app::material::Material;
use crate::app::material::Strictness;
use crate::app::observed;
use crate::app::reload::Proven;
use crate::app::reload::Reloader;
use crate::app::sockets::Sockets;
use crate::app::sockets::bind_unless;
use crate::app::watchers;
use crate::app::wire;
use crate::config;
use crate::config::Config;
use crate::config::Problem;
use crate::inbound::admin;
use crate::inbound::admin::Admin;
use crate::inbound::connections::Places;
use crate::inbound::edge::Edge;
use crate::inbound::edge::Live;
use crate::inbound::endpoints::operations::Ground;
use crate::inbound::endpoints::operations::door::Door;
use crate::inbound::http::TrackingIds;
use crate::inbound::listener;
use crate::inbound::listener::Shared;
use crate::inbound::sessions::Sessions;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::store::Sqlite;
use crate::store::StoreError;
use crate::telemetry::Telemetry;
use crate::workers::absence;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::cert_desk;
use crate::workers::cert_watch::CertDesk;
use crate::workers::file_watch;
use crate::workers::file_watch::Watching;
use crate::workers::webex_partners::WebexPartners;

/// How often open mTLS connections are judged again, so that an ended certificate does not keep
/// a connection open for longer than this.
const JUDGE_AGAIN: Duration = Duration::from_secs(60);

/// A started daemon.
pub struct Daemon {
    /// Every task of the daemon.
    pub tasks: Tasks,
    /// Ends the accept loops alone.
    pub accepting: CancellationToken,
    /// Reload and everything that it touches.
    pub reloader: Arc<Reloader>,
    /// The admin pages' state.
    pub admin: Arc<Admin>,
}

impl Daemon {
    /// Loads, proves, binds and starts. Nothing is accepted before everything is proven.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn start(path: &Path) -> Result<Self, Vec<AppError>> {
        let config::Loaded {
            config, warnings, ..
        } = load(path)?;
        let config = Arc::new(config);
        let filter = logging::install(&config.log).map_err(|problem| vec![problem])?;
        let telemetry = Arc::new(Telemetry::new());
        let now = clock::wall();
        // A half-written pair must be whole before it is read.
        cert_desk::recover(&config, now);
        // Before they are read, so that the watch misses nothing.
        let known = file_watch::look(&material::watched(&config));
        let (material, problems) = Material::load(&config, Strictness::AllMustBeGood(None), now);
        let problems = problems.into_iter().map(AppError::from);
        let sockets = bind_unless(problems.collect(), &config)?;
        let partners = build::partners(&config)?;
        let tasks = Tasks::new();
        let (database, alarms) = alarms((path, &config), &tasks, &telemetry)?;
        let webex = WebexPartners::new(&tasks, &telemetry);
        let mut edge = build::edge(
            &config,
            &material,
            build::outward(&config, &telemetry),
            AuthDesk::build(&config, &tasks, &telemetry, None),
            &telemetry,
            None,
            now,
        )?;
        tell(&edge, &material, &telemetry, &warnings);
        let pools = build::begin_checks(&edge, &tasks);
        let accepting = tasks.stop().child_token();
        let sessions = cti_sessions(&config, &telemetry);
        let asking = (&webex, partners);
        let around = (&tasks, &accepting, &*telemetry);
        let wired = wire::start(&mut edge, asking, around, database)?;
        let taken = sockets.addresses();
        let live: Live = Arc::new(ArcSwap::from_pointee(edge));
        let certificates = certificates::start(
            &config,
            taken,
            (&webex, &live),
            &tasks,
            &telemetry,
            alarms.desk.clone(),
        );
        let (watch, plan) = watch::channel(material::plan(&config));
        let reloader = Arc::new(Reloader {
            path: path.to_owned(),
            alarms,
            blf: wired.blf,
            ground: wired.ground,
            webex,
            application_server: wired.server,
            provisioning: wired.provisioning,
            operations: wired.operations.clone(),
            certificates: certificates.clone(),
            live,
            telemetry: Arc::clone(&telemetry),
            connections: Arc::default(),
            sessions: sessions.clone(),
            tasks: tasks.clone(),
            filter,
            watch,
            proven: Mutex::new(Proven { material, pools }),
        });
        observed::start(&reloader)?;
        let admin = admin(&reloader, sessions, wired.operations, certificates);
        let watching = Watching { plan, known };
        Ok(Self::launch(
            tasks, accepting, reloader, admin, sockets, watching,
        ))
    }

    fn launch(
        tasks: Tasks,
        accepting: CancellationToken,
        reloader: Arc<Reloader>,
        admin: Arc<Admin>,
        sockets: Sockets,
        watching: Watching,
    ) -> Self {
        for (name, bound) in sockets.listeners {
            let shared = Arc::new(Shared {
                metrics: reloader.telemetry.edge.listener(&name),
                name: Arc::clone(&name),
                live: Arc::clone(&reloader.live),
                connections: Arc::clone(&reloader.connections),
                places: Arc::new(Places::default()),
                sessions: find(&reloader.sessions, &name),
                glances: reloader.certificates.glances().clone(),
                tasks: tasks.clone(),
            });
            for (address, socket) in bound {
                info!(listener = %name, %address, "Listening.");
                let stop = accepting.clone();
                tasks.worker(
                    "listener",
                    listener::accept(socket, Arc::clone(&shared), stop),
                );
            }
        }
        let (address, socket) = sockets.admin;
        info!(%address, "Admin listener up.");
        tasks.worker(
            "admin",
            admin::serve(socket, Arc::clone(&admin), tasks.stop()),
        );
        let hub = reloader.live.load().front.events().clone();
        tasks.worker("event-hub", hub.run(tasks.stop()));
        for sessions in &reloader.sessions {
            watch_absence(&tasks, sessions);
        }
        start_watch(&tasks, &reloader, watching);
        watchers::start(&reloader);
        certs::start(&tasks, &reloader);
        Self {
            tasks,
            accepting,
            reloader,
            admin,
        }
    }

    /// Serves until `stop` resolves, then drains; `hurry` cuts the drain short. `reload` yields
    /// once per wish to reload.
    ///
    /// # Errors
    /// The name of a worker that panicked.
    pub async fn serve(
        self,
        mut reload: mpsc::Receiver<()>,
        stop: impl Future<Output = ()>,
        hurry: impl Future<Output = ()>,
    ) -> Result<(), &'static str> {
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                name = self.tasks.worker_failed() => return Err(name),
                Some(()) = reload.recv() => {
                    let reloader = Arc::clone(&self.reloader);
                    notify_reloading();
                    let done = self.tasks.blocking(move || reloader.configuration()).await;
                    notify_ready(done.unwrap_or("A reload failed, see the log."));
                }
            }
        }
        notify(&[NotifyState::Stopping, NotifyState::Status("Draining.")]);
        drain::drain(&self, hurry).await;
        Ok(())
    }

    /// Resolves when every task has ended.
    pub async fn workers_gone(&self) {
        self.tasks.join().await;
    }
}

/// Tells systemd that we serve, at first or again, and what its status line is to say.
pub fn notify_ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// In one message with the time, without which systemd 253 and later takes no reload as begun.
fn notify_reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(since) => notify(&[NotifyState::Reloading, since]),
        Err(_) => notify(&[NotifyState::Reloading]),
    }
}

/// Without systemd there is nobody to tell.
fn notify(states: &[NotifyState<'_>]) {
    drop(sd_notify::notify(states));
}

fn load(path: &Path) -> Result<config::Loaded, Vec<AppError>> {
    config::load(path).map_err(|found| {
        let problems = found.into_iter();
        problems
            .map(|problem| AppError::Config(Box::new(problem)))
            .collect()
    })
}

/// Opens the store and starts the alarm desk on it; without a store that goes on in memory.
fn alarms(
    (path, config): (&Path, &Config),
    tasks: &Tasks,
    telemetry: &Telemetry,
) -> Result<(Result<Sqlite, StoreError>, Alarms), Vec<AppError>> {
    let database = Sqlite::open(&config.store.path);
    let alarms = Alarms::start((path, config), &database, tasks, telemetry)?;
    Ok((database, alarms))
}

fn admin(
    reloader: &Reloader,
    sessions: Vec<Arc<Sessions>>,
    operations: Option<Ground>,
    certificates: CertDesk,
) -> Arc<Admin> {
    Arc::new(Admin {
        alarms: reloader.alarms.desk.clone(),
        door: Arc::new(Door::default()),
        telemetry: Arc::clone(&reloader.telemetry),
        live: Arc::clone(&reloader.live),
        draining: AtomicBool::new(false),
        tasks: reloader.tasks.clone(),
        tracking: TrackingIds::default(),
        sessions,
        operations,
        certificates,
    })
}

/// What a start tells of what it found.
fn tell(edge: &Edge, material: &Material, telemetry: &Telemetry, warnings: &[Problem]) {
    build::publish(&edge.config, material, telemetry);
    edge.front.forget_other_series();
    telemetry.edge.configuration_warnings(warnings);
}

/// The sessions of each CTI listener; which listeners are of that kind needs a restart.
fn cti_sessions(config: &Config, telemetry: &Telemetry) -> Vec<Arc<Sessions>> {
    let bridged = config.listeners.iter().filter_map(|listener| {
        let rules = listener.bridge.as_ref()?;
        let name = Arc::from(listener.name.as_str());
        let series = telemetry.cti.listener(&name);
        Some(Sessions::new(&name, series, rules.absence_warning))
    });
    bridged.collect()
}

fn find(all: &[Arc<Sessions>], listener: &str) -> Option<Arc<Sessions>> {
    let mut held = all.iter();
    held.find(|sessions| sessions.listener().as_ref() == listener)
        .cloned()
}

fn watch_absence(tasks: &Tasks, sessions: &Arc<Sessions>) {
    let (count, patience) = (sessions.count(), sessions.patience());
    let sessions = Arc::clone(sessions);
    let tell = move |tidings| sessions.series.absence(tidings);
    tasks.worker(
        "cti-absence",
        absence::run(count, patience, tasks.stop(), tell),
    );
}

fn start_watch(tasks: &Tasks, reloader: &Arc<Reloader>, watching: Watching) {
    // One pending change is as good as many: everything is read again.
    let (changed, mut changes) = mpsc::channel(1);
    tasks.worker(
        "file-watch",
        file_watch::run(watching, changed, tasks.clone(), tasks.stop()),
    );
    let (reloader, stop) = (Arc::clone(reloader), tasks.stop());
    tasks.worker("trust-watch", async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(()) = changes.recv() => {
                    let held = Arc::clone(&reloader);
                    reloader.tasks.blocking(move || held.files()).await;
                }
                () = tokio::time::sleep(JUDGE_AGAIN) => {
                    let held = Arc::clone(&reloader);
                    reloader.tasks.blocking(move || held.dates()).await;
                }
            }
        }
    });
}
