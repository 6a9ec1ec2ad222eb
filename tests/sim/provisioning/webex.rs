//! A model of Webex: what it does to subscribers, and how it fails. Nothing in it prevents what
//! must not happen: asked twice, it creates two.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use xspd::domain::provisioning::ids::OrgId;
use xspd::domain::provisioning::ids::PersonId;
use xspd::domain::provisioning::ids::SubscriberId;
use xspd::domain::provisioning::ids::WebexEnterpriseId;
use xspd::domain::provisioning::ids::WorkspaceId;
use xspd::domain::provisioning::webex::CallFailure;
use xspd::domain::provisioning::webex::Enterprise;
use xspd::domain::provisioning::webex::FailureKind;
use xspd::domain::provisioning::webex::NewSubscriber;
use xspd::domain::provisioning::webex::Remark;
use xspd::domain::provisioning::webex::Subscriber;
use xspd::domain::provisioning::webex::SubscriberChange;
use xspd::domain::provisioning::webex::SubscriberError;
use xspd::domain::provisioning::webex::SubscriberStatus;
use xspd::domain::provisioning::webex::WebexAnswer;
use xspd::domain::provisioning::webex::WebexOp;

use super::super::Random;

/// One subscriber, its time and what becomes of it.
pub(super) struct Held {
    pub(super) shown: Subscriber,
    /// When it was created or changed, and when the next step is due.
    pub(super) next: Option<(Duration, SubscriberStatus)>,
    changed: Duration,
}

#[derive(Default)]
pub(super) struct Webex {
    pub(super) subscribers: BTreeMap<String, Held>,
    pub(super) workspaces: BTreeMap<String, String>,
    /// Customers with an organisation.
    pub(super) organisations: BTreeSet<String>,
    /// Customers whose administrator has not let the partner in.
    pub(super) closed: BTreeSet<String>,
    pub(super) persons: BTreeSet<String>,
    made: u64,
    /// No faults any more.
    pub(super) calm: bool,
    /// The token is not taken.
    pub(super) refuses: bool,
    /// Creates so far, by user: for the story of a failure.
    pub(super) creates: u64,
}

impl Webex {
    pub(super) fn of_user(&self, user: &str) -> Vec<&Held> {
        let all = self.subscribers.values();
        all.filter(|held| held.shown.user.as_deref() == Some(user))
            .collect()
    }

    /// Time passes.
    pub(super) fn pass(&mut self, now: Duration, random: &mut Random) {
        for held in self.subscribers.values_mut() {
            while let Some((at, status)) = held.next.clone()
                && at <= now
            {
                held.next = None;
                held.changed = at;
                held.shown.status = status.clone();
                match status {
                    SubscriberStatus::Provisioned => {
                        let person = format!("person-{}", held.shown.id);
                        held.shown.person = PersonId::parse(&person).ok();
                        self.persons.insert(person);
                        let customer = held.shown.enterprise.clone().unwrap_or_default();
                        self.organisations.insert(customer);
                    }
                    SubscriberStatus::PendingEmailInput => {
                        let wait = random.duration(Duration::from_secs(40_000));
                        held.next = Some((at + wait, SubscriberStatus::PendingEmailValidation));
                    }
                    SubscriberStatus::PendingEmailValidation
                    | SubscriberStatus::PendingUserMigration => {
                        let wait = random.duration(Duration::from_secs(40_000));
                        held.next = Some((at + wait, SubscriberStatus::Provisioning));
                    }
                    SubscriberStatus::Provisioning => {
                        let wait = random.duration(Duration::from_secs(500));
                        held.next = Some((at + wait, SubscriberStatus::Provisioned));
                    }
                    SubscriberStatus::Error => {
                        held.shown.errors = vec![SubscriberError {
                            code: Some("10022".to_owned()),
                            description: "the address belongs to another".to_owned(),
                        }];
                    }
                    SubscriberStatus::Updating | SubscriberStatus::Unknown(_) => {}
                }
            }
        }
    }

    /// Does what is asked.
    pub(super) fn act(
        &mut self,
        op: &WebexOp,
        now: Duration,
        random: &mut Random,
    ) -> Result<WebexAnswer, CallFailure> {
        match op {
            WebexOp::FindSubscriber(user) => {
                let all = self.of_user(user.as_str());
                let all = all.into_iter().map(|held| held.shown.clone()).collect();
                Ok(WebexAnswer::Subscribers(all))
            }
            WebexOp::GetSubscriber(id) => match self.subscribers.get(id.as_str()) {
                Some(held) => Ok(WebexAnswer::Subscriber(Box::new(held.shown.clone()))),
                None => Err(status(404, None)),
            },
            WebexOp::ListChanged(_) => {
                let all = self.subscribers.values();
                let all = all.filter(|held| held.changed + Duration::from_secs(120) >= now);
                let all = all.map(|held| held.shown.clone()).collect();
                Ok(WebexAnswer::Subscribers(all))
            }
            WebexOp::FindEnterprise(name) => Ok(WebexAnswer::Enterprises(
                self.organisations
                    .iter()
                    .filter(|held| held.as_str() == name.as_str())
                    .map(|held| Enterprise {
                        id: WebexEnterpriseId::parse(&format!("e-{held}")).unwrap(),
                        org: OrgId::parse(&format!("o-{held}")).ok(),
                        sp_enterprise_id: Some(held.clone()),
                        provisioning_id: None,
                        sync: None,
                    })
                    .collect(),
            )),
            WebexOp::Precheck(_) => Ok(WebexAnswer::Prechecked(vec![Remark {
                code: Some(100),
                description: "passed".to_owned(),
            }])),
            WebexOp::Provision(new) => self.provision(new, now, random),
            WebexOp::UpdateSubscriber(id, change) => self.update(id, change, now, random),
            WebexOp::DeleteSubscriber(id) => match self.subscribers.remove(id.as_str()) {
                Some(_) => Ok(WebexAnswer::Done),
                None => Err(status(404, None)),
            },
            WebexOp::DeletePerson(id) => {
                self.persons.remove(id.as_str());
                Ok(WebexAnswer::Done)
            }
            WebexOp::ProvisionWorkspace(new) => {
                self.made += 1;
                let id = format!("w-{}", self.made);
                self.workspaces
                    .insert(id.clone(), new.user.as_str().to_owned());
                Ok(WebexAnswer::Workspace(WorkspaceId::parse(&id).unwrap()))
            }
            WebexOp::DeleteWorkspace(id) => {
                self.workspaces.remove(id.as_str());
                Ok(WebexAnswer::Done)
            }
            WebexOp::UpdateWorkspace(id, _) => match self.workspaces.contains_key(id.as_str()) {
                true => Ok(WebexAnswer::Done),
                false => Err(status(404, None)),
            },
            WebexOp::ConsentMove(_) => Ok(WebexAnswer::Done),
        }
    }

