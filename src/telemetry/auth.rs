//! Metrics and events of AuthService: tokens made, refused and checked, login tokens, revocations.
//! Never a token, a password or a key; user ids only in the events of operators.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::domain::auth::answer::AuthReason;
use crate::domain::auth::validation::Outcome;
use crate::domain::ids::Fingerprint;
use crate::telemetry::http::milliseconds;
use crate::telemetry::seldom::Seldom;

/// Target of the log of requests to AuthService, for filters.
pub const AUDIT: &str = "xspd::authservice";

/// Ways to prove who one is, as `amr` names them.
const PROOFS: [&str; 3] = ["ci", "mtls", "pwd"];

/// Seconds, up to the default stale limit of 15 minutes.
const AGES: [f64; 8] = [1.0, 10.0, 30.0, 60.0, 90.0, 300.0, 600.0, 900.0];

/// All of AuthService.
pub struct AuthMetrics {
    issued: Family<ProofLabels, Counter>,
    /// In the order of [`AuthReason::ALL`].
    refusals: Box<[Counter]>,
    /// In the order of [`Outcome::ALL`]: checked anew, and from the cache.
    validations: [Box<[Counter]>; 2],
    login_tokens: [Counter; 2],
    retried: Counter,
    standing_age: Histogram,
    revocations: Family<ScopeLabels, Counter>,
    keys_rejected: Counter,
    keys_generation: Gauge,
    seldom: Seldom,
}

/// What the log tells of one request to AuthService besides who asked.
#[derive(Debug, Default)]
pub struct Audit {
    /// Which endpoint.
    pub endpoint: &'static str,
    /// How the user was to be proven.
    pub proof: Option<&'static str>,
    /// The user, as far as that is known.
    pub user: Option<String>,
    /// Why not.
    pub reason: Option<AuthReason>,
    /// How long it took.
    pub took: Duration,
}

/// Where the answer to a check came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The signature was checked.
    Checked,
    /// The same token had been checked shortly before.
    Cached,
}

/// What was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every token in the system.
    All,
    /// One token.
    Token,
    /// One user's tokens.
    User,
}

