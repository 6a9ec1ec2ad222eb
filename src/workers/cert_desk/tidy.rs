//! What is left on the shelf once a pair is in its files.

use crate::domain::certs::bundle::Key;
use crate::workers::cert_desk::activate::Way;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::shelf::About;
use crate::workers::cert_desk::shelf::Act;
use crate::workers::cert_desk::shelf::Pair;
use crate::workers::cert_desk::shelf::Part;
use crate::workers::cert_desk::shelf::Shelf;
use crate::workers::kept::KeptError;

/// Forgets what is used, and keeps what was replaced to go back to. May be done twice.
pub(super) fn tidy(shelf: &Shelf, place: &Place, pair: &Pair) -> Result<(), KeptError> {
    let (from, _) = match pair.about.act {
        Act::RolledBack => Way::Back.part(),
        Act::Activated | Act::Nothing => Way::Forward.part(),
    };
    let waiting = shelf.about(place, from)?;
    if waiting.is_some_and(|about| about.fingerprint == pair.about.fingerprint) {
        shelf.drop_part(place, from)?;
    }
    if keeps_way_back(shelf, place, pair)? {
        shelf.drop_part(place, Part::Replaced)?;
    } else {
        shelf.promote(place, Part::Replaced, Part::Previous)?;
    }
    let own = Key::of_pem(pair.key.as_bytes()).map(|key| key.spki_sha256());
    for (folder, key) in shelf.request_keys(place)? {
        if Some(key.spki_sha256()) == own {
            shelf.forget_request(&folder)?;
        }
    }
    Ok(())
}

/// Whether what was replaced is the same certificate, with another chain or once more, and another
/// one is kept to go back to: that stays the way back.
fn keeps_way_back(shelf: &Shelf, place: &Place, pair: &Pair) -> Result<bool, KeptError> {
    let is_same = |about: &About| about.fingerprint == pair.about.fingerprint;
    let replaced = shelf.about(place, Part::Replaced)?;
    let previous = shelf.about(place, Part::Previous)?;
    Ok(replaced.is_some_and(|about| is_same(&about))
        && previous.is_some_and(|about| !is_same(&about)))
}
