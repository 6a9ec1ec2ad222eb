//! Customers: their template, their organisation, and their directory sync.

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use crate::domain::certs::date;
use crate::domain::provisioning::customer::EnterpriseFilter;
use crate::domain::provisioning::fault::Faults;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::PartnerName;
use crate::domain::provisioning::ids::WebexEnterpriseId;
use crate::domain::provisioning::record::EnterpriseRecord;
use crate::domain::provisioning::sync_queue::Standing;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::DirectorySync;
use crate::domain::provisioning::webex::Enterprise;
use crate::domain::provisioning::webex::FailureKind;
use crate::inbound::endpoints::operations::Answer;
use crate::inbound::endpoints::operations::Ask;
use crate::inbound::endpoints::operations::Doing;
use crate::inbound::endpoints::operations::Operations;
use crate::inbound::endpoints::operations::documents;
use crate::inbound::endpoints::operations::done;
use crate::inbound::endpoints::operations::refused::Refused;
use crate::inbound::endpoints::operations::store_failed;
use crate::inbound::endpoints::operations::users::user_id;
use crate::workers::directory_sync::Target;
use crate::workers::webex_partners::WebexPartner;

/// What is to be done about a directory sync.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Order {
    /// Off; Webex cleans up.
    Disable,
    /// On.
    Enable,
    /// Once, now, in its turn.
    Now,
    /// One user.
    User {
        /// Its BroadWorks user id.
        user: String,
    },
}

impl Operations {
    pub(super) async fn enterprises(&self) -> Answer {
        let held = self.provisioner.store().customers().await;
        let held = held.map_err(|error| store_failed(&error))?;
        let enterprises: Vec<_> = held.iter().map(documents::enterprise).collect();
        done(json!({"enterprises": enterprises}))
    }

    pub(super) async fn enterprise(&self, id: &str, ask: &Ask<'_>) -> Answer {
        let key = self.enterprise_key(id, ask)?;
        let record = self.known(&key).await?;
        self.syncs.watched(&key);
        // What we hold is shown whatever Webex says.
        let at_webex = self.at_webex(&record).await;
        let (held, problem) = match &at_webex {
            Ok((_, held)) => (Some(held), None),
            Err(refused) => (None, Some(refused.text.as_str())),
        };
        let settings = self.provisioner.settings();
        let sync = held.and_then(|held| held.sync.as_ref());
        done(json!({
            "enterprise": documents::enterprise(&record),
            "asked": self.syncs.standing(&key).as_ref().map(standing),
            "sync": sync.map(|held| sync_of(held, &settings.faults)),
            "sync-problem": problem,
            "webex-org": held.and_then(|held| held.org.as_ref()).map(|org| org.as_str()),
        }))
    }

    pub(super) fn sync_standing(&self, id: &str, ask: &Ask<'_>) -> Answer {
        let key = self.enterprise_key(id, ask)?;
        self.syncs.watched(&key);
        let held = self.syncs.standing(&key);
        done(held.as_ref().map_or_else(
            || json!({"standing": null, "says": "No sync of it was asked for since the start."}),
            standing,
        ))
    }

    pub(super) fn syncs(&self) -> Answer {
        let all = self.syncs.all().into_iter().map(|(key, held)| {
            self.syncs.watched(&key);
            let (word, says) = words(&held);
            json!({
                "enterprise": key.enterprise(),
                "cluster": key.cluster.as_str(),
                "standing": word,
                "says": says,
            })
        });
        done(json!({"syncs": all.collect::<Vec<_>>()}))
    }

    pub(super) async fn sync(
        &self,
        id: &str,
        ask: &Ask<'_>,
        order: Order,
        doing: &mut Doing,
    ) -> Answer {
        doing.action = "sync";
        let key = self.enterprise_key(id, ask)?;
        doing.about = format!("{} in {}", key.enterprise(), key.cluster);
        let record = self.known(&key).await?;
        let (partner, enterprise) = self.at_webex(&record).await?;
        let id = enterprise.id;
        match order {
            Order::Disable => self.switch(&partner, &id, false).await,
            Order::Enable => self.switch(&partner, &id, true).await,
            Order::Now => {
                let target = Target {
                    partner: partner_name(partner.name())?,
                    id,
                };
                let before = self.syncs.ask_for(key.clone(), target).await;
                let before = before.map_err(|full| {
                    Refused::new(StatusCode::TOO_MANY_REQUESTS, "full", full.to_string())
                })?;
                let held = self.syncs.standing(&key);
                let answer = match (&before, &held) {
                    (Some(before), _) => folded(before),
                    (None, Some(held)) => standing(held),
                    (None, None) => {
                        json!({"standing": "waiting", "says": "The sync waits for its turn."})
                    }
                };
                Ok((StatusCode::ACCEPTED, answer))
            }
            Order::User { user } => {
                doing.action = "sync-user";
                let user = user_id(&user)?;
                doing.about = format!("{user} of {} in {}", key.enterprise(), key.cluster);
                let synced = partner.sync_user(&id, &user).await;
                let synced = synced.map_err(|failure| self.webex_refused(&failure))?;
                let what = synced.status.as_deref().unwrap_or("done");
                done(json!({
                    "says": format!("Webex says {what} of {user}."),
                    "status": synced.status,
                    "user": synced.user,
                    "number": synced.number,
                    "extension": synced.extension,
                }))
            }
        }
    }

