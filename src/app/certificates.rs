//! The watch over everything that ends, wired.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::domain::alarms::Observation;
use crate::inbound::edge::Live;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::workers::alarm_desk::AlarmDesk;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::cert_watch;
use crate::workers::cert_watch::CertDesk;
use crate::workers::cert_watch::Ground;
use crate::workers::cert_watch::scan::Token;
use crate::workers::webex_partners::WebexPartner;
use crate::workers::webex_partners::WebexPartners;

/// Starts to watch. `addresses` are those that the listeners took.
pub(super) fn start(
    config: &Arc<Config>,
    addresses: Vec<(String, SocketAddr)>,
    (partners, live): (&WebexPartners, &Live),
    tasks: &Tasks,
    telemetry: &Telemetry,
    alarms: AlarmDesk,
) -> CertDesk {
    let (observations, heard) = mpsc::channel(cert_watch::QUEUE);
    let desk = alarms.clone();
    // A desk that cannot say it ends them by itself.
    let known = async move {
        let shown = desk.list().await.unwrap_or_default().into_iter();
        shown.map(|shown| shown.alarm).collect()
    };
    tasks.worker("cert-observations", hear(heard, alarms, tasks.stop()));
    let (partners, live) = (partners.clone(), Arc::clone(live));
    let tokens = move || {
        let all = partners.all();
        let token = |partner: &WebexPartner| Token {
            entry: format!("webex-partner.{}", partner.name()),
            owner: partner.name().to_owned(),
            ends: partner.standing().refresh_token_ends,
        };
        let edge = live.load();
        let desk = edge.desk.as_ref();
        let service = desk.and_then(AuthDesk::refresh_token_ends);
        let service = service.map(|ends| Token {
            entry: "auth-service.identity-providers.cisco".to_owned(),
            owner: "Common Identity".to_owned(),
            ends,
        });
        all.iter().map(token).chain(service).collect()
    };
    let ground = Ground {
        config: Arc::clone(config),
        addresses,
        tokens: Arc::new(tokens),
        known: Box::pin(known),
        observations,
        metrics: Arc::clone(&telemetry.certificates),
    };
    CertDesk::start(ground, tasks)
}

async fn hear(mut heard: mpsc::Receiver<Observation>, alarms: AlarmDesk, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            observation = heard.recv() => match observation {
                Some(observation) => alarms.observe(observation),
                None => return,
            },
        }
    }
}
