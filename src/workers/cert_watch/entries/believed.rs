//! Files of CAs that others are believed by, and what we show to those beside the XSPs.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::AlarmWay;
use crate::config::Config;
use crate::domain::alarms::Whose;
use crate::domain::certs::inventory::Duty;
use crate::domain::certs::inventory::Kind;
use crate::workers::cert_watch::entries::Entry;
use crate::workers::cert_watch::entries::Source;
use crate::workers::cert_watch::entries::watched;

/// A key of the configuration and the file that it names.
type Named<'a> = (String, &'a PathBuf);

/// All of it.
pub(super) fn watch(config: &Config, all: &mut Vec<Entry>) {
    let mut files = xsps(config);
    files.extend(services(config));
    files.extend(sinks(config));
    // One file is watched once, under the first that believes it.
    let mut seen = HashSet::new();
    files.retain(|(_, ca)| seen.insert(*ca));
    for (path, ca) in files {
        let name: Arc<str> = path.as_str().into();
        let shared = watched(config, &name, &path, Kind::TrustAnchor, Duty::TrustAnchor);
        all.push(Entry {
            place: path,
            shared,
            source: Source::Anchors(ca.clone()),
            name,
        });
    }
    clients(config, all);
}

fn xsps(config: &Config) -> Vec<Named<'_>> {
    let mut files = Vec::new();
    for pool in config.pools.values() {
        for upstream in &pool.upstreams {
            let ca = upstream.tls.as_ref().and_then(|tls| tls.ca.as_ref());
            let path = format!("pool.{}.upstream.{}.ca", pool.name, upstream.name);
            files.extend(ca.map(|ca| (path, ca)));
        }
    }
    for listener in &config.listeners {
        let tls = listener
            .bridge
            .as_ref()
            .and_then(|bridge| bridge.tls.as_ref());
        let ca = tls.and_then(|tls| tls.ca.as_ref());
        files.extend(ca.map(|ca| (format!("listener.{}.bridge.ca", listener.name), ca)));
    }
    files
}

fn services<'a>(config: &'a Config) -> Vec<Named<'a>> {
    let mut files = Vec::new();
    let mut add = |path: String, ca: Option<&'a PathBuf>| files.push((path, ca));
    let server = config.application_server.as_ref();
    let tls = server.and_then(|server| server.tls.as_ref());
    add("application-server.ca".to_owned(), tls.map(|tls| &tls.ca));
    for server in config.ocir.iter().flat_map(|ocir| &ocir.servers) {
        let tls = server.tls.as_ref();
        add(
            format!("ocir.as.{}.ca", server.name),
            tls.map(|tls| &tls.ca),
        );
    }
    for partner in config.webex_partners.values() {
        let path = format!("webex-partner.{}.ca", partner.name);
        add(path, partner.ca.as_ref());
    }
    let cisco = config.auth_service.as_ref();
    let cisco = cisco.and_then(|service| service.cisco.as_ref());
    let ca = cisco.and_then(|cisco| cisco.ca.as_ref());
    add("auth-service.cisco.ca".to_owned(), ca);
    let webhook = config.blf.as_ref().and_then(|blf| blf.webhook.as_ref());
    let ca = webhook.and_then(|webhook| webhook.ca.as_ref());
    add("blf.webhook.ca".to_owned(), ca);
    for template in &config.templates {
        let path = format!("template.{}.relay.ca", template.name);
        add(path, template.relay.ca.as_ref());
    }
    for acme in &config.acme {
        add(format!("acme.{}.ca", acme.name), acme.ca.as_ref());
    }
    let files = files.into_iter();
    files.filter_map(|(path, ca)| Some((path, ca?))).collect()
}

fn sinks(config: &Config) -> Vec<Named<'_>> {
    let mut all = Vec::new();
    for sink in &config.alarm_sinks {
        let files = sink.way.files().into_iter();
        let cas = files.filter(|(key, _)| key.ends_with(".ca"));
        all.extend(cas.map(|(key, ca)| (format!("alarm-sink.{}.{key}", sink.name), ca)));
    }
    all
}

/// What we show to receivers of alarms.
fn clients(config: &Config, all: &mut Vec<Entry>) {
    for sink in &config.alarm_sinks {
        let files = match &sink.way {
            AlarmWay::Syslog(syslog) => {
                let tls = syslog.tls.as_ref();
                tls.and_then(|tls| tls.client_certificate.as_ref())
            }
            AlarmWay::Alertmanager(_)
            | AlarmWay::Email(_)
            | AlarmWay::Journal
            | AlarmWay::PagerDuty(_)
            | AlarmWay::Snmp(_)
            | AlarmWay::Webex(_)
            | AlarmWay::Webhook(_) => None,
        };
        let Some(files) = files else { continue };
        let path = format!("alarm-sink.{}.syslog.client-certificate", sink.name);
        let name: Arc<str> = path.into();
        let place = format!("client of alarm sink {}", sink.name);
        let mut shared = watched(config, &name, &place, Kind::Client, Duty::Client);
        shared.whose = Some(Whose::File);
        all.push(Entry {
            shared,
            place,
            source: Source::Chain(files.clone()),
            name,
        });
    }
}
