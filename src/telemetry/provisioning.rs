//! Provisioning: metrics of the jobs and of their store, and the log lines that go with them.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tracing::debug;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::domain::provisioning::conductor::EnterpriseEvent;
use crate::domain::provisioning::conductor::Event;
use crate::domain::provisioning::conductor::Standing;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::PartnerName;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Owner;
use crate::domain::provisioning::record::Source;
use crate::telemetry::seldom::Seldom;

/// What can become of a wish: the words of `verdict`.
pub const VERDICTS: [&str; 5] = ["accepted", "failed", "not-present", "refused", "same"];

/// Label: where a job is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

/// Labels: who wants something, and what became of that.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerdictLabel {
    source: &'static str,
    verdict: &'static str,
}

/// Label: why.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WhyLabel {
    reason: &'static str,
}

/// Label: one partner account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PartnerLabel {
    partner: String,
}

/// Metrics of provisioning.
#[derive(Default)]
pub struct ProvisioningMetrics {
    jobs: Family<StateLabel, Gauge>,
    oldest: Family<StateLabel, Gauge>,
    moves: Family<StateLabel, Counter>,
    wishes: Family<VerdictLabel, Counter>,
    failures: Family<WhyLabel, Counter>,
    failing: Gauge,
    unreadable: Gauge,
    refused: Family<PartnerLabel, Gauge>,
    slowed: Family<PartnerLabel, Counter>,
    unknown: Counter,
    failing_for: Mutex<Option<&'static str>>,
    seldom: Seldom,
}

