//! The configuration as written: TOML in kebab-case, durations and sizes as text.
//!
//! Every field is optional here; `check` supplies defaults and says what is missing. The doc
//! comments are the descriptions of the JSON Schema that `xspd config schema` prints.

mod acme;
mod alarm_sink;
mod alarms;
mod auth;
mod blf;
mod bridge;
mod certificates;
mod edge;
mod events;
mod listener;
mod ocir;
mod operations;
mod pool;
mod provisioning;
mod store;
mod text;
mod webex;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

pub use acme::Acme;
pub use alarm_sink::AlarmSink;
pub use alarm_sink::AlertmanagerSink;
pub use alarm_sink::EmailSink;
pub use alarm_sink::PagerDutySink;
pub use alarm_sink::SnmpSink;
pub use alarm_sink::SyslogSink;
pub use alarm_sink::WebexSink;
pub use alarm_sink::WebhookSink;
pub use alarms::AlarmOverride;
pub use alarms::Alarms;
pub use auth::ApplicationServer;
pub use auth::AuthService;
pub use auth::AuthServiceMode;
pub use auth::Cisco;
pub use auth::Federation;
pub use auth::IdentityProviders;
pub use auth::KeyManagement;
pub use auth::LoginToken;
pub use auth::Revocation;
pub use auth::TokenManagement;
pub use blf::Blf;
pub use blf::BlfAccount;
pub use blf::BlfApi;
pub use blf::BlfChannel;
pub use blf::BlfDirectory;
pub use blf::BlfDoubt;
pub use blf::BlfLimits;
pub use blf::BlfNotification;
pub use blf::BlfServiceProvider;
pub use blf::BlfWebhook;
pub use bridge::Bridge;
pub use certificates::Certificate;
pub use certificates::Certificates;
pub use certificates::InternalCa;
pub use certificates::Maintenance;
pub use certificates::MaintenanceRegion;
pub use edge::Cors;
pub use edge::CorsMode;
pub use edge::Forwarding;
pub use edge::Guessing;
pub use edge::Policy;
pub use edge::Rate;
pub use edge::Route;
pub use events::Events;
pub use listener::Host;
pub use listener::Limits;
pub use listener::Listener;
pub use listener::PassthroughTarget;
pub use listener::TlsParameters;
pub use ocir::Ocir;
pub use ocir::OcirServer;
pub use operations::Operations;
pub use pool::Ejection;
pub use pool::HealthCheck;
pub use pool::Pool;
pub use pool::Upstream;
pub use provisioning::AcceptedResponse;
pub use provisioning::Capture;
pub use provisioning::ErrorResponse;
pub use provisioning::JobRules;
pub use provisioning::Provisioning;
pub use provisioning::SpEnterpriseIdForm;
pub use provisioning::Template;
pub use provisioning::TemplateRelay;
pub use provisioning::TemplateResponse;
pub use provisioning::WaitingStep;
pub use store::Store;
pub use text::DurationText;
pub use text::SecretText;
pub use text::SizeText;
pub use webex::WebexPartner;

use crate::config::LogFormat;

/// Configuration of xspd.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "xspd")]
pub struct Raw {
    /// Absolute path of the directory that keeps what must survive a restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<String>,
    /// Logging.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<Log>,
    /// The admin listener with /livez, /readyz and /metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<Admin>,
    /// How long an orderly end may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<Drain>,
    /// How certificate and trust files are watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch: Option<Watch>,
    /// Sets of trust anchors for client certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<Vec<TrustSet>>,
    /// Pools of XSPs that answer alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<Vec<Pool>>,
    /// Routes; the names xsi-actions, xsi-events, async and auth-service change a built-in route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<Vec<Route>>,
    /// What is refused at the edge before the XSP sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// Who answers a browser's preflight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    /// Headers set for the XSP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarding: Option<Forwarding>,
    /// The relay of event channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Events>,
    /// OCI-P towards the Application Server, for the native AuthService.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_server: Option<ApplicationServer>,
    /// OCI-R: what administrators change, as Application Servers report it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ocir: Option<Ocir>,
    /// The AuthService: relayed to the XSP, or xspd itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_service: Option<AuthService>,
    /// Busy lamps: who watches whom, and how the state of lines is learned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blf: Option<Blf>,
    /// Where provisioning keeps what must survive a restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<Store>,
    /// Provisioning: what all templates share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioning: Option<Provisioning>,
    /// Templates of Partner Hub, and how calls of the Application Server for them are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<Vec<Template>>,
    /// Certificates that are ordered and renewed automatically.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acme: Option<Vec<Acme>>,
    /// The CA of our own below which the bridges' client certificates are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal_ca: Option<InternalCa>,
    /// Accounts at Webex through which subscribers are provisioned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webex_partner: Option<Vec<WebexPartner>>,
    /// How alarms are raised, told and kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarms: Option<Alarms>,
    /// Who is told of alarms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_sink: Option<Vec<AlarmSink>>,
    /// How everything that ends is watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Certificates>,
    /// More certificates to watch, besides those of listeners, bridges and trust sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Vec<Certificate>>,
    /// When renewals may be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<Maintenance>,
    /// Listeners.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listener: Option<Vec<Listener>>,
}

/// Logging.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Log {
    /// Form and place of log lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<LogFormat>,
    /// Filter directives, for example "info,xspd::inbound=debug".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

/// The admin listener.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Admin {
    /// Address and port; port 0 takes a free one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Let the address be other than loopback; it has neither TLS nor a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_remote: Option<bool>,
}

/// Limits of the orderly end.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Drain {
    /// Time between "not ready" and "no new connections".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settle: Option<DurationText>,
    /// Time that requests in flight get to finish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<DurationText>,
}

/// How files are watched.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Watch {
    /// Poll interval, for file systems that send no events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll: Option<DurationText>,
    /// Quiet time after the last event before files are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debounce: Option<DurationText>,
}

/// A set of trust anchors.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrustSet {
    /// Name used by listeners, logs and metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Absolute paths of PEM files, each one generation of the chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<String>>,
    /// Absolute path of a directory whose *.txt and *.pem files are generations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// Leave out an anchor that is past its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refuse_expired: Option<bool>,
}

/// A certificate chain and its key.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct CertificateFiles {
    /// Absolute path of a PEM file: the leaf first, then intermediates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// Where the private key lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<SecretText>,
}
