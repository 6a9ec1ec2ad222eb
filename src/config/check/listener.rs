//! Listeners: what each kind may have, and addresses that collide.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::config::Admin;
use crate::config::Group;
use crate::config::Host;
use crate::config::Limits;
use crate::config::Listener;
use crate::config::ListenerKind;
use crate::config::PostQuantum;
use crate::config::Route;
use crate::config::TlsParameters;
use crate::config::TlsVersion;
use crate::config::TrustSet;
use crate::config::check::at::At;
use crate::config::check::bridge;
use crate::config::check::host;
use crate::config::check::passthrough;
use crate::config::check::provisioning;
use crate::config::check::rules;
use crate::config::check::suites;
use crate::config::path::labels;
use crate::config::raw;
use crate::config::values;
use crate::config::values::Wrong;

/// What a listener may refer to.
pub(super) struct Known<'a> {
    pub(super) trust: &'a BTreeMap<String, TrustSet>,
    pub(super) routes: &'a BTreeMap<String, Route>,
}

/// All listeners in the order written.
pub(super) fn listeners(
    at: &At<'_>,
    raw: Option<&[raw::Listener]>,
    known: &Known<'_>,
) -> Vec<Listener> {
    if raw.is_none_or(<[_]>::is_empty) {
        at.key("listener")
            .refuse("missing", "at least one `[[listener]]`");
    }
    let name = |listener: &raw::Listener| listener.name.clone();
    at.named("listener", raw, name, |at, name, raw| {
        listener(at, name, raw, known)
    })
}

fn listener(at: &At<'_>, name: String, raw: &raw::Listener, known: &Known<'_>) -> Listener {
    let kind = raw.kind.unwrap_or(ListenerKind::Http);
    let plaintext = raw.plaintext.unwrap_or(false);
    let (hosts, passthrough): (Vec<Host>, _) = match kind {
        ListenerKind::Cti => {
            bridge::has_its_own(at, raw);
            (host::hosts(at, raw, false, known), Vec::new())
        }
        ListenerKind::Http => {
            if raw.passthrough.is_some() {
                at.key("passthrough")
                    .refuse("has no effect here", "the listener kind \"passthrough\"");
            }
            if plaintext {
                host::plaintext_has_no_tls(at, raw);
            }
            (host::hosts(at, raw, plaintext, known), Vec::new())
        }
        ListenerKind::Provisioning => {
            has_no_relay(at, raw);
            (host::hosts(at, raw, false, known), Vec::new())
        }
        ListenerKind::Passthrough => {
            passthrough::has_no_http(at, raw);
            let targets = raw.passthrough.as_deref();
            (Vec::new(), passthrough::targets(at, targets))
        }
    };
    let bridge = match kind {
        ListenerKind::Cti => Some(bridge::bridge(at, raw.bridge.as_ref())),
        ListenerKind::Http | ListenerKind::Passthrough | ListenerKind::Provisioning => {
            if raw.bridge.is_some() {
                at.key("bridge")
                    .refuse("has no effect here", "the listener kind \"cti\"");
            }
            None
        }
    };
    let http2 = match (kind, plaintext) {
        (ListenerKind::Http, false) => raw.http2.unwrap_or(true),
        (ListenerKind::Http, true)
        | (ListenerKind::Cti | ListenerKind::Passthrough | ListenerKind::Provisioning, _) => false,
    };
    if kind != ListenerKind::Provisioning && raw.allow.is_some() {
        at.key("allow")
            .refuse("has no effect here", "the listener kind \"provisioning\"");
    }
    let form = "at least one address such as \"0.0.0.0:443\"";
    Listener {
        name,
        kind,
        addresses: at.some("addresses", raw.addresses.as_deref(), form, values::address),
        plaintext: plaintext && kind == ListenerKind::Http,
        http2,
        tls: tls(&at.key("tls"), raw.tls.as_ref()),
        hosts,
        passthrough,
        bridge,
        allow: match kind {
            ListenerKind::Provisioning => {
                at.list("allow", raw.allow.as_deref(), provisioning::network)
            }
            ListenerKind::Cti | ListenerKind::Http | ListenerKind::Passthrough => Vec::new(),
        },
        limits: limits(&at.key("limits"), raw.limits.as_ref(), kind),
    }
}

