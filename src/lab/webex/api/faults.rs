//! What the provisioning APIs do wrong on request.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::lab::webex::api::operation::Operation;

/// How late a slow answer is unless told otherwise.
const SLOW: Duration = Duration::from_secs(10);

/// The longest that it can be late.
const SLOWEST: Duration = Duration::from_secs(120);

/// Scripts in force at once.
const MOST: usize = 32;

/// One way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// What was asked is done, and the connection is cut without an answer.
    AnswerLost,
    /// The answer ends after some bytes.
    Cut,
    /// A second subscriber of one user is taken.
    Double,
    /// The user fails in the background.
    Fail,
    /// An answer that is not JSON.
    Malformed,
    /// Nothing is done, and the connection is cut.
    RequestLost,
    /// What was asked is done at once, and the answer comes late.
    Slow,
    /// The user stays `provisioning` for ever.
    Stall,
    /// An answer with a status of choice; nothing is done.
    Status,
    /// 401, and the token is valid no more.
    Unauthorized,
    /// Subscribers are shown with another status.
    Word,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::AnswerLost,
        Self::Cut,
        Self::Double,
        Self::Fail,
        Self::Malformed,
        Self::RequestLost,
        Self::Slow,
        Self::Stall,
        Self::Status,
        Self::Unauthorized,
        Self::Word,
    ];

    /// Its name in the controls.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnswerLost => "answer-lost",
            Self::Cut => "cut",
            Self::Double => "double",
            Self::Fail => "fail",
            Self::Malformed => "malformed",
            Self::RequestLost => "request-lost",
            Self::Slow => "slow",
            Self::Stall => "stall",
            Self::Status => "status",
            Self::Unauthorized => "unauthorized",
            Self::Word => "word",
        }
    }

    /// Where it shows.
    #[must_use]
    pub const fn shows_at(self, operation: Operation) -> bool {
        match self {
            Self::AnswerLost
            | Self::Cut
            | Self::Malformed
            | Self::RequestLost
            | Self::Slow
            | Self::Status => true,
            Self::Double | Self::Fail | Self::Stall => {
                matches!(operation, Operation::ProvisionSubscriber)
            }
            Self::Unauthorized => !matches!(operation, Operation::AccessToken),
            Self::Word => matches!(
                operation,
                Operation::GetSubscriber
                    | Operation::ListSubscribers
                    | Operation::ProvisionSubscriber
                    | Operation::UpdateSubscriber
            ),
        }
    }
}

/// What is to go wrong, where and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// What.
    pub fault: Fault,
    /// At this operation alone; `None` is everywhere where it shows.
    pub at: Option<Operation>,
    /// How many calls go well before.
    pub skip: u32,
    /// How many calls go wrong then; `None` is all.
    pub count: Option<u32>,
    /// The status of the answer.
    pub status: u16,
    /// `Retry-After` in seconds.
    pub retry_after: Option<u64>,
    /// The code of Webex.
    pub code: Option<u64>,
    /// The text of the error, or the word of the status.
    pub text: String,
    /// Bytes that leave before the cut.
    pub bytes: usize,
    /// How late a slow answer is.
    pub delay: Duration,
}

/// Words that make no script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownFault {
    /// Not an object, or with a member that is none of ours or of the wrong type.
    #[error(
        "expected {{\"fault\":NAME}}, and if wanted \"at\":OPERATION, \"skip\":0…, \"count\":1…, \
         \"status\":400…599, \"retry-after\":SECONDS, \"code\":NUMBER, \"text\":TEXT, \
         \"bytes\":0… and \"delay-ms\":0…120000"
    )]
    Form,
    /// No such fault.
    #[error("`{0}` is no fault; expected one of {names}", names = names())]
    Name(String),
    /// No such operation, or one where the fault does not show.
    #[error("`{0}` is no operation where this fault shows")]
    Place(String),
    /// Too many at once.
    #[error("{MOST} faults are in force; take them away first")]
    TooMany,
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
            skip: 0,
            count: None,
            status: if matches!(fault, Fault::Unauthorized) {
                401
            } else {
                503
            },
            retry_after: None,
            code: None,
            text: "a fault that was asked for".to_owned(),
            bytes: 20,
            delay: SLOW,
        }
    }
}

impl Script {
    /// The next calls of an operation, so many.
    #[must_use]
    pub fn next(fault: Fault, at: Operation, count: u32) -> Self {
        Self {
            at: Some(at),
            count: Some(count),
            ..Self::from(fault)
        }
    }

    /// From JSON.
    ///
    /// # Errors
    /// When a word is unknown.
    pub fn parse(value: &Value) -> Result<Self, UnknownFault> {
        let Some(members) = value.as_object() else {
            return Err(UnknownFault::Form);
        };
        let Some(name) = members.get("fault").and_then(Value::as_str) else {
            return Err(UnknownFault::Form);
        };
        let fault = Fault::ALL.into_iter().find(|fault| fault.as_str() == name);
        let fault = fault.ok_or_else(|| UnknownFault::Name(name.to_owned()))?;
        let mut script = Self::from(fault);
        script.read(members)?;
        Ok(script)
    }

