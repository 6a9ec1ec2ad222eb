//! What is durable.

use std::collections::BTreeMap;

use xspd::domain::provisioning::conductor::Change;
use xspd::domain::provisioning::ids::EnterpriseKey;
use xspd::domain::provisioning::ids::UserKey;
use xspd::domain::provisioning::intake;
use xspd::domain::provisioning::intake::Held;
use xspd::domain::provisioning::intake::Verdict;
use xspd::domain::provisioning::intake::Wish;
use xspd::domain::provisioning::policy::Settings;
use xspd::domain::provisioning::record::Desired;
use xspd::domain::provisioning::record::EnterpriseRecord;
use xspd::domain::provisioning::record::JobRecord;
use xspd::domain::provisioning::record::Presence;

#[derive(Default)]
pub(super) struct Store {
    pub(super) desired: BTreeMap<UserKey, Desired>,
    pub(super) jobs: BTreeMap<UserKey, JobRecord>,
    pub(super) enterprises: BTreeMap<EnterpriseKey, EnterpriseRecord>,
    pub(super) steps: usize,
}

impl Store {
    /// One transaction: read, decide, write.
    pub(super) fn accept(&mut self, wish: Wish, settings: &Settings) -> Verdict {
        let desired = self.desired.get(&wish.key).cloned();
        let enterprise = intake::enterprise_of(desired.as_ref(), &wish, settings);
        let email = intake::email_of(desired.as_ref(), &wish, settings);
        let held = Held {
            job: self.jobs.get(&wish.key).cloned(),
            enterprise: enterprise.and_then(|key| self.enterprises.get(&key).cloned()),
            desired,
            email_holder: email.and_then(|email| self.holder_of(&email, &wish.key)),
        };
        let verdict = intake::decide(&held, wish, settings);
        if let Verdict::Accept {
            desired,
            enterprise,
        } = &verdict
        {
            self.desired
                .insert(desired.key.clone(), (**desired).clone());
            if let Some(record) = enterprise {
                self.enterprises.insert(record.key.clone(), record.clone());
            }
        }
        verdict
    }

    /// Another user that is to be present with an address.
    fn holder_of(&self, email: &str, but: &UserKey) -> Option<UserKey> {
        let mut others = self.desired.values().filter(|held| held.key != *but);
        let holder = others.find(|held| match &held.presence {
            Presence::Absent { .. } => false,
            Presence::Present { profile } => {
                let held = held.email.as_ref().or(profile.email.as_ref());
                held.is_some_and(|held| held.to_lowercase() == email)
            }
        });
        holder.map(|held| held.key.clone())
    }

    pub(super) fn save(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Enterprise(record) => {
                    self.enterprises.insert(record.key.clone(), *record);
                }
                Change::Job(record) => {
                    self.jobs.insert(record.key.clone(), *record);
                }
                Change::Step(_) => self.steps += 1,
            }
        }
    }
}
