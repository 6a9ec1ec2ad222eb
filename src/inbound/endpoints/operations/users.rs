//! The user-status view, one user, what a case needs, and what waits for a person.

use serde_json::Value;
use serde_json::json;

use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::SpEnterpriseId;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::record::EnterpriseRecord;
use crate::domain::provisioning::view;
use crate::inbound::endpoints::operations::Answer;
use crate::inbound::endpoints::operations::Ask;
use crate::inbound::endpoints::operations::Operations;
use crate::inbound::endpoints::operations::documents;
use crate::inbound::endpoints::operations::done;
use crate::inbound::endpoints::operations::now;
use crate::inbound::endpoints::operations::query::Query;
use crate::inbound::endpoints::operations::query::Wanted;
use crate::inbound::endpoints::operations::query::cursor_text;
use crate::inbound::endpoints::operations::query::name_cluster;
use crate::inbound::endpoints::operations::query::no_cluster;
use crate::inbound::endpoints::operations::query::no_enterprise;
use crate::inbound::endpoints::operations::query::no_template;
use crate::inbound::endpoints::operations::refused::Refused;
use crate::inbound::endpoints::operations::store_failed;
use crate::store::query::AttentionGroup;
use crate::store::query::Filter;
use crate::store::query::UserRecord;

/// Groups whose first users are named.
const NAMED_GROUPS: usize = 20;
/// Users named in a group.
const NAMED_USERS: usize = 3;
/// Users looked through for them.
const LOOKED_THROUGH: u32 = 50;

impl Operations {
    pub(super) async fn jobs(&self, ask: &Ask<'_>) -> Answer {
        let query = Query::read(ask.query, &Wanted::KNOWN)?;
        let at = now();
        let wanted = Wanted::read(&query, &self.clusters(), at)?;
        self.is_there(&wanted.filter).await?;
        let settings = self.provisioner.settings();
        let page = self
            .provisioner
            .store()
            .page(&wanted.filter, wanted.cursor.as_ref(), wanted.limit)
            .await
            .map_err(|error| store_failed(&error))?;
        let rows = page.users.iter();
        let rows: Vec<Value> = rows
            .map(|record| documents::row(record, &settings))
            .collect();
        done(json!({
            "jobs": rows,
            "next": page.next.as_ref().and_then(cursor_text),
            "unreadable": page.unreadable,
            "at": at.0,
        }))
    }

    /// Refuses a filter that names what there is not: it would look as if nobody waited. What users
    /// are held by counts as there, though the configuration may not have it any more.
    async fn is_there(&self, filter: &Filter) -> Result<(), Refused> {
        let settings = self.provisioner.settings();
        if let Some(template) = &filter.template
            && !settings.templates.contains_key(template)
        {
            let of_it = Filter {
                template: Some(template.clone()),
                ..Filter::default()
            };
            if !self.has_users(&of_it).await? {
                return Err(no_template(template.as_str(), &settings));
            }
        }
        let clusters = self.clusters();
        if let Some(cluster) = &filter.cluster
            && !clusters.contains(cluster)
        {
            let of_it = Filter {
                cluster: Some(cluster.clone()),
                ..Filter::default()
            };
            if !self.has_users(&of_it).await? {
                return Err(no_cluster(cluster, &clusters));
            }
        }
        if let Some(key) = &filter.enterprise {
            let held = self.provisioner.store().enterprise(key).await;
            let held = held.map_err(|error| store_failed(&error))?;
            held.ok_or_else(|| no_enterprise(key.enterprise()))?;
        }
        Ok(())
    }

    async fn has_users(&self, filter: &Filter) -> Result<bool, Refused> {
        let page = self.provisioner.store().page(filter, None, 1).await;
        let page = page.map_err(|error| store_failed(&error))?;
        Ok(!page.users.is_empty() || page.unreadable > 0)
    }

    pub(super) async fn user(&self, id: &str, ask: &Ask<'_>) -> Answer {
        let query = Query::read(ask.query, &["cluster"])?;
        let record = self.find(id, query.cluster()?).await?;
        let key = record.key();
        let failed = |error| store_failed(&error);
        let history = self
            .provisioner
            .store()
            .history(key)
            .await
            .map_err(failed)?;
        let enterprise = self.enterprise_of(&record).await?;
        let at = now();
        let sight = view::sight(
            &record.desired,
            documents::current(&record),
            enterprise.as_ref(),
        );
        let elsewhere = self.elsewhere(&record).await?;
        let first = match &elsewhere {
            Some(elsewhere) => is_first(&record, elsewhere.record.as_ref()),
            None => is_first(&record, enterprise.as_ref()),
        };
        done(json!({
            "at": at.0,
            "says": sight.sentence,
            "do": sight.todo,
            "user": documents::user(&record, &self.provisioner.settings(), first),
            "enterprise": enterprise.as_ref().map(documents::enterprise),
            "org": living_in(elsewhere.as_ref(), enterprise.as_ref()),
            "elsewhere": elsewhere.as_ref().map(|elsewhere| json!({
                "enterprise": elsewhere.name.as_str(),
                "wanted-org": org(enterprise.as_ref()),
            })),
            "error-text": documents::error_text(&record),
            "tracking": tracking(&record),
            "history": history.iter().map(documents::step).collect::<Vec<_>>(),
        }))
    }

