//! From a configuration to a snapshot that can go live. Nothing here has an effect on what runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use crate::app::AppError;
use crate::app::material;
use crate::app::material::Material;
use crate::app::material::Strictness;
use crate::config::Config;
use crate::config::Host;
use crate::config::Listener;
use crate::config::ListenerKind;
use crate::inbound::edge::Edge;
use crate::inbound::edge::ListenerEdge;
use crate::inbound::hosts::HostTable;
use crate::inbound::http::Front;
use crate::outbound::OutboundError;
use crate::outbound::Pools;
use crate::telemetry::Telemetry;
use crate::tls::TlsError;
use crate::tls::host::HostTls;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::auth_desk::DeskError;

/// Builds the pools, reading their TLS files.
///
/// # Errors
/// Every problem at once.
pub fn pools(config: &Config, telemetry: &Telemetry) -> Result<Arc<Pools>, Vec<OutboundError>> {
    Pools::build(config, &telemetry.upstream).map(Arc::new)
}

/// Builds a snapshot from proven material and pools.
///
/// # Errors
/// Every problem at once.
pub fn edge(
    config: &Arc<Config>,
    material: &Material,
    pools: Result<Arc<Pools>, Vec<OutboundError>>,
    desk: Result<Option<AuthDesk>, DeskError>,
    telemetry: &Telemetry,
    previous: Option<&Edge>,
    now: SystemTime,
) -> Result<Edge, Vec<AppError>> {
    let mut problems = Vec::new();
    let mut listeners = Vec::new();
    for listener in &config.listeners {
        match listener_edge(config, listener, material, now) {
            Ok(edge) => listeners.push(edge),
            Err(problem) => problems.push(problem.into()),
        }
    }
    let pools = match pools {
        Ok(pools) => Some(pools),
        Err(found) => {
            problems.extend(found.into_iter().map(AppError::from));
            None
        }
    };
    let desk = match desk {
        Ok(desk) => desk,
        Err(problem) => {
            problems.push(problem.into());
            None
        }
    };
    match pools {
        Some(pools) if problems.is_empty() => Ok(Edge {
            front: Front::new(
                Arc::clone(config),
                Arc::clone(&pools),
                Arc::clone(&telemetry.http),
                &telemetry.events,
                desk.clone(),
                previous.map(|edge| &edge.front),
            ),
            config: Arc::clone(config),
            desk,
            pools,
            listeners,
            trust: material.trust.clone(),
        }),
        _ => Err(problems),
    }
}

/// Everything that a start with this configuration would find wrong, but for the addresses.
/// Nothing is written: a certificate that would be generated is left out.
#[must_use]
pub fn prove(config: &Config, now: SystemTime) -> Vec<AppError> {
    let mut config = config.clone();
    for listener in &mut config.listeners {
        listener.hosts.retain(|host| !host.certificates.is_empty());
    }
    let config = Arc::new(config);
    let telemetry = Telemetry::new();
    let (material, problems) = Material::load(&config, Strictness::AllMustBeGood, now);
    let pools = pools(&config, &telemetry);
    let desk = AuthDesk::prove(&config).into_iter().map(AppError::from);
    if problems.is_empty() {
        let edge = edge(&config, &material, pools, Ok(None), &telemetry, None, now);
        let problems = edge.err().unwrap_or_default();
        return problems.into_iter().chain(desk).collect();
    }
    let pools = pools.err().unwrap_or_default();
    let problems = problems.into_iter().map(AppError::from);
    problems
        .chain(pools.into_iter().map(AppError::from))
        .chain(desk)
        .collect()
}

fn listener_edge(
    config: &Config,
    listener: &Listener,
    material: &Material,
    now: SystemTime,
) -> Result<ListenerEdge, TlsError> {
    let table = HostTable::new(listener.hosts.iter().map(|host| host.names.as_slice()));
    let terminates = listener.kind == ListenerKind::Http && !listener.plaintext;
    let hosts = if terminates {
        listener.hosts.as_slice()
    } else {
        &[]
    };
    let hosts = hosts
        .iter()
        .map(|host| host_tls(config, listener, host, material, now))
        .collect::<Result<_, _>>()?;
    Ok(ListenerEdge { table, hosts })
}

fn host_tls(
    config: &Config,
    listener: &Listener,
    host: &Host,
    material: &Material,
    now: SystemTime,
) -> Result<HostTls, TlsError> {
    let files = material::files_of(config, listener, host, now)?;
    let certificates = files
        .iter()
        .filter_map(|files| material.certificates.get(files))
        .cloned()
        .collect();
    let trust = host
        .client_auth
        .trust
        .as_ref()
        .and_then(|name| material.trust.get(name))
        .cloned();
    HostTls::new(listener, host, certificates, trust)
}

/// Puts what the material tells into the metrics.
pub fn publish(config: &Config, material: &Material, telemetry: &Telemetry) {
    let none = BTreeMap::new();
    let self_signed = if material.self_signed.is_empty() {
        &none
    } else {
        &material.self_signed
    };
    for listener in &config.listeners {
        let hosts = self_signed.get(&listener.name).copied().unwrap_or_default();
        telemetry.edge.self_signed(&listener.name, hosts);
    }
    for set in material.trust.values() {
        for anchor in set.facts() {
            telemetry
                .edge
                .generation_present(set.name(), &anchor.generation);
        }
    }
}
