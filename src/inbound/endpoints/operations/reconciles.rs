//! Comparisons of BroadWorks with Webex, and the jobs that mend what differs.

use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use crate::domain::certs::date;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::intake::Wanted;
use crate::domain::provisioning::intake::Wish;
use crate::domain::provisioning::reconcile::Difference;
use crate::domain::provisioning::reconcile::Repair;
use crate::domain::provisioning::reconcile::Row;
use crate::domain::provisioning::record::Source;
use crate::domain::provisioning::record::Word;
use crate::inbound::endpoints::operations::Answer;
use crate::inbound::endpoints::operations::Ask;
use crate::inbound::endpoints::operations::Doing;
use crate::inbound::endpoints::operations::Operations;
use crate::inbound::endpoints::operations::done;
use crate::inbound::endpoints::operations::intake::Taken;
use crate::inbound::endpoints::operations::intake::fresh;
use crate::inbound::endpoints::operations::now;
use crate::inbound::endpoints::operations::query::no_enterprise;
use crate::inbound::endpoints::operations::refused::Refused;
use crate::inbound::endpoints::operations::store_failed;
use crate::inbound::endpoints::operations::users::user_id;
use crate::store::query::UserRecord;
use crate::workers::reconciler::Report;

/// Which enterprise to compare; none: all.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Begin {
    enterprise: Option<String>,
    cluster: Option<String>,
}

/// What to mend.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Apply {
    /// Rows of these classes.
    classes: Vec<String>,
    /// The date of the report that the operator has looked at.
    report: Option<u64>,
}

impl Operations {
    pub(super) fn reconcile_standing(&self) -> Answer {
        let running = self.reconciler.running().map(|held| {
            let behind = match held.waiting {
                0 => String::new(),
                n => format!("; {n} more wait"),
            };
            json!({
                "enterprise": held.enterprise,
                "waiting": held.waiting,
                "says": format!("{}{behind}", held.says),
            })
        });
        let reports = self.reconciler.reports();
        let reports: Vec<_> = reports.iter().map(|report| head(report)).collect();
        done(json!({"running": running, "reports": reports}))
    }

    pub(super) async fn reconcile(&self, order: Begin, doing: &mut Doing) -> Answer {
        doing.action = "reconcile";
        doing.about = order.enterprise.clone().unwrap_or_else(|| "all".to_owned());
        let store = self.provisioner.store();
        let keys = match order.enterprise {
            Some(id) => {
                let cluster = order.cluster.as_deref().map(ClusterName::parse).transpose();
                let wrong = |wrong| Refused::malformed(format!("cluster: {wrong}"));
                let key = self.key_of_enterprise(&id, cluster.map_err(wrong)?)?;
                let held = store.enterprise(&key).await;
                if held.map_err(|error| store_failed(&error))?.is_none() {
                    return Err(no_enterprise(&id));
                }
                vec![key]
            }
            None => {
                let held = store
                    .customers()
                    .await
                    .map_err(|error| store_failed(&error))?;
                held.into_iter().map(|record| record.key).collect()
            }
        };
        if keys.is_empty() {
            let says = "No enterprise is known yet.";
            return done(json!({"says": says, "waiting": 0, "at": now().0}));
        }
        let at = now();
        let waiting = self.reconciler.ask_for(keys);
        let waiting = waiting.map_err(|full| {
            Refused::new(StatusCode::TOO_MANY_REQUESTS, "full", full.to_string())
        })?;
        let says = "The comparison is under way.";
        let document = json!({"says": says, "waiting": waiting, "at": at.0});
        Ok((StatusCode::ACCEPTED, document))
    }

    pub(super) fn reconcile_report(&self, id: &str, ask: &Ask<'_>) -> Answer {
        let report = self.report(&self.enterprise_key(id, ask)?)?;
        let mut document = head(&report);
        let rows: Vec<Value> = report.rows.iter().map(row).collect();
        if let Some(members) = document.as_object_mut() {
            members.insert("rows".to_owned(), json!(rows));
        }
        done(document)
    }

