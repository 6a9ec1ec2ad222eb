//! SNMP traps and informs, as `config/noc/XSPD-MIB.txt` describes them.
//!
//! `tree` has the object identifiers, `fields` what a notice is in them, [`engine`] who we are for
//! SNMP version 3, `trap` how a trap gets there: nobody confirms one, and all that can be known is
//! that the port is shut. An inform is answered.

pub mod engine;
mod fields;
mod trap;
pub mod tree;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use async_snmp::Auth;
use async_snmp::AuthProtocol;
use async_snmp::ClientBuilder;
use async_snmp::Error;
use async_snmp::ErrorKind;
use async_snmp::MasterKeys;
use async_snmp::PrivProtocol;
use async_snmp::Retry;
use async_snmp::UdpTransport;
use async_snmp::UsmConfig;
use async_snmp::v3::AuthoritativeEngine;
use futures_util::future::BoxFuture;
use futures_util::future::join_all;
use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::config;
use crate::config::Environment;
use crate::config::SnmpAuthentication;
use crate::config::SnmpForm;
use crate::config::SnmpPrivacy;
use crate::config::SnmpSecurity;
use crate::config::secret::Secret;
use crate::domain::alarms::Notice;
use crate::outbound::alerts::Carrier;
use crate::outbound::alerts::Outlook;
use crate::outbound::alerts::SetupFault;
use crate::outbound::alerts::SinkError;
use crate::outbound::alerts::build::secret;
use crate::outbound::alerts::told::Told;
use crate::platform::clock;
use tree::Tree;

/// Times that an inform is sent within the time limit of the sink.
const TRIES: u32 = 3;

/// How long a receiver that failed is not tried while others take: each try of a dead one costs most
/// of the time limit.
const LEFT_ALONE: Duration = Duration::from_secs(30);

/// Shortest password (RFC 3414, section 11.2).
const PASSWORD: usize = 8;

pub(super) struct Snmp {
    targets: Vec<(String, u16)>,
    form: SnmpForm,
    auth: Auth,
    /// Who we are; for traps of version 3 only.
    engine: Option<AuthoritativeEngine>,
    source: Option<IpAddr>,
    tree: Tree,
    limit: Duration,
    /// When the daemon was, for SNMP, started.
    started: Instant,
    told: Told,
    /// Who failed, and until when it is left alone.
    silent: Mutex<BTreeMap<usize, Instant>>,
}

impl Snmp {
    /// Derives the keys of version 3 from their passwords, which takes a while.
    pub(super) fn new(
        sink: &config::SnmpSink,
        environment: &Environment,
        limit: Duration,
        started: Instant,
        engine: Option<AuthoritativeEngine>,
    ) -> Result<Self, SetupFault> {
        Ok(Self {
            targets: sink.targets.clone(),
            form: sink.form,
            auth: auth(&sink.security, environment)?,
            engine,
            source: sink.source,
            tree: Tree::below(&sink.oid_base),
            limit,
            started,
            told: Told::default(),
            silent: Mutex::default(),
        })
    }

    /// A receiver that fails does not keep the others from knowing: that it is owed something is then
    /// said by [`Outlook::Partly`].
    async fn tell_all(&self, notice: &Notice) -> Result<(), SinkError> {
        let known = self.told.who_has(notice.identifier);
        let owed = |at: &usize| !known.contains(at);
        let all: Vec<usize> = (0..self.targets.len()).filter(owed).collect();
        let mut now: Vec<usize> = all.clone();
        now.retain(|at| !self.is_silent(*at));
        let mut worst = None::<SinkError>;
        if now.is_empty() && known.is_empty() {
            // All of them failed: with nobody to take it, each is tried.
            now.clone_from(&all);
        } else if now.len() < all.len() {
            let sentence = "a receiver that failed a moment ago is still owed this";
            worst = Some(SinkError::retry("connect-failed", sentence));
        }
        let told = join_all(now.into_iter().map(async |at| {
            // Less than the limit, so that one whose name nobody knows does not decide for all.
            let told = timeout(self.limit * 7 / 8, self.tell(at, notice)).await;
            let outcome = told.unwrap_or_else(|_| {
                Err(SinkError::retry(
                    "timeout",
                    "a receiver was not reached in time",
                ))
            });
            self.heard(at, outcome.is_ok());
            // At once: the time may be over before the last receiver has answered.
            if outcome.is_ok() {
                self.told.remember(notice.identifier, at);
            }
            outcome
        }))
        .await;
        let some = !known.is_empty() || told.iter().any(Result::is_ok);
        for error in told.into_iter().filter_map(Result::err) {
            // What is worth another try decides.
            match &worst {
                Some(before) if before.outlook() != Outlook::Refused => {}
                Some(_) | None => worst = Some(error),
            }
        }
        match worst {
            Some(error) if some && error.outlook() != Outlook::Refused => Err(error.partly()),
            Some(error) => Err(error),
            None => {
                self.told.forget(notice.identifier);
                Ok(())
            }
        }
    }

