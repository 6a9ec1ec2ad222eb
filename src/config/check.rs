//! From what was written to what is proven, with every problem of the run at once.
//!
//! A part that fails is replaced by its default so that the rest can be judged too; such a
//! configuration never leaves this room, because its problems come with it.

mod acme;
mod alarm_sink;
mod alarms;
mod at;
mod auth;
mod blf;
mod bridge;
mod certificates;
mod edge;
mod events;
mod host;
mod internal_ca;
mod jobs;
mod listener;
mod ocir;
mod operations;
mod passthrough;
mod pool;
mod provisioning;
mod route;
mod rules;
mod store;
mod suites;
mod template;
mod webex;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::PathBuf;

use tracing_subscriber::EnvFilter;

use crate::config::Admin;
use crate::config::CertificateFiles;
use crate::config::Config;
use crate::config::Drain;
use crate::config::Listener;
use crate::config::Log;
use crate::config::LogFormat;
use crate::config::Problem;
use crate::config::Provisioning;
use crate::config::Template;
use crate::config::TrustSet;
use crate::config::Watch;
use crate::config::WebexPartner;
use crate::config::check::at::At;
use crate::config::check::at::Sink;
use crate::config::check::listener::Known;
use crate::config::raw;
use crate::config::raw::Raw;
use crate::config::secret::SECRET_FORM;
use crate::config::values;
use crate::config::values::wrong;

pub(super) use auth::is_loopback;
pub(super) use route::BUILT_IN;
pub(super) use suites::name as suite_name;

/// Port of the admin listener.
const ADMIN_PORT: u16 = 9090;

/// Where a package keeps its state (Filesystem Hierarchy Standard, "/var/lib").
const STATE_DIR: &str = "/var/lib/xspd";

/// What a check came to.
pub(super) struct Checked {
    /// May be used only when there are no problems.
    pub(super) config: Config,
    /// What is wrong.
    pub(super) problems: Vec<Problem>,
    /// What works but is not what most want.
    pub(super) warnings: Vec<Problem>,
}

/// Checks everything.
pub(super) fn check(raw: &Raw) -> Checked {
    let sink = Sink::default();
    let at = At::root(&sink);
    let trust = trust_sets(&at, raw);
    let pools = pool::pools(&at, raw.pool.as_deref());
    let native = auth::is_native(raw);
    let routes = route::routes(&at, raw.route.as_deref(), &pools, native);
    let admin = admin(&at.key("admin"), raw.admin.as_ref());
    let known = Known {
        trust: &trust,
        routes: &routes,
    };
    let listeners = listener::listeners(&at, raw.listener.as_deref(), &known);
    listener::addresses(&at, raw.listener.as_deref(), &listeners, &admin);
    let answered = route::Answered {
        auth_service: native,
        lamps: raw.blf.is_some(),
    };
    let routes = route::with_pool(&at, routes, &pools, &listeners, answered);
    let state_dir = state_dir(&at, raw);
    let forwarding = edge::forwarding(&at.key("forwarding"), raw.forwarding.as_ref());
    let scene = auth::Scene {
        state_dir: &state_dir,
        admin: &admin,
        routes: &routes,
        listeners: &listeners,
        forwarding: &forwarding,
    };
    let auth_service = auth::auth_service(&at, raw, &scene);
    let blf = blf::blf(&at, raw, &pools);
    let events = events::events(&at.key("events"), raw.events.as_ref(), &pools);
    events::not_for_routes(&at.key("events"), &events, &routes);
    let store = store::store(&at.key("store"), raw.store.as_ref(), &state_dir);
    let partners = webex::partners(&at, raw.webex_partner.as_deref());
    let (provisioning, templates) = provisioned(&at, raw, &listeners, &partners);
    let (certificates, watched_certificates, maintenance) = certificates::all(&at, raw);
    let config = Config {
        state_dir,
        log: log(&at.key("log"), raw.log.as_ref()),
        admin,
        drain: drain(&at.key("drain"), raw.drain.as_ref()),
        watch: watch(&at.key("watch"), raw.watch.as_ref()),
        trust,
        pools,
        routes,
        policy: edge::policy(&at.key("policy"), raw.policy.as_ref()),
        cors: edge::cors(&at.key("cors"), raw.cors.as_ref()),
        forwarding,
        events,
        application_server: auth::server(&at, raw),
        ocir: ocir::ocir(&at, raw.ocir.as_ref()),
        auth_service,
        blf,
        store,
        webex_partners: partners,
        provisioning,
        templates,
        alarms: alarms::alarms(&at.key("alarms"), raw.alarms.as_ref()),
        alarm_sinks: alarm_sink::sinks(&at, raw.alarm_sink.as_deref()),
        certificates,
        watched_certificates,
        maintenance,
        acme: acme::acme(&at, raw.acme.as_deref(), &listeners),
        internal_ca: internal_ca::internal_ca(&at.key("internal-ca"), raw.internal_ca.as_ref()),
        listeners,
    };
    checked(config, sink)
}

