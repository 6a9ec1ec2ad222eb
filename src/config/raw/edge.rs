//! Routes, policy, CORS and forwarding as written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::RouteKind;
use crate::config::Rule;
use crate::config::raw::DurationText;

/// One path prefix and where it goes.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Route {
    /// Name used by listeners, logs and metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Path prefix without a trailing slash; case does not matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Kind of traffic; decides limits and the form of refusals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<RouteKind>,
    /// Name of the pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Time from the end of the request to the first byte of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_timeout: Option<DurationText>,
    /// Longest pause between two pieces of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<DurationText>,
    /// Answer 403 unless the client showed a verified certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_client_certificate: Option<bool>,
}

/// Edge policy of Xsi-Actions.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    /// calls/CallMeNow, which places calls without credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_me_now: Option<Rule>,
    /// collaborate/room/*/outgoingdial, which places calls without credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outgoing_dial: Option<Rule>,
    /// The v1.0 tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_1: Option<Rule>,
    /// PUT profile/Password/Portal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_change: Option<Rule>,
    /// profile/DeviceToken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_token: Option<Rule>,
    /// system/*.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<Rule>,
    /// routepoint/*.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_point: Option<Rule>,
    /// callcenter/*.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_center: Option<Rule>,
    /// group/*.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Rule>,
    /// Requests of all callers together; absent: unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Requests of one user; absent: unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_rate: Option<Rate>,
    /// Limits of password guessing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guessing: Option<Guessing>,
}

/// A token bucket.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rate {
    /// Requests a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<f64>,
    /// Requests that may come at once after a pause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<i64>,
}

/// Limits of password guessing.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Guessing {
    /// 401 answers to Basic credentials that lock an address out; 0 turns it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<i64>,
    /// The span in which they count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<DurationText>,
    /// How long Basic credentials from the address then get 429.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lockout: Option<DurationText>,
}

/// Who answers a browser's preflight.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cors {
    /// Who answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<CorsMode>,
    /// Origins let in, scheme and host with port if need be, for the mode answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origins: Option<Vec<String>>,
}

/// Who answers a preflight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CorsMode {
    /// xspd answers and alone sets the headers.
    Answer,
    /// The XSP answers; nothing is touched.
    Pass,
}

/// Headers set for the XSP.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Forwarding {
    /// Header that carries the verified client identity; absent: none is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_header: Option<String>,
    /// More header names that a peer may not send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop_headers: Option<Vec<String>>,
    /// Networks whose X-Forwarded-* headers are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_proxies: Option<Vec<String>>,
}
