//! What is found in files: the certificate in use, and what operators want.

use std::time::SystemTime;

use rustls_pki_types::CertificateDer;

use crate::config::Acme;
use crate::config::Config;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;
use crate::domain::certs::renewal::Life;
use crate::workers::acme::delivery;
use crate::workers::acme::delivery::Holds;
use crate::workers::acme::state::Asked;
use crate::workers::acme::state::Folder;
use crate::workers::cert_desk::activate;
use crate::workers::cert_desk::place;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::shelf::Shelf;

/// What one look found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The leaf in the first place, in DER.
    pub(super) leaf: Option<CertificateDer<'static>>,
    /// What it says.
    pub(super) facts: Option<CertificateFacts>,
    /// Where an operator went back to the certificate before.
    pub(super) holds: Holds,
    /// What an operator asked for.
    pub(super) asked: Option<Asked>,
}

impl Found {
    /// Looks. Blocks.
    pub(super) fn look(config: &Config, acme: &Acme, folder: &Folder) -> Self {
        let places = places(config, acme);
        let first = places.first();
        let leaf = first.and_then(|place| activate::configured_leaf(place).ok().flatten());
        let facts = leaf.as_ref();
        let facts = facts.and_then(|leaf| CertificateFacts::parse(leaf).ok());
        // After the files: who goes back notes it before they are changed.
        let shelf = Shelf::new(&config.state_dir);
        let holds = delivery::holds(&shelf, &places);
        Self {
            leaf,
            facts,
            holds,
            asked: folder.take_asked(),
        }
    }

    /// Until when nothing is ordered because of that.
    pub(super) fn held(&self) -> Option<SystemTime> {
        let untils = self.holds.values();
        untils.filter_map(|hold| date::from_unix(hold.until)).max()
    }

    /// How long it is good; `None` of one that is to be replaced now, because it lacks a name or nobody
    /// but itself vouches for it.
    pub(super) fn life(&self, acme: &Acme) -> Option<Life> {
        let facts = self.facts.as_ref()?;
        let covers = |name: &String| facts.dns_names.iter().any(|held| held == name);
        let fits = !facts.self_issued && acme.names.iter().all(covers);
        fits.then(|| Life::from(facts))
    }
}

/// The places of an automatic certificate that the configuration has.
#[must_use]
pub fn places(config: &Config, acme: &Acme) -> Vec<Place> {
    let asked = acme.places.iter();
    asked
        .filter_map(|asked| place::find(config, asked).ok())
        .collect()
}
