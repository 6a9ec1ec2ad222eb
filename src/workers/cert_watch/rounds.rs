//! One round of handshakes, several at once.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use futures_util::StreamExt as _;
use futures_util::stream;

use crate::config::Config;
use crate::domain::certs::inventory::Watched;
use crate::domain::certs::source::Place;
use crate::domain::certs::source::PlaceKind;
use crate::domain::certs::source::SourceFault;
use crate::domain::certs::watchlist::Absence;
use crate::domain::certs::watchlist::Round;
use crate::domain::certs::watchlist::Scan;
use crate::domain::certs::watchlist::Seen;
use crate::domain::certs::watchlist::Sighting;
use crate::domain::ids::Fingerprint;
use crate::tls::probe::Presented;
use crate::workers::cert_watch::entries;
use crate::workers::cert_watch::entries::Entry;
use crate::workers::cert_watch::entries::Source;
use crate::workers::cert_watch::glances::Glances;
use crate::workers::cert_watch::peers;
use crate::workers::cert_watch::peers::Anchors;
use crate::workers::cert_watch::probe;
use crate::workers::cert_watch::probe::Manner;
use crate::workers::cert_watch::probe::Target;
use crate::workers::cert_watch::prober;
use crate::workers::cert_watch::scan;

/// What the files hold: of each entry which object has which leaf, and the CAs that peers are
/// believed by.
#[derive(Debug, Clone, Default)]
pub struct Leaves {
    held: BTreeMap<Arc<str>, Vec<(Arc<Watched>, Fingerprint)>>,
    anchors: Anchors,
}

impl Leaves {
    /// Of no file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// A name that a wildcard or `*` covers, to ask for.
const ANY_LABEL: &str = "certificate-watch";

/// The leaves that a round over files found.
#[must_use]
pub fn leaves(scan: &Scan) -> Leaves {
    let mut leaves = Leaves {
        held: BTreeMap::new(),
        anchors: peers::anchors(scan),
    };
    for sighting in &scan.sightings {
        if let Ok(Seen::Chain(chain)) = &sighting.seen
            && let Some(leaf) = chain.leaf()
        {
            let held = leaves
                .held
                .entry(Arc::clone(&sighting.watched.entry))
                .or_default();
            held.push((Arc::clone(&sighting.watched), leaf.fingerprint));
        }
    }
    leaves
}

/// What is known of ourselves.
#[derive(Debug, Clone, Copy)]
pub struct Ours<'a> {
    /// Our listeners and the addresses that they took.
    pub addresses: &'a [(String, SocketAddr)],
    /// What the files hold.
    pub leaves: &'a Leaves,
    /// Where our own handshakes are noted.
    pub glances: &'a Glances,
}

struct Job {
    entry: Entry,
    errand: Errand,
    kind: PlaceKind,
}

/// Whom to ask.
enum Errand {
    /// A peer, with a handshake of our own.
    Handshake(Target),
    /// A prober, with its own.
    Outside(String),
}

impl Errand {
    /// Where it leads, as people write it.
    fn address(&self) -> String {
        match self {
            Self::Handshake(target) => target.address(),
            Self::Outside(target) => format!("{target} as seen outside"),
        }
    }
}

/// What came back.
enum Answer {
    Chain(Result<Presented, SourceFault>),
    Dates(Result<Seen, SourceFault>),
}

/// Asks our own listeners and every peer. Reads what is kept of renewals, so it blocks at first.
pub async fn probes(config: &Config, ours: Ours<'_>, now: SystemTime) -> Scan {
    ask(config, entries::entries(config), ours, now).await
}

