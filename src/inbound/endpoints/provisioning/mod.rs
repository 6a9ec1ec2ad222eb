//! The provisioning adapter: what the Application Server calls when Integrated IM&P is assigned,
//! changed or removed.
//!
//! * `find` tells the template by the URL, `door` judges account and password;
//! * `judge` decides on the head of a call, `take` on its body: what it wants goes to the
//!   provisioner, and "accepted" is said only when that is durable;
//! * `forward` passes calls on to Webex's bridge, untouched, and tracks their users, each as an
//!   `errand` that comes to its end even when its caller hangs up;
//! * `reply` writes the answers: short sentences that CommPilot may show to an administrator.
//!
//! The format of these calls is unpublished. What reads them is the mapping of the template
//! (`domain::provisioning::mapping`), and what could not be read is kept for a look.

mod door;
mod errand;
mod find;
mod forward;
mod judge;
mod reply;
mod served;
mod take;
mod unmapped;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use http::Method;
use http::Uri;
use http::Version;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::config::Environment;
use crate::config::Forwarding;
use crate::config::Host;
use crate::config::Listener;
use crate::config::Template;
use crate::domain::edge::guessing;
use crate::domain::edge::guessing::Guesses;
use crate::domain::edge::rates::Buckets;
use crate::domain::edge::rates::Pace;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::RequestId;
use crate::domain::provisioning::intake::Verdict;
use crate::domain::provisioning::intake::Wish;
use crate::inbound::endpoints::provisioning::judge::Judged;
use crate::inbound::endpoints::provisioning::reply::Form;
use crate::inbound::endpoints::provisioning::reply::Refused;
use crate::inbound::endpoints::provisioning::served::Served;
use crate::inbound::peer::Peer;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::telemetry::adapter::AdapterMetrics;
use crate::telemetry::adapter::Became;
use crate::telemetry::adapter::Operation;
use crate::telemetry::adapter::Told;
use crate::workers::captures::Captures;

pub use crate::inbound::endpoints::provisioning::reply::Reply;
pub use crate::inbound::endpoints::provisioning::served::AdapterError;
pub use crate::inbound::endpoints::provisioning::served::template_values;
pub use crate::inbound::endpoints::provisioning::unmapped::UnmappedCalls;

/// Takes a wish in; returns when it is durable.
pub type Submit = Arc<dyn Fn(Wish) -> BoxFuture<'static, Result<Verdict, NotTaken>> + Send + Sync>;

/// Why a wish could not be taken in, though it may be later.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotTaken(pub String);

/// The adapter of one configuration. A reload makes another; calls under way keep theirs.
pub struct Adapter {
    templates: Vec<Template>,
    /// By the place in `templates`.
    served: Vec<Served>,
    pace: Pace,
    guessing: Option<guessing::Limits>,
    answer_within: Duration,
    forwarding: Forwarding,
    ground: AdapterGround,
}

/// What outlives a configuration.
#[derive(Clone)]
pub struct AdapterGround {
    /// Where wishes go; `None` where nobody provisions.
    pub submit: Option<Submit>,
    /// Calls kept for a look.
    pub captures: Captures,
    /// Counters and audit.
    pub metrics: Arc<AdapterMetrics>,
    /// Rates and lockouts, which a reload must not begin anew.
    pub limiters: Arc<Limiters>,
    /// Calls that no rule knows, for the alarm.
    pub unmapped: Arc<UnmappedCalls>,
    /// Where calls to bridges come to their end.
    pub tasks: Tasks,
}

/// What must not begin anew with a reload.
pub struct Limiters {
    buckets: Buckets,
    guesses: Guesses,
    draining: AtomicBool,
    under_way: Arc<Semaphore>,
}

impl Default for Limiters {
    fn default() -> Self {
        let epoch = clock::mono();
        Self {
            buckets: Buckets::new(epoch),
            guesses: Guesses::new(epoch),
            draining: AtomicBool::new(false),
            under_way: Arc::new(Semaphore::new(errand::UNDER_WAY)),
        }
    }
}

/// The head of a call.
pub struct Head<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its target.
    pub uri: &'a Uri,
    /// Its version.
    pub version: Version,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Who sent it.
    pub peer: &'a Peer,
    /// The listener that it came to.
    pub listener: &'a Listener,
    /// The host that the handshake chose.
    pub host: Option<&'a Host>,
}

/// The body of a call, and what was wrong with it.
#[derive(Debug, Clone)]
pub enum Content {
    /// It broke off.
    Broken,
    /// It is larger than the listener takes.
    TooLarge,
    /// It paused for too long.
    TooSlow,
    /// All of it.
    Whole(Bytes),
}

/// A call under way.
pub struct Visit {
    began: Instant,
    client: IpAddr,
    form: Form,
    request: RequestId,
}

/// What is known of a call when it is answered.
#[derive(Debug)]
struct Outcome {
    op: Operation,
    became: Became,
    user: Option<String>,
    detail: String,
    reply: Reply,
}

/// What the head of a call leads to.
pub enum Opening {
    /// It is answered without its body.
    Answered(Reply),
    /// Its body is wanted.
    Body(Admitted),
}

/// A call whose head was let in.
pub struct Admitted {
    visit: Visit,
    judged: Judged,
}

