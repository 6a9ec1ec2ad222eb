//! From a proven snapshot to what stands on it: busy lamps, provisioning, and the client of the
//! Application Server that they ask.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::app::AppError;
use crate::app::application_server::ApplicationServer;
use crate::app::build;
use crate::app::build::LampGround;
use crate::app::operations;
use crate::app::provisioning::Provisioning;
use crate::inbound::edge::Edge;
use crate::inbound::endpoints::operations::Ground;
use crate::outbound::broadworks::ocip::CurrentOcip;
use crate::outbound::broadworks::ocip::Ocip;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::workers::blf_tracker::BlfTracker;
use crate::workers::webex_partners::PreparedPartners;
use crate::workers::webex_partners::WebexPartners;

/// What stands on a snapshot that goes live.
pub(super) struct Wired {
    pub(super) server: ApplicationServer,
    pub(super) blf: Option<BlfTracker>,
    pub(super) ground: LampGround,
    pub(super) provisioning: Provisioning,
    pub(super) operations: Option<Ground>,
}

/// Starts whoever asks the Application Server.
pub(super) fn start(
    edge: &mut Edge,
    (webex, partners): (&WebexPartners, PreparedPartners),
    tasks: &Tasks,
    accepting: &CancellationToken,
    telemetry: &Telemetry,
) -> Result<Wired, Vec<AppError>> {
    let server = application_server(edge, tasks, telemetry)?;
    let ocip = server.current();
    let (blf, ground) = track(edge, ocip.any(), tasks, accepting, telemetry)?;
    webex.publish(partners);
    let (provisioning, operations) = provision(edge, webex, ocip, tasks, telemetry)?;
    Ok(Wired {
        server,
        blf,
        ground,
        provisioning,
        operations,
    })
}

/// Starts to provision, when that is configured, and to answer about it.
fn provision(
    edge: &mut Edge,
    webex: &WebexPartners,
    ocip: &CurrentOcip,
    tasks: &Tasks,
    telemetry: &Telemetry,
) -> Result<(Provisioning, Option<Ground>), Vec<AppError>> {
    let config = Arc::clone(&edge.config);
    let provisioning = Provisioning::start(&config, tasks, telemetry, webex)?;
    edge.adapter = provisioning.adapter(&config)?;
    if let Some(adapter) = &edge.adapter {
        adapter.adopt(&config);
    }
    let operations = operations::ground(&provisioning, webex, ocip, &config, tasks, telemetry);
    Ok((provisioning, operations))
}

/// The client of the Application Server, where somebody asks it.
fn application_server(
    edge: &Edge,
    tasks: &Tasks,
    telemetry: &Telemetry,
) -> Result<ApplicationServer, Vec<AppError>> {
    let server = ApplicationServer::default();
    let prepared = server.prepare(&edge.config, edge.desk.as_ref(), tasks, telemetry);
    server.publish(prepared.map_err(|problem| vec![problem])?);
    Ok(server)
}

/// Starts to track busy lamps, when that is configured, and to answer about them.
fn track(
    edge: &mut Edge,
    ocip: Option<Ocip>,
    tasks: &Tasks,
    accepting: &CancellationToken,
    telemetry: &Telemetry,
) -> Result<(Option<BlfTracker>, LampGround), Vec<AppError>> {
    let problems: Vec<_> = build::lamp_problems(&edge.config).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let hub = edge.front.events();
    let blf = BlfTracker::start(&edge.config, &edge.pools, ocip, hub, tasks, telemetry)
        .map_err(|problem| vec![problem.into()])?;
    edge.blf = blf.as_ref().map(|blf| blf.board().clone());
    let ground = LampGround {
        board: edge.blf.clone(),
        tasks: tasks.clone(),
        ends: accepting.clone(),
    };
    build::lamps(edge, &ground, telemetry, None)?;
    build::begin(edge);
    Ok((blf, ground))
}
