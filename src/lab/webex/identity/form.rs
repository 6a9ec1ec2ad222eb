//! `application/x-www-form-urlencoded`, in bodies and in queries.

/// The value of the one field of this name; `None` when it is absent, given twice or not UTF-8.
pub(in crate::lab::webex) fn field(form: &str, name: &str) -> Option<String> {
    let mut found = form.split('&').filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key)? == name).then(|| decode(value))
    });
    let value = found.next()??;
    found.next().is_none().then_some(value)
}

/// All fields in their order; `None` when one is not UTF-8.
pub(in crate::lab::webex) fn pairs(form: &str) -> Option<Vec<(String, String)>> {
    let pairs = form.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(key)?, decode(value)?))
        })
        .collect()
}

/// One part of a path, in which `+` is itself.
pub(in crate::lab::webex) fn part(text: &str) -> Option<String> {
    decode(&text.replace('+', "%2B"))
}

/// As it stands in a query or a path.
pub(in crate::lab::webex) fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to text cannot fail.
            write!(encoded, "%{byte:02X}").ok();
        }
        encoded
    })
}

/// `None` for a `%` that begins no byte, and for what is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_field_of_a_name_is_found_and_two_are_none() {
        for (form, expected) in [
            ("a=1&token=x%2By+z%C3%A9&b", Some("x+y zé")),
            ("tok%65n=q", Some("q")),
            ("token", Some("")),
            ("token=1&token=2", None),
            ("token=%zz", None),
            ("token=%2", None),
            ("token=%ff", None),
            ("other=1", None),
            ("", None),
        ] {
            assert_eq!(field(form, "token").as_deref(), expected, "{form}");
        }
    }

    #[test]
    fn queries_and_paths_are_read_back_and_differ_in_the_plus() {
        let text = "SP1+Acme & co/ü";
        let query = format!("a={}&&b", encoded(text));
        let pairs = pairs(&query).unwrap();
        assert_eq!(pairs[0], ("a".to_owned(), text.to_owned()));
        assert_eq!(pairs[1], ("b".to_owned(), String::new()));
        assert_eq!(part(&encoded(text)).as_deref(), Some(text));
        assert_eq!(part("SP1+Acme").as_deref(), Some("SP1+Acme"));
        assert_eq!(part("%"), None);
    }

    proptest! {
        #[test]
        fn no_form_makes_it_panic(form in "\\PC{0,60}") {
            let found = field(&form, "a");
            prop_assert!(found.is_none() || form.contains('a') || form.contains('%'));
        }

        #[test]
        fn every_value_comes_back(value in "\\PC{0,30}") {
            let encoded: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(field(&format!("x=1&a={encoded}"), "a"), Some(value));
        }
    }
}
