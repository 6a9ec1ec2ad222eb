//! Sinks of alarms.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::AlarmSinkKind;
use crate::config::MailSecurity;
use crate::config::SnmpAuthentication;
use crate::config::SnmpForm;
use crate::config::SnmpPrivacy;
use crate::config::SyslogFacility;
use crate::config::SyslogTransport;
use crate::config::UpstreamTls;
use crate::config::WebexProxy;
use crate::config::secret::SecretRef;
use crate::domain::alarms::Appetite;

/// Somebody who is told of alarms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmSink {
    /// Its name.
    pub name: String,
    /// What it is told, and when.
    pub appetite: Appetite,
    /// Time limit of one delivery.
    pub timeout: Duration,
    /// How it tells.
    pub way: AlarmWay,
}

/// How a sink tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlarmWay {
    /// Alertmanager.
    Alertmanager(AlertmanagerSink),
    /// Mail.
    Email(EmailSink),
    /// The daemon's own log.
    Journal,
    /// `PagerDuty`.
    PagerDuty(PagerDutySink),
    /// Traps or informs.
    Snmp(SnmpSink),
    /// Syslog.
    Syslog(SyslogSink),
    /// A Webex space.
    Webex(WebexSink),
    /// A signed POST.
    Webhook(WebhookSink),
}

impl AlarmWay {
    /// The word for it.
    #[must_use]
    pub const fn kind(&self) -> AlarmSinkKind {
        match self {
            Self::Alertmanager(_) => AlarmSinkKind::Alertmanager,
            Self::Email(_) => AlarmSinkKind::Email,
            Self::Journal => AlarmSinkKind::Journal,
            Self::PagerDuty(_) => AlarmSinkKind::PagerDuty,
            Self::Snmp(_) => AlarmSinkKind::Snmp,
            Self::Syslog(_) => AlarmSinkKind::Syslog,
            Self::Webex(_) => AlarmSinkKind::Webex,
            Self::Webhook(_) => AlarmSinkKind::Webhook,
        }
    }

    /// Its secrets, each with its key below that of the sink.
    #[must_use]
    pub fn secrets(&self) -> Vec<(&'static str, &SecretRef)> {
        let mut secrets = match self {
            Self::Alertmanager(sink) => account("alertmanager.password", sink.account.as_ref()),
            Self::Email(sink) => account("email.password", sink.account.as_ref()),
            Self::Journal => Vec::new(),
            Self::PagerDuty(sink) => vec![("pagerduty.routing-key", &sink.routing_key)],
            Self::Snmp(sink) => match &sink.security {
                SnmpSecurity::Community(community) => vec![("snmp.community", community)],
                SnmpSecurity::User {
                    auth_password,
                    privacy_password,
                    ..
                } => vec![
                    ("snmp.auth-password", auth_password),
                    ("snmp.privacy-password", privacy_password),
                ],
            },
            Self::Syslog(sink) => {
                let tls = sink.tls.as_ref();
                let own = tls.and_then(|tls| tls.client_certificate.as_ref());
                own.map(|files| ("syslog.client-certificate.key", &files.key))
                    .into_iter()
                    .collect()
            }
            Self::Webex(sink) => match &sink.speaker {
                WebexSpeaker::Webhook(url) => vec![("webex.webhook", url)],
                WebexSpeaker::Bot { token, .. } => vec![("webex.token", token)],
            },
            Self::Webhook(sink) => {
                let mut secrets = vec![("webhook.secret", &sink.secret)];
                secrets.extend(sink.bearer.as_ref().map(|token| ("webhook.bearer", token)));
                secrets
            }
        };
        if let Some((key, SinkWeb { proxy, .. })) = self.web()
            && let WebexProxy::Through {
                credentials: Some(credentials),
                ..
            } = proxy
        {
            secrets.push((key, credentials));
        }
        secrets
    }

    /// Its PEM files, each with its key below that of the sink.
    #[must_use]
    pub fn files(&self) -> Vec<(&'static str, &PathBuf)> {
        let found = match self {
            Self::Alertmanager(sink) => vec![("alertmanager.ca", sink.web.ca.as_ref())],
            Self::Email(sink) => vec![("email.ca", sink.ca.as_ref())],
            Self::Journal | Self::Snmp(_) => Vec::new(),
            Self::PagerDuty(sink) => vec![("pagerduty.ca", sink.web.ca.as_ref())],
            Self::Syslog(sink) => {
                let tls = sink.tls.as_ref();
                let own = tls.and_then(|tls| tls.client_certificate.as_ref());
                vec![
                    ("syslog.ca", tls.and_then(|tls| tls.ca.as_ref())),
                    (
                        "syslog.client-certificate.chain",
                        own.map(|files| &files.chain),
                    ),
                ]
            }
            Self::Webex(sink) => vec![("webex.ca", sink.web.ca.as_ref())],
            Self::Webhook(sink) => vec![("webhook.ca", sink.web.ca.as_ref())],
        };
        found
            .into_iter()
            .filter_map(|(key, file)| file.map(|file| (key, file)))
            .collect()
    }

