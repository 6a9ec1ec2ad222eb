//! What Application Servers report becomes wishes where nothing else would have brought them.
//!
//! With the adapter in between, the same change comes as a call, too, written by the rules of the
//! template. So a user who is known is left as the call has it, but for fields that really differ;
//! a user whom nobody called about is taken in. Users that an operator brought in or took out stay
//! the operator's: a service that is or is not assigned says nothing about them.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::debug;
use tracing::info;
use tracing::warn;

use crate::app::AppError;
use crate::app::reload::Reloader;
use crate::config::ADAPTER_PATH;
use crate::config::Template;
use crate::domain::ocir::Observation;
use crate::domain::ocir::Observed;
use crate::domain::ocir::changed;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::GroupId;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::RequestId;
use crate::domain::provisioning::ids::SpId;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::intake::Verdict;
use crate::domain::provisioning::intake::Wanted;
use crate::domain::provisioning::intake::Wish;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::record::Presence;
use crate::domain::provisioning::record::Source;
use crate::inbound::edge::Live;
use crate::platform::clock;
use crate::store::query::UserRecord;
use crate::workers::ocir_observer;
use crate::workers::provisioner::Provisioner;
use crate::workers::provisioner::SubmitError;

/// The first pause before a wish is handed in again, and the longest.
const AGAIN: Duration = Duration::from_secs(1);
const AGAIN_AT_MOST: Duration = Duration::from_secs(30);

/// Users of a group or service provider that go at once; what is left, reconciliation finds.
const LEFT: usize = 10_000;

/// Starts to hear what Application Servers report, when that is configured.
pub(super) fn start(reloader: &Reloader) -> Result<(), Vec<AppError>> {
    let (edge, tasks) = (reloader.live.load(), &reloader.tasks);
    let ocip = reloader.application_server.current().clone();
    let heard = ocir_observer::start(&edge.config, ocip, tasks, &reloader.telemetry);
    if let Some(heard) = heard.map_err(|problem| vec![problem.into()])? {
        let live = Arc::clone(&reloader.live);
        let provisioner = reloader.provisioning.provisioner.clone();
        let kept = run(heard, live, provisioner, tasks.stop());
        tasks.worker("ocir-observed", kept);
    }
    Ok(())
}

/// Takes observations until `stop`.
async fn run(
    mut heard: mpsc::Receiver<Observation>,
    live: Live,
    provisioner: Option<Provisioner>,
    stop: CancellationToken,
) {
    let mut keeper = Keeper {
        live,
        provisioner,
        renamed: None,
    };
    let keeping = async {
        while let Some(observation) = heard.recv().await {
            keeper.keep(observation).await;
        }
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = keeping => {}
    }
}

struct Keeper {
    live: Live,
    provisioner: Option<Provisioner>,
    /// A user id that changed, old and new: what the new one is comes next.
    renamed: Option<(BwUserId, BwUserId)>,
}

impl Keeper {
    async fn keep(&mut self, observation: Observation) {
        let Observation {
            cluster,
            told_by,
            what,
        } = observation;
        debug!(%cluster, %told_by, "Something changed in BroadWorks.");
        let Some(provisioner) = self.provisioner.clone() else {
            return;
        };
        match what {
            Observed::Absent(user) => absent(&provisioner, &cluster, user).await,
            // What a report alone says is no proof: Webex is looked at, nothing is wished for.
            Observed::Hint { user, hint: _ } => {
                provisioner.observed(UserKey::new(cluster, &user)).await;
            }
            Observed::Left { sp, group } => left(&provisioner, &cluster, &sp, group.as_ref()).await,
            Observed::Messaging { scope, server } => {
                let url = server.and_then(|server| server.url);
                if let Some(url) = url
                    && self.template(&cluster, &url).is_none()
                {
                    warn!(
                        %cluster, ?scope, url,
                        "BroadWorks provisions users at a URL that is no template's here. If that \
                         is not meant, set the messaging server back."
                    );
                }
            }
            Observed::Present { profile, url } => {
                self.present(&provisioner, &cluster, *profile, url).await;
            }
            Observed::Reconcile { sp, group } => {
                let group = group.as_ref().map_or("all groups", GroupId::as_str);
                info!(
                    %cluster, %sp, group,
                    "Services of many users changed in BroadWorks; compare them with Webex."
                );
            }
            Observed::Renamed { from, to } => self.renamed = Some((from, to)),
        }
    }

