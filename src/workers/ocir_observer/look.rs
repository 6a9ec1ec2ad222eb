//! What reports come to: the Application Server is asked what is so now, because a report tells
//! what was asked for at some time, in an order that a backlog may have mixed with ours.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::domain::ocip::OcipFailure;
use crate::domain::ocip::facts::MessagingServer;
use crate::domain::ocir::Hint;
use crate::domain::ocir::Observation;
use crate::domain::ocir::Observed;
use crate::domain::ocir::Reported;
use crate::domain::ocir::Scope;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::ClusterName;
use crate::outbound::broadworks::ocip::CurrentOcip;
use crate::outbound::broadworks::ocip::Ocip;
use crate::platform::clock;
use crate::workers::ocir_observer::Teller;
use crate::workers::ocir_observer::Told;
use crate::workers::ocir_observer::asker::Found;
use crate::workers::ocir_observer::asker::found;
use crate::workers::ocir_observer::asker::passes;

/// The first pause before the Application Server is asked again, and the longest.
const AGAIN: Duration = Duration::from_secs(5);
const AGAIN_AT_MOST: Duration = Duration::from_secs(60);

/// How often it is asked about one report; with the pauses some eight minutes. Reports wait
/// meanwhile, so it must have an end.
const TRIES: u32 = 10;

/// How long the messaging server of a group is believed; a report about it ends that at once.
const SERVER: Duration = Duration::from_secs(60);

/// Groups whose messaging server is remembered.
const SERVERS: usize = 10_000;

/// Who finds out.
pub(super) struct Looker {
    /// Asked for the users of its own cluster only: another one would not know them.
    ocip: CurrentOcip,
    observations: mpsc::Sender<Observation>,
    /// By service provider and group: the URL that counts there, and since when it is known.
    servers: HashMap<(String, String), (Instant, Option<String>)>,
    /// Whose they are: after a reload another Application Server may be asked.
    servers_of: Option<ClusterName>,
}

/// Nobody keeps observations any more: the daemon ends.
struct Over;

impl Looker {
    pub(super) fn new(ocip: CurrentOcip, observations: mpsc::Sender<Observation>) -> Self {
        Self {
            ocip,
            observations,
            servers: HashMap::new(),
            servers_of: None,
        }
    }

    /// Looks at one report after the other until `stop`.
    pub(super) async fn run(mut self, mut reports: mpsc::Receiver<Told>, stop: CancellationToken) {
        let looking = async {
            while let Some(told) = reports.recv().await {
                if let Err(Over) = self.look(told).await {
                    return;
                }
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = looking => {}
        }
    }

    async fn look(&mut self, told: Told) -> Result<(), Over> {
        let Told { by, what } = told;
        let observed = match what {
            Reported::Check { user, hint } => self.user(&by, user, hint).await,
            Reported::Left { sp, group } => Observed::Left { sp, group },
            Reported::Messaging(scope) => {
                self.servers.clear();
                let server = self.server(&by, &scope).await;
                Observed::Messaging { scope, server }
            }
            Reported::Nothing => return Ok(()),
            Reported::Reconcile { sp, group } => Observed::Reconcile { sp, group },
            // The id may belong to somebody again when a backlog tells of its removal.
            Reported::Removed(user) => self.user(&by, user, Hint::Absent).await,
            Reported::Renamed { from, to } => {
                let user = to.clone();
                self.tell(&by, Observed::Renamed { from, to }).await?;
                self.user(&by, user, Hint::Changed).await
            }
        };
        self.tell(&by, observed).await
    }

    async fn tell(&self, by: &Arc<Teller>, what: Observed) -> Result<(), Over> {
        let observation = Observation {
            cluster: by.cluster.clone(),
            told_by: Arc::clone(&by.name),
            what,
        };
        self.observations.send(observation).await.map_err(|_| Over)
    }

    /// What is so of a user, asked until there is an answer or no hope of one.
    async fn user(&mut self, by: &Arc<Teller>, user: BwUserId, hint: Hint) -> Observed {
        let Some(ocip) = self.ocip.of(&by.cluster) else {
            return Observed::Hint { user, hint };
        };
        if self.servers_of.as_ref() != Some(&by.cluster) {
            self.servers.clear();
            self.servers_of = Some(by.cluster.clone());
        }
        let mut pause = AGAIN;
        for _ in 1..TRIES {
            let failure = match self.asked(&ocip, &user).await {
                Ok(observed) => return observed,
                Err(failure) => failure,
            };
            if !passes(&failure) {
                by.series.not_looked_at(&failure, false);
                return Observed::Hint { user, hint };
            }
            by.series.not_looked_at(&failure, true);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(AGAIN_AT_MOST);
        }
        match self.asked(&ocip, &user).await {
            Ok(observed) => observed,
            Err(failure) => {
                by.series.not_looked_at(&failure, false);
                Observed::Hint { user, hint }
            }
        }
    }

    /// What is so of a user, and where it is provisioned.
    async fn asked(&mut self, ocip: &Ocip, user: &BwUserId) -> Result<Observed, OcipFailure> {
        match found(ocip, user).await? {
            Found::Absent(user) => Ok(Observed::Absent(user)),
            Found::Present {
                profile,
                service_provider,
                group,
            } => {
                let url = self.url(ocip, &service_provider, &group).await?;
                Ok(Observed::Present { profile, url })
            }
        }
    }

    /// Where the users of a group are provisioned: the most specific level wins.
    async fn url(
        &mut self,
        ocip: &Ocip,
        sp: &str,
        group: &str,
    ) -> Result<Option<String>, OcipFailure> {
        let key = (sp.to_owned(), group.to_owned());
        let now = clock::mono();
        if let Some((at, url)) = self.servers.get(&key)
            && now.saturating_duration_since(*at) < SERVER
        {
            return Ok(url.clone());
        }
        let mut server = ocip.group_messaging(sp, group).await?;
        if server.inherited || server.url.is_none() {
            server = ocip.service_provider_messaging(sp).await?;
        }
        if server.inherited || server.url.is_none() {
            server = match ocip.service_provider(sp).await?.reseller_id {
                Some(reseller) => ocip.reseller_messaging(&reseller).await?,
                None => MessagingServer::default(),
            };
        }
        if server.inherited || server.url.is_none() {
            server = ocip.system_messaging().await?;
        }
        if self.servers.len() >= SERVERS {
            self.servers.clear();
        }
        self.servers.insert(key, (now, server.url.clone()));
        Ok(server.url)
    }

    /// What a level says of its messaging server; once, because it is only told.
    async fn server(&self, by: &Teller, scope: &Scope) -> Option<MessagingServer> {
        let ocip = self.ocip.of(&by.cluster)?;
        let asked = match scope {
            Scope::Group(sp, group) => ocip.group_messaging(sp.as_str(), group.as_str()).await,
            Scope::Reseller(reseller) => ocip.reseller_messaging(reseller).await,
            Scope::ServiceProvider(sp) => ocip.service_provider_messaging(sp.as_str()).await,
            Scope::System => ocip.system_messaging().await,
        };
        asked.ok()
    }
}