fn checked(config: Config, sink: Sink) -> Checked {
    let (problems, warnings) = sink.into_parts();
    Checked {
        config,
        problems,
        warnings,
    }
}

fn provisioned(
    at: &At<'_>,
    raw: &Raw,
    listeners: &[Listener],
    partners: &BTreeMap<String, WebexPartner>,
) -> (Provisioning, Vec<Template>) {
    let shared = provisioning::provisioning(&at.key("provisioning"), raw.provisioning.as_ref());
    let written = raw.template.as_deref();
    let templates = provisioning::templates(at, written, &shared, listeners, partners);
    (shared, templates)
}

fn state_dir(at: &At<'_>, raw: &Raw) -> PathBuf {
    at.text("state-dir", raw.state_dir.as_deref(), values::path)
        .unwrap_or_else(|| PathBuf::from(STATE_DIR))
}

fn log(at: &At<'_>, raw: Option<&raw::Log>) -> Log {
    let filter = |text: &str| match EnvFilter::builder().parse(text) {
        Ok(_) if !text.trim().is_empty() => Ok(text.to_owned()),
        Ok(_) | Err(_) => wrong(
            "not a filter",
            "directives such as \"info\" or \"info,xspd::inbound=debug\"",
        ),
    };
    Log {
        format: raw.and_then(|r| r.format).unwrap_or(LogFormat::Text),
        filter: at
            .text("filter", raw.and_then(|r| r.filter.as_deref()), filter)
            .unwrap_or_else(|| "info".to_owned()),
    }
}

fn admin(at: &At<'_>, raw: Option<&raw::Admin>) -> Admin {
    let remote = raw.and_then(|r| r.allow_remote).unwrap_or(false);
    let written = raw.and_then(|r| r.address.as_deref());
    let address = |text: &str| match values::address(text)? {
        address if address.ip().is_loopback() || remote => Ok(address),
        _ => wrong(
            "others could reach it, and it has neither TLS nor a password",
            "a loopback address, or `allow-remote = true` behind a firewall",
        ),
    };
    Admin {
        address: at
            .text("address", written, address)
            .unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, ADMIN_PORT))),
    }
}

fn drain(at: &At<'_>, raw: Option<&raw::Drain>) -> Drain {
    let of = |f: fn(&raw::Drain) -> Option<&raw::DurationText>| raw.and_then(f);
    Drain {
        settle: at.duration("settle", of(|r| r.settle.as_ref()), &rules::SETTLE),
        deadline: at.duration("deadline", of(|r| r.deadline.as_ref()), &rules::DEADLINE),
    }
}

fn watch(at: &At<'_>, raw: Option<&raw::Watch>) -> Watch {
    let of = |f: fn(&raw::Watch) -> Option<&raw::DurationText>| raw.and_then(f);
    Watch {
        poll: at.duration("poll", of(|r| r.poll.as_ref()), &rules::POLL),
        debounce: at.duration("debounce", of(|r| r.debounce.as_ref()), &rules::DEBOUNCE),
    }
}

fn trust_sets(at: &At<'_>, raw: &Raw) -> BTreeMap<String, TrustSet> {
    let name = |set: &raw::TrustSet| set.name.clone();
    let sets = at.named("trust", raw.trust.as_deref(), name, |at, name, set| {
        let files = at.list("files", set.files.as_deref(), values::path);
        let directory = at.text("directory", set.directory.as_deref(), values::path);
        if set.files.as_ref().is_none_or(Vec::is_empty) && set.directory.is_none() {
            at.refuse("has no anchors", "`files`, `directory` or both");
        }
        TrustSet {
            name,
            files,
            directory,
            // webpki accepts an ended anchor for ever; an operator expects the end to count.
            refuse_expired: set.refuse_expired.unwrap_or(true),
        }
    });
    sets.into_iter()
        .map(|set| (set.name.clone(), set))
        .collect()
}

/// A chain with its key; `None` after a problem.
fn certificate(at: &At<'_>, raw: &raw::CertificateFiles) -> Option<CertificateFiles> {
    let chain = at.required("chain", raw.chain.as_deref(), "a PEM file", values::path);
    if raw.key.is_none() {
        at.key("key").refuse("missing", SECRET_FORM);
    }
    let key = at.secret("key", raw.key.as_ref());
    Some(CertificateFiles {
        chain: chain?,
        key: key?,
    })
}

#[cfg(test)]
mod tests;
