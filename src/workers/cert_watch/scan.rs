//! One round over files and what the daemon keeps. Blocks on the file system.

mod kept;
mod opened;
mod revocation;

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use crate::config::CertificateFiles;
use crate::config::Config;
use crate::config::secret::SecretRef;
use crate::domain::certs::crl::Crl;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::inventory::Duty;
use crate::domain::certs::inventory::MOST_OBJECTS;
use crate::domain::certs::inventory::ObjectId;
use crate::domain::certs::inventory::Watched;
use crate::domain::certs::judgement::ChainSeen;
use crate::domain::certs::judgement::Finding;
use crate::domain::certs::source::Place;
use crate::domain::certs::source::PlaceKind;
use crate::domain::certs::source::SourceFault;
use crate::domain::certs::watchlist::Absence;
use crate::domain::certs::watchlist::Round;
use crate::domain::certs::watchlist::Scan;
use crate::domain::certs::watchlist::Seen;
use crate::domain::certs::watchlist::Sighting;
use crate::tls;
use crate::workers::cert_watch::entries;
use crate::workers::cert_watch::entries::Entry;
use crate::workers::cert_watch::entries::Source;
use crate::workers::cert_watch::pattern;
use crate::workers::cert_watch::read;
use crate::workers::cert_watch::read::Stamp;
use crate::workers::cert_watch::scan::opened::Opened;

/// A file with more CAs is a list of public roots, whose ends are everybody's business.
const MOST_ANCHORS: usize = 16;

/// A refresh token: whose, and when it lapses unless it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The part of the configuration that it belongs to.
    pub entry: String,
    /// Whose it is.
    pub owner: String,
    /// When.
    pub ends: SystemTime,
}

/// What was read before, so that a file that did not change is not read again.
#[derive(Default)]
pub struct Cache {
    crls: BTreeMap<PathBuf, (Stamp, Arc<Crl>)>,
    files: BTreeMap<PathBuf, (Stamp, Result<Arc<Opened>, SourceFault>)>,
    judged: BTreeMap<(PathBuf, ObjectId), Judged>,
}

/// Looks at everything.
pub fn files(config: &Config, tokens: &[Token], cache: &mut Cache, now: SystemTime) -> Scan {
    let mut scanner = Scanner {
        config,
        now,
        old: std::mem::take(cache),
        cache: Cache::default(),
        scan: Scan {
            round: Round::Files,
            entries: BTreeMap::new(),
            sightings: Vec::new(),
        },
    };
    let entries = entries::entries(config);
    // Who is revoked is known before the certificates are looked at.
    let is_list = |entry: &&Entry| matches!(entry.source, Source::Crls(_));
    for entry in entries.iter().filter(is_list) {
        scanner.entry(entry);
    }
    for entry in entries.iter().filter(|entry| !is_list(entry)) {
        scanner.entry(entry);
    }
    scanner.tokens(tokens);
    *cache = scanner.cache;
    scanner.scan
}

/// What a chain came to, and from what.
type Judged = (Arc<Opened>, Arc<Watched>, Seen);

struct Scanner<'a> {
    config: &'a Config,
    now: SystemTime,
    old: Cache,
    cache: Cache,
    scan: Scan,
}