impl Adapter {
    /// Reads what the templates name. Blocks on the disk.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn build(config: &Config, ground: &AdapterGround) -> Result<Self, Vec<AdapterError>> {
        let environment = Environment::process();
        let (mut served, mut problems) = (Vec::new(), Vec::new());
        for template in &config.templates {
            match Served::build(template, &environment) {
                Ok(template) => served.push(template),
                Err(found) => problems.extend(found),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let rate = config.provisioning.rate;
        let guessing = config.policy.guessing.as_ref();
        Ok(Self {
            templates: config.templates.clone(),
            served,
            pace: Pace::new(rate.per_second, rate.burst),
            guessing: guessing.map(|limits| guessing::Limits {
                failures: limits.failures,
                window: limits.window,
                lockout: limits.lockout,
            }),
            answer_within: config.provisioning.answer_within,
            forwarding: config.forwarding.clone(),
            ground: ground.clone(),
        })
    }

    /// What a start with this configuration would find wrong. Blocks on the disk.
    #[must_use]
    pub fn prove(config: &Config) -> Vec<AdapterError> {
        let environment = Environment::process();
        let templates = config.templates.iter();
        let built = templates.filter_map(|template| Served::build(template, &environment).err());
        built.flatten().collect()
    }

    /// Takes effect where things outlive a configuration.
    pub fn adopt(&self, config: &Config) {
        let names = self.templates.iter().map(|template| template.name.as_str());
        self.ground.metrics.templates(names);
        self.ground.captures.adopt(config);
        let served = self.served.iter();
        let mappings = served.map(|served| (served.key.clone(), served.print));
        let mappings: BTreeMap<_, _> = mappings.collect();
        self.ground.unmapped.adopt(&mappings);
    }

    /// From now on new calls are refused with 503; those under way end.
    pub fn drain(&self) {
        self.ground.limiters.draining.store(true, Ordering::Relaxed);
    }

    /// Calls on their way to bridges, waited for or not.
    #[must_use]
    pub fn under_way(&self) -> usize {
        let free = self.ground.limiters.under_way.available_permits();
        errand::UNDER_WAY.saturating_sub(free)
    }

    /// Decides on the head of a call.
    #[must_use]
    pub fn open(&self, head: &Head<'_>) -> Opening {
        let visit = Visit {
            began: clock::mono(),
            client: self.client(head),
            form: Form::of(head.headers),
            request: fresh_request(),
        };
        match self.judge(head, &visit) {
            Ok(judge::Step::Ping { index }) => {
                let outcome = Outcome {
                    op: Operation::Ping,
                    became: Became::Nothing,
                    user: None,
                    detail: String::new(),
                    reply: Reply::plain("ok\n"),
                };
                Opening::Answered(self.close(visit, Some(index), head.peer, false, outcome))
            }
            Ok(judge::Step::Body(judged)) => Opening::Body(Admitted { visit, judged }),
            Err(judge::Stopped {
                index,
                known,
                refused,
            }) => {
                let outcome = self.refusal(&visit, index, Operation::Unknown, refused, None);
                Opening::Answered(self.close(visit, index, head.peer, known, outcome))
            }
        }
    }

    /// Answers a call whose head was let in.
    pub async fn answer(&self, admitted: Admitted, head: &Head<'_>, content: Content) -> Reply {
        let Admitted { visit, judged } = admitted;
        let index = judged.index;
        let outcome = match self.served.get(index) {
            Some(served) => self.respond(served, &visit, &judged, head, content).await,
            // The templates of one configuration do not change.
            None => {
                let refused = Refused::new(
                    crate::domain::provisioning::refusal::RefusalReason::TemplateUnknown,
                    "the template is gone",
                );
                self.refusal(&visit, None, Operation::Unknown, refused, None)
            }
        };
        self.close(visit, Some(index), head.peer, true, outcome)
    }

    fn refusal(
        &self,
        visit: &Visit,
        index: Option<usize>,
        op: Operation,
        refused: Refused,
        user: Option<String>,
    ) -> Outcome {
        let texts = index.and_then(|index| self.served.get(index));
        let texts = texts.map(|served| &served.texts);
        let request = visit.request.as_str();
        let reply = Reply::refused(&refused, texts, visit.form, user.as_deref(), request);
        Outcome {
            op,
            became: Became::Refused(refused.reason),
            user,
            detail: refused.detail,
            reply,
        }
    }

    /// Tells of a call, and lets its answer go.
    fn close(
        &self,
        visit: Visit,
        index: Option<usize>,
        peer: &Peer,
        known: bool,
        outcome: Outcome,
    ) -> Reply {
        let template = index.and_then(|index| self.templates.get(index));
        let mut reply = outcome.reply;
        self.ground.metrics.answered(&Told {
            client: visit.client,
            identity: peer.caller.as_ref().map(|caller| caller.identity.as_str()),
            known,
            template: template.map(|template| template.name.as_str()),
            op: outcome.op,
            became: outcome.became,
            user: outcome.user.as_deref(),
            request: visit.request.as_str(),
            detail: &outcome.detail,
            status: reply.status.as_u16(),
            took: clock::mono().saturating_duration_since(visit.began),
        });
        let tracking = format!("XSPD_{}", visit.request);
        if let Ok(tracking) = tracking.parse() {
            // The bridge's own says more about a call that it answered.
            let headers = &mut reply.headers;
            headers
                .entry(crate::inbound::http::TRACKING_ID)
                .or_insert(tracking);
        }
        reply
    }
}

/// A name that nobody had before, in the order of time.
#[expect(
    clippy::expect_used,
    reason = "a UUID has 36 characters, none of which is odd"
)]
fn fresh_request() -> RequestId {
    let since = clock::wall().duration_since(std::time::SystemTime::UNIX_EPOCH);
    let since = since.unwrap_or_default();
    let at = uuid::Timestamp::from_unix(uuid::NoContext, since.as_secs(), since.subsec_nanos());
    let name = uuid::Uuid::new_v7(at).to_string();
    RequestId::parse(&name).expect("a UUID is a name of a request")
}

/// Now, as records have it.
fn moment() -> Moment {
    Moment::of(clock::wall())
}
