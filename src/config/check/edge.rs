//! Policy, CORS and forwarding.

use ipnet::IpNet;

use crate::config::Cors;
use crate::config::Forwarding;
use crate::config::Guessing;
use crate::config::Policy;
use crate::config::Rate;
use crate::config::Rule;
use crate::config::check::at::At;
use crate::config::check::rules;
use crate::config::raw;
use crate::config::values;
use crate::config::values::Wrong;
use crate::config::values::between;
use crate::config::values::wrong;
use crate::domain::edge::headers::is_hop_by_hop;

/// Headers that HTTP itself or the XSP needs: neither ours to set nor to drop.
const NEEDED: [&str; 8] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "transfer-encoding",
    "upgrade",
];

/// Xsi guide, section "Edge policy": what places calls without credentials, and what Webex does
/// not use, is refused; the Call Settings Webview uses `callcenter` and `group`.
pub(super) fn policy(at: &At<'_>, raw: Option<&raw::Policy>) -> Policy {
    let rule = |f: fn(&raw::Policy) -> Option<Rule>, default| raw.and_then(f).unwrap_or(default);
    Policy {
        call_me_now: rule(|r| r.call_me_now, Rule::Deny),
        outgoing_dial: rule(|r| r.outgoing_dial, Rule::Deny),
        version_1: rule(|r| r.version_1, Rule::Deny),
        password_change: rule(|r| r.password_change, Rule::Deny),
        device_token: rule(|r| r.device_token, Rule::Deny),
        system: rule(|r| r.system, Rule::Deny),
        route_point: rule(|r| r.route_point, Rule::Deny),
        call_center: rule(|r| r.call_center, Rule::Allow),
        group: rule(|r| r.group, Rule::Allow),
        rate: rate(&at.key("rate"), raw.and_then(|r| r.rate.as_ref())),
        user_rate: rate(&at.key("user-rate"), raw.and_then(|r| r.user_rate.as_ref())),
        guessing: guessing(&at.key("guessing"), raw.and_then(|r| r.guessing.as_ref())),
    }
}

fn rate(at: &At<'_>, raw: Option<&raw::Rate>) -> Option<Rate> {
    let raw = raw?;
    let bounds = &rules::PER_SECOND;
    if raw.per_second.is_none() {
        at.key("per-second")
            .refuse("missing", between(bounds.low, bounds.high));
    }
    let per_second = at.rate("per-second", raw.per_second, bounds);
    let burst = raw.burst.unwrap_or_else(|| whole(per_second));
    Some(Rate {
        per_second,
        burst: at.count("burst", Some(burst), &rules::BURST),
    })
}

/// One second's worth.
fn whole(per_second: f64) -> i64 {
    // The cast saturates, and the bounds of a burst are judged after it.
    per_second.ceil() as i64
}

fn guessing(at: &At<'_>, raw: Option<&raw::Guessing>) -> Option<Guessing> {
    let failures = raw.and_then(|r| r.failures);
    let window = raw.and_then(|r| r.window.as_ref());
    let lockout = raw.and_then(|r| r.lockout.as_ref());
    let guessing = Guessing {
        failures: at.count("failures", failures, &rules::GUESSING_FAILURES),
        window: at.duration("window", window, &rules::GUESSING_WINDOW),
        lockout: at.duration("lockout", lockout, &rules::GUESSING_LOCKOUT),
    };
    (guessing.failures > 0).then_some(guessing)
}

pub(super) fn cors(at: &At<'_>, raw: Option<&raw::Cors>) -> Cors {
    let mode = raw.and_then(|r| r.mode).unwrap_or(raw::CorsMode::Pass);
    let written = raw.and_then(|r| r.origins.as_deref());
    match mode {
        raw::CorsMode::Answer => Cors::Answer {
            origins: at.some("origins", written, "at least one origin", origin),
        },
        raw::CorsMode::Pass => {
            if written.is_some_and(|origins| !origins.is_empty()) {
                at.key("origins")
                    .refuse("has no effect when the XSP answers", "`mode = \"answer\"`");
            }
            Cors::Pass
        }
    }
}

fn origin(text: &str) -> Result<String, Wrong> {
    let form = "an origin such as https://portal.example.com, without a path";
    if text == "*" {
        return wrong("browsers refuse `*` together with credentials", form);
    }
    let lower = text.to_ascii_lowercase();
    let authority = lower
        .strip_prefix("https://")
        .or_else(|| lower.strip_prefix("http://"));
    match authority.map(values::authority) {
        Some(Ok(_)) => Ok(lower),
        Some(Err(_)) | None => wrong("not an origin", form),
    }
}

pub(super) fn forwarding(at: &At<'_>, raw: Option<&raw::Forwarding>) -> Forwarding {
    let identity = raw.and_then(|r| r.identity_header.as_deref());
    let drop = raw.and_then(|r| r.drop_headers.as_deref());
    let trusted = raw.and_then(|r| r.trusted_proxies.as_deref());
    Forwarding {
        identity_header: at.text("identity-header", identity, header),
        drop_headers: at.list("drop-headers", drop, header),
        trusted_proxies: at.list("trusted-proxies", trusted, network),
    }
}

fn header(text: &str) -> Result<String, Wrong> {
    let name = values::header_name(text)?;
    if NEEDED.contains(&name.as_str()) || name.starts_with("x-forwarded-") {
        wrong(
            "a header that HTTP, the XSP or the edge itself needs",
            "another header",
        )
    } else {
        Ok(name)
    }
}

/// A header that a peer may set for its own purpose: neither ours, nor one of HTTP itself.
pub(super) fn foreign_header(text: &str) -> Result<String, Wrong> {
    let name = header(text)?;
    if is_hop_by_hop(&name) {
        wrong("a header for one hop only", "another header")
    } else {
        Ok(name)
    }
}

pub(super) fn network(text: &str) -> Result<IpNet, Wrong> {
    let form = "a network such as 10.0.0.0/24, or an address";
    let network = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
    match network {
        Ok(network) if network.prefix_len() == 0 => {
            wrong("everyone's word would be believed", form)
        }
        Ok(network) => Ok(network.trunc()),
        Err(_) => wrong("not a network", form),
    }
}
