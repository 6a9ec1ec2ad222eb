//! Pools and their upstreams, as written.

use crate::config;
use crate::config::raw;
use crate::config::values;
use crate::config::write::certificate;
use crate::config::write::number;
use crate::config::write::time;

pub(super) fn pool(pool: &config::Pool) -> raw::Pool {
    let config::Pool {
        name,
        upstreams,
        affinity,
        health,
        ejection,
        connect_timeout,
        keep_alive,
        connections,
    } = pool;
    let config::HealthCheck {
        path,
        interval,
        timeout,
        rise,
        fall,
    } = health;
    let config::Ejection {
        failures,
        time: out,
    } = ejection;
    raw::Pool {
        name: Some(name.clone()),
        affinity: Some(*affinity),
        connect_timeout: time(*connect_timeout),
        keep_alive: time(*keep_alive),
        connections: number(*connections),
        health: Some(raw::HealthCheck {
            path: Some(path.clone()),
            interval: time(*interval),
            timeout: time(*timeout),
            rise: number(*rise),
            fall: number(*fall),
        }),
        ejection: Some(raw::Ejection {
            failures: number(*failures),
            time: time(*out),
        }),
        upstream: Some(upstreams.iter().map(upstream).collect()),
    }
}

fn upstream(upstream: &config::Upstream) -> raw::Upstream {
    let config::Upstream {
        name,
        host,
        port,
        tls,
        host_header,
        aliases,
    } = upstream;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.clone()
    };
    let plain = raw::Upstream {
        name: Some(name.clone()),
        url: Some(format!("{scheme}://{host}:{port}")),
        host_header: host_header.clone(),
        aliases: Some(aliases.clone()),
        ..raw::Upstream::default()
    };
    let Some(tls) = tls else { return plain };
    let config::UpstreamTls {
        ca,
        pins,
        server_name,
        client_certificate,
    } = tls;
    let server_name = if server_name.contains(':') {
        format!("[{server_name}]")
    } else {
        server_name.clone()
    };
    raw::Upstream {
        ca: ca.as_ref().map(|path| path.display().to_string()),
        spki_pins: Some(pins.iter().map(values::pin_text).collect()),
        server_name: Some(server_name),
        client_certificate: client_certificate.as_ref().map(certificate),
        ..plain
    }
}
