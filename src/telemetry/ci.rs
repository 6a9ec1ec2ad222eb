//! Metrics and events of the checks of CI tokens, and of what we need for them.

use std::sync::Arc;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use time::OffsetDateTime;
use tracing::debug;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::domain::auth::ci::grant::GrantFault;
use crate::domain::auth::ci::refusal::Blame;
use crate::domain::auth::ci::refusal::CiRefusal;
use crate::domain::auth::ci::session::Alarm;
use crate::platform::clock;
use crate::telemetry::seldom::Seldom;

/// The outcome of a check that lets a user in.
pub const ACCEPTED: &str = "accepted";

/// The outcome of a refresh that gave a new service token.
pub const REFRESHED: &str = "refreshed";

/// The metrics.
#[derive(Debug, Default)]
pub struct CiMetrics {
    checks: Family<Labels, Counter>,
    refreshes: Family<Labels, Counter>,
    refresh_token_used: Gauge,
    federation_refreshed: Gauge,
    service_refusals: Seldom,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    outcome: &'static str,
}

impl CiMetrics {
    /// Registers the families with every series at zero.
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let metrics = Self::default();
        registry.register(
            "ci_checks",
            "Checks of users' CI tokens, by outcome",
            metrics.checks.clone(),
        );
        registry.register(
            "ci_refresh",
            "Attempts to get a service token from CI, by outcome",
            metrics.refreshes.clone(),
        );
        registry.register(
            "ci_refresh_token_used_timestamp_seconds",
            "When the refresh token was last used with success, or first seen; it ends 60 days later",
            metrics.refresh_token_used.clone(),
        );
        registry.register(
            "ci_federation_refreshed_timestamp_seconds",
            "When the federation list was last read; 0: not since the start",
            metrics.federation_refreshed.clone(),
        );
        for outcome in CiRefusal::WORDS.into_iter().chain([ACCEPTED]) {
            drop(metrics.checks.get_or_create(&Labels { outcome }));
        }
        for outcome in GrantFault::ALL
            .map(GrantFault::as_str)
            .into_iter()
            .chain([REFRESHED])
        {
            drop(metrics.refreshes.get_or_create(&Labels { outcome }));
        }
        Arc::new(metrics)
    }

    /// A user's token was good.
    pub fn accepted(&self) {
        self.count_check(ACCEPTED);
    }

    /// A user's token was refused. Anybody can cause a refusal, so the line is debug, unless
    /// Cisco or we are to blame.
    pub fn refused(&self, refusal: CiRefusal) {
        self.count_check(refusal.as_str());
        let reason = refusal.as_str();
        match refusal.blames() {
            Blame::Token => debug!(reason, detail = %refusal, "A CI token was refused."),
            Blame::Service => {
                if let Some(unwritten) = self.service_refusals.pass(reason, clock::mono()) {
                    warn!(
                        reason,
                        detail = %refusal,
                        unwritten,
                        "A CI token could not be checked, so its user was not let in."
                    );
                }
            }
        }
    }

    /// The token-info service gave no answer; the refusal that follows counts it.
    pub fn unanswered(&self, word: &'static str, detail: &dyn std::fmt::Display) {
        debug!(reason = word, %detail, "The token-info service did not answer.");
    }

    /// The refresh token as it is found at the start.
    pub fn refresh_token_known(&self, used: SystemTime) {
        self.refresh_token_used.set(seconds(used));
    }

    /// There is a new service token.
    pub fn refreshed(&self, used: SystemTime) {
        self.refreshes
            .get_or_create(&Labels { outcome: REFRESHED })
            .inc();
        self.refresh_token_known(used);
        debug!("CI gave a new service token.");
    }

    /// There is no new service token. What an operator must end is told by [`CiMetrics::raised`].
    pub fn refresh_failed(&self, fault: GrantFault, detail: &dyn std::fmt::Display) {
        let outcome = fault.as_str();
        self.refreshes.get_or_create(&Labels { outcome }).inc();
        if fault.is_final() {
            debug!(reason = outcome, %detail, "CI gave no new service token.");
        } else {
            warn!(
                reason = outcome,
                %detail,
                "CI gave no new service token; it is asked again."
            );
        }
    }

    /// An operator must act.
    pub fn raised(&self, alarm: Alarm) {
        match alarm {
            Alarm::RefreshTokenEnding { ends } => error!(
                ends = date(ends),
                "The refresh token of CI has not been used for more than 45 days, and ends after \
                 60. Find out why it is not used (see the lines about the service token); when \
                 it has ended, open a Cisco service request titled \"ADP AuthService \
                 Configuration\" for a new one."
            ),
            Alarm::Refused(fault @ GrantFault::InvalidGrant) => error!(
                reason = fault.as_str(),
                "CI refuses the refresh token: no user can sign in with Webex. Open a Cisco \
                 service request titled \"ADP AuthService Configuration\" for a new one, and put \
                 it where `federation.refresh-token` points; it is used without a restart."
            ),
            Alarm::Refused(fault) => error!(
                reason = fault.as_str(),
                "CI refuses the client: no user can sign in with Webex. Compare `client-id` and \
                 `client-secret` with those of the Cisco service request titled \"ADP \
                 AuthService Configuration\"; a corrected secret is used without a restart."
            ),
        }
    }

    /// The cause of an alarm is gone.
    pub fn cleared(&self, alarm: Alarm) {
        match alarm {
            Alarm::RefreshTokenEnding { .. } => {
                info!("The refresh token of CI is in use again.");
            }
            Alarm::Refused(fault) => {
                info!(reason = fault.as_str(), "CI takes us again.");
            }
        }
    }

    /// The service token ended before there was a new one.
    pub fn service_token_ended(&self) {
        error!(
            "The service token has ended; until CI gives a new one no user can sign in. See the \
             lines about it before this one."
        );
    }

    /// The federation list was read.
    pub fn federation_read(&self, at: SystemTime, issuers: usize) {
        self.federation_refreshed.set(seconds(at));
        debug!(issuers, "The federation list was read.");
    }

    /// The federation list could not be read.
    pub fn federation_failed(&self, detail: &dyn std::fmt::Display) {
        warn!(%detail, "The federation list could not be read; the last good one holds.");
    }

    /// The last use of the refresh token could not be read or kept. It counts as unused since
    /// the start then.
    pub fn record_failed(&self, path: &std::path::Path, detail: &dyn std::fmt::Display) {
        warn!(
            path = %path.display(),
            %detail,
            "The last use of the refresh token cannot be kept across restarts."
        );
    }

    fn count_check(&self, outcome: &'static str) {
        self.checks.get_or_create(&Labels { outcome }).inc();
    }
}

