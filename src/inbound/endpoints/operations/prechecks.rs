//! Whether users could be provisioned: what the Application Server says of them, and what Webex
//! would.

use futures_util::StreamExt as _;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use crate::domain::ocir::INTEGRATED_IMP;
use crate::domain::ocir::profile;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::policy::Policy;
use crate::domain::provisioning::policy::Settings;
use crate::domain::provisioning::precheck::Check;
use crate::domain::provisioning::precheck::Finding;
use crate::domain::provisioning::precheck::PrecheckPolicy;
use crate::domain::provisioning::precheck::Severity;
use crate::domain::provisioning::precheck::Trunk;
use crate::domain::provisioning::precheck::UserFacts;
use crate::domain::provisioning::precheck::may_be_subscriber;
use crate::domain::provisioning::precheck::precheck;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::webex::NewSubscriber;
use crate::domain::provisioning::webex::WebexAnswer;
use crate::domain::provisioning::webex::WebexOp;
use crate::inbound::endpoints::operations::Answer;
use crate::inbound::endpoints::operations::Doing;
use crate::inbound::endpoints::operations::Operations;
use crate::inbound::endpoints::operations::done;
use crate::inbound::endpoints::operations::query::no_template;
use crate::inbound::endpoints::operations::refused::Refused;
use crate::inbound::endpoints::operations::store_failed;
use crate::inbound::endpoints::operations::users::user_id;
use crate::outbound::broadworks::ocip::Ocip;
use crate::outbound::broadworks::ocip::OcipFailure;
use crate::store::Ask;
use crate::store::Held;
use crate::store::Keep;

/// Users of one order: with three questions each this stays well within its time.
const USERS: usize = 50;
/// Users asked about together; the Application Server keeps a pace of its own.
const TOGETHER: usize = 4;
/// A passed precheck of Webex without anything to say.
const PASSED: u64 = 100;

/// Whom to check.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Order {
    users: Vec<String>,
    #[serde(default)]
    webex: bool,
    template: Option<String>,
    cluster: Option<String>,
    /// Whether the service must be assigned already.
    #[serde(default)]
    assigned: bool,
}

/// What the Application Server says of a user.
struct Known {
    user: BwUserId,
    facts: Result<UserFacts, OcipFailure>,
    profile: Option<Profile>,
    /// Why it is not known whether the service is switched on.
    imp_failure: Option<OcipFailure>,
}

impl Operations {
    pub(super) async fn precheck(&self, order: Order, doing: &mut Doing) -> Answer {
        doing.action = "precheck";
        doing.about = format!("{} users", order.users.len());
        if order.users.is_empty() || order.users.len() > USERS {
            return Err(Refused::malformed(format!("name 1 to {USERS} users")));
        }
        let settings = self.provisioner.settings();
        let cluster = self.cluster_of(&order, &settings)?;
        let ocip = match &cluster {
            Some(cluster) => self.ocip.of(cluster),
            None => self.ocip.any(),
        };
        let ocip = &ocip.ok_or_else(|| no_server(cluster.as_ref()))?;
        let users: Result<Vec<_>, _> = order.users.iter().map(|user| user_id(user)).collect();
        let known: Vec<Known> = futures_util::stream::iter(users?)
            .map(|user| known(ocip, user))
            .buffered(TOGETHER)
            .collect()
            .await;
        let mut told = Vec::with_capacity(known.len());
        for one in &known {
            let policy = self
                .policy_for(one, (order.template.as_deref(), &cluster), &settings)
                .await?;
            let mut findings = match &one.facts {
                Ok(facts) => {
                    let holder = self.holder(one, facts, policy, cluster.as_ref()).await?;
                    let others = others(&known, &one.user).into_iter();
                    let stored = holder.as_deref().zip(facts.email.as_deref());
                    precheck(facts, &rules(policy, order.assigned), others.chain(stored))
                }
                Err(failure) => {
                    told.push(json!({
                        "user": one.user.as_str(),
                        "verdict": "unknown",
                        "findings": [{"severity": "unknown", "text": unknown(failure)}],
                    }));
                    continue;
                }
            };
            if let Some(failure) = &one.imp_failure {
                not_told(&mut findings, failure);
            }
            let mut webex = Vec::new();
            if order.webex && may_be_subscriber(&findings) {
                webex = self.ask_webex(one, policy).await;
            }
            findings.sort_by_key(|finding| finding.severity);
            told.push(document(&one.user, &findings, &webex));
        }
        done(json!({"users": told}))
    }

