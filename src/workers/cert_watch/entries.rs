//! What a configuration makes us watch.

mod believed;
mod besides;
mod renewals;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use crate::config::Certificate;
use crate::config::CertificateFiles;
use crate::config::CertificateRole;
use crate::config::Config;
use crate::config::Listener;
use crate::config::ListenerKind;
use crate::config::TrustSet;
use crate::config::secret::SecretRef;
use crate::domain::alarms::Whose;
use crate::domain::certs::inventory::Care;
use crate::domain::certs::inventory::Duty;
use crate::domain::certs::inventory::Kind;
use crate::domain::certs::inventory::ObjectId;
use crate::domain::certs::inventory::Renewing;
use crate::domain::certs::inventory::Watched;
use crate::workers::acme::state::Folder;

/// One part of the configuration and what it has us watch.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Its path, which objects carry along.
    pub(super) name: Arc<str>,
    /// The place of its objects, the first part of their names.
    pub(super) place: String,
    /// What all of its objects share.
    pub(super) shared: Watched,
    /// Where they are.
    pub(super) source: Source,
}

/// Where objects are found.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// The account of an automatic certificate, kept in a folder.
    Account {
        name: String,
        directory: String,
        folder: Folder,
    },
    /// A file of trust anchors, each an object.
    Anchors(PathBuf),
    /// Files and patterns; objects by the names in them.
    Bundles {
        paths: Vec<PathBuf>,
        password: Option<SecretRef>,
    },
    /// Files and patterns of revocation lists, each an object.
    Crls(Vec<PathBuf>),
    /// One chain and its key, one object.
    Chain(CertificateFiles),
    /// Nothing but dates.
    Declared {
        start: Option<SystemTime>,
        end: SystemTime,
    },
    /// The file of the AuthService's keys.
    Keys(PathBuf),
    /// What a prober outside is to look at.
    Outside(String),
    /// Nodes to ask, all for one object.
    Probe(Vec<Asked>),
    /// A listener of our own and the host to ask for.
    Served { listener: String, host: String },
    /// A set of trust anchors, each an object.
    TrustSet(TrustSet),
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) name: String,
}

/// Everything that a configuration has us watch.
pub(super) fn entries(config: &Config) -> Vec<Entry> {
    let mut all = Vec::new();
    let automatic = besides::automatic(config);
    for listener in config.listeners.iter().filter(|held| held.terminates_tls()) {
        of_listener(config, listener, &automatic, &mut all);
    }
    besides::join(&mut all);
    for set in config.trust.values() {
        let name: Arc<str> = format!("trust.{}", set.name).into();
        let mut shared = watched(
            config,
            &name,
            &set.name,
            Kind::TrustAnchor,
            Duty::TrustAnchor,
        );
        shared.whose = Some(besides::believed(config, &set.name));
        all.push(Entry {
            place: set.name.clone(),
            shared,
            source: Source::TrustSet(set.clone()),
            name,
        });
    }
    towards(config, &mut all);
    believed::watch(config, &mut all);
    if let Some(service) = &config.auth_service {
        let name: Arc<str> = "auth-service.key-management".into();
        let shared = watched(config, &name, "auth-service key", Kind::KeyAge, Duty::Key);
        all.push(Entry {
            place: "auth-service key".to_owned(),
            shared,
            source: Source::Keys(crate::workers::auth_desk::key_file(&service.keys.directory)),
            name,
        });
    }
    if !config.certificates.crl_files.is_empty() {
        let name: Arc<str> = "certificates.crl-files".into();
        all.push(Entry {
            shared: watched(config, &name, "crl", Kind::Crl, Duty::Crl),
            place: "crl".to_owned(),
            source: Source::Crls(config.certificates.crl_files.clone()),
            name,
        });
    }
    for certificate in &config.watched_certificates {
        of_certificate(config, certificate, &mut all);
    }
    besides::outside(config, &mut all);
    besides::internal_ca(config, &mut all);
    besides::accounts(config, &mut all);
    renewals::note(config, &mut all);
    all
}