    pub(super) async fn user_report(&self, id: &str, ask: &Ask<'_>) -> Answer {
        let query = Query::read(ask.query, &["cluster"])?;
        let record = self.find(id, query.cluster()?).await?;
        let enterprise = self.enterprise_of(&record).await?;
        let elsewhere = self.elsewhere(&record).await?;
        let settings = self.provisioner.settings();
        let policy = settings.templates.get(&record.desired.template);
        let partner = policy.and_then(|policy| policy.partner.as_ref());
        let partner_org = partner.and_then(|name| self.partner_org(name));
        let mut tracking = tracking(&record);
        // The newest is what is asked for first.
        tracking.reverse();
        done(json!({
            // A case is about the organisation that the subscriber is in.
            "customer-org": living_in(elsewhere.as_ref(), enterprise.as_ref()),
            "elsewhere": elsewhere.as_ref().map(|elsewhere| json!({
                "enterprise": elsewhere.name.as_str(),
                "wanted": record.enterprise().map(|wanted| wanted.to_string()),
                "wanted-org": org(enterprise.as_ref()),
            })),
            "partner-org": partner_org,
            "tracking": tracking,
            "email": documents::email(&record),
            // Nothing that we talk to tells them.
            "client-versions": null,
        }))
    }

    /// A user by its id; the cluster may be left out where only one has it.
    pub(super) async fn find(
        &self,
        id: &str,
        cluster: Option<ClusterName>,
    ) -> Result<UserRecord, Refused> {
        let id = user_id(id)?;
        let found = self.looked_up(&id, cluster).await?;
        found.ok_or_else(|| {
            Refused::unknown(format!(
                "nothing is known of a user {id:?} here; has the Application Server sent it, or \
                 is the id written otherwise?",
                id = id.as_str()
            ))
        })
    }

    /// The same, where it may be that nobody knows it.
    pub(super) async fn looked_up(
        &self,
        id: &BwUserId,
        cluster: Option<ClusterName>,
    ) -> Result<Option<UserRecord>, Refused> {
        let clusters = cluster.map_or_else(|| self.clusters(), |one| vec![one]);
        let mut found = Vec::new();
        for cluster in clusters {
            let key = UserKey::new(cluster, id);
            let record = self.provisioner.store().user(&key).await;
            found.extend(record.map_err(|error| store_failed(&error))?);
        }
        let clusters: Vec<_> = found
            .iter()
            .map(|held| held.key().cluster.clone())
            .collect();
        match found.pop() {
            Some(_) if !found.is_empty() => Err(name_cluster(&clusters)),
            found => Ok(found),
        }
    }

    /// The customer of a user, if there is a record of it.
    pub(super) async fn enterprise_of(
        &self,
        record: &UserRecord,
    ) -> Result<Option<EnterpriseRecord>, Refused> {
        let Some(enterprise) = record.enterprise() else {
            return Ok(None);
        };
        let key = EnterpriseKey::new(record.key().cluster.clone(), &enterprise);
        let held = self.provisioner.store().enterprise(&key).await;
        held.map_err(|error| store_failed(&error))
    }

    /// The customer that the subscriber is in, where that is not the one that it is to be in.
    async fn elsewhere(&self, record: &UserRecord) -> Result<Option<Elsewhere>, Refused> {
        let Some(name) = record.found_in() else {
            return Ok(None);
        };
        let key = EnterpriseKey::new(record.key().cluster.clone(), &name);
        let held = self.provisioner.store().enterprise(&key).await;
        let record = held.map_err(|error| store_failed(&error))?;
        Ok(Some(Elsewhere { name, record }))
    }

