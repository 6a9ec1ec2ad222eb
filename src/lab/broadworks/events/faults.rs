//! What XSPs do wrong with event channels on request: the lab's own, so that a person can see how
//! clients and the daemon take each of them.

use serde_json::Value;

use crate::lab::broadworks::xsp::Xsp;

/// One way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The stream breaks in the middle of an event.
    CutMidEvent,
    /// Events are written twice.
    DuplicateEvents,
    /// Channels are sent to the other XSP.
    Redirect,
    /// Heartbeats are taken and not echoed, as behind a proxy that buffers.
    WithholdEchoes,
    /// Events are not written.
    WithholdEvents,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::CutMidEvent,
        Self::DuplicateEvents,
        Self::Redirect,
        Self::WithholdEchoes,
        Self::WithholdEvents,
    ];

    /// Its name at the control endpoint.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CutMidEvent => "cut-mid-event",
            Self::DuplicateEvents => "duplicate-events",
            Self::Redirect => "redirect",
            Self::WithholdEchoes => "withhold-echoes",
            Self::WithholdEvents => "withhold-events",
        }
    }
}

/// A fault, where and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Script {
    /// The fault.
    pub fault: Fault,
    /// How often; `None` until something else is set.
    pub count: Option<u32>,
    /// At which XSP; `None` at both.
    pub at: Option<Xsp>,
}

/// A body that is no script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// Not JSON, or not an object with these members.
    #[error(r#"expected {{"fault": NAME, "count": N, "xsp": 1 or 2}}, the last two if wanted"#)]
    Shape,
    /// No fault of this name.
    #[error("no fault is named '{0}'; there are none, {known}", known = known())]
    Unknown(String),
}

fn known() -> String {
    Fault::ALL.map(Fault::as_str).join(", ")
}

impl Script {
    /// From JSON; `None` is the end of all faults.
    ///
    /// # Errors
    /// The body is something else.
    pub fn parse(body: &[u8]) -> Result<Option<Self>, ScriptError> {
        let value: Value = serde_json::from_slice(body).map_err(|_| ScriptError::Shape)?;
        let object = value.as_object().ok_or(ScriptError::Shape)?;
        let other = |key: &String| !["fault", "count", "xsp"].contains(&key.as_str());
        if object.keys().any(other) {
            return Err(ScriptError::Shape);
        }
        let name = object.get("fault").and_then(Value::as_str);
        let name = name.ok_or(ScriptError::Shape)?;
        if name == "none" {
            return Ok(None);
        }
        let fault = Fault::ALL.into_iter().find(|fault| fault.as_str() == name);
        let fault = fault.ok_or_else(|| ScriptError::Unknown(name.chars().take(40).collect()))?;
        let count = match object.get("count") {
            None => None,
            Some(count) => {
                let count = count.as_u64().and_then(|count| u32::try_from(count).ok());
                Some(count.filter(|count| *count > 0).ok_or(ScriptError::Shape)?)
            }
        };
        let at = match object.get("xsp") {
            None => None,
            Some(at) => Some(Xsp::numbered(&at.to_string()).ok_or(ScriptError::Shape)?),
        };
        Ok(Some(Self { fault, count, at }))
    }
}

/// The fault in force.
#[derive(Debug, Default)]
pub(super) struct Faults(Option<Script>);

impl Faults {
    pub(super) const fn set(&mut self, script: Option<Script>) {
        self.0 = script;
    }

    pub(super) const fn now(&self) -> Option<Script> {
        self.0
    }

    /// Whether a fault strikes here, which counts.
    pub(super) fn strikes(&mut self, fault: Fault, at: Xsp) -> bool {
        let Some(script) = &mut self.0 else {
            return false;
        };
        if script.fault != fault || script.at.is_some_and(|only| only != at) {
            return false;
        }
        if let Some(count) = &mut script.count {
            *count -= 1;
            if *count == 0 {
                self.0 = None;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_says_what_where_and_how_often() {
        let parse = |text: &str| Script::parse(text.as_bytes());
        assert_eq!(parse(r#"{"fault":"none"}"#), Ok(None));
        let once = Script {
            fault: Fault::Redirect,
            count: Some(1),
            at: Some(Xsp::Second),
        };
        assert_eq!(
            parse(r#"{"fault":"redirect","count":1,"xsp":2}"#),
            Ok(Some(once))
        );
        for text in ["", "[]", "{}", r#"{"fault":"redirect","count":0}"#] {
            assert_eq!(parse(text), Err(ScriptError::Shape), "{text}");
        }
        assert_eq!(
            parse(r#"{"fault":"redirect","xsp":3}"#),
            Err(ScriptError::Shape)
        );
        let unknown = parse(r#"{"fault":"late"}"#).unwrap_err().to_string();
        assert!(unknown.contains("withhold-events"), "{unknown}");
    }

    #[test]
    fn a_fault_strikes_as_often_as_told_and_only_there() {
        let mut faults = Faults::default();
        faults.set(Some(Script {
            fault: Fault::WithholdEvents,
            count: Some(2),
            at: Some(Xsp::First),
        }));
        assert!(!faults.strikes(Fault::WithholdEvents, Xsp::Second));
        assert!(!faults.strikes(Fault::WithholdEchoes, Xsp::First));
        assert!(faults.strikes(Fault::WithholdEvents, Xsp::First));
        assert!(faults.strikes(Fault::WithholdEvents, Xsp::First));
        assert!(!faults.strikes(Fault::WithholdEvents, Xsp::First));
    }
}
