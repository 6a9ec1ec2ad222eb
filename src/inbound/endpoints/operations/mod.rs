//! `/ops/v1/…`: what operators see and say of provisioning, for the command line and for portals
//! of the provider. On the admin listener only, and only with the operator token.
//!
//! * [`door`] lets operators in;
//! * [`resource`] has the paths, `query` the parameters, `documents` the forms of records;
//! * `users` lists users and takes words about one, `intake` turns words into wishes;
//! * `enterprises` has customers and their directory sync, `imports` takes CSV files in,
//!   `prechecks` asks the Application Server and Webex beforehand, `reconciles` compares;
//! * [`refused`] writes what was not carried out, in plain words.
//!
//! Whatever changes something leaves a line in the audit log: who, what, about whom, and what came
//! of it.

mod documents;
pub mod door;
mod enterprises;
mod imports;
mod intake;
mod prechecks;
pub(super) mod query;
mod reconciles;
pub mod refused;
pub mod resource;
mod templates;
#[cfg(test)]
mod tests;
mod users;

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::Config;
use crate::domain::provisioning::csv;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::SpEnterpriseId;
use crate::inbound::endpoints::operations::door::Door;
use crate::inbound::endpoints::operations::query::Query;
use crate::inbound::endpoints::operations::query::name_cluster;
use crate::inbound::endpoints::operations::refused::Refused;
use crate::inbound::endpoints::operations::refused::answered;
use crate::inbound::endpoints::operations::resource::Resource;
use crate::outbound::broadworks::ocip::CurrentOcip;
use crate::outbound::read_capped;
use crate::platform::clock;
use crate::store::StoreError;
use crate::telemetry::operations::Audit;
use crate::telemetry::operations::OperationsMetrics;
use crate::workers::blf_gate::Operators;
use crate::workers::captures::Captures;
use crate::workers::directory_sync::DirectorySyncs;
use crate::workers::provisioner::Provisioner;
use crate::workers::reconciler::Reconciler;
use crate::workers::webex_partners::WebexPartners;

/// Where the API is on the admin listener.
pub const PREFIX: &str = "/ops";

/// Largest order in bytes: a word and an address, or fifty user ids.
const ORDER_BYTES: usize = 64 * 1024;

/// Longest name that an operator gives itself.
const NAME: usize = 64;

/// What a request may take, the slowest being fifty prechecks; the command line waits longer.
const DEADLINE: Duration = Duration::from_secs(60);

/// Which header tells who sits at the prompt; it is told, not proven.
const OPERATOR_NAME: &str = "Operator-Name";

/// What the API stands on, from the start of the daemon to its end.
#[derive(Clone)]
pub struct Ground {
    /// Takes wishes in and knows what is held.
    pub provisioner: Provisioner,
    /// Calls that were captured.
    pub captures: Captures,
    /// Webex, by the names of the partners.
    pub partners: WebexPartners,
    /// Directory syncs on an operator's word.
    pub syncs: DirectorySyncs,
    /// Comparisons of BroadWorks with Webex.
    pub reconciler: Reconciler,
    /// The Application Server.
    pub ocip: CurrentOcip,
    /// Counters and the audit log.
    pub metrics: Arc<OperationsMetrics>,
}

impl Ground {
    /// The API of a configuration, behind a door.
    #[must_use]
    pub fn operations(
        &self,
        config: &Arc<Config>,
        operators: &Arc<Operators>,
        door: &Arc<Door>,
    ) -> Operations {
        let Self {
            provisioner,
            captures,
            partners,
            syncs,
            reconciler,
            ocip,
            metrics,
        } = self.clone();
        Operations {
            config: Arc::clone(config),
            operators: Arc::clone(operators),
            provisioner,
            captures,
            partners,
            syncs,
            reconciler,
            ocip,
            metrics,
            door: Arc::clone(door),
        }
    }
}

