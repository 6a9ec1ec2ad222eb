//! Metrics and events of the provisioning adapter: what the Application Server asked, and what it
//! was answered. User ids stand in audit lines alone.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tracing::info;
use tracing::warn;

use crate::domain::provisioning::refusal::RefusalReason;
use crate::platform::clock;
use crate::telemetry::seldom::Seldom;

/// Target of the audit of calls, for filters.
pub const AUDIT: &str = "xspd::provisioning";

/// The `template` of calls that are of none.
const NO_TEMPLATE: &str = "";

/// Seconds: a call is answered when it is on the disk, and relayed ones when the bridge answers.
const TIMES: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1.0, 2.0, 20.0];

/// What a call was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Nothing that concerns Webex.
    Ignore,
    /// A look whether the adapter is there.
    Ping,
    /// Passed on to Webex's bridge.
    Relay,
    /// A user is to go.
    Remove,
    /// Not known, or refused before that was seen.
    Unknown,
    /// A user is to be there.
    Upsert,
}

impl Operation {
    /// All, in the order of their words.
    pub const ALL: [Self; 6] = [
        Self::Ignore,
        Self::Ping,
        Self::Relay,
        Self::Remove,
        Self::Unknown,
        Self::Upsert,
    ];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Ping => "ping",
            Self::Relay => "relay",
            Self::Remove => "remove",
            Self::Unknown => "unknown",
            Self::Upsert => "upsert",
        }
    }
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// A new wish was written down.
    Accepted,
    /// The bridge refused it.
    BridgeRefused,
    /// There was nothing to do.
    Nothing,
    /// The bridge took it.
    Passed,
    /// It was refused.
    Refused(RefusalReason),
    /// It is under way already.
    Same,
}

impl Became {
    /// Every word but those of refusals.
    pub const PLAIN: [Self; 5] = [
        Self::Accepted,
        Self::BridgeRefused,
        Self::Nothing,
        Self::Passed,
        Self::Same,
    ];

    /// The word; of a refusal its code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::BridgeRefused => "bridge-refused",
            Self::Nothing => "nothing-to-do",
            Self::Passed => "passed",
            Self::Refused(reason) => reason.code(),
            Self::Same => "same",
        }
    }
}

/// Why a relayed call is not tracked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untracked {
    /// The store did not take it.
    NotStored,
    /// The wish was refused.
    Refused,
    /// The mapping does not know what it wants.
    Unmapped,
}

impl Untracked {
    /// All.
    pub const ALL: [Self; 3] = [Self::NotStored, Self::Refused, Self::Unmapped];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotStored => "not-stored",
            Self::Refused => "refused",
            Self::Unmapped => "unmapped",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, EncodeLabelSet)]
struct CallLabels {
    template: String,
    op: &'static str,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

/// One call, as it is told.
#[derive(Debug)]
pub struct Told<'a> {
    /// Where it came from.
    pub client: IpAddr,
    /// Name in the verified client certificate.
    pub identity: Option<&'a str>,
    /// Whether it showed the password.
    pub known: bool,
    /// Its template, when that was found.
    pub template: Option<&'a str>,
    /// What it was taken for.
    pub op: Operation,
    /// What became of it.
    pub became: Became,
    /// The user, as far as that is known.
    pub user: Option<&'a str>,
    /// The name of the request, and of the job that it began.
    pub request: &'a str,
    /// For the operator: what was wrong.
    pub detail: &'a str,
    /// Status of the answer.
    pub status: u16,
    /// How long it took.
    pub took: Duration,
}

/// The metrics.
pub struct AdapterMetrics {
    calls: Family<CallLabels, Counter>,
    /// The series there are, for those of templates that go.
    series: Mutex<BTreeSet<CallLabels>>,
    times: Histogram,
    untracked: Family<ReasonLabels, Counter>,
    captures_lost: Counter,
    seldom: Seldom,
    passwords: Seldom,
    losses: Seldom,
}

