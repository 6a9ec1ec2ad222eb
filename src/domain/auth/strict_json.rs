//! JSON objects that security depends on: an object with the same member twice means one thing to
//! one reader and another to the next, so it is refused at every level (RFC 7515 section 10.12).

use std::cell::Cell;
use std::fmt;

use serde::de::DeserializeSeed;
use serde::de::Error as _;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::Map;
use serde_json::Number;
use serde_json::Value;

/// Deepest nesting; a key set (object, array, object) needs three.
const DEPTH: u8 = 8;

/// Why a text is not an object that can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    /// The same member stands twice in one object.
    #[error("a member stands there twice")]
    DuplicateMember,
    /// Not JSON, too deep, or not an object.
    #[error("it is not a JSON object")]
    Malformed,
    /// More bytes than allowed.
    #[error("it is too large")]
    TooLarge,
}

/// Reads one JSON object of at most `most` bytes, with nothing after it.
///
/// # Errors
/// [`JsonFault`].
pub fn object(text: &[u8], most: usize) -> Result<Map<String, Value>, JsonFault> {
    if text.len() > most {
        return Err(JsonFault::TooLarge);
    }
    let duplicate = Cell::new(false);
    let seed = Strict {
        depth: DEPTH,
        duplicate: &duplicate,
    };
    let mut reader = serde_json::Deserializer::from_slice(text);
    let read = seed.deserialize(&mut reader);
    match read.and_then(|value| reader.end().map(|()| value)) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(JsonFault::Malformed),
        Err(_) if duplicate.get() => Err(JsonFault::DuplicateMember),
        Err(_) => Err(JsonFault::Malformed),
    }
}

/// Builds a value and watches for what must not be there.
#[derive(Clone, Copy)]
struct Strict<'f> {
    /// Levels that may still be opened.
    depth: u8,
    /// Set when a member stood there twice.
    duplicate: &'f Cell<bool>,
}

impl Strict<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1);
        let depth = depth.ok_or_else(|| E::custom("nested too deep"))?;
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        // JSON has no NaN, so the number is there; `null` would be refused as a claim anyway.
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = from.next_element_seed(seed)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut members = Map::new();
        while let Some(name) = from.next_key::<String>()? {
            let value = from.next_value_seed(seed)?;
            if members.insert(name, value).is_some() {
                self.duplicate.set(true);
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Value, JsonFault> {
        object(text.as_bytes(), 1024).map(Value::Object)
    }

    #[test]
    fn an_object_is_read_as_serde_json_reads_it() {
        let text = r#"{"a":[1,-2,1.5,"x\u00e9",null,true],"b":{"c":{}}}"#;
        assert_eq!(read(text), Ok(serde_json::from_str(text).unwrap()));
    }

    #[test]
    fn duplicate_members_are_refused_at_every_level() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"{"x":[{"a":1,"b":2,"a":3}]}"#,
        ] {
            assert_eq!(read(text), Err(JsonFault::DuplicateMember), "{text}");
        }
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        for text in [
            "",
            "{",
            "[]",
            "1",
            "\"a\"",
            "null",
            "{} {}",
            "{}x",
            "{\"a\":1,}",
            "{'a':1}",
            "{\"a\":NaN}",
            "{\"a\":01}",
            "{\"a\":\"\\ud800\"}",
            "\u{feff}{}",
            "{\"a\":\"\u{1}\"}",
        ] {
            assert_eq!(read(text), Err(JsonFault::Malformed), "{text:?}");
        }
        assert_eq!(object(b"{\"a\":\"\xff\"}", 99), Err(JsonFault::Malformed));
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let nested =
            |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(read(&nested(7)).is_ok());
        assert_eq!(read(&nested(8)), Err(JsonFault::Malformed));
        assert_eq!(read(&nested(400)), Err(JsonFault::Malformed));
        assert!(object(b"{}", 2).is_ok());
        assert_eq!(object(b"{ }", 2), Err(JsonFault::TooLarge));
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(object(&bytes, 100));
        }
    }
}
