//! Who a leg shows as its other end, and what of it the one who looks may know.

use std::sync::Arc;

use crate::lab::broadworks::calls::half::Owner;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::machine::Calls;
use crate::lab::broadworks::calls::party::Party;
use crate::lab::broadworks::calls::services;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::User;

impl Calls {
    /// Shows a leg who its other end is.
    pub(super) fn show(&mut self, id: LegId, other: &Owner) {
        let directory = Arc::clone(&self.directory);
        let party = self.party(other, self.viewer(id, &directory));
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.remote = party;
        }
    }

    /// Who a called user is told that calls.
    pub(super) fn caller(&self, from: LegId, callee: &User) -> Party {
        let hides = self
            .viewer(from, &self.directory)
            .is_some_and(|caller| services::hides(caller, callee));
        self.party_of(from, Some(callee)).hidden(hides)
    }

    /// The owner of a leg as somebody sees it.
    pub(super) fn party_of(&self, id: LegId, seen_by: Option<&User>) -> Party {
        match self.legs.get(&id) {
            Some(leg) => self.party(&leg.owner, seen_by),
            None => Party::dialled(""),
        }
    }

    fn party(&self, owner: &Owner, seen_by: Option<&User>) -> Party {
        match owner {
            Owner::Outside(party) => party.clone(),
            Owner::User(id) | Owner::VoiceMail(id) => match self.directory.user(id) {
                Some(user) => Party::user(user, seen_by, &self.directory),
                None => Party::dialled(id),
            },
        }
    }

    /// The user who looks at a leg.
    pub(super) fn viewer<'d>(&self, id: LegId, directory: &'d Directory) -> Option<&'d User> {
        directory.user(self.legs.get(&id)?.owner.user()?)
    }
}
