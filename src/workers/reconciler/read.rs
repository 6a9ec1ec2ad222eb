//! Reads both sides of one enterprise.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::sleep;

use crate::domain::ocip::OcipFailure;
use crate::domain::ocip::facts::USERS;
use crate::domain::ocir::INTEGRATED_IMP;
use crate::domain::ocir::profile;
use crate::domain::provisioning::customer::SubscriberFilter;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::GroupId;
use crate::domain::provisioning::ids::SpId;
use crate::domain::provisioning::policy::Policy;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::reconcile::Expected;
use crate::domain::provisioning::reconcile::Numbers;
use crate::domain::provisioning::record::EnterpriseRecord;
use crate::domain::provisioning::record::Presence;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::FailureKind;
use crate::domain::provisioning::webex::Subscriber;
use crate::outbound::broadworks::ocip::ListedUser;
use crate::outbound::broadworks::ocip::Ocip;
use crate::outbound::broadworks::ocip::UserDetails;
use crate::store::StoreError;
use crate::store::query::Filter;
use crate::store::query::PAGE;
use crate::store::query::UserRecord;
use crate::workers::reconciler::Sides;
use crate::workers::reconciler::Source;
use crate::workers::webex_partners::WebexPartner;

/// Tries of one page before the report says that it is not whole.
const TRIES: u32 = 3;
/// Wait before a page is asked for again, when Webex says none.
const AGAIN: Duration = Duration::from_secs(5);
/// Longest wait that Webex may ask for.
const LONGEST: Duration = Duration::from_secs(300);
/// Users of one enterprise at most: ten times the largest.
const MOST: usize = 100_000;

/// Both sides.
pub(super) struct Read {
    pub(super) record: EnterpriseRecord,
    pub(super) source: Source,
    pub(super) expected: Vec<Expected>,
    /// Whether nobody else of the enterprise is to be a subscriber.
    pub(super) expected_is_whole: bool,
    /// Everybody of whom we have a record, present or absent; user ids in lower case.
    pub(super) recorded: BTreeSet<String>,
    /// `None` when Webex could not be read to the end.
    pub(super) subscribers: Option<Vec<Subscriber>>,
    pub(super) profiles: BTreeMap<String, Profile>,
    pub(super) note: Option<String>,
    /// Why it is not whole.
    pub(super) problems: Vec<String>,
}

/// Reads; `None` when there is no such enterprise.
pub(super) async fn read(
    sides: &Sides,
    key: &EnterpriseKey,
    pause: Duration,
    says: &(dyn Fn(String) + Sync),
) -> Result<Option<Read>, StoreError> {
    let Some(record) = sides.provisioner.store().enterprise(key).await? else {
        return Ok(None);
    };
    let name = record.sent_as.as_str();
    let settings = sides.provisioner.settings();
    let policy = settings.templates.get(&record.template);
    let users = records(sides, key, says).await?;
    let mut read = Read {
        source: Source::Records,
        expected: Vec::new(),
        expected_is_whole: false,
        recorded: users
            .iter()
            .map(|held| held.key().user().to_owned())
            .collect(),
        subscribers: None,
        profiles: BTreeMap::new(),
        note: None,
        problems: Vec::new(),
        record: record.clone(),
    };
    for user in &users {
        if let Presence::Present { profile } = &user.desired.presence {
            let package = user.desired.package;
            read.expects(profile, package, policy.map(|policy| &**policy), name);
        }
    }
    let ocip = sides.ocip.of(&key.cluster);
    if ocip.is_none() {
        read.note = Some(unasked(&key.cluster));
    }
    if let Some(ocip) = &ocip {
        let by_group = policy.is_none_or(|policy| policy.enterprise.names_the_group());
        let asked = from_broadworks(ocip, &users, by_group, (pause, name), says).await;
        match asked {
            Ok(Some(found)) => read.replace(found, &users, policy.map(|policy| &**policy), name),
            Ok(None) => read.problems.push(homeless()),
            Err(failure) => {
                read.problems.push(format!(
                    "the Application Server could not be read ({failure}); compared with the \
                     records of this daemon"
                ));
            }
        }
    }
    let partner = policy.and_then(|policy| policy.partner.as_ref());
    let partner = partner.and_then(|name| sides.partners.get(name));
    match partner {
        None => {
            let template = &record.template;
            read.problems.push(format!(
                "the template {template} is gone or names no [[webex-partner]], so Webex was not \
                 asked"
            ));
        }
        Some(partner) => match subscribers(&partner, name, pause, says).await {
            Ok(held) => read.subscribers = Some(held),
            Err(problem) => read.problems.push(problem),
        },
    }
    Ok(Some(read))
}