    /// The template that a user goes by, or would.
    async fn policy_for<'a>(
        &self,
        one: &Known,
        (template, cluster): (Option<&str>, &Option<ClusterName>),
        settings: &'a Settings,
    ) -> Result<Option<&'a Policy>, Refused> {
        if let Some(name) = template {
            let key = TemplateKey::parse(name);
            let key = key.map_err(|wrong| Refused::malformed(format!("template: {wrong}")))?;
            let policy = settings.templates.get(&key);
            let unknown = || no_template(name, settings);
            return policy.map(|held| Some(&**held)).ok_or_else(unknown);
        }
        let held = match self.find(one.user.as_str(), cluster.clone()).await {
            Ok(record) => settings.templates.get(&record.desired.template),
            Err(unknown) if unknown.status == StatusCode::NOT_FOUND => None,
            Err(refused) => return Err(refused),
        };
        Ok(held.map(|held| &**held))
    }

    /// Whose users are meant: of the cluster that is named, of the template's, of the Application
    /// Server's, or of the only one there is.
    fn cluster_of(
        &self,
        order: &Order,
        settings: &Settings,
    ) -> Result<Option<ClusterName>, Refused> {
        if let Some(name) = &order.cluster {
            let cluster = ClusterName::parse(name);
            let wrong = |wrong| Refused::malformed(format!("cluster: {wrong}"));
            return cluster.map(Some).map_err(wrong);
        }
        let key = order.template.as_deref().map(TemplateKey::parse);
        let policy = key.and_then(|key| settings.templates.get(&key.ok()?));
        if let Some(policy) = policy {
            return Ok(Some(policy.cluster.clone()));
        }
        let only = || match self.clusters().as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        };
        Ok(self.ocip.cluster().or_else(only))
    }

    /// Who of the users that are known here has the e-mail address of another.
    async fn holder(
        &self,
        one: &Known,
        facts: &UserFacts,
        policy: Option<&Policy>,
        cluster: Option<&ClusterName>,
    ) -> Result<Option<String>, Refused> {
        let cluster = policy.map(|policy| &policy.cluster).or(cluster);
        let email = facts.email.as_deref().map(str::trim).unwrap_or_default();
        let (Some(cluster), false) = (cluster, email.is_empty()) else {
            return Ok(None);
        };
        let ask = Ask {
            email: Some(email.to_lowercase()),
            ..Ask::about(UserKey::new(cluster.clone(), &one.user))
        };
        // Looked up in the transaction that keeps wishes, which here keeps nothing.
        let look = |held: &Held| (held.email_holder.clone(), Keep::default());
        let holder = self.provisioner.store().accept(ask, look).await;
        let holder = holder.map_err(|error| store_failed(&error))?;
        Ok(holder.map(|holder| holder.user().to_owned()))
    }

    /// What Webex says, each with how bad it is.
    async fn ask_webex(&self, one: &Known, policy: Option<&Policy>) -> Vec<(&'static str, String)> {
        let refused = |text: String| vec![("unchecked", text)];
        let Some(policy) = policy else {
            return refused("Webex was not asked: name a template with --template".to_owned());
        };
        let Some(profile) = &one.profile else {
            return refused("Webex was not asked: the user has no complete data".to_owned());
        };
        let partner = policy.partner.as_ref();
        let partner = partner.and_then(|name| self.partners.get(name));
        let (Some(partner), Some(provisioning_id)) = (partner, &policy.provisioning_id) else {
            return refused(
                "Webex was not asked: the template has no partner or no provisioning-id".to_owned(),
            );
        };
        let Ok(enterprise) = policy.enterprise.of(profile) else {
            return refused("Webex was not asked: the user gives no enterprise name".to_owned());
        };
        let asked = WebexOp::Precheck(Box::new(NewSubscriber {
            provisioning_id: provisioning_id.clone(),
            user: profile.user.clone(),
            enterprise,
            first_name: profile.first_name.clone(),
            last_name: profile.last_name.clone(),
            package: policy.package,
            phone: profile.phone.clone(),
            mobile: profile.mobile.clone(),
            extension: profile.extension.clone(),
            email: profile.email.clone(),
            language: profile.language.clone().or_else(|| policy.language.clone()),
            timezone: profile.timezone.clone().or_else(|| policy.timezone.clone()),
        }));
        match partner.perform(&asked).await {
            Ok(WebexAnswer::Prechecked(remarks)) => remarks
                .into_iter()
                .filter(|remark| remark.code != Some(PASSED))
                .map(|remark| ("warning", format!("Webex remarks: {}", remark.description)))
                .collect(),
            Ok(_) => refused("Webex answered something else than a precheck".to_owned()),
            Err(failure) => {
                let judged = failure.kind.is_judgement();
                let how = if judged { "refused" } else { "unchecked" };
                vec![(how, self.webex_refused(&failure).text)]
            }
        }
    }
}

