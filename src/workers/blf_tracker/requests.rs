//! The tracker's requests: each a task of its own that reports back, so that a slow XSP holds up
//! nothing else. How many there are at once is bounded by the machines that ask for them.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::config::Blf;
use crate::config::BlfListSource;
use crate::config::BlfPackage;
use crate::domain::blf::board::FetchId;
use crate::domain::blf::reading::Outcome;
use crate::domain::events::channel::Attempt;
use crate::domain::events::channel::Happening;
use crate::domain::events::channel::NodeNames;
use crate::domain::events::document::ChannelEntry;
use crate::domain::events::document::SubscriptionEntry;
use crate::domain::events::document::requests;
use crate::domain::events::document::requests::AckStatus;
use crate::domain::events::document::requests::SubscriptionAdd;
use crate::domain::events::ids::ChannelId;
use crate::domain::events::ids::EventId;
use crate::domain::events::ids::SubscriptionId;
use crate::domain::events::ids::UserId;
use crate::domain::events::subscriptions;
use crate::domain::events::subscriptions::Collection;
use crate::domain::events::subscriptions::Fault;
use crate::domain::events::subscriptions::Granted;
use crate::domain::events::subscriptions::Target;
use crate::domain::events::subscriptions::Ticket;
use crate::outbound::broadworks::ocip::Ocip;
use crate::outbound::broadworks::xsi;
use crate::outbound::broadworks::xsi::XsiClient;
use crate::outbound::broadworks::xsi::XsiFailure;
use crate::platform::tasks::Tasks;
use crate::telemetry::blf::BlfMetrics;
use crate::workers::blf_tracker::reads::fetched;
use crate::workers::blf_tracker::reads::list_by_actions;
use crate::workers::blf_tracker::reads::list_by_ocip;
use crate::workers::blf_tracker::report::Report;
use crate::workers::blf_tracker::report::UpstreamName;
use crate::workers::blf_tracker::report::channel_outcome;
use crate::workers::blf_tracker::report::fault;

/// Bytes of an answer that are read; a list of a thousand lines has 200 KB.
pub(super) const ANSWER: usize = 1024 * 1024;

/// Whom a configuration lets us ask.
#[derive(Clone)]
pub(super) struct Asking {
    pub(super) client: Option<XsiClient>,
    pub(super) ocip: Option<Ocip>,
}

/// Starts requests.
pub(super) struct Requests {
    pub(super) tasks: Tasks,
    pub(super) reports: mpsc::Sender<Report>,
    pub(super) metrics: Arc<BlfMetrics>,
    pub(super) names: NodeNames,
    pub(super) packages: Vec<&'static str>,
    pub(super) expires: u32,
    pub(super) list_source: BlfListSource,
    /// Subscriptions are ended one after the other, for a change of thousands of lines must be no
    /// storm either.
    pub(super) ending: Arc<Semaphore>,
    /// The pause between two.
    pub(super) pause: Duration,
}

