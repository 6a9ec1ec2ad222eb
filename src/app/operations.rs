//! What operators of provisioning may ask for, wired.

use std::sync::Arc;

use crate::app::AppError;
use crate::app::provisioning::Provisioning;
use crate::config::Config;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::FailureKind;
use crate::inbound::edge::Edge;
use crate::inbound::endpoints::operations::Ground;
use crate::outbound::broadworks::ocip::Ocip;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::workers::directory_sync::AskWebex;
use crate::workers::directory_sync::Call;
use crate::workers::directory_sync::DirectorySyncs;
use crate::workers::reconciler::Reconciler;
use crate::workers::reconciler::Rules;
use crate::workers::reconciler::Sides;
use crate::workers::webex_partners::WebexPartners;

/// What the API stands on; `None` while there are no templates. Blocks on the disk.
///
/// # Errors
/// The account of the Application Server cannot be used.
pub fn ground(
    provisioning: &Provisioning,
    partners: &WebexPartners,
    edge: &Edge,
    tasks: &Tasks,
    telemetry: &Telemetry,
) -> Result<Option<Ground>, AppError> {
    let Some(provisioner) = provisioning.provisioner.clone() else {
        return Ok(None);
    };
    let ocip = application_server(edge, tasks, telemetry)?;
    let sides = Sides {
        provisioner: provisioner.clone(),
        partners: partners.clone(),
        ocip: ocip.clone(),
    };
    Ok(Some(Ground {
        provisioner,
        captures: provisioning.ground.captures.clone(),
        partners: partners.clone(),
        syncs: DirectorySyncs::start(syncing(partners.clone()), tasks),
        reconciler: Reconciler::start(sides, rules(&edge.config), tasks),
        ocip,
        metrics: Arc::clone(&telemetry.operations),
        door: Arc::default(),
    }))
}

/// How comparisons go about.
#[must_use]
pub fn rules(config: &Config) -> Rules {
    let operations = &config.provisioning.operations;
    Rules {
        nightly: operations
            .reconcile_nightly
            .then_some(operations.reconcile_hour),
        pause: operations.reconcile_pause,
        stuck_after: operations.stuck_after,
    }
}

/// The connection of the AuthService where that is ours, else one of its own.
fn application_server(
    edge: &Edge,
    tasks: &Tasks,
    telemetry: &Telemetry,
) -> Result<Option<Ocip>, AppError> {
    match (&edge.desk, &edge.config.application_server) {
        (Some(desk), _) => Ok(Some(desk.ocip())),
        (None, Some(server)) => {
            let ocip = Ocip::new(server, tasks, Arc::clone(&telemetry.ocip))?;
            Ok(Some(ocip))
        }
        (None, None) => Ok(None),
    }
}

/// Directory syncs go through the partners that are in force when Webex is asked.
fn syncing(partners: WebexPartners) -> AskWebex {
    Arc::new(move |target, call| {
        let partner = partners.get(&target.partner);
        Box::pin(async move {
            let Some(partner) = partner else {
                return Err(CallFailure {
                    kind: FailureKind::NoToken,
                    code: None,
                    text: format!("there is no [[webex-partner]] {} any more", target.partner),
                    ours: None,
                    theirs: None,
                    retry_after: None,
                });
            };
            match call {
                Call::Look => partner.directory_sync(&target.id).await,
                Call::Trigger => partner.sync_directory(&target.id).await,
            }
        })
    })
}
