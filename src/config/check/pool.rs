//! Pools and their upstreams.

use std::collections::BTreeMap;

use crate::config::Affinity;
use crate::config::Ejection;
use crate::config::HealthCheck;
use crate::config::Pool;
use crate::config::Upstream;
use crate::config::UpstreamTls;
use crate::config::check::at::At;
use crate::config::check::certificate;
use crate::config::check::rules;
use crate::config::raw;
use crate::config::values;
use crate::config::values::Wrong;
use crate::config::values::wrong;

/// Answered by every release without credentials (Xsi guide, "versions").
const HEALTH_PATH: &str = "/com.broadsoft.xsi-actions/v2.0/versions";

/// Longest request target of a health check.
const HEALTH_PATH_LENGTH: usize = 1024;

const URL_FORM: &str = "`http://host:port` or `https://host:port`";

/// All pools by name.
pub(super) fn pools(at: &At<'_>, raw: Option<&[raw::Pool]>) -> BTreeMap<String, Pool> {
    let name = |pool: &raw::Pool| pool.name.clone();
    let pools = at.named("pool", raw, name, pool);
    pools.into_iter().map(|p| (p.name.clone(), p)).collect()
}

fn pool(at: &At<'_>, name: String, raw: &raw::Pool) -> Pool {
    let connections = at.count("connections", raw.connections, &rules::POOL_CONNECTIONS);
    let connect = raw.connect_timeout.as_ref();
    Pool {
        name,
        upstreams: upstreams(at, raw.upstream.as_deref()),
        affinity: raw.affinity.unwrap_or(Affinity::User),
        health: health(&at.key("health"), raw.health.as_ref()),
        ejection: ejection(&at.key("ejection"), raw.ejection.as_ref()),
        connect_timeout: at.duration("connect-timeout", connect, &rules::CONNECT_TIMEOUT),
        keep_alive: at.duration("keep-alive", raw.keep_alive.as_ref(), &rules::KEEP_ALIVE),
        connections: usize::try_from(connections).unwrap_or(usize::MAX),
    }
}

fn upstreams(at: &At<'_>, raw: Option<&[raw::Upstream]>) -> Vec<Upstream> {
    if raw.is_none_or(<[_]>::is_empty) {
        at.key("upstream")
            .refuse("missing", "at least one `[[pool.upstream]]`");
    }
    let name = |upstream: &raw::Upstream| upstream.name.clone();
    let mut seen = Vec::new();
    at.named("upstream", raw, name, |at, name, raw| {
        let upstream = upstream(at, name, raw);
        let target = (upstream.host.clone(), upstream.port);
        if upstream.port != 0 && seen.contains(&target) {
            let written = raw.url.clone().unwrap_or_default();
            let fault = Wrong {
                what: "another upstream of this pool is at the same address".to_owned(),
                expected: "each XSP once".to_owned(),
            };
            at.key("url").refuse_value(format!("{written:?}"), fault);
        }
        seen.push(target);
        upstream
    })
}

