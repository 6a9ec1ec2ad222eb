//! From the configuration to its sinks.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crate::config;
use crate::config::AlarmSinkKind;
use crate::config::AlarmWay;
use crate::config::Config;
use crate::config::Environment;
use crate::config::SnmpForm;
use crate::config::SnmpSecurity;
use crate::config::secret::Secret;
use crate::config::secret::SecretError;
use crate::config::secret::SecretRef;
use crate::domain::alarms::Appetite;
use crate::domain::alarms::Severity;
use crate::outbound::OutboundError;
use crate::outbound::alerts::AlertSink;
use crate::outbound::alerts::Carrier;
use crate::outbound::alerts::alertmanager::Alertmanager;
use crate::outbound::alerts::bounded::Bounded;
use crate::outbound::alerts::email::Email;
use crate::outbound::alerts::journal::Journal;
use crate::outbound::alerts::pagerduty::PagerDuty;
use crate::outbound::alerts::snmp::Snmp;
use crate::outbound::alerts::snmp::engine::EngineError;
use crate::outbound::alerts::snmp::engine::Shelf;
use crate::outbound::alerts::syslog::Syslog;
use crate::outbound::alerts::webex::Webex;
use crate::outbound::alerts::webhook::Webhook;
use crate::outbound::web::NotAWebUrl;
use crate::platform::clock;
use crate::tls::client::ClientTlsError;

/// Place of the enterprise number in an object identifier.
const ENTERPRISE: usize = 6;

/// The name of the sink that is there when none is configured.
const JOURNAL: &str = "journal";

/// Time limit of a line in the log, which needs none.
const JOURNAL_LIMIT: std::time::Duration = std::time::Duration::from_secs(10);

/// Makes sinks. One for the life of the process: SNMP counts starts, and a reload is none.
pub struct SinkBuilder {
    environment: Environment,
    engine: Shelf,
    started: Instant,
}

/// Why a sink cannot be.
#[derive(Debug, thiserror::Error)]
#[error("alarm-sink.{sink}: {fault}")]
pub struct SetupError {
    /// Its name.
    pub sink: String,
    /// What is wrong.
    pub fault: SetupFault,
}

