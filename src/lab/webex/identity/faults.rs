//! What Webex does wrong on request: the lab's own, so that a person can see how the daemon takes
//! each of them.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use serde_json::Value;

use crate::lab::webex::identity::counts::Endpoint;

/// How late a slow answer is unless told otherwise: later than any client of a token service
/// should wait.
const SLOW: Duration = Duration::from_secs(10);

/// The longest that a slow answer can be late.
const SLOWEST: Duration = Duration::from_secs(60);

/// One way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The refresh token has ended, as it does after 60 days without use.
    ExpiredRefreshToken,
    /// The user's token is valid no more.
    Inactive,
    /// The IdP proxy refuses a user who lacks the entitlement.
    InsufficientScope,
    /// An answer that is not JSON.
    Malformed,
    /// A valid user whose scopes lack the entitlement.
    NoScope,
    /// An answer beyond the documented maximum of 65536 bytes.
    OversizedBody,
    /// 503.
    ServerError,
    /// An answer that comes late.
    Slow,
    /// The token of a user whom BroadWorks does not know.
    UnknownUser,
    /// User tokens of another issuer.
    WrongIssuer,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::ExpiredRefreshToken,
        Self::Inactive,
        Self::InsufficientScope,
        Self::Malformed,
        Self::NoScope,
        Self::OversizedBody,
        Self::ServerError,
        Self::Slow,
        Self::UnknownUser,
        Self::WrongIssuer,
    ];

    /// Its name in `/lab/faults`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExpiredRefreshToken => "expired-refresh-token",
            Self::Inactive => "inactive",
            Self::InsufficientScope => "insufficient-scope",
            Self::Malformed => "malformed",
            Self::NoScope => "no-scope",
            Self::OversizedBody => "oversized-body",
            Self::ServerError => "server-error",
            Self::Slow => "slow",
            Self::UnknownUser => "unknown-user",
            Self::WrongIssuer => "wrong-issuer",
        }
    }

    /// Where it shows.
    #[must_use]
    pub const fn shows_at(self, endpoint: Endpoint) -> bool {
        match self {
            Self::ExpiredRefreshToken => matches!(endpoint, Endpoint::AccessToken),
            Self::Inactive | Self::InsufficientScope | Self::NoScope | Self::UnknownUser => {
                matches!(endpoint, Endpoint::Authenticate | Endpoint::Introspect)
            }
            // What the provider calls.
            Self::Malformed | Self::OversizedBody | Self::ServerError | Self::Slow => matches!(
                endpoint,
                Endpoint::AccessToken
                    | Endpoint::Authenticate
                    | Endpoint::Federation
                    | Endpoint::Introspect
            ),
            Self::WrongIssuer => matches!(endpoint, Endpoint::UserToken),
        }
    }
}

/// What is to go wrong, where and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Script {
    /// What.
    pub fault: Fault,
    /// At this endpoint alone; `None` is everywhere where it shows.
    pub at: Option<Endpoint>,
    /// How many calls more; `None` is all.
    pub count: Option<u32>,
    /// How late a slow answer is.
    pub delay: Duration,
}

/// Words that make no script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownFault {
    /// Not an object, or with a member that is none of ours or of the wrong type.
    #[error(
        "expected {{\"fault\":NAME}}, and if wanted \"count\":1…, \"at\":ENDPOINT and \
         \"delay-ms\":0…60000"
    )]
    Form,
    /// No such fault.
    #[error("`{0}` is no fault; expected one of {names}, none", names = names())]
    Name(String),
    /// No such endpoint, or one where the fault does not show.
    #[error("`{0}` is no endpoint where this fault shows")]
    Place(String),
}

fn names() -> String {
    Fault::ALL.map(Fault::as_str).join(", ")
}

impl From<Fault> for Script {
    /// Everywhere and always.
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            at: None,
            count: None,
            delay: SLOW,
        }
    }
}

