//! A carrier with bounds: so many deliveries at once, each within the time limit.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::domain::alarms::Appetite;
use crate::domain::alarms::Notice;
use crate::outbound::alerts::AlertSink;
use crate::outbound::alerts::Carrier;
use crate::outbound::alerts::SinkError;

/// Deliveries of one sink at once. The desk tells a sink one notice after the other; a test by hand
/// comes besides.
const AT_ONCE: usize = 4;

/// A sink.
pub(super) struct Bounded {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) appetite: Appetite,
    pub(super) limit: Duration,
    permits: Semaphore,
    carrier: Box<dyn Carrier>,
}

impl Bounded {
    pub(super) fn new(
        name: &str,
        kind: &'static str,
        appetite: &Appetite,
        limit: Duration,
        carrier: Box<dyn Carrier>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            appetite: appetite.clone(),
            limit,
            permits: Semaphore::new(AT_ONCE),
            carrier,
        }
    }

    async fn carry(&self, notice: &Notice) -> Result<(), SinkError> {
        // Never closed, so a permit comes, or the time is over.
        let _permit = self.permits.acquire().await;
        self.carrier.carry(notice).await
    }
}

impl AlertSink for Bounded {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn appetite(&self) -> &Appetite {
        &self.appetite
    }

    fn fades(&self) -> bool {
        self.carrier.fades()
    }

    fn confirms(&self) -> bool {
        self.carrier.confirms()
    }

    fn deliver<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(async move {
            timeout(self.limit, self.carry(notice))
                .await
                .unwrap_or_else(|_elapsed| {
                    let sentence = format!("not taken within {:?}", self.limit);
                    Err(SinkError::retry("timeout", &sentence))
                })
        })
    }
}
