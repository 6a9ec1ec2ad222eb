//! The words of sinks of alarms.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// How a sink tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlarmSinkKind {
    /// Alertmanager, API v2.
    Alertmanager,
    /// Mail by SMTP.
    Email,
    /// The daemon's own log.
    Journal,
    /// `PagerDuty`, Events API v2.
    PagerDuty,
    /// SNMP traps or informs.
    Snmp,
    /// Syslog, RFC 5424.
    Syslog,
    /// A message in a Webex space.
    Webex,
    /// A signed POST.
    Webhook,
}

impl AlarmSinkKind {
    /// All.
    pub const ALL: [Self; 8] = [
        Self::Alertmanager,
        Self::Email,
        Self::Journal,
        Self::PagerDuty,
        Self::Snmp,
        Self::Syslog,
        Self::Webex,
        Self::Webhook,
    ];

    /// The word, also the key of its table.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::Email => "email",
            Self::Journal => "journal",
            Self::PagerDuty => "pagerduty",
            Self::Snmp => "snmp",
            Self::Syslog => "syslog",
            Self::Webex => "webex",
            Self::Webhook => "webhook",
        }
    }
}

/// How traps are secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SnmpVersion {
    /// By a community, in clear.
    V2c,
    /// By a user with authentication and privacy (USM, RFC 3414).
    V3,
}

/// Whether the receiver says that it has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SnmpForm {
    /// It does, or the notice is sent again.
    Inform,
    /// It does not.
    Trap,
}

/// How a user of SNMP version 3 proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SnmpAuthentication {
    /// HMAC-SHA-96 (RFC 3414), for receivers that know no better.
    #[serde(rename = "sha-1")]
    Sha1,
    /// HMAC-SHA-256 (RFC 7860).
    #[serde(rename = "sha-256")]
    Sha256,
    /// HMAC-SHA-512 (RFC 7860).
    #[serde(rename = "sha-512")]
    Sha512,
}

/// How traps of SNMP version 3 are hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SnmpPrivacy {
    /// AES-128 (RFC 3826).
    #[serde(rename = "aes-128")]
    Aes128,
    /// AES-256 with keys as net-snmp extends them (draft-blumenthal-aes-usm-04).
    #[serde(rename = "aes-256")]
    Aes256,
}

/// What carries syslog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SyslogTransport {
    /// TCP with counted octets (RFC 6587).
    Tcp,
    /// TLS (RFC 5425).
    Tls,
    /// Datagrams (RFC 5426).
    Udp,
}

/// The facility of syslog that is for local use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SyslogFacility {
    /// 16.
    Local0,
    /// 17.
    Local1,
    /// 18.
    Local2,
    /// 19.
    Local3,
    /// 20.
    Local4,
    /// 21.
    Local5,
    /// 22.
    Local6,
    /// 23.
    Local7,
}

impl SyslogFacility {
    /// Its number (RFC 5424, section 6.2.1).
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Local0 => 16,
            Self::Local1 => 17,
            Self::Local2 => 18,
            Self::Local3 => 19,
            Self::Local4 => 20,
            Self::Local5 => 21,
            Self::Local6 => 22,
            Self::Local7 => 23,
        }
    }
}

/// How the way to a mail server is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MailSecurity {
    /// Not.
    Plain,
    /// TLS is asked for in clear, and insisted on (RFC 3207).
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Tls,
}
