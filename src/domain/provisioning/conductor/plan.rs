//! What a job needs next, decided from what is known: nothing here changes anything.
//!
//! The plan is asked after each answer and again when the job's turn has come, so that the newest
//! wish decides, and a call that is asked for is always the call that is right now.

mod create;
mod elsewhere;
mod find;
mod place;
mod remove;
mod track;

use std::time::Duration;

use crate::domain::machine::Now;
use crate::domain::provisioning::conductor::customers::Customer;
use crate::domain::provisioning::conductor::job::Asked;
use crate::domain::provisioning::conductor::job::Job;
use crate::domain::provisioning::conductor::job::Known;
use crate::domain::provisioning::conductor::job::Slot;
use crate::domain::provisioning::conductor::job::Way;
use crate::domain::provisioning::fault::Faults;
use crate::domain::provisioning::policy::Policy;
use crate::domain::provisioning::policy::Rules;
use crate::domain::provisioning::record::Fault;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Presence;
use crate::domain::provisioning::record::Word;
use crate::domain::provisioning::webex::Subscriber;
use crate::domain::provisioning::webex::SubscriberStatus;
use crate::domain::provisioning::webex::WebexOp;

/// All that a plan may look at.
pub(super) struct View<'a> {
    pub(super) slot: Slot,
    pub(super) job: &'a Job,
    pub(super) way: &'a Way,
    pub(super) policy: &'a Policy,
    pub(super) customer: Option<&'a Customer>,
    /// The customer of the subscriber that Webex shows, if it is known.
    pub(super) home: Option<&'a Customer>,
    /// Whether the customer's first user has an open job.
    pub(super) first_is_open: bool,
    /// Whether another job is to take the subscriber over under a new user id.
    pub(super) renamed: bool,
    /// Whether the user id that the user had before is being removed.
    pub(super) former_goes: bool,
    pub(super) rules: &'a Rules,
    pub(super) faults: &'a Faults,
    pub(super) now: Now,
}

/// What a job needs next.
#[derive(Debug)]
pub(super) enum Next {
    /// This call.
    Ask(Asked, WebexOp),
    /// Somebody has to look at it.
    Attention(Fault),
    /// To be the one who goes first for its customer.
    Claim,
    /// The end.
    End(JobState, String),
    /// This state, durably.
    Enter(JobState, String),
    /// To be written down as the first user of its customer.
    First,
    /// To wait behind others of its customer, in this state.
    Hold(JobState),
    /// To ask once more whether the customer's administrator has let us in.
    Knock,
    /// To look again after a while, in this state.
    Later(Duration, JobState, String),
    /// To ask again by the plan of this state.
    Poll(JobState),
    /// Its customer has an organisation.
    Ready,
    /// Nothing, until something happens.
    Stay,
}

impl View<'_> {
    pub(super) fn attention(&self, code: &str, text: String) -> Next {
        let at = crate::domain::provisioning::ids::Moment::of(self.now.wall);
        Next::Attention(self.faults.ours(code, text, at))
    }

    /// Whether this is the one who goes first.
    pub(super) fn goes_first(&self) -> bool {
        self.customer
            .is_some_and(|customer| self.is_first_of(customer))
    }

    /// Whether this is the one with whom a customer begins, or began.
    pub(super) fn is_first_of(&self, customer: &Customer) -> bool {
        customer.candidate == Some(self.slot)
            || customer.record.first_user.as_ref() == Some(&self.job.desired.key)
    }

    pub(super) fn enter(&self, state: JobState, why: &str, ask: impl FnOnce() -> Next) -> Next {
        if self.way.record.state == state {
            ask()
        } else {
            Next::Enter(state, why.to_owned())
        }
    }
}

/// What the job needs next.
pub(super) fn plan(view: &View<'_>) -> Next {
    let desired = &view.job.desired;
    if desired.word == Some(Word::Cancel) {
        return Next::End(JobState::Cancelled, "an operator's word".to_owned());
    }
    if view.way.record.state == JobState::Attention {
        return attended(view);
    }
    if view.policy.partner.is_none() {
        let text = "The template names no partner account, so Webex cannot be asked.";
        return view.attention("A1012", text.to_owned());
    }
    match (&desired.presence, view.policy.mode.tracks()) {
        (Presence::Absent { user, .. }, true) => track::absent(view, user),
        (Presence::Absent { user, person }, false) => remove::plan(view, user, *person),
        (Presence::Present { profile }, true) => track::present(view, profile),
        (Presence::Present { profile }, false) if profile.is_place => place::present(view, profile),
        (Presence::Present { profile }, false) => find::present(view, profile),
    }
}

/// What somebody has to look at stands still. Where another customer waits for what becomes of it,
/// Webex is asked for the subscriber, and no more.
fn attended(view: &View<'_>) -> Next {
    let looks = view.way.refresh || matches!(view.way.known, Known::Unknown);
    if view.job.left.is_empty() || !looks || view.policy.partner.is_none() {
        return Next::Stay;
    }
    match &view.job.desired.presence {
        Presence::Absent { user, .. } => find::ask(view, user),
        Presence::Present { profile } => find::ask(view, &profile.user),
    }
}

/// Whether Webex is still at work on a subscriber of a customer that the job has left: taken away
/// now, it would still begin the organisation, beside the next first user.
fn still_begins(view: &View<'_>, shown: &Subscriber) -> bool {
    let at_work = waits(&shown.status) == Some(JobState::WaitingWebex);
    !view.job.left.is_empty() && at_work && !view.way.confirmed("A2001")
}

/// Whether what Webex was to do should be seen by now.
fn waited_out(view: &View<'_>) -> bool {
    let record = &view.way.record;
    let waited = view.now.mono.saturating_duration_since(view.way.entered);
    record.state == JobState::Stalled
        || record.state == JobState::WaitingWebex && waited >= view.rules.settle_within
}

/// The state in which a status of Webex is waited out; `None`: it is settled.
pub(super) const fn waits(status: &SubscriberStatus) -> Option<JobState> {
    match status {
        SubscriberStatus::PendingEmailInput => Some(JobState::WaitingEmailInput),
        SubscriberStatus::PendingEmailValidation => Some(JobState::WaitingEmailValidation),
        SubscriberStatus::PendingUserMigration => Some(JobState::WaitingConsent),
        SubscriberStatus::Provisioning
        | SubscriberStatus::Updating
        | SubscriberStatus::Unknown(_) => Some(JobState::WaitingWebex),
        SubscriberStatus::Provisioned | SubscriberStatus::Error => None,
    }
}