    async fn present(
        &mut self,
        provisioner: &Provisioner,
        cluster: &ClusterName,
        profile: Profile,
        url: Option<String>,
    ) {
        let key = UserKey::new(cluster.clone(), &profile.user);
        let formerly = self.renamed.take_if(|(_, to)| *to == profile.user);
        let formerly = formerly.map(|(from, _)| from);
        let template = url.and_then(|url| self.template(cluster, &url));
        let wish = match known(provisioner, &key).await {
            Some(record) => match &record.desired.presence {
                // The call, or the operator, has said what it is.
                Presence::Present { profile: held } => match changed(held, &profile) {
                    Some(profile) => of(key, present_as(profile)),
                    None => {
                        provisioner.observed(key).await;
                        return;
                    }
                },
                Presence::Absent { .. } if record.desired.source == Source::Operator => return,
                Presence::Absent { .. } => Wish {
                    template,
                    ..of(key, present_as(profile))
                },
            },
            None => {
                let from = formerly.as_ref();
                let from = from.map(|from| UserKey::new(cluster.clone(), from));
                let before = match from {
                    Some(from) => known(provisioner, &from).await,
                    None => None,
                };
                let template = template.or_else(|| before.map(|held| held.desired.template));
                let Some(template) = template else {
                    // Provisioned somewhere else, which is not ours to change.
                    return;
                };
                Wish {
                    template: Some(template),
                    formerly: formerly.clone(),
                    ..of(key, present_as(profile))
                }
            }
        };
        submit(provisioner, wish).await;
        if let Some(from) = formerly {
            absent(provisioner, cluster, from).await;
        }
    }

    /// The template that users at this messaging server go by.
    fn template(&self, cluster: &ClusterName, url: &str) -> Option<TemplateKey> {
        let edge = self.live.load();
        template(&edge.config.templates, cluster, url)
    }
}

fn template(templates: &[Template], cluster: &ClusterName, url: &str) -> Option<TemplateKey> {
    let uri: Uri = url.parse().ok()?;
    let path = uri.path().trim_end_matches('/');
    let is_it = |template: &&Template| {
        let same = |other: &String| other.trim_end_matches('/') == url.trim_end_matches('/');
        let bridged = template.bridge_url.as_ref().is_some_and(same);
        let named = path.strip_prefix(ADAPTER_PATH) == Some(&template.name);
        let matched = template.matches.iter().any(|found| {
            uri.host()
                .is_some_and(|host| host.eq_ignore_ascii_case(&found.host))
                && path.trim_end_matches('/') == found.prefix
        });
        template.cluster == cluster.as_str() && (bridged || named || matched)
    };
    let template = templates.iter().find(is_it)?;
    TemplateKey::parse(&template.name).ok()
}

async fn absent(provisioner: &Provisioner, cluster: &ClusterName, user: BwUserId) {
    let key = UserKey::new(cluster.clone(), &user);
    let Some(record) = known(provisioner, &key).await else {
        return;
    };
    let present = matches!(record.desired.presence, Presence::Present { .. });
    let ours = match record.desired.source {
        Source::As | Source::Ocir | Source::Reconcile => true,
        Source::Import | Source::Operator => false,
    };
    if present && ours {
        let wanted = Wanted::Absent { user, person: None };
        submit(provisioner, of(key, wanted)).await;
    }
}

/// Everybody below is gone.
async fn left(
    provisioner: &Provisioner,
    cluster: &ClusterName,
    sp: &SpId,
    group: Option<&GroupId>,
) {
    let mut users = Vec::new();
    let visited = provisioner.store().each(|record: UserRecord| {
        if let Presence::Present { profile } = &record.desired.presence
            && record.desired.key.cluster == *cluster
            && profile.sp == *sp
            && (group.is_none() || profile.group.as_ref() == group)
            && users.len() < LEFT
        {
            users.push(profile.user.clone());
        }
    });
    if let Err(error) = visited.await {
        warn!(%error, %sp, "Users of a deleted group could not be looked up; reconcile.");
    }
    for user in users {
        absent(provisioner, cluster, user).await;
    }
}

async fn known(provisioner: &Provisioner, key: &UserKey) -> Option<UserRecord> {
    match provisioner.store().user(key).await {
        Ok(record) => record,
        Err(error) => {
            warn!(%error, "What is known of a reported user could not be read; reconcile.");
            None
        }
    }
}

fn present_as(profile: Profile) -> Wanted {
    let profile = Box::new(profile);
    Wanted::Present { profile }
}

#[expect(
    clippy::expect_used,
    reason = "36 characters of hexadecimal digits and dashes are a name"
)]
fn of(key: UserKey, wanted: Wanted) -> Wish {
    let since = clock::wall().duration_since(std::time::SystemTime::UNIX_EPOCH);
    let since = since.unwrap_or_default();
    let at = uuid::Timestamp::from_unix(uuid::NoContext, since.as_secs(), since.subsec_nanos());
    let name = uuid::Uuid::new_v7(at).to_string();
    let request = RequestId::parse(&name).expect("a UUID is a name of a request");
    Wish {
        source: Source::Ocir,
        ..Wish::of(key, wanted, request, Moment::of(clock::wall()))
    }
}

/// Hands a wish in until it is taken or refused. Reports wait meanwhile.
async fn submit(provisioner: &Provisioner, wish: Wish) {
    let mut pause = AGAIN;
    loop {
        match provisioner.submit(wish.clone()).await {
            Ok(Verdict::Refuse(refusal)) => {
                warn!(?refusal, "A user whom BroadWorks reported is not taken in.");
                return;
            }
            Ok(Verdict::Accept { .. } | Verdict::NotPresent | Verdict::Same { .. })
            | Err(SubmitError::Draining) => return,
            Err(SubmitError::Starting | SubmitError::Store(_)) => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(AGAIN_AT_MOST);
    }
}