/// Asks the listeners and peers of these entries.
pub(super) async fn ask(
    config: &Config,
    entries: Vec<Entry>,
    ours: Ours<'_>,
    now: SystemTime,
) -> Scan {
    let jobs: Vec<Job> = entries
        .into_iter()
        .map(|mut entry| {
            if matches!(entry.source, Source::Probe(_)) {
                let believed = peers::of(config, &ours.leaves.anchors, &entry.name);
                entry.shared.believed = believed;
            }
            entry
        })
        .flat_map(|entry| jobs(entry, ours.addresses))
        .collect();
    let mut scan = Scan {
        round: Round::Probes,
        entries: BTreeMap::new(),
        sightings: Vec::new(),
    };
    for job in &jobs {
        // A node that the configuration no longer names is gone on purpose.
        let name = Arc::clone(&job.entry.name);
        scan.entries.insert(name, Absence::Gone);
    }
    let patience = config.certificates.probe_timeout;
    let asked = stream::iter(jobs.into_iter().map(|job| async move {
        let answer = match (&job.errand, &config.certificates.prober) {
            (Errand::Handshake(target), _) => {
                Answer::Chain(probe::ask(target, ours.glances, patience).await)
            }
            (Errand::Outside(target), Some(prober)) => {
                Answer::Dates(prober::ask(prober, target, patience).await)
            }
            (Errand::Outside(_), None) => Answer::Dates(Err(SourceFault::ProberStrange)),
        };
        (job, answer)
    }));
    let mut answers = asked.buffer_unordered(config.certificates.probe_concurrency);
    while let Some((job, answer)) = answers.next().await {
        scan.sightings.push(match answer {
            Answer::Chain(presented) => sighting(&job, presented, ours.leaves, now),
            Answer::Dates(seen) => Sighting {
                place: Place::new(job.kind, job.errand.address()),
                watched: Arc::new(job.entry.shared.clone()),
                seen,
            },
        });
    }
    scan
}

fn jobs(entry: Entry, addresses: &[(String, SocketAddr)]) -> Vec<Job> {
    let targets: Vec<(Target, PlaceKind)> = match &entry.source {
        Source::Probe(nodes) => {
            let target = |asked: &entries::Asked| Target {
                host: asked.host.clone(),
                port: asked.port,
                name: asked.name.clone(),
                manner: Manner::Complete,
            };
            let nodes = nodes.iter().map(target);
            nodes.map(|target| (target, PlaceKind::Probe)).collect()
        }
        Source::Served { listener, host } => {
            // One of its addresses stands for all: they share what they serve.
            let address = addresses.iter().find(|(name, _)| name == listener);
            let target = address.map(|(_, address)| {
                let ip = reachable(address.ip());
                Target {
                    host: ip.to_string(),
                    port: address.port(),
                    name: asked_name(host, ip),
                    manner: Manner::Glance,
                }
            });
            let target = target.into_iter();
            target.map(|target| (target, PlaceKind::Served)).collect()
        }
        Source::Outside(target) => {
            return vec![Job {
                errand: Errand::Outside(target.clone()),
                kind: PlaceKind::Probe,
                entry,
            }];
        }
        Source::Account { .. }
        | Source::Anchors(_)
        | Source::Bundles { .. }
        | Source::Chain(_)
        | Source::Crls(_)
        | Source::Declared { .. }
        | Source::Keys(_)
        | Source::TrustSet(_) => Vec::new(),
    };
    let job = |(target, kind)| Job {
        entry: entry.clone(),
        errand: Errand::Handshake(target),
        kind,
    };
    targets.into_iter().map(job).collect()
}

/// An address that listens on all is asked on loopback.
const fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(v4) if v4.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(v6) if v6.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    }
}

fn asked_name(host: &str, ip: IpAddr) -> String {
    match host.strip_prefix('*') {
        // No name at all falls to the host that takes every name.
        Some("") => ip.to_string(),
        Some(rest) => format!("{ANY_LABEL}{rest}"),
        None => host.to_owned(),
    }
}

fn sighting(
    job: &Job,
    presented: Result<Presented, SourceFault>,
    leaves: &Leaves,
    now: SystemTime,
) -> Sighting {
    let mut watched = Arc::new(job.entry.shared.clone());
    // A host with certificates of two kinds serves either: it counts for the one that it is.
    if let (Ok(presented), Some(held)) = (&presented, leaves.held.get(&job.entry.name))
        && job.kind == PlaceKind::Served
        && let Some(leaf) = presented.first().map(|der| Fingerprint::of(der))
        && let Some((same, _)) = held.iter().find(|(_, print)| *print == leaf)
    {
        watched = Arc::clone(same);
    }
    let seen = presented.and_then(|chain| {
        let seen = scan::judged(&chain, &watched, now)?;
        Ok(Seen::Chain(Arc::new(seen)))
    });
    Sighting {
        place: Place::new(job.kind, job.errand.address()),
        watched,
        seen,
    }
}
