//! A user that is to be a subscriber: looked up first, adopted if it is there.

use crate::domain::provisioning::conductor::compare;
use crate::domain::provisioning::conductor::job::Asked;
use crate::domain::provisioning::conductor::job::Known;
use crate::domain::provisioning::conductor::plan::Next;
use crate::domain::provisioning::conductor::plan::View;
use crate::domain::provisioning::conductor::plan::create;
use crate::domain::provisioning::conductor::plan::elsewhere;
use crate::domain::provisioning::conductor::plan::waited_out;
use crate::domain::provisioning::conductor::plan::waits;
use crate::domain::provisioning::fault::Class;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Word;
use crate::domain::provisioning::webex::Subscriber;
use crate::domain::provisioning::webex::SubscriberChange;
use crate::domain::provisioning::webex::SubscriberStatus;
use crate::domain::provisioning::webex::WebexOp;

pub(super) fn present(view: &View<'_>, profile: &Profile) -> Next {
    let actual = &view.way.record.actual;
    if let Some(workspace) = &actual.workspace {
        return view.enter(JobState::Removing, "it was a workspace before", || {
            Next::Ask(
                Asked::DeleteWorkspace,
                WebexOp::DeleteWorkspace(workspace.clone()),
            )
        });
    }
    match &view.way.known {
        Known::Unknown => {
            // Those that have to wait behind others need not be looked up meanwhile.
            if actual.subscriber.is_none()
                && view.job.left.is_empty()
                && let Some(next) = create::gate(view)
            {
                return next;
            }
            ask(view, &profile.user)
        }
        Known::Absent(at) => create::plan(view, profile, *at),
        Known::Found(_) if view.way.refresh => ask(view, &profile.user),
        Known::Found(shown) => found(view, profile, shown),
    }
}

/// The question for the subscriber: by its name if that is known.
pub(super) fn ask(view: &View<'_>, user: &BwUserId) -> Next {
    match &view.way.record.actual.subscriber {
        Some(id) => Next::Ask(Asked::Get, WebexOp::GetSubscriber(id.clone())),
        None => Next::Ask(Asked::Find, WebexOp::FindSubscriber(user.clone())),
    }
}

fn found(view: &View<'_>, profile: &Profile, shown: &Subscriber) -> Next {
    let desired = &view.job.desired;
    let theirs = shown.enterprise.as_deref();
    let elsewhere = match (&desired.enterprise, theirs) {
        (Some(ours), Some(theirs)) => !compare::same_customer(ours, theirs),
        (None, _) | (_, None) => false,
    };
    if elsewhere {
        return elsewhere::present(view, profile, shown);
    }
    match &shown.status {
        SubscriberStatus::Provisioned => provisioned(view, profile, shown),
        SubscriberStatus::Error => failed(view, profile, shown),
        SubscriberStatus::PendingEmailInput
        | SubscriberStatus::PendingEmailValidation
        | SubscriberStatus::PendingUserMigration => pending(view, profile, shown),
        SubscriberStatus::Provisioning
        | SubscriberStatus::Updating
        | SubscriberStatus::Unknown(_) => Next::Poll(JobState::WaitingWebex),
    }
}

fn provisioned(view: &View<'_>, profile: &Profile, shown: &Subscriber) -> Next {
    let desired = &view.job.desired;
    let progress = &view.way.record.progress;
    if let Some(customer) = view.customer {
        match customer.record.state {
            EnterpriseState::Ready if customer.record.webex.is_none() => {
                if !view.way.asked_customer {
                    return create::ask_customer(view);
                }
            }
            EnterpriseState::Ready => {}
            EnterpriseState::New
            | EnterpriseState::FirstUser
            | EnterpriseState::WaitingCustomerAdmin => return Next::Ready,
        }
    }
    let change = compare::change(desired, profile, view.policy, shown);
    if progress.updated {
        if let Some(rest) = change
            && !view.way.confirmed("A2011")
        {
            // It may take a while until Webex shows what it took.
            if !waited_out(view) {
                return Next::Poll(JobState::WaitingWebex);
            }
            let rest = compare::words(&rest);
            let text = format!("Webex took the change and still shows another {rest}.");
            return view.attention("A2011", text);
        }
    } else if let Some(change) = change.or_else(|| timezone(view, profile)) {
        return update(view, shown, change);
    } else if progress.overtaken {
        // What an earlier wish sent may still come after what is shown now.
        return update(view, shown, compare::names(profile));
    }
    if compare::email_differs(desired, profile, view.policy, shown) && !view.way.confirmed("A2004")
    {
        let shown = shown.email.as_deref().unwrap_or_default();
        let text =
            format!("BroadWorks tells another e-mail address than Webex, which has {shown}.");
        return view.attention("A2004", text);
    }
    if progress.created || progress.updated {
        let rest = compare::change(desired, profile, view.policy, shown);
        let why = if rest.is_some() {
            "Webex shows some of it otherwise than it was sent, as confirmed"
        } else {
            "Webex shows what is wanted"
        };
        return Next::End(JobState::Provisioned, why.to_owned());
    }
    Next::End(JobState::NoChange, "Webex shows what is wanted".to_owned())
}

