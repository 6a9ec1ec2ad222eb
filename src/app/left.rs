//! A group or a service provider was deleted, says a report. Who is gone with it is asked for user
//! by user: a report may come late, out of a backlog or from somebody who should not send any, and
//! a whole customer must not be removed from Webex on its word.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::info;
use tracing::warn;

use crate::app::observed::absent;
use crate::app::observed::answered;
use crate::app::observed::is_ours;
use crate::domain::ocip::OcipFailure;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::GroupId;
use crate::domain::provisioning::ids::SpId;
use crate::domain::provisioning::record::Presence;
use crate::store::StoreError;
use crate::store::query::UserRecord;
use crate::workers::ocir_observer::asker::Asker;
use crate::workers::ocir_observer::asker::passes;
use crate::workers::provisioner::Provisioner;

/// Deleted groups that wait; each takes minutes when it had thousands of users.
pub(super) const WAITING: usize = 64;

/// Users of one group or service provider that are asked for; who is left, reconciliation finds.
const USERS: usize = 10_000;

/// Between two users: the Application Server has others to answer.
const PACE: Duration = Duration::from_millis(100);

/// The first pause before the Application Server is asked again about a user, and the longest.
const AGAIN: Duration = Duration::from_secs(5);
const AGAIN_AT_MOST: Duration = Duration::from_secs(60);

/// How often it is asked about one user, which is some eight minutes.
const TRIES: u32 = 10;

/// Users in a row without an answer after which no more are asked for: it is away.
const AWAY: usize = 3;

/// What is said to be gone.
#[derive(Debug)]
pub(super) struct Leaving {
    /// Where.
    pub(super) cluster: ClusterName,
    /// The service provider or enterprise.
    pub(super) sp: SpId,
    /// The group; `None`: all.
    pub(super) group: Option<GroupId>,
}

/// Who finds out.
pub(super) struct Leave {
    pub(super) provisioner: Provisioner,
    /// Where no Application Server may be asked, nobody is removed.
    pub(super) asker: Asker,
}

/// How many users came to what.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    /// BroadWorks says that they are gone, or their service is.
    gone: usize,
    /// They still have it.
    stay: usize,
    /// BroadWorks said nothing that could be relied on.
    unknown: usize,
}

