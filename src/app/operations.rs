//! What operators of provisioning may ask for, wired.

use std::sync::Arc;

use crate::app::provisioning::Provisioning;
use crate::config::Config;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::FailureKind;
use crate::inbound::endpoints::operations::Ground;
use crate::outbound::broadworks::ocip::CurrentOcip;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::workers::directory_sync::AskWebex;
use crate::workers::directory_sync::Call;
use crate::workers::directory_sync::DirectorySyncs;
use crate::workers::reconciler::Reconciler;
use crate::workers::reconciler::Rules;
use crate::workers::reconciler::Sides;
use crate::workers::webex_partners::WebexPartners;

/// What the API stands on; `None` while there are no templates.
#[must_use]
pub fn ground(
    provisioning: &Provisioning,
    partners: &WebexPartners,
    ocip: &CurrentOcip,
    config: &Config,
    tasks: &Tasks,
    telemetry: &Telemetry,
) -> Option<Ground> {
    let provisioner = provisioning.provisioner.clone()?;
    let sides = Sides {
        provisioner: provisioner.clone(),
        partners: partners.clone(),
        ocip: ocip.clone(),
    };
    Some(Ground {
        provisioner,
        captures: provisioning.ground.captures.clone(),
        partners: partners.clone(),
        syncs: DirectorySyncs::start(syncing(partners.clone()), tasks),
        reconciler: Reconciler::start(sides, rules(config), tasks),
        ocip: ocip.clone(),
        metrics: Arc::clone(&telemetry.operations),
    })
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
