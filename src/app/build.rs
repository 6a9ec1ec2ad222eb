//! From a configuration to a snapshot that can go live. Nothing here has an effect on what runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use tokio_util::sync::CancellationToken;

use crate::app::AppError;
use crate::app::alarms;
use crate::app::material;
use crate::app::material::Material;
use crate::app::material::OutOfDate;
use crate::app::material::Strictness;
use crate::app::provisioning;
use crate::config::Config;
use crate::config::Environment;
use crate::config::Host;
use crate::config::Listener;
use crate::inbound::edge::Bridges;
use crate::inbound::edge::Edge;
use crate::inbound::edge::ListenerEdge;
use crate::inbound::endpoints::blf::BlfApi;
use crate::inbound::endpoints::blf::Foundation;
use crate::inbound::hosts::HostTable;
use crate::inbound::http::Front;
use crate::outbound::OutboundError;
use crate::outbound::Pools;
use crate::outbound::bridge::Bridge;
use crate::outbound::webhook::Webhook;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::tls::TlsError;
use crate::tls::challenge::Challenges;
use crate::tls::host::HostTls;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::auth_desk::DeskError;
use crate::workers::blf_gate::Operators;
use crate::workers::blf_tracker::BlfBoard;
use crate::workers::blf_tracker::BlfTracker;
use crate::workers::blf_webhook::BlfWebhook;
use crate::workers::ocir_observer;
use crate::workers::webex_partners::PreparedPartners;
use crate::workers::webex_partners::WebexPartners;

/// Builds the pools, reading their TLS files.
///
/// # Errors
/// Every problem at once.
pub fn pools(config: &Config, telemetry: &Telemetry) -> Result<Arc<Pools>, Vec<OutboundError>> {
    Pools::build(config, &telemetry.upstream).map(Arc::new)
}

/// What a snapshot calls: the pools, and the XSPs of CTI listeners.
pub type Outward = (Arc<Pools>, Bridges);

/// Builds the ways to the XSPs of CTI listeners, reading their TLS files; and says what was wrong
/// with those that are missing then.
pub fn bridges(config: &Config) -> (Bridges, Vec<OutboundError>) {
    let (mut bridges, mut problems) = (Bridges::new(), Vec::new());
    for listener in &config.listeners {
        let Some(rules) = &listener.bridge else {
            continue;
        };
        match Bridge::build(&listener.name, rules) {
            Ok(bridge) => drop(bridges.insert(listener.name.clone(), Arc::new(bridge))),
            Err(problem) => problems.push(problem),
        }
    }
    (bridges, problems)
}

/// Builds pools and bridges.
///
/// # Errors
/// Every problem at once.
pub fn outward(config: &Config, telemetry: &Telemetry) -> Result<Outward, Vec<OutboundError>> {
    let (bridges, mut problems) = bridges(config);
    match pools(config, telemetry) {
        Ok(pools) if problems.is_empty() => return Ok((pools, bridges)),
        Ok(_) => {}
        Err(found) => problems.extend(found),
    }
    Err(problems)
}

/// Proves the Webex partners, reading their secrets and TLS files.
///
/// # Errors
/// Every problem at once.
pub fn partners(config: &Config) -> Result<PreparedPartners, Vec<AppError>> {
    let problem = |found: Vec<OutboundError>| found.into_iter().map(AppError::from).collect();
    WebexPartners::prepare(config).map_err(problem)
}