async fn known(ocip: &Ocip, user: BwUserId) -> Known {
    let asked = ask(ocip, &user).await;
    match asked {
        Ok((facts, profile, imp_failure)) => Known {
            user,
            facts: Ok(facts),
            profile,
            imp_failure,
        },
        Err(failure) => Known {
            user,
            facts: Err(failure),
            profile: None,
            imp_failure: None,
        },
    }
}

/// What is said of a user, and why it was not said whether the service is switched on.
type Asked = (UserFacts, Option<Profile>, Option<OcipFailure>);

async fn ask(ocip: &Ocip, user: &BwUserId) -> Result<Asked, OcipFailure> {
    let id = user.as_str();
    let details = ocip.user(id).await?;
    let assigned = ocip.assigned_services(id).await?;
    let (imp_active, imp_failure) = if assigned.has(INTEGRATED_IMP) {
        match ocip.integrated_imp(id).await {
            Ok(held) => (Some(held.is_active), None),
            Err(failure) => (None, Some(failure)),
        }
    } else {
        // A user without the service has no settings of it.
        (Some(false), None)
    };
    let shares = |service: &String| service.to_lowercase().starts_with("shared call appearance");
    let trunk = match (details.on_trunk, assigned.services.iter().any(shares)) {
        (false, _) => Trunk::No,
        (true, true) => Trunk::WithSharedCallAppearance,
        (true, false) => Trunk::Only,
    };
    let facts = UserFacts {
        user: details.user_id.clone().unwrap_or_else(|| id.to_owned()),
        first_name: details.first_name.clone(),
        last_name: details.last_name.clone(),
        email: details.email_address.clone(),
        alternate_ids: Some(details.alternate_user_ids.clone()),
        phone: details.phone_number.clone(),
        extension: details.extension.clone(),
        service_packs: Some(assigned.packs.clone()),
        imp_active,
        trunk: Some(trunk),
        route_list: Some(assigned.has("Route List")),
        direct_route: Some(assigned.has("Direct Route")),
        services: Some(assigned.services),
        is_place: details.is_place,
        // Administrators are no users to the request that was answered.
        administrator: Some(false),
    };
    Ok((facts, profile(user, &details).ok(), imp_failure))
}

/// Nobody who can be asked about a cluster.
fn no_server(cluster: Option<&ClusterName>) -> Refused {
    let text = match cluster {
        Some(cluster) => format!(
            "cluster {cluster}: no application server configured; set [application-server] with an \
             account and `cluster = \"{cluster}\"`, and reload the daemon"
        ),
        None => {
            "the Application Server cannot be asked: set [application-server] with an account, \
                 and reload the daemon"
                .to_owned()
        }
    };
    Refused::new(StatusCode::CONFLICT, "no-application-server", text)
}

/// Whether the service is switched on was asked and not answered; that says nothing of the user.
fn not_told(findings: &mut [Finding], failure: &OcipFailure) {
    let ours = findings.iter_mut();
    for finding in ours.filter(|finding| finding.what == Check::ImpActive) {
        finding.text = format!(
            "Whether Integrated IM&P is switched on was not told: the Application Server did not \
             answer ({failure})."
        );
        finding.remedy = "Check again.".to_owned();
    }
}

