//! From the proven configuration back to the written form, with every default spelled out.
//!
//! Every struct is taken apart without `..`, so that a new field must be written too.

use std::time::Duration;

use crate::config;
use crate::config::CertificateFiles;
use crate::config::ClientAuth;
use crate::config::ClientCertificates;
use crate::config::Config;
use crate::config::check::suite_name;
use crate::config::raw;
use crate::config::raw::DurationText;
use crate::config::raw::Raw;
use crate::config::raw::SecretText;
use crate::config::raw::SizeText;
use crate::config::values;

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
        listeners,
    } = config;
    let config::Log { format, filter } = log;
    let config::Admin { address } = admin;
    let config::Drain { settle, deadline } = drain;
    let config::Watch { poll, debounce } = watch;
    Raw {
        state_dir: Some(state_dir.display().to_string()),
        log: Some(raw::Log {
            format: Some(*format),
            filter: Some(filter.clone()),
        }),
        admin: Some(raw::Admin {
            address: Some(address.to_string()),
            allow_remote: Some(!address.ip().is_loopback()),
        }),
        drain: Some(raw::Drain {
            settle: time(*settle),
            deadline: time(*deadline),
        }),
        watch: Some(raw::Watch {
            poll: time(*poll),
            debounce: time(*debounce),
        }),
        trust: Some(trust.values().map(trust_set).collect()),
        pool: Some(pools.values().map(pool).collect()),
        route: Some(routes.values().map(route).collect()),
        policy: Some(policy(edge_policy)),
        cors: Some(cors(answers)),
        forwarding: Some(forwarding(headers)),
        listener: Some(listeners.iter().map(listener).collect()),
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

fn pool(pool: &config::Pool) -> raw::Pool {
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

fn certificate(files: &CertificateFiles) -> raw::CertificateFiles {
    let CertificateFiles { chain, key } = files;
    raw::CertificateFiles {
        chain: Some(chain.display().to_string()),
        key: Some(SecretText(key.to_string())),
    }
}

fn route(route: &config::Route) -> raw::Route {
    let config::Route {
        name,
        prefix,
        kind,
        pool,
        response_timeout,
        idle_timeout,
        require_client_certificate,
    } = route;
    raw::Route {
        name: Some(name.clone()),
        prefix: Some(prefix.clone()),
        kind: Some(*kind),
        pool: Some(pool.clone()),
        response_timeout: time(*response_timeout),
        idle_timeout: time(*idle_timeout),
        require_client_certificate: Some(*require_client_certificate),
    }
}

fn policy(policy: &config::Policy) -> raw::Policy {
    let config::Policy {
        call_me_now,
        outgoing_dial,
        version_1,
        password_change,
        device_token,
        system,
        route_point,
        call_center,
        group,
        rate: all,
        user_rate,
        guessing,
    } = policy;
    raw::Policy {
        call_me_now: Some(*call_me_now),
        outgoing_dial: Some(*outgoing_dial),
        version_1: Some(*version_1),
        password_change: Some(*password_change),
        device_token: Some(*device_token),
        system: Some(*system),
        route_point: Some(*route_point),
        call_center: Some(*call_center),
        group: Some(*group),
        rate: all.as_ref().map(rate),
        user_rate: user_rate.as_ref().map(rate),
        guessing: Some(guessing.as_ref().map_or_else(
            || raw::Guessing {
                failures: Some(0),
                ..raw::Guessing::default()
            },
            |guessing| {
                let config::Guessing {
                    failures,
                    window,
                    lockout,
                } = guessing;
                raw::Guessing {
                    failures: number(*failures),
                    window: time(*window),
                    lockout: time(*lockout),
                }
            },
        )),
    }
}

fn rate(rate: &config::Rate) -> raw::Rate {
    let config::Rate { per_second, burst } = rate;
    raw::Rate {
        per_second: Some(*per_second),
        burst: number(*burst),
    }
}

fn cors(cors: &config::Cors) -> raw::Cors {
    match cors {
        config::Cors::Answer { origins } => raw::Cors {
            mode: Some(raw::CorsMode::Answer),
            origins: Some(origins.clone()),
        },
        config::Cors::Pass => raw::Cors {
            mode: Some(raw::CorsMode::Pass),
            origins: None,
        },
    }
}

fn forwarding(forwarding: &config::Forwarding) -> raw::Forwarding {
    let config::Forwarding {
        identity_header,
        drop_headers,
        trusted_proxies,
    } = forwarding;
    raw::Forwarding {
        identity_header: identity_header.clone(),
        drop_headers: Some(drop_headers.clone()),
        trusted_proxies: Some(trusted_proxies.iter().map(ToString::to_string).collect()),
    }
}

fn listener(listener: &config::Listener) -> raw::Listener {
    let config::Listener {
        name,
        kind,
        addresses,
        plaintext,
        http2,
        tls: parameters,
        hosts,
        passthrough: targets,
        limits: bounds,
    } = listener;
    let common = raw::Listener {
        name: Some(name.clone()),
        kind: Some(*kind),
        addresses: Some(addresses.iter().map(ToString::to_string).collect()),
        plaintext: Some(*plaintext),
        http2: Some(*http2),
        limits: Some(limits(bounds)),
        ..raw::Listener::default()
    };
    match kind {
        config::ListenerKind::Http => raw::Listener {
            tls: (!plaintext).then(|| tls(parameters)),
            host: Some(hosts.iter().map(host).collect()),
            ..common
        },
        config::ListenerKind::Passthrough => raw::Listener {
            passthrough: Some(targets.iter().map(passthrough).collect()),
            ..common
        },
    }
}

fn tls(tls: &config::TlsParameters) -> raw::TlsParameters {
    let config::TlsParameters {
        minimum,
        suites,
        groups,
        post_quantum,
    } = tls;
    raw::TlsParameters {
        minimum: Some(*minimum),
        cipher_suites: Some(suites.iter().map(|suite| suite_name(*suite)).collect()),
        groups: Some(groups.clone()),
        post_quantum: Some(*post_quantum),
    }
}

fn limits(limits: &config::Limits) -> raw::Limits {
    let config::Limits {
        handshake_timeout,
        header_timeout,
        header_bytes,
        header_count,
        body_bytes,
        body_timeout,
        idle_timeout,
        connections,
        connections_per_address,
        http2_streams,
    } = limits;
    raw::Limits {
        handshake_timeout: time(*handshake_timeout),
        header_timeout: time(*header_timeout),
        header_bytes: size(*header_bytes as u64),
        header_count: number(*header_count),
        body_bytes: size(*body_bytes),
        body_timeout: time(*body_timeout),
        idle_timeout: time(*idle_timeout),
        connections: number(*connections),
        connections_per_address: number(*connections_per_address),
        http2_streams: number(*http2_streams),
    }
}

fn host(host: &config::Host) -> raw::Host {
    let config::Host {
        names,
        certificates,
        client_auth,
        routes,
    } = host;
    let ClientAuth {
        certificates: asked,
        trust,
        identities,
        mode,
        require_eku,
    } = client_auth;
    // What has no effect is not written.
    let effective = *asked != ClientCertificates::None;
    raw::Host {
        names: Some(names.clone()),
        certificates: Some(certificates.iter().map(certificate).collect()),
        client_certificates: Some(*asked),
        trust: trust.clone(),
        allowed_identities: effective.then(|| identities.clone()),
        identity_mode: effective.then_some(*mode),
        require_client_auth_eku: Some(*require_eku),
        routes: Some(routes.clone()),
    }
}

fn passthrough(target: &config::PassthroughTarget) -> raw::PassthroughTarget {
    let config::PassthroughTarget {
        names,
        upstreams,
        connect_timeout,
    } = target;
    raw::PassthroughTarget {
        names: Some(names.clone()),
        upstreams: Some(upstreams.clone()),
        connect_timeout: time(*connect_timeout),
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
