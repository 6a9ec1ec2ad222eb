//! Webex, as the machine asks it: through the partners of the configuration.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::sleep;

use crate::domain::provisioning::ids::PartnerName;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::FailureKind;
use crate::platform::tasks::Tasks;
use crate::workers::provisioner::Performed;
use crate::workers::provisioner::Provisioner;
use crate::workers::provisioner::Webex;
use crate::workers::webex_partners::WebexPartners;

/// How soon a partner that has a token again goes on; without one the machine asks nothing.
const LOOK: Duration = Duration::from_secs(2);

/// Asks the partners that are in force when it is asked.
#[must_use]
pub fn through(partners: WebexPartners) -> Webex {
    Arc::new(move |name, op| {
        let partner = partners.get(&name);
        async move {
            let (outcome, tracking) = match partner {
                Some(partner) => partner.perform_named(&op).await,
                None => (Err(nobody(&name)), Vec::new()),
            };
            Performed { outcome, tracking }
        }
        .boxed()
    })
}

/// Tells the provisioner when a partner loses or gets its token, until `stop` of `tasks` fires.
pub fn watch_tokens(provisioner: &Provisioner, partners: WebexPartners, tasks: &Tasks) {
    let (provisioner, stop) = (provisioner.clone(), tasks.stop());
    tasks.worker("provisioner-tokens", async move {
        let work = async {
            let mut known = BTreeMap::new();
            loop {
                for partner in partners.all() {
                    let Ok(name) = PartnerName::parse(partner.name()) else {
                        continue;
                    };
                    let ok = partner.standing().access_token;
                    // Nothing is said of one that has not had its first token yet: it is waited for.
                    let before = known.insert(name.clone(), ok);
                    if before.is_some_and(|before| before != ok) {
                        provisioner.partner_token(name, ok).await;
                    }
                }
                sleep(LOOK).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
    });
}

fn nobody(name: &PartnerName) -> CallFailure {
    CallFailure {
        kind: FailureKind::NotSent,
        code: None,
        text: format!("the configuration has no [[webex-partner]] with the name {name}"),
        ours: None,
        theirs: None,
        retry_after: None,
    }
}
