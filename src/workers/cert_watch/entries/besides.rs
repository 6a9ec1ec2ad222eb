//! What is watched besides listeners, peers and files: our URLs from outside, the CA of our own, and
//! accounts at others; and what is one though it is named twice.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::CertificateFiles;
use crate::config::Config;
use crate::config::Listener;
use crate::config::ListenerKind;
use crate::domain::alarms::Whose;
use crate::domain::certs::automatic::Account;
use crate::domain::certs::date;
use crate::domain::certs::inventory::Duty;
use crate::domain::certs::inventory::Kind;
use crate::domain::certs::inventory::ObjectId;
use crate::domain::certs::inventory::Renewing;
use crate::workers::acme::state::Folder;
use crate::workers::cert_desk::place;
use crate::workers::cert_watch::entries::Entry;
use crate::workers::cert_watch::entries::Source;
use crate::workers::cert_watch::entries::watched;
use crate::workers::internal_ca;
use crate::workers::internal_ca::status::Records;

/// Our public URLs as a prober outside sees them.
pub(super) fn outside(config: &Config, all: &mut Vec<Entry>) {
    let targets = config.certificates.prober.iter();
    for target in targets.flat_map(|prober| &prober.targets) {
        let name: Arc<str> = format!("certificates.prober-targets {target}").into();
        let place = format!("outside {target}");
        // Of what renews itself a late renewal is told, seen from outside as from inside.
        let host = host_of(target);
        let managed = config.acme.iter().any(|acme| acme.names.contains(&host));
        let kind = if managed {
            Kind::ManagedLeaf
        } else {
            Kind::ManualLeaf
        };
        let mut shared = watched(config, &name, &place, kind, Duty::Server);
        shared.renewal = managed.then(Renewing::default);
        all.push(Entry {
            name,
            place,
            shared,
            source: Source::Outside(target.clone()),
        });
    }
}

/// The chains that renew themselves.
pub(super) fn automatic(config: &Config) -> BTreeSet<PathBuf> {
    let asked = config.acme.iter().flat_map(|acme| &acme.places);
    asked
        .filter_map(|asked| Some(place::find(config, asked).ok()?.chain))
        .collect()
}

/// What we show to an XSP.
pub(super) fn client(
    config: &Config,
    path: &str,
    place: &str,
    whose: Whose,
    files: &CertificateFiles,
) -> Entry {
    let name: Arc<str> = format!("{path}.client-certificate").into();
    let mut shared = watched(config, &name, place, Kind::Client, Duty::Client);
    shared.whose = Some(whose);
    Entry {
        shared,
        place: place.to_owned(),
        source: Source::Chain(files.clone()),
        name,
    }
}

/// Who is believed by a set of anchors: Webex, unless it is for the Application Server alone.
pub(super) fn believed(config: &Config, set: &str) -> Whose {
    let mut users = config.listeners.iter().filter(|listener| {
        let mut hosts = listener.hosts.iter();
        hosts.any(|host| host.client_auth.trust.as_deref() == Some(set))
    });
    let first = users.next();
    let is_as = |listener: &Listener| listener.kind == ListenerKind::Provisioning;
    match first {
        Some(first) if is_as(first) && users.all(is_as) => Whose::OtherCa,
        Some(_) | None => Whose::Webex,
    }
}

/// The host of a URL, or of `host:port`.
pub(super) fn host_of(target: &str) -> String {
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host);
    host.to_ascii_lowercase()
}

/// The CA of our own; and what it issued and the daemon renews is watched as such.
pub(super) fn internal_ca(config: &Config, all: &mut Vec<Entry>) {
    let Some(rules) = &config.internal_ca else {
        return;
    };
    let name: Arc<str> = "internal-ca.directory".into();
    let place = "internal-ca".to_owned();
    let records = Records::new(&config.state_dir);
    for held in internal_ca::issue::bridges(config) {
        let status = records.status(&held);
        if !rules.renew || !status.managed {
            continue;
        }
        for entry in all.iter_mut() {
            let is_it = matches!(&entry.source, Source::Chain(files) if files.chain == held.chain);
            if is_it {
                let bands = watched(config, &entry.name, "", Kind::ManagedLeaf, Duty::Client);
                entry.shared.kind = bands.kind;
                entry.shared.bands = bands.bands;
                entry.shared.bands_key = bands.bands_key;
                entry.shared.whose = Some(Whose::Automatic);
                // Its failures have an alarm of their own.
                entry.shared.renewal = Some(Renewing {
                    due: status.due.and_then(date::from_unix),
                    failures: 0,
                });
            }
        }
    }
    let mut shared = watched(config, &name, &place, Kind::Ca, Duty::Ca);
    shared.whose = Some(Whose::InternalCa);
    all.push(Entry {
        shared,
        place,
        source: Source::Anchors(rules.directory.join(internal_ca::folder::CA)),
        name,
    });
}

/// The accounts of automatic certificates.
pub(super) fn accounts(config: &Config, all: &mut Vec<Entry>) {
    for acme in &config.acme {
        let name: Arc<str> = format!("acme.{}", acme.name).into();
        let place = Account::object(&acme.name);
        let (kind, duty) = (Kind::AcmeAccount, Duty::AcmeAccount);
        all.push(Entry {
            shared: watched(config, &name, &place, kind, duty),
            place,
            source: Source::Account {
                name: acme.name.clone(),
                directory: acme.directory.clone(),
                folder: Folder::new(&config.state_dir, &acme.name),
            },
            name,
        });
    }
}

/// Hosts and listeners that share a pair of files have one certificate: it ends once, and it is
/// told once, under the name of the first. It has to cover the hosts of all.
pub(super) fn join(all: &mut [Entry]) {
    let mut owners: BTreeMap<PathBuf, ObjectId> = BTreeMap::new();
    let mut joined: BTreeMap<ObjectId, ObjectId> = BTreeMap::new();
    for entry in &*all {
        if let Source::Chain(files) = &entry.source {
            let id = &entry.shared.id;
            let owner = owners.entry(files.chain.clone());
            let owner = owner.or_insert_with(|| id.clone());
            joined.entry(id.clone()).or_insert_with(|| owner.clone());
        }
    }
    let mut wanted: BTreeMap<ObjectId, (Vec<String>, bool)> = BTreeMap::new();
    for entry in &mut *all {
        if let Some(owner) = joined.get(&entry.shared.id) {
            entry.shared.id = owner.clone();
        }
        let (hosts, public) = wanted.entry(entry.shared.id.clone()).or_default();
        *public |= entry.shared.public;
        for host in &entry.shared.hosts {
            if !hosts.contains(host) {
                hosts.push(host.clone());
            }
        }
    }
    for entry in all {
        if let Some((hosts, public)) = wanted.get(&entry.shared.id) {
            entry.shared.hosts.clone_from(hosts);
            entry.shared.public = *public;
        }
    }
}
