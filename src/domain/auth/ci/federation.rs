//! The federation list: the identity providers of all regions. Its form is unpublished, so it is
//! any JSON, in which the issuers are found by how they look.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::auth::ci::clusters::CiCluster;

/// Issuers that are kept. Cisco has eight; a list with more than this is no list of issuers.
const MOST: usize = 64;

/// Longest issuer in bytes.
const LONGEST: usize = 256;

/// Why a federation list is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FederationFault {
    /// It is no JSON.
    #[error("it is no JSON")]
    NotJson,
    /// It names no issuer.
    #[error("it names no issuer")]
    NoIssuer,
    /// It names more issuers than there can be.
    #[error("it names more than {MOST} issuers")]
    TooMany,
}

/// Finds the issuers in a federation list: texts anywhere in it that look like
/// `https://idbroker*.webex.com/idb`, or lie on the host of the configured issuer.
///
/// # Errors
/// The list is not fit to replace the last good one.
pub fn issuers(body: &[u8], configured: &str) -> Result<Vec<String>, FederationFault> {
    let list: Value = serde_json::from_slice(body).map_err(|_| FederationFault::NotJson)?;
    let mut found = BTreeSet::new();
    // serde_json bounds the depth, so the stack holds no more than the list itself.
    let mut left = vec![&list];
    while let Some(value) = left.pop() {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => {
                if is_issuer(text, configured) {
                    found.insert(text.as_str());
                }
            }
            Value::Array(items) => left.extend(items),
            Value::Object(members) => left.extend(members.values()),
        }
        if found.len() > MOST {
            return Err(FederationFault::TooMany);
        }
    }
    if found.is_empty() {
        return Err(FederationFault::NoIssuer);
    }
    Ok(found.into_iter().map(str::to_owned).collect())
}

/// Issuers that are taken before a federation list was ever read: the configured one, and with
/// one of Cisco's all others of Cisco's.
#[must_use]
pub fn built_in(configured: &str) -> Vec<String> {
    let known = CiCluster::ALL.map(CiCluster::issuer);
    let mut issuers = vec![configured.to_owned()];
    if known.contains(&configured) {
        let others = known.into_iter().filter(|issuer| *issuer != configured);
        issuers.extend(others.map(str::to_owned));
    }
    issuers
}

/// What is taken with this federation list: its issuers and the configured one.
#[must_use]
pub fn with_configured(mut issuers: Vec<String>, configured: &str) -> Vec<String> {
    if !issuers.iter().any(|issuer| issuer == configured) {
        issuers.push(configured.to_owned());
    }
    issuers
}

fn is_issuer(text: &str, configured: &str) -> bool {
    let host = |url| host_of_issuer(url).filter(|_| text.len() <= LONGEST);
    match host(text) {
        None => false,
        Some(found) => is_idbroker(found) || host_of_issuer(configured) == Some(found),
    }
}

/// The host and port of `https://<host>/idb`.
fn host_of_issuer(url: &str) -> Option<&str> {
    let host = url.strip_prefix("https://")?.strip_suffix("/idb")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
    (!host.is_empty() && host.bytes().all(plain)).then_some(host)
}

fn is_idbroker(host: &str) -> bool {
    let label = host.strip_suffix(".webex.com");
    let rest = label.and_then(|label| label.strip_prefix("idbroker"));
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    rest.is_some_and(|rest| rest.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EU: &str = "https://idbroker-eu.webex.com/idb";
    const US: &str = "https://idbroker.webex.com/idb";

    #[test]
    fn issuers_are_found_wherever_they_stand() {
        let list = format!(
            r#"[{{"clusters":{{"eu":{{"idp":"{EU}","n":1}}}}}},"{US}",["{US}"],null,true,
               "https://idbroker-eu.webex.com/idb/","http://idbroker.webex.com/idb",
               "https://idbroker.webex.com.example.net/idb","https://idbroker.example.net/idb",
               "https://a@idbroker.webex.com/idb","https://x.idbroker.webex.com/idb",
               "https://idbroker.x.webex.com/idb"]"#
        );
        assert_eq!(
            issuers(list.as_bytes(), EU),
            Ok(vec![EU.to_owned(), US.to_owned()])
        );
    }

    #[test]
    fn an_issuer_on_the_configured_host_is_one() {
        let lab = "https://127.0.0.1:8445/idb";
        let list = r#"{"a":"https://127.0.0.1:8445/idb","b":"https://127.0.0.2:8445/idb"}"#;
        assert_eq!(issuers(list.as_bytes(), lab), Ok(vec![lab.to_owned()]));
    }

    #[test]
    fn a_list_that_cannot_be_one_is_refused() {
        let read = |list: &str| issuers(list.as_bytes(), EU);
        assert_eq!(read("<html>"), Err(FederationFault::NotJson));
        assert_eq!(read(""), Err(FederationFault::NotJson));
        assert_eq!(read("{}"), Err(FederationFault::NoIssuer));
        assert_eq!(read(&"[".repeat(100_000)), Err(FederationFault::NotJson));
        let many: Vec<_> = (0..=MOST)
            .map(|n| format!("https://idbroker-{n}.webex.com/idb"))
            .collect();
        let many = serde_json::to_string(&many).unwrap();
        assert_eq!(read(&many), Err(FederationFault::TooMany));
    }

    #[test]
    fn before_the_first_list_all_of_ciscos_issuers_are_taken_or_only_ours() {
        assert_eq!(built_in(EU).len(), CiCluster::ALL.len());
        assert_eq!(built_in(EU)[0], EU);
        assert_eq!(built_in("https://lab/idb"), ["https://lab/idb"]);
        assert_eq!(with_configured(vec![US.to_owned()], EU), [US, EU]);
        assert_eq!(with_configured(vec![EU.to_owned()], EU), [EU]);
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(issuers(&body, EU));
        }

        #[test]
        fn a_foreign_text_is_no_issuer(text in "https://\\PC{0,40}/idb") {
            prop_assume!(!text.ends_with(".webex.com/idb"));
            prop_assert!(!is_issuer(&text, EU));
        }
    }
}
