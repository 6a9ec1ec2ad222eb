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

/// The date at which each run begins.
pub(super) const BEGAN: Duration = Duration::from_secs(1_800_000_000);

/// One subscriber, its time and what becomes of it.
pub(super) struct Held {
    pub(super) shown: Subscriber,
    /// When it was created or changed, and when the next step is due.
    pub(super) next: Option<(Duration, SubscriberStatus)>,
    changed: Duration,
    /// A change that was taken and is not shown yet.
    late: Option<(Duration, SubscriberChange)>,
    /// It has been provisioned.
    pub(super) worked: bool,
    /// Why it fails, if it does.
    wrong: &'static str,
}

impl Held {
    /// The status has changed.
    fn turn(&mut self, status: SubscriberStatus, at: Duration) {
        self.changed = at;
        self.shown.status = status;
        self.shown.last_status_change = Some((BEGAN + at).as_millis().to_string());
    }
}

#[derive(Default)]
pub(super) struct Webex {
    pub(super) subscribers: BTreeMap<String, Held>,
    pub(super) workspaces: BTreeMap<String, String>,
    /// Customers with an organisation.
    pub(super) organisations: BTreeSet<String>,
    /// Customers whose administrator has not let the partner in.
    pub(super) closed: BTreeSet<String>,
    /// Persons, and whose they are.
    pub(super) persons: BTreeMap<String, String>,
    /// The customer in whose organisation a person has an address, and that person: it stays there
    /// when the subscriber goes.
    pub(super) addresses: BTreeMap<String, (String, String)>,
    /// Addresses that a precheck let pass.
    pub(super) prechecked: BTreeSet<String>,
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
            if let Some((at, change)) = held.late.take() {
                if at <= now {
                    apply(&mut held.shown, &change);
                } else {
                    held.late = Some((at, change));
                }
            }
            while let Some((at, status)) = held.next.clone()
                && at <= now
            {
                held.next = None;
                held.turn(status.clone(), at);
                match status {
                    SubscriberStatus::Provisioned => {
                        let person = format!("person-{}", held.shown.id);
                        held.shown.person = PersonId::parse(&person).ok();
                        held.worked = true;
                        let user = held.shown.user.clone().unwrap_or_default();
                        // A person stays the same one, however often it is a subscriber.
                        self.persons.retain(|_, held| *held != user);
                        self.persons.insert(person.clone(), user);
                        let customer = held.shown.enterprise.clone().unwrap_or_default();
                        if let Some(email) = &held.shown.email {
                            let place = (customer.clone(), person);
                            self.addresses.insert(email.clone(), place);
                        }
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
                            code: Some(held.wrong.to_owned()),
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
            WebexOp::PrecheckEmail(email) => self.precheck_email(email),
            WebexOp::Provision(new) => self.provision(new, now, random),
            WebexOp::UpdateSubscriber(id, change) => self.update(id, change, now, random),
            WebexOp::DeleteSubscriber(id) => match self.subscribers.remove(id.as_str()) {
                Some(_) => Ok(WebexAnswer::Done),
                None => Err(status(404, None)),
            },
            WebexOp::DeletePerson(id) => {
                self.persons.remove(id.as_str());
                self.addresses
                    .retain(|_, (_, person)| person.as_str() != id.as_str());
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

    /// Whether an address alone is in the way: who a subscriber is to be is not known.
    fn precheck_email(&mut self, email: &str) -> Result<WebexAnswer, CallFailure> {
        let mut all = self.subscribers.values();
        if all.any(|held| held.shown.email.as_deref() == Some(email)) {
            return Err(status(409, Some("10022")));
        }
        self.prechecked.insert(email.to_owned());
        Ok(WebexAnswer::Prechecked(Vec::new()))
    }

    /// An operator gives the person another address in Control Hub, where it is still a subscriber
    /// or is one no more.
    pub(super) fn free_address(&mut self, user: &str, email: &str) {
        self.made += 1;
        let other = format!("moved{}@x.example", self.made);
        for held in self.subscribers.values_mut() {
            let shown = &mut held.shown;
            if shown.user.as_deref() == Some(user) && shown.email.as_deref() == Some(email) {
                shown.email = Some(other.clone());
            }
        }
        if let Some(place) = self.addresses.remove(email) {
            self.addresses.insert(other, place);
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
        Ok(WebexAnswer::Subscriber(Box::new(
            self.create(new, begun, now, random),
        )))
    }

    /// A subscriber comes to be.
    fn create(
        &mut self,
        new: &NewSubscriber,
        begun: bool,
        now: Duration,
        random: &mut Random,
    ) -> Subscriber {
        self.made += 1;
        self.creates += 1;
        let customer = new.enterprise.as_str().to_owned();
        let minutes = if begun { 60 } else { 400 };
        let wait = Duration::from_secs(5) + random.duration(Duration::from_secs(minutes));
        let elsewhere = new
            .email
            .as_ref()
            .and_then(|email| self.addresses.get(email))
            .is_some_and(|(held, _)| *held != customer);
        let (first, then) = match (new.email.as_deref(), random.below(10)) {
            (Some(_), _) if elsewhere => (SubscriberStatus::Provisioning, SubscriberStatus::Error),
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
        let mut held = Held {
            shown,
            next: Some((now + wait, then)),
            changed: now,
            late: None,
            worked: false,
            wrong: if elsewhere { "200039" } else { "10022" },
        };
        held.turn(held.shown.status.clone(), now);
        let answer = held.shown.clone();
        self.subscribers.insert(id, held);
        answer
    }

    /// Cisco's bridge does what the AS wants: late, and as the AS wants it by then.
    pub(super) fn bridge(
        &mut self,
        user: &str,
        wanted: Option<&NewSubscriber>,
        now: Duration,
        random: &mut Random,
    ) {
        let mut all = self.subscribers.values();
        let held = all.find(|held| held.shown.user.as_deref() == Some(user));
        let id = held.map(|held| held.shown.id.as_str().to_owned());
        match (id, wanted) {
            (None, None) => {}
            (None, Some(new)) => {
                self.organisations
                    .insert(new.enterprise.as_str().to_owned());
                self.create(new, true, now, random);
            }
            (Some(id), None) => {
                self.subscribers.remove(&id);
            }
            (Some(id), Some(new)) => {
                let Some(held) = self.subscribers.get_mut(&id) else {
                    return;
                };
                if held.shown.first_name.as_ref() == Some(&new.first_name) {
                    return;
                }
                held.shown.first_name = Some(new.first_name.clone());
                if held.shown.status == SubscriberStatus::Provisioned {
                    held.turn(SubscriberStatus::Updating, now);
                    let wait = random.duration(Duration::from_secs(90));
                    held.next = Some((now + wait, SubscriberStatus::Provisioned));
                }
            }
        }
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
        // Sometimes it takes a change of one that failed, sometimes not.
        let failed = held.shown.status == SubscriberStatus::Error;
        let takes = held.shown.status == SubscriberStatus::Provisioned
            || failed && (self.calm || random.below(2) == 0);
        if !takes {
            return Err(status(409, None));
        }
        if let (Some(user), Some(person)) = (&change.user, &held.shown.person) {
            let person = person.as_str().to_owned();
            self.persons.insert(person, user.as_str().to_owned());
        }
        // One change after the other.
        if let Some((_, earlier)) = held.late.take() {
            apply(&mut held.shown, &earlier);
        }
        let wait = random.duration(Duration::from_secs(90));
        let trouble = if self.calm { 20 } else { random.below(20) };
        if trouble == 0 && !failed {
            // It takes the change and forgets it.
            return Ok(WebexAnswer::Subscriber(Box::new(held.shown.clone())));
        }
        if trouble < 4 && !failed {
            // It takes the change and shows it later.
            held.late = Some((now + wait, change.clone()));
            return Ok(WebexAnswer::Subscriber(Box::new(held.shown.clone())));
        }
        apply(&mut held.shown, change);
        held.shown.errors.clear();
        held.turn(SubscriberStatus::Updating, now);
        let then = if trouble == 5 {
            SubscriberStatus::Error
        } else {
            SubscriberStatus::Provisioned
        };
        held.next = Some((now + wait, then));
        Ok(WebexAnswer::Subscriber(Box::new(held.shown.clone())))
    }
}

fn apply(shown: &mut Subscriber, change: &SubscriberChange) {
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
