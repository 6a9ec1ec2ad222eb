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
use crate::app::left;
use crate::app::left::Leave;
use crate::app::left::Leaving;
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
use crate::store::StoreError;
use crate::store::query::UserRecord;
use crate::workers::ocir_observer;
use crate::workers::ocir_observer::Heard;
use crate::workers::provisioner::Provisioner;
use crate::workers::provisioner::SubmitError;

/// The first pause before a wish is handed in again, and the longest.
const AGAIN: Duration = Duration::from_secs(1);
const AGAIN_AT_MOST: Duration = Duration::from_secs(30);

/// How often the store is asked about one user; with the pauses some five minutes. Reports wait
/// meanwhile, so it must have an end.
const TRIES: u32 = 15;

/// Starts to hear what Application Servers report, when that is configured.
pub(super) fn start(reloader: &Reloader) -> Result<(), Vec<AppError>> {
    let (edge, tasks) = (reloader.live.load(), &reloader.tasks);
    let ocip = reloader.application_server.current().clone();
    let heard = ocir_observer::start(&edge.config, ocip, tasks, &reloader.telemetry);
    if let Some(heard) = heard.map_err(|problem| vec![problem.into()])? {
        let live = Arc::clone(&reloader.live);
        let provisioner = reloader.provisioning.provisioner.clone();
        let Heard {
            observations,
            asker,
        } = heard;
        let (leavings, left) = mpsc::channel(left::WAITING);
        if let Some(provisioner) = &provisioner {
            let leave = Leave {
                provisioner: provisioner.clone(),
                asker,
            };
            tasks.worker("ocir-left", leave.run(left, tasks.stop()));
        }
        let keeper = Keeper {
            live,
            provisioner,
            leavings,
            renamed: None,
        };
        tasks.worker("ocir-observed", keeper.run(observations, tasks.stop()));
    }
    Ok(())
}

struct Keeper {
    live: Live,
    provisioner: Option<Provisioner>,
    /// Groups that were deleted: their users are asked for one by one.
    leavings: mpsc::Sender<Leaving>,
    /// A user id that changed, old and new: what the new one is comes next.
    renamed: Option<(BwUserId, BwUserId)>,
}