/// The API in one configuration.
pub struct Operations {
    /// The configuration.
    pub config: Arc<Config>,
    /// Who is an operator.
    pub operators: Arc<Operators>,
    /// Takes wishes in and knows what is held.
    pub provisioner: Provisioner,
    /// Calls that were captured.
    pub captures: Captures,
    /// Webex, by the names of the partners.
    pub partners: WebexPartners,
    /// Directory syncs on an operator's word.
    pub syncs: DirectorySyncs,
    /// Comparisons of BroadWorks with Webex.
    pub reconciler: Reconciler,
    /// The Application Server.
    pub ocip: CurrentOcip,
    /// Counters and the audit log.
    pub metrics: Arc<OperationsMetrics>,
    /// Who is let in.
    pub door: Arc<Door>,
}

/// A request to one of the APIs of the admin listener, here and of alarms.
pub struct Ask<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its path, as written.
    pub path: &'a str,
    /// Its query, as written.
    pub query: Option<&'a str>,
    /// Headers.
    pub headers: &'a HeaderMap,
    /// Where it comes from.
    pub address: IpAddr,
    /// Our name of it.
    pub tracking_id: &'a str,
}

/// What was asked for, for the audit log.
#[derive(Debug, Default)]
struct Doing {
    action: &'static str,
    about: String,
    request: Option<String>,
    /// Lines of a file that were taken so far: what is cut must not be told as if nothing had been.
    taken: Arc<AtomicUsize>,
}

/// What an answer holds.
type Answer = Result<(StatusCode, Value), Refused>;

impl Operations {
    /// Answers a request, always.
    pub async fn answer<B>(&self, ask: &Ask<'_>, body: B) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let began = clock::mono();
        let mut doing = Doing::default();
        let answering = Box::pin(self.dispatch(ask, body, &mut doing));
        let late = |_| {
            Err(Refused::unavailable(
                "this took too long; look at what came of it before asking again",
            ))
        };
        let answered = tokio::time::timeout(DEADLINE, answering).await;
        let was_cut = answered.is_err();
        let answer = answered.unwrap_or_else(late);
        let taken = doing.taken.load(Ordering::Relaxed);
        if was_cut && taken > 0 {
            doing.about += &format!(", cut after {taken} lines were taken");
        }
        if !doing.action.is_empty() {
            self.metrics.acted(&Audit {
                action: doing.action,
                about: &doing.about,
                request: doing.request.as_deref(),
                client: ask.address,
                operator: &operator_name(ask.headers),
                refused: answer.as_ref().err().map(|refused| refused.reason),
                took: clock::mono().saturating_duration_since(began),
                tracking_id: ask.tracking_id,
            });
        }
        match answer {
            Ok((status, document)) => answered_document(status, &document),
            Err(refused) => refused.into_response(),
        }
    }

    async fn dispatch<B>(&self, ask: &Ask<'_>, body: B, doing: &mut Doing) -> Answer
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let judged = || self.operators.check_provisioning(ask.headers);
        let who = (ask.address, ask.headers);
        self.door.open(&self.config, who, judged, &self.metrics)?;
        let resource = Resource::find(ask.path, PREFIX);
        let resource = resource.ok_or_else(|| Refused::unknown("there is no such resource"))?;
        if !resource.takes(ask.method) {
            let text = format!("{} is not for this resource", ask.method);
            let status = StatusCode::METHOD_NOT_ALLOWED;
            return Err(Refused::new(status, "method", text));
        }
        let reads = *ask.method == Method::GET;
        match resource {
            Resource::Attention => self.attention(ask).await,
            Resource::Capture(id) => self.capture(&id),
            Resource::Captures => self.captures(),
            Resource::Enterprise(id) => self.enterprise(&id, ask).await,
            Resource::Enterprises => self.enterprises().await,
            Resource::EnterpriseSync(id) if reads => self.sync_standing(&id, ask),
            Resource::EnterpriseSync(id) => {
                let order = order(body).await?;
                self.sync(&id, ask, order, doing).await
            }
            Resource::Import => {
                let file = read(body, csv::BYTES).await?;
                self.import(ask, &file, doing).await
            }
            Resource::Jobs => self.jobs(ask).await,
            Resource::Precheck => self.precheck(order(body).await?, doing).await,
            Resource::Reconcile if reads => self.reconcile_standing(),
            Resource::Reconcile => self.reconcile(order(body).await?, doing).await,
            Resource::ReconcileApply(id) => {
                let order = order(body).await?;
                self.reconcile_apply(&id, ask, order, doing).await
            }
            Resource::ReconcileReport(id) => self.reconcile_report(&id, ask),
            Resource::Syncs => self.syncs(),
            Resource::Templates => self.templates().await,
            Resource::User(id) => self.user(&id, ask).await,
            Resource::UserReport(id) => self.user_report(&id, ask).await,
            Resource::UserWord(id, word) => {
                let order = order(body).await?;
                self.word(&id, word, ask, order, doing).await
            }
        }
    }

