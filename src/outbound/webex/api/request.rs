//! One call as it goes out.

use serde::Serialize;

use crate::domain::percent;
use crate::domain::provisioning::operation::Operation;

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub(super) operation: Operation,
    /// Below the base URL, with its query, percent-encoded.
    pub(super) target: String,
    pub(super) body: Option<Vec<u8>>,
}

impl Request {
    /// Which call it is.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// One without a body. Every segment of its path is encoded; empty ones are none.
    pub(super) fn new(operation: Operation, path: &[&str]) -> Self {
        let mut target = String::new();
        for segment in path {
            target.push('/');
            encode(segment, &mut target);
        }
        Self {
            operation,
            target,
            body: None,
        }
    }

    /// Adds a parameter to the query.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        let first = !self.target.contains('?');
        self.target.push(if first { '?' } else { '&' });
        self.target.push_str(name);
        self.target.push('=');
        encode(value, &mut self.target);
        self
    }

    /// Adds a parameter that may be absent.
    pub(super) fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds a body. Our types are made of texts and truths, which JSON always can hold.
    pub(super) fn json(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_vec(body).ok();
        self
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986 and `,`, which a query may hold.
fn encode(text: &str, into: &mut String) {
    into.push_str(&percent::encoded(text.as_bytes(), b","));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_an_id_holds_it_stays_one_segment_and_one_value() {
        let request = Request::new(Operation::GetPerson, &["people", "../a b/é?x#%"])
            .with("userId", "a+b&c=d@e")
            .with("status", "error,updating");
        assert_eq!(
            request.target,
            "/people/..%2Fa%20b%2F%C3%A9%3Fx%23%25?userId=a%2Bb%26c%3Dd%40e&status=error,updating"
        );
    }
}
