//! The pair that is staged takes the place of the one in the configured files, which becomes the
//! previous one. Two files cannot be replaced in one step, so the intent is written down first: a
//! machine that loses power in between finishes what was begun, before anything is served.

use std::time::SystemTime;

use zeroize::Zeroizing;

use crate::domain::certs::bundle;
use crate::domain::certs::bundle::Assembled;
use crate::domain::certs::bundle::BundleProblem;
use crate::domain::certs::bundle::Key;
use crate::domain::certs::chain_problem::Severity;
use crate::domain::certs::date;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::fit;
use crate::domain::certs::fit::Finding;
use crate::platform::files;
use crate::tls::TlsError;
use crate::tls::pem;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::place::may_replace;
use crate::workers::cert_desk::shelf::About;
use crate::workers::cert_desk::shelf::Line;
use crate::workers::cert_desk::shelf::Pair;
use crate::workers::cert_desk::shelf::Part;
use crate::workers::cert_desk::shelf::Shelf;
use crate::workers::cert_desk::shelf::ShelfError;
use crate::workers::cert_desk::shelf::at;

/// Why nothing was activated.
#[derive(Debug, thiserror::Error)]
pub enum ActivateError {
    /// What is on the shelf is no pair.
    #[error("what is {part} for {place} cannot be used: {problem}")]
    Bad {
        /// The place.
        place: String,
        /// Where it lies.
        part: &'static str,
        /// Why.
        problem: BundleProblem,
    },
    /// The disk.
    #[error("{0}")]
    Disk(#[from] ShelfError),
    /// The file may not be replaced.
    #[error("{0}")]
    InTheWay(String),
    /// Nothing there.
    #[error("{}", nothing(.place, .part))]
    Nothing {
        /// The place.
        place: String,
        /// Where it was looked for.
        part: &'static str,
    },
    /// Peers would refuse it, by now.
    #[error("{place}: {}", sentences(.findings))]
    Refused {
        /// The place.
        place: String,
        /// Everything that was found.
        findings: Vec<Finding>,
    },
}

fn nothing(place: &str, part: &str) -> String {
    if part == "staged" {
        format!("nothing is staged for {place}; stage it: xspd certs import FILE --for {place}")
    } else {
        format!("there is no previous certificate of {place} to go back to")
    }
}

fn sentences(findings: &[Finding]) -> String {
    let refused = findings
        .iter()
        .filter(|finding| finding.severity() == Severity::Refuse);
    refused
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

/// What was done.
#[derive(Debug, Clone)]
pub struct Activated {
    /// The leaf that is in the files now.
    pub new: CertificateFacts,
    /// The leaf that was there before, when it could be read.
    pub old: Option<CertificateFacts>,
    /// What was found, none of which stopped it.
    pub findings: Vec<Finding>,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From what is staged.
    Forward,
    /// Back to what was there before.
    Back,
}

impl Way {
    const fn part(self) -> (Part, &'static str, &'static str) {
        match self {
            Self::Forward => (Part::Staged, "staged", "activated"),
            Self::Back => (Part::Previous, "previous", "rolled-back"),
        }
    }
}

/// Swaps the files. Blocks on the disk. The place must be locked.
///
/// # Errors
/// When there is nothing to activate, it may not be, or the disk refuses; what is served stays.
pub fn activate(
    shelf: &Shelf,
    place: &Place,
    way: Way,
    by: &str,
    now: SystemTime,
) -> Result<Activated, ActivateError> {
    let (part, word, event) = way.part();
    let pair = shelf.pair(place, part)?;
    let Some(mut pair) = pair else {
        return Err(ActivateError::Nothing {
            place: place.name.clone(),
            part: word,
        });
    };
    let new = assembled(&pair).map_err(|problem| ActivateError::Bad {
        place: place.name.clone(),
        part: word,
        problem,
    })?;
    let current = current(place, now);
    let old = current.as_ref().map(|(_, facts)| facts.clone());
    let findings = fit::judge(&new, &place.role, old.as_ref(), now);
    if fit::is_refused(&findings) {
        let place = place.name.clone();
        return Err(ActivateError::Refused { place, findings });
    }
    for path in [&place.chain, &place.key] {
        may_replace(path).map_err(ActivateError::InTheWay)?;
    }
    // From here on a crash is finished by `recover`.
    pair.about.by = by.to_owned();
    pair.about.act = event.to_owned();
    shelf.put(place, Part::Applying, &pair)?;
    shelf.drop_part(place, part)?;
    if let Some((held, _)) = &current {
        shelf.put(place, Part::Previous, held)?;
    }
    if let Err(error) = apply(shelf, place, &pair, now) {
        // Nothing may be half done: the intent is taken back and what was there stands again.
        shelf.put(place, part, &pair)?;
        if let Some((held, _)) = &current {
            write(place, held).ok();
        }
        shelf.drop_part(place, Part::Applying)?;
        return Err(error);
    }
    Ok(Activated {
        new: new.leaf,
        old,
        findings,
    })
}

/// Finishes what a crash interrupted; says whether there was anything.
///
/// # Errors
/// When the disk refuses.
pub fn recover(shelf: &Shelf, place: &Place, now: SystemTime) -> Result<bool, ActivateError> {
    let Some(pair) = shelf.pair(place, Part::Applying)? else {
        return Ok(false);
    };
    if assembled(&pair).is_err() {
        shelf.drop_part(place, Part::Applying)?;
        return Ok(false);
    }
    apply(shelf, place, &pair, now)?;
    Ok(true)
}

fn apply(shelf: &Shelf, place: &Place, pair: &Pair, now: SystemTime) -> Result<(), ActivateError> {
    write(place, pair)?;
    let folder = shelf.request_keys(place)?.into_iter();
    let own = Key::of_pem(pair.key.as_bytes()).map(|key| key.spki_sha256());
    for (folder, key) in folder {
        if Some(key.spki_sha256()) == own {
            shelf.forget_request(&folder)?;
        }
    }
    shelf.note(&Line {
        at: date::to_unix(now),
        place: place.name.clone(),
        event: pair.about.act.clone(),
        by: pair.about.by.clone(),
        fingerprint: pair.about.fingerprint.clone(),
        note: format!(
            "{}, good until {}",
            pair.about.subject,
            date::from_unix(pair.about.not_after).map_or_else(String::new, date::text)
        ),
    })?;
    shelf.drop_part(place, Part::Applying)?;
    Ok(())
}

/// Writes the configured files: key first, so that a reader between the two finds a pair that does
/// not fit, which the daemon passes over, and never a chain without its key.
fn write(place: &Place, pair: &Pair) -> Result<(), ActivateError> {
    if place.is_one_file() {
        let both = Zeroizing::new(format!("{}{}", pair.chain, pair.key.as_str()));
        files::replace(&place.chain, both.as_bytes(), files::PRIVATE).map_err(at(&place.chain))?;
        return Ok(());
    }
    files::replace(&place.key, pair.key.as_bytes(), files::PRIVATE).map_err(at(&place.key))?;
    files::replace(&place.chain, pair.chain.as_bytes(), files::PUBLIC).map_err(at(&place.chain))?;
    Ok(())
}

/// Reads a pair apart, as it was staged.
///
/// # Errors
/// When it is none.
pub fn assembled(pair: &Pair) -> Result<Assembled, BundleProblem> {
    let key = Key::of_pem(pair.key.as_bytes()).ok_or(BundleProblem::NoPair)?;
    let bundle = bundle::read(pair.chain.as_bytes(), None)?;
    bundle::assemble(&bundle.certificates, &[key.spki_sha256()])
}

/// What is in the configured files now, if that is a pair.
#[must_use]
pub fn current(place: &Place, now: SystemTime) -> Option<(Pair, CertificateFacts)> {
    let chain = pem::read_bounded(&place.chain).ok()?;
    let secret = place.files().key.read().ok()?;
    let key = Key::of_pem(secret.expose())?;
    let leaf = pem::load_chain(&place.chain).ok()?.into_iter().next()?;
    let facts = CertificateFacts::parse(&leaf).ok()?;
    if facts.spki_sha256 != key.spki_sha256() {
        return None;
    }
    // A file with both halves keeps its key out of the chain.
    let blocks = crate::domain::certs::pem::blocks(&chain, bundle::MOST_CERTIFICATES).into_iter();
    let chain = blocks
        .filter(|block| block.label == "CERTIFICATE")
        .filter_map(|block| block.content.ok())
        .map(|der| crate::domain::certs::pem::certificate(&der))
        .collect();
    let about = about(place, &facts, "found in the configured files", now);
    let key = Zeroizing::new(key.pem().to_owned());
    Some((Pair { chain, key, about }, facts))
}

/// The leaf in the configured file, whether its key fits or not.
///
/// # Errors
/// When the file cannot be read.
pub fn configured(place: &Place) -> Result<Option<CertificateFacts>, TlsError> {
    let leaf = pem::load_chain(&place.chain)?.into_iter().next();
    Ok(leaf.and_then(|leaf| CertificateFacts::parse(&leaf).ok()))
}

/// What is remembered of a leaf.
#[must_use]
pub fn about(place: &Place, facts: &CertificateFacts, by: &str, now: SystemTime) -> About {
    About {
        place: place.name.clone(),
        fingerprint: facts.fingerprint.to_string(),
        subject: facts.subject.clone(),
        not_after: date::to_unix(facts.not_after),
        at: date::to_unix(now),
        by: by.to_owned(),
        act: String::new(),
    }
}
