//! What one scan could not read.

use std::collections::BTreeMap;

use crate::domain::certs::inventory::ObjectId;
use crate::domain::certs::source::Place;
use crate::domain::certs::source::SourceFault;
use crate::domain::certs::watchlist::Sighting;

/// By the home of the objects that may be there: which ones they are nobody can say.
#[derive(Debug, Default)]
pub(super) struct Failing(BTreeMap<ObjectId, BTreeMap<Place, SourceFault>>);

impl Failing {
    pub(super) fn of_all(sightings: &[Sighting]) -> Self {
        let mut all = Self::default();
        for sighting in sightings {
            if let Err(fault) = &sighting.seen {
                let places = all.0.entry(sighting.watched.home.clone()).or_default();
                places.insert(sighting.place.clone(), fault.clone());
            }
        }
        all
    }

    /// Why a place of a home could not be read, if that is so.
    pub(super) fn of(&self, home: &ObjectId, place: &Place) -> Option<&SourceFault> {
        self.0.get(home)?.get(place)
    }
}
