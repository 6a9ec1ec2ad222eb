//! From the proven configuration back to the written form, with every default spelled out.
//!
//! Every struct is taken apart without `..`, so that a new field must be written too.

mod acme;
mod alarm_sink;
mod alarms;
mod auth;
mod blf;
mod certificates;
mod edge;
mod events;
mod listener;
mod ocir;
mod operations;
mod pool;
mod provisioning;
mod store;
mod webex;

use std::time::Duration;

use crate::config;
use crate::config::CertificateFiles;
use crate::config::Config;
use crate::config::raw;
use crate::config::raw::DurationText;
use crate::config::raw::Raw;
use crate::config::raw::SecretText;
use crate::config::raw::SizeText;
use crate::config::values;
use crate::config::write::acme::acme;
use crate::config::write::alarm_sink::alarm_sink;
use crate::config::write::alarms::alarms;
use crate::config::write::auth::application_server;
use crate::config::write::auth::auth_service;
use crate::config::write::blf::blf;
use crate::config::write::certificates::certificate as watched;
use crate::config::write::certificates::certificates;
use crate::config::write::certificates::internal_ca;
use crate::config::write::certificates::maintenance;
use crate::config::write::edge::cors;
use crate::config::write::edge::forwarding;
use crate::config::write::edge::policy;
use crate::config::write::edge::route;
use crate::config::write::events::events;
use crate::config::write::listener::listener;
use crate::config::write::ocir::ocir;
use crate::config::write::pool::pool;
use crate::config::write::provisioning::provisioning;
use crate::config::write::provisioning::template;
use crate::config::write::store::store;
use crate::config::write::webex::partner;

/// The whole configuration as an operator could have written it.
pub(super) fn write(config: &Config) -> Raw {
    let Config {
        state_dir,
        log,
        admin,
        drain,
        watch,
        trust,
        pools,
        routes,
        policy: edge_policy,
        cors: answers,
        forwarding: headers,
        events: channels,
        application_server: server,
        ocir: reports,
        auth_service: service,
        blf: lamps,
        store: kept,
        webex_partners,
        provisioning: shared,
        templates,
        alarms: board,
        alarm_sinks,
        certificates: watch_rules,
        watched_certificates,
        maintenance: renewals,
        acme: automatic,
        internal_ca: own_ca,
        listeners,
    } = config;
    Raw {
        state_dir: Some(state_dir.display().to_string()),
        log: Some(log_lines(log)),
        admin: Some(admin_listener(admin)),
        drain: Some(ending(drain)),
        watch: Some(watching(watch)),
        trust: Some(trust.values().map(trust_set).collect()),
        pool: Some(pools.values().map(pool).collect()),
        route: Some(routes.values().map(route).collect()),
        policy: Some(policy(edge_policy)),
        cors: Some(cors(answers)),
        forwarding: Some(forwarding(headers)),
        events: Some(events(channels)),
        application_server: server.as_ref().map(application_server),
        ocir: reports.as_ref().map(ocir),
        auth_service: Some(auth_service(service.as_ref())),
        blf: lamps.as_ref().map(blf),
        store: Some(store(kept)),
        webex_partner: Some(webex_partners.values().map(partner).collect()),
        provisioning: Some(provisioning(shared)),
        template: Some(templates.iter().map(template).collect()),
        alarms: Some(alarms(board)),
        alarm_sink: Some(alarm_sinks.iter().map(alarm_sink).collect()),
        certificates: Some(certificates(watch_rules)),
        certificate: Some(watched_certificates.iter().map(watched).collect()),
        maintenance: Some(maintenance(renewals)),
        acme: Some(automatic.iter().map(acme).collect()),
        internal_ca: own_ca.as_ref().map(internal_ca),
        listener: Some(listeners.iter().map(listener).collect()),
    }
}

fn log_lines(log: &config::Log) -> raw::Log {
    let config::Log { format, filter } = log;
    raw::Log {
        format: Some(*format),
        filter: Some(filter.clone()),
    }
}

fn admin_listener(admin: &config::Admin) -> raw::Admin {
    let config::Admin { address } = admin;
    raw::Admin {
        address: Some(address.to_string()),
        allow_remote: Some(!address.ip().is_loopback()),
    }
}

fn ending(drain: &config::Drain) -> raw::Drain {
    let config::Drain { settle, deadline } = drain;
    raw::Drain {
        settle: time(*settle),
        deadline: time(*deadline),
    }
}

fn watching(watch: &config::Watch) -> raw::Watch {
    let config::Watch { poll, debounce } = watch;
    raw::Watch {
        poll: time(*poll),
        debounce: time(*debounce),
    }
}

fn trust_set(set: &config::TrustSet) -> raw::TrustSet {
    let config::TrustSet {
        name,
        files,
        directory,
        refuse_expired,
    } = set;
    raw::TrustSet {
        name: Some(name.clone()),
        files: Some(
            files
                .iter()
                .map(|file| file.display().to_string())
                .collect(),
        ),
        directory: directory.as_ref().map(|path| path.display().to_string()),
        refuse_expired: Some(*refuse_expired),
    }
}

fn certificate(files: &CertificateFiles) -> raw::CertificateFiles {
    let CertificateFiles { chain, key } = files;
    raw::CertificateFiles {
        chain: Some(chain.display().to_string()),
        key: Some(SecretText(key.to_string())),
    }
}

fn time(duration: Duration) -> Option<DurationText> {
    Some(DurationText(values::duration_text(duration)))
}

fn size(bytes: u64) -> Option<SizeText> {
    Some(values::size_text(bytes))
}

fn number(number: impl TryInto<i64>) -> Option<i64> {
    number.try_into().ok()
}
