//! A user whom Cisco's bridge provisions: we look on until the end, and create nothing.

use crate::domain::provisioning::conductor::job::Known;
use crate::domain::provisioning::conductor::plan::Next;
use crate::domain::provisioning::conductor::plan::View;
use crate::domain::provisioning::conductor::plan::find;
use crate::domain::provisioning::conductor::plan::waits;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::webex::SubscriberStatus;

pub(super) fn present(view: &View<'_>, user: &BwUserId) -> Next {
    let shown = match &view.way.known {
        _ if view.way.refresh => return find::ask(view, user),
        Known::Unknown => return find::ask(view, user),
        Known::Absent(_) => return Next::Poll(JobState::WaitingWebex),
        Known::Found(shown) => shown,
    };
    if let Some(state) = waits(&shown.status) {
        return Next::Poll(state);
    }
    if shown.status == SubscriberStatus::Provisioned {
        let why = "the bridge has provisioned it";
        return Next::End(JobState::Provisioned, why.to_owned());
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