/// Webex does not show time zones: when the wish has changed since it was applied, the time zone
/// may be what changed.
fn timezone(view: &View<'_>, profile: &Profile) -> Option<SubscriberChange> {
    let applied = view.way.record.actual.applied.as_ref()?;
    let progress = &view.way.record.progress;
    if *applied == view.job.desired.digest || progress.created {
        return None;
    }
    let timezone = profile.timezone.as_ref();
    let timezone = timezone.or(view.policy.timezone.as_ref())?;
    Some(SubscriberChange {
        timezone: Some(timezone.clone()),
        ..SubscriberChange::default()
    })
}

fn update(view: &View<'_>, shown: &Subscriber, change: SubscriberChange) -> Next {
    view.enter(JobState::Submitting, "Webex shows something else", || {
        let op = WebexOp::UpdateSubscriber(shown.id.clone(), Box::new(change));
        Next::Ask(Asked::Update, op)
    })
}

/// Takes a subscriber away so that the user begins anew, unless it is known that it cannot be
/// created after that.
pub(super) fn renew(view: &View<'_>, profile: &Profile, shown: &Subscriber, why: &str) -> Next {
    let hindered = create::obstacle(view).or_else(|| create::address(view, profile, shown));
    if let Some(next) = hindered {
        return next;
    }
    view.enter(JobState::Removing, why, || {
        Next::Ask(Asked::Delete, WebexOp::DeleteSubscriber(shown.id.clone()))
    })
}

fn failed(view: &View<'_>, profile: &Profile, shown: &Subscriber) -> Next {
    let progress = &view.way.record.progress;
    if !progress.created && !progress.updated {
        // Not what this wish came to: it failed before, and the user or an operator has changed
        // something since. One that never worked begins anew; another is changed, or stays until
        // somebody says that it may go.
        if view.way.record.actual.unproven {
            return renew(view, profile, shown, "it failed at Webex and begins anew");
        }
        if view.way.confirmed("A2012") {
            return renew(view, profile, shown, "it begins anew, as confirmed");
        }
        let change = compare::change(&view.job.desired, profile, view.policy, shown);
        if let Some(change) = change {
            return update(view, shown, change);
        }
        let error = shown.errors.first();
        let said = error.map_or("no more than that", |error| error.description.as_str());
        let text =
            format!("The subscriber may have worked before and is in error at Webex: {said}");
        return view.attention("A2012", text);
    }
    let at = Moment::of(view.now.wall);
    let Some(error) = shown.errors.first() else {
        let text = "Webex says that it failed, and no more.".to_owned();
        return view.attention("ERROR", text);
    };
    let judged = view.faults.judge_subscriber(error);
    let ready = view
        .customer
        .is_some_and(|customer| customer.record.state == EnterpriseState::Ready);
    if judged.class == Class::Customer && view.customer.is_some() && !ready {
        return Next::Hold(JobState::WaitingCustomerAdmin);
    }
    Next::Attention(judged.fault(&error.description, at))
}

fn pending(view: &View<'_>, profile: &Profile, shown: &Subscriber) -> Next {
    let desired = &view.job.desired;
    let progress = &view.way.record.progress;
    let retry = desired.word == Some(Word::Retry);
    let other = desired.email.as_ref().is_some_and(|email| {
        let shown = shown.email.as_deref().unwrap_or_default();
        email.to_lowercase() != shown.to_lowercase()
    });
    if (retry || create::overruled(view)) && other && !progress.created {
        let why = "it begins anew with another e-mail address";
        return renew(view, profile, shown, why);
    }
    let consent = shown.status == SubscriberStatus::PendingUserMigration;
    if retry && consent {
        // Once for each word, if the mail before is old enough.
        let said = desired.at;
        let again = progress
            .reminded
            .is_none_or(|last| last < said && said.since(last) >= view.rules.consent_again_after);
        if again {
            return Next::Ask(Asked::Consent, WebexOp::ConsentMove(shown.id.clone()));
        }
    }
    if let Some(customer) = view.customer
        && customer.record.state != EnterpriseState::Ready
        && view.goes_first()
        && !view.way.asked_customer
    {
        return create::ask_customer(view);
    }
    waits(&shown.status).map_or(Next::Stay, Next::Poll)
}
