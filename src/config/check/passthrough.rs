//! The listener kind that passes TLS through untouched.

use std::collections::BTreeSet;

use crate::config::PassthroughTarget;
use crate::config::check::at::At;
use crate::config::check::rules;
use crate::config::raw;
use crate::config::values;
use crate::config::values::Wrong;

/// Refuses what only a terminating listener has.
pub(super) fn has_no_http(at: &At<'_>, raw: &raw::Listener) {
    let raw::Listener {
        name: _,
        kind: _,
        addresses: _,
        limits: _,
        passthrough: _,
        bridge: _,
        allow: _,
        plaintext,
        http2,
        client_certificates,
        trust,
        allowed_identities,
        identity_mode,
        require_client_auth_eku,
        routes,
        tls,
        host,
    } = raw;
    let written = [
        ("plaintext", *plaintext == Some(true)),
        ("http2", *http2 == Some(true)),
        ("client-certificates", client_certificates.is_some()),
        ("trust", trust.is_some()),
        ("allowed-identities", allowed_identities.is_some()),
        ("identity-mode", identity_mode.is_some()),
        ("require-client-auth-eku", require_client_auth_eku.is_some()),
        ("routes", routes.is_some()),
        ("tls", tls.is_some()),
        ("host", host.is_some()),
    ];
    for (key, _) in written.iter().filter(|(_, written)| *written) {
        at.key(key).refuse(
            "has no effect where TLS passes through untouched",
            "the listener kind \"http\", or no such key",
        );
    }
}

/// The targets; each name leads to one only.
pub(super) fn targets(
    at: &At<'_>,
    raw: Option<&[raw::PassthroughTarget]>,
) -> Vec<PassthroughTarget> {
    let raw = raw.unwrap_or_default();
    if raw.is_empty() {
        let form = "at least one `[[listener.passthrough]]`";
        at.key("passthrough").refuse("missing", form);
    }
    let mut seen = BTreeSet::new();
    let target = |(index, raw): (usize, &raw::PassthroughTarget)| {
        let at = at.key("passthrough").element(&format!("[{index}]"));
        let timeout = raw.connect_timeout.as_ref();
        PassthroughTarget {
            names: names(&at, raw.names.as_deref(), &mut seen),
            upstreams: at.some(
                "upstreams",
                raw.upstreams.as_deref(),
                "at least one `host:port`",
                upstream,
            ),
            connect_timeout: at.duration("connect-timeout", timeout, &rules::CONNECT_TIMEOUT),
        }
    };
    raw.iter().enumerate().map(target).collect()
}

/// Server names of one host or target; `seen` holds those of its siblings before it.
pub(super) fn names(
    at: &At<'_>,
    raw: Option<&[String]>,
    seen: &mut BTreeSet<String>,
) -> Vec<String> {
    let form = "at least one server name, or `*`";
    let names = at.some("names", raw, form, values::host_pattern);
    for name in &names {
        if !seen.insert(name.clone()) {
            let fault = Wrong {
                what: "this listener has the name already".to_owned(),
                expected: "each name once".to_owned(),
            };
            at.key("names").refuse_value(format!("{name:?}"), fault);
        }
    }
    names
}

fn upstream(text: &str) -> Result<String, Wrong> {
    values::host_port(text, None).map(|_| text.to_ascii_lowercase())
}
