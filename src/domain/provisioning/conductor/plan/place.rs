//! A shared device's user, which is a workspace in Webex. Workspaces can neither be listed nor
//! read, so what is durable here is all that is known: a create whose answer is lost is never
//! repeated.

use std::time::Duration;

use crate::domain::provisioning::conductor::compare;
use crate::domain::provisioning::conductor::job::Asked;
use crate::domain::provisioning::conductor::plan::Next;
use crate::domain::provisioning::conductor::plan::View;
use crate::domain::provisioning::conductor::plan::create;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::webex::WebexOp;

/// How often a workspace looks whether its customer has come to be.
const LOOK_AGAIN: Duration = Duration::from_secs(5 * 60);

pub(super) fn present(view: &View<'_>, profile: &Profile) -> Next {
    let desired = &view.job.desired;
    let record = &view.way.record;
    if let Some(id) = &record.actual.workspace {
        if record.progress.created || record.progress.updated {
            let why = "Webex has taken the workspace";
            return Next::End(JobState::Provisioned, why.to_owned());
        }
        if record.actual.applied.as_ref() == Some(&desired.digest) {
            let why = "the workspace was told all of it before";
            return Next::End(JobState::NoChange, why.to_owned());
        }
        return view.enter(JobState::Submitting, "the workspace has changed", || {
            let change = Box::new(compare::workspace_change(profile));
            let op = WebexOp::UpdateWorkspace(id.clone(), change);
            Next::Ask(Asked::UpdateWorkspace, op)
        });
    }
    if record.progress.unsure && !view.way.armed {
        return unsure(view);
    }
    let (Some(customer), Some(provisioning_id)) = (view.customer, &view.policy.provisioning_id)
    else {
        let text = "The template has no provisioning-id, or the workspace no customer.";
        return view.attention("A1012", text.to_owned());
    };
    if customer.record.state != EnterpriseState::Ready {
        let candidate = customer.candidate.is_some() || view.first_is_open;
        if !candidate && !view.way.asked_customer {
            return create::ask_customer(view);
        }
        let why = "a workspace needs a customer that has a user";
        return Next::Later(LOOK_AGAIN, JobState::WaitingFirstUser, why.to_owned());
    }
    let why = "there is no workspace";
    if !view.way.armed {
        // An update that found no workspace has entered the state, and nothing of a create is
        // written down.
        return Next::Enter(JobState::Submitting, why.to_owned());
    }
    view.enter(JobState::Submitting, why, || {
        let name = &customer.record.sent_as;
        let new = compare::new_workspace(profile, provisioning_id, name);
        Next::Ask(
            Asked::ProvisionWorkspace,
            WebexOp::ProvisionWorkspace(Box::new(new)),
        )
    })
}

pub(super) fn unsure(view: &View<'_>) -> Next {
    let text = "The answer to the create of the workspace was lost.";
    view.attention("A2008", text.to_owned())
}
