//! The calls of one partner.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::config;
use crate::domain::provisioning::customer::EnterpriseFilter;
use crate::domain::provisioning::customer::SubscriberFilter;
use crate::domain::provisioning::ids::TrackingId;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::Enterprise;
use crate::domain::provisioning::webex::FailureKind;
use crate::domain::provisioning::webex::Remark;
use crate::domain::provisioning::webex::Subscriber;
use crate::domain::provisioning::webex::WebexAnswer;
use crate::domain::provisioning::webex::WebexOp;
use crate::outbound::webex::api::Cursor;
use crate::outbound::webex::api::PartnerClient;
use crate::outbound::webex::api::Reply;
use crate::outbound::webex::api::Request;
use crate::outbound::webex::api::enterprises;
use crate::outbound::webex::api::people;
use crate::outbound::webex::api::subscribers;
use crate::outbound::webex::api::unreadable;
use crate::outbound::webex::api::workspaces;
use crate::platform::clock;
use crate::telemetry::webex::WebexMetrics;
use crate::workers::webex_partners::token::AccessToken;
use crate::workers::webex_partners::token::Keeper;
use crate::workers::webex_partners::token::Renewal;
use crate::workers::webex_partners::token::TokenStanding;

/// Pages of one list: 200,000 subscribers, more than the largest partner should have. A list that
/// goes on without an end must not.
pub const MOST_PAGES: usize = 2_000;

/// One partner. Clones are handles to the same one; what is under way goes on after a reload.
#[derive(Clone)]
pub struct WebexPartner(Arc<Inner>, Option<Trail>);

/// Names of requests, ours and Webex's, as they were made.
type Trail = Arc<Mutex<Vec<TrackingId>>>;

struct Inner {
    config: config::WebexPartner,
    client: Arc<PartnerClient>,
    keeper: Keeper,
    turns: Semaphore,
    metrics: Arc<WebexMetrics>,
}

/// A page of a list.
pub struct Page<T> {
    /// Its elements.
    pub items: Vec<T>,
    /// Where the list goes on; `None`: it is over.
    pub next: Option<Cursor>,
}

impl WebexPartner {
    pub(super) fn new(
        config: config::WebexPartner,
        client: Arc<PartnerClient>,
        keeper: Keeper,
        metrics: Arc<WebexMetrics>,
    ) -> Self {
        let inner = Inner {
            turns: Semaphore::new(config.in_flight),
            config,
            client,
            keeper,
            metrics,
        };
        Self(Arc::new(inner), None)
    }

    pub(super) fn keeper(&self) -> &Keeper {
        &self.0.keeper
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.config.name
    }

    /// The partner's organisation, for reports to Cisco.
    #[must_use]
    pub fn org_id(&self) -> Option<&str> {
        self.0.config.org_id.as_deref()
    }