    pub(super) async fn attention(&self, ask: &Ask<'_>) -> Answer {
        Query::read(ask.query, &[])?;
        let settings = self.provisioner.settings();
        let groups = self.provisioner.store().attention().await;
        let groups = groups.map_err(|error| store_failed(&error))?;
        let mut reasons = Vec::with_capacity(groups.len());
        for (n, group) in groups.iter().enumerate() {
            let examples = if n < NAMED_GROUPS {
                self.examples(group).await?
            } else {
                Vec::new()
            };
            let fault = group.fault.as_deref();
            let action = fault.and_then(|code| settings.faults.action(code));
            reasons.push(json!({
                "reason": fault.unwrap_or_else(|| group.state.as_str()),
                "state": group.state.as_str(),
                "template": group.template.as_str(),
                "users": group.users,
                "oldest": group.oldest.0,
                "owner": group.state.owner().as_str(),
                "pending": documents::pending(group.state),
                "do": action,
                "examples": examples,
            }));
        }
        done(json!({"reasons": reasons, "at": now().0}))
    }

    async fn examples(&self, group: &AttentionGroup) -> Result<Vec<String>, Refused> {
        let filter = Filter {
            states: vec![group.state],
            template: Some(group.template.clone()),
            ..Filter::default()
        };
        let page = self
            .provisioner
            .store()
            .page(&filter, None, LOOKED_THROUGH)
            .await;
        let page = page.map_err(|error| store_failed(&error))?;
        let of_group = |record: &&UserRecord| {
            let fault = documents::current(record).and_then(|job| job.fault.as_ref());
            fault.map(|fault| &fault.code) == group.fault.as_ref()
        };
        let users = page.users.iter().filter(of_group).take(NAMED_USERS);
        let id = |record: &UserRecord| documents::user_id(&record.desired.presence).to_owned();
        Ok(users.map(id).collect())
    }
}

pub(super) fn user_id(text: &str) -> Result<BwUserId, Refused> {
    BwUserId::parse(text).map_err(|wrong| Refused::malformed(format!("user: {wrong}")))
}

/// Another customer than a user is to be of.
struct Elsewhere {
    name: SpEnterpriseId,
    /// `None` when nothing more is known of it.
    record: Option<EnterpriseRecord>,
}

/// The organisation that the subscriber is in.
fn living_in<'a>(
    elsewhere: Option<&'a Elsewhere>,
    own: Option<&'a EnterpriseRecord>,
) -> Option<&'a str> {
    match elsewhere {
        Some(elsewhere) => org(elsewhere.record.as_ref()),
        None => org(own),
    }
}

/// Whether a customer began with this user.
pub(super) fn is_first(record: &UserRecord, enterprise: Option<&EnterpriseRecord>) -> bool {
    let first = enterprise.and_then(|held| held.first_user.as_ref());
    first == Some(record.key())
}

fn org(enterprise: Option<&EnterpriseRecord>) -> Option<&str> {
    let org = enterprise.and_then(|held| held.org.as_ref());
    org.map(|org| org.as_str())
}

fn tracking(record: &UserRecord) -> Vec<&str> {
    let ids = record.job.iter().flat_map(|job| &job.tracking);
    ids.map(|id| id.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provisioning::ids::Moment;
    use crate::domain::provisioning::ids::OrgId;
    use crate::domain::provisioning::ids::SubscriberId;
    use crate::domain::provisioning::record::EnterpriseState;
    use crate::inbound::endpoints::operations::tests::record;

    fn customer(name: &str, org: &str) -> EnterpriseRecord {
        let sent_as = SpEnterpriseId::parse(name).unwrap();
        EnterpriseRecord {
            key: EnterpriseKey::new(ClusterName::parse("east").unwrap(), &sent_as),
            sent_as,
            template: record("anna@x").desired.template,
            state: EnterpriseState::Ready,
            since: Moment(0),
            first_user: None,
            knocked: None,
            webex: None,
            org: OrgId::parse(org).ok(),
        }
    }

    #[test]
    fn the_organisation_of_a_case_is_the_one_that_the_subscriber_is_in() {
        let mut anna = record("anna@x");
        assert_eq!(anna.found_in(), None);
        let actual = &mut anna.job.as_mut().unwrap().actual;
        actual.subscriber = SubscriberId::parse("s-1").ok();
        actual.enterprise = Some("sp1+ACME".to_owned());
        assert_eq!(anna.found_in(), None, "names are one without case");
        anna.job.as_mut().unwrap().actual.enterprise = Some("SP2".to_owned());
        let name = anna.found_in().unwrap();
        assert_eq!(name.as_str(), "SP2");
        let wanted = customer("SP1+acme", "o-wanted");
        let record = Some(customer("SP2", "o-is"));
        let known = Elsewhere { name, record };
        assert_eq!(living_in(Some(&known), Some(&wanted)), Some("o-is"));
        let unknown = Elsewhere {
            record: None,
            ..known
        };
        assert_eq!(living_in(Some(&unknown), Some(&wanted)), None);
        assert_eq!(living_in(None, Some(&wanted)), Some("o-wanted"));
    }
}
