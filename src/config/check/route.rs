//! Routes: the built-in ones, what was changed about them, and those that were added.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::config::Listener;
use crate::config::Pool;
use crate::config::Route;
use crate::config::RouteKind;
use crate::config::check::at::At;
use crate::config::check::rules;
use crate::config::raw;
use crate::config::values::Wrong;
use crate::config::values::wrong;

/// The pool of a route that names none.
const POOL: &str = "xsp";

/// Longest prefix; a request line is far longer, but no context path of BroadWorks is.
const PREFIX_LENGTH: usize = 256;

/// Routes that exist without being written: name, prefix, kind (Xsi guide, "contexts"). The one of
/// busy lamps is served only where it is named.
pub(in crate::config) const BUILT_IN: [(&str, &str, RouteKind); 5] = [
    (
        "xsi-actions",
        "/com.broadsoft.xsi-actions",
        RouteKind::XsiActions,
    ),
    (
        "xsi-events",
        "/com.broadsoft.xsi-events",
        RouteKind::XsiEvents,
    ),
    ("async", "/com.broadsoft.async", RouteKind::XsiEvents),
    ("auth-service", "/authService", RouteKind::AuthService),
    ("blf", "/blf", RouteKind::Blf),
];

/// All routes by name, the built-in ones included.
pub(super) fn routes(
    at: &At<'_>,
    raw: Option<&[raw::Route]>,
    pools: &BTreeMap<String, Pool>,
    native: bool,
) -> BTreeMap<String, Route> {
    let silent = raw::Route::default();
    let built_in = BUILT_IN.iter().map(|(name, _, _)| {
        let route = route(&at.key("route"), (*name).to_owned(), &silent);
        ((*name).to_owned(), route)
    });
    let mut routes: BTreeMap<String, Route> = built_in.collect();
    let name = |route: &raw::Route| route.name.clone();
    let written = at.named("route", raw, name, |at, name, raw| {
        let pool = |name: &str| {
            if pools.contains_key(name) {
                Ok(())
            } else {
                wrong("no pool has this name", one_of(pools.keys()))
            }
        };
        let route = route(at, name, raw);
        if !needs_none(&route, native) {
            let _known = at.text("pool", raw.pool.as_deref(), pool);
        }
        route
    });
    routes.extend(written.into_iter().map(|r| (r.name.clone(), r)));
    routes
}

fn route(at: &At<'_>, name: String, raw: &raw::Route) -> Route {
    let built_in = BUILT_IN.iter().find(|(known, _, _)| *known == name);
    let prefix = match (built_in, raw.prefix.as_deref()) {
        (Some((_, prefix, _)), None) => Some((*prefix).to_owned()),
        (_, written) => at.required("prefix", written, "a path such as `/callsettings`", prefix),
    };
    let kind = built_in.map_or(RouteKind::Plain, |(_, _, kind)| *kind);
    let kind = raw.kind.unwrap_or(kind);
    let idle = match kind {
        RouteKind::AuthService | RouteKind::Blf | RouteKind::Plain | RouteKind::XsiActions => {
            &rules::ANSWER_IDLE_TIMEOUT
        }
        RouteKind::XsiEvents => &rules::CHANNEL_IDLE_TIMEOUT,
    };
    let response = raw.response_timeout.as_ref();
    Route {
        prefix: prefix.unwrap_or_default(),
        kind,
        pool: raw.pool.clone().unwrap_or_else(|| POOL.to_owned()),
        response_timeout: at.duration("response-timeout", response, &rules::RESPONSE_TIMEOUT),
        idle_timeout: at.duration("idle-timeout", raw.idle_timeout.as_ref(), idle),
        require_client_certificate: raw.require_client_certificate.unwrap_or(false),
        name,
    }
}

/// What is answered here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answered {
    /// AuthService.
    pub(super) auth_service: bool,
    /// Busy lamps.
    pub(super) lamps: bool,
}

/// Leaves out what no listener serves and whose default pool does not exist, so that a
/// pass-through needs no pool; complains when it is served. An AuthService route that is answered
/// here needs none; busy lamps have a route when they are tracked or a listener names it.
pub(super) fn with_pool(
    at: &At<'_>,
    mut routes: BTreeMap<String, Route>,
    pools: &BTreeMap<String, Pool>,
    listeners: &[Listener],
    answered: Answered,
) -> BTreeMap<String, Route> {
    let native = answered.auth_service;
    let hosts = listeners.iter().flat_map(|listener| &listener.hosts);
    let served: BTreeSet<&String> = hosts.flat_map(|host| &host.routes).collect();
    let missing = !pools.contains_key(POOL);
    let dangles = |route: &&Route| missing && route.pool == POOL && !needs_none(route, native);
    let dangling: Vec<String> = routes
        .values()
        .filter(dangles)
        .map(|r| r.name.clone())
        .collect();
    let needed: Vec<&str> = dangling
        .iter()
        .filter(|name| served.contains(name))
        .map(String::as_str)
        .collect();
    if !needed.is_empty() {
        at.key("pool").refuse(
            format!(
                "no pool is named `{POOL}`, where the routes {} go",
                needed.join(", ")
            ),
            "a `[[pool]]` with this name, or `[[route]]`s that name another pool",
        );
    }
    routes.retain(|name, route| {
        let is_idle = route.kind == RouteKind::Blf && !answered.lamps && !served.contains(name);
        !dangling.contains(name) && !is_idle
    });
    routes
}

/// Whether a route is answered here, so that its pool is of no use.
fn needs_none(route: &Route, native: bool) -> bool {
    match route.kind {
        RouteKind::AuthService => native,
        RouteKind::Blf => true,
        RouteKind::Plain | RouteKind::XsiActions | RouteKind::XsiEvents => false,
    }
}

/// A list of names for people.
pub(super) fn one_of<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<_> = names.map(String::as_str).collect();
    if names.is_empty() {
        "a name that is defined; none is".to_owned()
    } else {
        format!("one of {}", names.join(", "))
    }
}

fn prefix(text: &str) -> Result<String, Wrong> {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let segment = |s: &str| !s.is_empty() && s != "." && s != ".." && s.bytes().all(good);
    let body = text.strip_prefix('/');
    if text.len() <= PREFIX_LENGTH && body.is_some_and(|body| body.split('/').all(segment)) {
        Ok(text.to_owned())
    } else {
        wrong(
            "not a path prefix",
            "`/` and plain segments, without a trailing slash, escapes or a query",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_made_of_plain_segments() {
        for good in ["/dms", "/authService", "/com.broadsoft.xsi-actions/v2.0"] {
            assert_eq!(prefix(good).as_deref(), Ok(good));
        }
        for bad in [
            "", "/", "dms", "/dms/", "//dms", "/a/../b", "/a?b", "/a%2Fb", "/a b",
        ] {
            assert!(prefix(bad).is_err(), "{bad}");
        }
    }
}
