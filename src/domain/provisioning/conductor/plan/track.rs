//! A user whom Cisco's bridge provisions: we look on until the end, and create nothing.

use crate::domain::provisioning::conductor::compare;
use crate::domain::provisioning::conductor::job::Known;
use crate::domain::provisioning::conductor::plan::Next;
use crate::domain::provisioning::conductor::plan::View;
use crate::domain::provisioning::conductor::plan::find;
use crate::domain::provisioning::conductor::plan::waited_out;
use crate::domain::provisioning::conductor::plan::waits;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::webex::Subscriber;
use crate::domain::provisioning::webex::SubscriberStatus;

pub(super) fn present(view: &View<'_>, profile: &Profile) -> Next {
    let shown = match &view.way.known {
        _ if view.way.refresh => return find::ask(view, &profile.user),
        Known::Unknown => return find::ask(view, &profile.user),
        Known::Absent(_) => return Next::Poll(JobState::WaitingWebex),
        Known::Found(shown) => shown,
    };
    if let Some(state) = waits(&shown.status) {
        return Next::Poll(state);
    }
    let newer = is_newer(view, shown);
    let provisioned = shown.status == SubscriberStatus::Provisioned;
    let seen = newer && (!provisioned || compare::looks_alike(profile, shown));
    if !seen && !waited_out(view) {
        // What Webex shows may be from before the call, or from an earlier one.
        return Next::Poll(JobState::WaitingWebex);
    }
    if provisioned {
        if newer {
            let why = "the bridge has provisioned it";
            return Next::End(JobState::Provisioned, why.to_owned());
        }
        if compare::looks_alike(profile, shown) || view.way.confirmed("A2011") {
            let why = "Webex shows no change since the call, and what is wanted";
            return Next::End(JobState::NoChange, why.to_owned());
        }
        let text = "Webex shows no change since the call, and still another name.";
        return view.attention("A2011", text.to_owned());
    }
    let at = Moment::of(view.now.wall);
    match shown.errors.first() {
        Some(error) => {
            let judged = view.faults.judge_subscriber(error);
            Next::Attention(judged.fault(&error.description, at))
        }
        None => view.attention(
            "ERROR",
            "Webex says that it failed, and no more.".to_owned(),
        ),
    }
}

/// Whether what Webex shows has come to be after the call.
fn is_newer(view: &View<'_>, shown: &Subscriber) -> bool {
    view.way.record.progress.moved
        || shown
            .changed_at()
            .is_some_and(|changed| changed > view.job.desired.at)
}

pub(super) fn absent(view: &View<'_>, user: &BwUserId) -> Next {
    match &view.way.known {
        _ if view.way.refresh => find::ask(view, user),
        Known::Unknown => find::ask(view, user),
        Known::Absent(_) => {
            let why = "Webex has no such subscriber";
            Next::End(JobState::Removed, why.to_owned())
        }
        Known::Found(_) => Next::Poll(JobState::WaitingWebex),
    }
}