/// Builds a snapshot from proven material and pools.
///
/// # Errors
/// Every problem at once.
pub fn edge(
    config: &Arc<Config>,
    material: &Material,
    outward: Result<Outward, Vec<OutboundError>>,
    desk: Result<Option<AuthDesk>, DeskError>,
    telemetry: &Telemetry,
    previous: Option<&Edge>,
    now: SystemTime,
) -> Result<Edge, Vec<AppError>> {
    let mut problems = Vec::new();
    let mut listeners = Vec::new();
    // The same over all snapshots: a reload in the middle of an order must not forget its answers.
    let challenges = previous.and_then(|edge| edge.listeners.first());
    let challenges = challenges.map_or_else(Arc::default, |held| Arc::clone(&held.challenges));
    for listener in &config.listeners {
        match listener_edge(config, listener, material, &challenges, now) {
            Ok(edge) => listeners.push(edge),
            Err(problem) => problems.push(problem.into()),
        }
    }
    let outward = match outward {
        Ok(outward) => Some(outward),
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
    match outward {
        Some((pools, bridges)) if problems.is_empty() => Ok(Edge {
            front: Front::new(
                Arc::clone(config),
                Arc::clone(&pools),
                Arc::clone(&telemetry.http),
                &telemetry.events,
                desk.clone(),
                previous.map(|edge| &edge.front),
            ),
            adapter: previous.and_then(|edge| edge.adapter.clone()),
            blf: previous.and_then(|edge| edge.blf.clone()),
            config: Arc::clone(config),
            desk,
            operators: None,
            lamps: None,
            webhook: None,
            pools,
            bridges,
            listeners,
            trust: material.trust.clone(),
        }),
        _ => Err(problems),
    }
}

/// What busy lamps need of the running daemon.
#[derive(Clone)]
pub struct LampGround {
    /// The board; `None` while busy lamps are off.
    pub board: Option<BlfBoard>,
    /// Where its questions run.
    pub tasks: Tasks,
    /// Ends every stream.
    pub ends: CancellationToken,
}

/// Adds operators and busy lamps to a snapshot, without an effect on what runs. Blocks on the disk.
///
/// # Errors
/// Every problem at once.
pub fn lamps(
    edge: &mut Edge,
    ground: &LampGround,
    telemetry: &Telemetry,
    previous: Option<&Edge>,
) -> Result<(), Vec<AppError>> {
    let foundation = Foundation {
        board: ground.board.clone(),
        desk: edge.desk.as_ref(),
        pools: &edge.pools,
        tasks: &ground.tasks,
        ends: ground.ends.clone(),
        telemetry,
    };
    let before = previous.and_then(|edge| edge.lamps.as_deref());
    let operators = Operators::read(&edge.config).map(Arc::new);
    let webhook = webhook(&edge.config, ground, telemetry, previous);
    match (operators, webhook) {
        (Ok(operators), Ok(webhook)) => {
            let api = BlfApi::build(&edge.config, Arc::clone(&operators), foundation, before);
            edge.front.show_lamps(api.clone());
            edge.operators = Some(operators);
            edge.lamps = api;
            edge.webhook = webhook;
            Ok(())
        }
        (operators, webhook) => {
            let operators = operators.err().map(AppError::from);
            let webhook = webhook.err().map(AppError::from);
            Err(operators.into_iter().chain(webhook).collect())
        }
    }
}

/// Lets begin what a snapshot that is in force wants to go on; more calls do nothing.
pub fn begin(edge: &Edge) {
    if let (Some(webhook), Some(board)) = (&edge.webhook, &edge.blf) {
        webhook.start(board);
    }
}

fn webhook(
    config: &Config,
    ground: &LampGround,
    telemetry: &Telemetry,
    previous: Option<&Edge>,
) -> Result<Option<Arc<BlfWebhook>>, OutboundError> {
    let wanted = config.blf.as_ref().and_then(|blf| blf.webhook.as_ref());
    let Some(wanted) = wanted else {
        return Ok(None);
    };
    let previous = previous.and_then(|edge| edge.webhook.as_ref());
    let metrics = &telemetry.blf_api;
    BlfWebhook::build(wanted, &ground.tasks, metrics, previous).map(Some)
}

/// What a start with a configuration would come to.
pub struct Proof {
    /// What would stop it.
    pub problems: Vec<AppError>,
    /// What it would use although it is outside of its dates.
    pub out_of_date: Vec<OutOfDate>,
}

/// Everything that a start with this configuration would find wrong, but for the addresses.
/// Nothing is written: a certificate that would be generated is left out.
#[must_use]
pub fn prove(config: &Config, now: SystemTime) -> Proof {
    let mut config = config.clone();
    for listener in &mut config.listeners {
        listener.hosts.retain(|host| !host.certificates.is_empty());
    }
    let config = Arc::new(config);
    let telemetry = Telemetry::new();
    let (mut material, problems) = Material::load(&config, Strictness::AllMustBeGood(None), now);
    let out_of_date = std::mem::take(&mut material.out_of_date);
    let pools = outward(&config, &telemetry);
    let desk = AuthDesk::prove(&config).into_iter().map(AppError::from);
    let blf = BlfTracker::prove(&config).err().map(AppError::from);
    let ocir = ocir_observer::prove(&config)
        .into_iter()
        .map(AppError::from);
    let partners = partners(&config).err().unwrap_or_default();
    let desk = desk.chain(blf).chain(partners).chain(ocir);
    let desk = desk.chain(provisioning::prove(&config));
    let desk = desk.chain(alarms::prove(&config));
    if problems.is_empty() {
        let edge = edge(&config, &material, pools, Ok(None), &telemetry, None, now);
        let problems = edge.err().unwrap_or_default();
        let lamps = lamp_problems(&config);
        return Proof {
            problems: problems.into_iter().chain(desk).chain(lamps).collect(),
            out_of_date,
        };
    }
    let pools = pools.err().unwrap_or_default();
    let problems = problems.into_iter().map(AppError::from);
    let problems = problems
        .chain(pools.into_iter().map(AppError::from))
        .chain(desk)
        .chain(lamp_problems(&config));
    Proof {
        problems: problems.collect(),
        out_of_date,
    }
}

/// What a start would find wrong about the secrets and files of busy lamps.
pub fn lamp_problems(config: &Config) -> impl Iterator<Item = AppError> {
    let webhook = config.blf.as_ref().and_then(|blf| blf.webhook.as_ref());
    let webhook = webhook.map(|webhook| Webhook::new(webhook, &Environment::process()));
    let webhook = webhook.and_then(Result::err).map(AppError::from);
    let operators = Operators::read(config).err().map(AppError::from);
    operators.into_iter().chain(webhook)
}

fn listener_edge(
    config: &Config,
    listener: &Listener,
    material: &Material,
    challenges: &Arc<Challenges>,
    now: SystemTime,
) -> Result<ListenerEdge, TlsError> {
    let table = HostTable::new(listener.hosts.iter().map(|host| host.names.as_slice()));
    let hosts = if listener.terminates_tls() {
        listener.hosts.as_slice()
    } else {
        &[]
    };
    let hosts = hosts
        .iter()
        .map(|host| host_tls(config, listener, host, material, now))
        .collect::<Result<_, _>>()?;
    Ok(ListenerEdge {
        table,
        hosts,
        challenges: Arc::clone(challenges),
    })
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

/// Starts the health checks of the pools; the token ends them.
pub fn begin_checks(edge: &Edge, tasks: &Tasks) -> CancellationToken {
    let pools = tasks.stop().child_token();
    edge.pools.start(tasks, pools.clone());
    pools
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
