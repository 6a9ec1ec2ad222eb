//! Sinks of alarms as written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::AlarmSinkKind;
use crate::config::MailSecurity;
use crate::config::SnmpAuthentication;
use crate::config::SnmpForm;
use crate::config::SnmpPrivacy;
use crate::config::SnmpVersion;
use crate::config::SyslogFacility;
use crate::config::SyslogTransport;
use crate::config::raw::CertificateFiles;
use crate::config::raw::DurationText;
use crate::config::raw::SecretText;

/// Somebody who is told of alarms.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AlarmSink {
    /// Name used by logs, histories and `xspd alarms test`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How it tells; its settings stand in the table of the same name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<AlarmSinkKind>,
    /// The mildest severity that is told: informational, low, medium, high or critical.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// HH:MM-HH:MM in which mild news wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<String>,
    /// Time zone of the quiet hours, as in the IANA database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_zone: Option<String>,
    /// The worst severity that waits in quiet hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_level: Option<String>,
    /// Time limit of one delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<DurationText>,
    /// Settings of the kind "alertmanager".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alertmanager: Option<AlertmanagerSink>,
    /// Settings of the kind "email".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailSink>,
    /// Settings of the kind "pagerduty".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pagerduty: Option<PagerDutySink>,
    /// Settings of the kind "snmp".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snmp: Option<SnmpSink>,
    /// Settings of the kind "syslog".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub syslog: Option<SyslogSink>,
    /// Settings of the kind "webex".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webex: Option<WebexSink>,
    /// Settings of the kind "webhook".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookSink>,
}

/// Alertmanager, API v2.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AlertmanagerSink {
    /// URLs of all members of the cluster; each is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urls: Option<Vec<String>>,
    /// Let http:// go to other than loopback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_plaintext: Option<bool>,
    /// The page behind an alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator_url: Option<String>,
    /// How long an alert burns without being told again, which happens every hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burns_for: Option<DurationText>,
    /// User of Alertmanager's basic authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Where its password lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretText>,
    /// http://host:port of the proxy, or "none"; by default as the environment says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Where user:password for the proxy lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_credentials: Option<SecretText>,
    /// Absolute path of a PEM file with the CA certificates; by default the public roots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// Mail by SMTP.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct EmailSink {
    /// host or host:port of the mail server; 587, 465 or 25 by default, as `security` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// How the way there is secured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<MailSecurity>,
    /// Let "plain" go to other than loopback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_plaintext: Option<bool>,
    /// Absolute path of a PEM file with the CA certificates; by default the public roots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Name checked in the server's certificate; by default its host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// User for SMTP authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Where its password lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretText>,
    /// Address of the sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Addresses of the recipients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Vec<String>>,
}

/// `PagerDuty`, Events API v2.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PagerDutySink {
    /// Where events are posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where the integration key lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_key: Option<SecretText>,
    /// http://host:port of the proxy, or "none"; by default as the environment says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Where user:password for the proxy lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_credentials: Option<SecretText>,
    /// Absolute path of a PEM file with the CA certificates; by default the public roots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// SNMP traps or informs.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SnmpSink {
    /// host or host:port of each receiver; 162 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<Vec<String>>,
    /// How traps are secured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<SnmpVersion>,
    /// Whether receivers say that they have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<SnmpForm>,
    /// Where the community of v2c lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub community: Option<SecretText>,
    /// User of v3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// How the user of v3 proves itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication: Option<SnmpAuthentication>,
    /// Where its authentication password lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_password: Option<SecretText>,
    /// How traps of v3 are hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy: Option<SnmpPrivacy>,
    /// Where its privacy password lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy_password: Option<SecretText>,
    /// Address that traps come from; by default the one of the route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_address: Option<String>,
    /// Object identifier below which XSPD-MIB hangs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oid_base: Option<String>,
}

/// Syslog, RFC 5424.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SyslogSink {
    /// host or host:port of the receiver; 6514, 601 or 514 by default, as `transport` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// What carries it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<SyslogTransport>,
    /// Facility.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facility: Option<SyslogFacility>,
    /// Absolute path of a PEM file with the CA certificates that may sign the receiver, for TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Name checked in the receiver's certificate; by default its host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Certificate shown to the receiver, for TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<CertificateFiles>,
}

/// A message in a Webex space.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct WebexSink {
    /// Where the URL of an incoming webhook lies, which is a secret: file:/path, env:NAME or
    /// cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<SecretText>,
    /// Where the access token of a bot lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretText>,
    /// Id of the space in which the bot is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_id: Option<String>,
    /// URL below which the Webex APIs are, for a bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// http://host:port of the proxy, or "none"; by default as the environment says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Where user:password for the proxy lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_credentials: Option<SecretText>,
    /// Absolute path of a PEM file with the CA certificates; by default the public roots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// A signed POST.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct WebhookSink {
    /// Where notices are posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where the key of the signature lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretText>,
    /// Where a bearer token for the receiver lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer: Option<SecretText>,
    /// http://host:port of the proxy, or "none"; by default as the environment says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Where user:password for the proxy lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_credentials: Option<SecretText>,
    /// Absolute path of a PEM file with the CA certificates; by default the public roots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}
