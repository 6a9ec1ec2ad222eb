//! What an `Authorization` header carries.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header;

/// Credentials as they came, unproven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lab::webex) enum Credentials {
    /// Name and password.
    Basic(String, String),
    /// A token.
    Bearer(String),
    /// Nothing, twice something, or nothing that Webex knows.
    None,
}

impl Credentials {
    /// From a request; scheme names have no case.
    pub(in crate::lab::webex) fn parse(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Self::None;
        };
        let Some((scheme, rest)) = value.to_str().ok().and_then(|text| text.split_once(' ')) else {
            return Self::None;
        };
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("Bearer") && !rest.is_empty() {
            return Self::Bearer(rest.to_owned());
        }
        if !scheme.eq_ignore_ascii_case("Basic") {
            return Self::None;
        }
        let pair = STANDARD.decode(rest).ok();
        let pair = pair.and_then(|bytes| String::from_utf8(bytes).ok());
        match pair.as_deref().and_then(|pair| pair.split_once(':')) {
            Some((name, password)) => Self::Basic(name.to_owned(), password.to_owned()),
            None => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorization_is_read_as_clients_write_it_and_only_once() {
        let basic =
            |name: &str, password: &str| Credentials::Basic(name.to_owned(), password.to_owned());
        for (values, expected) in [
            (vec!["Basic YTpiOmM="], basic("a", "b:c")),
            (vec!["bAsIc YTpiOmM="], basic("a", "b:c")),
            (vec!["bearer x.y"], Credentials::Bearer("x.y".to_owned())),
            (vec!["Bearer "], Credentials::None),
            (vec!["Basic YWJj"], Credentials::None),
            (vec!["Basic ***"], Credentials::None),
            (vec!["Digest x"], Credentials::None),
            (vec!["Bearer x", "Bearer y"], Credentials::None),
            (vec![], Credentials::None),
        ] {
            let mut headers = HeaderMap::new();
            for value in &values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            assert_eq!(Credentials::parse(&headers), expected, "{values:?}");
        }
    }
}