    fn read(&mut self, members: &Map<String, Value>) -> Result<(), UnknownFault> {
        for (key, value) in members {
            let number = || value.as_u64().ok_or(UnknownFault::Form);
            let short = || number().and_then(|n| u32::try_from(n).map_err(|_| UnknownFault::Form));
            let text = || value.as_str().ok_or(UnknownFault::Form);
            match key.as_str() {
                "fault" => {}
                "at" => {
                    let at = Operation::parse(text()?).filter(|at| self.fault.shows_at(*at));
                    let unknown = || UnknownFault::Place(text().unwrap_or_default().to_owned());
                    self.at = Some(at.ok_or_else(unknown)?);
                }
                "skip" => self.skip = short()?,
                "count" => {
                    let count = Some(short()?).filter(|count| *count > 0);
                    self.count = Some(count.ok_or(UnknownFault::Form)?);
                }
                "status" => {
                    let status = u16::try_from(number()?).ok();
                    let status = status.filter(|status| (400..600).contains(status));
                    self.status = status.ok_or(UnknownFault::Form)?;
                }
                "retry-after" => self.retry_after = Some(number()?),
                "code" => self.code = Some(number()?),
                "text" => text()?.clone_into(&mut self.text),
                "bytes" => self.bytes = short()? as usize,
                "delay-ms" => {
                    let delay = Duration::from_millis(number()?);
                    if delay > SLOWEST {
                        return Err(UnknownFault::Form);
                    }
                    self.delay = delay;
                }
                _ => return Err(UnknownFault::Form),
            }
        }
        Ok(())
    }

    /// As JSON.
    pub(super) fn document(&self) -> Value {
        json!({
            "fault": self.fault.as_str(),
            "at": self.at.map(Operation::as_str),
            "skip": self.skip,
            "count": self.count,
        })
    }
}

/// The scripts in force.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Script>>);

impl Faults {
    /// Adds one, behind those that are there.
    ///
    /// # Errors
    /// When there are too many.
    pub fn add(&self, script: Script) -> Result<(), UnknownFault> {
        let mut scripts = self.scripts();
        if scripts.len() >= MOST {
            return Err(UnknownFault::TooMany);
        }
        scripts.push(script);
        Ok(())
    }

    /// Ends all.
    pub fn clear(&self) {
        self.scripts().clear();
    }

    /// What goes wrong with this call: the first that fits. Counts it.
    pub(in crate::lab::webex) fn take(&self, operation: Operation) -> Option<Script> {
        let mut scripts = self.scripts();
        let place = scripts.iter().position(|script| {
            script.fault.shows_at(operation) && script.at.is_none_or(|at| at == operation)
        })?;
        let script = scripts.get_mut(place)?;
        if script.skip > 0 {
            script.skip -= 1;
            return None;
        }
        let taken = script.clone();
        match &mut script.count {
            None => {}
            Some(count) if *count > 1 => *count -= 1,
            Some(_) => {
                scripts.remove(place);
            }
        }
        Some(taken)
    }

    pub(in crate::lab::webex) fn document(&self) -> Value {
        self.scripts().iter().map(Script::document).collect()
    }

    fn scripts(&self) -> std::sync::MutexGuard<'_, Vec<Script>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_show_one_after_the_other_where_they_belong() {
        let faults = Faults::default();
        let post = Operation::ProvisionSubscriber;
        let mut late = Script::next(Fault::Slow, post, 1);
        late.skip = 1;
        faults.add(late).unwrap();
        faults.add(Script::next(Fault::Status, post, 2)).unwrap();
        let seen = |at| faults.take(at).map(|script| script.fault);
        assert_eq!(seen(Operation::GetSubscriber), None);
        assert_eq!(seen(post), None);
        assert_eq!(seen(post), Some(Fault::Slow));
        assert_eq!(seen(post), Some(Fault::Status));
        assert_eq!(seen(post), Some(Fault::Status));
        assert_eq!(seen(post), None);
        faults.add(Fault::Malformed.into()).unwrap();
        for operation in Operation::ALL {
            assert_eq!(seen(operation), Some(Fault::Malformed));
        }
        faults.clear();
        assert_eq!(seen(post), None);
    }

    #[test]
    fn scripts_are_read_and_wrong_words_are_named() {
        for fault in Fault::ALL {
            let script = Script::parse(&json!({ "fault": fault.as_str() }));
            assert_eq!(script, Ok(fault.into()));
        }
        let storm = Script {
            retry_after: Some(7),
            status: 429,
            code: Some(9),
            ..Script::next(Fault::Status, Operation::ListSubscribers, 3)
        };
        let json = json!({
            "fault": "status", "at": "list-subscribers", "count": 3, "status": 429,
            "retry-after": 7, "code": 9,
        });
        assert_eq!(Script::parse(&json), Ok(storm));
        for (json, expected) in [
            (
                json!({ "fault": "rain" }),
                UnknownFault::Name("rain".to_owned()),
            ),
            (
                json!({ "fault": "stall", "at": "get-person" }),
                UnknownFault::Place("get-person".to_owned()),
            ),
            (
                json!({ "fault": "slow", "delay-ms": 120_001 }),
                UnknownFault::Form,
            ),
            (json!({ "fault": "slow", "count": 0 }), UnknownFault::Form),
            (
                json!({ "fault": "status", "status": 200 }),
                UnknownFault::Form,
            ),
            (json!({ "fault": "status", "often": 1 }), UnknownFault::Form),
            (json!("slow"), UnknownFault::Form),
        ] {
            assert_eq!(Script::parse(&json), Err(expected), "{json}");
        }
    }
}