    async fn tell(&self, at: usize, notice: &Notice) -> Result<(), SinkError> {
        let Some((host, port)) = self.targets.get(at) else {
            return Ok(());
        };
        let place = format!("{host}:{port}");
        let address = self.resolve(host, *port).await?;
        let mut client = ClientBuilder::new(self.auth.clone())
            // Less than the limit in all, so that the answer says which receiver was silent.
            .request_timeout(self.limit / (TRIES + 1))
            .send_timeout(self.limit)
            .retry(Retry::fixed(TRIES - 1, Duration::ZERO).unwrap_or_else(|_| Retry::none()));
        if let Some(engine) = &self.engine {
            client = client.local_authoritative_engine(engine.clone());
        }
        let name = self.tree.notification(notice);
        let uptime = self.uptime();
        let fields = fields::fields(&self.tree, notice);
        let sent = async {
            let local = self.local(address);
            match self.form {
                SnmpForm::Trap => {
                    let way = trap::Way::to(local, address).await.map_err(|source| {
                        let target = address;
                        Error::Network { target, source }
                    })?;
                    let client = client.build_with_transport(way)?;
                    client.send_trap(&name, uptime, fields).await
                }
                SnmpForm::Inform => {
                    let transport = UdpTransport::bind(local.to_string()).await?;
                    let client = client.target(address).build_with(&transport).await?;
                    client.send_inform(&name, uptime, fields).await
                }
            }
        };
        sent.await
            .map_err(|error: Box<Error>| failed(&place, &error))
    }

    /// The first address that our own can reach.
    async fn resolve(&self, host: &str, port: u16) -> Result<SocketAddr, SinkError> {
        let fits = |address: &SocketAddr| {
            self.source
                .is_none_or(|source| source.is_ipv4() == address.is_ipv4())
        };
        let none = |detail: String| {
            SinkError::retry(
                "connect-failed",
                &format!("{host} has no address: {detail}"),
            )
        };
        let mut found = lookup_host((host, port))
            .await
            .map_err(|error| none(error.to_string()))?;
        found
            .find(fits)
            .ok_or_else(|| none("none of the kind of `source-address`".to_owned()))
    }

    fn local(&self, target: SocketAddr) -> SocketAddr {
        let any = match target {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        SocketAddr::new(self.source.unwrap_or(any), 0)
    }

    /// Hundredths of a second; turns over after 497 days, as `sysUpTime` does.
    fn uptime(&self) -> u32 {
        let gone = clock::mono().saturating_duration_since(self.started);
        let hundredths = gone.as_millis() / 10 % (u128::from(u32::MAX) + 1);
        u32::try_from(hundredths).unwrap_or(u32::MAX)
    }

    /// Whether a receiver is left alone for now.
    fn is_silent(&self, at: usize) -> bool {
        let silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        silent.get(&at).is_some_and(|until| *until > clock::mono())
    }

    fn heard(&self, at: usize, took: bool) {
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        if took {
            silent.remove(&at);
        } else {
            silent.insert(at, clock::mono() + LEFT_ALONE);
        }
    }
}

impl Carrier for Snmp {
    fn confirms(&self) -> bool {
        self.form == SnmpForm::Inform
    }

    fn carry<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(self.tell_all(notice))
    }
}

fn failed(place: &str, error: &Error) -> SinkError {
    let shut = matches!(error, Error::Network { source, .. } if source.kind() == io::ErrorKind::ConnectionRefused);
    let (word, remedy) = match error.kind() {
        ErrorKind::Network if shut => ("connect-failed", "; nobody listens on that port"),
        ErrorKind::Timeout => (
            "timeout",
            "; one that does not know the community, or the user and its passwords, is silent too",
        ),
        ErrorKind::ConstructionTimeout => ("timeout", ""),
        ErrorKind::Auth | ErrorKind::Report | ErrorKind::Privacy => (
            "not-allowed",
            "; check user, passwords and algorithms here and there",
        ),
        ErrorKind::OutboundMessageTooLarge => {
            let sentence = format!("{place}: {error}");
            return SinkError::refused("too-large", &sentence);
        }
        _ => ("connect-failed", ""),
    };
    SinkError::retry(word, &format!("{place}: {error}{remedy}"))
}

fn auth(security: &SnmpSecurity, environment: &Environment) -> Result<Auth, SetupFault> {
    match security {
        SnmpSecurity::Community(community) => {
            let community = secret(community, environment)?;
            Ok(Auth::v2c(community.expose()))
        }
        SnmpSecurity::User {
            name,
            authentication,
            auth_password,
            privacy,
            privacy_password,
        } => {
            let auth = password(&secret(auth_password, environment)?, "auth-password")?;
            let hide = password(&secret(privacy_password, environment)?, "privacy-password")?;
            let proof = match authentication {
                SnmpAuthentication::Sha1 => AuthProtocol::Sha1,
                SnmpAuthentication::Sha256 => AuthProtocol::Sha256,
                SnmpAuthentication::Sha512 => AuthProtocol::Sha512,
            };
            let cipher = match privacy {
                SnmpPrivacy::Aes128 => PrivProtocol::Aes128,
                SnmpPrivacy::Aes256 => PrivProtocol::Aes256Blumenthal,
            };
            let keys = MasterKeys::new(proof, auth.expose())
                .and_then(|keys| keys.with_privacy(cipher, hide.expose()))
                .and_then(|keys| UsmConfig::new(name.clone()).with_master_keys(keys));
            match keys {
                Ok(user) => Ok(Auth::Usm(user)),
                Err(error) => Err(SetupFault::Snmp(error.to_string())),
            }
        }
    }
}

fn password(password: &Secret, key: &'static str) -> Result<Secret, SetupFault> {
    if password.expose().len() < PASSWORD {
        return Err(SetupFault::ShortPassword(key));
    }
    Ok(Secret::new(password.expose().to_vec()))
}
