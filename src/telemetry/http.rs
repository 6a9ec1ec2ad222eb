//! Metrics and events of relayed and refused requests, and the access log.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tracing::info;

use crate::domain::edge::reason::Reason;

/// Target of the access log, for filters.
pub const ACCESS: &str = "xspd::access";

/// Route label of requests that were refused before they had a route.
const UNROUTED: &str = "none";

/// Seconds. The core answers in tens of milliseconds, `calls/new` waits for the AS up to the
/// route's limit of 30 s, event channels end after minutes.
const BUCKETS: [f64; 13] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 300.0,
];

/// Status classes, and one for clients that left before an answer.
const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];

/// The metrics of all listeners and routes.
pub struct HttpMetrics {
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    lockouts: Counter,
    /// In the order of [`Reason::ALL`].
    refusals: Box<[Counter]>,
    known: Mutex<BTreeSet<(String, String)>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    listener: String,
    route: String,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

impl HttpMetrics {
    /// Registers the families; refusals are at zero at once, requests with
    /// [`HttpMetrics::series`].
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let requests = Family::default();
        let durations: Family<_, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(BUCKETS));
        let in_flight = Gauge::default();
        let lockouts = Counter::default();
        let refusals = Family::<ReasonLabels, Counter>::default();
        registry.register(
            "http_requests",
            "Requests by listener, route and class of the status, refused ones included",
            requests.clone(),
        );
        registry.register(
            "http_request_duration_seconds",
            "Time from a request's head to the end of its answer, by route",
            durations.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests whose answer has not ended yet",
            in_flight.clone(),
        );
        registry.register(
            "http_refusals",
            "Requests that the edge answered by itself, by reason",
            refusals.clone(),
        );
        registry.register(
            "http_lockouts",
            "Times that an address was locked out for guessing passwords",
            lockouts.clone(),
        );
        let refusals = Reason::ALL
            .iter()
            .map(|reason| {
                let reason = reason.as_str();
                refusals.get_or_create_owned(&ReasonLabels { reason })
            })
            .collect();
        Arc::new(Self {
            requests,
            durations,
            in_flight,
            lockouts,
            refusals,
            known: Mutex::default(),
        })
    }

    /// The series of one route on one listener, made at zero when they are new. Without a route:
    /// those of requests refused before they had one.
    #[must_use]
    pub fn series(&self, listener: &str, route: Option<&str>) -> RouteSeries {
        let route = route.unwrap_or(UNROUTED);
        self.known().insert((listener.to_owned(), route.to_owned()));
        let classes = CLASSES.map(|status| {
            self.requests.get_or_create_owned(&RequestLabels {
                listener: listener.to_owned(),
                route: route.to_owned(),
                status,
            })
        });
        let duration = self.durations.get_or_create_owned(&RouteLabels {
            route: route.to_owned(),
        });
        RouteSeries {
            classes,
            duration,
            in_flight: self.in_flight.clone(),
        }
    }

    /// Removes the series of listeners and routes for which `keep` is false; the second argument
    /// is `None` for requests without a route.
    pub fn retain(&self, keep: impl Fn(&str, Option<&str>) -> bool) {
        let mut known = self.known();
        known.retain(|(listener, route)| {
            let kept = keep(
                listener,
                Some(route.as_str()).filter(|route| *route != UNROUTED),
            );
            if !kept {
                for status in CLASSES {
                    self.requests.remove(&RequestLabels {
                        listener: listener.clone(),
                        route: route.clone(),
                        status,
                    });
                }
            }
            kept
        });
    }

    /// A request was answered here. The access log tells the rest.
    pub fn refused(&self, reason: Reason) {
        if let Some(counter) = self.refusals.get(reason.index()) {
            counter.inc();
        }
    }

    /// An address was locked out; at most once per address and lockout time.
    pub fn locked_out(&self, client: IpAddr, lockout: Duration) {
        self.lockouts.inc();
        info!(%client, ?lockout, "Too many refused passwords; the address is locked out.");
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeSet<(String, String)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one request of a route moves, without looking labels up.
#[derive(Debug)]
pub struct RouteSeries {
    classes: [Counter; CLASSES.len()],
    duration: Histogram,
    in_flight: Gauge,
}

impl RouteSeries {
    /// A request has begun.
    pub fn began(&self) {
        self.in_flight.inc();
    }

    /// Its answer has ended, with this status, or without any.
    pub fn ended(&self, status: Option<StatusCode>, took: Duration) {
        self.in_flight.dec();
        self.duration.observe(took.as_secs_f64());
        let [informational, success, redirection, client, server, none] = &self.classes;
        let class = match status.map(|status| status.as_u16() / 100) {
            Some(1) => informational,
            Some(2) => success,
            Some(3) => redirection,
            Some(4) => client,
            Some(_) => server,
            None => none,
        };
        class.inc();
    }
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The client went away, or its connection was ended, before all was sent.
    Aborted,
    /// All of it was handed to the connection.
    Complete,
    /// The XSP broke its answer off.
    UpstreamLost,
}

impl Outcome {
    /// The word for the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aborted => "aborted",
            Self::Complete => "complete",
            Self::UpstreamLost => "upstream-lost",
        }
    }
}

