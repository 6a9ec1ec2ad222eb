//! Which alarm it is: its name, and the thing that it is about.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::alarms::name::AlarmName;
use crate::domain::line::line;

/// The thing that an alarm is about, in words that stay the same when its file is replaced:
/// `listener webex-mtls`, `anchor 5f:3a… of webex`, `bridge-client`. Never a user or a number of
/// a subscriber.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Object(Arc<str>);

impl Object {
    /// Longest text that is kept, in characters; the rest is cut off.
    pub const MOST: usize = 200;

    /// The text without control characters and surrounding space, cut at [`Object::MOST`].
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(line(text, Self::MOST).into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Object {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl From<Object> for String {
    fn from(object: Object) -> Self {
        object.0.as_ref().to_owned()
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Two alarms are the same when name and object are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AlarmKey {
    /// What is wrong.
    pub name: AlarmName,
    /// With what.
    pub object: Object,
}

impl AlarmKey {
    /// Of a name and a thing.
    #[must_use]
    pub fn new(name: AlarmName, object: &str) -> Self {
        Self {
            name,
            object: Object::new(object),
        }
    }
}

/// `name/object`: also the identity towards systems that merge by a text of their own.
impl fmt::Display for AlarmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_one_bounded_line() {
        let object = Object::new(&format!(" a\nb{}", "x".repeat(500)));
        assert!(object.as_str().starts_with("a b"));
        assert_eq!(object.as_str().chars().count(), Object::MOST);
    }
}
