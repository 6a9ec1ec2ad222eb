//! The watch over certificates, as written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::CertificateRole;
use crate::config::raw::DurationText;
use crate::config::raw::SecretText;
use crate::config::raw::SizeText;

/// How everything that ends is watched.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Certificates {
    /// Time between two looks at files; a changed one is looked at at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scan_interval: Option<DurationText>,
    /// Time between two handshakes with one peer or listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_interval: Option<DurationText>,
    /// Longest time of one handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_timeout: Option<DurationText>,
    /// Handshakes at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_concurrency: Option<i64>,
    /// Ask our own listeners what they serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_listeners: Option<bool>,
    /// Ask every XSP of the pools and bridges what it serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_upstreams: Option<bool>,
    /// Largest file that is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest_file: Option<SizeText>,
    /// Most files that the patterns of one certificate may fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_files: Option<i64>,
    /// Failed looks in a row that make a place lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_after: Option<i64>,
    /// How long a listener may serve what is no longer in its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deploy_grace: Option<DurationText>,
    /// How long nodes of a farm may serve different certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes_grace: Option<DurationText>,
    /// A jump of the clock that is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_tolerance: Option<DurationText>,
    /// How old a key of the AuthService should become.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_lifetime: Option<DurationText>,
    /// When a refresh token lapses that nobody uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth_lifetime: Option<DurationText>,
    /// Bands of certificates that people renew: severity, days before the end, share of the lifetime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manual: Option<Vec<String>>,
    /// Bands of certificates that renew themselves, besides the renewal that is late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed: Option<Vec<String>>,
    /// Bands of trust anchors and CAs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_anchor: Option<Vec<String>>,
    /// Bands of refresh tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth_token: Option<Vec<String>>,
    /// Bands of keys that get old.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_age: Option<Vec<String>>,
    /// Bands of revocation lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crl: Option<Vec<String>>,
    /// Absolute paths of revocation lists, PEM or DER; the last part may hold * and ?.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crl_files: Option<Vec<String>>,
    /// URL of a prober outside that is asked what our public URLs show there: /probe of a Prometheus
    /// blackbox exporter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prober_url: Option<String>,
    /// The prober's module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prober_module: Option<String>,
    /// What the prober is to look at, as its module takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prober_targets: Option<Vec<String>>,
}

/// The CA of our own below which the bridges' client certificates are.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct InternalCa {
    /// Directory of xspd certs init-internal-ca.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// Renew the bridges' client certificates when it is time, if the CA's key is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renew: Option<bool>,
    /// How long a renewed certificate is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_lifetime: Option<DurationText>,
    /// Show a new certificate to every XSP of the bridge before it is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub try_first: Option<bool>,
}

/// One more certificate to watch: by file, by probe, or by its dates alone.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Certificate {
    /// Name used in alarms, lists and metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is used as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<CertificateRole>,
    /// It renews itself, or others renew it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed: Option<bool>,
    /// Its clients want it from a public CA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    /// Absolute paths of PEM, DER or PKCS#12 files; the last part may hold * and ?.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<String>>,
    /// Where the password of PKCS#12 files lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretText>,
    /// host:port of every node to ask with a TLS handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<Vec<String>>,
    /// Name to ask the nodes for; by default the host of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Hosts that it must cover.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
    /// Its first day, when nothing else tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// Its last day, when nothing else tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
    /// Whom to call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What they should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Where it is written how to renew it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runbook_url: Option<String>,
    /// Whose maintenance windows it is renewed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Bands of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bands: Option<Vec<String>>,
}

/// When renewals may be made.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Maintenance {
    /// The region of what names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_region: Option<String>,
    /// Business days between a notice and its window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice_business_days: Option<i64>,
    /// What renews itself is renewed at least so many days before its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_least_days: Option<i64>,
    /// And at most so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_most_days: Option<i64>,
    /// Days such as 2026-12-25 that are no business days and have no window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holidays: Option<Vec<String>>,
    /// Regions; the names amer, apjc, aus and emea change a built-in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Vec<MaintenanceRegion>>,
}

/// The windows of one region.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct MaintenanceRegion {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// When windows open, local time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens: Option<String>,
    /// When they close; earlier than it opens is the day after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes: Option<String>,
    /// Weekdays on which they open: mon to sun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<Vec<String>>,
}
