//! The pair that is staged takes the place of the one in the configured files, which becomes the
//! previous one. Two files cannot be replaced in one step, so the intent is written down first: a
//! machine that loses power in between finishes what was begun, before anything is served. An error
//! leaves all as it was: what is served, what is staged, and what was there before.

use std::time::SystemTime;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tracing::warn;
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
use crate::domain::ids::Fingerprint;
use crate::platform::files;
use crate::platform::files::Content;
use crate::tls::TlsError;
use crate::tls::pem;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::place::may_replace;
use crate::workers::cert_desk::shelf::About;
use crate::workers::cert_desk::shelf::Act;
use crate::workers::cert_desk::shelf::Before;
use crate::workers::cert_desk::shelf::Line;
use crate::workers::cert_desk::shelf::Pair;
use crate::workers::cert_desk::shelf::Part;
use crate::workers::cert_desk::shelf::Shelf;
use crate::workers::cert_desk::tidy;
use crate::workers::kept::KeptError;
use crate::workers::kept::at;

/// What is told when something that was begun is given up.
pub(super) const UNFINISHED: &str = "An activation was interrupted and cannot be finished.";

/// Why nothing was activated.
#[derive(Debug, thiserror::Error)]
pub enum ActivateError {
    /// What is on the shelf is no pair.
    #[error("what is {part} for {place} cannot be used: {problem}")]
    Bad {
        /// The place.
        place: String,
        /// Where it lies.
        part: Part,
        /// Why.
        problem: BundleProblem,
    },
    /// The disk.
    #[error("{0}")]
    Disk(#[from] KeptError),
    /// The file may not be replaced.
    #[error("{0}")]
    InTheWay(String),
    /// Nothing there.
    #[error("{}", nothing(.place, *.part))]
    Nothing {
        /// The place.
        place: String,
        /// Where it was looked for.
        part: Part,
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

fn nothing(place: &str, part: Part) -> String {
    match part {
        Part::Previous => format!("there is no previous certificate of {place} to go back to"),
        Part::Applying | Part::Replaced | Part::Staged => {
            format!("nothing is {part} for {place}; stage it: xspd certs import FILE --for {place}")
        }
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
    /// The leaf that was there before, when it could be read. The same as the new one is no way
    /// back, where another one is kept already.
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
    pub(super) const fn part(self) -> (Part, Act) {
        match self {
            Self::Forward => (Part::Staged, Act::Activated),
            Self::Back => (Part::Previous, Act::RolledBack),
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
    // What a crash left is settled first.
    match recover(shelf, place, now) {
        Err(ActivateError::Disk(problem)) => return Err(problem.into()),
        Err(problem) => warn!(place = place.name, %problem, "{UNFINISHED}"),
        Ok(_) => {}
    }
    let (part, act) = way.part();
    let pair = shelf.pair(place, part)?;
    let Some(mut pair) = pair else {
        return Err(ActivateError::Nothing {
            place: place.name.clone(),
            part,
        });
    };
    let new = assembled(&pair).map_err(|problem| ActivateError::Bad {
        place: place.name.clone(),
        part,
        problem,
    })?;
    let current = current(place, now);
    let old = current.as_ref().map(|(_, facts)| facts.clone());
    let findings = fit::judge(&new, &place.role, old.as_ref(), now);
    if fit::is_refused(&findings) {
        let place = place.name.clone();
        return Err(ActivateError::Refused { place, findings });
    }
    replaceable(place)?;
    by.clone_into(&mut pair.about.by);
    pair.about.act = act;
    pair.about.before = Some(before(place));
    if let Err(error) = swap(shelf, place, &pair, current.as_ref().map(|(held, _)| held)) {
        // The first error is the one that is told.
        forget(shelf, place).ok();
        return Err(error);
    }
    finish(shelf, place, &pair, now);
    Ok(Activated {
        new: new.leaf,
        old,
        findings,
    })
}

fn replaceable(place: &Place) -> Result<(), ActivateError> {
    for path in [&place.chain, &place.key] {
        may_replace(path).map_err(ActivateError::InTheWay)?;
    }
    Ok(())
}

/// Notes the intent and what there is, and writes. From the note on a crash is finished by
/// `recover`.
fn swap(
    shelf: &Shelf,
    place: &Place,
    pair: &Pair,
    held: Option<&Pair>,
) -> Result<(), ActivateError> {
    shelf.drop_part(place, Part::Replaced)?;
    if let Some(held) = held {
        shelf.put(place, Part::Replaced, held)?;
    }
    shelf.put(place, Part::Applying, pair)?;
    write(place, pair)
}

/// Whether the configured file holds the chain, not only its leaf.
fn is_written(place: &Place, pair: &Pair) -> bool {
    let wanted = CertificateDer::pem_slice_iter(pair.chain.as_bytes());
    let wanted: Result<Vec<_>, _> = wanted.collect();
    let there = pem::load_chain(&place.chain).ok();
    there.is_some() && there == wanted.ok()
}

/// Takes the intent back.
fn forget(shelf: &Shelf, place: &Place) -> Result<(), KeptError> {
    shelf.drop_part(place, Part::Applying)?;
    shelf.drop_part(place, Part::Replaced)
}

/// Finishes what a crash interrupted; says whether there was anything. The place must be locked.
///
/// # Errors
/// When the disk refuses, or it may not be finished any more: the files are then what they were
/// before it was begun, or what somebody made of them since.
pub fn recover(shelf: &Shelf, place: &Place, now: SystemTime) -> Result<bool, ActivateError> {
    let Some(pair) = shelf.pair(place, Part::Applying)? else {
        return Ok(false);
    };
    let Ok(new) = assembled(&pair) else {
        forget(shelf, place)?;
        return Ok(false);
    };
    let there = before(place);
    let wanted = Before {
        leaf: new.leaf.fingerprint.to_string(),
        key: Fingerprint::new(new.leaf.spki_sha256).to_string(),
    };
    if there == wanted && is_written(place, &pair) {
        finish(shelf, place, &pair, now);
        return Ok(true);
    }
    let goes_on = pair.about.before.as_ref().map_or_else(
        // Nothing good is lost where there is no pair.
        || current(place, now).is_none(),
        |noted| {
            (there.leaf == noted.leaf || there.leaf == wanted.leaf)
                && (there.key == noted.key || there.key == wanted.key)
        },
    );
    if !goes_on {
        forget(shelf, place)?;
        return Err(ActivateError::InTheWay(format!(
            "an activation for {} was interrupted, and its files were changed since by somebody \
             else; they stay as they are, and what was staged stays staged",
            place.name
        )));
    }
    let held = shelf.pair(place, Part::Replaced)?;
    let old = held.as_ref().and_then(|held| assembled(held).ok());
    let findings = fit::judge(&new, &place.role, old.as_ref().map(|old| &old.leaf), now);
    replaceable(place)?;
    if fit::is_refused(&findings) {
        // Half of it may be there already.
        if let Some(held) = &held {
            write(place, held)?;
        }
        forget(shelf, place)?;
        let place = place.name.clone();
        return Err(ActivateError::Refused { place, findings });
    }
    write(place, &pair)?;
    finish(shelf, place, &pair, now);
    Ok(true)
}

/// Puts everything in order once the files are written. Nothing of it undoes them: what fails is
/// told, and what matters of it is done again at the next start.
fn finish(shelf: &Shelf, place: &Place, pair: &Pair, now: SystemTime) {
    let noted = shelf.note(&Line {
        at: date::to_unix(now),
        place: place.name.clone(),
        event: pair.about.act.word().to_owned(),
        by: pair.about.by.clone(),
        fingerprint: pair.about.fingerprint.clone(),
        note: format!(
            "{}, good until {}",
            pair.about.subject,
            date::from_unix(pair.about.not_after).map_or_else(String::new, date::text)
        ),
    });
    // With the intent still there, the next start does it again.
    let ended =
        tidy::tidy(shelf, place, pair).and_then(|()| shelf.drop_part(place, Part::Applying));
    for problem in [ended, noted].into_iter().filter_map(Result::err) {
        warn!(
            place = place.name, %problem,
            "The certificate is in its files, but not everything about it could be kept."
        );
    }
}

/// Writes the configured files, both or none: key first, so that a reader between the two finds a
/// pair that does not fit, which the daemon passes over, and never a chain without its key.
fn write(place: &Place, pair: &Pair) -> Result<(), ActivateError> {
    let both = Zeroizing::new(format!("{}{}", pair.chain, pair.key.as_str()));
    let of = |path, bytes, mode| Content { path, bytes, mode };
    let contents = if place.is_one_file() {
        vec![of(&place.chain, both.as_bytes(), files::PRIVATE)]
    } else {
        vec![
            of(&place.key, pair.key.as_bytes(), files::PRIVATE),
            of(&place.chain, pair.chain.as_bytes(), files::PUBLIC),
        ]
    };
    files::replace_all(&contents).map_err(|(path, error)| at(&path)(error))?;
    Ok(())
}

/// What the configured files hold, whether the two are a pair or not.
pub(super) fn before(place: &Place) -> Before {
    let leaf = configured(place).ok().flatten();
    let secret = place.files().key.read().ok();
    let key = secret.and_then(|secret| Key::of_pem(secret.expose()));
    let key = key.map(|key| Fingerprint::new(key.spki_sha256()).to_string());
    Before {
        leaf: leaf.map_or_else(String::new, |facts| facts.fingerprint.to_string()),
        key: key.unwrap_or_default(),
    }
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
    let facts = configured(place).ok().flatten()?;
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
    let leaf = configured_leaf(place)?;
    Ok(leaf.and_then(|leaf| CertificateFacts::parse(&leaf).ok()))
}

/// The same, in DER.
///
/// # Errors
/// As [`configured`].
pub fn configured_leaf(place: &Place) -> Result<Option<CertificateDer<'static>>, TlsError> {
    Ok(pem::load_chain(&place.chain)?.into_iter().next())
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
        act: Act::Nothing,
        before: None,
    }
}
