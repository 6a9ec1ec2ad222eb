//! Enterprises of BroadWorks, each with its one organization.

use uuid::Uuid;

use crate::lab::webex::api::world::Place;
use crate::lab::webex::api::world::Refusal;
use crate::lab::webex::api::world::Sync;
use crate::lab::webex::api::world::World;

/// How far an enterprise is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its organization is being made, with this first user.
    Forming(Place),
    /// It has one.
    Ready(Uuid),
}

/// An enterprise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lab::webex) struct Enterprise {
    pub(in crate::lab::webex) id: Uuid,
    /// As it was first written.
    pub(in crate::lab::webex) name: String,
    pub(in crate::lab::webex) provisioning_id: String,
    pub(in crate::lab::webex) sync: Sync,
    pub(super) stage: Stage,
}

impl Enterprise {
    pub(in crate::lab::webex) const fn organization(&self) -> Option<Uuid> {
        match self.stage {
            Stage::Forming(_) => None,
            Stage::Ready(organization) => Some(organization),
        }
    }
}

impl World {
    /// Those with an organization, in the order of their names.
    pub(in crate::lab::webex) fn enterprises(&self) -> impl Iterator<Item = (&Enterprise, Uuid)> {
        let shown = self.enterprises.values();
        shown.filter_map(|held| Some((held, held.organization()?)))
    }

    /// One of them, by Webex's name.
    pub(in crate::lab::webex) fn enterprise(&self, id: Uuid) -> Result<&Enterprise, Refusal> {
        let mut shown = self.enterprises();
        let found = shown.find(|(held, _)| held.id == id);
        found
            .map(|(held, _)| held)
            .ok_or_else(|| Refusal::absent("Enterprise"))
    }

    pub(super) fn enterprise_mut(&mut self, id: Uuid) -> Result<&mut Enterprise, Refusal> {
        let mut held = self.enterprises.values_mut();
        held.find(|held| held.id == id && held.organization().is_some())
            .ok_or_else(|| Refusal::absent("Enterprise"))
    }

    /// The enterprise whose organization it is.
    pub(super) fn enterprise_of(&self, organization: Uuid) -> Option<&Enterprise> {
        let mut held = self.enterprises.values();
        held.find(|held| held.organization() == Some(organization))
    }

    /// An enterprise cannot be both a service provider, whose groups are customers, and one
    /// customer itself.
    pub(super) fn clashes(&self, enterprise: &str, enterprise_mode: bool) -> bool {
        let wanted = enterprise.to_lowercase();
        let part = |name: &str| name.split('+').next().unwrap_or_default().to_owned();
        let mode = |held: &Enterprise| {
            let template = self.template(&held.provisioning_id);
            template.map(|template| template.enterprise_mode)
        };
        self.enterprises.iter().any(|(name, held)| {
            let whole = !name.contains('+') || !wanted.contains('+');
            *name != wanted
                && whole
                && mode(held) != Some(enterprise_mode)
                && part(name) == part(&wanted)
        })
    }
}
