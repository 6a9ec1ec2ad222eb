//! Xsi-Events besides the stream itself: what belongs to a channel goes to the XSP that holds it,
//! subscriptions go to any.

use bytes::Bytes;
use http::Method;

use crate::outbound::broadworks::xsi::Target;
use crate::outbound::broadworks::xsi::XsiClient;
use crate::outbound::broadworks::xsi::XsiFailure;
use crate::outbound::broadworks::xsi::call::To;
use crate::outbound::broadworks::xsi::target::EVENTS;
use crate::outbound::broadworks::xsi::target::query_value;
use crate::outbound::broadworks::xsi::target::segment;

impl XsiClient {
    /// Keeps a channel alive; its echo comes on the stream.
    ///
    /// # Errors
    /// [`XsiFailure`]; 404 when the XSP does not hold the channel.
    pub async fn heartbeat(&self, upstream: &str, channel: &str) -> Result<(), XsiFailure> {
        let path = format!("{EVENTS}/channel/{}/heartbeat", segment(channel)?);
        self.of_channel(upstream, Method::PUT, &path, Bytes::new())
            .await
            .map(drop)
    }

    /// Prolongs a channel by a `Channel` document; the answer says for how long.
    ///
    /// # Errors
    /// [`XsiFailure`].
    pub async fn update_channel(
        &self,
        upstream: &str,
        channel: &str,
        body: Bytes,
    ) -> Result<Bytes, XsiFailure> {
        let path = format!("{EVENTS}/channel/{}", segment(channel)?);
        self.of_channel(upstream, Method::PUT, &path, body).await
    }

    /// Ends a channel; its stream says so and ends.
    ///
    /// # Errors
    /// [`XsiFailure`].
    pub async fn delete_channel(&self, upstream: &str, channel: &str) -> Result<(), XsiFailure> {
        let path = format!("{EVENTS}/channel/{}", segment(channel)?);
        self.of_channel(upstream, Method::DELETE, &path, Bytes::new())
            .await
            .map(drop)
    }

    /// Acknowledges one event by an `EventResponse` document.
    ///
    /// # Errors
    /// [`XsiFailure`].
    pub async fn acknowledge(&self, upstream: &str, body: Bytes) -> Result<(), XsiFailure> {
        let path = format!("{EVENTS}/channel/eventresponse");
        self.of_channel(upstream, Method::POST, &path, body)
            .await
            .map(drop)
    }

    /// Subscribes by a `Subscription` document; the answer names the subscription.
    ///
    /// # Errors
    /// [`XsiFailure`].
    pub async fn subscribe(&self, target: &Target, body: Bytes) -> Result<Bytes, XsiFailure> {
        self.ask(To::Any, Method::POST, &target.path()?, body).await
    }

    /// Prolongs a subscription by a `Subscription` document. For a user it brings a new snapshot.
    ///
    /// # Errors
    /// [`XsiFailure`]; 403 when there is no such subscription (field page, 2.2).
    pub async fn refresh(&self, subscription: &str, body: Bytes) -> Result<Bytes, XsiFailure> {
        let path = format!("{EVENTS}/subscription/{}", segment(subscription)?);
        self.ask(To::Any, Method::PUT, &path, body).await
    }

    /// Ends a subscription.
    ///
    /// # Errors
    /// [`XsiFailure`].
    pub async fn unsubscribe(&self, subscription: &str) -> Result<(), XsiFailure> {
        let path = format!("{EVENTS}/subscription/{}", segment(subscription)?);
        self.ask(To::Any, Method::DELETE, &path, Bytes::new())
            .await
            .map(drop)
    }

    /// The subscriptions of our account under an application id.
    ///
    /// # Errors
    /// [`XsiFailure`].
    pub async fn subscriptions(&self, application: &str) -> Result<Bytes, XsiFailure> {
        let subscriber = query_value(self.user_id());
        let application = query_value(application);
        let path =
            format!("{EVENTS}/subscription?subscriberId={subscriber}&extAppId={application}");
        self.ask(To::Any, Method::GET, &path, Bytes::new()).await
    }

    /// The channels of a set.
    ///
    /// # Errors
    /// [`XsiFailure`].
    pub async fn channel_set(&self, set: &str) -> Result<Bytes, XsiFailure> {
        let path = format!("{EVENTS}/channelset/{}", segment(set)?);
        self.ask(To::Any, Method::GET, &path, Bytes::new()).await
    }

    async fn of_channel(
        &self,
        upstream: &str,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Bytes, XsiFailure> {
        self.ask(To::Upstream(upstream), method, path, body).await
    }
}
