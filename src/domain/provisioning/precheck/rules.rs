//! The checks themselves.

use crate::domain::ocir::INTEGRATED_IMP;
use crate::domain::provisioning::mapping::FieldName;
use crate::domain::provisioning::mapping::is_email;
use crate::domain::provisioning::precheck::Check;
use crate::domain::provisioning::precheck::Finding;
use crate::domain::provisioning::precheck::PrecheckPolicy;
use crate::domain::provisioning::precheck::Severity;
use crate::domain::provisioning::precheck::Trunk;
use crate::domain::provisioning::precheck::UserFacts;

/// The service that trunk users sign in with.
const AUTHENTICATION: &str = "Authentication";

/// Checks one user. `others` are user ids and mail addresses of whoever else is known.
/// The worst findings come first.
#[must_use]
pub fn precheck<'a>(
    facts: &UserFacts,
    policy: &PrecheckPolicy,
    others: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Vec<Finding> {
    let mut found = Found(Vec::new());
    found.account(facts);
    found.names(facts);
    found.number(facts);
    if !facts.is_place {
        found.email(facts, policy);
        found.holders(facts, others);
        found.alternate_id(facts);
    }
    found.services(facts, policy);
    found.trunk(facts);
    let mut findings = found.0;
    findings.sort_by_key(|finding| (finding.severity, finding.what));
    findings
}

/// Whether nothing stands in the way.
#[must_use]
pub fn may_be_subscriber(findings: &[Finding]) -> bool {
    let mut severities = findings.iter().map(|finding| finding.severity);
    !severities.any(|severity| severity == Severity::Refused)
}

struct Found(Vec<Finding>);

impl Found {
    fn add(&mut self, severity: Severity, what: Check, text: impl Into<String>, remedy: &str) {
        self.0.push(Finding {
            what,
            severity,
            text: text.into(),
            remedy: remedy.to_owned(),
        });
    }

    fn refuse(&mut self, what: Check, text: impl Into<String>, remedy: &str) {
        self.add(Severity::Refused, what, text, remedy);
    }

    fn warn(&mut self, what: Check, text: impl Into<String>, remedy: &str) {
        self.add(Severity::Warning, what, text, remedy);
    }

    fn unchecked(&mut self, what: Check) {
        let text = "The Application Server did not tell.";
        self.add(Severity::Unchecked, what, text, "Look it up in CommPilot.");
    }

    fn account(&mut self, facts: &UserFacts) {
        match facts.administrator {
            Some(true) => self.refuse(
                Check::Administrator,
                "This is an administrator's account, which cannot be a subscriber.",
                "Give the person a user of their own.",
            ),
            Some(false) => {}
            None => self.unchecked(Check::Administrator),
        }
    }

    fn names(&mut self, facts: &UserFacts) {
        for (field, value) in [
            (FieldName::FirstName, &facts.first_name),
            (FieldName::LastName, &facts.last_name),
        ] {
            let length = field.length(value.trim());
            let title = field.title();
            if length == 0 {
                let text = format!("There is no {title}, and Webex asks for one.");
                self.refuse(Check::Names, text, "Fill it in on the user's profile.");
            } else if length > field.limit() {
                let most = field.limit();
                let text = format!("The {title} has {length} characters; {most} are allowed.");
                self.refuse(Check::Names, text, "Shorten it on the user's profile.");
            }
        }
    }

    fn number(&mut self, facts: &UserFacts) {
        let has = |value: &Option<String>| value.as_deref().is_some_and(|v| !v.trim().is_empty());
        if !has(&facts.phone) && !has(&facts.extension) {
            self.refuse(
                Check::Number,
                "There is neither a phone number nor an extension; a subscriber needs one of them.",
                "Assign a number or an extension.",
            );
        }
    }

    fn email(&mut self, facts: &UserFacts, policy: &PrecheckPolicy) {
        let email = facts.email.as_deref().map(str::trim).unwrap_or_default();
        if email.is_empty() {
            if policy.trusted_email {
                self.refuse(
                    Check::Email,
                    "There is no e-mail address, and the template trusts those of BroadWorks.",
                    "Fill it in on the user's profile.",
                );
            }
        } else if !is_email(email) || FieldName::Email.length(email) > FieldName::Email.limit() {
            let text = "The e-mail address is none, or has more than 80 characters.";
            let remedy = "Correct it on the user's profile.";
            if policy.trusted_email {
                self.refuse(Check::Email, text, remedy);
            } else {
                self.warn(Check::Email, text, remedy);
            }
        } else if email.contains('+') {
            self.warn(
                Check::EmailPlus,
                "The e-mail address has a +: with it, the app cannot start meetings in the personal \
                 room (a known issue).",
                "Use an address without + where the user hosts meetings.",
            );
        }
    }