impl Scanner<'_> {
    fn entry(&mut self, entry: &Entry) {
        let absence = match &entry.source {
            Source::Account {
                name,
                directory,
                folder,
            } => self.account(entry, folder, name, directory),
            Source::Anchors(path) => self.anchors(entry, path),
            Source::Bundles { paths, password } => self.bundles(entry, paths, password.as_ref()),
            Source::Chain(files) => self.chain(entry, files),
            Source::Crls(paths) => self.crls(entry, paths),
            Source::Declared { start, end } => {
                self.declared(entry, *start, *end);
                Absence::Gone
            }
            Source::Keys(path) => self.keys(entry, path),
            // Those belong to the other round.
            Source::Outside(_) | Source::Probe(_) | Source::Served { .. } => return,
            Source::TrustSet(set) => self.trust_set(entry, set),
        };
        // Two hosts of one listener share an entry; what is unsaid of one is unsaid of both.
        let known = self
            .scan
            .entries
            .entry(Arc::clone(&entry.name))
            .or_insert(absence);
        if absence == Absence::Unsaid {
            *known = absence;
        }
    }

    fn note(&mut self, watched: Arc<Watched>, place: Place, seen: Result<Seen, SourceFault>) {
        if self.scan.sightings.len() < MOST_OBJECTS {
            self.scan.sightings.push(Sighting {
                watched,
                place,
                seen,
            });
        }
    }

    fn opened(
        &mut self,
        path: &Path,
        password: Option<&SecretRef>,
    ) -> Result<Arc<Opened>, SourceFault> {
        let stamp = read::stamp(path)?;
        if let Some((before, held)) = self.old.files.get(path)
            && *before == stamp
            && !depends_on_password(held)
        {
            let held = held.clone();
            let kept = (stamp, held.clone());
            self.cache.files.insert(path.to_owned(), kept);
            return held;
        }
        let (stamp, bytes) = read::read(path, self.config.certificates.largest_file)?;
        let found = opened::open(&bytes, password).map(Arc::new);
        self.cache
            .files
            .insert(path.to_owned(), (stamp, found.clone()));
        found
    }

    fn judge(
        &mut self,
        path: &Path,
        opened: &Arc<Opened>,
        chain: &[Vec<u8>],
        watched: &Arc<Watched>,
    ) -> Result<Seen, SourceFault> {
        let seen = self.judge_once(path, opened, chain, watched)?;
        Ok(self.with_revocation(seen, chain))
    }

    /// Judges a chain, unless the same was judged for the same object before.
    fn judge_once(
        &mut self,
        path: &Path,
        opened: &Arc<Opened>,
        chain: &[Vec<u8>],
        watched: &Arc<Watched>,
    ) -> Result<Seen, SourceFault> {
        let key = (path.to_owned(), watched.id.clone());
        if let Some((before, held, seen)) = self.old.judged.get(&key)
            && Arc::ptr_eq(before, opened)
            && held == watched
        {
            let kept = (Arc::clone(before), Arc::clone(held), seen.clone());
            let seen = seen.clone();
            self.cache.judged.insert(key, kept);
            return Ok(seen);
        }
        let chain_seen = judged(chain, watched, self.now)?;
        let seen = Seen::Chain(Arc::new(chain_seen));
        let kept = (Arc::clone(opened), Arc::clone(watched), seen.clone());
        self.cache.judged.insert(key, kept);
        Ok(seen)
    }

    fn chain(&mut self, entry: &Entry, files: &CertificateFiles) -> Absence {
        let watched = Arc::new(entry.shared.clone());
        let place = file(&files.chain);
        let seen = self
            .opened(&files.chain, None)
            .and_then(|opened| self.judge(&files.chain, &opened, opened.ders(), &watched))
            .map(|seen| with_key(seen, files));
        self.note(watched, place, seen);
        Absence::Lost
    }

    fn bundles(
        &mut self,
        entry: &Entry,
        paths: &[PathBuf],
        password: Option<&SecretRef>,
    ) -> Absence {
        let mut left = self.config.certificates.most_files;
        let mut absence = Absence::Lost;
        for path in paths {
            let files = match pattern::files(path, left) {
                Ok(files) => files,
                Err(fault) => {
                    let id = entry.shared.id.clone();
                    self.note(passing(entry, id), file(path), Err(fault));
                    // What its files hold is not known now; the pattern's own fault is told.
                    absence = Absence::Unsaid;
                    continue;
                }
            };
            left = left.saturating_sub(files.len());
            let alone = paths.len() == 1 && !pattern::is_pattern(path);
            for path in files {
                self.bundle(entry, &path, password, alone);
            }
        }
        absence
    }

    /// One file of several. Which object it holds is said by the certificate in it.
    fn bundle(&mut self, entry: &Entry, path: &Path, password: Option<&SecretRef>, alone: bool) {
        let opened = match self.opened(path, password) {
            Ok(opened) => opened,
            Err(fault) => {
                // Until it can be read it has no other name than that of its file.
                let watched = if alone {
                    Arc::new(entry.shared.clone())
                } else {
                    passing(entry, unnamed(&entry.place, path))
                };
                self.note(watched, file(path), Err(fault));
                return;
            }
        };
        let ders = opened.ders();
        let anchors = matches!(entry.shared.duty, Duty::Ca | Duty::TrustAnchor);
        if !anchors {
            let watched = object(entry, path, opened.name(0), alone, alone);
            let seen = self.judge(path, &opened, ders, &watched);
            self.note(watched, file(path), seen);
            return;
        }
        for (at, der) in ders.iter().enumerate() {
            let name = opened.name(at);
            let watched = object(entry, path, name, alone, alone && ders.len() == 1);
            let chain = std::slice::from_ref(der);
            let seen = self.judge(path, &opened, chain, &watched);
            self.note(watched, file(path), seen);
        }
    }

    fn declared(&mut self, entry: &Entry, start: Option<SystemTime>, end: SystemTime) {
        let place = Place::new(PlaceKind::Declared, entry.name.as_ref());
        let seen = Seen::Dates {
            start,
            end: Some(end),
        };
        self.note(Arc::new(entry.shared.clone()), place, Ok(seen));
    }
}

