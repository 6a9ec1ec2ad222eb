//! Revocation lists, and who is on one.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::certs::crl::Crl;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::inventory::ObjectId;
use crate::domain::certs::judgement::ChainSeen;
use crate::domain::certs::judgement::Finding;
use crate::domain::certs::source::SourceFault;
use crate::domain::certs::watchlist::Absence;
use crate::domain::certs::watchlist::Seen;
use crate::workers::cert_watch::entries::Entry;
use crate::workers::cert_watch::pattern;
use crate::workers::cert_watch::read;
use crate::workers::cert_watch::scan::Scanner;
use crate::workers::cert_watch::scan::file;
use crate::workers::cert_watch::scan::passing;
use crate::workers::cert_watch::scan::unnamed;

impl Scanner<'_> {
    pub(super) fn crls(&mut self, entry: &Entry, paths: &[PathBuf]) -> Absence {
        let mut left = self.config.certificates.most_files;
        let mut absence = Absence::Lost;
        for path in paths {
            match pattern::files(path, left) {
                Ok(files) => {
                    left = left.saturating_sub(files.len());
                    for path in files {
                        let read = self.crl(&path);
                        let watched = match &read {
                            Ok(crl) => {
                                let mut watched = entry.shared.clone();
                                watched.id = ObjectId::new(&entry.place, &crl.issuer);
                                Arc::new(watched)
                            }
                            Err(_) => passing(entry, unnamed(&entry.place, &path)),
                        };
                        self.note(watched, file(&path), read.map(Seen::Crl));
                    }
                }
                Err(fault) => {
                    let id = entry.shared.id.clone();
                    self.note(passing(entry, id), file(path), Err(fault));
                    // As for any pattern: what its files hold is not known now.
                    absence = Absence::Unsaid;
                }
            }
        }
        absence
    }

    pub(super) fn crl(&mut self, path: &Path) -> Result<Arc<Crl>, SourceFault> {
        let stamp = read::stamp(path)?;
        let held = self.old.crls.get(path);
        let crl = match held.filter(|(before, _)| *before == stamp) {
            Some((_, held)) => Arc::clone(held),
            None => {
                let (_, bytes) = read::read(path, self.config.certificates.largest_file)?;
                Arc::new(Crl::parse(&bytes)?)
            }
        };
        let kept = (stamp, Arc::clone(&crl));
        self.cache.crls.insert(path.to_owned(), kept);
        Ok(crl)
    }

    /// Adds that the issuer of a certificate took it back. A list counts when the issuer that came
    /// along signed it, or when none came along.
    pub(super) fn with_revocation(&self, seen: Seen, chain: &[Vec<u8>]) -> Seen {
        let Seen::Chain(held) = &seen else {
            return seen;
        };
        for facts in held.certificates() {
            for (_, crl) in self.cache.crls.values() {
                let Some(at) = crl.revokes(&facts.issuer_der, &facts.serial) else {
                    continue;
                };
                let mut issuers = chain.iter().filter(|der| {
                    CertificateFacts::parse(der)
                        .is_ok_and(|issuer| issuer.subject_der == facts.issuer_der)
                });
                if issuers.next().is_none_or(|issuer| crl.is_signed_by(issuer)) {
                    let chain = ChainSeen::clone(held).with(Finding::Revoked(Some(at)));
                    return Seen::Chain(Arc::new(chain));
                }
            }
        }
        seen
    }
}
