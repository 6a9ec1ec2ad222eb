//! What goes on by itself about certificates: activations that were put off, automatic certificates,
//! those of the internal CA, and which trust generations are used.

use std::sync::Arc;

use crate::app::reload::Reloader;
use crate::config::Config;
use crate::domain::alarms::Observation;
use crate::inbound::edge::Live;
use crate::platform::tasks::Tasks;
use crate::workers::acme;
use crate::workers::acme::AcmeGround;
use crate::workers::cert_desk;
use crate::workers::internal_ca;
use crate::workers::trust_usage;
use crate::workers::trust_usage::UsageGround;

/// Starts all of it.
pub(super) fn start(tasks: &Tasks, reloader: &Reloader) {
    let live = &reloader.live;
    let told = observe(reloader);
    let desk = cert_desk::run(current(live), told, tasks.clone(), tasks.stop());
    tasks.worker("cert-desk", desk);
    let edge = live.load();
    // The same over all snapshots.
    let challenges = edge.listeners.first();
    let challenges = challenges.map_or_else(Arc::default, |held| Arc::clone(&held.challenges));
    let list = reloader.certificates.clone();
    let ground = AcmeGround {
        config: Box::new(current(live)),
        challenges,
        observe: Arc::new(observe(reloader)),
        changed: Box::new(move || list.look_again()),
        tasks: tasks.clone(),
    };
    tasks.worker("acme", acme::run(ground, tasks.stop()));
    let ground = internal_ca::Ground {
        config: Box::new(current(live)),
        observe: Arc::new(observe(reloader)),
        tasks: tasks.clone(),
    };
    tasks.worker("internal-ca", internal_ca::run(ground, tasks.stop()));
    let state = edge.config.state_dir.clone();
    let live = Arc::clone(live);
    let ground = UsageGround {
        state,
        trust: Box::new(move || live.load().trust.clone()),
        telemetry: Arc::clone(&reloader.telemetry),
        observe: Arc::new(observe(reloader)),
        tasks: tasks.clone(),
    };
    tasks.worker("trust-usage", trust_usage::run(ground, tasks.stop()));
}

fn current(live: &Live) -> impl Fn() -> Arc<Config> + Send + Sync + 'static {
    let live = Arc::clone(live);
    move || Arc::clone(&live.load().config)
}

fn observe(reloader: &Reloader) -> impl Fn(Observation) + Send + Sync + 'static {
    let desk = reloader.alarms.desk.clone();
    move |observation| desk.observe(observation)
}
