//! The listener kind that ends Webex's CTI connection and bridges it to an XSP.

use std::time::Duration;

use crate::config::Bridge;
use crate::config::BridgeTls;
use crate::config::BridgeUpstream;
use crate::config::ClientCertificates;
use crate::config::IdentityMode;
use crate::config::check::at::At;
use crate::config::check::certificate;
use crate::config::check::rules;
use crate::config::raw;
use crate::config::values;
use crate::config::values::Wrong;

/// Name in the certificate of Webex's CTI client (Solution Guide, "Configure CTI Interface and
/// Related Configuration").
pub(super) const WEBEX_IDENTITY: &str = "bwcticlient.webex.com";

/// Below it a CTI session ends while all is well and nobody calls.
const SHORT_IDLE: Duration = Duration::from_secs(600);

/// Refuses what only other kinds have, and a client certificate that is not demanded.
pub(super) fn has_its_own(at: &At<'_>, raw: &raw::Listener) {
    let written = [
        ("plaintext", raw.plaintext == Some(true)),
        ("http2", raw.http2 == Some(true)),
        ("routes", raw.routes.is_some()),
        ("passthrough", raw.passthrough.is_some()),
    ];
    for (key, _) in written.iter().filter(|(_, written)| *written) {
        at.key(key).refuse(
            "has no effect on a CTI listener",
            "the listener kind \"http\" or \"passthrough\", or no such key",
        );
    }
    let limits = raw.limits.as_ref();
    if limits.is_some_and(|limits| limits.idle_timeout.is_some()) {
        at.key("limits").key("idle-timeout").refuse(
            "has no effect on a CTI listener",
            "`idle-timeout` of `[listener.bridge]`",
        );
    }
    demands(at, raw.client_certificates, raw.identity_mode);
    for (index, host) in raw.host.iter().flatten().enumerate() {
        let at = at.key("host").element(&format!("[{index}]"));
        demands(&at, host.client_certificates, host.identity_mode);
        if host.routes.is_some() {
            at.key("routes")
                .refuse("has no effect on a CTI listener", "no such key");
        }
    }
}

fn demands(at: &At<'_>, asked: Option<ClientCertificates>, mode: Option<IdentityMode>) {
    if asked.is_some_and(|asked| asked != ClientCertificates::Required) {
        at.key("client-certificates").refuse(
            "a CTI session without a client certificate would be anybody's",
            "\"required\", or no such key",
        );
    }
    if mode == Some(IdentityMode::Observe) {
        at.key("identity-mode").warn(
            "every client of the trust set gets a CTI session",
            "\"enforce\", once the name is known",
        );
    }
}

/// The bridge itself, which a CTI listener must have.
pub(super) fn bridge(at: &At<'_>, raw: Option<&raw::Bridge>) -> Bridge {
    let at = at.key("bridge");
    let silent = raw::Bridge::default();
    let raw = raw.unwrap_or(&silent);
    let sessions = at.count("sessions", raw.sessions, &rules::BRIDGE_SESSIONS);
    let written = raw.sessions_per_address;
    let per_address = at.count(
        "sessions-per-address",
        written,
        &rules::BRIDGE_SESSIONS_PER_ADDRESS,
    );
    if per_address > sessions && written.is_some() {
        let fault = Wrong {
            what: "more than the listener takes at all".to_owned(),
            expected: format!("at most {sessions}"),
        };
        at.key("sessions-per-address")
            .refuse_value(per_address.to_string(), fault);
    }
    let idle = raw.idle_timeout.as_ref();
    let idle_timeout = at.duration("idle-timeout", idle, &rules::BRIDGE_IDLE_TIMEOUT);
    if idle_timeout < SHORT_IDLE {
        at.key("idle-timeout").warn(
            "short: a CTI session is quiet for as long as nobody calls",
            "10m or more",
        );
    }
    let connect = raw.connect_timeout.as_ref();
    let absence = raw.absence_warning.as_ref();
    Bridge {
        upstreams: at.some(
            "upstreams",
            raw.upstreams.as_deref(),
            "at least one `host:port`, such as \"xsp1.internal:8012\"",
            upstream,
        ),
        tls: tls(&at, raw),
        connect_timeout: at.duration("connect-timeout", connect, &rules::CONNECT_TIMEOUT),
        idle_timeout,
        sessions: usize::try_from(sessions).unwrap_or(usize::MAX),
        sessions_per_address: usize::try_from(per_address.min(sessions)).unwrap_or(usize::MAX),
        absence_warning: at.duration("absence-warning", absence, &rules::BRIDGE_ABSENCE),
    }
}

fn upstream(text: &str) -> Result<BridgeUpstream, Wrong> {
    let (host, port) = values::host_port(text, None)?;
    Ok(BridgeUpstream { host, port })
}

fn tls(at: &At<'_>, raw: &raw::Bridge) -> Option<BridgeTls> {
    if raw.tls == Some(false) {
        let written = [
            ("ca", raw.ca.is_some()),
            ("spki-pins", raw.spki_pins.is_some()),
            ("server-name", raw.server_name.is_some()),
            ("client-certificate", raw.client_certificate.is_some()),
        ];
        for (key, _) in written.iter().filter(|(_, written)| *written) {
            at.key(key)
                .refuse("has no effect without TLS", "`tls = true`");
        }
        return None;
    }
    if raw.ca.is_none() && raw.spki_pins.as_ref().is_none_or(Vec::is_empty) {
        at.key("ca").refuse(
            "missing, so the certificate of the XSP could not be verified",
            "`ca` with its CA certificates, `spki-pins`, or both",
        );
    }
    if raw.client_certificate.is_none() {
        at.key("client-certificate").warn(
            "not set, and the CTI interface of an XSP usually demands one",
            "chain and key, as `xspd certs issue-bridge-client` makes them",
        );
    }
    let own = raw.client_certificate.as_ref();
    Some(BridgeTls {
        ca: at.text("ca", raw.ca.as_deref(), values::path),
        pins: at.list("spki-pins", raw.spki_pins.as_deref(), values::pin),
        server_name: at.text(
            "server-name",
            raw.server_name.as_deref(),
            values::host_or_address,
        ),
        client_certificate: own.and_then(|files| certificate(&at.key("client-certificate"), files)),
    })
}
