//! Which class each key has.
//!
//! Every struct is taken apart without `..`: a field that nobody classed does not compile.

mod acme;
mod alarm_sink;
mod alarms;
mod auth;
mod blf;
mod bridge;
mod certificates;
mod events;
mod ocir;
mod operations;
mod provisioning;
mod store;
mod webex;

use std::collections::BTreeMap;

use crate::config::Admin;
use crate::config::CertificateFiles;
use crate::config::ClientAuth;
use crate::config::Config;
use crate::config::Drain;
use crate::config::Ejection;
use crate::config::Forwarding;
use crate::config::HealthCheck;
use crate::config::Host;
use crate::config::Limits;
use crate::config::Listener;
use crate::config::Log;
use crate::config::PassthroughTarget;
use crate::config::Policy;
use crate::config::Pool;
use crate::config::Route;
use crate::config::TlsParameters;
use crate::config::TrustSet;
use crate::config::Upstream;
use crate::config::UpstreamTls;
use crate::config::Watch;
use crate::config::change::At;
use crate::config::change::ChangeClass;

/// Takes both sides of a struct apart and compares the fields, each with its class and key; then
/// the structs inside it, each with its key and the function that walks it.
macro_rules! compare {
    ($at:ident, $struct:ident, $old:ident, $new:ident; $($class:ident $field:ident $key:literal),+ $(,)?
     $(; $($inner:ident $name:literal $walk:ident),+ $(,)?)?) => {
        let $struct { $($field),+ $(, $($inner),+)? } = $old;
        $($at.compare($key, $field, &$new.$field, ChangeClass::$class);)+
        $($($at.inside($name, $inner, &$new.$inner, $walk);)+)?
    };
}

use compare;

/// The whole configuration.
pub(super) fn config(at: &mut At<'_>, old: &Config, new: &Config) {
    let Config {
        state_dir,
        log: old_log,
        admin: old_admin,
        drain: old_drain,
        watch: old_watch,
        trust,
        pools,
        routes,
        policy: old_policy,
        cors,
        forwarding: old_forwarding,
        events: old_events,
        application_server,
        ocir: reports,
        auth_service,
        blf: lamps,
        store: old_store,
        webex_partners: partners,
        provisioning: old_provisioning,
        templates,
        alarms: board,
        alarm_sinks,
        certificates: watch_rules,
        watched_certificates,
        maintenance: renewals,
        acme: automatic,
        internal_ca,
        listeners,
    } = old;
    at.compare("state-dir", state_dir, &new.state_dir, ChangeClass::Restart);
    at.inside("log", old_log, &new.log, log);
    at.inside("admin", old_admin, &new.admin, admin);
    at.inside("drain", old_drain, &new.drain, drain);
    at.inside("watch", old_watch, &new.watch, watch);
    sets(at, (trust, pools, routes), new);
    at.inside("policy", old_policy, &new.policy, policy);
    at.compare("cors", cors, &new.cors, ChangeClass::Live);
    at.inside("forwarding", old_forwarding, &new.forwarding, forwarding);
    at.inside("events", old_events, &new.events, events::events);
    let (server, other) = (application_server, &new.application_server);
    let walk = auth::application_server;
    at.inside("application-server", server, other, walk);
    at.inside("ocir", reports, &new.ocir, ocir::ocir);
    let other = &new.auth_service;
    at.inside("auth-service", auth_service, other, auth::auth_service);
    at.inside("blf", lamps, &new.blf, blf::blf);
    at.inside("store", old_store, &new.store, store::store);
    let (old, others) = (partners.iter(), new.webex_partners.iter());
    at.named(
        "webex-partner",
        old,
        others,
        ChangeClass::Live,
        webex::partner,
    );
    let shared = &new.provisioning;
    let walk = provisioning::provisioning;
    at.inside("provisioning", old_provisioning, shared, walk);
    provisioning::templates(at, templates, &new.templates);
    at.inside("alarms", board, &new.alarms, alarms::alarms);
    alarm_sink::sinks(at, alarm_sinks, &new.alarm_sinks);
    certificates::all(at, (watch_rules, watched_certificates, renewals), new);
    acme::all(at, automatic, &new.acme);
    let other = &new.internal_ca;
    at.inside("internal-ca", internal_ca, other, certificates::internal_ca);
    let old = listeners.iter().map(|l| (&l.name, l));
    let new = new.listeners.iter().map(|l| (&l.name, l));
    at.named("listener", old, new, ChangeClass::Restart, listener);
}

