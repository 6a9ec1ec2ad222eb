//! How often each endpoint was called: what a test of a cache asks.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use http::Method;
use serde_json::Value;

use crate::lab::webex::IDP_PROXY_PATH;

/// An endpoint of Webex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Common Identity hands out access tokens.
    AccessToken,
    /// The IdP proxy says whose a user token is.
    Authenticate,
    /// The federation list.
    Federation,
    /// The IdP proxy gets a BroadWorks token for an app.
    Fetch,
    /// Says whose a user token is, as RFC 7662 has it.
    Introspect,
    /// The IdP proxy is there.
    Ping,
    /// Common Identity forgets a token.
    Revoke,
    /// The lab's own way to a user token.
    UserToken,
}

impl Endpoint {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::AccessToken,
        Self::Authenticate,
        Self::Federation,
        Self::Fetch,
        Self::Introspect,
        Self::Ping,
        Self::Revoke,
        Self::UserToken,
    ];

    /// Its name in `/lab/counts` and `/lab/faults`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access-token",
            Self::Authenticate => "authenticate",
            Self::Federation => "federation",
            Self::Fetch => "fetch",
            Self::Introspect => "introspect",
            Self::Ping => "ping",
            Self::Revoke => "revoke",
            Self::UserToken => "user-token",
        }
    }

    /// The endpoint of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|endpoint| endpoint.as_str() == name)
    }

    /// The endpoint of this path.
    pub(super) fn at(path: &str) -> Option<Self> {
        let found = match path {
            "/federation" => Self::Federation,
            "/idb/oauth2/v1/access_token" => Self::AccessToken,
            "/idb/oauth2/v1/introspect" => Self::Introspect,
            "/idb/oauth2/v1/revoke" => Self::Revoke,
            "/lab/user-token" => Self::UserToken,
            _ => match path.strip_prefix(IDP_PROXY_PATH)? {
                "/idp/authenticate" => Self::Authenticate,
                "/idp/bwtoken/fetch" => Self::Fetch,
                "/ping" => Self::Ping,
                _ => return None,
            },
        };
        Some(found)
    }

    pub(super) const fn method(self) -> Method {
        match self {
            Self::AccessToken
            | Self::Authenticate
            | Self::Introspect
            | Self::Revoke
            | Self::UserToken => Method::POST,
            Self::Federation | Self::Fetch | Self::Ping => Method::GET,
        }
    }
}

/// Calls since the start.
#[derive(Debug, Default)]
pub struct Counts([AtomicU64; Endpoint::ALL.len()]);

impl Counts {
    /// Calls of one endpoint, refused ones included.
    #[must_use]
    pub fn of(&self, endpoint: Endpoint) -> u64 {
        self.pairs()
            .find(|(counted, _)| *counted == endpoint)
            .map_or(0, |(_, count)| count)
    }

    pub(super) fn count(&self, endpoint: Endpoint) {
        for (counted, count) in Endpoint::ALL.into_iter().zip(&self.0) {
            if counted == endpoint {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// As JSON: a number by the name of each endpoint.
    pub(super) fn document(&self) -> Value {
        self.pairs()
            .map(|(endpoint, count)| (endpoint.as_str().to_owned(), Value::from(count)))
            .collect()
    }

    fn pairs(&self) -> impl Iterator<Item = (Endpoint, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        Endpoint::ALL.into_iter().zip(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_endpoint_is_counted_by_itself_and_named_once() {
        let counts = Counts::default();
        for (times, endpoint) in Endpoint::ALL.into_iter().enumerate() {
            for _ in 0..times {
                counts.count(endpoint);
            }
            assert_eq!(Endpoint::parse(endpoint.as_str()), Some(endpoint));
        }
        for (times, endpoint) in Endpoint::ALL.into_iter().enumerate() {
            assert_eq!(counts.of(endpoint), times as u64);
            assert_eq!(counts.document()[endpoint.as_str()], times as u64);
        }
    }
}
