//! The words an operator chooses from: one enum per choice, the same as written and as proven.

mod acme;
mod alarm_sink;
mod certificates;
mod provisioning;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

pub use acme::*;
pub use alarm_sink::*;
pub use certificates::*;
pub use provisioning::*;

/// Form and place of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// The journal's native protocol, fields kept apart.
    Journald,
    /// One JSON object a line on standard output.
    Json,
    /// Plain text on standard output.
    Text,
}

/// What a listener does with bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ListenerKind {
    /// TLS with a client certificate ends here, bytes are bridged to the CTI interface of an XSP.
    Cti,
    /// TLS ends here, HTTP is relayed by route.
    Http,
    /// The TLS hello is read for its server name, then bytes pass untouched.
    Passthrough,
    /// TLS ends here, calls of the Application Server's provisioning are taken.
    Provisioning,
}

/// Lowest TLS version spoken.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum TlsVersion {
    /// TLS 1.2, which Webex needs (Solution Guide, "Interface requirements").
    #[serde(rename = "1.2")]
    Tls12,
    /// TLS 1.3 only.
    #[serde(rename = "1.3")]
    Tls13,
}

/// Place of the X25519MLKEM768 group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PostQuantum {
    /// Offered last.
    Last,
    /// Not offered.
    Off,
    /// Offered first.
    Prefer,
}

/// A classical key-exchange group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// NIST P-256.
    Secp256r1,
    /// NIST P-384.
    Secp384r1,
    /// Curve25519.
    X25519,
}

/// What is asked of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientCertificates {
    /// Not asked.
    None,
    /// Asked; absent is fine, a bad one is not.
    Optional,
    /// Asked; absent ends the handshake.
    Required,
}

/// What happens to a client whose identity is not on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityMode {
    /// Refused with 403.
    Enforce,
    /// Let in, logged and counted, so that the operator can pin the name.
    Observe,
}

/// How requests are shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Affinity {
    /// Least requests in flight, each request for itself.
    None,
    /// One upstream for a user as long as it is up; AuthService and Xsi of a user go together.
    User,
}

/// What kind of traffic a route carries; decides limits and the form of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RouteKind {
    /// AuthenticationService.
    AuthService,
    /// Busy lamps, answered here.
    Blf,
    /// Anything the operator adds.
    Plain,
    /// Xsi-Actions: refusals are `ErrorInfo`, the edge policy applies.
    XsiActions,
    /// Xsi-Events and its streaming context: no total timeout.
    XsiEvents,
}

/// Verdict of one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Goes to the XSP.
    Allow,
    /// Refused with 403.
    Deny,
}

/// How callers of the native AuthService prove themselves (Solution Guide, "Deploy": CI token
/// validation or mutual TLS).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuthentication {
    /// On hosts that require client certificates by these, on others by CI token.
    ByHost,
    /// By a Common Identity token that Webex confirms.
    Ci,
    /// By a client certificate of the Webex chain.
    Mtls,
}

/// What becomes of a bearer token that is not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ForeignBearer {
    /// The XSP judges it.
    Pass,
    /// 401.
    Refuse,
}

/// How xspd logs in over OCI-P.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OcipLogin {
    /// `LoginRequest22V5` over TLS, else `LoginRequest14sp4`.
    Auto,
    /// `LoginRequest14sp4`: the password does not travel.
    Digest,
    /// `LoginRequest22V5`: the password travels, so only over TLS or loopback.
    Password,
}

/// Algorithm of our signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum SigningAlgorithm {
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, which every client reads.
    #[serde(rename = "RS256")]
    Rs256,
}

/// Form of the call to `tokenInfoUrl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenInfoFormat {
    /// JSON with the token, to the IdP proxy. Unpublished: a guess.
    IdpProxy,
    /// Token introspection by the standard.
    Rfc7662,
}

/// Form of a token answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenResponse {
    /// `{"token":"…"}`.
    Json,
    /// The token alone.
    Raw,
}

/// How the state of lines is learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BlfMode {
    /// By subscriptions of our own.
    Active,
    /// By both.
    Both,
    /// From the event streams of clients that pass through: no load on the Application Server, but
    /// only lines whose clients are connected here.
    Passive,
}

/// Where watch lists are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BlfListSource {
    /// From the Application Server.
    Ocip,
    /// From the XSPs.
    XsiActions,
}

/// An event package that tells about lines.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum BlfPackage {
    /// Calls, without hold.
    BasicCall,
    /// Calls, with hold.
    StandardCall,
    /// Do not disturb.
    DoNotDisturb,
    /// Calls parked against the line.
    CallPark,
}

impl BlfPackage {
    /// Whether it tells about calls.
    #[must_use]
    pub const fn is_call(self) -> bool {
        match self {
            Self::BasicCall | Self::StandardCall => true,
            Self::DoNotDisturb | Self::CallPark => false,
        }
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::BasicCall => "Basic Call",
            Self::StandardCall => "Standard Call",
            Self::DoNotDisturb => "Do Not Disturb",
            Self::CallPark => "Call Park",
        }
    }
}

/// Whose members are watchers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BlfScope {
    /// The enterprise of the user.
    Enterprise,
    /// The group of the user.
    Group,
}

/// How access tokens for Webex are had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WebexAuth {
    /// By an integration that a partner full administrator has authorised: a refresh token.
    Integration,
    /// By a service app that the organisation has authorised.
    ServiceApp,
}
