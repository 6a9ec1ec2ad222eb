//! What Webex knows and what goes on there by itself: a pure model, with time as an argument.
//!
//! Everything in the background is done when the model is next asked, in the order in which it
//! was due.

mod enterprise;
mod organization;
mod pending;
mod provision;
mod refusal;
mod seed;
mod settle;
mod subscriber;
mod sync;
mod time;
mod update;
mod workspace;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use uuid::Uuid;

use crate::lab::webex::api::template::Template;

pub(in crate::lab::webex) use enterprise::Enterprise;
pub(in crate::lab::webex) use organization::Organization;
pub(in crate::lab::webex) use organization::Person;
pub(in crate::lab::webex) use provision::Entry;
pub(in crate::lab::webex) use provision::Twist;
pub(in crate::lab::webex) use refusal::Refusal;
pub(in crate::lab::webex) use seed::Seed;
pub(in crate::lab::webex) use subscriber::Change;
pub(in crate::lab::webex) use subscriber::Failure;
pub(in crate::lab::webex) use subscriber::New;
pub(in crate::lab::webex) use subscriber::Package;
pub(in crate::lab::webex) use subscriber::State;
pub(in crate::lab::webex) use subscriber::Status;
pub(in crate::lab::webex) use subscriber::Subscriber;
pub(in crate::lab::webex) use sync::Sync;
pub(in crate::lab::webex) use sync::SyncState;
pub(in crate::lab::webex) use time::At;
pub(in crate::lab::webex) use time::Takes;
pub(in crate::lab::webex) use workspace::NewWorkspace;
pub(in crate::lab::webex) use workspace::Workspace;

/// The place of a subscriber in the order of creation, from 1.
pub(in crate::lab::webex) type Place = u64;

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// A subscriber settles.
    Subscriber(Place),
    /// A directory sync, or the cleaning after it, of an enterprise ends.
    Sync(String),
    /// An organization is gone.
    Organization(Uuid),
}

/// All of it.
#[derive(Debug)]
pub(in crate::lab::webex) struct World {
    templates: Vec<Template>,
    speed: u32,
    now: At,
    /// Names given so far, and where they begin.
    names: u64,
    first_name: u128,
    subscribers: BTreeMap<Place, Subscriber>,
    places: u64,
    by_id: BTreeMap<Uuid, Place>,
    people: BTreeMap<Uuid, Person>,
    organizations: BTreeMap<Uuid, Organization>,
    /// By `spEnterpriseId` in lower case.
    enterprises: BTreeMap<String, Enterprise>,
    workspaces: BTreeMap<Uuid, Workspace>,
    due: BTreeSet<(At, Due)>,
    /// Users who ever had two subscribers at once, in lower case.
    doubles: BTreeSet<String>,
}

impl World {
    /// With nobody in it. Names begin at `first_name`, which makes those of two worlds differ.
    pub(in crate::lab::webex) fn new(
        templates: Vec<Template>,
        speed: u32,
        first_name: u128,
    ) -> Self {
        Self {
            templates,
            speed,
            now: At::default(),
            names: 0,
            first_name,
            subscribers: BTreeMap::new(),
            places: 0,
            by_id: BTreeMap::new(),
            people: BTreeMap::new(),
            organizations: BTreeMap::new(),
            enterprises: BTreeMap::new(),
            workspaces: BTreeMap::new(),
            due: BTreeSet::new(),
            doubles: BTreeSet::new(),
        }
    }

    /// Does what was due by `now`. Going back in time changes nothing.
    pub(in crate::lab::webex) fn advance(&mut self, now: At) {
        while let Some((at, due)) = self.due.pop_first() {
            if at > now {
                self.due.insert((at, due));
                break;
            }
            self.now = self.now.max(at);
            match due {
                Due::Subscriber(place) => self.settle(place),
                Due::Sync(enterprise) => self.end_sync(&enterprise),
                Due::Organization(id) => self.end_organization(id),
            }
        }
        self.now = self.now.max(now);
    }

    /// Changes the speed of what begins from now on.
    pub(in crate::lab::webex) fn set_speed(&mut self, factor: u32) {
        self.speed = factor.max(1);
    }

    /// How many times faster than Webex.
    pub(in crate::lab::webex) fn speed(&self) -> u32 {
        self.speed.max(1)
    }

    /// The customer templates.
    pub(in crate::lab::webex) fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// Users who ever had two subscribers at once.
    pub(in crate::lab::webex) const fn doubles(&self) -> &BTreeSet<String> {
        &self.doubles
    }

    /// Everything settled and nothing under way but what waits for people.
    pub(in crate::lab::webex) fn is_quiet(&self) -> bool {
        self.due.is_empty()
    }

    /// When something takes so long, begun now, it ends.
    fn end_of(&self, takes: Takes) -> At {
        self.now.plus(takes.at_speed(self.speed))
    }

    /// A name that nothing has yet. Scattered, so that no order shows.
    fn name(&mut self) -> Uuid {
        self.names += 1;
        let high = scatter(u64::from_le_bytes(half(self.first_name)), self.names);
        let low = scatter(u64::from_le_bytes(half(self.first_name >> 64)), self.names);
        let bytes = ((u128::from(high) << 64) | u128::from(low)).to_le_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    fn template(&self, provisioning_id: &str) -> Option<&Template> {
        let wanted = provisioning_id.trim_end_matches('=');
        let mut templates = self.templates.iter();
        templates.find(|template| template.provisioning_id.trim_end_matches('=') == wanted)
    }
}

fn half(number: u128) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = number.to_le_bytes();
    [a, b, c, d, e, f, g, h]
}

/// splitmix64: one to one for a seed.
const fn scatter(seed: u64, count: u64) -> u64 {
    let mut z = seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