impl Read {
    fn expects(
        &mut self,
        profile: &Profile,
        package: Option<crate::domain::provisioning::profile::Package>,
        policy: Option<&Policy>,
        enterprise: &str,
    ) {
        if profile.is_place {
            // Workspaces cannot be listed.
            return;
        }
        let ours = policy.filter(|policy| !policy.mode.tracks());
        let trusted = policy.is_some_and(|policy| policy.trusted_email);
        self.expected.push(Expected {
            user: profile.user.as_str().to_owned(),
            enterprise: enterprise.to_owned(),
            package: package.or_else(|| ours.map(|policy| policy.package)),
            first_name: Some(profile.first_name.clone()),
            last_name: Some(profile.last_name.clone()),
            email: profile.email.clone().filter(|_| trusted),
            numbers: Some(Numbers {
                phone: profile.phone.clone(),
                mobile: profile.mobile.clone(),
                extension: profile.extension.clone(),
            }),
        });
        let user = profile.user.as_str().to_lowercase();
        self.profiles.insert(user, profile.clone());
    }

    /// What BroadWorks says takes the place of what it once sent.
    fn replace(
        &mut self,
        found: Vec<Profile>,
        users: &[UserRecord],
        policy: Option<&Policy>,
        name: &str,
    ) {
        self.source = Source::ApplicationServer;
        self.expected.clear();
        self.profiles.clear();
        // Groups of one name may be in several service providers.
        self.expected_is_whole =
            policy.is_some_and(|policy| policy.enterprise.names_the_service_provider());
        for profile in &found {
            let id = profile.user.as_str().to_lowercase();
            let held = users.iter().find(|held| held.key().user() == id);
            let package = held.and_then(|held| held.desired.package);
            self.expects(profile, package, policy, name);
        }
    }
}

async fn records(
    sides: &Sides,
    key: &EnterpriseKey,
    says: &(dyn Fn(String) + Sync),
) -> Result<Vec<UserRecord>, StoreError> {
    let filter = Filter {
        cluster: Some(key.cluster.clone()),
        enterprise: Some(key.clone()),
        ..Filter::default()
    };
    let (mut users, mut cursor) = (Vec::new(), None);
    loop {
        let page = sides.provisioner.store();
        let page = page.page(&filter, cursor.as_ref(), PAGE).await?;
        users.extend(page.users);
        says(format!(
            "{}: {} records read",
            key.enterprise(),
            users.len()
        ));
        cursor = page.next;
        if cursor.is_none() || users.len() >= MOST {
            return Ok(users);
        }
    }
}

/// What a report says where BroadWorks could not be asked: another cluster's Application Server
/// would know nobody, and everybody would stand there as orphaned.
fn unasked(cluster: &ClusterName) -> String {
    format!(
        "cluster {cluster}: no application server configured; compared with the records of this \
         daemon"
    )
}

/// What a report says where nobody tells what of BroadWorks the enterprise is: ids are never taken
/// out of its name.
fn homeless() -> String {
    "the Application Server was not asked, because no user of it is known whose service provider \
     or group it could be asked about; compared with the records of this daemon"
        .to_owned()
}

/// What is asked of an Application Server.
trait Directory {
    /// Those of a group, or of all groups of a service provider.
    async fn listed(
        &self,
        sp: &SpId,
        group: Option<&GroupId>,
    ) -> Result<Vec<ListedUser>, OcipFailure>;
    /// What it says of a user who has the service.
    async fn details(&self, user: &str) -> Result<Option<UserDetails>, OcipFailure>;
}

impl Directory for Ocip {
    async fn listed(
        &self,
        sp: &SpId,
        group: Option<&GroupId>,
    ) -> Result<Vec<ListedUser>, OcipFailure> {
        match group {
            Some(group) => self.users_in_group(sp.as_str(), group.as_str()).await,
            None => self.users_in_service_provider(sp.as_str()).await,
        }
    }

    async fn details(&self, user: &str) -> Result<Option<UserDetails>, OcipFailure> {
        if !self.has_service(user, INTEGRATED_IMP).await? {
            return Ok(None);
        }
        self.user(user).await.map(Some)
    }
}

