//! Refusals of the lab, as Xsi `ErrorInfo` documents. Codes 4008, 4410, 5604, 8251 and 100003 are
//! those of the wire samples; the others are the lab's own, no catalogue is public.

use http::Method;
use http::StatusCode;

use crate::domain::xsi::codec::CodecError;
use crate::domain::xsi::codec::Document;
use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::error::LabError;

/// Why a request is not carried out.
#[derive(Debug)]
pub(super) enum Fault {
    /// The body exceeds the cap.
    BodyTooLarge,
    /// No call of this id.
    CallNotFound,
    /// The call or its user does not allow it now.
    CallState(&'static str),
    /// No event package of this name, or not for this target.
    EventPackage(String),
    /// A bound of the event service is reached.
    Full(&'static str),
    /// A handler panicked; its cause stands on standard error.
    Internal,
    /// The body is no document, or the request no HTTP that we understand.
    Malformed(CodecError),
    /// The resource has other methods.
    MethodNotAllowed(&'static [Method]),
    /// No entry, message, location of this name.
    NotFound(&'static str, String),
    /// Somebody else's data.
    NotAllowed,
    /// A location of this number exists.
    NumberExists(String),
    /// The old password is wrong or the new one too weak.
    Password(&'static str),
    /// A query parameter is missing or has no meaning.
    Parameter(&'static str),
    /// The service is not assigned to the user.
    ServiceNotAssigned(&'static str),
    /// The state could not be written or the machine gives out.
    Unavailable(LabError),
    /// A path that leads nowhere.
    UnknownResource,
    /// No such user.
    UserNotFound(String),
    /// An element of the body has a value that it cannot have.
    Value(String),
    /// No credentials, or wrong ones.
    Unauthenticated,
    /// The body is another document than the one that the resource has.
    WrongDocument(&'static str),
}

impl From<CodecError> for Fault {
    fn from(error: CodecError) -> Self {
        Self::Malformed(error)
    }
}

impl From<LabError> for Fault {
    fn from(error: LabError) -> Self {
        Self::Unavailable(error)
    }
}

impl Fault {
    /// The status (field page 4.2; only 401, 403 and 404 were seen).
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::CallNotFound
            | Self::NotFound(..)
            | Self::ServiceNotAssigned(_)
            | Self::UnknownResource
            | Self::UserNotFound(_) => StatusCode::NOT_FOUND,
            Self::EventPackage(_)
            | Self::Malformed(_)
            | Self::NumberExists(_)
            | Self::Parameter(_)
            | Self::Password(_)
            | Self::Value(_)
            | Self::WrongDocument(_) => StatusCode::BAD_REQUEST,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::CallState(_) | Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Full(_) | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Whether the core refused, whose texts come in the user's charset; the platform's own
    /// errors come in UTF-8.
    pub(super) const fn is_from_core(&self) -> bool {
        matches!(
            self,
            Self::NumberExists(_) | Self::Parameter(_) | Self::Password(_) | Self::Value(_)
        )
    }

    fn code(&self) -> u32 {
        match self {
            Self::UserNotFound(_) => 4008,
            Self::ServiceNotAssigned(_) => 4410,
            Self::CallNotFound => 5604,
            Self::NumberExists(_) => 8251,
            Self::Malformed(_) => 100_001,
            Self::WrongDocument(_) => 100_002,
            Self::NotAllowed => 100_003,
            Self::Parameter(_) => 100_004,
            Self::Value(_) => 100_005,
            Self::Password(_) => 100_006,
            Self::NotFound(..) | Self::UnknownResource => 100_007,
            Self::MethodNotAllowed(_) => 100_008,
            Self::BodyTooLarge => 100_009,
            Self::Unauthenticated => 100_010,
            Self::Unavailable(_) => 100_011,
            Self::Internal => 100_012,
            Self::CallState(_) => 100_013,
            Self::Full(_) => 100_014,
            Self::EventPackage(_) => 110_013,
        }
    }

    fn summary(&self) -> String {
        match self {
            Self::BodyTooLarge => "Request body too large".to_owned(),
            Self::CallNotFound => "Call not found".to_owned(),
            Self::CallState(why) => format!("Operation not allowed: {why}"),
            Self::EventPackage(name) => format!("Invalid event package: {name}"),
            Self::Full(what) => format!("The lab takes no more {what}"),
            Self::Internal => "Internal error".to_owned(),
            Self::Malformed(error) => format!("Malformed document: {error}"),
            Self::MethodNotAllowed(_) => "Method not allowed".to_owned(),
            Self::NotFound(what, name) => format!("{what} not found: {name}"),
            Self::NotAllowed => "Operation not allowed".to_owned(),
            Self::NumberExists(number) => format!("Phone Number already exists {number}"),
            Self::Password(why) => format!("Password not changed: {why}"),
            Self::Parameter(name) => format!("Missing or invalid parameter: {name}"),
            Self::ServiceNotAssigned(name) => format!("Service not assigned: {name}"),
            Self::Unavailable(_) => "The lab cannot keep its state".to_owned(),
            Self::UnknownResource => "Unknown resource".to_owned(),
            Self::UserNotFound(id) => format!("[Error 4008] User not found: {id}"),
            Self::Value(name) => format!("Invalid value: {name}"),
            Self::Unauthenticated => "Authentication required".to_owned(),
            Self::WrongDocument(root) => format!("Expected document: {root}"),
        }
    }

    /// The body.
    pub(super) fn document(&self) -> Document {
        let summary = self.summary();
        Document::new(
            Element::xsi("ErrorInfo")
                .with_leaf("summary", summary.clone())
                .with_leaf("summaryEnglish", summary)
                .with_leaf("errorCode", self.code().to_string()),
        )
    }
}

/// A value fault at an element.
pub(super) fn bad_value(element: &Element) -> Fault {
    let text: String = element.text().chars().take(80).collect();
    Fault::Value(format!("{} '{text}'", element.local()))
}