fn seconds(time: SystemTime) -> i64 {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(seconds.as_secs()).unwrap_or(i64::MAX)
}

fn date(time: SystemTime) -> String {
    OffsetDateTime::from_unix_timestamp(seconds(time))
        .map_or_else(|_| "unknown".to_owned(), |time| time.date().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_stands_at_zero_from_the_start() {
        let mut registry = Registry::with_prefix("xspd");
        let metrics = CiMetrics::register(&mut registry);
        let text = || {
            let mut text = String::new();
            prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
            text
        };
        let before = text();
        for word in CiRefusal::WORDS {
            let line = format!("xspd_ci_checks_total{{outcome=\"{word}\"}} 0");
            assert!(before.contains(&line), "{line} is missing in\n{before}");
        }
        metrics.refused(CiRefusal::Inactive);
        metrics.refresh_failed(GrantFault::InvalidGrant, &"x");
        let after = text();
        assert!(after.contains("xspd_ci_checks_total{outcome=\"inactive\"} 1"));
        assert!(after.contains("xspd_ci_refresh_total{outcome=\"invalid-grant\"} 1"));
    }

    #[test]
    fn dates_are_dates() {
        assert_eq!(date(UNIX_EPOCH), "1970-01-01");
        assert_eq!(seconds(UNIX_EPOCH - std::time::Duration::from_secs(1)), 0);
    }
}