    fn provision(
        &mut self,
        new: &NewSubscriber,
        now: Duration,
        random: &mut Random,
    ) -> Result<WebexAnswer, CallFailure> {
        let customer = new.enterprise.as_str().to_owned();
        let begun = self.organisations.contains(&customer);
        if !begun && self.closed.contains(&customer) {
            return Err(status(409, Some("2017")));
        }
        if !begun {
            let racing = self.subscribers.values().find(|held| {
                held.shown.enterprise.as_deref() == Some(&customer)
                    && held.shown.status == SubscriberStatus::Provisioning
            });
            assert!(racing.is_none(), "two first users of {customer} at once");
        }
        if new.email.as_deref() == Some("refused@x.example") {
            return Err(status(400, Some("1001")));
        }
        self.made += 1;
        self.creates += 1;
        let minutes = if begun { 60 } else { 400 };
        let wait = Duration::from_secs(5) + random.duration(Duration::from_secs(minutes));
        let (first, then) = match (new.email.as_deref(), random.below(10)) {
            (Some("failing@x.example"), _) => {
                (SubscriberStatus::Provisioning, SubscriberStatus::Error)
            }
            (None, _) => (
                SubscriberStatus::PendingEmailInput,
                SubscriberStatus::PendingEmailValidation,
            ),
            (Some(_), 0) if begun => (
                SubscriberStatus::PendingUserMigration,
                SubscriberStatus::Provisioning,
            ),
            (Some(_), 1) if begun => (
                SubscriberStatus::Provisioning,
                SubscriberStatus::PendingUserMigration,
            ),
            (Some(_), _) => (
                SubscriberStatus::Provisioning,
                SubscriberStatus::Provisioned,
            ),
        };
        let shown = Subscriber {
            id: SubscriberId::parse(&format!("s-{}", self.made)).unwrap(),
            person: None,
            user: Some(new.user.as_str().to_owned()),
            enterprise: Some(customer),
            first_name: Some(new.first_name.clone()),
            last_name: Some(new.last_name.clone()),
            email: new.email.clone(),
            phone: new.phone.clone(),
            mobile: new.mobile.clone(),
            extension: new.extension.clone(),
            package: Some(new.package.as_str().to_owned()),
            status: first,
            errors: Vec::new(),
            provisioning_id: Some(new.provisioning_id.as_str().to_owned()),
            self_activated: None,
            last_status_change: None,
        };
        let id = shown.id.as_str().to_owned();
        let answer = Box::new(shown.clone());
        let next = Some((now + wait, then));
        let held = Held {
            shown,
            next,
            changed: now,
        };
        self.subscribers.insert(id, held);
        Ok(WebexAnswer::Subscriber(answer))
    }

    fn update(
        &mut self,
        id: &SubscriberId,
        change: &SubscriberChange,
        now: Duration,
        random: &mut Random,
    ) -> Result<WebexAnswer, CallFailure> {
        let Some(held) = self.subscribers.get_mut(id.as_str()) else {
            return Err(status(404, None));
        };
        if held.shown.status != SubscriberStatus::Provisioned {
            return Err(status(409, None));
        }
        let shown = &mut held.shown;
        if let Some(user) = &change.user {
            shown.user = Some(user.as_str().to_owned());
        }
        if let Some(name) = &change.first_name {
            shown.first_name = Some(name.clone());
        }
        if let Some(name) = &change.last_name {
            shown.last_name = Some(name.clone());
        }
        for (wanted, field) in [
            (&change.phone, &mut shown.phone),
            (&change.mobile, &mut shown.mobile),
            (&change.extension, &mut shown.extension),
        ] {
            if let Some(wanted) = wanted {
                *field = Some(wanted.clone()).filter(|text| !text.is_empty());
            }
        }
        if let Some(package) = change.package {
            shown.package = Some(package.as_str().to_owned());
        }
        shown.status = SubscriberStatus::Updating;
        held.changed = now;
        let wait = random.duration(Duration::from_secs(90));
        held.next = Some((now + wait, SubscriberStatus::Provisioned));
        Ok(WebexAnswer::Subscriber(Box::new(held.shown.clone())))
    }
}

/// A refusal.
pub(super) fn status(status: u16, code: Option<&str>) -> CallFailure {
    failure(FailureKind::Status(status), code)
}

pub(super) fn failure(kind: FailureKind, code: Option<&str>) -> CallFailure {
    CallFailure {
        kind,
        code: code.map(str::to_owned),
        text: "as the model says".to_owned(),
        ours: None,
        theirs: None,
        retry_after: None,
    }
}