    fn holders<'a>(
        &mut self,
        facts: &UserFacts,
        others: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) {
        let email = facts.email.as_deref().map(str::trim).unwrap_or_default();
        if email.is_empty() {
            return;
        }
        let mut holders: Vec<&str> = others
            .into_iter()
            .filter(|(user, held)| same(held, email) && !same(user, &facts.user))
            .map(|(user, _)| user)
            .collect();
        holders.sort_unstable();
        holders.dedup();
        if let Some(first) = holders.first() {
            let more = match holders.len() {
                1 => String::new(),
                number => format!(" and {} more", number - 1),
            };
            let text = format!(
                "{first}{more} has the same e-mail address, and Webex knows a person by it."
            );
            self.refuse(
                Check::EmailUnique,
                text,
                "Give each user an address of their own.",
            );
        }
    }

    fn alternate_id(&mut self, facts: &UserFacts) {
        let email = facts.email.as_deref().map(str::trim).unwrap_or_default();
        match &facts.alternate_ids {
            _ if email.is_empty() || same(&facts.user, email) => {}
            None => self.unchecked(Check::AlternateId),
            Some(ids) if ids.iter().any(|id| same(id, email)) => {}
            Some(_) => self.warn(
                Check::AlternateId,
                "Neither the user id nor an alternate user id is the e-mail address: who signs in \
                 to Webex with BroadWorks credentials types the address, and BroadWorks does not \
                 know it.",
                "Add the e-mail address as an alternate user id.",
            ),
        }
    }

    fn services(&mut self, facts: &UserFacts, policy: &PrecheckPolicy) {
        match &facts.service_packs {
            None => self.unchecked(Check::ServicePack),
            Some(packs) if policy.service_packs.is_empty() => {
                let services = facts.services.as_ref().is_some_and(|all| !all.is_empty());
                if packs.is_empty() && !services {
                    self.refuse(
                        Check::ServicePack,
                        "Neither a service pack nor a service is assigned.",
                        "Assign a service pack with Integrated IM&P.",
                    );
                }
            }
            Some(packs) => {
                let wanted = &policy.service_packs;
                if !wanted
                    .iter()
                    .any(|one| packs.iter().any(|held| same(held, one)))
                {
                    let text = format!("None of these packs is assigned: {}.", wanted.join(", "));
                    self.refuse(Check::ServicePack, text, "Assign one of them.");
                }
            }
        }
        match facts.imp_active {
            Some(true) => {}
            Some(false) if policy.assigned || has(facts, INTEGRATED_IMP) => self.refuse(
                Check::ImpActive,
                "Integrated IM&P is not assigned or not active, and it is what provisions the user.",
                "Assign Integrated IM&P and switch it on for the user.",
            ),
            Some(false) => self.add(
                Severity::Note,
                Check::ImpActive,
                "Integrated IM&P is not assigned yet, and it is what provisions the user.",
                "Assign it when nothing else is left to do.",
            ),
            None => self.unchecked(Check::ImpActive),
        }
    }

    fn trunk(&mut self, facts: &UserFacts) {
        for (check, held, name) in [
            (Check::RouteList, facts.route_list, "Route List"),
            (Check::DirectRoute, facts.direct_route, "Direct Route"),
        ] {
            match held {
                Some(true) => {
                    let text = format!(
                        "The user has {name}, and trunk users of that kind are not supported."
                    );
                    let remedy = "Take the service away, or leave the user out of Webex.";
                    self.refuse(check, text, remedy);
                }
                Some(false) => {}
                None => self.unchecked(check),
            }
        }
        match facts.trunk {
            None => self.unchecked(Check::TrunkSharedCallAppearance),
            Some(Trunk::No) => return,
            Some(Trunk::WithSharedCallAppearance) => {}
            Some(Trunk::Only) => self.refuse(
                Check::TrunkSharedCallAppearance,
                "The user's only endpoint is a trunk's; Webex reaches a trunk user through a shared \
                 call appearance only.",
                "Assign Shared Call Appearance and add an appearance for the app.",
            ),
        }
        match &facts.services {
            Some(_) if has(facts, AUTHENTICATION) => {}
            Some(_) if facts.trunk.is_some() => self.refuse(
                Check::TrunkAuthentication,
                "A trunk user without the Authentication service cannot register the app.",
                "Assign the Authentication service.",
            ),
            Some(_) => {}
            None => self.unchecked(Check::TrunkAuthentication),
        }
    }
}

fn has(facts: &UserFacts, service: &str) -> bool {
    let mut services = facts.services.iter().flatten();
    services.any(|held| same(held, service))
}

/// BroadWorks and Webex compare ids and addresses without case.
fn same(left: &str, right: &str) -> bool {
    left.trim().to_lowercase() == right.trim().to_lowercase()
}
