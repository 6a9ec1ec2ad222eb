//! Who asks: Basic and login tokens (field page 2, forms a, a2 and c).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header;

use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::directory::Directory;
use crate::platform::clock;

/// Somebody who proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Caller {
    /// The administrator, by id.
    Administrator(String),
    /// A user, by user id.
    User(String),
}

/// What the `Authorization` header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    /// Name and password.
    Basic(String, String),
    /// A login token.
    Token(String),
    /// Nothing, or nothing that the lab's Xsi knows.
    None,
}

impl Credentials {
    /// From a request; scheme names have no case.
    pub(super) fn parse(headers: &HeaderMap) -> Self {
        let value = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let Some((scheme, rest)) = value.and_then(|value| value.trim().split_once(' ')) else {
            return Self::None;
        };
        if scheme.eq_ignore_ascii_case("BroadWorksSSO") {
            return Self::Token(rest.trim().to_owned());
        }
        if !scheme.eq_ignore_ascii_case("Basic") {
            return Self::None;
        }
        let Ok(bytes) = STANDARD.decode(rest.trim()) else {
            return Self::None;
        };
        let pair = match String::from_utf8(bytes) {
            Ok(pair) => pair,
            Err(error) => error
                .as_bytes()
                .iter()
                .map(|byte| char::from(*byte))
                .collect(),
        };
        match pair.split_once(':') {
            Some((name, password)) => Self::Basic(name.to_owned(), password.to_owned()),
            None => Self::None,
        }
    }
}

/// What checking credentials takes.
pub(super) enum Check {
    /// Known without work.
    Known(Option<Caller>),
    /// The hash must be computed; off the runtime's threads.
    Costly {
        /// Who it would be.
        caller: Caller,
        /// The hash to match.
        hash: String,
        /// The password given.
        password: String,
    },
}

/// Looks credentials up.
pub(super) fn check(lab: &BroadWorks, credentials: Credentials) -> Check {
    match credentials {
        Credentials::None => Check::Known(None),
        Credentials::Token(token) => {
            Check::Known(lab.tokens.owner(&token, clock::mono()).map(Caller::User))
        }
        Credentials::Basic(name, password) => {
            let directory = lab.store.read();
            let Some((caller, hash)) = account(&directory, &name) else {
                return Check::Known(None);
            };
            if lab.passwords.remembers(&hash, &password) {
                Check::Known(Some(caller))
            } else {
                Check::Costly {
                    caller,
                    hash,
                    password,
                }
            }
        }
    }
}

/// The account of a name: digits are a directory number and go with the voice portal passcode,
/// anything else is an id and goes with the portal password; the pairs do not mix.
fn account(directory: &Directory, name: &str) -> Option<(Caller, String)> {
    let digits = name.strip_prefix('+').unwrap_or(name);
    if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '-') {
        let user = directory.user_by_number(name)?;
        return Some((Caller::User(user.id.clone()), user.passcode.clone()));
    }
    if directory.is_administrator(name) {
        let administrator = &directory.administrator;
        let caller = Caller::Administrator(administrator.id.clone());
        return Some((caller, administrator.password.clone()));
    }
    let user = directory.user(name)?;
    Some((Caller::User(user.id.clone()), user.password.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorization_headers_are_read_as_clients_write_them() {
        let basic =
            |name: &str, password: &str| Credentials::Basic(name.to_owned(), password.to_owned());
        for (value, expected) in [
            (
                "Basic YWxpY2VAYXMuZXhhbXBsZS5uZXQ6UGFzc3cwcmQh",
                basic("alice@as.example.net", "Passw0rd!"),
            ),
            ("basic  YTpiOmM=", basic("a", "b:c")),
            ("Basic YWJj", Credentials::None),
            ("Basic ***", Credentials::None),
            ("broadworkssso abc=", Credentials::Token("abc=".to_owned())),
            ("Bearer x", Credentials::None),
            ("Basic", Credentials::None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            assert_eq!(Credentials::parse(&headers), expected, "{value}");
        }
    }
}
