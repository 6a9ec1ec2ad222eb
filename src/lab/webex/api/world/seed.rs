//! Many subscribers at once, as a partner has them after years.

use crate::lab::webex::api::template::Template;
use crate::lab::webex::api::world::Failure;
use crate::lab::webex::api::world::New;
use crate::lab::webex::api::world::Package;
use crate::lab::webex::api::world::Place;
use crate::lab::webex::api::world::Refusal;
use crate::lab::webex::api::world::State;
use crate::lab::webex::api::world::Status;
use crate::lab::webex::api::world::World;
use crate::lab::webex::api::world::provision::TAKEN;

/// What is sown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lab::webex) struct Seed {
    pub(in crate::lab::webex) count: u32,
    pub(in crate::lab::webex) enterprise: String,
    pub(in crate::lab::webex) template: Template,
    pub(in crate::lab::webex) status: Status,
    pub(in crate::lab::webex) self_activated: bool,
}

impl World {
    /// Adds users `seed-1@ENTERPRISE.example.net` and so on, whose numbers go on where an earlier
    /// call ended. The enterprise is there from then on. Returns the places.
    pub(in crate::lab::webex) fn sow(&mut self, seed: &Seed) -> Result<Vec<Place>, Refusal> {
        let key = seed.enterprise.to_lowercase();
        let known = self.enterprises.get(&key);
        if known.is_some_and(|held| held.organization().is_none()) {
            let text = "The enterprise is being made.";
            return Err(Refusal::conflict(None, text));
        }
        let mut domain: String = key
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        domain.push_str(".example.net");
        let package = Package::parse(&seed.template.package).unwrap_or(Package::Standard);
        let mut places = Vec::new();
        for _ in 0..seed.count {
            let number = self.places + 1;
            let new = New {
                provisioning_id: seed.template.provisioning_id.clone(),
                user: format!("seed-{number}@{domain}"),
                enterprise: seed.enterprise.clone(),
                first_name: format!("Seed{number}"),
                last_name: "Example".to_owned(),
                package,
                phone: Some(format!("+1240556{:04}", number % 10_000)),
                mobile: None,
                extension: Some(format!("{:04}", number % 10_000)),
                email: (seed.status != Status::PendingEmailInput)
                    .then(|| format!("seed{number}@{domain}")),
            };
            places.push(self.plant(new, seed));
        }
        Ok(places)
    }

    fn plant(&mut self, new: New, seed: &Seed) -> Place {
        let place = self.insert(new);
        if let Some(held) = self.subscribers.get_mut(&place) {
            held.self_activated = seed.self_activated;
        }
        let first = !self
            .enterprises
            .contains_key(&seed.enterprise.to_lowercase());
        if first {
            self.form(place);
            self.complete(place);
        }
        let state = match seed.status {
            Status::PendingEmailInput => State::AwaitingEmail,
            Status::PendingEmailValidation => State::AwaitingValidation,
            Status::PendingUserMigration => State::AwaitingConsent,
            Status::Provisioning => State::Provisioning {
                until: None,
                failure: None,
            },
            Status::Error => {
                let text = "The BroadWorks UserID is already associated with an existing user";
                State::Failed(vec![Failure::new(TAKEN, text)])
            }
            Status::Provisioned | Status::Updating => {
                if !first {
                    self.complete(place);
                }
                return place;
            }
        };
        self.enter(place, state);
        place
    }
}
