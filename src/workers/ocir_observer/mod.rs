//! Listens to the Application Servers' reports and finds out what they mean.
//!
//! * `listen`: one connection for each Application Server, kept up; documents in, reports out.
//! * [`asker`]: whether a user still has the service, for whoever must know.
//! * `look`: one report after the other: the Application Server is asked what is so now.
//!
//! What is found goes into a bounded channel. While it is full, reports are not read any more: the
//! Application Server keeps them. A report that was read and not yet kept when the daemon ends is
//! lost, because nothing of this protocol is acknowledged; reconciliation finds what it told.

pub mod asker;
mod listen;
mod look;

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::config::Config;
use crate::domain::ocir::Observation;
use crate::domain::ocir::Reported;
use crate::outbound::OutboundError;
use crate::outbound::broadworks::ocip::CurrentOcip;
use crate::outbound::broadworks::ocir::OcirSource;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::telemetry::ocir::OcirSeries;
use crate::workers::absence;
use crate::workers::ocir_observer::asker::Asker;
use crate::workers::ocir_observer::listen::Ear;
use crate::workers::ocir_observer::look::Looker;

/// Observations that wait to be kept; each is a kilobyte at most.
const OBSERVATIONS: usize = 1024;

/// Reports that wait to be looked at.
const REPORTS: usize = 1024;

/// A report, and who made it.
struct Told {
    by: Arc<Teller>,
    what: Reported,
}

/// An Application Server, as reports and observations know it.
struct Teller {
    name: Arc<str>,
    cluster: crate::domain::provisioning::ids::ClusterName,
    series: OcirSeries,
}

/// What comes of listening.
pub struct Heard {
    /// What was found.
    pub observations: mpsc::Receiver<Observation>,
    /// Asks about users.
    pub asker: Asker,
}

/// Starts to listen, where that is configured. `ocip` is who can be asked what is so, for the cluster
/// that it belongs to.
///
/// # Errors
/// A CA file cannot be used.
pub fn start(
    config: &Config,
    ocip: CurrentOcip,
    tasks: &Tasks,
    telemetry: &Telemetry,
) -> Result<Option<Heard>, OutboundError> {
    let Some(ocir) = &config.ocir else {
        return Ok(None);
    };
    let (observations, observed) = mpsc::channel(OBSERVATIONS);
    let (reports, reported) = mpsc::channel(REPORTS);
    for server in &ocir.servers {
        let teller = Arc::new(Teller {
            name: server.name.as_str().into(),
            cluster: server.cluster.clone(),
            series: telemetry.ocir.server(&server.name),
        });
        let source = OcirSource::try_new(server, ocir.connect_timeout)?;
        let ear = Ear::new(source, Arc::clone(&teller), ocir, reports.clone());
        let (count, patience) = (ear.count(), ear.patience());
        let tell = move |tidings| teller.series.absence(tidings);
        let away = absence::run(count, patience, tasks.stop(), tell);
        tasks.worker("ocir-absence", away);
        tasks.worker("ocir-listen", ear.listen(tasks.stop()));
    }
    let asker = Asker::new(ocip.clone());
    let looker = Looker::new(ocip, observations);
    tasks.worker("ocir-look", looker.run(reported, tasks.stop()));
    Ok(Some(Heard {
        observations: observed,
        asker,
    }))
}

/// What a start would find wrong. Blocks on the disk.
#[must_use]
pub fn prove(config: &Config) -> Vec<OutboundError> {
    let ocir = config.ocir.iter();
    let servers = ocir.flat_map(|ocir| {
        let limit = ocir.connect_timeout;
        ocir.servers.iter().map(move |server| (server, limit))
    });
    servers
        .filter_map(|(server, limit)| OcirSource::try_new(server, limit).err())
        .collect()
}
