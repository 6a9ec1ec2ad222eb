//! The Webex partners: each with its client, its access token and its limit of calls at once.
//!
//! * [`WebexPartners`]: the handle that others ask for a partner by its name.
//! * [`WebexPartner`]: makes the calls of one. Each is one exchange, or the pages of one list; an
//!   access token that Webex denies is renewed once and the call repeated once. Everything else,
//!   above all when to repeat, is for whoever asks.
//! * `token`: keeps up the access token; `refresh` is one attempt to get it, `identity` what proves
//!   us.
//! * `record`: the newest refresh token, on disk.

mod customers;
mod identity;
mod partner;
mod record;
mod refresh;
mod token;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::config;
use crate::config::Config;
use crate::config::Environment;
use crate::domain::provisioning::ids::PartnerName;
use crate::outbound::OutboundError;
use crate::outbound::webex::api::PartnerClient;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::telemetry::webex::WebexMetrics;
use crate::workers::webex_partners::identity::Identity;
use crate::workers::webex_partners::token::Keeper;

pub use partner::MOST_PAGES;
pub use partner::Page;
pub use partner::WebexPartner;
pub use token::TokenStanding;

/// An access token that was denied right after it was had is not renewed again before this: then
/// it is not the token that is wrong, but what it may do.
const DENIAL_PAUSE: Duration = Duration::from_secs(10);

/// All partners. Clones are handles to the same ones.
#[derive(Clone)]
pub struct WebexPartners(Arc<Inner>);

struct Inner {
    partners: ArcSwap<BTreeMap<String, WebexPartner>>,
    tasks: Tasks,
    metrics: Arc<WebexMetrics>,
    denial_pause: Duration,
}

/// Partners that are proven and not in force yet.
pub struct PreparedPartners {
    state_dir: PathBuf,
    partners: Vec<(config::WebexPartner, Arc<PartnerClient>)>,
}

impl WebexPartners {
    /// None yet.
    #[must_use]
    pub fn new(tasks: &Tasks, telemetry: &Telemetry) -> Self {
        Self::with_denial_pause(tasks, telemetry, DENIAL_PAUSE)
    }

    /// The same for those in a hurry: an access token that was denied is renewed again after this.
    #[must_use]
    pub fn with_denial_pause(tasks: &Tasks, telemetry: &Telemetry, denial_pause: Duration) -> Self {
        let metrics = &telemetry.webex;
        Self(Arc::new(Inner {
            partners: ArcSwap::default(),
            tasks: tasks.clone(),
            metrics: Arc::clone(metrics),
            denial_pause,
        }))
    }

    /// The partner of this name.
    #[must_use]
    pub fn get(&self, name: &PartnerName) -> Option<WebexPartner> {
        self.0.partners.load().get(name.as_str()).cloned()
    }

    /// All partners, in the order of their names.
    #[must_use]
    pub fn all(&self) -> Vec<WebexPartner> {
        self.0.partners.load().values().cloned().collect()
    }

    /// What the configuration means, without an effect. Blocks on the file system.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn prepare(config: &Config) -> Result<PreparedPartners, Vec<OutboundError>> {
        let environment = Environment::process();
        let (mut partners, mut problems) = (Vec::new(), Vec::new());
        for partner in config.webex_partners.values() {
            let proven = Identity::of(partner).prove();
            let client = proven.and_then(|()| PartnerClient::new(partner, &environment));
            match client {
                Ok(client) => partners.push((partner.clone(), Arc::new(client))),
                Err(fault) => problems.push(OutboundError::WebexPartner {
                    partner: partner.name.clone(),
                    fault: Box::new(fault),
                }),
            }
        }
        if problems.is_empty() {
            let state_dir = config.state_dir.clone();
            return Ok(PreparedPartners {
                state_dir,
                partners,
            });
        }
        Err(problems)
    }

    /// Puts them in force. A partner whose account is the same goes on with its token; one that is
    /// gone finishes what it has under way. Blocks on the file system.
    pub fn publish(&self, prepared: PreparedPartners) {
        let inner = &self.0;
        let PreparedPartners {
            state_dir,
            partners,
        } = prepared;
        if !partners.is_empty() {
            inner.metrics.series();
        }
        let old = inner.partners.load_full();
        let mut fresh = BTreeMap::new();
        for (partner, client) in partners {
            let held = old.get(&partner.name).map(WebexPartner::keeper);
            let keeper = match held.filter(|keeper| keeper.is_for(&partner)) {
                Some(keeper) => {
                    keeper.use_client(Arc::clone(&client));
                    keeper.clone()
                }
                None => Keeper::start(
                    &partner,
                    Arc::clone(&client),
                    &state_dir,
                    &inner.tasks,
                    Arc::clone(&inner.metrics),
                    inner.denial_pause,
                ),
            };
            let name = partner.name.clone();
            let metrics = Arc::clone(&inner.metrics);
            fresh.insert(name, WebexPartner::new(partner, client, keeper, metrics));
        }
        for name in old.keys().filter(|name| !fresh.contains_key(*name)) {
            inner.metrics.forget(name);
        }
        inner.partners.store(Arc::new(fresh));
    }
}
