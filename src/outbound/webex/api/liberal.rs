//! Reading what Webex really sends where its published schema says otherwise, and nowhere else.

use serde::Deserialize;
use serde::Deserializer;

/// A truth, or the text of one (`selfActivated` in the examples of four operations).
pub(super) fn bool_or_string<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Truth(bool),
        Text(String),
        Nothing(()),
    }
    Ok(match Form::deserialize(deserializer)? {
        Form::Truth(truth) => Some(truth),
        Form::Text(text) => text.trim().to_ascii_lowercase().parse().ok(),
        Form::Nothing(()) => None,
    })
}

/// One, or a list of them (`info` of a precheck in the examples of three operations).
pub(super) fn one_or_many<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form<T> {
        Many(Vec<T>),
        One(T),
        Nothing(()),
    }
    Ok(match Form::deserialize(deserializer)? {
        Form::Many(many) => many,
        Form::One(one) => vec![one],
        Form::Nothing(()) => Vec::new(),
    })
}

/// A list below `items`, or what it would be a list of (`GET /broadworks/enterprises` by its
/// schema; by its example it is a list).
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum ItemsOrOne<T> {
    /// A list.
    Items {
        /// Its elements.
        items: Vec<T>,
    },
    /// One.
    One(T),
}

impl<T> ItemsOrOne<T> {
    pub(super) fn into_vec(self) -> Vec<T> {
        match self {
            Self::Items { items } => items,
            Self::One(one) => vec![one],
        }
    }
}

/// A code: a number by the schema of subscribers, text elsewhere.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Code {
    /// A number.
    Number(serde_json::Number),
    /// Text.
    Text(String),
}

impl Code {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Probe {
        #[serde(default, deserialize_with = "bool_or_string")]
        truth: Option<bool>,
        #[serde(default, deserialize_with = "one_or_many")]
        list: Vec<u32>,
    }

    #[test]
    fn both_forms_are_read() {
        for (text, truth, list) in [
            (r#"{"truth":true,"list":[1,2]}"#, Some(true), vec![1, 2]),
            (r#"{"truth":"false","list":7}"#, Some(false), vec![7]),
            (r#"{"truth":"maybe","list":null}"#, None, vec![]),
            (r#"{"truth":null}"#, None, vec![]),
            ("{}", None, vec![]),
        ] {
            let probe: Probe = serde_json::from_str(text).unwrap();
            assert_eq!((probe.truth, probe.list), (truth, list), "{text}");
        }
        assert!(serde_json::from_str::<Probe>(r#"{"truth":7}"#).is_err());
    }
}