/// Everybody with the service in the enterprise: in its group, or in all groups of its service
/// provider, those that we never heard of too; `None` when we know of no user, present or gone, that
/// tells where to begin.
///
/// A user that cannot be understood fails the whole list: left out, it would stand as orphaned.
async fn from_broadworks(
    ocip: &impl Directory,
    users: &[UserRecord],
    by_group: bool,
    (pause, name): (Duration, &str),
    says: &(dyn Fn(String) + Sync),
) -> Result<Option<Vec<Profile>>, OcipFailure> {
    // Ids are never taken out of the joined name: a `+` may be part of one.
    let mut places: BTreeSet<(SpId, Option<GroupId>)> = BTreeSet::new();
    for user in users {
        if let Some(home) = user.desired.home() {
            let group = home.group.filter(|_| by_group);
            places.insert((home.sp, group));
        }
    }
    if places.is_empty() {
        return Ok(None);
    }
    let mut found = Vec::new();
    for (sp, group) in places {
        let listed = ocip.listed(&sp, group.as_ref()).await?;
        if listed.len() >= USERS {
            return Err(OcipFailure::Refused {
                code: None,
                summary: format!("{sp} has more than {USERS} users, which one list cannot tell"),
            });
        }
        for (n, user) in listed.iter().enumerate() {
            // It is nearer than Webex, and keeps a pace of its own besides.
            sleep(pause / 10).await;
            says(format!(
                "{name}: {n} of {} users of {sp} asked about",
                listed.len()
            ));
            let Some(details) = ocip.details(&user.user_id).await? else {
                continue;
            };
            let id = BwUserId::parse(&user.user_id).ok();
            let profile = id.and_then(|id| profile(&id, &details).ok());
            found.push(profile.ok_or_else(|| OcipFailure::Refused {
                code: None,
                summary: format!("what it says of {} cannot be understood", user.user_id),
            })?);
        }
    }
    Ok(Some(found))
}

async fn subscribers(
    partner: &WebexPartner,
    name: &str,
    pause: Duration,
    says: &(dyn Fn(String) + Sync),
) -> Result<Vec<Subscriber>, String> {
    let filter = SubscriberFilter {
        enterprise: Some(name.to_owned()),
        ..SubscriberFilter::default()
    };
    let (mut held, mut cursor, mut tries) = (Vec::new(), None, 0);
    let mut page = 1_u32;
    loop {
        sleep(pause).await;
        match partner.subscriber_page(&filter, cursor.as_ref()).await {
            Ok(answer) => {
                tries = 0;
                page += 1;
                held.extend(answer.items);
                says(format!("{name}: {} subscribers read", held.len()));
                cursor = answer.next;
                if cursor.is_none() {
                    return Ok(held);
                }
                if held.len() >= MOST {
                    return Err(format!("Webex lists more than {MOST} subscribers"));
                }
            }
            Err(failure) => {
                tries += 1;
                if tries >= TRIES || !passes(&failure) {
                    return Err(format!(
                        "page {page} of Webex was not read: {}",
                        failure.text
                    ));
                }
                let wait = failure.retry_after.unwrap_or(AGAIN).min(LONGEST);
                says(format!(
                    "{name}: Webex wants page {page} to wait {} s",
                    wait.as_secs()
                ));
                sleep(wait).await;
            }
        }
    }
}