    /// Clusters that have templates, in order.
    fn clusters(&self) -> Vec<ClusterName> {
        let settings = self.provisioner.settings();
        let policies = settings.templates.values();
        let mut clusters: Vec<_> = policies.map(|policy| policy.cluster.clone()).collect();
        clusters.sort();
        clusters.dedup();
        clusters
    }

    /// Which enterprise is meant by an id and the query.
    fn enterprise_key(&self, id: &str, ask: &Ask<'_>) -> Result<EnterpriseKey, Refused> {
        let query = Query::read(ask.query, &["cluster"])?;
        self.key_of_enterprise(id, query.cluster()?)
    }

    fn key_of_enterprise(
        &self,
        id: &str,
        cluster: Option<ClusterName>,
    ) -> Result<EnterpriseKey, Refused> {
        let id = SpEnterpriseId::parse(id);
        let id = id.map_err(|wrong| Refused::malformed(format!("enterprise: {wrong}")))?;
        let clusters = self.clusters();
        let cluster = match (cluster, clusters.as_slice()) {
            (Some(cluster), _) => cluster,
            (None, [one]) => one.clone(),
            (None, []) => return Err(Refused::unknown("no template is configured")),
            (None, several) => return Err(name_cluster(several)),
        };
        Ok(EnterpriseKey::new(cluster, &id))
    }
}

fn answered_document(status: StatusCode, document: &Value) -> Response<Body> {
    answered(status, document)
}

/// What an operator calls itself.
pub(super) fn operator_name(headers: &HeaderMap) -> String {
    let sent = headers
        .get(OPERATOR_NAME)
        .and_then(|name| name.to_str().ok());
    let plain = |c: &char| c.is_ascii_graphic();
    sent.unwrap_or("-")
        .chars()
        .filter(plain)
        .take(NAME)
        .collect()
}

/// What the store says when it does not answer.
fn store_failed(error: &StoreError) -> Refused {
    Refused::unavailable(error.to_string())
}

fn now() -> Moment {
    Moment::of(clock::wall())
}

/// A JSON order; nothing at all is the empty one.
pub(super) async fn order<B, T>(body: B) -> Result<T, Refused>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    T: DeserializeOwned,
{
    let bytes = read(body, ORDER_BYTES).await?;
    let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
    serde_json::from_slice(bytes)
        .map_err(|wrong| Refused::malformed(format!("the body is not what is taken here: {wrong}")))
}

async fn read<B>(body: B, most: usize) -> Result<Bytes, Refused>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let read = read_capped(body, most).await;
    read.map_err(|_| {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        let text = format!("the body was cut, or has more than {} KiB", most / 1024);
        Refused::new(status, "too-large", text)
    })
}

/// An answer that was carried out.
fn done(document: Value) -> Answer {
    Ok((StatusCode::OK, document))
}