impl Script {
    /// From the JSON of `/lab/faults`; `None` is the end of all faults.
    ///
    /// # Errors
    /// When a word is unknown.
    pub fn parse(json: &[u8]) -> Result<Option<Self>, UnknownFault> {
        let Ok(Value::Object(mut members)) = serde_json::from_slice(json) else {
            return Err(UnknownFault::Form);
        };
        let Some(Value::String(name)) = members.remove("fault") else {
            return Err(UnknownFault::Form);
        };
        let mut script = match Fault::ALL.into_iter().find(|fault| fault.as_str() == name) {
            Some(fault) => Self::from(fault),
            None if name == "none" && members.is_empty() => return Ok(None),
            None => return Err(UnknownFault::Name(name)),
        };
        for (key, value) in members {
            match (key.as_str(), value) {
                ("count", Value::Number(number)) => {
                    let count = number.as_u64().and_then(|count| u32::try_from(count).ok());
                    script.count =
                        Some(count.filter(|count| *count > 0).ok_or(UnknownFault::Form)?);
                }
                ("delay-ms", Value::Number(number)) => {
                    let delay = number.as_u64().map(Duration::from_millis);
                    let delay = delay.filter(|delay| *delay <= SLOWEST);
                    script.delay = delay.ok_or(UnknownFault::Form)?;
                }
                ("at", Value::String(place)) => {
                    let at = Endpoint::parse(&place).filter(|at| script.fault.shows_at(*at));
                    script.at = Some(at.ok_or(UnknownFault::Place(place))?);
                }
                _ => return Err(UnknownFault::Form),
            }
        }
        Ok(Some(script))
    }
}

/// The script in force.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Option<Script>>);

impl Faults {
    /// Plays this one from now on, in place of any other.
    pub fn set(&self, script: Option<Script>) {
        *self.script() = script;
    }

    /// What goes wrong with this call; counts it.
    pub(super) fn take(&self, endpoint: Endpoint) -> Option<Script> {
        let mut held = self.script();
        let script = (*held)?;
        if !script.fault.shows_at(endpoint) || script.at.is_some_and(|at| at != endpoint) {
            return None;
        }
        *held = match script.count {
            None => Some(script),
            Some(0 | 1) => None,
            Some(more) => Some(Script {
                count: Some(more - 1),
                ..script
            }),
        };
        Some(script)
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Option<Script>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_fault_shows_that_often_and_only_where_it_belongs() {
        let faults = Faults::default();
        faults.set(Some(Script {
            count: Some(2),
            ..Script::from(Fault::NoScope)
        }));
        let seen = |endpoint| faults.take(endpoint).map(|script| script.fault);
        assert_eq!(seen(Endpoint::AccessToken), None);
        assert_eq!(seen(Endpoint::Authenticate), Some(Fault::NoScope));
        assert_eq!(seen(Endpoint::Introspect), Some(Fault::NoScope));
        assert_eq!(seen(Endpoint::Authenticate), None);

        faults.set(Some(Script {
            at: Some(Endpoint::Federation),
            ..Script::from(Fault::Slow)
        }));
        assert_eq!(seen(Endpoint::Authenticate), None);
        assert_eq!(seen(Endpoint::Federation), Some(Fault::Slow));
        assert_eq!(seen(Endpoint::Federation), Some(Fault::Slow));
        faults.set(None);
        assert_eq!(seen(Endpoint::Federation), None);
    }

    #[test]
    fn scripts_are_read_and_wrong_words_are_named() {
        for fault in Fault::ALL {
            let json = format!(r#"{{"fault":"{}"}}"#, fault.as_str());
            assert_eq!(Script::parse(json.as_bytes()), Ok(Some(fault.into())));
            assert!(Endpoint::ALL.into_iter().any(|at| fault.shows_at(at)));
        }
        let slow = Script {
            at: Some(Endpoint::Federation),
            count: Some(3),
            delay: Duration::from_millis(5),
            ..Script::from(Fault::Slow)
        };
        let form = Err(UnknownFault::Form);
        for (json, expected) in [
            (r#"{"fault":"none"}"#, Ok(None)),
            (
                r#"{"fault":"slow","count":3,"at":"federation","delay-ms":5}"#,
                Ok(Some(slow)),
            ),
            (r#"{"fault":"slow","count":0}"#, form.clone()),
            (r#"{"fault":"slow","count":-1}"#, form.clone()),
            (r#"{"fault":"slow","delay-ms":60001}"#, form.clone()),
            (r#"{"fault":"slow","often":1}"#, form.clone()),
            (r#"{"count":1}"#, form.clone()),
            ("slow", form),
            (
                r#"{"fault":"rain"}"#,
                Err(UnknownFault::Name("rain".to_owned())),
            ),
            (
                r#"{"fault":"no-scope","at":"federation"}"#,
                Err(UnknownFault::Place("federation".to_owned())),
            ),
        ] {
            assert_eq!(Script::parse(json.as_bytes()), expected, "{json}");
        }
        let text = UnknownFault::Name("rain".to_owned()).to_string();
        assert!(text.contains("wrong-issuer, none"), "{text}");
    }
}
