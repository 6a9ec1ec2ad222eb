//! Passes calls on to Webex's bridge, untouched, and its answer back; then the user is tracked.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::AUTHORIZATION;

use crate::config::TemplateMode;
use crate::domain::provisioning::mapping;
use crate::domain::provisioning::refusal::RefusalReason;
use crate::inbound::endpoints::provisioning::Adapter;
use crate::inbound::endpoints::provisioning::Outcome;
use crate::inbound::endpoints::provisioning::errand::Errand;
use crate::inbound::endpoints::provisioning::errand::Track;
use crate::inbound::endpoints::provisioning::reply::Refused;
use crate::inbound::endpoints::provisioning::reply::Reply;
use crate::inbound::endpoints::provisioning::take::Asked;
use crate::inbound::endpoints::provisioning::take::user_of;
use crate::inbound::endpoints::provisioning::take::wish;
use crate::outbound::web::Passed;
use crate::outbound::webex::bridge::Bridge;
use crate::telemetry::adapter::Became;
use crate::telemetry::adapter::Operation;

/// When somebody may come again whose call found all places taken: a bridge takes seconds.
const COME_AGAIN: Duration = Duration::from_secs(2);

impl Adapter {
    /// A call of a relayed template: first the bridge, whose answer counts, then the tracking.
    pub(super) async fn relay(&self, asked: &Asked<'_>, wanted: &mapping::Outcome) -> Outcome {
        let Some(bridge) = &asked.served.bridge else {
            let refused = Refused::new(RefusalReason::NoBridge, "there is no `bridge-url`");
            let index = Some(asked.judged.index);
            return self.refusal(asked.visit, index, Operation::Relay, refused, None);
        };
        let track = asked.served.rules.partner.is_some();
        let track = track.then(|| self.track(asked, wanted)).flatten();
        let mut outcome = self.forward(asked, bridge, track).await;
        outcome.user = user_of(wanted);
        outcome
    }

    /// Passes one call on.
    pub(super) async fn forward(
        &self,
        asked: &Asked<'_>,
        bridge: &Arc<Bridge>,
        track: Option<Track>,
    ) -> Outcome {
        let index = Some(asked.judged.index);
        let all = Arc::clone(&self.ground.limiters.under_way).try_acquire_owned();
        let own = Arc::clone(&asked.served.places).try_acquire_owned();
        let (Ok(all), Ok(own)) = (all, own) else {
            let detail = "too many calls wait for the bridge";
            let refused = Refused {
                retry_after: Some(COME_AGAIN),
                ..Refused::new(RefusalReason::RateLimited, detail)
            };
            return self.refusal(asked.visit, index, Operation::Relay, refused, None);
        };
        let mut headers = asked.head.headers.clone();
        match asked.served.rules.mode {
            // The account is the bridge's, and the Application Server shows it.
            TemplateMode::Relay => {}
            // It is ours, between the Application Server and us, and nobody else's business.
            TemplateMode::Api | TemplateMode::Observe => drop(headers.remove(AUTHORIZATION)),
        }
        let errand = Errand {
            bridge: Arc::clone(bridge),
            below: asked.judged.below.clone(),
            passed: Passed {
                method: asked.head.method.clone(),
                headers,
                body: asked.body.clone(),
            },
            track,
            template: Arc::clone(&asked.served.name),
            request: asked.visit.request.clone(),
            metrics: Arc::clone(&self.ground.metrics),
        };
        match errand.go(&self.ground.tasks, [all, own]).await {
            Ok(response) => {
                let (head, body) = response.into_parts();
                let became = if head.status.is_success() {
                    Became::Passed
                } else {
                    Became::BridgeRefused
                };
                Outcome {
                    op: Operation::Relay,
                    became,
                    user: None,
                    detail: String::new(),
                    reply: Reply {
                        status: head.status,
                        headers: head.headers,
                        body,
                    },
                }
            }
            Err(failure) => {
                let detail = crate::outbound::Causes(&failure).to_string();
                let refused = Refused::new(RefusalReason::BridgeUnreachable, detail)
                    .with_status(StatusCode::BAD_GATEWAY);
                self.refusal(asked.visit, index, Operation::Relay, refused, None)
            }
        }
    }

    /// Whom a call is about, if it concerns a subscriber at all.
    fn track(&self, asked: &Asked<'_>, wanted: &mapping::Outcome) -> Option<Track> {
        let wish = match wanted {
            // Guests, devices and whatever else concerns no subscriber.
            mapping::Outcome::Ignore | mapping::Outcome::RelayOrRefuse => return None,
            mapping::Outcome::CaptureAndRefuse(refusal) | mapping::Outcome::Refuse(refusal) => {
                Err(refusal.detail.clone())
            }
            mapping::Outcome::Remove(_) | mapping::Outcome::Upsert(_) => {
                wish(asked, wanted).ok_or_else(|| "the call names no user".to_owned())
            }
        };
        let taking = self.taking();
        Some(Track { wish, taking })
    }
}
