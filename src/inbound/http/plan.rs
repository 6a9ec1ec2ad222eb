//! What a configuration means per request, worked out once: nothing is looked up by name on the
//! way of a request.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;

use crate::config::Affinity;
use crate::config::Config;
use crate::config::Cors;
use crate::config::Rate;
use crate::config::RouteKind;
use crate::config::Rule;
use crate::domain::edge::cors::Origins;
use crate::domain::edge::guessing;
use crate::domain::edge::headers::request::Rules;
use crate::domain::edge::policy::Policy;
use crate::domain::edge::policy::Subject;
use crate::domain::edge::rates::Pace;
use crate::domain::edge::routes::RouteTable;
use crate::outbound::Pool;
use crate::outbound::Pools;
use crate::telemetry::http::HttpMetrics;
use crate::telemetry::http::RouteSeries;

/// The configuration in the form in which requests meet it.
pub(super) struct Plan {
    pub(super) table: RouteTable,
    /// In the order of the table's numbers.
    pub(super) routes: Box<[RoutePlan]>,
    listeners: Box<[ListenerPlan]>,
    /// Prefixes of the contexts for which the policy holds.
    pub(super) action_prefixes: Box<[String]>,
    pub(super) policy: Policy,
    pub(super) pace: Option<Pace>,
    pub(super) user_pace: Option<Pace>,
    pub(super) guessing: Option<guessing::Limits>,
    /// Present when we answer browsers.
    pub(super) origins: Option<Origins>,
    pub(super) headers: Rules,
}

/// One route.
pub(super) struct RoutePlan {
    pub(super) name: Arc<str>,
    pub(super) kind: RouteKind,
    pub(super) prefix: Box<str>,
    /// `None` only if the pools were built from another configuration.
    pub(super) pool: Option<Arc<Pool>>,
    /// Whether the pool wants to know whose request it is.
    pub(super) affinity: Affinity,
    pub(super) response_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) require_client_certificate: bool,
    pub(super) treatment: Treatment,
}

/// What becomes of the requests of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    /// Our AuthService answers.
    Answer,
    /// Our busy lamps answer.
    Lamps,
    /// The XSP sees them.
    Relay,
    /// The XSP sees them, with its own kind of credentials in the place of our tokens.
    Swap,
}

impl Treatment {
    const fn of(kind: RouteKind, has_desk: bool) -> Self {
        match kind {
            RouteKind::AuthService if has_desk => Self::Answer,
            RouteKind::Blf => Self::Lamps,
            RouteKind::XsiActions | RouteKind::XsiEvents if has_desk => Self::Swap,
            RouteKind::AuthService
            | RouteKind::Plain
            | RouteKind::XsiActions
            | RouteKind::XsiEvents => Self::Relay,
        }
    }
}

struct ListenerPlan {
    name: String,
    unrouted: Arc<RouteSeries>,
    /// In the order of the routes.
    series: Box<[Arc<RouteSeries>]>,
}

impl Plan {
    pub(super) fn new(config: &Config, pools: &Pools, metrics: &HttpMetrics) -> Self {
        let routes: Box<[RoutePlan]> = config
            .routes
            .values()
            .map(|route| RoutePlan {
                name: route.name.as_str().into(),
                kind: route.kind,
                prefix: route.prefix.as_str().into(),
                pool: pools.get(&route.pool).cloned(),
                affinity: config
                    .pools
                    .get(&route.pool)
                    .map_or(Affinity::None, |pool| pool.affinity),
                response_timeout: route.response_timeout,
                idle_timeout: route.idle_timeout,
                require_client_certificate: route.require_client_certificate,
                treatment: Treatment::of(route.kind, config.auth_service.is_some()),
            })
            .collect();
        let listeners = config
            .listeners
            .iter()
            .map(|listener| ListenerPlan {
                name: listener.name.clone(),
                unrouted: Arc::new(metrics.series(&listener.name, None)),
                series: routes
                    .iter()
                    .map(|route| Arc::new(metrics.series(&listener.name, Some(&route.name))))
                    .collect(),
            })
            .collect();
        let prefixes = config.routes.values().map(|route| route.prefix.as_str());
        Self {
            table: RouteTable::new(prefixes),
            routes,
            listeners,
            action_prefixes: config
                .routes
                .values()
                .filter(|route| route.kind == RouteKind::XsiActions)
                .map(|route| route.prefix.clone())
                .collect(),
            policy: policy(&config.policy),
            pace: config.policy.rate.map(pace),
            user_pace: config.policy.user_rate.map(pace),
            guessing: config
                .policy
                .guessing
                .as_ref()
                .map(|limits| guessing::Limits {
                    failures: limits.failures,
                    window: limits.window,
                    lockout: limits.lockout,
                }),
            origins: match &config.cors {
                Cors::Answer { origins } => Some(Origins::new(origins.clone())),
                Cors::Pass => None,
            },
            headers: Rules {
                identity_header: config
                    .forwarding
                    .identity_header
                    .as_deref()
                    .and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok()),
                drop: config.forwarding.drop_headers.clone(),
            },
        }
    }

    /// What a request on `listener` moves; a handful of listeners needs no map.
    pub(super) fn series(&self, listener: &str, route: Option<usize>) -> Option<&Arc<RouteSeries>> {
        let listener = self.listeners.iter().find(|plan| plan.name == listener)?;
        match route {
            Some(route) => listener.series.get(route),
            None => Some(&listener.unrouted),
        }
    }

    /// Whether this configuration has such a series.
    pub(super) fn knows(&self, listener: &str, route: Option<&str>) -> bool {
        self.listeners.iter().any(|plan| plan.name == listener)
            && route.is_none_or(|route| self.routes.iter().any(|plan| &*plan.name == route))
    }
}

fn pace(rate: Rate) -> Pace {
    Pace::new(rate.per_second, rate.burst)
}

fn policy(written: &crate::config::Policy) -> Policy {
    // Without `..`, so that a new rule cannot be forgotten here.
    let crate::config::Policy {
        call_me_now,
        outgoing_dial,
        version_1,
        password_change,
        device_token,
        system,
        route_point,
        call_center,
        group,
        rate: _,
        user_rate: _,
        guessing: _,
    } = written;
    [
        (call_me_now, Subject::CallMeNow),
        (outgoing_dial, Subject::OutgoingDial),
        (version_1, Subject::Version1),
        (password_change, Subject::PasswordChange),
        (device_token, Subject::DeviceToken),
        (system, Subject::System),
        (route_point, Subject::RoutePoint),
        (call_center, Subject::CallCenter),
        (group, Subject::Group),
    ]
    .into_iter()
    .fold(Policy::default(), |policy, (rule, subject)| match rule {
        Rule::Allow => policy,
        Rule::Deny => policy.deny(subject),
    })
}