/// Refuses what only a listener for clients has.
fn has_no_relay(at: &At<'_>, raw: &raw::Listener) {
    let written = [
        ("plaintext", raw.plaintext == Some(true)),
        ("http2", raw.http2 == Some(true)),
        ("routes", raw.routes.is_some()),
        ("passthrough", raw.passthrough.is_some()),
    ];
    let form = "the listener kind \"http\" or \"passthrough\", or no such key";
    for (key, _) in written.iter().filter(|(_, written)| *written) {
        at.key(key)
            .refuse("has no effect on a provisioning listener", form);
    }
    for (index, host) in raw.host.iter().flatten().enumerate() {
        if host.routes.is_some() {
            let at = at.key("host").element(&format!("[{index}]"));
            at.key("routes")
                .refuse("has no effect on a provisioning listener", "no such key");
        }
    }
}

fn tls(at: &At<'_>, raw: Option<&raw::TlsParameters>) -> TlsParameters {
    let minimum = raw.and_then(|r| r.minimum).unwrap_or(TlsVersion::Tls12);
    let written = raw
        .and_then(|r| r.cipher_suites.as_deref())
        .unwrap_or_default();
    let mut chosen = at.list("cipher-suites", Some(written), suites::parse);
    if written.is_empty() {
        chosen = suites::ALL.to_vec();
    }
    let tls13_only = minimum == TlsVersion::Tls13;
    if tls13_only && !chosen.is_empty() && !chosen.iter().any(|s| suites::is_tls13(*s)) {
        at.key("cipher-suites").refuse(
            "none of them is of TLS 1.3, the lowest version here",
            "for example TLS_AES_256_GCM_SHA384",
        );
    }
    TlsParameters {
        minimum,
        suites: chosen,
        groups: groups(at, raw.and_then(|r| r.groups.as_deref())),
        post_quantum: raw
            .and_then(|r| r.post_quantum)
            .unwrap_or(PostQuantum::Prefer),
    }
}

fn groups(at: &At<'_>, raw: Option<&[Group]>) -> Vec<Group> {
    let mut groups = Vec::new();
    for group in raw.unwrap_or(&[Group::X25519, Group::Secp256r1, Group::Secp384r1]) {
        if groups.contains(group) {
            at.key("groups")
                .refuse(format!("{group:?} is written twice"), "each once");
        } else {
            groups.push(*group);
        }
    }
    if groups.is_empty() {
        // TLS 1.2 has no hybrid group, so the hybrid alone would not do.
        at.key("groups")
            .refuse("empty", "at least one of x25519, secp256r1, secp384r1");
    }
    groups
}

