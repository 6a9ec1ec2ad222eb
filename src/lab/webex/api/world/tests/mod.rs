//! The model, with time as the tests have it.

mod customers;
mod random;
mod users;

use std::time::Duration;

use crate::lab::webex::api::template::Template;
use crate::lab::webex::api::world::At;
use crate::lab::webex::api::world::Entry;
use crate::lab::webex::api::world::New;
use crate::lab::webex::api::world::Organization;
use crate::lab::webex::api::world::Package;
use crate::lab::webex::api::world::Place;
use crate::lab::webex::api::world::Refusal;
use crate::lab::webex::api::world::State;
use crate::lab::webex::api::world::Status;
use crate::lab::webex::api::world::World;

/// Twice the longest that a user takes.
const LONG: Duration = Duration::from_secs(480);

/// A world and its clock.
struct Scene {
    world: World,
    now: At,
}

impl Scene {
    fn new() -> Self {
        Self {
            world: World::new(Template::all(), 1, 7),
            now: At(1_700_000_000_000),
        }
    }

    /// Lets time pass.
    fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
        self.world.advance(self.now);
    }

    fn seconds(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    fn provision(&mut self, new: New) -> Result<Place, Refusal> {
        self.world.advance(self.now);
        self.world.provision(new, Entry::Api, None)
    }

    /// A user who is provisioned in the end.
    fn settled(&mut self, new: New) -> Place {
        let place = self.provision(new).unwrap();
        self.pass(LONG);
        assert_eq!(self.status(place), Status::Provisioned);
        place
    }

    fn status(&self, place: Place) -> Status {
        self.world.subscriber(place).unwrap().state.status()
    }

    /// The code of what went wrong in the background.
    fn failure(&self, place: Place) -> u64 {
        match &self.world.subscriber(place).unwrap().state {
            State::Failed(failures) => failures[0].code,
            other => panic!("not failed: {other:?}"),
        }
    }

    fn administrators(&self) -> Vec<&str> {
        let people = self.world.people(true);
        let people = people.filter(|(_, person)| person.administrator);
        people.map(|(_, person)| person.email.as_str()).collect()
    }
}

/// A user of an enterprise whose template believes addresses.
fn user(name: &str, enterprise: &str) -> New {
    New {
        provisioning_id: Template::trusted().provisioning_id,
        user: format!("{name}@as.example.net"),
        enterprise: enterprise.to_owned(),
        first_name: name.to_owned(),
        last_name: "Example".to_owned(),
        package: Package::Standard,
        phone: Some("+12405550101".to_owned()),
        mobile: None,
        extension: Some("0101".to_owned()),
        email: Some(format!("{name}@example.net")),
    }
}

fn organization(name: &str, users: u64) -> Organization {
    Organization {
        name: name.to_owned(),
        created: At(1),
        further_users: users,
        verified_domain: false,
        claimed_domain: false,
        licences: false,
        approved: false,
        existing: true,
        ending: false,
    }
}
