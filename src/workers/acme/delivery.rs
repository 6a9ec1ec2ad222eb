//! A new certificate goes into the files of its places, and is looked for where it should be served.

use std::time::SystemTime;

use tracing::error;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::bundle;
use crate::domain::certs::bundle::Key;
use crate::workers::acme::Failure;
use crate::workers::acme::other;
use crate::workers::cert_desk::activate;
use crate::workers::cert_desk::activate::Way;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::proof;
use crate::workers::cert_desk::proof::Proof;
use crate::workers::cert_desk::shelf::Pair;
use crate::workers::cert_desk::shelf::Part;
use crate::workers::cert_desk::shelf::Shelf;

/// The leaf, and the places that do not serve it.
pub(super) type Delivered = (CertificateFacts, Vec<(Place, Proof)>);

/// Puts a new certificate into the files of its places, and looks whether it is served. Blocks.
pub(super) fn deliver(
    config: &Config,
    places: &[Place],
    name: &str,
    chain: &str,
    key: &Key,
    now: SystemTime,
) -> Result<Delivered, Failure> {
    let read = bundle::read(chain.as_bytes(), None).map_err(other)?;
    let chain = bundle::assemble(&read.certificates, &[key.spki_sha256()]).map_err(other)?;
    let shelf = Shelf::new(&config.state_dir);
    let by = format!("acme {name}");
    let mut unserved = Vec::new();
    for place in places {
        let _lock = shelf.lock(place).map_err(other)?;
        let pair = Pair {
            chain: chain.pem(),
            key: Zeroizing::new(key.pem().to_owned()),
            about: activate::about(place, &chain.leaf, &by, now),
        };
        shelf
            .put(place, Part::Staged, &pair)
            .and_then(|()| shelf.schedule(place, None))
            .map_err(other)?;
        activate::activate(&shelf, place, Way::Forward, &by, now).map_err(other)?;
    }
    for place in places {
        match proof::prove(config, place, &chain.leaf) {
            Proof::Served | Proof::NotAListener => {}
            unproven @ (Proof::Other(_) | Proof::Silent(_)) => {
                error!(place = place.name, proof = %unproven, "Renewed, but not served.");
                unserved.push((place.clone(), unproven));
            }
        }
    }
    Ok((chain.leaf, unserved))
}

/// Why what the files of a place hold is not served; `None` when it is. Blocks.
pub(super) fn unserved(place: &Place) -> Option<String> {
    match activate::configured(place) {
        Ok(Some(facts)) => {
            let proof = proof::glance(place, &facts);
            (!proof.is_good()).then(|| proof.to_string())
        }
        Ok(None) => Some("its file holds no certificate".to_owned()),
        Err(problem) => Some(problem.to_string()),
    }
}