fn rules(policy: Option<&Policy>, assigned: bool) -> PrecheckPolicy {
    PrecheckPolicy {
        trusted_email: policy.is_some_and(|policy| policy.trusted_email),
        service_packs: Vec::new(),
        assigned,
    }
}

/// The addresses of the others of the order.
fn others<'a>(known: &'a [Known], user: &BwUserId) -> Vec<(&'a str, &'a str)> {
    let others = known.iter().filter(|held| held.user != *user);
    others
        .filter_map(|held| {
            let facts = held.facts.as_ref().ok()?;
            Some((facts.user.as_str(), facts.email.as_deref()?))
        })
        .collect()
}

fn unknown(failure: &OcipFailure) -> String {
    match failure {
        OcipFailure::UnknownUser => "BroadWorks knows no such user".to_owned(),
        other => format!("the Application Server did not tell: {other}"),
    }
}

fn document(user: &BwUserId, findings: &[Finding], webex: &[(&'static str, String)]) -> Value {
    let refused = !may_be_subscriber(findings) || webex.iter().any(|(how, _)| *how == "refused");
    let warned = findings
        .iter()
        .any(|held| held.severity == Severity::Warning)
        || webex.iter().any(|(how, _)| *how == "warning");
    let unchecked = findings
        .iter()
        .any(|held| held.severity == Severity::Unchecked)
        || webex.iter().any(|(how, _)| *how == "unchecked");
    let verdict = match (refused, unchecked, warned) {
        (true, _, _) => "refused",
        // What was not looked at is not good by that.
        (false, true, _) => "unchecked",
        (false, false, true) => "warning",
        (false, false, false) => "ok",
    };
    let own = findings.iter().map(|held| {
        json!({
            "what": held.what.as_str(),
            "severity": held.severity.as_str(),
            "text": held.text,
            "remedy": held.remedy,
        })
    });
    let webex = webex
        .iter()
        .map(|(how, text)| json!({"what": "webex", "severity": how, "text": text}));
    json!({
        "user": user.as_str(),
        "verdict": verdict,
        "findings": own.chain(webex).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(imp_active: Option<bool>) -> UserFacts {
        let empty = Some(Vec::new());
        UserFacts {
            user: "anna@sp.example".to_owned(),
            first_name: "Anna".to_owned(),
            last_name: "Ahrens".to_owned(),
            email: Some("anna@sp.example".to_owned()),
            alternate_ids: empty,
            phone: Some("+12405550101".to_owned()),
            service_packs: Some(vec!["UC".to_owned()]),
            services: Some(vec!["Basic Call Logs".to_owned()]),
            imp_active,
            trunk: Some(Trunk::No),
            route_list: Some(false),
            direct_route: Some(false),
            administrator: Some(false),
            ..UserFacts::default()
        }
    }

    fn told(facts: &UserFacts, others: &[(&str, &str)], failure: Option<&OcipFailure>) -> Value {
        let mut findings = precheck(facts, &rules(None, false), others.iter().copied());
        if let Some(failure) = failure {
            not_told(&mut findings, failure);
        }
        let user = BwUserId::parse("anna@x").unwrap();
        document(&user, &findings, &[])
    }

    #[test]
    fn a_user_without_the_service_may_be_assigned_it() {
        let said = told(&facts(Some(false)), &[], None);
        assert_eq!(said["verdict"], "ok", "{said}");
        assert_eq!(said["findings"][0]["severity"], "note");
    }

    #[test]
    fn what_was_not_answered_is_neither_good_nor_bad() {
        let late = OcipFailure::Timeout;
        let said = told(&facts(None), &[], Some(&late));
        assert_eq!(said["verdict"], "unchecked", "{said}");
        assert!(said.to_string().contains("did not answer"), "{said}");
    }

    #[test]
    fn an_address_of_a_user_who_is_known_here_is_refused() {
        let said = told(&facts(Some(false)), &[("ben@x", "Anna@SP.example")], None);
        assert_eq!(said["verdict"], "refused", "{said}");
        assert!(said.to_string().contains("ben@x"), "{said}");
    }

    #[test]
    fn a_cluster_without_an_application_server_is_named() {
        let west = ClusterName::parse("west").unwrap();
        let refused = no_server(Some(&west));
        let text = refused.text;
        assert!(
            text.starts_with("cluster west: no application server configured"),
            "{text}"
        );
    }
}