impl Requests {
    pub(super) fn packages(config: &Blf) -> Vec<&'static str> {
        config
            .packages
            .iter()
            .map(|one: &BlfPackage| one.event())
            .collect()
    }

    fn start(&self, work: impl Future<Output = Option<Report>> + Send + 'static) {
        let reports = self.reports.clone();
        self.tasks.connection(async move {
            if let Some(report) = work.await {
                // The tracker has ended otherwise.
                reports.send(report).await.ok();
            }
        });
    }

    pub(super) fn acknowledge(
        &self,
        client: XsiClient,
        (attempt, upstream): (Attempt, UpstreamName),
        event: EventId,
        status: AckStatus,
    ) {
        self.metrics.acknowledged(status);
        let metrics = Arc::clone(&self.metrics);
        self.start(async move {
            let body = requests::event_response(&event, status).into();
            let result = client.acknowledge(&upstream, body).await;
            tell(&metrics, "acknowledge", &upstream, &result);
            let ended = Happening::Acknowledged(event, channel_outcome(&result));
            Some(Report::Channel(attempt, ended))
        });
    }

    pub(super) fn heartbeat(
        &self,
        client: XsiClient,
        (attempt, upstream): (Attempt, UpstreamName),
        channel: ChannelId,
    ) {
        let metrics = Arc::clone(&self.metrics);
        self.start(async move {
            let result = client.heartbeat(&upstream, channel.as_str()).await;
            tell(&metrics, "heartbeat", &upstream, &result);
            let ended = Happening::HeartbeatEnded(channel_outcome(&result));
            Some(Report::Channel(attempt, ended))
        });
    }

    pub(super) fn refresh_channel(
        &self,
        client: XsiClient,
        (attempt, upstream): (Attempt, UpstreamName),
        channel: ChannelId,
        expires: u32,
    ) {
        let metrics = Arc::clone(&self.metrics);
        self.start(async move {
            let body = requests::channel_update(expires).into();
            let result = client
                .update_channel(&upstream, channel.as_str(), body)
                .await;
            tell(&metrics, "channel-update", &upstream, &result);
            let outcome = channel_outcome(&result);
            let entry = result
                .ok()
                .and_then(|body| ChannelEntry::parse(&body, ANSWER).ok());
            let granted = entry.and_then(|entry| entry.expires);
            let ended = Happening::Refreshed(outcome, granted);
            Some(Report::Channel(attempt, ended))
        });
    }

    pub(super) fn delete_channel(
        &self,
        client: XsiClient,
        upstream: UpstreamName,
        channel: ChannelId,
    ) {
        let metrics = Arc::clone(&self.metrics);
        self.start(async move {
            let result = client.delete_channel(&upstream, channel.as_str()).await;
            tell(&metrics, "channel-delete", &upstream, &result);
            None
        });
    }

    pub(super) fn subscribe(&self, client: XsiClient, ticket: Ticket, target: Target) {
        let metrics = Arc::clone(&self.metrics);
        let (packages, names, expires) = (self.packages.clone(), self.names.clone(), self.expires);
        self.start(async move {
            let body = requests::subscription_add(SubscriptionAdd {
                packages: &packages,
                expires,
                set: &names.set,
                application: Some(&names.application),
            });
            let result = client.subscribe(&wire_target(&target), body.into()).await;
            tell(&metrics, "subscribe", named(&target), &result);
            let granted = match result {
                Ok(body) => SubscriptionEntry::parse(&body, ANSWER)
                    .map(|entry| Granted {
                        id: entry.id,
                        expires: entry.expires,
                    })
                    .map_err(|_| Fault::Failed),
                Err(failure) => Err(fault(&failure, true)),
            };
            let input = subscriptions::Input::Created(ticket, granted);
            Some(Report::Subscription(input))
        });
    }

    pub(super) fn update(
        &self,
        client: XsiClient,
        ticket: Ticket,
        subscription: SubscriptionId,
        expires: u32,
    ) {
        let metrics = Arc::clone(&self.metrics);
        self.start(async move {
            let body = requests::subscription_update(expires).into();
            let result = client.refresh(subscription.as_str(), body).await;
            tell(&metrics, "update", subscription.as_str(), &result);
            let updated = match result {
                // The answer may be empty; then what was asked for counts.
                Ok(body) => Ok(SubscriptionEntry::parse(&body, ANSWER)
                    .ok()
                    .and_then(|entry| entry.expires)),
                Err(failure) => Err(fault(&failure, false)),
            };
            let input = subscriptions::Input::Updated(ticket, updated);
            Some(Report::Subscription(input))
        });
    }

    pub(super) fn unsubscribe(&self, client: XsiClient, subscription: SubscriptionId) {
        let metrics = Arc::clone(&self.metrics);
        let (ending, pause) = (Arc::clone(&self.ending), self.pause);
        let stop = self.tasks.stop();
        self.start(async move {
            let turn = async {
                // It is never closed.
                let turn = ending.acquire().await.ok();
                let result = client.unsubscribe(subscription.as_str()).await;
                tell(&metrics, "unsubscribe", subscription.as_str(), &result);
                sleep(pause).await;
                drop(turn);
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = turn => {}
            }
            None
        });
    }

    /// Reads all calls of a user, for lines whose subscription gives no snapshot.
    pub(super) fn fetch(&self, client: XsiClient, fetch: FetchId, user: UserId) {
        let metrics = Arc::clone(&self.metrics);
        self.start(async move {
            let result = fetched(&client, user.as_str()).await;
            tell(&metrics, "calls", user.as_str(), &result);
            Some(Report::Fetched(fetch, user, result.ok()))
        });
    }

    /// Reads the list of a watcher.
    pub(super) fn list(&self, asking: Asking, watcher: UserId) {
        let metrics = Arc::clone(&self.metrics);
        let source = self.list_source;
        self.start(async move {
            let list = match (source, asking) {
                (
                    BlfListSource::XsiActions,
                    Asking {
                        client: Some(client),
                        ..
                    },
                ) => list_by_actions(&client, &metrics, watcher.as_str()).await,
                (
                    BlfListSource::Ocip,
                    Asking {
                        ocip: Some(ocip), ..
                    },
                ) => list_by_ocip(&ocip, &metrics, watcher.as_str()).await,
                (BlfListSource::XsiActions | BlfListSource::Ocip, _) => Err(Outcome::Failed),
            };
            Some(Report::List(watcher, list))
        });
    }

    /// Reads who the members of a directory are, page by page, up to `most`.
    pub(super) fn members(
        &self,
        client: XsiClient,
        place: usize,
        directory: xsi::Directory,
        most: usize,
    ) {
        let metrics = Arc::clone(&self.metrics);
        self.start(async move {
            let result = client.members(&directory, most).await;
            tell(&metrics, "directory", &directory.user, &result);
            let members = result.ok();
            let members = members.map(|all| all.iter().map(|user| UserId::new(user)).collect());
            Some(Report::Members(place, members))
        });
    }
}

/// Counts how a request ended, and tells what went wrong.
pub(super) fn tell<T>(
    metrics: &BlfMetrics,
    request: &'static str,
    about: &str,
    result: &Result<T, XsiFailure>,
) {
    match result {
        Ok(_) => metrics.request_done(request),
        Err(failure) => metrics.request_failed(request, failure.as_str(), about, failure),
    }
}

fn wire_target(target: &Target) -> xsi::Target {
    match target {
        Target::User(user) => xsi::Target::User(user.as_str().to_owned()),
        Target::Collection(Collection::System) => xsi::Target::System,
        Target::Collection(Collection::ServiceProvider(id)) => {
            xsi::Target::ServiceProvider(id.to_string())
        }
        Target::Collection(Collection::Group { provider, group }) => xsi::Target::Group {
            service_provider: provider.to_string(),
            group: group.to_string(),
        },
    }
}

fn named(target: &Target) -> &str {
    match target {
        Target::User(user) => user.as_str(),
        Target::Collection(Collection::System) => "system",
        Target::Collection(Collection::ServiceProvider(id)) => id,
        Target::Collection(Collection::Group { group, .. }) => group,
    }
}