fn upstream(at: &At<'_>, name: String, raw: &raw::Upstream) -> Upstream {
    let url = match &raw.url {
        None => {
            at.key("url").refuse("missing", URL_FORM);
            None
        }
        // A password written into the address must not reach a log.
        Some(text) if text.contains('@') => {
            let fault = Wrong {
                what: "a user and password have no place here".to_owned(),
                expected: URL_FORM.to_owned(),
            };
            at.key("url").refuse_value("…", fault);
            None
        }
        Some(text) => at.text("url", Some(text), url),
    };
    let tls = match &url {
        Some((Scheme::Https, host, _)) => tls(at, raw, Some(host)),
        Some((Scheme::Http, _, _)) => {
            tls_has_no_effect(at, raw);
            None
        }
        // Judged as far as possible; the address is already a problem.
        None => {
            let written = raw.ca.is_some() || raw.spki_pins.is_some();
            written.then(|| tls(at, raw, None)).flatten()
        }
    };
    let (_, host, port) = url.unwrap_or((Scheme::Http, String::new(), 0));
    Upstream {
        name,
        host,
        port,
        tls,
        host_header: at.text("host-header", raw.host_header.as_deref(), values::authority),
        aliases: at.list("aliases", raw.aliases.as_deref(), values::authority),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

fn url(text: &str) -> Result<(Scheme, String, u16), Wrong> {
    let (scheme, rest) = match text.split_once("://") {
        Some(("http", rest)) => (Scheme::Http, rest),
        Some(("https", rest)) => (Scheme::Https, rest),
        Some(_) | None => return wrong("not a URL with http or https", URL_FORM),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '?', '#']) {
        return wrong(
            "a path has no place here, requests keep their own",
            URL_FORM,
        );
    }
    let default = match scheme {
        Scheme::Http => 80,
        Scheme::Https => 443,
    };
    let (host, port) = values::host_port(rest, Some(default))?;
    Ok((scheme, host, port))
}

fn tls(at: &At<'_>, raw: &raw::Upstream, host: Option<&String>) -> Option<UpstreamTls> {
    if raw.ca.is_none() && raw.spki_pins.as_ref().is_none_or(Vec::is_empty) {
        at.key("ca").refuse(
            "missing, so the certificate of the XSP could not be verified",
            "`ca` with its CA certificates, `spki-pins`, or both",
        );
    }
    let server_name = raw.server_name.as_deref();
    let server_name = at.text("server-name", server_name, values::host_or_address);
    let own = raw.client_certificate.as_ref();
    let own = own.and_then(|files| certificate(&at.key("client-certificate"), files));
    Some(UpstreamTls {
        ca: at.text("ca", raw.ca.as_deref(), values::path),
        pins: at.list("spki-pins", raw.spki_pins.as_deref(), values::pin),
        client_certificate: own,
        server_name: server_name.or_else(|| host.cloned())?,
    })
}

fn tls_has_no_effect(at: &At<'_>, raw: &raw::Upstream) {
    let written = [
        ("ca", raw.ca.is_some()),
        ("spki-pins", raw.spki_pins.is_some()),
        ("server-name", raw.server_name.is_some()),
        ("client-certificate", raw.client_certificate.is_some()),
    ];
    for (key, _) in written.iter().filter(|(_, written)| *written) {
        at.key(key)
            .refuse("has no effect without TLS", "a url with https");
    }
}

fn health(at: &At<'_>, raw: Option<&raw::HealthCheck>) -> HealthCheck {
    let of = |f: fn(&raw::HealthCheck) -> Option<&raw::DurationText>| raw.and_then(f);
    let interval = of(|r| r.interval.as_ref());
    let written = of(|r| r.timeout.as_ref());
    let interval = at.duration("interval", interval, &rules::HEALTH_INTERVAL);
    let timeout = at.duration("timeout", written, &rules::HEALTH_TIMEOUT);
    if timeout > interval && written.is_some() {
        let fault = Wrong {
            what: "longer than the interval, so checks would pile up".to_owned(),
            expected: format!("at most {}", values::duration_text(interval)),
        };
        let text = values::duration_text(timeout);
        at.key("timeout").refuse_value(format!("{text:?}"), fault);
    }
    HealthCheck {
        path: at
            .text("path", raw.and_then(|r| r.path.as_deref()), target)
            .unwrap_or_else(|| HEALTH_PATH.to_owned()),
        interval,
        timeout: timeout.min(interval),
        rise: at.count("rise", raw.and_then(|r| r.rise), &rules::RISE),
        fall: at.count("fall", raw.and_then(|r| r.fall), &rules::FALL),
    }
}

fn target(text: &str) -> Result<String, Wrong> {
    let origin_form = text.starts_with('/') && !text.contains('#');
    let parses = http::uri::PathAndQuery::try_from(text).is_ok();
    if origin_form && parses && text.is_ascii() && text.len() <= HEALTH_PATH_LENGTH {
        Ok(text.to_owned())
    } else {
        wrong(
            "not a request target",
            "a path that starts with `/`, with a query if need be",
        )
    }
}

fn ejection(at: &At<'_>, raw: Option<&raw::Ejection>) -> Ejection {
    let failures = raw.and_then(|r| r.failures);
    let time = raw.and_then(|r| r.time.as_ref());
    Ejection {
        failures: at.count("failures", failures, &rules::EJECTION_FAILURES),
        time: at.duration("time", time, &rules::EJECTION_TIME),
    }
}