/// Trust sets, pools and routes, each by its name.
type Sets<'a> = (
    &'a BTreeMap<String, TrustSet>,
    &'a BTreeMap<String, Pool>,
    &'a BTreeMap<String, Route>,
);

fn sets(at: &mut At<'_>, (trust, pools, routes): Sets<'_>, new: &Config) {
    at.named(
        "trust",
        trust.iter(),
        new.trust.iter(),
        ChangeClass::Live,
        trust_set,
    );
    at.named(
        "pool",
        pools.iter(),
        new.pools.iter(),
        ChangeClass::Live,
        pool,
    );
    at.named(
        "route",
        routes.iter(),
        new.routes.iter(),
        ChangeClass::Live,
        route,
    );
}

fn log(at: &mut At<'_>, old: &Log, new: &Log) {
    compare!(at, Log, old, new; Restart format "format", Live filter "filter");
}

fn admin(at: &mut At<'_>, old: &Admin, new: &Admin) {
    compare!(at, Admin, old, new; Restart address "address");
}

fn drain(at: &mut At<'_>, old: &Drain, new: &Drain) {
    compare!(at, Drain, old, new; Live settle "settle", Live deadline "deadline");
}

fn watch(at: &mut At<'_>, old: &Watch, new: &Watch) {
    compare!(at, Watch, old, new; Live poll "poll", Live debounce "debounce");
}

fn trust_set(at: &mut At<'_>, old: &TrustSet, new: &TrustSet) {
    compare!(at, TrustSet, old, new;
        Live name "name",
        Live files "files",
        Live directory "directory",
        Live refuse_expired "refuse-expired",
    );
}

fn pool(at: &mut At<'_>, old: &Pool, new: &Pool) {
    let Pool {
        name,
        upstreams,
        affinity,
        health: old_health,
        ejection: old_ejection,
        connect_timeout,
        keep_alive,
        connections,
    } = old;
    at.compare("name", name, &new.name, ChangeClass::Live);
    let old = upstreams.iter().map(|u| (&u.name, u));
    let others = new.upstreams.iter().map(|u| (&u.name, u));
    at.named("upstream", old, others, ChangeClass::Live, upstream);
    at.compare("affinity", affinity, &new.affinity, ChangeClass::Live);
    at.inside("health", old_health, &new.health, health);
    at.inside("ejection", old_ejection, &new.ejection, ejection);
    let connect = &new.connect_timeout;
    at.compare(
        "connect-timeout",
        connect_timeout,
        connect,
        ChangeClass::Live,
    );
    at.compare("keep-alive", keep_alive, &new.keep_alive, ChangeClass::Live);
    at.compare(
        "connections",
        connections,
        &new.connections,
        ChangeClass::Live,
    );
}

fn upstream(at: &mut At<'_>, old: &Upstream, new: &Upstream) {
    let Upstream {
        name,
        host,
        port,
        tls,
        host_header,
        aliases,
    } = old;
    at.compare("name", name, &new.name, ChangeClass::Live);
    if let (Some(old), Some(new)) = (tls, &new.tls) {
        upstream_tls(at, old, new);
    }
    let address = (host, port, tls.is_some());
    let other = (&new.host, &new.port, new.tls.is_some());
    at.compare("url", &address, &other, ChangeClass::Live);
    at.compare(
        "host-header",
        host_header,
        &new.host_header,
        ChangeClass::Live,
    );
    at.compare("aliases", aliases, &new.aliases, ChangeClass::Live);
}

fn upstream_tls(at: &mut At<'_>, old: &UpstreamTls, new: &UpstreamTls) {
    compare!(at, UpstreamTls, old, new;
        Live ca "ca",
        Live pins "spki-pins",
        Live server_name "server-name",
        Live client_certificate "client-certificate",
    );
}

fn health(at: &mut At<'_>, old: &HealthCheck, new: &HealthCheck) {
    compare!(at, HealthCheck, old, new;
        Live path "path",
        Live interval "interval",
        Live timeout "timeout",
        Live rise "rise",
        Live fall "fall",
    );
}

fn ejection(at: &mut At<'_>, old: &Ejection, new: &Ejection) {
    compare!(at, Ejection, old, new; Live failures "failures", Live time "time");
}