    /// The way to a web service, and the key of a proxy's credentials.
    const fn web(&self) -> Option<(&'static str, &SinkWeb)> {
        match self {
            Self::Alertmanager(sink) => Some(("alertmanager.proxy-credentials", &sink.web)),
            Self::Email(_) | Self::Journal | Self::Snmp(_) | Self::Syslog(_) => None,
            Self::PagerDuty(sink) => Some(("pagerduty.proxy-credentials", &sink.web)),
            Self::Webex(sink) => Some(("webex.proxy-credentials", &sink.web)),
            Self::Webhook(sink) => Some(("webhook.proxy-credentials", &sink.web)),
        }
    }
}

fn account<'a>(
    key: &'static str,
    account: Option<&'a (String, SecretRef)>,
) -> Vec<(&'static str, &'a SecretRef)> {
    account
        .map(|(_, password)| (key, password))
        .into_iter()
        .collect()
}

/// Which certificates of a web service are believed, and the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkWeb {
    /// The way.
    pub proxy: WebexProxy,
    /// PEM file with the CA certificates; absent: the public roots.
    pub ca: Option<PathBuf>,
}

/// Alertmanager, API v2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertmanagerSink {
    /// The members of the cluster, without a slash at the end.
    pub urls: Vec<String>,
    /// The page behind an alert.
    pub generator_url: Option<String>,
    /// How long an alert burns without being told again.
    pub burns_for: Duration,
    /// User and password of basic authentication.
    pub account: Option<(String, SecretRef)>,
    /// The way there.
    pub web: SinkWeb,
}

/// Mail by SMTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailSink {
    /// Host of the mail server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way there is secured.
    pub security: MailSecurity,
    /// PEM file with the CA certificates; absent: the public roots.
    pub ca: Option<PathBuf>,
    /// Name checked in the server's certificate.
    pub server_name: Option<String>,
    /// User and password.
    pub account: Option<(String, SecretRef)>,
    /// The sender.
    pub from: String,
    /// The recipients.
    pub to: Vec<String>,
}

/// `PagerDuty`, Events API v2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagerDutySink {
    /// Where events are posted.
    pub url: String,
    /// The integration key.
    pub routing_key: SecretRef,
    /// The way there.
    pub web: SinkWeb,
}

/// SNMP traps or informs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnmpSink {
    /// Host and port of each receiver.
    pub targets: Vec<(String, u16)>,
    /// Whether receivers say that they have it.
    pub form: SnmpForm,
    /// How it is secured.
    pub security: SnmpSecurity,
    /// Address that traps come from.
    pub source: Option<IpAddr>,
    /// The arcs below which XSPD-MIB hangs.
    pub oid_base: Vec<u32>,
}

/// How traps are secured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnmpSecurity {
    /// Version 2c.
    Community(SecretRef),
    /// Version 3, authentication and privacy.
    User {
        /// Its name.
        name: String,
        /// How it proves itself.
        authentication: SnmpAuthentication,
        /// Its authentication password.
        auth_password: SecretRef,
        /// How traps are hidden.
        privacy: SnmpPrivacy,
        /// Its privacy password.
        privacy_password: SecretRef,
    },
}

/// Syslog, RFC 5424.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyslogSink {
    /// Host of the receiver.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What carries it.
    pub transport: SyslogTransport,
    /// TLS; there when the transport is TLS.
    pub tls: Option<UpstreamTls>,
    /// Facility.
    pub facility: SyslogFacility,
}

/// A message in a Webex space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebexSink {
    /// Who says it.
    pub speaker: WebexSpeaker,
    /// The way to Webex.
    pub web: SinkWeb,
}

/// Who says it in a Webex space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebexSpeaker {
    /// An incoming webhook, whose URL is a secret.
    Webhook(SecretRef),
    /// A bot.
    Bot {
        /// Its access token.
        token: SecretRef,
        /// The space.
        room_id: String,
        /// URL below which the Webex APIs are.
        base_url: String,
    },
}

/// A signed POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSink {
    /// Where to.
    pub url: String,
    /// The key of the signature.
    pub secret: SecretRef,
    /// A token for the receiver.
    pub bearer: Option<SecretRef>,
    /// The way there.
    pub web: SinkWeb,
}