impl AdapterMetrics {
    /// Registers the families.
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let metrics = Self {
            calls: Family::default(),
            series: Mutex::default(),
            times: Histogram::new(TIMES),
            untracked: Family::default(),
            captures_lost: Counter::default(),
            seldom: Seldom::default(),
            passwords: Seldom::default(),
            losses: Seldom::default(),
        };
        registry.register(
            "inbound_provisioning",
            "Calls of the Application Server by template, meaning and result",
            metrics.calls.clone(),
        );
        registry.register(
            "inbound_provisioning_seconds",
            "Time from the head of a call to its answer",
            metrics.times.clone(),
        );
        registry.register(
            "provisioning_untracked",
            "Relayed calls whose users are not tracked",
            metrics.untracked.clone(),
        );
        registry.register(
            "provisioning_captures_lost",
            "Captures that could not be kept on the disk",
            metrics.captures_lost.clone(),
        );
        for reason in Untracked::ALL {
            let reason = reason.as_str();
            drop(metrics.untracked.get_or_create(&ReasonLabels { reason }));
        }
        let reason = Became::Refused(RefusalReason::TemplateUnknown);
        metrics.count(NO_TEMPLATE, Operation::Unknown, reason, 0);
        Arc::new(metrics)
    }

    /// Which templates there are: others have no series any more.
    pub fn templates<'a>(&self, names: impl Iterator<Item = &'a str>) {
        let names: BTreeSet<&str> = names.collect();
        for name in &names {
            for op in [Operation::Remove, Operation::Upsert] {
                self.count(name, op, Became::Accepted, 0);
            }
        }
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        series.retain(|labels| {
            let kept = labels.template == NO_TEMPLATE || names.contains(labels.template.as_str());
            if !kept {
                self.calls.remove(labels);
            }
            kept
        });
    }

    fn count(&self, template: &str, op: Operation, became: Became, by: u64) {
        let labels = CallLabels {
            template: template.to_owned(),
            op: op.as_str(),
            code: became.as_str(),
        };
        self.calls.get_or_create(&labels).inc_by(by);
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        series.insert(labels);
    }

    /// A call was answered. Calls that showed the password are all told; others as seldom as it
    /// needs that nobody fills the disk.
    pub fn answered(&self, told: &Told<'_>) {
        let template = told.template.unwrap_or(NO_TEMPLATE);
        self.count(template, told.op, told.became, 1);
        self.times.observe(told.took.as_secs_f64());
        let Told {
            client,
            identity,
            known,
            template,
            op,
            became,
            user,
            request,
            detail,
            status,
            took,
        } = told;
        let (op, code) = (op.as_str(), became.as_str());
        match became {
            Became::Refused(_) if *known => warn!(
                target: AUDIT, %client, identity, template, op, code, user, request, status, detail,
                ?took, "A provisioning call was refused."
            ),
            Became::Refused(_) => {
                let who = format!("{client} {code}");
                if let Some(unwritten) = self.seldom.pass(&who, clock::mono()) {
                    warn!(
                        target: AUDIT, %client, identity, template, op, code, request, status,
                        detail, unwritten, "A provisioning call was refused."
                    );
                }
            }
            Became::BridgeRefused => warn!(
                target: AUDIT, %client, identity, template, op, code, user, request, status, ?took,
                "Webex's bridge refused a provisioning call."
            ),
            Became::Nothing if *op == *Operation::Ping.as_str() => {}
            Became::Accepted | Became::Nothing | Became::Passed | Became::Same => info!(
                target: AUDIT, %client, identity, template, op, code, user, request, status,
                detail = Some(*detail).filter(|detail| !detail.is_empty()), ?took,
                "A provisioning call was answered."
            ),
        }
    }

    /// An Application Server that is known shows a wrong password: it is told so, and not locked
    /// out, or nobody could be provisioned any more.
    pub fn wrong_password(&self, client: IpAddr, template: &str) {
        if let Some(unwritten) = self.passwords.pass(&client.to_string(), clock::mono()) {
            warn!(
                target: AUDIT, %client, template, unwritten,
                "An Application Server shows a wrong provisioning user or password; make its \
                 messaging settings and the template agree."
            );
        }
    }

    /// A stranger is locked out.
    pub fn locked_out(&self, client: IpAddr, lockout: Duration) {
        warn!(
            target: AUDIT, %client, ?lockout,
            "An address that tried too many provisioning passwords is locked out."
        );
    }

    /// The Application Server hung up before the bridge had answered.
    pub fn hung_up(&self, template: &str, request: &str, said: &str) {
        warn!(
            target: AUDIT, template, request, said,
            "An Application Server hung up before Webex's bridge had answered; what the bridge \
             took is tracked. If that happens often, shorten `total-timeout` of the template's \
             relay."
        );
    }

    /// A relayed call succeeded, and its user is not tracked.
    pub fn untracked(&self, why: Untracked, template: &str, request: &str, detail: &str) {
        let reason = why.as_str();
        self.untracked.get_or_create(&ReasonLabels { reason }).inc();
        warn!(
            target: AUDIT, template, request, reason, detail,
            "Webex's bridge took a call, but its user is not tracked here."
        );
    }

    /// A capture could not be kept on the disk.
    pub fn capture_lost(&self, error: &std::io::Error) {
        self.captures_lost.inc();
        if let Some(unwritten) = self.losses.pass("", clock::mono()) {
            warn!(%error, unwritten, "A capture could not be kept on the disk; it is in memory.");
        }
    }
}
