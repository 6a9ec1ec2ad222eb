//! Metrics and events of the calls to Webex, and of the tokens that they need.

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

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

use crate::domain::auth::ci::grant::GrantFault;
use crate::domain::auth::ci::session::Alarm;
use crate::domain::certs::date;
use crate::domain::provisioning::operation::Operation;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::FailureKind;

/// The class of a call that Webex answered well.
pub const OK: &str = "2xx";

/// The outcome of a refresh that gave a new access token.
pub const REFRESHED: &str = "refreshed";

/// Every class of a call's end.
pub const CLASSES: [&str; 9] = [
    OK,
    "3xx",
    "429",
    "4xx",
    "5xx",
    "no-token",
    "not-sent",
    "unanswered",
    "unreadable",
];

/// Seconds. Reading takes tenths of a second, a create up to many; the time limit is a minute.
const BUCKETS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

/// Seconds that Webex asks us to wait.
const PAUSES: [f64; 6] = [1.0, 5.0, 15.0, 60.0, 300.0, 3_600.0];

/// Kinds of tokens with an end.
const ACCESS: &str = "access";
const REFRESH: &str = "refresh";

/// The metrics.
pub struct WebexMetrics {
    requests: Family<RequestLabels, Counter>,
    durations: Family<OperationLabels, Histogram, fn() -> Histogram>,
    pauses: Histogram,
    refreshes: Family<OutcomeLabels, Counter>,
    expiries: Family<TokenLabels, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    op: &'static str,
    code_class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    op: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    partner: String,
    kind: &'static str,
}

impl WebexMetrics {
    /// Registers the families; their series appear with [`WebexMetrics::series`].
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let metrics = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            pauses: Histogram::new(PAUSES),
            refreshes: Family::default(),
            expiries: Family::default(),
        };
        registry.register(
            "webex_requests",
            "Requests to the Webex APIs, by call and class of their end",
            metrics.requests.clone(),
        );
        registry.register(
            "webex_request_seconds",
            "From a request to the end of its answer, without the wait for its turn",
            metrics.durations.clone(),
        );
        registry.register(
            "webex_retry_after_seconds",
            "Pauses that Webex asked for",
            metrics.pauses.clone(),
        );
        registry.register(
            "webex_token_refreshes",
            "Attempts to get an access token from Webex, by outcome",
            metrics.refreshes.clone(),
        );
        registry.register(
            "webex_token_expiry_timestamp_seconds",
            "When the tokens of a partner end, by kind; access 0: there is none",
            metrics.expiries.clone(),
        );
        Arc::new(metrics)
    }

    /// Makes every series, at zero; called when there is a partner.
    pub fn series(&self) {
        for op in Operation::ALL.map(Operation::as_str) {
            for code_class in CLASSES {
                drop(
                    self.requests
                        .get_or_create(&RequestLabels { op, code_class }),
                );
            }
            drop(self.durations.get_or_create(&OperationLabels { op }));
        }
        let outcomes = GrantFault::ALL.map(GrantFault::as_str);
        for outcome in outcomes.into_iter().chain([REFRESHED]) {
            drop(self.refreshes.get_or_create(&OutcomeLabels { outcome }));
        }
    }

    /// A request ended. Whoever asked deals with a failure, and tells of it.
    pub fn request(
        &self,
        partner: &str,
        operation: Operation,
        failure: Option<&CallFailure>,
        took: Duration,
    ) {
        let op = operation.as_str();
        let code_class = failure.map_or(OK, |failure| class(failure.kind));
        let labels = RequestLabels { op, code_class };
        self.requests.get_or_create(&labels).inc();
        let durations = self.durations.get_or_create(&OperationLabels { op });
        durations.observe(took.as_secs_f64());
        drop(durations);
        let Some(failure) = failure else {
            debug!(partner, op, ?took, "Webex answered.");
            return;
        };
        if let Some(pause) = failure.retry_after {
            self.pauses.observe(pause.as_secs_f64());
        }
        let theirs = failure.theirs.as_ref().map(|id| id.as_str());
        let ours = failure.ours.as_ref().map(|id| id.as_str());
        debug!(
            partner,
            op,
            ?took,
            code_class,
            code = failure.code.as_deref(),
            text = failure.text,
            ours,
            theirs,
            "A request to Webex failed."
        );
    }

    /// A request had to be left: there was no token.
    pub fn without_token(&self, operation: Operation) {
        let op = operation.as_str();
        let code_class = class(FailureKind::NoToken);
        let labels = RequestLabels { op, code_class };
        self.requests.get_or_create(&labels).inc();
    }

    /// A partner's refresh token as it is found at the start.
    pub fn refresh_token_known(&self, partner: &str, ends: SystemTime) {
        self.expiry(partner, REFRESH, seconds(ends));
        self.expiry(partner, ACCESS, 0);
    }

    /// There is a new access token.
    pub fn refreshed(&self, partner: &str, access_ends: SystemTime, refresh_ends: SystemTime) {
        self.refresh_outcome(REFRESHED);
        self.expiry(partner, ACCESS, seconds(access_ends));
        self.expiry(partner, REFRESH, seconds(refresh_ends));
        debug!(partner, "Webex gave a new access token.");
    }

    /// There is no new access token. What an operator must end is told by
    /// [`WebexMetrics::raised`].
    pub fn refresh_failed(&self, partner: &str, fault: GrantFault, detail: &dyn std::fmt::Display) {
        self.refresh_outcome(fault.as_str());
        let reason = fault.as_str();
        warn!(
            partner,
            reason,
            %detail,
            "Webex gave no new access token; it is asked again."
        );
    }

    /// An operator must act.
    pub fn raised(&self, partner: &str, alarm: Alarm) {
        match alarm {
            Alarm::RefreshTokenEnding { ends } => error!(
                partner,
                ends = date::text(ends),
                "The refresh token of a Webex partner ends soon, after which nobody is provisioned \
                 through it. Using it prolongs it, so find out why that fails (see the lines about \
                 access tokens), or authorise the integration again and put the new refresh token \
                 where `refresh-token` points; it is used without a restart."
            ),
            Alarm::Refused(fault @ GrantFault::InvalidGrant) => error!(
                partner,
                reason = fault.as_str(),
                "Webex refuses the refresh token: nobody is provisioned through this partner. \
                 Authorise the integration again as a partner full administrator, and put the new \
                 refresh token where `refresh-token` points; it is used without a restart."
            ),
            Alarm::Refused(fault) => error!(
                partner,
                reason = fault.as_str(),
                "Webex refuses the client: nobody is provisioned through this partner. Compare \
                 `client-id` and `client-secret` with those that developer.webex.com shows; a \
                 corrected secret is used without a restart."
            ),
        }
    }

    /// The cause of an alarm is gone.
    pub fn cleared(&self, partner: &str, alarm: Alarm) {
        match alarm {
            Alarm::RefreshTokenEnding { .. } => {
                info!(partner, "The refresh token of a Webex partner lives on.");
            }
            Alarm::Refused(fault) => {
                info!(partner, reason = fault.as_str(), "Webex takes us again.");
            }
        }
    }

    /// The access token ended before there was a new one.
    pub fn access_token_ended(&self, partner: &str) {
        self.expiry(partner, ACCESS, 0);
        error!(
            partner,
            "The access token of a Webex partner has ended; until there is a new one nobody is \
             provisioned through it. See the lines about it before this one."
        );
    }

    /// A new refresh token could not be kept.
    pub fn record_failed(
        &self,
        partner: &str,
        path: &std::path::Path,
        detail: &dyn std::fmt::Display,
    ) {
        error!(
            partner,
            path = %path.display(),
            %detail,
            "The newest refresh token of a Webex partner cannot be kept on disk; a restart now may \
             lose it. Make room, or let the daemon write there; it is tried again."
        );
    }

    /// It is kept now.
    pub fn record_kept(&self, partner: &str) {
        info!(
            partner,
            "The newest refresh token of a Webex partner is kept on disk now."
        );
    }

    /// What was kept cannot be read.
    pub fn record_unreadable(
        &self,
        partner: &str,
        path: &std::path::Path,
        detail: &dyn std::fmt::Display,
    ) {
        warn!(
            partner,
            path = %path.display(),
            %detail,
            "The kept refresh token of a Webex partner cannot be read; the configured one is used."
        );
    }

    /// A partner is gone.
    pub fn forget(&self, partner: &str) {
        for kind in [ACCESS, REFRESH] {
            let partner = partner.to_owned();
            self.expiries.remove(&TokenLabels { partner, kind });
        }
    }

    fn refresh_outcome(&self, outcome: &'static str) {
        self.refreshes
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }

    fn expiry(&self, partner: &str, kind: &'static str, at: i64) {
        let partner = partner.to_owned();
        self.expiries
            .get_or_create(&TokenLabels { partner, kind })
            .set(at);
    }
}

