//! A user who is a subscriber of another customer than it is to be: Webex moves nobody between
//! organisations, so it is removed there and created here. Whatever is known to keep it from being
//! created here is looked at before the subscription that works is taken away.

use crate::domain::provisioning::conductor::compare;
use crate::domain::provisioning::conductor::plan::Next;
use crate::domain::provisioning::conductor::plan::View;
use crate::domain::provisioning::conductor::plan::create;
use crate::domain::provisioning::conductor::plan::find;
use crate::domain::provisioning::conductor::plan::still_begins;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::webex::Subscriber;
use crate::domain::provisioning::webex::SubscriberStatus;

/// One that is to be a subscriber here.
pub(super) fn present(view: &View<'_>, profile: &Profile, shown: &Subscriber) -> Next {
    if still_begins(view, shown) {
        return Next::Poll(JobState::WaitingWebex);
    }
    // Nobody is asked about what cannot come of it.
    if let Some(next) = create::obstacle(view) {
        return next;
    }
    if !view.way.confirmed("A1103") {
        return view.attention("A1103", moves(view, profile, shown));
    }
    if let Some(next) = administrator(view, shown) {
        return next;
    }
    if works(view, shown)
        && let Some(next) = stays(view, profile, shown).or_else(|| opens(view, &profile.user))
    {
        return next;
    }
    let why = "it moves to another customer, as confirmed";
    find::renew(view, profile, shown, why)
}

/// One that is to be no subscriber.
pub(super) fn absent(view: &View<'_>, shown: &Subscriber) -> Option<Next> {
    if view.way.confirmed("A1103") {
        return None;
    }
    let theirs = shown.enterprise.as_deref().unwrap_or_default();
    let mut text = format!(
        "The subscriber of this user id belongs to the customer {theirs}, and the removal was \
         asked for in another one. Confirmed, it is removed there."
    );
    text += &role(view, shown);
    Some(view.attention("A1103", text))
}

/// Asks before the last administrator of an organisation loses its subscription.
pub(super) fn administrator(view: &View<'_>, shown: &Subscriber) -> Option<Next> {
    if !administers(view, shown) || view.way.confirmed("A2006") {
        return None;
    }
    let whose = view
        .home
        .map_or("its customer", |home| home.record.sent_as.as_str());
    let text = format!(
        "The user is the first of the customer {whose} and counts as the last administrator of \
         its organisation: Webex hands that role to nobody."
    );
    Some(view.attention("A2006", text))
}

fn administers(view: &View<'_>, shown: &Subscriber) -> bool {
    has_person(view, shown) && view.home.is_some_and(|home| view.is_first_of(home))
}

fn has_person(view: &View<'_>, shown: &Subscriber) -> bool {
    shown.person.is_some() || view.way.record.actual.person.is_some()
}

/// All that comes of the move.
fn moves(view: &View<'_>, profile: &Profile, shown: &Subscriber) -> String {
    let theirs = shown.enterprise.as_deref().unwrap_or_default();
    let ours = view.job.desired.enterprise.as_ref();
    let ours = ours.map_or("another one", |ours| ours.as_str());
    let mut text = format!(
        "The user is a subscriber of the customer {theirs} at Webex and is to be one of {ours}. \
         Confirmed, that subscription is removed before there is another."
    );
    if has_person(view, shown) {
        text += &format!(
            " The person stays in the organisation of {theirs} as a free Webex user and keeps its \
             e-mail address there, unless it is deleted, too."
        );
    }
    text += &role(view, shown);
    if works(view, shown) && address_stays(view, profile, shown) {
        text += " The user is to have the same address here, which Webex refuses meanwhile.";
    }
    text
}

fn role(view: &View<'_>, shown: &Subscriber) -> String {
    let theirs = shown.enterprise.as_deref().unwrap_or_default();
    if administers(view, shown) {
        format!(
            " It is the first user of {theirs} and counts as the last administrator of that \
             organisation."
        )
    } else {
        String::new()
    }
}

/// Whether somebody would miss it.
fn works(view: &View<'_>, shown: &Subscriber) -> bool {
    match &shown.status {
        SubscriberStatus::Provisioned | SubscriberStatus::Updating => true,
        SubscriberStatus::Error => !view.way.record.actual.unproven,
        SubscriberStatus::Unknown(_) => has_person(view, shown),
        SubscriberStatus::PendingEmailInput
        | SubscriberStatus::PendingEmailValidation
        | SubscriberStatus::PendingUserMigration
        | SubscriberStatus::Provisioning => false,
    }
}

/// Whether the user is to have the address here that the person keeps there.
fn address_stays(view: &View<'_>, profile: &Profile, shown: &Subscriber) -> bool {
    let ours = compare::email(&view.job.desired, profile, view.policy);
    compare::same_email(ours, shown.email.as_deref())
}

fn stays(view: &View<'_>, profile: &Profile, shown: &Subscriber) -> Option<Next> {
    if !address_stays(view, profile, shown) || view.way.confirmed("A2013") {
        return None;
    }
    let theirs = shown.enterprise.as_deref().unwrap_or_default();
    let email = shown.email.as_deref().unwrap_or_default();
    let text = format!(
        "The person keeps the e-mail address {email} in the organisation of {theirs}, and Webex \
         refuses it in another one (200039). Nothing was removed."
    );
    Some(view.attention("A2013", text))
}

/// Whether the customer takes users: until it does, the user keeps what it has.
fn opens(view: &View<'_>, user: &BwUserId) -> Option<Next> {
    let customer = view.customer?;
    let closed = customer.record.state == EnterpriseState::WaitingCustomerAdmin;
    if closed && !view.way.confirmed("2017") {
        let ours = &customer.record.sent_as;
        let text = format!(
            "The administrator of the customer {ours} has not let the partner in yet. Nothing was \
             removed; retry once it has, or confirm to ask with this user, which is removed from \
             its customer before."
        );
        return Some(view.attention("2017", text));
    }
    if let Some(next) = create::gate(view) {
        return Some(next);
    }
    // It may have waited behind others for long.
    let now = Moment::of(view.now.wall);
    let read = view.way.record.actual.read_at;
    let fresh = read.is_some_and(|read| now.since(read) <= view.rules.look_up_fresh);
    (!fresh).then(|| find::ask(view, user))
}
