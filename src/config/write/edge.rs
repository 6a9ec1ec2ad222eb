//! Routes, policy, CORS and forwarding, as written.

use crate::config;
use crate::config::raw;
use crate::config::write::number;
use crate::config::write::time;

pub(super) fn route(route: &config::Route) -> raw::Route {
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

pub(super) fn policy(policy: &config::Policy) -> raw::Policy {
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

pub(super) fn cors(cors: &config::Cors) -> raw::Cors {
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

pub(super) fn forwarding(forwarding: &config::Forwarding) -> raw::Forwarding {
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