impl ProvisioningMetrics {
    /// Adds the series to the registry.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let held = Self::default();
        registry.register(
            "provisioning_jobs",
            "Users by the state of their newest job",
            held.jobs.clone(),
        );
        registry.register(
            "provisioning_oldest_job_timestamp_seconds",
            "Since when the first of the users in a state is there, Unix time; 0: there is none",
            held.oldest.clone(),
        );
        registry.register(
            "provisioning_moves",
            "Jobs that came into a state",
            held.moves.clone(),
        );
        registry.register(
            "provisioning_wishes",
            "Wishes taken in or not, by who wanted something",
            held.wishes.clone(),
        );
        registry.register(
            "provisioning_store_failures",
            "Writes and questions that the store could not do",
            held.failures.clone(),
        );
        registry.register(
            "provisioning_store_failing",
            "1: nothing can be written at the moment, and wishes get 503; 0: all is well",
            held.failing.clone(),
        );
        registry.register(
            "provisioning_store_unreadable",
            "Records that this version cannot read, as of the last start",
            held.unreadable.clone(),
        );
        registry.register(
            "provisioning_partner_refused",
            "1: Webex refuses a partner account, whose jobs all wait; 0: it does not",
            held.refused.clone(),
        );
        registry.register(
            "provisioning_partner_slowed",
            "How often Webex asked a partner account to wait",
            held.slowed.clone(),
        );
        registry.register(
            "provisioning_unknown_codes",
            "Answers of Webex with a code or status that xspd does not know",
            held.unknown.clone(),
        );
        Arc::new(held)
    }

    /// Makes the series, at zero; called when a template is configured.
    pub fn series(&self) {
        for state in JobState::ALL {
            let label = StateLabel {
                state: state.as_str(),
            };
            self.jobs.get_or_create(&label).set(0);
            self.oldest.get_or_create(&label).set(0);
            let _made = self.moves.get_or_create_owned(&label);
        }
        for source in Source::ALL {
            for verdict in VERDICTS {
                let source = source.as_str();
                let _made = self
                    .wishes
                    .get_or_create_owned(&VerdictLabel { source, verdict });
            }
        }
    }

    /// The reasons for which the store can fail, so that they begin at zero.
    pub fn store_reasons(&self, words: &[&'static str]) {
        for reason in words {
            let _made = self.failures.get_or_create_owned(&WhyLabel { reason });
        }
    }

    /// The series of a partner account, so that they begin at zero.
    pub fn partner_series(&self, partner: &str) {
        let label = PartnerLabel {
            partner: partner.to_owned(),
        };
        let _made = self.refused.get_or_create_owned(&label);
        let _made = self.slowed.get_or_create_owned(&label);
    }

    /// How many users are in each state, and since when the first of them is there. States that
    /// are not named have none.
    pub fn counted(&self, counts: impl IntoIterator<Item = (JobState, u64, Moment)>) {
        let mut rest = JobState::ALL.to_vec();
        let set = |state: JobState, users: u64, oldest: Moment| {
            let label = StateLabel {
                state: state.as_str(),
            };
            let users = i64::try_from(users).unwrap_or(i64::MAX);
            self.jobs.get_or_create(&label).set(users);
            let oldest = i64::try_from(oldest.0 / 1_000).unwrap_or(i64::MAX);
            self.oldest.get_or_create(&label).set(oldest);
        };
        for (state, users, oldest) in counts {
            set(state, users, oldest);
            rest.retain(|other| *other != state);
        }
        for state in rest {
            set(state, 0, Moment(0));
        }
    }

    /// What became of a wish: one of [`VERDICTS`].
    pub fn wish(&self, source: Source, verdict: &'static str) {
        let source = source.as_str();
        self.wishes
            .get_or_create(&VerdictLabel { source, verdict })
            .inc();
    }

    /// The store could not do something. `reason` is its word, `told` says what to do about it.
    pub fn store_failed(&self, reason: &'static str, told: &str) {
        self.failures.get_or_create(&WhyLabel { reason }).inc();
        // A burst is no fault of the store; it has its counter.
        if matches!(reason, "busy" | "closed") {
            return;
        }
        let before = self.failing_for().replace(reason);
        self.failing.set(1);
        if before != Some(reason) {
            error!(
                reason,
                problem = told,
                "Provisioning cannot be written down: wishes are refused with 503 and jobs wait. It \
                 goes on by itself when the cause is gone."
            );
        }
    }

    /// The store did something.
    pub fn store_well(&self) {
        if self.failing.get() == 0 {
            return;
        }
        if let Some(reason) = self.failing_for().take() {
            self.failing.set(0);
            info!(reason, "Provisioning is written down again.");
        }
    }

    /// A record of the machine can never be written, and its job stands still.
    pub fn parked(&self, told: &str) {
        error!(
            problem = told,
            "Jobs stand still until the next start, because their records cannot be written. Please \
             report this."
        );
    }

    /// What a start found.
    pub fn loaded(&self, open: usize, unreadable: u64, seconds: f64) {
        self.unreadable
            .set(i64::try_from(unreadable).unwrap_or(i64::MAX));
        info!(open, seconds, "Provisioning goes on where it was.");
        if unreadable > 0 {
            error!(
                unreadable,
                "Records of provisioning cannot be read and are left alone. Was an older version \
                 of xspd installed? Please report this."
            );
        }
    }

    /// What the machine tells.
    pub fn tell(&self, event: &Event) {
        match event {
            Event::Enterprise { key, what } => enterprise(key.enterprise(), *what),
            Event::FormDiffers {
                template,
                ours,
                theirs,
            } => {
                if let Some(unwritten) = self
                    .seldom
                    .pass(template.as_str(), crate::platform::clock::mono())
                {
                    warn!(
                        %template, %ours, theirs, unwritten,
                        "Webex names a customer otherwise than `enterprise-id` of the template does. \
                         Correct it before the template provisions by itself."
                    );
                }
            }
            Event::Moved {
                key,
                request,
                template,
                source,
                from,
                to,
                code,
            } => {
                let state = to.as_str();
                self.moves.get_or_create(&StateLabel { state }).inc();
                let from = from.map_or("-", JobState::as_str);
                let (source, code) = (source.as_str(), code.as_deref().unwrap_or("-"));
                let user = key.user();
                debug!(%request, user, from, state, code, "A job moved.");
                if to.owner() == Owner::Operator || *to == JobState::Stalled {
                    warn!(
                        %request, %template, source, state, code,
                        "A job needs a look: xspd provision show."
                    );
                } else if to.is_final() {
                    info!(%request, %template, source, state, "A job came to its end.");
                }
            }
            Event::Partner { partner, standing } => self.partner(partner, *standing),
            Event::UnknownCode { code, class } => {
                self.unknown.inc();
                warn!(
                    code,
                    ?class,
                    "Webex answered with a code that the error table does not hold; it is judged by \
                     its HTTP status. An operator's table can name it."
                );
            }
            Event::UnknownStatus(status) => {
                self.unknown.inc();
                warn!(
                    status,
                    "Webex shows a status that xspd does not know; it is taken as not settled."
                );
            }
        }
    }

    fn partner(&self, partner: &PartnerName, standing: Standing) {
        let label = PartnerLabel {
            partner: partner.to_string(),
        };
        let refused = self.refused.get_or_create_owned(&label);
        match standing {
            Standing::Open => {
                if refused.set(0) > 0 {
                    info!(%partner, "Webex lets the partner account in again.");
                }
            }
            Standing::Refused => {
                refused.set(1);
                error!(
                    %partner,
                    "Webex refuses the partner account: all its jobs wait. Authorise it again as a \
                     partner full administrator."
                );
            }
            Standing::Slowed(pause) => {
                self.slowed.get_or_create(&label).inc();
                debug!(%partner, ?pause, "Webex asks the partner account to wait.");
            }
        }
    }

    fn failing_for(&self) -> std::sync::MutexGuard<'_, Option<&'static str>> {
        let held = self.failing_for.lock();
        held.unwrap_or_else(PoisonError::into_inner)
    }
}

fn enterprise(enterprise: &str, what: EnterpriseEvent) {
    match what {
        EnterpriseEvent::FirstUser => info!(
            enterprise,
            "The first user of a customer is under way; the others wait for the organisation."
        ),
        EnterpriseEvent::FirstUserStalled => warn!(
            enterprise,
            "The first user of a customer takes too long, and all its other users wait: xspd \
             enterprise show."
        ),
        EnterpriseEvent::Ready => info!(enterprise, "A customer has its organisation."),
        EnterpriseEvent::WaitingCustomerAdmin => warn!(
            enterprise,
            "The customer's administrator has to let the partner in (2017); all users of the \
             customer wait: xspd enterprise show."
        ),
    }
}
