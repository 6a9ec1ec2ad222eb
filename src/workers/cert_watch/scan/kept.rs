//! Trust anchors, keys, accounts and tokens.

use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use crate::config::TrustSet;
use crate::config::secret::SecretError;
use crate::config::secret::SecretRef;
use crate::domain::auth::keys::KeySet;
use crate::domain::auth::keys::KeyState;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::inventory::Duty;
use crate::domain::certs::inventory::Kind;
use crate::domain::certs::inventory::ObjectId;
use crate::domain::certs::source::Place;
use crate::domain::certs::source::PlaceKind;
use crate::domain::certs::source::SourceFault;
use crate::domain::certs::trust_set;
use crate::domain::certs::watchlist::Absence;
use crate::domain::certs::watchlist::Seen;
use crate::workers::acme::state::Folder;
use crate::workers::cert_watch::entries;
use crate::workers::cert_watch::entries::Entry;
use crate::workers::cert_watch::read;
use crate::workers::cert_watch::scan::MOST_ANCHORS;
use crate::workers::cert_watch::scan::Scanner;
use crate::workers::cert_watch::scan::Token;
use crate::workers::cert_watch::scan::file;
use crate::workers::cert_watch::scan::opened::Opened;

impl Scanner<'_> {
    pub(super) fn anchors(&mut self, entry: &Entry, path: &Path) -> Absence {
        match self.opened(path, None) {
            Ok(opened) if opened.ders().len() > MOST_ANCHORS => Absence::Gone,
            Ok(opened) => {
                self.anchors_of(entry, path, &opened);
                Absence::Gone
            }
            Err(fault) => {
                self.note(Arc::new(entry.shared.clone()), file(path), Err(fault));
                Absence::Unsaid
            }
        }
    }

    pub(super) fn anchors_of(&mut self, entry: &Entry, path: &Path, opened: &Arc<Opened>) {
        for der in opened.ders() {
            let mut watched = entry.shared.clone();
            watched.id = anchor(&entry.place, der);
            let watched = Arc::new(watched);
            let chain = std::slice::from_ref(der);
            let seen = self.judge(path, opened, chain, &watched);
            self.note(watched, file(path), seen);
        }
    }

    pub(super) fn trust_set(&mut self, entry: &Entry, set: &TrustSet) -> Absence {
        let mut paths = set.files.clone();
        let mut absence = Absence::Gone;
        if let Some(directory) = &set.directory {
            match generations(directory, self.config.certificates.most_files) {
                Ok(found) => paths.extend(found),
                Err(fault) => {
                    self.note(Arc::new(entry.shared.clone()), file(directory), Err(fault));
                    absence = Absence::Unsaid;
                }
            }
        }
        let mut all: Vec<(PathBuf, Arc<Opened>)> = Vec::new();
        for path in paths {
            match self.opened(&path, None) {
                Ok(opened) => all.push((path, opened)),
                Err(fault) => {
                    self.note(Arc::new(entry.shared.clone()), file(&path), Err(fault));
                    absence = Absence::Unsaid;
                }
            }
        }
        let facts: Vec<CertificateFacts> = all
            .iter()
            .flat_map(|(_, opened)| opened.ders())
            .filter_map(|der| CertificateFacts::parse(der).ok())
            .collect();
        for (path, opened) in &all {
            for der in opened.ders() {
                let mut watched = entry.shared.clone();
                watched.id = anchor(&entry.place, der);
                // Webex's generations have the same names; any other anchor is one of its own.
                watched.superseded = CertificateFacts::parse(der).is_ok_and(|own| {
                    facts.iter().any(|other| {
                        other.subject_der == own.subject_der && other.not_after > own.not_after
                    })
                });
                let watched = Arc::new(watched);
                let chain = std::slice::from_ref(der);
                let seen = self.judge(path, opened, chain, &watched);
                self.note(watched, file(path), seen);
            }
        }
        absence
    }

    /// The key that signs: it is as old as it is in use.
    pub(super) fn keys(&mut self, entry: &Entry, path: &Path) -> Absence {
        let set = match SecretRef::File(path.to_owned()).read() {
            Ok(text) => KeySet::parse(text.expose()).map_err(|_| SourceFault::UnknownFormat),
            // No key yet, which the AuthService tells itself.
            Err(SecretError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Absence::Gone;
            }
            Err(SecretError::Io { source, .. }) => Err(read::fault(&source)),
            Err(_) => Err(SourceFault::Unreadable),
        };
        let seen = match set {
            Ok(set) => {
                let Some(active) = set.in_state(KeyState::Active) else {
                    return Absence::Gone;
                };
                let since = SystemTime::from(active.activated.unwrap_or(active.created));
                Ok(Seen::Dates {
                    start: Some(since),
                    end: since.checked_add(self.config.certificates.key_lifetime),
                })
            }
            Err(fault) => Err(fault),
        };
        let place = Place::new(PlaceKind::State, path.display().to_string());
        self.note(Arc::new(entry.shared.clone()), place, seen);
        Absence::Gone
    }

    /// The account at a CA. Before the first order there is none.
    pub(super) fn account(
        &mut self,
        entry: &Entry,
        folder: &Folder,
        name: &str,
        directory: &str,
    ) -> Absence {
        let seen = match folder.account_at(name, directory) {
            Ok(None) => return Absence::Gone,
            Ok(Some(account)) => Ok(Seen::Account(Arc::new(account))),
            Err(problem) => Err(read::fault(&problem.source)),
        };
        let path = folder.account_file().display().to_string();
        let place = Place::new(PlaceKind::State, path);
        self.note(Arc::new(entry.shared.clone()), place, seen);
        Absence::Gone
    }

    pub(super) fn tokens(&mut self, tokens: &[Token]) {
        for token in tokens {
            let entry: Arc<str> = token.entry.as_str().into();
            let place = format!("refresh token of {}", token.owner);
            let watched =
                entries::watched(self.config, &entry, &place, Kind::OauthToken, Duty::Token);
            let seen = Seen::Dates {
                start: token
                    .ends
                    .checked_sub(self.config.certificates.oauth_lifetime),
                end: Some(token.ends),
            };
            let held = Place::new(PlaceKind::State, entry.as_ref());
            self.note(Arc::new(watched), held, Ok(seen));
            self.scan.entries.insert(entry, Absence::Gone);
        }
    }
}

fn anchor(place: &str, der: &[u8]) -> ObjectId {
    let print = crate::domain::ids::Fingerprint::of(der).short();
    ObjectId::new("anchor", &format!("{print} of {place}"))
}

/// The generations in a directory of a trust set.
fn generations(directory: &Path, most: usize) -> Result<Vec<PathBuf>, SourceFault> {
    let entries = std::fs::read_dir(directory).map_err(|error| read::fault(&error))?;
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| read::fault(&error))?;
        let name = entry.file_name();
        if name.to_str().is_some_and(trust_set::is_generation) {
            if found.len() == most {
                return Err(SourceFault::TooManyFiles(most));
            }
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