    pub(super) async fn reconcile_apply(
        &self,
        id: &str,
        ask: &Ask<'_>,
        order: Apply,
        doing: &mut Doing,
    ) -> Answer {
        doing.action = "reconcile-apply";
        let key = self.enterprise_key(id, ask)?;
        let classes = order.classes.join(",");
        doing.about = format!("{classes} of {} in {}", key.enterprise(), key.cluster);
        let classes = classes_of(&order.classes)?;
        let report = self.report(&key)?;
        if order.report.is_some_and(|at| at != report.at.0) {
            return Err(Refused::conflict(
                "there is a newer report than the one that was looked at; look at that one first",
            ));
        }
        let (mut lines, mut accepted, mut refused) = (Vec::new(), 0, 0);
        for row in report
            .rows
            .iter()
            .filter(|row| classes.contains(&row.difference))
        {
            let taken = self.mend(row, &report).await;
            let (outcome, text) = match taken {
                Ok(taken) => {
                    accepted += 1;
                    (taken.what.as_str(), row.repair.as_str().to_owned())
                }
                Err(why) => {
                    refused += 1;
                    (why.reason, why.text)
                }
            };
            lines.push(json!({"user": row.user, "outcome": outcome, "text": text}));
        }
        done(json!({"lines": lines, "accepted": accepted, "refused": refused}))
    }

    /// Takes the wish in that mends a row, unless somebody wished for something else since.
    async fn mend(&self, row: &Row, report: &Report) -> Result<Taken, Refused> {
        let wish = wish(row, report)?;
        let held = self.provisioner.store().user(&wish.key).await;
        let held = held.map_err(|error| store_failed(&error))?;
        still_so(held.as_ref(), report)?;
        self.take(wish).await
    }

    fn report(&self, key: &EnterpriseKey) -> Result<Arc<Report>, Refused> {
        self.reconciler.report(key).ok_or_else(|| {
            Refused::unknown(format!(
                "there is no report of {} since the start; `xspd provision reconcile {0}` makes one",
                key.enterprise()
            ))
        })
    }
}

fn classes_of(words: &[String]) -> Result<Vec<Difference>, Refused> {
    let found: Result<Vec<Difference>, Refused> = words
        .iter()
        .map(|word| Difference::parse(word).map_err(Refused::malformed))
        .collect();
    match found? {
        none if none.is_empty() => Err(Refused::malformed("no class is named")),
        found => Ok(found),
    }
}

fn head(report: &Report) -> Value {
    json!({
        "enterprise": report.sent_as.as_str(),
        "cluster": report.key.cluster.as_str(),
        "template": report.template.as_str(),
        "at": report.at.0,
        "began": report.began.0,
        "source": report.source.as_str(),
        "note": report.note,
        "complete": report.problem.is_none(),
        "problem": report.problem,
        "broadworks-users": report.broadworks_users,
        "webex-users": report.webex_users,
        "differences": report.rows.len(),
    })
}

/// One row as the domain has it, with its repair in words.
fn row(row: &Row) -> Value {
    // Plain structs with text keys always become a value.
    let mut document = serde_json::to_value(row).unwrap_or_default();
    let text = match &row.repair {
        Repair::ByHand { what } => what.clone(),
        Repair::MovePackage { to } => format!("the package becomes {}", to.as_str()),
        Repair::Provision => "the user becomes a subscriber".to_owned(),
        Repair::Remove => "the subscriber goes, the person stays".to_owned(),
        Repair::Retry => "the job begins again".to_owned(),
        Repair::Update => "names and numbers become those of BroadWorks".to_owned(),
    };
    if let Some(members) = document.as_object_mut() {
        members.insert("class".to_owned(), json!(row.difference.as_str()));
        members.insert("mend".to_owned(), json!(row.repair.as_str()));
        members.insert("text".to_owned(), json!(text));
    }
    document
}

/// What was wished for after the report was begun is newer than what it says.
fn still_so(held: Option<&UserRecord>, report: &Report) -> Result<(), Refused> {
    match held {
        Some(held) if held.desired.at > report.began => {
            let at = date::text(held.desired.at.wall());
            let source = held.desired.source.as_str();
            Err(Refused::conflict(format!(
                "a later wish ({source}, {at}) is newer than the report; compare again"
            )))
        }
        Some(_) | None => Ok(()),
    }
}

