//! Whether users could be provisioned: what the Application Server says of them, and what Webex
//! would.

use futures_util::StreamExt as _;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use crate::domain::ocir::profile;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::policy::Policy;
use crate::domain::provisioning::policy::Settings;
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
use crate::inbound::endpoints::operations::refused::Refused;
use crate::inbound::endpoints::operations::users::user_id;
use crate::outbound::broadworks::ocip::Ocip;
use crate::outbound::broadworks::ocip::OcipFailure;

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
}

/// What the Application Server says of a user.
struct Known {
    user: BwUserId,
    facts: Result<UserFacts, OcipFailure>,
    profile: Option<Profile>,
}

impl Operations {
    pub(super) async fn precheck(&self, order: Order, doing: &mut Doing) -> Answer {
        doing.action = "precheck";
        doing.about = format!("{} users", order.users.len());
        if order.users.is_empty() || order.users.len() > USERS {
            return Err(Refused::malformed(format!("name 1 to {USERS} users")));
        }
        let ocip = self.ocip.as_ref().ok_or_else(|| {
            Refused::new(
                StatusCode::CONFLICT,
                "no-application-server",
                "the Application Server cannot be asked: set [application-server] with an account, \
                 and restart the daemon",
            )
        })?;
        let users: Result<Vec<_>, _> = order.users.iter().map(|user| user_id(user)).collect();
        let known: Vec<Known> = futures_util::stream::iter(users?)
            .map(|user| known(ocip, user))
            .buffered(TOGETHER)
            .collect()
            .await;
        let settings = self.provisioner.settings();
        let mut told = Vec::with_capacity(known.len());
        for one in &known {
            let policy = self
                .policy_for(one, order.template.as_deref(), &settings)
                .await?;
            let mut findings = match &one.facts {
                Ok(facts) => precheck(facts, &rules(policy), others(&known, &one.user)),
                Err(failure) => {
                    told.push(json!({
                        "user": one.user.as_str(),
                        "verdict": "unknown",
                        "findings": [{"severity": "unknown", "text": unknown(failure)}],
                    }));
                    continue;
                }
            };
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
        template: Option<&str>,
        settings: &'a Settings,
    ) -> Result<Option<&'a Policy>, Refused> {
        if let Some(name) = template {
            let key = TemplateKey::parse(name);
            let key = key.map_err(|wrong| Refused::malformed(format!("template: {wrong}")))?;
            let policy = settings.templates.get(&key);
            let unknown = || Refused::unknown(format!("there is no template {name:?}"));
            return policy.map(|held| Some(&**held)).ok_or_else(unknown);
        }
        let held = match self.find(one.user.as_str(), None).await {
            Ok(record) => settings.templates.get(&record.desired.template),
            Err(_) => None,
        };
        Ok(held.map(|held| &**held))
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
            Err(failure) => vec![("refused", self.webex_refused(&failure).text)],
        }
    }
}

async fn known(ocip: &Ocip, user: BwUserId) -> Known {
    let asked = ask(ocip, &user).await;
    match asked {
        Ok((facts, profile)) => Known {
            user,
            facts: Ok(facts),
            profile,
        },
        Err(failure) => Known {
            user,
            facts: Err(failure),
            profile: None,
        },
    }
}

async fn ask(ocip: &Ocip, user: &BwUserId) -> Result<(UserFacts, Option<Profile>), OcipFailure> {
    let id = user.as_str();
    let details = ocip.user(id).await?;
    let assigned = ocip.assigned_services(id).await?;
    // A user without the service has no settings of it, which is no failure.
    let imp = ocip.integrated_imp(id).await.ok();
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
        imp_active: Some(imp.is_some_and(|held| held.is_active)),
        trunk: Some(trunk),
        route_list: Some(assigned.has("Route List")),
        direct_route: Some(assigned.has("Direct Route")),
        services: Some(assigned.services),
        is_place: details.is_place,
        // Administrators are no users to the request that was answered.
        administrator: Some(false),
    };
    Ok((facts, profile(user, &details).ok()))
}

fn rules(policy: Option<&Policy>) -> PrecheckPolicy {
    PrecheckPolicy {
        trusted_email: policy.is_some_and(|policy| policy.trusted_email),
        service_packs: Vec::new(),
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
    let verdict = match (refused, warned) {
        (true, _) => "refused",
        (false, true) => "warning",
        (false, false) => "ok",
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
