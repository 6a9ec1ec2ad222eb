//! The CA of our own, and the prober outside.

use std::time::Duration;

use crate::config::InternalCa;
use crate::config::Prober;
use crate::config::check::at::At;
use crate::config::check::rules::Bounds;
use crate::config::raw;
use crate::config::values;
use crate::config::values::Wrong;
use crate::config::values::wrong;

const DAY: u64 = 24 * 60 * 60;

/// Long enough that a daemon that is off for a week does no harm, short enough that a renewal is
/// routine when it is needed.
const CLIENT_LIFETIME: Bounds<Duration> = Bounds {
    default: Duration::from_secs(90 * DAY),
    low: Duration::from_secs(60 * 60),
    high: Duration::from_secs(3_650 * DAY),
};

/// What the blackbox exporter calls its module that makes a request by HTTP, in its own example.
const PROBER_MODULE: &str = "http_2xx";

const PROBER_FORM: &str = "a URL such as http://prober.example.net:9115/probe, without a query";

/// The prober outside: its URL and what it is to look at belong together.
pub(super) fn prober(at: &At<'_>, raw: &raw::Certificates) -> Option<Prober> {
    let url = at.text("prober-url", raw.prober_url.as_deref(), prober_url);
    let module = at.text("prober-module", raw.prober_module.as_deref(), prober_text);
    let targets = raw.prober_targets.as_deref();
    let targets = at.list("prober-targets", targets, prober_text);
    if raw.prober_url.is_some() && raw.prober_targets.as_ref().is_none_or(Vec::is_empty) {
        let form = "at least one, such as \"https://xsp.example.com/\"";
        at.key("prober-targets").refuse("missing", form);
    }
    for (key, written) in [
        ("prober-module", raw.prober_module.is_some()),
        ("prober-targets", raw.prober_targets.is_some()),
    ] {
        if written && raw.prober_url.is_none() {
            at.key(key)
                .refuse("has no effect here", "`prober-url`, too");
        }
    }
    Some(Prober {
        url: url?,
        module: module.unwrap_or_else(|| PROBER_MODULE.to_owned()),
        targets,
    })
}

/// In clear, too: what is asked and answered is public.
fn prober_url(text: &str) -> Result<String, Wrong> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"?#@\\\"<>^`{|}".contains(&byte));
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    let authority = rest.and_then(|rest| rest.split('/').next());
    match authority.filter(|authority| plain && !authority.is_empty() && text.len() <= 1_024) {
        Some(authority) => values::host_port(authority, Some(80)).map(|_| text.to_owned()),
        None => wrong("not a URL of a prober", PROBER_FORM),
    }
}

fn prober_text(text: &str) -> Result<String, Wrong> {
    if (1..=512).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        wrong(
            "not printable, empty or too long",
            "1 to 512 printable characters without spaces",
        )
    }
}

/// The CA of our own.
pub(super) fn internal_ca(at: &At<'_>, raw: Option<&raw::InternalCa>) -> Option<InternalCa> {
    let raw = raw?;
    let form = "the directory that `xspd certs init-internal-ca --out` made";
    let directory = at.required("directory", raw.directory.as_deref(), form, values::path);
    Some(InternalCa {
        renew: raw.renew.unwrap_or(true),
        client_lifetime: at.duration(
            "client-lifetime",
            raw.client_lifetime.as_ref(),
            &CLIENT_LIFETIME,
        ),
        try_first: raw.try_first.unwrap_or(true),
        directory: directory?,
    })
}
