//! What operators see of a user, in words: the same for the command line, the interface and the
//! report.

use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::record::EnterpriseRecord;
use crate::domain::provisioning::record::JobRecord;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Presence;

/// What goes on with a user, and what can be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// One sentence: what is going on.
    pub sentence: String,
    /// What whoever has to move can do.
    pub todo: Option<String>,
}

/// What goes on with a user; `job` is `None` before the machine has seen the wish.
#[must_use]
pub fn sight(
    desired: &Desired,
    job: Option<&JobRecord>,
    enterprise: Option<&EnterpriseRecord>,
) -> Sight {
    // A newer wish than the job's has not been begun.
    let current = job.filter(|job| job.revision == desired.revision);
    let state = current.map_or(JobState::Queued, |job| job.state);
    Sight {
        sentence: sentence(state, desired, enterprise),
        todo: todo(state, current),
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
