//! Certificates, keys and trust sets of a configuration: loaded, proven, and only then offered.
//!
//! When a file changes under a running daemon, one bad file must not hold back the good ones:
//! what was proven before stays in use for the bad one alone. At start and when the configuration
//! itself is reloaded, every file must be good. Dates are another matter: time alone brings them, and
//! what is outside of them is used while nothing better is there (`pairs`, `anchors`).

mod anchors;
mod pairs;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::sign::CertifiedKey;

use crate::config::CertificateFiles;
use crate::config::Config;
use crate::config::Host;
use crate::config::Listener;
use crate::config::secret::SecretRef;
use crate::tls::TlsError;
use crate::tls::issue;
use crate::tls::trust::TrustAnchors;
use crate::workers::auth_desk;
use crate::workers::file_watch::Plan;

/// Everything loaded, by what it was loaded from.
#[derive(Clone, Default)]
pub struct Material {
    /// Certificates with their keys.
    pub certificates: BTreeMap<CertificateFiles, Arc<CertifiedKey>>,
    /// Trust sets.
    pub trust: BTreeMap<String, Arc<TrustAnchors>>,
    /// Generated certificates by listener: how many hosts still present one.
    pub self_signed: BTreeMap<String, i64>,
    /// When an anchor next comes into or goes out of its dates: the trust sets must then be read
    /// again although no file changed.
    pub next_change: Option<SystemTime>,
    /// What is in use outside of its dates, for want of better.
    pub out_of_date: Vec<OutOfDate>,
    /// Which files a host shows, by where it stands: another configuration may name others.
    shown: BTreeMap<Spot, CertificateFiles>,
}

/// Something outside of its dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfDate {
    /// Dotted path in the configuration of what names it.
    pub path: String,
    /// The file, what is wrong, and what to do.
    pub what: String,
}

/// A listener, the first name of a host, and which one of its certificates.
type Spot = (String, String, usize);

