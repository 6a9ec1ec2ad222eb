//! What operators see of a user, in words: the same for the command line, the interface and the
//! report.

use std::time::Duration;

use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::record::EnterpriseRecord;
use crate::domain::provisioning::record::JobRecord;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Owner;
use crate::domain::provisioning::record::Presence;

/// A user as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Where the job of the newest wish is.
    pub state: JobState,
    /// One sentence: what is going on.
    pub sentence: String,
    /// Who has to move next.
    pub owner: Owner,
    /// How long it has been so.
    pub age: Duration,
    /// What the user has to do, in the words of Partner Hub's list: `email input`,
    /// `email validation`, `consent`.
    pub requirement: Option<&'static str>,
    /// What whoever has to move can do.
    pub todo: Option<String>,
    /// The error, as it is copied into a ticket: code and text.
    pub error: Option<String>,
    /// The package, as far as it is known: Webex's, else the wanted one.
    pub package: Option<String>,
    /// The e-mail address, as far as it is known: Webex's, else the wanted one.
    pub email: Option<String>,
}

/// A user as operators see it; `job` is `None` before the machine has seen the wish.
#[must_use]
pub fn sight(
    desired: &Desired,
    job: Option<&JobRecord>,
    enterprise: Option<&EnterpriseRecord>,
    at: Moment,
) -> Sight {
    // A newer wish than the job's has not been begun.
    let current = job.filter(|job| job.revision == desired.revision);
    let state = current.map_or(JobState::Queued, |job| job.state);
    let since = current.map_or(desired.at, |job| job.since);
    let fault = current.and_then(|job| job.fault.as_ref());
    let actual = job.map(|job| &job.actual);
    let profile = match &desired.presence {
        Presence::Absent { .. } => None,
        Presence::Present { profile } => Some(profile),
    };
    let wanted_package = || {
        let package = desired.package?;
        Some(package.as_str().to_owned())
    };
    let wanted_email = || {
        let own = desired.email.clone();
        own.or_else(|| profile.and_then(|profile| profile.email.clone()))
    };
    Sight {
        state,
        sentence: sentence(state, desired, enterprise),
        owner: state.owner(),
        age: at.since(since),
        requirement: requirement(state),
        todo: todo(state, current),
        error: fault.map(|fault| format!("{}: {}", fault.code, fault.text)),
        package: actual
            .and_then(|actual| actual.package.clone())
            .or_else(wanted_package),
        email: actual
            .and_then(|actual| actual.email.clone())
            .or_else(wanted_email),
    }
}

/// What the user has to do, as Partner Hub's list calls it.
#[must_use]
pub const fn requirement(state: JobState) -> Option<&'static str> {
    match state {
        JobState::WaitingEmailInput => Some("email input"),
        JobState::WaitingEmailValidation => Some("email validation"),
        JobState::WaitingConsent => Some("consent"),
        JobState::Queued
        | JobState::WaitingFirstUser
        | JobState::WaitingCustomerAdmin
        | JobState::Prechecking
        | JobState::Submitting
        | JobState::WaitingWebex
        | JobState::Stalled
        | JobState::Removing
        | JobState::DeletingPerson
        | JobState::Attention
        | JobState::Provisioned
        | JobState::NoChange
        | JobState::Removed
        | JobState::PersonDeleted
        | JobState::Cancelled
        | JobState::Superseded => None,
    }
}

fn sentence(state: JobState, desired: &Desired, enterprise: Option<&EnterpriseRecord>) -> String {
    let first = enterprise.and_then(|enterprise| enterprise.first_user.as_ref());
    let leaves = matches!(desired.presence, Presence::Absent { .. });
    let sentence = match state {
        JobState::Queued if leaves => "The removal waits for its turn.",
        JobState::Queued => "The job waits for its turn.",
        JobState::WaitingFirstUser => {
            return first.map_or_else(
                || "The first user of the customer has to be through before.".to_owned(),
                |first| {
                    let first = first.user();
                    format!("The first user of the customer, {first}, has to be through before.")
                },
            );
        }
        JobState::WaitingCustomerAdmin => {
            "The customer's administrator has to let the partner into its organisation."
        }
        JobState::Prechecking => "Webex is asked whether it would take the user.",
        JobState::Submitting => "The user is on its way to Webex.",
        JobState::WaitingWebex => "Webex works on it.",
        JobState::Stalled => "Webex works on it for longer than it should.",
        JobState::WaitingEmailInput => "The user has to type an e-mail address.",
        JobState::WaitingEmailValidation => "The user has to confirm the e-mail address.",
        JobState::WaitingConsent => "The user has to agree to the move of its Webex account.",
        JobState::Removing => "The subscription is being removed.",
        JobState::DeletingPerson => "The person is being removed.",
        JobState::Attention => "Somebody has to look at it.",
        JobState::Provisioned => "The user is provisioned as wanted.",
        JobState::NoChange => "The user was provisioned as wanted already.",
        JobState::Removed => "There is no subscription.",
        JobState::PersonDeleted => "There is neither subscription nor person.",
        JobState::Cancelled => "An operator cancelled the job; the next wish begins another.",
        JobState::Superseded => "A later wish took its place.",
    };
    sentence.to_owned()
}

fn todo(state: JobState, job: Option<&JobRecord>) -> Option<String> {
    let fault = job.and_then(|job| job.fault.as_ref());
    let action = fault.map(|fault| fault.action.clone());
    let action = action.filter(|action| !action.is_empty());
    let own = match state {
        JobState::Attention => "Read the error, correct the cause, then retry.",
        JobState::WaitingCustomerAdmin => {
            "Ask the customer's administrator to accept the partner's administrator as external full administrator, then retry."
        }
        JobState::WaitingEmailInput => {
            "Send the user the link again, or retry with an e-mail address."
        }
        JobState::WaitingEmailValidation => {
            "Tell the user to look for the mail, in the spam folder too, or retry with another address."
        }
        JobState::WaitingConsent => {
            "Tell the user to follow the mail \"Activate Account\"; a retry sends it again, once a day."
        }
        JobState::Stalled => "Look at status.webex.com; if it stays, open a case with the report.",
        JobState::Queued
        | JobState::WaitingFirstUser
        | JobState::Prechecking
        | JobState::Submitting
        | JobState::WaitingWebex
        | JobState::Removing
        | JobState::DeletingPerson => return action,
        JobState::Provisioned
        | JobState::NoChange
        | JobState::Removed
        | JobState::PersonDeleted
        | JobState::Cancelled
        | JobState::Superseded => return None,
    };
    Some(action.unwrap_or_else(|| own.to_owned()))
}