/// An object that stands for a file or pattern only as long as nothing better is known: when it goes,
/// that is no loss.
fn passing(entry: &Entry, id: ObjectId) -> Arc<Watched> {
    let mut watched = entry.shared.clone();
    watched.id = id;
    watched.entry = format!("{} (unread)", entry.name).into();
    Arc::new(watched)
}

/// The object of a certificate by its name, which is `None` of one that cannot be parsed: unless its
/// file is the `only` one of its entry, something passing stands for that. What is `alone` in its
/// entry is called as the entry.
fn object(entry: &Entry, path: &Path, name: Option<&str>, only: bool, alone: bool) -> Arc<Watched> {
    let id = match name {
        _ if alone => entry.shared.id.clone(),
        Some(name) => ObjectId::new(&entry.place, name),
        None => unnamed(&entry.place, path),
    };
    if name.is_none() && !only {
        return passing(entry, id);
    }
    let mut watched = entry.shared.clone();
    watched.id = id;
    Arc::new(watched)
}

/// Whether another password may open it, so that the same bytes are worth another look.
const fn depends_on_password(found: &Result<Arc<Opened>, SourceFault>) -> bool {
    matches!(
        found,
        Err(SourceFault::Locked(_) | SourceFault::PasswordUnreadable)
    )
}

/// Judges a chain for an object.
pub(super) fn judged(
    chain: &[Vec<u8>],
    watched: &Watched,
    now: SystemTime,
) -> Result<ChainSeen, SourceFault> {
    if let Some(seen) = ChainSeen::judge(chain, watched, now) {
        return Ok(seen);
    }
    let first = chain.first().map(|der| CertificateFacts::parse(der));
    Err(match first {
        Some(Err(bad)) => SourceFault::BadCertificate(1, bad),
        Some(Ok(_)) | None => SourceFault::NoCertificate,
    })
}

/// Adds that the key belongs to another certificate. A key that cannot be read is told by the
/// listener or pool that needs it.
fn with_key(seen: Seen, files: &CertificateFiles) -> Seen {
    let Seen::Chain(chain) = &seen else {
        return seen;
    };
    let key = tls::pem::key_spki(files).ok().flatten();
    let differs = chain
        .leaf()
        .zip(key)
        .is_some_and(|(leaf, key)| leaf.spki_sha256 != key);
    if differs {
        let chain = ChainSeen::clone(chain).with(Finding::KeyMismatch);
        Seen::Chain(Arc::new(chain))
    } else {
        seen
    }
}

fn file(path: &Path) -> Place {
    Place::new(PlaceKind::File, path.display().to_string())
}

fn unnamed(place: &str, path: &Path) -> ObjectId {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ObjectId::new(place, &name)
}