fn of_listener(
    config: &Config,
    listener: &Listener,
    automatic: &BTreeSet<PathBuf>,
    all: &mut Vec<Entry>,
) {
    let place = format!("listener {}", listener.name);
    for (at, host) in listener.hosts.iter().enumerate() {
        let name: Arc<str> = format!("listener.{}.host[{at}]", listener.name).into();
        let first = host.names.first().cloned().unwrap_or_default();
        let files = host.certificates.first();
        let renews = files.is_some_and(|files| automatic.contains(&files.chain));
        let kind = match renews {
            true => Kind::ManagedLeaf,
            false => Kind::ManualLeaf,
        };
        let mut shared = watched(config, &name, &place, kind, Duty::Server);
        shared.renewal = renews.then(Renewing::default);
        shared.whose = Some(match renews {
            true => Whose::Automatic,
            false => Whose::Ours,
        });
        shared.listener = Some(listener.name.clone());
        shared.hosts.clone_from(&host.names);
        // The Application Server is told whom to believe; Webex and apps bring public CAs along.
        shared.public = match listener.kind {
            ListenerKind::Cti | ListenerKind::Http | ListenerKind::Passthrough => true,
            ListenerKind::Provisioning => false,
        };
        for (nth, files) in host.certificates.iter().enumerate() {
            shared.id = ObjectId::new(&place, &numbered(&first, nth));
            all.push(Entry {
                name: Arc::clone(&name),
                place: place.clone(),
                shared: shared.clone(),
                source: Source::Chain(files.clone()),
            });
        }
        if config.certificates.probe_listeners {
            shared.id = ObjectId::new(&place, &numbered(&first, 0));
            all.push(Entry {
                name,
                place: place.clone(),
                shared,
                source: Source::Served {
                    listener: listener.name.clone(),
                    host: first,
                },
            });
        }
    }
}

fn numbered(name: &str, nth: usize) -> String {
    match nth {
        0 => name.to_owned(),
        more => format!("{name} #{}", more + 1),
    }
}

/// XSPs of pools and bridges: what they present, and what we show them.
fn towards(config: &Config, all: &mut Vec<Entry>) {
    for (pool, upstream) in config
        .pools
        .values()
        .flat_map(|pool| pool.upstreams.iter().map(move |upstream| (pool, upstream)))
    {
        let Some(tls) = &upstream.tls else { continue };
        let path = format!("pool.{}.upstream.{}", pool.name, upstream.name);
        let called = format!("{}/{}", pool.name, upstream.name);
        if config.certificates.probe_upstreams {
            let asked = Asked {
                host: upstream.host.clone(),
                port: upstream.port,
                name: tls.server_name.clone(),
            };
            let hosts = tls.ca.as_ref().map(|_| tls.server_name.clone());
            all.push(node(config, &path, &format!("xsp {called}"), asked, hosts));
        }
        all.extend(tls.client_certificate.as_ref().map(|files| {
            let called = format!("client of {called}");
            besides::client(config, &path, &called, Whose::File, files)
        }));
    }
    for listener in &config.listeners {
        let Some(bridge) = &listener.bridge else {
            continue;
        };
        let Some(tls) = &bridge.tls else { continue };
        let path = format!("listener.{}.bridge", listener.name);
        if config.certificates.probe_upstreams {
            for upstream in &bridge.upstreams {
                let name = tls
                    .server_name
                    .clone()
                    .unwrap_or_else(|| upstream.host.clone());
                let hosts = tls.ca.as_ref().map(|_| name.clone());
                let called = format!("xsp of {} {}", listener.name, upstream.address());
                let asked = Asked {
                    host: upstream.host.clone(),
                    port: upstream.port,
                    name,
                };
                let path = format!("{path}.{}", upstream.address());
                all.push(node(config, &path, &called, asked, hosts));
            }
        }
        all.extend(tls.client_certificate.as_ref().map(|files| {
            let called = format!("bridge client of {}", listener.name);
            besides::client(config, &path, &called, Whose::Ours, files)
        }));
    }
}