impl Scope {
    /// Every scope, so that each metric series starts at zero.
    pub const ALL: [Self; 3] = [Self::All, Self::Token, Self::User];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Token => "token",
            Self::User => "user",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProofLabels {
    proof: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ValidationLabels {
    outcome: &'static str,
    source: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ScopeLabels {
    scope: &'static str,
}

/// As they are registered.
#[derive(Default)]
struct Families {
    issued: Family<ProofLabels, Counter>,
    refusals: Family<ReasonLabels, Counter>,
    validations: Family<ValidationLabels, Counter>,
    login_tokens: Family<ResultLabels, Counter>,
    retried: Counter,
    standing_age: StandingAge,
    revocations: Family<ScopeLabels, Counter>,
    keys_rejected: Counter,
    keys_generation: Gauge,
}

struct StandingAge(Histogram);

impl Default for StandingAge {
    fn default() -> Self {
        Self(Histogram::new(AGES))
    }
}

impl Families {
    fn register(&self, registry: &mut Registry) {
        registry.register(
            "auth_tokens_issued",
            "Tokens issued, by the proof of who the user is",
            self.issued.clone(),
        );
        registry.register(
            "auth_refusals",
            "Requests to AuthService that were refused, by reason",
            self.refusals.clone(),
        );
        registry.register(
            "auth_validations",
            "Tokens checked, by outcome and by whether the signature was checked anew",
            self.validations.clone(),
        );
        registry.register(
            "auth_login_tokens",
            "Login tokens asked of the Application Server, by result",
            self.login_tokens.clone(),
        );
        registry.register(
            "auth_swaps_retried",
            "Requests sent again with a new login token because the XSP refused the first",
            self.retried.clone(),
        );
        registry.register(
            "auth_standing_age_seconds",
            "Age of what was known of a user when a token was judged by it",
            self.standing_age.0.clone(),
        );
        registry.register(
            "auth_revocations",
            "Revocations carried out, by scope",
            self.revocations.clone(),
        );
        registry.register(
            "auth_keys_rejected",
            "Key files that were rejected; the old keys stayed",
            self.keys_rejected.clone(),
        );
        registry.register(
            "auth_keys_generation",
            "Generation of the signing keys in use; 0: none",
            self.keys_generation.clone(),
        );
    }
}

impl AuthMetrics {
    /// Registers the families, every series at zero.
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let families = Families::default();
        families.register(registry);
        let Families {
            issued,
            refusals,
            validations,
            login_tokens,
            retried,
            standing_age,
            revocations,
            keys_rejected,
            keys_generation,
        } = families;
        for proof in PROOFS {
            drop(issued.get_or_create(&ProofLabels { proof }));
        }
        for scope in Scope::ALL {
            let scope = scope.as_str();
            drop(revocations.get_or_create(&ScopeLabels { scope }));
        }
        let counted = |source| {
            let labels = |outcome: Outcome| ValidationLabels {
                outcome: outcome.as_str(),
                source,
            };
            Outcome::ALL
                .into_iter()
                .map(|outcome| validations.get_or_create_owned(&labels(outcome)))
                .collect()
        };
        Arc::new(Self {
            refusals: AuthReason::ALL
                .iter()
                .map(|reason| {
                    let reason = reason.as_str();
                    refusals.get_or_create_owned(&ReasonLabels { reason })
                })
                .collect(),
            validations: [counted("checked"), counted("cached")],
            login_tokens: ["made", "failed"]
                .map(|result| login_tokens.get_or_create_owned(&ResultLabels { result })),
            issued,
            retried,
            standing_age: standing_age.0,
            revocations,
            keys_rejected,
            keys_generation,
            seldom: Seldom::default(),
        })
    }

    /// A token was issued.
    pub fn issued(&self, proof: &'static str) {
        self.issued.get_or_create(&ProofLabels { proof }).inc();
    }

    /// A request to AuthService was answered (AuthService field page, section 1.4.1: who, for
    /// whom, with what outcome; never what was shown or given).
    pub fn answered(
        &self,
        audit: &Audit,
        client: IpAddr,
        identity: Option<&str>,
        fingerprint: Option<&Fingerprint>,
        tracking_id: &str,
    ) {
        if let Some(counter) = audit
            .reason
            .and_then(|reason| self.refusals.get(reason.index()))
        {
            counter.inc();
        }
        info!(
            target: AUDIT,
            endpoint = audit.endpoint,
            %client,
            identity,
            certificate = fingerprint.map(tracing::field::display),
            proof = audit.proof,
            user = audit.user,
            outcome = audit.reason.map_or("done", AuthReason::as_str),
            duration_ms = milliseconds(audit.took),
            tracking_id,
            "AuthService answered."
        );
    }

    /// A token was checked.
    pub fn validated(&self, outcome: Outcome, source: Source) {
        let [checked, cached] = &self.validations;
        let counters = match source {
            Source::Checked => checked,
            Source::Cached => cached,
        };
        if let Some(counter) = counters.get(outcome.index()) {
            counter.inc();
        }
    }

    /// A token was judged by what was known of its user since `age`.
    pub fn judged_by(&self, age: Duration) {
        self.standing_age.observe(age.as_secs_f64());
    }

    /// The Application Server made a login token.
    pub fn login_token_made(&self) {
        let [made, _failed] = &self.login_tokens;
        made.inc();
    }

    /// It did not. `why` is the word of the failure.
    pub fn login_token_failed(&self, why: &'static str, now: Instant) {
        let [_made, failed] = &self.login_tokens;
        failed.inc();
        if let Some(unwritten) = self.seldom.pass(why, now) {
            warn!(
                reason = why,
                unwritten, "The Application Server made no login token."
            );
        }
    }

    /// The XSP refused a login token, and gets another.
    pub fn retried(&self) {
        self.retried.inc();
    }

    /// Something was revoked.
    pub fn revoked(&self, scope: Scope, user: Option<&str>, by: &str) {
        let labels = ScopeLabels {
            scope: scope.as_str(),
        };
        self.revocations.get_or_create(&labels).inc();
        info!(scope = scope.as_str(), user, by, "Tokens were revoked.");
    }

    /// A revocation was not carried out.
    pub fn revocation_failed(&self, scope: Scope, error: &dyn std::fmt::Display) {
        error!(
            scope = scope.as_str(),
            %error,
            "Tokens could not be revoked: they are good as before. Revoke again when this is \
             mended."
        );
    }

    /// Nothing could be learned of a user.
    pub fn standing_unknown(&self, why: &'static str, now: Instant) {
        if let Some(unwritten) = self.seldom.pass(why, now) {
            warn!(
                reason = why,
                unwritten, "The Application Server told nothing of a user."
            );
        }
    }

    /// Other keys are in use.
    pub fn keys_in_use(&self, generation: u64, ready: bool) {
        self.keys_generation
            .set(i64::try_from(generation).unwrap_or(i64::MAX));
        if ready {
            info!(generation, "Signing keys are in use.");
        } else {
            error!(
                "There is no signing key: no token is issued or accepted. Make the first with \
                 `xspd keys generate`, or import those of another node."
            );
        }
    }

    /// A key file was rejected.
    pub fn keys_rejected(&self, error: &dyn std::fmt::Display) {
        self.keys_rejected.inc();
        error!(
            %error,
            "The key file is rejected; the old keys stay in use until a restart, which would fail. \
             Put back a good one, or move it away and use `xspd keys import`."
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_is_at_zero_from_the_start() {
        let mut registry = Registry::default();
        let metrics = AuthMetrics::register(&mut registry);
        let text = || {
            let mut text = String::new();
            prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
            text
        };
        let before = text();
        for reason in AuthReason::ALL {
            let line = format!("auth_refusals_total{{reason=\"{}\"}} 0\n", reason.as_str());
            assert!(before.contains(&line), "{line}");
        }
        for outcome in Outcome::ALL {
            let outcome = outcome.as_str();
            let labels = format!("outcome=\"{outcome}\",source=\"cached\"");
            let line = format!("auth_validations_total{{{labels}}} 0\n");
            assert!(before.contains(&line), "{line}");
        }
        metrics.validated(Outcome::Revoked, Source::Checked);
        let audit = Audit {
            reason: Some(AuthReason::UserLocked),
            ..Audit::default()
        };
        metrics.answered(&audit, IpAddr::from([192, 0, 2, 1]), None, None, "XSPD_1");
        metrics.issued("pwd");
        let after = text();
        for line in [
            "auth_validations_total{outcome=\"revoked\",source=\"checked\"} 1\n",
            "auth_refusals_total{reason=\"user-locked\"} 1\n",
            "auth_tokens_issued_total{proof=\"pwd\"} 1\n",
        ] {
            assert!(after.contains(line), "{line}");
        }
    }
}
