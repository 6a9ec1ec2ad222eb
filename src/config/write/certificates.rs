//! The watch over certificates, as written.

use std::time::SystemTime;

use crate::config;
use crate::config::raw;
use crate::config::raw::SecretText;
use crate::config::write::number;
use crate::config::write::size;
use crate::config::write::time;
use crate::domain::certs::date;

pub(super) fn certificates(certificates: &config::Certificates) -> raw::Certificates {
    let config::Certificates {
        scan_interval,
        probe_interval,
        probe_timeout,
        probe_concurrency,
        probe_listeners,
        probe_upstreams,
        largest_file,
        most_files,
        lost_after,
        deploy_grace,
        nodes_grace,
        clock_tolerance,
        key_lifetime,
        oauth_lifetime,
        manual,
        managed,
        trust_anchor,
        oauth_token,
        key_age,
        crl,
        crl_files,
        prober,
    } = certificates;
    let prober = prober.as_ref();
    raw::Certificates {
        scan_interval: time(*scan_interval),
        probe_interval: time(*probe_interval),
        probe_timeout: time(*probe_timeout),
        probe_concurrency: number(*probe_concurrency),
        probe_listeners: Some(*probe_listeners),
        probe_upstreams: Some(*probe_upstreams),
        largest_file: size(*largest_file),
        most_files: number(*most_files),
        lost_after: number(*lost_after),
        deploy_grace: time(*deploy_grace),
        nodes_grace: time(*nodes_grace),
        clock_tolerance: time(*clock_tolerance),
        key_lifetime: time(*key_lifetime),
        oauth_lifetime: time(*oauth_lifetime),
        manual: Some(manual.words()),
        managed: Some(managed.words()),
        trust_anchor: Some(trust_anchor.words()),
        oauth_token: Some(oauth_token.words()),
        key_age: Some(key_age.words()),
        crl: Some(crl.words()),
        crl_files: Some(
            crl_files
                .iter()
                .map(|path| path.display().to_string())
                .collect(),
        ),
        prober_url: prober.map(|prober| prober.url.clone()),
        prober_module: prober.map(|prober| prober.module.clone()),
        prober_targets: prober.map(|prober| prober.targets.clone()),
    }
}

pub(super) fn internal_ca(ca: &config::InternalCa) -> raw::InternalCa {
    let config::InternalCa {
        directory,
        renew,
        client_lifetime,
        try_first,
    } = ca;
    raw::InternalCa {
        directory: Some(directory.display().to_string()),
        renew: Some(*renew),
        client_lifetime: time(*client_lifetime),
        try_first: Some(*try_first),
    }
}

pub(super) fn certificate(certificate: &config::Certificate) -> raw::Certificate {
    let config::Certificate {
        name,
        role,
        managed,
        public,
        files,
        password,
        probe,
        server_name,
        hosts,
        not_before,
        not_after,
        owner,
        notes,
        runbook_url,
        region,
        bands,
    } = certificate;
    let some = |list: Vec<String>| Some(list).filter(|list| !list.is_empty());
    let paths = files.iter().map(|path| path.display().to_string());
    let nodes = probe.iter().map(|(host, port)| {
        if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        }
    });
    raw::Certificate {
        name: Some(name.clone()),
        role: Some(*role),
        managed: Some(*managed),
        public: Some(*public),
        files: some(paths.collect()),
        password: password
            .as_ref()
            .map(|password| SecretText(password.to_string())),
        probe: some(nodes.collect()),
        server_name: server_name.clone(),
        hosts: some(hosts.clone()),
        not_before: not_before.map(day),
        not_after: not_after.map(day),
        owner: owner.clone(),
        notes: notes.clone(),
        runbook_url: runbook_url.clone(),
        region: region.clone(),
        bands: bands
            .as_ref()
            .map(crate::domain::certs::schedule::Bands::words),
    }
}

fn day(at: SystemTime) -> String {
    date::text(at).chars().take(10).collect()
}

pub(super) fn maintenance(maintenance: &config::Maintenance) -> raw::Maintenance {
    let config::Maintenance {
        default_region,
        notice_business_days,
        managed_least_days,
        managed_most_days,
        holidays,
        regions,
    } = maintenance;
    let region = |(name, held): (&String, &config::MaintenanceRegion)| {
        let config::MaintenanceRegion {
            zone,
            opens,
            closes,
            days,
            region: _,
        } = held;
        raw::MaintenanceRegion {
            name: Some(name.clone()),
            zone: Some(zone.clone()),
            opens: Some(opens.clone()),
            closes: Some(closes.clone()),
            days: Some(days.clone()),
        }
    };
    raw::Maintenance {
        default_region: Some(default_region.clone()),
        notice_business_days: number(*notice_business_days),
        managed_least_days: number(*managed_least_days),
        managed_most_days: number(*managed_most_days),
        holidays: Some(holidays.clone()),
        region: Some(regions.iter().map(region).collect()),
    }
}
