//! What operators of provisioning may ask for, wired.

use std::sync::Arc;

use crate::app::provisioning::Provisioning;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::FailureKind;
use crate::inbound::endpoints::operations::Ground;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::workers::directory_sync::AskWebex;
use crate::workers::directory_sync::Call;
use crate::workers::directory_sync::DirectorySyncs;
use crate::workers::webex_partners::WebexPartners;

/// What the API stands on; `None` while there are no templates.
pub fn ground(
    provisioning: &Provisioning,
    partners: &WebexPartners,
    tasks: &Tasks,
    telemetry: &Telemetry,
) -> Option<Ground> {
    let provisioner = provisioning.provisioner.clone()?;
    Some(Ground {
        provisioner,
        captures: provisioning.ground.captures.clone(),
        partners: partners.clone(),
        syncs: DirectorySyncs::start(syncing(partners.clone()), tasks),
        metrics: Arc::clone(&telemetry.operations),
    })
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
