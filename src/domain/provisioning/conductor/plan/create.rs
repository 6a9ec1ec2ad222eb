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
use crate::domain::provisioning::webex::Subscriber;
use crate::domain::provisioning::webex::SubscriberStatus;
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
        return unnamed(view);
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

/// What is known to keep the user from ever being created as it is wished for.
pub(super) fn obstacle(view: &View<'_>) -> Option<Next> {
    let named = view.policy.provisioning_id.is_some()
        && view.job.desired.enterprise.is_some()
        && view.customer.is_some();
    if named {
        other_template(view)
    } else {
        Some(unnamed(view))
    }
}

fn unnamed(view: &View<'_>) -> Next {
    let text = if view.customer.is_none() && view.job.desired.enterprise.is_some() {
        "What is known of the user's customer cannot be read; the log of the last start says more."
    } else {
        "The template has no provisioning-id, or the user no customer."
    };
    view.attention("A1012", text.to_owned())
}

fn other_template(view: &View<'_>) -> Option<Next> {
    let customer = view.customer?;
    let other = &customer.record.template;
    (*other != view.job.desired.template).then(|| {
        let text = format!("The customer was begun with the template {other}.");
        view.attention("A1102", text)
    })
}

/// Whether Webex would take the address of a user whose subscriber, which has another one, is to be
/// taken away for it. The address is asked about alone: the user id is in use by that subscriber.
pub(super) fn address(view: &View<'_>, profile: &Profile, shown: &Subscriber) -> Option<Next> {
    let email = compare::email(&view.job.desired, profile, view.policy)?;
    // One that failed may be shown without its address, which would be in its own way.
    let unshown = shown.email.is_none() && shown.status == SubscriberStatus::Error;
    if view.policy.precheck == Precheck::Never
        || unshown
        || compare::same_email(Some(email), shown.email.as_deref())
        || overruled(view)
    {
        return None;
    }
    let checked = view.way.checked.as_ref();
    let Some((_, said)) = checked.filter(|(checked, _)| checked == email) else {
        let why = "Webex is asked about the address before anything is removed";
        return Some(view.enter(JobState::Prechecking, why, || {
            Next::Ask(
                Asked::PrecheckEmail,
                WebexOp::PrecheckEmail(email.to_owned()),
            )
        }));
    };
    remarked(view, said)
}

/// Whether somebody confirmed what Webex said against the address.
pub(super) fn overruled(view: &View<'_>) -> bool {
    let confirmed = view.way.record.progress.confirmed.last();
    view.job.desired.word == Some(Word::Confirm)
        && confirmed.is_some_and(|code| !code.starts_with('A') && code != "2017")
}

/// What a precheck had to say may be for somebody to read.
fn remarked(view: &View<'_>, said: &str) -> Option<Next> {
    let stops = view.policy.precheck_policy == PrecheckPolicy::Stop;
    (stops && !said.is_empty() && !view.way.confirmed("A2010"))
        .then(|| view.attention("A2010", said.to_owned()))
}

/// Whether the user has to wait behind others of its customer, or goes before them.
pub(super) fn gate(view: &View<'_>) -> Option<Next> {
    let customer = view.customer?;
    if let Some(next) = other_template(view) {
        return Some(next);
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
            let said = match view.job.desired.word {
                Some(Word::Retry) => true,
                Some(Word::Confirm) => view.way.confirmed("2017"),
                Some(Word::Cancel) | None => false,
            };
            let asked = said && !view.way.record.progress.knocked;
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
    remarked(view, said)
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
    if !put {
        let hindered = obstacle(view).or_else(|| address(view, profile, old));
        if hindered.is_some() {
            return hindered;
        }
    }
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