/// What is wrong with a sink.
#[derive(Debug, thiserror::Error)]
pub enum SetupFault {
    /// An address that mail cannot be sent to.
    #[error("{0:?} is no address of mail")]
    Address(String),
    /// Who we are for SNMP version 3 cannot be had.
    #[error("{0}")]
    Engine(#[from] EngineError),
    /// A secret that cannot be a part of what is sent.
    #[error("a secret holds what cannot be sent; write it anew, as plain text")]
    Header,
    /// A secret cannot be read.
    #[error("{0}")]
    Secret(#[from] SecretError),
    /// No name for TLS.
    #[error("{0:?} is no server name; write a host name or an address")]
    ServerName(String),
    /// A password of SNMP version 3 is too short (RFC 3414, section 11.2).
    #[error("the password in `{0}` has fewer than 8 characters, which receivers refuse")]
    ShortPassword(&'static str),
    /// The keys of SNMP version 3 cannot be made.
    #[error("{0}")]
    Snmp(String),
    /// The TLS files cannot be used.
    #[error("{0}")]
    Tls(Box<ClientTlsError>),
    /// The URL cannot be called; it may be a secret, so it is not repeated.
    #[error("the URL cannot be called: {0}")]
    Url(#[from] NotAWebUrl),
    /// The way to a web service.
    #[error("{0}")]
    Web(Box<OutboundError>),
}

impl SinkBuilder {
    /// `state_dir` keeps who we are for SNMP version 3; it is not touched before a sink needs it.
    #[must_use]
    pub fn new(environment: Environment, state_dir: &Path) -> Self {
        Self {
            environment,
            engine: Shelf::new(state_dir),
            started: clock::mono(),
        }
    }

    /// What is wrong with the sinks, with nothing written and nothing sent. Reads secrets and
    /// certificates, as [`SinkBuilder::build`] does.
    #[must_use]
    pub fn prove(environment: Environment, config: &Config) -> Vec<SetupError> {
        let engine = Shelf::read_only(&config.state_dir);
        let builder = Self {
            environment,
            engine,
            started: clock::mono(),
        };
        builder.build(config).err().unwrap_or_default()
    }

    /// The sinks in the order written; without any, the journal. Reads secrets and certificates and
    /// derives keys, blocking for some milliseconds each; called at start and reload only.
    ///
    /// # Errors
    /// All that is wrong with any of them.
    pub fn build(&self, config: &Config) -> Result<Vec<Arc<dyn AlertSink>>, Vec<SetupError>> {
        let (mut sinks, mut errors) = (Vec::<Arc<dyn AlertSink>>::new(), Vec::new());
        for sink in &config.alarm_sinks {
            match self.carrier(sink) {
                Ok(carrier) => sinks.push(Arc::new(bounded(sink, carrier))),
                Err(fault) => errors.push(SetupError {
                    sink: sink.name.clone(),
                    fault,
                }),
            }
        }
        if config.alarm_sinks.is_empty() {
            sinks.push(Arc::new(only_journal()));
        }
        if errors.is_empty() {
            Ok(sinks)
        } else {
            Err(errors)
        }
    }

    fn carrier(&self, sink: &config::AlarmSink) -> Result<Box<dyn Carrier>, SetupFault> {
        let (environment, limit) = (&self.environment, sink.timeout);
        Ok(match &sink.way {
            AlarmWay::Alertmanager(way) => Box::new(Alertmanager::new(way, environment, limit)?),
            AlarmWay::Email(way) => Box::new(Email::new(way, environment, limit)?),
            AlarmWay::Journal => Box::new(Journal),
            AlarmWay::PagerDuty(way) => Box::new(PagerDuty::new(way, environment, limit)?),
            AlarmWay::Snmp(way) => {
                // The receiver of an inform says who it is; of a trap we do.
                let engine = match (&way.security, way.form) {
                    (SnmpSecurity::User { .. }, SnmpForm::Trap) => {
                        let enterprise = way.oid_base.get(ENTERPRISE).copied();
                        Some(self.engine.engine(enterprise.unwrap_or_default())?)
                    }
                    (SnmpSecurity::User { .. }, SnmpForm::Inform)
                    | (SnmpSecurity::Community(_), _) => None,
                };
                Box::new(Snmp::new(way, environment, limit, self.started, engine)?)
            }
            AlarmWay::Syslog(way) => Box::new(Syslog::new(way, limit)?),
            AlarmWay::Webex(way) => Box::new(Webex::new(way, environment, limit)?),
            AlarmWay::Webhook(way) => Box::new(Webhook::new(way, environment, limit)?),
        })
    }
}

fn bounded(sink: &config::AlarmSink, carrier: Box<dyn Carrier>) -> Bounded {
    let kind = sink.way.kind().word();
    Bounded::new(&sink.name, kind, &sink.appetite, sink.timeout, carrier)
}

fn only_journal() -> Bounded {
    let appetite = Appetite {
        level: Severity::Informational,
        quiet: None,
    };
    let kind = AlarmSinkKind::Journal.word();
    Bounded::new(JOURNAL, kind, &appetite, JOURNAL_LIMIT, Box::new(Journal))
}

/// A secret without the line end that editors put behind it.
pub(super) fn secret(
    reference: &SecretRef,
    environment: &Environment,
) -> Result<Secret, SetupFault> {
    let secret = reference.read_from(environment)?;
    let bytes = secret.expose().trim_ascii();
    if bytes.is_empty() {
        return Err(SecretError::Empty(reference.clone()).into());
    }
    Ok(Secret::new(bytes.to_vec()))
}
