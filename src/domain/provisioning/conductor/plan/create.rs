//! A user that is not there: created, the first of its customer alone.

use std::time::Instant;

use crate::domain::provisioning::conductor::compare;
use crate::domain::provisioning::conductor::job::Asked;
use crate::domain::provisioning::conductor::job::Known;
use crate::domain::provisioning::conductor::plan::Next;
use crate::domain::provisioning::conductor::plan::View;
use crate::domain::provisioning::policy::Precheck;
use crate::domain::provisioning::policy::PrecheckPolicy;
use crate::domain::provisioning::policy::UserIdChange;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Word;
use crate::domain::provisioning::webex::WebexOp;

pub(super) fn plan(view: &View<'_>, profile: &Profile, looked_at: Instant) -> Next {
    let desired = &view.job.desired;
    let progress = &view.way.record.progress;
    if progress.created {
        let text = "Webex had the subscriber and has it no more.";
        return view.attention("A2009", text.to_owned());
    }
    if let Some(next) = former(view, profile, looked_at) {
        return next;
    }
    if let Some(next) = gate(view) {
        return next;
    }
    let fresh = view.now.mono.saturating_duration_since(looked_at) <= view.rules.look_up_fresh;
    if !fresh {
        return Next::Ask(Asked::Find, WebexOp::FindSubscriber(profile.user.clone()));
    }
    let (Some(provisioning_id), Some(enterprise), Some(customer)) = (
        &view.policy.provisioning_id,
        &desired.enterprise,
        view.customer,
    ) else {
        let text = if view.customer.is_none() && desired.enterprise.is_some() {
            "What is known of the user's customer cannot be read; the log of the last start says more."
        } else {
            "The template has no provisioning-id, or the user no customer."
        };
        return view.attention("A1012", text.to_owned());
    };
    // The customer's name is sent as it was first formed.
    let sent_as = if compare::same_customer(enterprise, customer.record.sent_as.as_str()) {
        &customer.record.sent_as
    } else {
        enterprise
    };
    let new = || compare::new_subscriber(desired, profile, view.policy, provisioning_id, sent_as);
    if let Some(next) = precheck(view, new) {
        return next;
    }
    if customer.record.state == EnterpriseState::New {
        if !customer.looked {
            return ask_customer(view);
        }
        return Next::First;
    }
    view.enter(JobState::Submitting, "Webex has no such subscriber", || {
        Next::Ask(Asked::Provision, WebexOp::Provision(Box::new(new())))
    })
}

pub(super) fn ask_customer(view: &View<'_>) -> Next {
    view.customer.map_or(Next::Stay, |customer| {
        let name = customer.record.sent_as.clone();
        Next::Ask(Asked::FindCustomer, WebexOp::FindEnterprise(name))
    })
}

/// Whether the user has to wait behind others of its customer, or goes before them.
pub(super) fn gate(view: &View<'_>) -> Option<Next> {
    let customer = view.customer?;
    if customer.record.template != view.job.desired.template {
        let other = &customer.record.template;
        let text = format!("The customer was begun with the template {other}.");
        return Some(view.attention("A1102", text));
    }
    let mine = customer.candidate == Some(view.slot);
    let free = customer.candidate.is_none();
    match customer.record.state {
        EnterpriseState::Ready => None,
        EnterpriseState::New if mine => None,
        EnterpriseState::New if free => Some(Next::Claim),
        EnterpriseState::New => Some(Next::Hold(JobState::WaitingFirstUser)),
        EnterpriseState::FirstUser if view.goes_first() => None,
        // Nobody drives the first user any more.
        EnterpriseState::FirstUser if free && !view.first_is_open => Some(Next::Claim),
        EnterpriseState::FirstUser => Some(Next::Hold(JobState::WaitingFirstUser)),
        EnterpriseState::WaitingCustomerAdmin if mine => None,
        EnterpriseState::WaitingCustomerAdmin => {
            let knocked = view.way.record.progress.knocked;
            let asked = view.job.desired.word == Some(Word::Retry) && !knocked;
            if (asked || customer.knock_due) && free {
                Some(Next::Knock)
            } else {
                Some(Next::Hold(JobState::WaitingCustomerAdmin))
            }
        }
    }
}

fn precheck(
    view: &View<'_>,
    new: impl FnOnce() -> crate::domain::provisioning::webex::NewSubscriber,
) -> Option<Next> {
    let wanted = match view.policy.precheck {
        Precheck::Always => true,
        Precheck::FirstUser => view.customer.is_some_and(|customer| {
            customer.record.state != EnterpriseState::Ready && view.goes_first()
        }),
        Precheck::Never => false,
    };
    if !wanted {
        return None;
    }
    let Some(said) = &view.way.record.progress.precheck else {
        let new = new();
        // The precheck needs an address.
        new.email.as_ref()?;
        return Some(
            view.enter(JobState::Prechecking, "the template asks for it", || {
                Next::Ask(Asked::Precheck, WebexOp::Precheck(Box::new(new)))
            }),
        );
    };
    let stops = view.policy.precheck_policy == PrecheckPolicy::Stop;
    if stops && !said.is_empty() && !view.way.confirmed("A2010") {
        return Some(view.attention("A2010", said.clone()));
    }
    None
}

/// The subscriber may be there under the user id that BroadWorks had before.
fn former(view: &View<'_>, profile: &Profile, looked_at: Instant) -> Option<Next> {
    let former = view.job.desired.formerly.as_ref()?;
    let old = match &view.way.old {
        Known::Unknown => {
            let op = WebexOp::FindSubscriber(former.clone());
            return Some(Next::Ask(Asked::FindOld, op));
        }
        // Between the two look-ups it may have got its new user id: the last one is for that.
        Known::Absent(at) if looked_at < *at => {
            let op = WebexOp::FindSubscriber(profile.user.clone());
            return Some(Next::Ask(Asked::Find, op));
        }
        Known::Absent(_) => return None,
        Known::Found(old) => old,
    };
    let put = match view.policy.user_id_change {
        UserIdChange::Attention if !view.way.confirmed("A2005") => {
            let text = "The subscriber still has the former BroadWorks user id.";
            return Some(view.attention("A2005", text.to_owned()));
        }
        UserIdChange::Attention | UserIdChange::Put => true,
        UserIdChange::Recreate => false,
    };
    Some(if put {
        view.enter(
            JobState::Submitting,
            "the subscriber gets the new user id",
            || {
                let change = Box::new(compare::rename(&profile.user));
                let op = WebexOp::UpdateSubscriber(old.id.clone(), change);
                Next::Ask(Asked::UpdateOld, op)
            },
        )
    } else {
        view.enter(
            JobState::Removing,
            "it begins anew with the new user id",
            || {
                let op = WebexOp::DeleteSubscriber(old.id.clone());
                Next::Ask(Asked::DeleteOld, op)
            },
        )
    })
}