/// One line of the access log (Xsi-Actions field page, section 8). Never credentials, bodies or
/// queries; the path's parameters and conference ids, which may be PINs, are masked before.
#[derive(Debug)]
pub struct Access<'a> {
    /// Who asked; behind a trusted proxy, as that says.
    pub client: IpAddr,
    /// Owner of the verified client certificate.
    pub identity: Option<&'a str>,
    /// Name of the listener.
    pub listener: &'a str,
    /// Name of the route.
    pub route: Option<&'a str>,
    /// Method.
    pub method: &'a str,
    /// Path, with the user id.
    pub path: &'a str,
    /// Status; none when the client left before.
    pub status: Option<u16>,
    /// Why the edge, or AuthService, refused.
    pub reason: Option<&'a str>,
    /// How the answer ended.
    pub outcome: Outcome,
    /// Who answered.
    pub upstream: Option<&'a str>,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the answer's body.
    pub bytes_out: u64,
    /// From the request's head to the answer's end.
    pub took: Duration,
    /// Scheme of the credentials.
    pub auth: &'static str,
    /// Tracking id, the client's or ours.
    pub tracking_id: &'a str,
}

impl Access<'_> {
    /// Whether anyone listens; if not, a request's facts need not be kept.
    #[must_use]
    pub fn wanted() -> bool {
        tracing::enabled!(target: ACCESS, tracing::Level::INFO)
    }

    /// Writes the line.
    pub fn tell(&self) {
        info!(
            target: ACCESS,
            client = %self.client,
            identity = self.identity,
            listener = self.listener,
            route = self.route,
            method = self.method,
            path = self.path,
            status = self.status,
            reason = self.reason,
            outcome = self.outcome.as_str(),
            upstream = self.upstream,
            bytes_in = self.bytes_in,
            bytes_out = self.bytes_out,
            duration_ms = milliseconds(self.took),
            auth = self.auth,
            tracking_id = self.tracking_id,
            "Request ended."
        );
    }
}

/// For a field of a log line: to the microsecond, without the dust that binary fractions leave.
pub(super) fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(registry: &Registry) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
        text
    }

    #[test]
    fn durations_in_the_log_are_short_numbers() {
        let told = |nanoseconds| milliseconds(Duration::from_nanos(nanoseconds)).to_string();
        assert_eq!(told(277_280), "0.277");
        assert_eq!(told(1_033_810), "1.034");
        assert_eq!(told(44_013_887), "44.014");
    }

    #[test]
    fn every_reason_and_class_is_at_zero_from_the_start() {
        let mut registry = Registry::default();
        let metrics = HttpMetrics::register(&mut registry);
        let _series = metrics.series("public", Some("xsi"));
        let text = text(&registry);
        for reason in Reason::ALL {
            let line = format!("http_refusals_total{{reason=\"{}\"}} 0\n", reason.as_str());
            assert!(text.contains(&line), "{line}");
        }
        for class in CLASSES {
            let labels = format!("listener=\"public\",route=\"xsi\",status=\"{class}\"");
            assert!(
                text.contains(&format!("http_requests_total{{{labels}}} 0\n")),
                "{text}"
            );
        }
    }

    #[test]
    fn a_request_moves_its_class_its_duration_and_the_gauge() {
        let mut registry = Registry::default();
        let metrics = HttpMetrics::register(&mut registry);
        let series = metrics.series("public", None);
        series.began();
        assert!(text(&registry).contains("http_requests_in_flight 1\n"));
        series.ended(Some(StatusCode::NOT_FOUND), Duration::from_millis(20));
        metrics.refused(Reason::RouteUnknown);
        let text = text(&registry);
        for line in [
            "http_requests_in_flight 0\n",
            "http_requests_total{listener=\"public\",route=\"none\",status=\"4xx\"} 1\n",
            "http_request_duration_seconds_count{route=\"none\"} 1\n",
            "http_refusals_total{reason=\"route-unknown\"} 1\n",
        ] {
            assert!(text.contains(line), "{line}");
        }
    }

    #[test]
    fn series_of_removed_routes_go() {
        let mut registry = Registry::default();
        let metrics = HttpMetrics::register(&mut registry);
        let _old = metrics.series("public", Some("old"));
        let _unrouted = metrics.series("public", None);
        metrics.retain(|_, route| route != Some("old"));
        let text = text(&registry);
        assert!(!text.contains("route=\"old\",status"));
        assert!(text.contains("route=\"none\",status"));
    }
}