const fn class(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::NoToken => "no-token",
        FailureKind::NotSent => "not-sent",
        FailureKind::Unanswered => "unanswered",
        FailureKind::Unreadable => "unreadable",
        FailureKind::Status(429) => "429",
        FailureKind::Status(status) => match status {
            500.. => "5xx",
            400.. => "4xx",
            _ => "3xx",
        },
    }
}

fn seconds(time: SystemTime) -> i64 {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(seconds.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_and_class_stands_at_zero_once_there_is_a_partner() {
        let mut registry = Registry::with_prefix("xspd");
        let metrics = WebexMetrics::register(&mut registry);
        metrics.series();
        let failure = CallFailure {
            kind: FailureKind::Status(429),
            code: None,
            text: String::new(),
            ours: None,
            theirs: None,
            retry_after: Some(Duration::from_secs(37)),
        };
        let (op, took) = (Operation::GetSubscriber, Duration::from_millis(70));
        metrics.request("partner", op, Some(&failure), took);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for op in Operation::ALL.map(Operation::as_str) {
            for class in CLASSES {
                let line =
                    format!("xspd_webex_requests_total{{op=\"{op}\",code_class=\"{class}\"}} ");
                assert!(text.contains(&line), "{line} is missing in\n{text}");
            }
        }
        let line = "xspd_webex_requests_total{op=\"get-subscriber\",code_class=\"429\"} 1";
        assert!(text.contains(line), "{text}");
        assert!(
            text.contains("xspd_webex_retry_after_seconds_sum 37"),
            "{text}"
        );
    }
}