    /// Calls at once; more wait for their turn.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.config.in_flight
    }

    /// How its tokens stand.
    #[must_use]
    pub fn standing(&self) -> TokenStanding {
        self.0.keeper.standing()
    }

    /// Makes a call on the way of a job, with the names by which a support case finds it. A look
    /// that was answered has none: a job makes many, and they would push out what matters.
    pub async fn perform_named(
        &self,
        op: &WebexOp,
    ) -> (Result<WebexAnswer, CallFailure>, Vec<TrackingId>) {
        if looks_only(op) {
            let outcome = self.perform(op).await;
            let failure = outcome.as_ref().err();
            let names = failure.map(|failure| [&failure.ours, &failure.theirs]);
            let names = names.into_iter().flatten().flatten().cloned().collect();
            return (outcome, names);
        }
        let trail = Trail::default();
        let named = Self(Arc::clone(&self.0), Some(Arc::clone(&trail)));
        let outcome = named.perform(op).await;
        let mut names = trail.lock().unwrap_or_else(PoisonError::into_inner);
        (outcome, std::mem::take(&mut names))
    }

    /// Makes a call on the way of a job.
    ///
    /// # Errors
    /// It did not do what it was to do.
    pub async fn perform(&self, op: &WebexOp) -> Result<WebexAnswer, CallFailure> {
        match op {
            WebexOp::ConsentMove(id) => self.done(subscribers::consent_move(id)).await,
            WebexOp::DeletePerson(id) => self.done(people::delete(id)).await,
            WebexOp::DeleteSubscriber(id) => self.done(subscribers::delete(id)).await,
            WebexOp::DeleteWorkspace(id) => self.done(workspaces::delete(id)).await,
            WebexOp::FindEnterprise(id) => {
                let filter = EnterpriseFilter {
                    enterprise: Some(id.as_str().to_owned()),
                    ..EnterpriseFilter::default()
                };
                self.enterprises(&filter)
                    .await
                    .map(WebexAnswer::Enterprises)
            }
            WebexOp::FindSubscriber(user) => {
                let filter = SubscriberFilter {
                    user: Some(user.as_str().to_owned()),
                    ..SubscriberFilter::default()
                };
                self.subscribers(&filter)
                    .await
                    .map(WebexAnswer::Subscribers)
            }
            WebexOp::GetSubscriber(id) => self.subscriber(&subscribers::get(id)).await,
            WebexOp::ListChanged(after) => {
                let filter = SubscriberFilter {
                    changed_after: Some(*after),
                    ..SubscriberFilter::default()
                };
                self.subscribers(&filter)
                    .await
                    .map(WebexAnswer::Subscribers)
            }
            WebexOp::Precheck(new) => self.precheck(subscribers::precheck(new)).await,
            WebexOp::PrecheckEmail(email) => {
                self.precheck(Some(subscribers::precheck_email(email)))
                    .await
            }
            WebexOp::Provision(new) => self.subscriber(&subscribers::provision(new)).await,
            WebexOp::ProvisionWorkspace(new) => self.workspace(&workspaces::provision(new)).await,
            WebexOp::UpdateSubscriber(id, change) => {
                self.subscriber(&subscribers::update(id, change)).await
            }
            WebexOp::UpdateWorkspace(id, change) => {
                self.workspace(&workspaces::update(id, change)).await
            }
        }
    }

    /// All subscribers that match.
    ///
    /// # Errors
    /// A page of the list could not be had.
    pub async fn subscribers(
        &self,
        filter: &SubscriberFilter,
    ) -> Result<Vec<Subscriber>, CallFailure> {
        let request = subscribers::list(filter);
        self.whole(&request, subscribers::read_list).await
    }

    /// One page of the subscribers that match, for whoever sets the pace of a long list.
    ///
    /// # Errors
    /// The page could not be had.
    pub async fn subscriber_page(
        &self,
        filter: &SubscriberFilter,
        cursor: Option<&Cursor>,
    ) -> Result<Page<Subscriber>, CallFailure> {
        let request = subscribers::list(filter);
        self.page(&request, cursor, subscribers::read_list).await
    }

    /// All enterprises that match.
    ///
    /// # Errors
    /// A page of the list could not be had.
    pub async fn enterprises(
        &self,
        filter: &EnterpriseFilter,
    ) -> Result<Vec<Enterprise>, CallFailure> {
        let request = enterprises::list(filter);
        self.whole(&request, enterprises::read_list).await
    }

    async fn done(&self, request: Request) -> Result<WebexAnswer, CallFailure> {
        self.exchange(&request, None)
            .await
            .map(|_| WebexAnswer::Done)
    }

    async fn subscriber(&self, request: &Request) -> Result<WebexAnswer, CallFailure> {
        let reply = self.exchange(request, None).await?;
        let subscriber = subscribers::read_one(&reply)?;
        Ok(WebexAnswer::Subscriber(Box::new(subscriber)))
    }

    async fn workspace(&self, request: &Request) -> Result<WebexAnswer, CallFailure> {
        let reply = self.exchange(request, None).await?;
        workspaces::read_one(&reply).map(WebexAnswer::Workspace)
    }

    async fn precheck(&self, request: Option<Request>) -> Result<WebexAnswer, CallFailure> {
        let Some(request) = request else {
            let description = "not asked: a precheck needs an e-mail address".to_owned();
            let code = None;
            return Ok(WebexAnswer::Prechecked(vec![Remark { code, description }]));
        };
        let reply = self.exchange(&request, None).await?;
        subscribers::read_precheck(&reply).map(WebexAnswer::Prechecked)
    }

    pub(super) async fn whole<T>(
        &self,
        request: &Request,
        read: fn(&Reply) -> Result<Vec<T>, CallFailure>,
    ) -> Result<Vec<T>, CallFailure> {
        let (mut items, mut cursor) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let page = self.page(request, cursor.as_ref(), read).await?;
            items.extend(page.items);
            match page.next {
                None => return Ok(items),
                next if next == cursor => break,
                next => cursor = next,
            }
        }
        let why = format!("its list goes on without an end, or for more than {MOST_PAGES} pages");
        Err(unreadable(&why, &tracking_id(), None))
    }

    async fn page<T>(
        &self,
        request: &Request,
        cursor: Option<&Cursor>,
        read: fn(&Reply) -> Result<Vec<T>, CallFailure>,
    ) -> Result<Page<T>, CallFailure> {
        let reply = self.exchange(request, cursor).await?;
        let items = read(&reply)?;
        let next = reply.next;
        Ok(Page { items, next })
    }

    /// One exchange, with a turn of its own; repeated once with a new access token when Webex
    /// denies the one it had.
    pub(super) async fn exchange(
        &self,
        request: &Request,
        cursor: Option<&Cursor>,
    ) -> Result<Reply, CallFailure> {
        let inner = &self.0;
        // It is never closed.
        let _turn = inner.turns.acquire().await;
        let Some(token) = inner.keeper.token().await else {
            inner.metrics.without_token(request.operation());
            return Err(self.without_token());
        };
        let denied = match self.attempt(request, cursor, &token).await {
            Err(failure) if failure.kind == FailureKind::Status(401) => failure,
            other => return other,
        };
        match inner.keeper.renewed(&token).await {
            Renewal::Renewed(token) => self.attempt(request, cursor, &token).await,
            Renewal::Failed | Renewal::NotDue => Err(denied),
        }
    }

    async fn attempt(
        &self,
        request: &Request,
        cursor: Option<&Cursor>,
        token: &AccessToken,
    ) -> Result<Reply, CallFailure> {
        let inner = &self.0;
        let begun = clock::mono();
        let ours = tracking_id();
        let answer = inner.client.call(request, cursor, token, &ours).await;
        let took = clock::mono().saturating_duration_since(begun);
        let failure = answer.as_ref().err();
        let operation = request.operation();
        inner
            .metrics
            .request(&inner.config.name, operation, failure, took);
        if let Some(trail) = &self.1 {
            let theirs = match &answer {
                Ok(reply) => reply.theirs().cloned(),
                Err(failure) => failure.theirs.clone(),
            };
            let mut names = trail.lock().unwrap_or_else(PoisonError::into_inner);
            names.push(ours);
            names.extend(theirs);
        }
        answer
    }

    fn without_token(&self) -> CallFailure {
        let partner = &self.0.config.name;
        let why = self.0.keeper.standing().failure;
        let why = why.unwrap_or_else(|| "it has ended".to_owned());
        CallFailure {
            kind: FailureKind::NoToken,
            code: None,
            text: format!("there is no access token for the partner {partner}: {why}"),
            ours: None,
            theirs: None,
            retry_after: None,
        }
    }
}

/// Whether a call changes nothing and judges nothing.
const fn looks_only(op: &WebexOp) -> bool {
    match op {
        WebexOp::FindEnterprise(_)
        | WebexOp::FindSubscriber(_)
        | WebexOp::GetSubscriber(_)
        | WebexOp::ListChanged(_) => true,
        WebexOp::ConsentMove(_)
        | WebexOp::DeletePerson(_)
        | WebexOp::DeleteSubscriber(_)
        | WebexOp::DeleteWorkspace(_)
        | WebexOp::Precheck(_)
        | WebexOp::PrecheckEmail(_)
        | WebexOp::Provision(_)
        | WebexOp::ProvisionWorkspace(_)
        | WebexOp::UpdateSubscriber(..)
        | WebexOp::UpdateWorkspace(..) => false,
    }
}

/// A name of its own for each request, in our logs and Webex's.
#[expect(clippy::expect_used, reason = "it is short and printable")]
fn tracking_id() -> TrackingId {
    let text = format!("XSPD_{}", Uuid::now_v7());
    TrackingId::parse(&text).expect("a prefix and a UUID are a name")
}
