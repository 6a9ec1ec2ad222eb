//! The watch over everything that ends, wired.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::domain::alarms::Observation;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::workers::alarm_desk::AlarmDesk;
use crate::workers::cert_watch;
use crate::workers::cert_watch::CertDesk;
use crate::workers::cert_watch::Ground;
use crate::workers::cert_watch::scan::Token;
use crate::workers::webex_partners::WebexPartners;

/// Starts to watch. `addresses` are those that the listeners took.
pub(super) fn start(
    config: &Arc<Config>,
    addresses: Vec<(String, SocketAddr)>,
    partners: &WebexPartners,
    tasks: &Tasks,
    telemetry: &Telemetry,
    alarms: AlarmDesk,
) -> CertDesk {
    let (observations, heard) = mpsc::channel(cert_watch::QUEUE);
    tasks.worker("cert-observations", hear(heard, alarms, tasks.stop()));
    let partners = partners.clone();
    let tokens = move || {
        let all = partners.all();
        let token = |partner: &crate::workers::webex_partners::WebexPartner| Token {
            partner: partner.name().to_owned(),
            ends: partner.standing().refresh_token_ends,
        };
        all.iter().map(token).collect()
    };
    let ground = Ground {
        config: Arc::clone(config),
        addresses,
        tokens: Arc::new(tokens),
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
