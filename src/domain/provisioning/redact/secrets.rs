//! Where secrets are, also where their name does not stand right before them.

use std::borrow::Cow;

use crate::domain::provisioning::call::percent_decoded;
use crate::domain::provisioning::mapping::source::is_secret;

/// What a name and a value are called where they stand beside each other, as in
/// `<name>password</name><value>x</value>`.
const NAMES: [&str; 14] = [
    "attr",
    "attribute",
    "attributename",
    "field",
    "fieldname",
    "id",
    "k",
    "key",
    "label",
    "n",
    "name",
    "param",
    "parameter",
    "type",
];

/// Longest name of a secret; what is longer is a text.
const LONGEST: usize = 64;

/// How often escapes are resolved: whoever escapes twice may mean it.
const ROUNDS: usize = 3;

/// Whether something of this name is a secret, however the name is escaped.
pub(super) fn is_secret_name(name: &str) -> bool {
    is_secret(name) || is_secret(&decoded(name))
}

/// Whether a value has the name of a secret and more in it: `a;password=x`, `{"token":"x"}`.
pub(super) fn holds_a_secret(value: &str) -> bool {
    let holds = |value: &str| value.contains(['=', ':', '&', ';', '<']) && is_secret(value);
    holds(value) || holds(&decoded(value))
}

/// Whether a member of this name and value says that its neighbour is a secret.
pub(super) fn names_a_secret(name: &str, value: &str) -> bool {
    let name = decoded(name);
    let local = name.trim().rsplit(':').next().unwrap_or_default();
    let is_name = NAMES.iter().any(|known| local.eq_ignore_ascii_case(known));
    is_name && is_name_of_a_secret(value)
}

/// Whether a value is nothing but the name of a secret.
pub(super) fn is_name_of_a_secret(value: &str) -> bool {
    let value = value.trim();
    value.len() <= LONGEST && !value.contains(char::is_whitespace) && is_secret_name(value)
}

fn decoded(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..ROUNDS {
        if !text.contains('%') {
            break;
        }
        match percent_decoded(&text) {
            Some(next) => text = Cow::Owned(next),
            None => break,
        }
    }
    text
}
