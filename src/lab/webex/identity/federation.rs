//! The federation list: which clusters there are and who issues their tokens. The documents name
//! its URL and nothing else; the form is the lab's own.

use http::HeaderMap;
use serde_json::json;

use crate::lab::webex::ORGANIZATION;
use crate::lab::webex::identity::Identity;
use crate::lab::webex::identity::answer;
use crate::lab::webex::identity::answer::Wire;
use crate::lab::webex::identity::idp_proxy;

/// Some of the documented issuers, so that the list has more than one entry (Solution Guide,
/// "Configure Identity Provider for AuthenticationService").
const OTHERS: [(&str, &str); 3] = [
    ("US-A", "https://idbroker.webex.com/idb"),
    ("EU", "https://idbroker-eu.webex.com/idb"),
    ("US-B", "https://idbroker-b-us.webex.com/idb"),
];

/// `GET federation`.
pub(super) fn list(identity: &Identity, headers: &HeaderMap) -> Wire {
    if let Some(refusal) = idp_proxy::refused(identity, headers) {
        return refusal;
    }
    let own = [("LAB", identity.issuer.as_str())];
    let clusters = own.into_iter().chain(OTHERS).map(
        |(name, issuer)| json!({ "cluster": name, "issuerName": issuer, "issuerUrl": issuer }),
    );
    answer::ok(&json!({
        "organizationId": ORGANIZATION,
        "clusters": clusters.collect::<Vec<_>>(),
    }))
}