/// The wish that mends a row.
fn wish(row: &Row, report: &Report) -> Result<Wish, Refused> {
    let user = user_id(&row.user)?;
    let key = UserKey::new(report.key.cluster.clone(), &user);
    let (request, at) = (fresh()?, now());
    let mut wish = match &row.repair {
        Repair::ByHand { what } => return Err(Refused::conflict(format!("by hand: {what}"))),
        Repair::MovePackage { to } => Wish {
            package: Some(*to),
            ..Wish::of(key, Wanted::AsHeld, request, at)
        },
        Repair::Provision | Repair::Update => {
            let profile = report.profiles.get(&row.user.to_lowercase());
            let profile = profile.ok_or_else(|| {
                Refused::conflict("nothing is known of what the user is to look like")
            })?;
            let profile = Box::new(profile.clone());
            Wish {
                template: Some(report.template.clone()),
                ..Wish::of(key, Wanted::Present { profile }, request, at)
            }
        }
        Repair::Remove => {
            let person = Some(false);
            Wish {
                template: Some(report.template.clone()),
                ..Wish::of(key, Wanted::Absent { user, person }, request, at)
            }
        }
        Repair::Retry => Wish::word(key, Word::Retry, request, at),
    };
    wish.source = Source::Reconcile;
    Ok(wish)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::provisioning::ids::ClusterName;
    use crate::domain::provisioning::ids::Moment;
    use crate::domain::provisioning::ids::SpEnterpriseId;
    use crate::domain::provisioning::ids::TemplateKey;
    use crate::domain::provisioning::profile::Package;
    use crate::domain::provisioning::record::Presence;
    use crate::inbound::endpoints::operations::tests::record;
    use crate::workers::reconciler;

    fn report() -> Report {
        let sent_as = SpEnterpriseId::parse("SP1+Acme").unwrap();
        let Presence::Present { profile } = record("Anna@x").desired.presence else {
            panic!("she is to be present")
        };
        Report {
            key: EnterpriseKey::new(ClusterName::parse("east").unwrap(), &sent_as),
            sent_as,
            template: TemplateKey::parse("acme").unwrap(),
            began: Moment(5),
            at: Moment(7),
            source: reconciler::Source::Records,
            note: None,
            problem: None,
            broadworks_users: 1,
            webex_users: Some(0),
            rows: Vec::new(),
            profiles: BTreeMap::from([("anna@x".to_owned(), *profile)]),
        }
    }

    fn differing(user: &str, difference: Difference, repair: Repair) -> Row {
        Row {
            enterprise: "SP1+Acme".to_owned(),
            user: user.to_owned(),
            difference,
            subscriber: None,
            broadworks: "has IM&P".to_owned(),
            webex: "no subscriber".to_owned(),
            safe: repair.is_safe(),
            repair,
        }
    }

    #[test]
    fn each_repair_is_a_wish_of_its_own_or_is_left_to_a_person() {
        let report = report();
        let of = |user, repair| wish(&differing(user, Difference::Missing, repair), &report);
        let provision = of("Anna@x", Repair::Provision).unwrap();
        assert!(matches!(provision.wanted, Wanted::Present { .. }));
        assert_eq!(provision.source, Source::Reconcile);
        let unknown = of("ben@x", Repair::Provision).unwrap_err();
        assert_eq!(unknown.status, StatusCode::CONFLICT);
        let removed = of("ben@x", Repair::Remove).unwrap();
        assert!(matches!(
            removed.wanted,
            Wanted::Absent {
                person: Some(false),
                ..
            }
        ));
        let moved = of("ben@x", Repair::MovePackage { to: Package::Basic }).unwrap();
        assert_eq!(moved.package, Some(Package::Basic));
        let what = "ask".to_owned();
        assert!(of("ben@x", Repair::ByHand { what }).is_err());
    }

    #[test]
    fn a_report_does_not_write_over_what_was_wished_for_after_it_was_begun() {
        let report = report();
        let mut held = record("anna@x");
        for (at, fine) in [(4, true), (5, true), (6, false), (8, false)] {
            held.desired.at = Moment(at);
            let so = still_so(Some(&held), &report);
            assert_eq!(so.is_ok(), fine, "{at}: {so:?}");
        }
        let refused = still_so(Some(&held), &report).unwrap_err();
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert!(refused.text.contains("compare again"), "{}", refused.text);
        assert_eq!(still_so(None, &report), Ok(()));
    }

    #[test]
    fn a_class_that_is_none_is_refused_with_all_there_are() {
        let words = |word: &str| classes_of(&[word.to_owned()]);
        assert_eq!(words("missing"), Ok(vec![Difference::Missing]));
        assert!(words("lost").unwrap_err().text.contains("orphaned"));
        assert!(classes_of(&[]).is_err());
    }

    #[test]
    fn a_row_has_words() {
        let said = row(&differing("anna@x", Difference::Missing, Repair::Provision));
        assert_eq!(said["class"], "missing");
        assert_eq!(said["mend"], "provision");
        assert_eq!(said["text"], "the user becomes a subscriber");
    }
}