    async fn switch(&self, partner: &WebexPartner, id: &WebexEnterpriseId, on: bool) -> Answer {
        let set = partner.set_directory_sync(id, on).await;
        let set = set.map_err(|failure| self.webex_refused(&failure))?;
        let says = if on {
            "Directory sync is on. Webex runs it within a week, then weekly; `sync now` runs it at \
             once."
        } else {
            "Directory sync is off. Webex cleans up what it had brought; `xspd enterprise show` \
             tells how far that is."
        };
        let settings = self.provisioner.settings();
        done(json!({"says": says, "sync": sync_of(&set, &settings.faults)}))
    }

    /// The record of a customer.
    async fn known(&self, key: &EnterpriseKey) -> Result<EnterpriseRecord, Refused> {
        let held = self.provisioner.store().enterprise(key).await;
        let held = held.map_err(|error| store_failed(&error))?;
        held.ok_or_else(|| {
            Refused::unknown(format!(
                "nothing is known of an enterprise {:?} in {}; `xspd enterprise list` shows all",
                key.enterprise(),
                key.cluster
            ))
        })
    }

    /// A customer as Webex has it, and the partner to ask about it.
    pub(super) async fn at_webex(
        &self,
        record: &EnterpriseRecord,
    ) -> Result<(WebexPartner, Enterprise), Refused> {
        let settings = self.provisioner.settings();
        let policy = settings.templates.get(&record.template);
        let name = policy.and_then(|policy| policy.partner.as_ref());
        let partner = name.and_then(|name| self.partners.get(name));
        let partner = partner.ok_or_else(|| {
            Refused::conflict(format!(
                "its template {} names no [[webex-partner]], so Webex cannot be asked about it",
                record.template
            ))
        })?;
        let filter = EnterpriseFilter {
            enterprise: Some(record.sent_as.as_str().to_owned()),
            starts_with: None,
        };
        let found = partner.enterprises(&filter).await;
        let found = found.map_err(|failure| self.webex_refused(&failure))?;
        let is = |held: &Enterprise| {
            let name = held.sp_enterprise_id.as_deref().unwrap_or_default();
            name.to_lowercase() == record.key.enterprise()
        };
        let found = found.into_iter().find(is);
        let found = found.ok_or_else(|| {
            Refused::unknown(format!(
                "Webex knows of no enterprise {}: its first user is not provisioned yet, or it was \
                 deleted there",
                record.sent_as
            ))
        })?;
        Ok((partner, found))
    }

    /// The organisation of a partner, for reports.
    pub(super) fn partner_org(&self, name: &PartnerName) -> Option<String> {
        let partner = self.partners.get(name)?;
        partner.org_id().map(str::to_owned)
    }

    /// What Webex said, with what can be done about it.
    pub(super) fn webex_refused(&self, failure: &CallFailure) -> Refused {
        let settings = self.provisioner.settings();
        let judged = settings.faults.judge(failure);
        let status = match failure.kind {
            FailureKind::Status(429) => StatusCode::TOO_MANY_REQUESTS,
            FailureKind::Status(400..=499) => StatusCode::CONFLICT,
            FailureKind::NoToken
            | FailureKind::NotSent
            | FailureKind::Status(_)
            | FailureKind::Unanswered
            | FailureKind::Unreadable => StatusCode::SERVICE_UNAVAILABLE,
        };
        let tracking = failure.theirs.as_ref().or(failure.ours.as_ref());
        let tracking = tracking.map_or_else(String::new, |id| format!(" [{id}]"));
        let said = match failure.text.trim_end_matches('.') {
            "" => String::new(),
            said => format!(": {said}"),
        };
        let text = format!(
            "Webex says {}{said}{tracking}. {}",
            judged.code, judged.action
        );
        Refused::new(status, "webex", text.trim_end())
    }
}

fn partner_name(name: &str) -> Result<PartnerName, Refused> {
    PartnerName::parse(name).map_err(|wrong| Refused::unavailable(wrong.to_string()))
}

fn sync_of(sync: &DirectorySync, faults: &Faults) -> Value {
    let counts = sync.counts.iter();
    let counts: serde_json::Map<_, _> = counts
        .map(|(name, count)| (name.clone(), json!(count)))
        .collect();
    let errors = sync.errors.iter().map(|error| {
        json!({
            "code": error.code,
            "description": error.description,
            "do": error.code.as_deref().and_then(|code| faults.action(code)),
        })
    });
    json!({
        "enabled": sync.enabled,
        "status": sync.status,
        "last-success": sync.last_success,
        "tracking": sync.tracking,
        "counts": counts,
        "errors": errors.collect::<Vec<_>>(),
    })
}

fn standing(held: &Standing) -> Value {
    let (word, says) = words(held);
    json!({"standing": word, "says": says})
}

/// One that was asked for while it stood like this already.
fn folded(before: &Standing) -> Value {
    let (word, says) = words(before);
    let says = format!(
        "It was asked for already, and no second one is begun: {says}. What changed in BroadWorks \
         since a running one began may need another one after its end."
    );
    json!({"standing": word, "says": says, "folded": true})
}

fn words(held: &Standing) -> (&'static str, String) {
    match held {
        Standing::Done { at, text } => ("done", format!("done {}: {text}", date::text(at.wall()))),
        Standing::Failed { at, text } => (
            "failed",
            format!("failed {}: {text}", date::text(at.wall())),
        ),
        Standing::Running { since } => (
            "running",
            format!("running since {}", date::text(since.wall())),
        ),
        Standing::Waiting { before, put_back } => {
            let busy = match put_back {
                0 => String::new(),
                n => format!("; the cluster was busy {n} times"),
            };
            ("waiting", format!("waiting, {before} before it{busy}"))
        }
    }
}
