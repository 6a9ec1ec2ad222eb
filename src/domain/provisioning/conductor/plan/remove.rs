//! A user that is not to be a subscriber.

use std::time::Instant;

use crate::domain::provisioning::conductor::compare;
use crate::domain::provisioning::conductor::job::Asked;
use crate::domain::provisioning::conductor::job::Known;
use crate::domain::provisioning::conductor::plan::Next;
use crate::domain::provisioning::conductor::plan::View;
use crate::domain::provisioning::conductor::plan::elsewhere;
use crate::domain::provisioning::conductor::plan::find;
use crate::domain::provisioning::conductor::plan::place;
use crate::domain::provisioning::conductor::plan::still_begins;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::policy::OnRemove;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::webex::Subscriber;
use crate::domain::provisioning::webex::SubscriberStatus;
use crate::domain::provisioning::webex::WebexOp;

pub(super) fn plan(view: &View<'_>, user: &BwUserId, person: Option<bool>) -> Next {
    let record = &view.way.record;
    if view.renamed {
        let why = "another user id takes the subscriber over first";
        let again = std::time::Duration::from_secs(10);
        return Next::Later(again, JobState::Queued, why.to_owned());
    }
    if let Some(workspace) = &record.actual.workspace {
        return view.enter(
            JobState::Removing,
            "BroadWorks has no such user any more",
            || {
                let op = WebexOp::DeleteWorkspace(workspace.clone());
                Next::Ask(Asked::DeleteWorkspace, op)
            },
        );
    }
    match &view.way.known {
        Known::Unknown => find::ask(view, user),
        Known::Absent(at) => former(view, user, *at).unwrap_or_else(|| gone(view, person)),
        Known::Found(_) if view.way.refresh => find::ask(view, user),
        Known::Found(shown) => there(view, shown),
    }
}

fn there(view: &View<'_>, shown: &Subscriber) -> Next {
    let desired = &view.job.desired;
    if still_begins(view, shown) {
        return Next::Poll(JobState::WaitingWebex);
    }
    match (&desired.enterprise, &shown.enterprise) {
        (Some(ours), Some(theirs)) if !compare::same_customer(ours, theirs) => {
            if let Some(next) = elsewhere::absent(view, shown) {
                return next;
            }
        }
        (None, _) if of_another_template(view, shown) => {
            let why = "the subscriber of this user id belongs to another template and was left";
            return Next::End(JobState::Removed, why.to_owned());
        }
        (None, _) | (_, None) | (Some(_), Some(_)) => {}
    }
    if let Some(home) = view.home
        && view.is_first_of(home)
    {
        let first = home.record.state == EnterpriseState::FirstUser;
        let unsettled = shown.status == SubscriberStatus::Provisioning;
        if first && unsettled && view.way.record.state != JobState::Stalled {
            // Removed now, it would still begin the organisation, beside the next first user.
            return Next::Poll(JobState::WaitingWebex);
        }
    }
    if let Some(next) = elsewhere::administrator(view, shown) {
        return next;
    }
    view.enter(
        JobState::Removing,
        "the user is not to be a subscriber",
        || Next::Ask(Asked::Delete, WebexOp::DeleteSubscriber(shown.id.clone())),
    )
}

/// The subscriber may still be about to get this user id: then it has the former one, as long as
/// that is there; looked at in this order, it cannot be missed.
fn former(view: &View<'_>, user: &BwUserId, looked_at: Instant) -> Option<Next> {
    let former = view.job.desired.formerly.as_ref()?;
    let look = || Next::Ask(Asked::FindOld, WebexOp::FindSubscriber(former.clone()));
    match &view.way.old {
        Known::Unknown => Some(look()),
        Known::Found(_) if view.way.refresh => Some(look()),
        // It is removed under the former one, or under this one if the change comes first.
        Known::Found(_) if view.former_goes => Some(Next::Poll(JobState::WaitingWebex)),
        Known::Absent(at) if looked_at < *at => Some(find::ask(view, user)),
        Known::Found(_) | Known::Absent(_) => None,
    }
}

fn of_another_template(view: &View<'_>, shown: &Subscriber) -> bool {
    match (&view.policy.provisioning_id, &shown.provisioning_id) {
        (Some(ours), Some(theirs)) => {
            // Webex writes such names with and without padding.
            ours.as_str().trim_end_matches('=') != theirs.trim().trim_end_matches('=')
        }
        (None, _) | (_, None) => false,
    }
}

fn gone(view: &View<'_>, person: Option<bool>) -> Next {
    let record = &view.way.record;
    if record.progress.unsure && !view.way.confirmed("A2008") {
        return place::unsure(view);
    }
    let by_policy = view.policy.on_remove == OnRemove::SubscriberAndPerson;
    if !person.unwrap_or(by_policy) {
        let why = "Webex has no such subscriber";
        return Next::End(JobState::Removed, why.to_owned());
    }
    match &record.actual.person {
        Some(person) => view.enter(JobState::DeletingPerson, "the person goes, too", || {
            Next::Ask(Asked::DeletePerson, WebexOp::DeletePerson(person.clone()))
        }),
        None if record.state == JobState::DeletingPerson => {
            let why = "neither subscriber nor person is left";
            Next::End(JobState::PersonDeleted, why.to_owned())
        }
        None => {
            let why = "the person was never told to us; if there is one, delete it in Control Hub";
            Next::End(JobState::Removed, why.to_owned())
        }
    }
}