fn route(at: &mut At<'_>, old: &Route, new: &Route) {
    compare!(at, Route, old, new;
        Live name "name",
        Live prefix "prefix",
        Live kind "kind",
        Live pool "pool",
        Live response_timeout "response-timeout",
        Live idle_timeout "idle-timeout",
        Live require_client_certificate "require-client-certificate",
    );
}

fn policy(at: &mut At<'_>, old: &Policy, new: &Policy) {
    compare!(at, Policy, old, new;
        Live call_me_now "call-me-now",
        Live outgoing_dial "outgoing-dial",
        Live version_1 "version-1",
        Live password_change "password-change",
        Live device_token "device-token",
        Live system "system",
        Live route_point "route-point",
        Live call_center "call-center",
        Live group "group",
        Live rate "rate",
        Live user_rate "user-rate",
        Live guessing "guessing",
    );
}

fn forwarding(at: &mut At<'_>, old: &Forwarding, new: &Forwarding) {
    compare!(at, Forwarding, old, new;
        Live identity_header "identity-header",
        Live drop_headers "drop-headers",
        Live trusted_proxies "trusted-proxies",
    );
}

fn listener(at: &mut At<'_>, old: &Listener, new: &Listener) {
    let Listener {
        name,
        kind,
        addresses,
        plaintext,
        http2,
        tls: old_tls,
        hosts,
        passthrough: targets,
        bridge,
        allow,
        limits: old_limits,
    } = old;
    at.compare("name", name, &new.name, ChangeClass::Restart);
    at.compare("kind", kind, &new.kind, ChangeClass::Restart);
    at.compare("addresses", addresses, &new.addresses, ChangeClass::Restart);
    at.compare("plaintext", plaintext, &new.plaintext, ChangeClass::Restart);
    at.compare("http2", http2, &new.http2, ChangeClass::Live);
    at.inside("tls", old_tls, &new.tls, tls);
    at.compare("allow", allow, &new.allow, ChangeClass::Live);
    at.inside("limits", old_limits, &new.limits, limits);
    at.listed("host", hosts, &new.hosts, host);
    at.listed("passthrough", targets, &new.passthrough, passthrough);
    at.inside("bridge", bridge, &new.bridge, bridge::bridge);
}

fn tls(at: &mut At<'_>, old: &TlsParameters, new: &TlsParameters) {
    compare!(at, TlsParameters, old, new;
        Live minimum "minimum",
        Live suites "cipher-suites",
        Live groups "groups",
        Live post_quantum "post-quantum",
    );
}

fn limits(at: &mut At<'_>, old: &Limits, new: &Limits) {
    compare!(at, Limits, old, new;
        Live handshake_timeout "handshake-timeout",
        Live header_timeout "header-timeout",
        Live header_bytes "header-bytes",
        Live header_count "header-count",
        Live body_bytes "body-bytes",
        Live body_timeout "body-timeout",
        Live idle_timeout "idle-timeout",
        Live connections "connections",
        Live connections_per_address "connections-per-address",
        Live uploads_per_address "uploads-per-address",
        Live http2_streams "http2-streams",
    );
}

fn host(at: &mut At<'_>, old: &Host, new: &Host) {
    let Host {
        names,
        certificates: files,
        client_auth,
        routes,
    } = old;
    at.compare("names", names, &new.names, ChangeClass::Live);
    at.listed("certificates", files, &new.certificates, certificate);
    // Its keys stand beside those of the host.
    self::client_auth(at, client_auth, &new.client_auth);
    at.compare("routes", routes, &new.routes, ChangeClass::Live);
}

fn certificate(at: &mut At<'_>, old: &CertificateFiles, new: &CertificateFiles) {
    compare!(at, CertificateFiles, old, new; Live chain "chain", Live key "key");
}

fn client_auth(at: &mut At<'_>, old: &ClientAuth, new: &ClientAuth) {
    compare!(at, ClientAuth, old, new;
        Live certificates "client-certificates",
        Live trust "trust",
        Live identities "allowed-identities",
        Live mode "identity-mode",
        Live require_eku "require-client-auth-eku",
    );
}

fn passthrough(at: &mut At<'_>, old: &PassthroughTarget, new: &PassthroughTarget) {
    compare!(at, PassthroughTarget, old, new;
        Live names "names",
        Live upstreams "upstreams",
        Live connect_timeout "connect-timeout",
    );
}