fn node(config: &Config, path: &str, place: &str, asked: Asked, hosts: Option<String>) -> Entry {
    let name: Arc<str> = path.into();
    let mut shared = watched(config, &name, place, Kind::ManualLeaf, Duty::Server);
    // An address is checked against other names than those that are looked at here.
    let is_name = |host: &String| host.parse::<std::net::IpAddr>().is_err();
    shared.hosts = hosts.into_iter().filter(is_name).collect();
    Entry {
        name,
        place: place.to_owned(),
        shared,
        source: Source::Probe(vec![asked]),
    }
}

fn of_certificate(config: &Config, certificate: &Certificate, all: &mut Vec<Entry>) {
    let name: Arc<str> = format!("certificate.{}", certificate.name).into();
    let (kind, duty) = match (certificate.role, certificate.managed) {
        (CertificateRole::Ca, _) => (Kind::Ca, Duty::Ca),
        (CertificateRole::TrustAnchor, _) => (Kind::TrustAnchor, Duty::TrustAnchor),
        (CertificateRole::Client, false) => (Kind::Client, Duty::Client),
        (CertificateRole::Client, true) => (Kind::ManagedLeaf, Duty::Client),
        (CertificateRole::Server, false) => (Kind::ManualLeaf, Duty::Server),
        (CertificateRole::Server, true) => (Kind::ManagedLeaf, Duty::Server),
    };
    let unseen = certificate.files.is_empty() && certificate.probe.is_empty();
    let kind = match kind {
        Kind::ManualLeaf | Kind::Client if unseen => Kind::Declared,
        kind @ (Kind::AcmeAccount
        | Kind::Ca
        | Kind::Client
        | Kind::Crl
        | Kind::Declared
        | Kind::KeyAge
        | Kind::ManagedLeaf
        | Kind::ManualLeaf
        | Kind::OauthToken
        | Kind::TrustAnchor) => kind,
    };
    let mut shared = watched(config, &name, &certificate.name, kind, duty);
    shared.hosts.clone_from(&certificate.hosts);
    shared.public = certificate.public;
    shared.care = Care {
        owner: certificate.owner.clone(),
        notes: certificate.notes.clone(),
        runbook_url: certificate.runbook_url.clone(),
        region: certificate.region.clone(),
    };
    if certificate.managed {
        shared.renewal = Some(Renewing::default());
    }
    if let Some(bands) = &certificate.bands {
        shared.bands = bands.clone();
        shared.bands_key = format!("certificate.{}.bands", certificate.name);
    }
    let entry = |source| Entry {
        name: Arc::clone(&name),
        place: certificate.name.clone(),
        shared: shared.clone(),
        source,
    };
    if !certificate.files.is_empty() {
        all.push(entry(Source::Bundles {
            paths: certificate.files.clone(),
            password: certificate.password.clone(),
        }));
    }
    if !certificate.probe.is_empty() {
        let asked = certificate.probe.iter().map(|(host, port)| Asked {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: *port,
            name: certificate
                .server_name
                .clone()
                .unwrap_or_else(|| host.trim_matches(['[', ']']).to_owned()),
        });
        all.push(entry(Source::Probe(asked.collect())));
    }
    if let Some(end) = certificate.not_after {
        let start = certificate.not_before;
        all.push(entry(Source::Declared { start, end }));
    }
}

/// One object that is called as its place, with the bands of the configuration.
pub(super) fn watched(
    config: &Config,
    entry: &Arc<str>,
    place: &str,
    kind: Kind,
    duty: Duty,
) -> Watched {
    let rules = &config.certificates;
    let mut watched = Watched::new(ObjectId::new(place, ""), entry, kind, duty);
    watched.bands = match kind {
        Kind::AcmeAccount | Kind::Client | Kind::Declared | Kind::ManualLeaf => &rules.manual,
        Kind::Ca | Kind::TrustAnchor => &rules.trust_anchor,
        Kind::Crl => &rules.crl,
        Kind::KeyAge => &rules.key_age,
        Kind::ManagedLeaf => &rules.managed,
        Kind::OauthToken => &rules.oauth_token,
    }
    .clone();
    watched
}