fn limits(at: &At<'_>, raw: Option<&raw::Limits>, kind: ListenerKind) -> Limits {
    let idle = match kind {
        ListenerKind::Http | ListenerKind::Provisioning => &rules::IDLE_TIMEOUT,
        ListenerKind::Cti | ListenerKind::Passthrough => &rules::PASSTHROUGH_IDLE_TIMEOUT,
    };
    let (body_bytes, most, of_one) = match kind {
        ListenerKind::Provisioning => (
            &rules::PROVISIONING_BODY_BYTES,
            &rules::PROVISIONING_CONNECTIONS,
            &rules::PROVISIONING_CONNECTIONS_PER_ADDRESS,
        ),
        ListenerKind::Cti | ListenerKind::Http | ListenerKind::Passthrough => (
            &rules::BODY_BYTES,
            &rules::CONNECTIONS,
            &rules::CONNECTIONS_PER_ADDRESS,
        ),
    };
    let silent = raw::Limits::default();
    let raw = raw.unwrap_or(&silent);
    let time =
        |key, text: &Option<raw::DurationText>, bounds| at.duration(key, text.as_ref(), bounds);
    let connections = at.count("connections", raw.connections, most);
    let per_address = raw.connections_per_address;
    let per_address = at.count("connections-per-address", per_address, of_one);
    if per_address > connections && raw.connections_per_address.is_some() {
        let fault = Wrong {
            what: "more than the listener takes at all".to_owned(),
            expected: format!("at most {connections}"),
        };
        at.key("connections-per-address")
            .refuse_value(per_address.to_string(), fault);
    }
    let header_bytes = at.size(
        "header-bytes",
        raw.header_bytes.as_ref(),
        &rules::HEADER_BYTES,
    );
    let header_count = at.count("header-count", raw.header_count, &rules::HEADER_COUNT);
    Limits {
        handshake_timeout: time(
            "handshake-timeout",
            &raw.handshake_timeout,
            &rules::HANDSHAKE_TIMEOUT,
        ),
        header_timeout: time(
            "header-timeout",
            &raw.header_timeout,
            &rules::HEADER_TIMEOUT,
        ),
        header_bytes: usize::try_from(header_bytes).unwrap_or(usize::MAX),
        header_count: whole(header_count),
        body_bytes: at.size("body-bytes", raw.body_bytes.as_ref(), body_bytes),
        body_timeout: time("body-timeout", &raw.body_timeout, &rules::BODY_TIMEOUT),
        idle_timeout: time("idle-timeout", &raw.idle_timeout, idle),
        connections: whole(connections),
        connections_per_address: whole(per_address.min(connections)),
        uploads_per_address: whole(at.count(
            "uploads-per-address",
            raw.uploads_per_address,
            &rules::UPLOADS_PER_ADDRESS,
        )),
        http2_streams: at.count("http2-streams", raw.http2_streams, &rules::HTTP2_STREAMS),
    }
}

fn whole(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Refuses an address that another listener or the admin listener has.
pub(super) fn addresses(
    at: &At<'_>,
    raw: Option<&[raw::Listener]>,
    listeners: &[Listener],
    admin: &Admin,
) {
    let raw = raw.unwrap_or_default();
    let labels = labels(raw.iter().map(|listener| listener.name.as_deref()));
    let mut taken = vec![(admin.address, "admin".to_owned())];
    for ((listener, label), raw) in listeners.iter().zip(labels).zip(raw) {
        for address in &listener.addresses {
            let clash = taken.iter().find(|(other, _)| collide(*address, *other));
            if let Some((other, owner)) = clash {
                let texts = raw.addresses.as_deref().unwrap_or_default();
                let index = texts.iter().position(|t| t.parse() == Ok(*address));
                let place = at.key("listener").element(&label).key("addresses");
                let place = place.element(&format!("[{}]", index.unwrap_or_default()));
                let fault = Wrong {
                    what: format!("collides with {other} of `{owner}`"),
                    expected: "another address or port".to_owned(),
                };
                place.refuse_value(format!("\"{address}\""), fault);
            }
            taken.push((*address, format!("listener{label}")));
        }
    }
}

/// Whether the second bind would fail. An IPv6 address is bound for IPv6 only.
fn collide(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() != 0
        && a.port() == b.port()
        && a.is_ipv4() == b.is_ipv4()
        && (a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_collide_when_the_second_bind_would_fail() {
        let collide = |a: &str, b: &str| collide(a.parse().unwrap(), b.parse().unwrap());
        assert!(collide("10.0.0.1:443", "10.0.0.1:443"));
        assert!(collide("0.0.0.0:443", "10.0.0.1:443"));
        assert!(!collide("0.0.0.0:443", "[::]:443"));
        assert!(!collide("127.0.0.1:0", "127.0.0.1:0"));
        assert!(!collide("10.0.0.1:443", "10.0.0.2:443"));
        assert!(!collide("10.0.0.1:443", "10.0.0.1:444"));
    }
}