impl Leave {
    /// Looks at one group after the other until `stop`.
    pub(super) async fn run(self, mut leaving: mpsc::Receiver<Leaving>, stop: CancellationToken) {
        let looking = async {
            while let Some(leaving) = leaving.recv().await {
                self.look(&leaving).await;
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = looking => {}
        }
    }

    async fn look(&self, leaving: &Leaving) {
        let Leaving { cluster, sp, group } = leaving;
        let group = group.as_ref().map_or("all groups", GroupId::as_str);
        let users = match self.users(leaving).await {
            Ok(users) if users.is_empty() => return,
            Ok(users) => users,
            Err(error) => {
                warn!(
                    %error, %cluster, %sp, group,
                    "Users of a deleted group cannot be looked up; compare them with Webex."
                );
                return;
            }
        };
        let asker = &self.asker;
        if !asker.knows(cluster) {
            warn!(
                %cluster, %sp, group, users = users.len(),
                "BroadWorks reports that a group is deleted. Nobody is removed from Webex, because \
                 no Application Server can be asked about its users ([application-server]): \
                 compare them with Webex, and remove those who are gone."
            );
            return;
        }
        let ask = |user: BwUserId| async move { asker.is_gone(cluster, &user).await };
        let remove = |user: BwUserId| async move {
            let removed = absent(&self.provisioner, cluster, user).await;
            if let Err(error) = &removed {
                warn!(%error, %cluster, "A user who is gone cannot be looked up; reconcile.");
            }
            removed.is_ok()
        };
        let Count {
            gone,
            stay,
            unknown,
        } = each(users, ask, remove).await;
        if stay + unknown == 0 {
            info!(%cluster, %sp, group, gone, "The users of a deleted group are removed.");
        } else {
            warn!(
                %cluster, %sp, group, gone, stay, unknown,
                "BroadWorks reports that a group is deleted, and not all of its users are said to \
                 be gone: the others keep their subscriptions. Compare them with Webex."
            );
        }
    }

    /// Users of the group, as far as they are known, who are subscribers by BroadWorks' word.
    async fn users(&self, leaving: &Leaving) -> Result<Vec<BwUserId>, StoreError> {
        answered(|| async {
            let mut users = Vec::new();
            let visited = self.provisioner.store().each(|record: UserRecord| {
                let below = match &record.desired.presence {
                    Presence::Absent { .. } => None,
                    Presence::Present { profile } => Some(profile),
                };
                if let Some(profile) = below
                    && record.desired.key.cluster == leaving.cluster
                    && profile.sp == leaving.sp
                    && (leaving.group.is_none() || profile.group == leaving.group)
                    && is_ours(&record)
                    && users.len() < USERS
                {
                    users.push(profile.user.clone());
                }
            });
            visited.await?;
            if users.len() == USERS {
                warn!(sp = %leaving.sp, USERS, "More users than are asked for; reconcile the others.");
            }
            Ok(users)
        })
        .await
    }
}

/// Asks for one user after the other; only who is plainly gone is removed.
async fn each<A, R>(
    users: Vec<BwUserId>,
    ask: impl Fn(BwUserId) -> A,
    remove: impl Fn(BwUserId) -> R,
) -> Count
where
    A: Future<Output = Result<bool, OcipFailure>>,
    R: Future<Output = bool>,
{
    let mut count = Count::default();
    let mut silent = 0;
    let all = users.len();
    for (asked, user) in users.into_iter().enumerate() {
        match patiently(&user, &ask).await {
            Ok(true) if remove(user).await => {
                silent = 0;
                count.gone += 1;
            }
            Ok(true) => count.unknown += 1,
            Ok(false) => {
                silent = 0;
                count.stay += 1;
            }
            Err(failure) => {
                warn!(%failure, "BroadWorks cannot be asked about a user of a deleted group.");
                count.unknown += 1;
                silent += 1;
                let hopeless = matches!(failure, OcipFailure::BadCredentials | OcipFailure::Locked);
                if hopeless || silent >= AWAY {
                    count.unknown += all - asked - 1;
                    break;
                }
            }
        }
        tokio::time::sleep(PACE).await;
    }
    count
}

async fn patiently<A>(user: &BwUserId, ask: &impl Fn(BwUserId) -> A) -> Result<bool, OcipFailure>
where
    A: Future<Output = Result<bool, OcipFailure>>,
{
    let mut pause = AGAIN;
    for _ in 1..TRIES {
        match ask(user.clone()).await {
            Err(failure) if passes(&failure) => {}
            answer => return answer,
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(AGAIN_AT_MOST);
    }
    ask(user.clone()).await
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::domain::ocip::BadAnswer;

    fn users(names: &[&str]) -> Vec<BwUserId> {
        let users = names.iter().map(|name| BwUserId::parse(name).unwrap());
        users.collect()
    }

    /// Who is removed when BroadWorks answers so, in the order of the questions.
    async fn removed(
        names: &[&str],
        answer: impl Fn(&str, usize) -> Result<bool, OcipFailure>,
    ) -> (Vec<String>, Count) {
        let (gone, asked) = (RefCell::new(Vec::new()), RefCell::new(0));
        let count = each(
            users(names),
            |user| {
                *asked.borrow_mut() += 1;
                let answer = answer(user.as_str(), *asked.borrow());
                async move { answer }
            },
            |user| {
                gone.borrow_mut().push(user.as_str().to_owned());
                async { true }
            },
        )
        .await;
        (gone.into_inner(), count)
    }

    #[tokio::test(start_paused = true)]
    async fn only_who_is_plainly_gone_is_removed() {
        let (gone, count) = removed(&["a", "b", "c", "d"], |user, _| match user {
            "a" | "d" => Ok(true),
            "b" => Ok(false),
            _ => Err(OcipFailure::BadAnswer(BadAnswer::NotOcip)),
        })
        .await;
        assert_eq!(gone, ["a", "d"]);
        let expected = Count {
            gone: 2,
            stay: 1,
            unknown: 1,
        };
        assert_eq!(count, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn an_application_server_that_is_away_is_waited_for_and_then_left_alone() {
        let (gone, _) = removed(&["a"], |_, asked| {
            if asked < 5 {
                Err(OcipFailure::Timeout)
            } else {
                Ok(true)
            }
        })
        .await;
        assert_eq!(gone, ["a"]);
        let names = ["a", "b", "c", "d", "e"];
        let (gone, count) = removed(&names, |_, _| Err(OcipFailure::Timeout)).await;
        assert_eq!((gone.len(), count.unknown), (0, 5));
        let (gone, count) = removed(&names, |_, asked| {
            assert_eq!(asked, 1, "a wrong password is not tried again and again");
            Err(OcipFailure::BadCredentials)
        })
        .await;
        assert_eq!((gone.len(), count.unknown), (0, 5));
    }
}
