//! From what is dialled to who is reached.

use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::User;

/// Longest address that is looked at, the longest of the schema.
const LONGEST: usize = 161;

/// Shortest number of the world outside that is no emergency number: shorter ones are extensions.
const SHORTEST_OUTSIDE: usize = 7;

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A number that is not ours.
    Outside(String),
    /// A user, by id.
    User(String),
}

/// What an address means to a user: an extension of the own enterprise or group, a directory
/// number, a user id, or a number outside. `None` when it means nothing; feature access codes mean
/// nothing to the lab.
pub(super) fn resolve(directory: &Directory, by: &User, address: &str) -> Option<Target> {
    if address.len() > LONGEST {
        return None;
    }
    let address = address.trim();
    let (scheme, rest) = address.split_once(':').unwrap_or(("tel", address));
    if !["tel", "sip", "sips"].contains(&scheme.to_ascii_lowercase().as_str()) {
        return None;
    }
    let mut parts = rest.split(';');
    let bare = parts.next().unwrap_or_default();
    if let Some((name, _)) = bare.split_once('@') {
        let by_id = directory.user(bare).map(|user| user.id.clone());
        return by_id
            .map(Target::User)
            .or_else(|| number(directory, by, name));
    }
    number(directory, by, bare)
}

fn number(directory: &Directory, by: &User, text: &str) -> Option<Target> {
    let written = |c: char| !matches!(c, '-' | '.' | '(' | ')' | ' ');
    let number: String = text.chars().filter(|c| written(*c)).collect();
    let bare = number.strip_prefix('+').unwrap_or(&number);
    if bare.is_empty() || !bare.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let colleague = directory
        .colleagues(by)
        .find(|user| user.extension.as_deref() == Some(&number));
    if let Some(user) = colleague.or_else(|| directory.user_by_number(&number)) {
        return Some(Target::User(user.id.clone()));
    }
    let outside = matches!(bare, "112" | "911") || bare.len() >= SHORTEST_OUTSIDE;
    outside.then_some(Target::Outside(number))
}
