//! Metrics and events of the OCI-P client.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tracing::debug;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::domain::ocip::OcipFailure;
use crate::domain::ocip::RequestKind;
use crate::domain::ocip::breaker::Change;
use crate::domain::ocip::refusal::Refusal;
use crate::platform::clock;
use crate::telemetry::seldom::Seldom;

/// The outcome of a request that was answered as hoped.
const OK: &str = "ok";

/// Upper bounds in seconds: an answer from the same data centre takes milliseconds, the time limit
/// is ten seconds unless configured otherwise.
const BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0];

/// The metrics of the connection to the Application Server.
#[derive(Debug)]
pub struct OcipMetrics {
    requests: Family<Labels, Counter>,
    duration: Histogram,
    up: Gauge,
    logins: Counter,
    seldom: Seldoms,
}

/// Lines that every request may cause.
#[derive(Debug, Default)]
struct Seldoms {
    connect: Seldom,
    permission: Seldom,
    login: Seldom,
    unusable: Seldom,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    request: &'static str,
    outcome: &'static str,
}

impl OcipMetrics {
    /// Registers the families; the series of requests appear with [`OcipMetrics::series`].
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let metrics = Self {
            requests: Family::default(),
            duration: Histogram::new(BUCKETS),
            up: Gauge::default(),
            logins: Counter::default(),
            seldom: Seldoms::default(),
        };
        registry.register(
            "ocip_requests",
            "Requests to the Application Server over OCI-P, by outcome",
            metrics.requests.clone(),
        );
        registry.register(
            "ocip_request_duration_seconds",
            "From a request's start, waits included, to its outcome",
            metrics.duration.clone(),
        );
        registry.register(
            "ocip_up",
            "0: the Application Server does not answer over OCI-P and is left alone; 1: as far as is \
             known it answers, or there is none",
            metrics.up.clone(),
        );
        metrics.up(true);
        registry.register(
            "ocip_logins",
            "Logins at the Application Server, one for each connection",
            metrics.logins.clone(),
        );
        Arc::new(metrics)
    }

    /// Makes every series, at zero; called when an Application Server is configured.
    pub fn series(&self) {
        let outcomes = || OcipFailure::WORDS.into_iter().chain([OK]);
        for request in RequestKind::ALL {
            for outcome in outcomes() {
                drop(self.counter(request, outcome));
            }
        }
    }

    fn up(&self, answers: bool) {
        self.up.set(answers.into());
    }

    fn counter(&self, request: RequestKind, outcome: &'static str) -> Counter {
        self.requests.get_or_create_owned(&Labels {
            request: request.as_str(),
            outcome,
        })
    }

    /// A request ended. What users cause is debug; an unusable answer needs somebody's eyes.
    pub fn request(&self, kind: RequestKind, failure: Option<&OcipFailure>, took: Duration) {
        let outcome = failure.map_or(OK, OcipFailure::as_str);
        self.counter(kind, outcome).inc();
        self.duration.observe(took.as_secs_f64());
        let request = kind.as_str();
        let Some(error) = failure else {
            debug!(request, outcome, ?took, "The Application Server answered.");
            return;
        };
        debug!(request, outcome, ?took, %error, "A request to the Application Server failed.");
        if matches!(error, OcipFailure::BadAnswer(_))
            && let Some(unwritten) = self.seldom.unusable.pass(request, clock::mono())
        {
            warn!(request, %error, unwritten, "The Application Server gave an unusable answer.");
        }
    }

    /// Requests pass again, or no longer.
    pub fn changed(&self, change: Change) {
        match change {
            Change::Opened => {
                self.up(false);
                warn!(
                    "The Application Server cannot be asked over OCI-P, for the reason told before, \
                     and is left alone for a while."
                );
            }
            Change::Closed => {
                self.up(true);
                info!("The Application Server answers over OCI-P again.");
            }
        }
    }

    /// A connection is logged in.
    pub fn logged_in(&self, address: &str, request: &'static str, login_type: &str) {
        self.logins.inc();
        debug!(
            address,
            request, login_type, "Logged in at the Application Server."
        );
    }

    /// An address gave no logged-in connection.
    pub fn connect_failed(&self, address: &str, error: &dyn std::fmt::Display) {
        if let Some(unwritten) = self.seldom.connect.pass(address, clock::mono()) {
            warn!(address, %error, unwritten, "No OCI-P connection to the Application Server.");
        }
    }

    /// It refuses our own login.
    pub fn login_refused(&self, address: &str, refusal: &Refusal) {
        if let Some(unwritten) = self.seldom.login.pass(address, clock::mono()) {
            error!(
                address,
                code = refusal.code,
                summary = refusal.summary_english,
                unwritten,
                "The Application Server refuses our OCI-P login; check user-id and password of \
                 [application-server], and that the account is not locked. The next attempt is in \
                 five minutes, or as soon as the file of the password is another."
            );
        }
    }

    /// Our administrator lacks the right to a request.
    pub fn not_permitted(&self, request: &'static str, user: &str) {
        if let Some(unwritten) = self.seldom.permission.pass(request, clock::mono()) {
            error!(
                request,
                administrator = user,
                unwritten,
                "The Application Server does not let our administrator send this request; give it \
                 an account whose level and policies allow the request, or allow it there."
            );
        }
    }
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
    fn without_an_application_server_nothing_says_that_it_is_silent() {
        let mut registry = Registry::with_prefix("xspd");
        let metrics = OcipMetrics::register(&mut registry);
        assert!(text(&registry).contains("\nxspd_ocip_up 1\n"));
        metrics.changed(Change::Opened);
        assert!(text(&registry).contains("\nxspd_ocip_up 0\n"));
    }

    #[test]
    fn every_series_stands_at_zero_from_the_start() {
        let mut registry = Registry::with_prefix("xspd");
        let metrics = OcipMetrics::register(&mut registry);
        metrics.series();
        metrics.request(
            RequestKind::Verify,
            Some(&OcipFailure::Locked),
            Duration::ZERO,
        );
        let text = text(&registry);
        for (request, outcome, count) in [
            ("verify", "ok", 0),
            ("verify", "locked", 1),
            ("user", "rate-limited", 0),
        ] {
            let line = format!(
                "xspd_ocip_requests_total{{request=\"{request}\",outcome=\"{outcome}\"}} {count}"
            );
            assert!(text.contains(&line), "{line} is missing in\n{text}");
        }
    }
}