/// Whether the same question may do better later.
const fn passes(failure: &CallFailure) -> bool {
    match failure.kind {
        FailureKind::Status(status) => matches!(status, 408 | 423 | 429 | 500..=599),
        FailureKind::NotSent | FailureKind::Unanswered | FailureKind::Unreadable => true,
        FailureKind::NoToken => false,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::domain::provisioning::ids::Moment;
    use crate::domain::provisioning::ids::RequestId;
    use crate::domain::provisioning::ids::TemplateKey;
    use crate::domain::provisioning::ids::UserKey;
    use crate::domain::provisioning::record::Desired;
    use crate::domain::provisioning::record::Source as WishedBy;

    /// Users by service provider and group; names that begin with `no-` lack the service.
    struct Fake {
        users: Vec<(&'static str, &'static str, &'static str)>,
        asked: RefCell<Vec<String>>,
    }

    impl Directory for Fake {
        async fn listed(
            &self,
            sp: &SpId,
            group: Option<&GroupId>,
        ) -> Result<Vec<ListedUser>, OcipFailure> {
            let place = group.map_or("all groups", |group| group.as_str());
            self.asked.borrow_mut().push(format!("{sp}: {place}"));
            let ours = self.users.iter().filter(|(_, in_sp, in_group)| {
                *in_sp == sp.as_str() && group.is_none_or(|group| *in_group == group.as_str())
            });
            let listed = ours.map(|(user, _, group)| ListedUser {
                user_id: (*user).to_owned(),
                group_id: Some((*group).to_owned()),
                last_name: String::new(),
                first_name: String::new(),
                phone_number: None,
                extension: None,
                email_address: None,
                in_trunk_group: false,
            });
            Ok(listed.collect())
        }

        async fn details(&self, user: &str) -> Result<Option<UserDetails>, OcipFailure> {
            let found = self.users.iter().find(|(held, ..)| *held == user);
            let (_, sp, group) = found.ok_or(OcipFailure::UnknownUser)?;
            Ok((!user.starts_with("no-")).then(|| UserDetails {
                service_provider_id: (*sp).to_owned(),
                group_id: (*group).to_owned(),
                user_id: Some(user.to_owned()),
                last_name: "Ahrens".to_owned(),
                first_name: "Anna".to_owned(),
                phone_number: None,
                extension: Some("0101".to_owned()),
                email_address: None,
                imp_id: None,
                alternate_user_ids: Vec::new(),
                mobile_phone_number: None,
                language: None,
                time_zone: None,
                is_place: false,
                on_trunk: false,
                reseller_id: None,
            }))
        }
    }

    fn known(user: &str, sp: &str, group: &str) -> UserRecord {
        let user = BwUserId::parse(user).unwrap();
        let profile = Profile {
            user: user.clone(),
            sp: SpId::parse(sp).unwrap(),
            group: GroupId::parse(group).ok(),
            first_name: "Anna".to_owned(),
            last_name: "Ahrens".to_owned(),
            email: None,
            phone: None,
            mobile: None,
            extension: None,
            language: None,
            timezone: None,
            is_place: false,
        };
        UserRecord {
            desired: Desired {
                key: UserKey::new(ClusterName::parse("east").unwrap(), &user),
                revision: 1,
                request: RequestId::parse("r1").unwrap(),
                presence: Presence::Present {
                    profile: Box::new(profile),
                },
                template: TemplateKey::parse("acme").unwrap(),
                enterprise: None,
                package: None,
                email: None,
                formerly: None,
                was_in: None,
                word: None,
                source: WishedBy::As,
                digest: String::new(),
                at: Moment(0),
            },
            job: None,
        }
    }

    async fn found(fake: &Fake, by_group: bool) -> Result<Option<Vec<String>>, OcipFailure> {
        let users = [known("anna@x", "SP1", "g1"), known("ben@x", "SP1", "g1")];
        let says = |_: String| {};
        let around = (Duration::ZERO, "SP1");
        let found = from_broadworks(fake, &users, by_group, around, &says).await?;
        let id = |profile: Profile| profile.user.as_str().to_owned();
        Ok(found.map(|found| found.into_iter().map(id).collect()))
    }

    fn fake(users: Vec<(&'static str, &'static str, &'static str)>) -> Fake {
        Fake {
            users,
            asked: RefCell::default(),
        }
    }

    #[tokio::test]
    async fn an_enterprise_that_is_a_service_provider_is_listed_whole_and_once() {
        let fake = fake(vec![
            ("anna@x", "SP1", "g1"),
            ("no-imp@x", "SP1", "g1"),
            ("never-heard-of@x", "SP1", "g2"),
            ("elsewhere@x", "SP2", "g1"),
        ]);
        let all = found(&fake, false).await.unwrap().unwrap();
        assert_eq!(all, ["anna@x", "never-heard-of@x"]);
        assert_eq!(*fake.asked.borrow(), ["SP1: all groups"]);
        let of_group = found(&fake, true).await.unwrap().unwrap();
        assert_eq!(of_group, ["anna@x"]);
        assert_eq!(fake.asked.borrow().last().unwrap(), "SP1: g1");
    }

    #[tokio::test]
    async fn those_who_are_gone_tell_where_to_ask_and_nobody_is_no_answer() {
        let fake = fake(vec![("anna@x", "SP1", "g1"), ("ben@x", "SP1", "g2")]);
        let mut users = [known("anna@x", "SP1", "g1"), known("ben@x", "SP1", "g2")];
        for user in &mut users {
            let desired = &mut user.desired;
            desired.was_in = desired.home().map(Box::new);
            desired.presence = Presence::Absent {
                user: BwUserId::parse(desired.key.user()).unwrap(),
                person: None,
            };
        }
        let says = |_: String| {};
        let around = (Duration::ZERO, "SP1");
        let found = from_broadworks(&fake, &users, true, around, &says).await;
        assert_eq!(found.unwrap().unwrap().len(), 2);
        assert_eq!(*fake.asked.borrow(), ["SP1: g1", "SP1: g2"]);
        users.iter_mut().for_each(|user| user.desired.was_in = None);
        let found = from_broadworks(&fake, &users, true, around, &says).await;
        assert_eq!(found.unwrap(), None);
        let found = from_broadworks(&fake, &[], false, around, &says).await;
        assert_eq!(found.unwrap(), None);
    }

    #[tokio::test]
    async fn a_list_that_may_have_been_cut_is_no_list() {
        let users = vec![("anna@x", "SP1", "g1"); USERS];
        let refused = found(&fake(users), false).await.unwrap_err();
        assert!(
            refused.to_string().contains("SP1 has more than"),
            "{refused}"
        );
    }

    #[test]
    fn another_clusters_report_names_the_cluster_that_nobody_can_be_asked_about() {
        let west = ClusterName::parse("west").unwrap();
        let note = unasked(&west);
        assert!(note.starts_with("cluster west: no application server configured"));
    }
}
