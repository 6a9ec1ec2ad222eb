//! All pools by name, and the names by which their upstreams call themselves.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config;
use crate::config::Config;
use crate::outbound::OutboundError;
use crate::outbound::Pool;
use crate::outbound::Upstream;
use crate::outbound::connect::bare;
use crate::telemetry::upstream::UpstreamMetrics;

/// The pools of one configuration. A reload builds new ones; requests under way keep theirs.
pub struct Pools {
    pools: BTreeMap<String, Arc<Pool>>,
    /// Lower case `host` or `host:port`.
    authorities: BTreeSet<String>,
    metrics: Arc<UpstreamMetrics>,
    /// The pool of the other nodes.
    peers: Option<String>,
}

impl Pools {
    /// Builds the pools and reads their TLS files, blocking; nothing is connected yet.
    ///
    /// # Errors
    ///
    /// All that is wrong, at once.
    pub fn build(
        config: &Config,
        telemetry: &Arc<UpstreamMetrics>,
    ) -> Result<Self, Vec<OutboundError>> {
        let mut errors = Vec::new();
        let mut pools = BTreeMap::new();
        let mut authorities = BTreeSet::new();
        for (name, pool) in &config.pools {
            match Pool::build(pool, telemetry) {
                Ok(built) => drop(pools.insert(name.clone(), Arc::new(built))),
                Err(more) => errors.extend(more),
            }
            for upstream in &pool.upstreams {
                authorities.extend(authorities_of(upstream));
            }
        }
        if errors.is_empty() {
            Ok(Self {
                pools,
                authorities,
                metrics: Arc::clone(telemetry),
                peers: config.events.peers.clone(),
            })
        } else {
            Err(errors)
        }
    }

    /// The pool of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Pool>> {
        self.pools.get(name)
    }

    /// Whether `authority` (`host[:port]`) is an upstream, by its address or an alias; compared
    /// without case, and with the ports that `http` and `https` imply.
    #[must_use]
    pub fn is_inner_authority(&self, authority: &str) -> bool {
        self.authorities.contains(&authority.to_ascii_lowercase())
    }

    /// The pool of the other nodes.
    #[must_use]
    pub fn peers(&self) -> Option<&Arc<Pool>> {
        self.get(self.peers.as_deref()?)
    }

    /// Whether every pool of XSPs has an upstream that is fit. A node alone serves too.
    #[must_use]
    pub fn ready(&self) -> bool {
        let pools = self.pools.iter();
        pools
            .filter(|(name, _)| self.peers.as_ref() != Some(*name))
            .all(|(_, pool)| pool.upstreams().iter().any(|upstream| upstream.is_fit()))
    }

    /// Every upstream of every pool.
    pub fn upstreams(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        self.pools.values().flat_map(|pool| pool.upstreams())
    }

    /// Every upstream but the other nodes.
    pub fn upstreams_of_routes(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        let pools = self.pools.iter();
        pools
            .filter(|(name, _)| self.peers.as_ref() != Some(*name))
            .flat_map(|(_, pool)| pool.upstreams())
    }

    /// Removes the series of upstreams that these pools no longer have.
    pub fn forget_other_series(&self) {
        self.metrics.retain(|pool, upstream| {
            self.get(pool).is_some_and(|pool| {
                let mut upstreams = pool.upstreams().iter();
                upstreams.any(|one| &**one.name() == upstream)
            })
        });
    }
}

/// Ports that a URL may leave out.
const IMPLIED_PORTS: [&str; 2] = ["80", "443"];

pub(super) fn authorities_of(upstream: &config::Upstream) -> Vec<String> {
    let own_port = upstream.port.to_string();
    let mut all = spellings(&upstream.host, &own_port);
    for alias in &upstream.aliases {
        match split(alias) {
            (host, Some(port)) => all.extend(spellings(host, port)),
            (host, None) => {
                all.extend(IMPLIED_PORTS.iter().flat_map(|port| spellings(host, port)));
            }
        }
    }
    all
}

/// The spellings of one authority: with its port, and without one that a scheme implies.
fn spellings(host: &str, port: &str) -> Vec<String> {
    let host = bare(host).to_ascii_lowercase();
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host
    };
    let mut all = vec![format!("{host}:{port}")];
    if IMPLIED_PORTS.contains(&port) {
        all.push(host);
    }
    all
}

fn split(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            // The last group of an address without brackets is no port.
            if host.contains(':') && !host.starts_with('[') {
                (authority, None)
            } else {
                (host, Some(port))
            }
        }
        Some(_) | None => (authority, None),
    }
}
