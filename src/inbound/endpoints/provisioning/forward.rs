//! Passes calls on to Webex's bridge, untouched, and its answer back; then the user is tracked.

use http::StatusCode;

use crate::domain::provisioning::intake::Verdict;
use crate::domain::provisioning::mapping;
use crate::domain::provisioning::refusal::RefusalReason;
use crate::inbound::endpoints::provisioning::Adapter;
use crate::inbound::endpoints::provisioning::Outcome;
use crate::inbound::endpoints::provisioning::reply::Refused;
use crate::inbound::endpoints::provisioning::reply::Reply;
use crate::inbound::endpoints::provisioning::take::Asked;
use crate::inbound::endpoints::provisioning::take::user_of;
use crate::inbound::endpoints::provisioning::take::wish;
use crate::outbound::web::Passed;
use crate::outbound::webex::bridge::Bridge;
use crate::telemetry::adapter::Became;
use crate::telemetry::adapter::Operation;
use crate::telemetry::adapter::Untracked;

impl Adapter {
    /// A call of a relayed template: first the bridge, whose answer counts, then the tracking.
    pub(super) async fn relay(&self, asked: &Asked<'_>, wanted: &mapping::Outcome) -> Outcome {
        let Some(bridge) = &asked.served.bridge else {
            let refused = Refused::new(RefusalReason::NoBridge, "there is no `bridge-url`");
            let index = Some(asked.judged.index);
            return self.refusal(asked.visit, index, Operation::Relay, refused, None);
        };
        let mut outcome = self.forward(asked, bridge).await;
        outcome.user = user_of(wanted);
        if outcome.reply.status.is_success() && asked.served.rules.partner.is_some() {
            self.track(asked, wanted).await;
        }
        outcome
    }

    /// Passes one call on.
    pub(super) async fn forward(&self, asked: &Asked<'_>, bridge: &Bridge) -> Outcome {
        let passed = Passed {
            method: asked.head.method.clone(),
            headers: asked.head.headers.clone(),
            body: asked.body.clone(),
        };
        match bridge.pass_on(&asked.judged.below, passed).await {
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
                let index = Some(asked.judged.index);
                self.refusal(asked.visit, index, Operation::Relay, refused, None)
            }
        }
    }

    /// The bridge does the work; what is written down here only lets the user's end be seen. So
    /// whatever goes wrong, the Application Server hears what the bridge said.
    async fn track(&self, asked: &Asked<'_>, wanted: &mapping::Outcome) {
        let untracked = |why, detail: &str| {
            let (template, request) = (&asked.served.name, asked.visit.request.as_str());
            self.ground
                .metrics
                .untracked(why, template, request, detail);
        };
        let wish = match wanted {
            // Guests, devices and whatever else concerns no subscriber.
            mapping::Outcome::Ignore | mapping::Outcome::RelayOrRefuse => return,
            mapping::Outcome::CaptureAndRefuse(refusal) | mapping::Outcome::Refuse(refusal) => {
                return untracked(Untracked::Unmapped, &refusal.detail);
            }
            mapping::Outcome::Remove(_) | mapping::Outcome::Upsert(_) => wish(asked, wanted),
        };
        let Some(wish) = wish else {
            return untracked(Untracked::Unmapped, "the call names no user");
        };
        match self.submit(wish).await {
            Ok(Verdict::Accept { .. } | Verdict::NotPresent | Verdict::Same { .. }) => {}
            Ok(Verdict::Refuse(refusal)) => {
                untracked(Untracked::Refused, refusal.code.as_str());
            }
            Err(fault) => untracked(Untracked::NotStored, &fault.to_string()),
        }
    }
}
