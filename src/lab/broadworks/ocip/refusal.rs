//! Refusals of the lab, as OCI-P `ErrorResponse` commands. The codes and texts of 4008, 4410, 4962,
//! 5202, 5404, 6004 and 18215 were seen on real servers (4410's text apart), 18211 is from memory; codes above 100000 are the
//! lab's own, so that nobody takes them for BroadWorks'.

use crate::lab::broadworks::error::LabError;

/// Why a request is not carried out.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A client identity, group or service provider that is there already or is not there.
    Entry(&'static str, String),
    /// A bug of the lab, which is logged.
    Internal,
    /// Too many bad passwords.
    Locked,
    /// The messaging server refused; with what it said, when that is propagated.
    Messaging(Option<String>),
    /// The messaging server was not reached; with the reason, when that is propagated.
    MessagingUnreachable(Option<String>),
    /// Not logged in, or not theirs to ask.
    NotAuthorized,
    /// Wrong user id, password, digest or token; with a hint where a developer needs one.
    Password(Option<&'static str>),
    /// A test asked for it.
    Scripted(u32, String),
    /// The service is not assigned to the user.
    ServiceNotAssigned(&'static str),
    /// The state cannot be kept.
    Unavailable(LabError),
    /// No such user.
    UserNotFound(String),
    /// A document that the schema does not have; with what is wrong.
    Validation(String),
}

impl Refusal {
    /// The number in the brackets of the summary.
    pub(super) const fn code(&self) -> u32 {
        match self {
            Self::UserNotFound(_) => 4008,
            Self::ServiceNotAssigned(_) => 4410,
            Self::Password(_) => 4962,
            Self::Locked => 5202,
            Self::NotAuthorized => 5404,
            Self::Validation(_) => 6004,
            Self::Entry(..) => 100_001,
            Self::MessagingUnreachable(_) => 18211,
            Self::Messaging(_) => 18215,
            Self::Unavailable(_) => 100_011,
            Self::Internal => 100_012,
            Self::Scripted(code, _) => *code,
        }
    }

    /// The summary with its number.
    pub(super) fn summary(&self) -> String {
        let code = self.code();
        let text = match self {
            Self::Entry(what, which) => format!("{what}: {which}"),
            Self::Internal => "Internal error".to_owned(),
            Self::Locked => "Account is disabled.".to_owned(),
            Self::Messaging(told) => with("Provisioning error with Messaging server", told),
            Self::MessagingUnreachable(told) => {
                with("Communication error with Messaging server", told)
            }
            Self::NotAuthorized => "Unauthorized transaction.".to_owned(),
            Self::Password(_) => "Invalid password".to_owned(),
            Self::Scripted(_, text) => text.clone(),
            Self::ServiceNotAssigned(name) => format!("Service not assigned: {name}"),
            Self::Unavailable(_) => "The lab cannot keep its state".to_owned(),
            Self::UserNotFound(id) => format!("User not found: {id}"),
            Self::Validation(_) => "OCI XML Request validation error".to_owned(),
        };
        format!("[Error {code}] {text}")
    }

    /// What stands in `detail`.
    pub(super) fn detail(&self) -> Option<&str> {
        match self {
            Self::Validation(detail) => Some(detail),
            Self::Password(hint) => *hint,
            Self::Entry(..)
            | Self::Internal
            | Self::Locked
            | Self::Messaging(_)
            | Self::MessagingUnreachable(_)
            | Self::NotAuthorized
            | Self::Scripted(..)
            | Self::ServiceNotAssigned(_)
            | Self::Unavailable(_)
            | Self::UserNotFound(_) => None,
        }
    }

    /// An element that must be there and is not.
    pub(super) fn missing(name: &str) -> Self {
        Self::Validation(format!("Element '{name}' is missing or empty."))
    }
}

/// How details are appended is not known; only that there is a setting for it.
fn with(text: &str, told: &Option<String>) -> String {
    match told {
        Some(told) => format!("{text}: {told}"),
        None => text.to_owned(),
    }
}

impl From<LabError> for Refusal {
    fn from(error: LabError) -> Self {
        Self::Unavailable(error)
    }
}