impl Keeper {
    /// Takes observations until `stop`.
    async fn run(mut self, mut heard: mpsc::Receiver<Observation>, stop: CancellationToken) {
        let keeping = async {
            while let Some(observation) = heard.recv().await {
                if let Err(error) = self.keep(observation).await {
                    warn!(
                        %error,
                        "What is known of a reported user cannot be read, so that the report came \
                         to nothing; reconcile."
                    );
                }
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = keeping => {}
        }
    }

    async fn keep(&mut self, observation: Observation) -> Result<(), StoreError> {
        let Observation {
            cluster,
            told_by,
            what,
        } = observation;
        debug!(%cluster, %told_by, "Something changed in BroadWorks.");
        let Some(provisioner) = self.provisioner.clone() else {
            return Ok(());
        };
        match what {
            Observed::Absent(user) => absent(&provisioner, &cluster, user).await?,
            // What a report alone says is no proof: Webex is looked at, nothing is wished for.
            Observed::Hint { user, hint: _ } => {
                provisioner.observed(UserKey::new(cluster, &user)).await;
            }
            Observed::Left { sp, group } => {
                let leaving = Leaving { cluster, sp, group };
                if let Err(unheard) = self.leavings.try_send(leaving) {
                    let leaving = unheard.into_inner();
                    warn!(
                        ?leaving,
                        "Too many groups were deleted at once to ask for the users of each; \
                         compare them with Webex."
                    );
                }
            }
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
                self.present(&provisioner, &cluster, *profile, url).await?;
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
        Ok(())
    }

    async fn present(
        &mut self,
        provisioner: &Provisioner,
        cluster: &ClusterName,
        profile: Profile,
        url: Option<String>,
    ) -> Result<(), StoreError> {
        let key = UserKey::new(cluster.clone(), &profile.user);
        let formerly = self.renamed.take_if(|(_, to)| *to == profile.user);
        let formerly = formerly.map(|(from, _)| from);
        let template = url.and_then(|url| self.template(cluster, &url));
        let wish = match known(provisioner, &key).await? {
            Some(record) => match &record.desired.presence {
                // The call, or the operator, has said what it is.
                Presence::Present { profile: held } => match changed(held, &profile) {
                    Some(profile) => of(key, present_as(profile)),
                    None => {
                        provisioner.observed(key).await;
                        return Ok(());
                    }
                },
                Presence::Absent { .. } if record.desired.source == Source::Operator => {
                    return Ok(());
                }
                Presence::Absent { .. } => Wish {
                    template,
                    ..of(key, present_as(profile))
                },
            },
            None => {
                let from = formerly.as_ref();
                let from = from.map(|from| UserKey::new(cluster.clone(), from));
                let before = match from {
                    Some(from) => known(provisioner, &from).await?,
                    None => None,
                };
                let template = template.or_else(|| before.map(|held| held.desired.template));
                let Some(template) = template else {
                    // Provisioned somewhere else, which is not ours to change.
                    return Ok(());
                };
                Wish {
                    template: Some(template),
                    formerly: formerly.clone(),
                    ..of(key, present_as(profile))
                }
            }
        };
        submit(provisioner, wish).await;
        match formerly {
            Some(from) => absent(provisioner, cluster, from).await,
            None => Ok(()),
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

/// Whoever is known here and was not brought in by an operator is to be no subscriber.
pub(super) async fn absent(
    provisioner: &Provisioner,
    cluster: &ClusterName,
    user: BwUserId,
) -> Result<(), StoreError> {
    let key = UserKey::new(cluster.clone(), &user);
    let Some(record) = known(provisioner, &key).await? else {
        return Ok(());
    };
    if is_ours(&record) {
        let wanted = Wanted::Absent { user, person: None };
        submit(provisioner, of(key, wanted)).await;
    }
    Ok(())
}

/// Whether a user is to be a subscriber because BroadWorks says so.
pub(super) const fn is_ours(record: &UserRecord) -> bool {
    let present = matches!(record.desired.presence, Presence::Present { .. });
    let ours = match record.desired.source {
        Source::As | Source::Ocir | Source::Reconcile => true,
        Source::Import | Source::Operator => false,
    };
    present && ours
}

/// What is held of a user. A store that does not answer holds nobody's answer, so it is asked
/// again; reports wait meanwhile.
async fn known(provisioner: &Provisioner, key: &UserKey) -> Result<Option<UserRecord>, StoreError> {
    answered(|| provisioner.store().user(key)).await
}

/// Asks the store until it answers, or until it is plain that it will not.
pub(super) async fn answered<T, A>(mut ask: impl FnMut() -> A) -> Result<T, StoreError>
where
    A: Future<Output = Result<T, StoreError>>,
{
    let mut pause = AGAIN;
    let mut tries = 1;
    loop {
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if tries >= TRIES || !may_pass(&error) {
            return Err(error);
        }
        warn!(%error, tries, "What is known of a reported user cannot be read; tried again.");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(AGAIN_AT_MOST);
        tries += 1;
    }
}

const fn may_pass(error: &StoreError) -> bool {
    match error {
        StoreError::Busy
        | StoreError::Full { .. }
        | StoreError::InUse { .. }
        | StoreError::Io { .. }
        | StoreError::Locked { .. }
        | StoreError::ReadOnly { .. }
        | StoreError::Slow
        | StoreError::Unexpected { .. } => true,
        StoreError::Closed
        | StoreError::Damaged { .. }
        | StoreError::Newer { .. }
        | StoreError::UnknownUser
        | StoreError::Unreadable { .. } => false,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_that_does_not_answer_is_asked_again_and_never_taken_for_nobody() {
        let mut asked = 0;
        let answer = answered(|| {
            asked += 1;
            let answer = if asked < 4 {
                Err(StoreError::Slow)
            } else {
                Ok(asked)
            };
            async move { answer }
        });
        assert_eq!(answer.await, Ok(4));
        let never = answered(|| async { Err::<(), _>(StoreError::Busy) });
        assert_eq!(never.await, Err(StoreError::Busy));
        let mut asked = 0;
        let closed = answered(|| {
            asked += 1;
            async { Err::<(), _>(StoreError::Closed) }
        });
        assert_eq!(closed.await, Err(StoreError::Closed));
        assert_eq!(asked, 1, "nothing comes after the end");
    }
}