/// What to do about a bad file.
#[derive(Clone, Copy)]
pub enum Strictness<'a> {
    /// It is an error. What is in use, if anything is, counts only against a file that is outside of
    /// its dates.
    AllMustBeGood(Option<&'a Material>),
    /// What was proven before stays in use.
    KeepProven(&'a Material),
}

impl Material {
    /// Loads and proves everything that `config` names, and says what was wrong.
    #[must_use]
    pub fn load(
        config: &Config,
        strictness: Strictness<'_>,
        now: SystemTime,
    ) -> (Self, Vec<TlsError>) {
        let mut loader = Loader {
            strictness,
            now,
            material: Self::default(),
            problems: Vec::new(),
        };
        for set in config.trust.values() {
            loader.trust(set);
        }
        for listener in &config.listeners {
            if listener.terminates_tls() {
                for host in &listener.hosts {
                    loader.host(config, listener, host);
                }
            }
        }
        (loader.material, loader.problems)
    }
}

/// The files of a host: its own, or the generated ones.
///
/// # Errors
/// When a certificate had to be generated and could not be kept.
pub fn files_of(
    config: &Config,
    listener: &Listener,
    host: &Host,
    now: SystemTime,
) -> Result<Vec<CertificateFiles>, TlsError> {
    if host.certificates.is_empty() {
        Ok(vec![issue::self_signed(
            &config.state_dir,
            listener,
            &host.names,
            now,
        )?])
    } else {
        Ok(host.certificates.clone())
    }
}

/// Every file whose change matters, for the watch.
#[must_use]
pub fn watched(config: &Config) -> Vec<PathBuf> {
    let (mut paths, mut others): (Vec<PathBuf>, Vec<PathBuf>) = Default::default();
    let mut pair = |files: &CertificateFiles| {
        paths.push(files.chain.clone());
        if let SecretRef::File(key) = &files.key {
            paths.push(key.clone());
        }
    };
    for host in config.listeners.iter().flat_map(|listener| &listener.hosts) {
        host.certificates.iter().for_each(&mut pair);
    }
    let upstream_tls = config.pools.values().flat_map(|pool| &pool.upstreams);
    let upstream_tls: Vec<_> = upstream_tls
        .filter_map(|upstream| upstream.tls.as_ref())
        .collect();
    let bridges = config.listeners.iter().flat_map(|held| &held.bridge);
    for tls in bridges.filter_map(|bridge| bridge.tls.as_ref()) {
        tls.client_certificate.iter().for_each(&mut pair);
        others.extend(tls.ca.clone());
    }
    for tls in &upstream_tls {
        tls.client_certificate.iter().for_each(&mut pair);
    }
    others.extend(upstream_tls.iter().filter_map(|tls| tls.ca.clone()));
    paths.extend(others);
    for set in config.trust.values() {
        paths.extend(set.files.iter().cloned());
        paths.extend(set.directory.clone());
    }
    if let Some(rules) = &config.auth_service {
        paths.push(auth_desk::key_file(&rules.keys.directory));
        secret(&mut paths, rules.operator_token.as_ref());
        paths.extend(rules.cisco.as_ref().and_then(|cisco| cisco.ca.clone()));
    }
    if let Some(blf) = &config.blf {
        secret(&mut paths, blf.api.operator_token.as_ref());
        if let Some(webhook) = &blf.webhook {
            secret(&mut paths, Some(&webhook.secret));
            paths.extend(webhook.ca.clone());
        }
    }
    if let Some(account) = config.blf.as_ref().and_then(|blf| blf.account.as_ref()) {
        secret(&mut paths, Some(&account.password));
    }
    alarms(&mut paths, config);
    let partners = config.webex_partners.values();
    paths.extend(partners.filter_map(|partner| partner.ca.clone()));
    let operations = &config.provisioning.operations;
    secret(&mut paths, operations.operator_token.as_ref());
    paths.extend(config.provisioning.error_table.clone());
    for template in &config.templates {
        let ours = template.credentials.as_ref();
        let others = template.relay.credentials.as_ref();
        for held in ours.into_iter().chain(others) {
            secret(&mut paths, Some(&held.password));
        }
        paths.extend(template.mapping.clone());
        paths.extend(template.relay.ca.clone());
    }
    if let Some(server) = &config.application_server {
        secret(&mut paths, Some(&server.password));
        paths.extend(server.tls.as_ref().map(|tls| tls.ca.clone()));
    }
    paths.sort();
    paths.dedup();
    paths
}

/// What alarms need: the token of operators, and what sinks show and trust.
fn alarms(paths: &mut Vec<PathBuf>, config: &Config) {
    secret(paths, config.alarms.operator_token.as_ref());
    for sink in &config.alarm_sinks {
        for (_, held) in sink.way.secrets() {
            secret(paths, Some(held));
        }
        paths.extend(sink.way.files().into_iter().map(|(_, file)| file.clone()));
    }
}

fn secret(paths: &mut Vec<PathBuf>, secret: Option<&SecretRef>) {
    if let Some(SecretRef::File(path)) = secret {
        paths.push(path.clone());
    }
}

struct Loader<'a> {
    strictness: Strictness<'a>,
    now: SystemTime,
    material: Material,
    problems: Vec<TlsError>,
}

impl Loader<'_> {
    /// What stays in use for a bad file.
    const fn proven(&self) -> Option<&Material> {
        match self.strictness {
            Strictness::AllMustBeGood(_) => None,
            Strictness::KeepProven(material) => Some(material),
        }
    }

    /// What is in use now.
    const fn in_use(&self) -> Option<&Material> {
        match self.strictness {
            Strictness::AllMustBeGood(material) => material,
            Strictness::KeepProven(material) => Some(material),
        }
    }
}

/// What the file watch looks at.
#[must_use]
pub fn plan(config: &Config) -> Plan {
    Plan {
        paths: watched(config),
        poll: config.watch.poll,
        debounce: config.watch.debounce,
    }
}
