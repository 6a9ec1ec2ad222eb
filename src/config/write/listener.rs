//! Listeners, their hosts and limits, as written.

use crate::config;
use crate::config::ClientAuth;
use crate::config::ClientCertificates;
use crate::config::check::suite_name;
use crate::config::raw;
use crate::config::values;
use crate::config::write::certificate;
use crate::config::write::number;
use crate::config::write::size;
use crate::config::write::time;

pub(super) fn listener(listener: &config::Listener) -> raw::Listener {
    let config::Listener {
        name,
        kind,
        addresses,
        plaintext,
        http2,
        tls: parameters,
        hosts,
        passthrough: targets,
        bridge: way,
        allow,
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
        config::ListenerKind::Cti => raw::Listener {
            tls: Some(tls(parameters)),
            host: Some(hosts.iter().map(host_without_routes).collect()),
            bridge: way.as_ref().map(bridge),
            limits: common.limits.map(|limits| raw::Limits {
                idle_timeout: None,
                ..limits
            }),
            ..common
        },
        config::ListenerKind::Http => raw::Listener {
            tls: (!plaintext).then(|| tls(parameters)),
            host: Some(hosts.iter().map(host).collect()),
            ..common
        },
        config::ListenerKind::Provisioning => raw::Listener {
            plaintext: None,
            http2: None,
            tls: Some(tls(parameters)),
            host: Some(hosts.iter().map(host_without_routes).collect()),
            allow: Some(allow.iter().map(ToString::to_string).collect()),
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
        uploads_per_address,
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
        uploads_per_address: number(*uploads_per_address),
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

fn host_without_routes(host: &config::Host) -> raw::Host {
    raw::Host {
        routes: None,
        ..self::host(host)
    }
}

fn bridge(bridge: &config::Bridge) -> raw::Bridge {
    let config::Bridge {
        upstreams,
        tls,
        connect_timeout,
        idle_timeout,
        sessions,
        sessions_per_address,
        absence_warning,
    } = bridge;
    let common = raw::Bridge {
        upstreams: Some(
            upstreams
                .iter()
                .map(config::BridgeUpstream::address)
                .collect(),
        ),
        tls: Some(tls.is_some()),
        connect_timeout: time(*connect_timeout),
        idle_timeout: time(*idle_timeout),
        sessions: number(*sessions),
        sessions_per_address: number(*sessions_per_address),
        absence_warning: time(*absence_warning),
        ..raw::Bridge::default()
    };
    let Some(tls) = tls else { return common };
    let config::BridgeTls {
        ca,
        pins,
        server_name,
        client_certificate,
    } = tls;
    raw::Bridge {
        ca: ca.as_ref().map(|path| path.display().to_string()),
        spki_pins: Some(pins.iter().map(values::pin_text).collect()),
        server_name: server_name.clone(),
        client_certificate: client_certificate.as_ref().map(certificate),
        ..common
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
