//! A call on its way to Webex's bridge, and what is written down after it. It has a task of its
//! own: an Application Server that hangs up has asked for the change all the same, the bridge
//! carries it out, and its user must not be forgotten here for that.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::oneshot;

use crate::domain::provisioning::ids::RequestId;
use crate::domain::provisioning::intake::Verdict;
use crate::domain::provisioning::intake::Wish;
use crate::inbound::endpoints::provisioning::take::Taking;
use crate::outbound::web::Passed;
use crate::outbound::web::WebFailure;
use crate::outbound::webex::bridge::Bridge;
use crate::platform::tasks::Tasks;
use crate::telemetry::adapter::AdapterMetrics;
use crate::telemetry::adapter::Untracked;

/// Calls on their way to bridges at once, each a connection and a body of 256 KiB at most. Who is
/// waited for is bounded by the listener; who hung up is bounded by this.
pub(super) const UNDER_WAY: usize = 512;

/// Of one template: a bridge that hangs must not use up the places of the others.
pub(super) const OF_A_TEMPLATE: usize = 128;

/// What comes back from the bridge.
pub(super) type Answer = Result<Response<Bytes>, WebFailure>;

/// A call on its way.
pub(super) struct Errand {
    pub(super) bridge: Arc<Bridge>,
    pub(super) below: String,
    pub(super) passed: Passed,
    /// `None` when nobody is to be tracked.
    pub(super) track: Option<Track>,
    pub(super) template: Arc<str>,
    pub(super) request: RequestId,
    pub(super) metrics: Arc<AdapterMetrics>,
}

/// What is to be tracked once the bridge has taken it.
pub(super) struct Track {
    pub(super) wish: Result<Wish, String>,
    pub(super) taking: Taking,
}

impl Errand {
    /// Sends it on its way and waits for the answer. Dropped meanwhile, it still comes to its end,
    /// after the time limits of the bridge and of the store at the latest.
    pub(super) async fn go(self, tasks: &Tasks, places: [OwnedSemaphorePermit; 2]) -> Answer {
        let (tell, told) = oneshot::channel();
        tasks.connection(async move {
            let _places = places;
            let (metrics, template) = (Arc::clone(&self.metrics), Arc::clone(&self.template));
            let request = self.request.clone();
            let answer = self.run().await;
            if let Err(answer) = tell.send(answer) {
                let said = match &answer {
                    Ok(response) => response.status().as_u16().to_string(),
                    Err(failure) => crate::outbound::Causes(failure).to_string(),
                };
                metrics.hung_up(&template, request.as_str(), &said);
            }
        });
        told.await.unwrap_or_else(|_| {
            let fault = "the call ended in a way it should not; please report this";
            Err(WebFailure::Broken(fault.into()))
        })
    }

    async fn run(self) -> Answer {
        let answer = self.bridge.pass_on(&self.below, self.passed).await;
        if let (Ok(response), Some(track)) = (&answer, self.track)
            && response.status().is_success()
        {
            track
                .keep(&self.metrics, &self.template, &self.request)
                .await;
        }
        answer
    }
}

impl Track {
    /// The bridge does the work; what is written down here only lets the user's end be seen. So
    /// whatever goes wrong, the Application Server hears what the bridge said.
    async fn keep(self, metrics: &AdapterMetrics, template: &str, request: &RequestId) {
        let untracked =
            |why, detail: &str| metrics.untracked(why, template, request.as_str(), detail);
        let wish = match self.wish {
            Ok(wish) => wish,
            Err(detail) => return untracked(Untracked::Unmapped, &detail),
        };
        match self.taking.submit(wish).await {
            Ok(Verdict::Accept { .. } | Verdict::NotPresent | Verdict::Same { .. }) => {}
            Ok(Verdict::Refuse(refusal)) => {
                untracked(Untracked::Refused, refusal.code.as_str());
            }
            Err(fault) => untracked(Untracked::NotStored, &fault.to_string()),
        }
    }
}
