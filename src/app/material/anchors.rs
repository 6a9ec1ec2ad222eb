//! Trust sets.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use tracing::warn;

use crate::app::material::Loader;
use crate::app::material::OutOfDate;
use crate::config::TrustSet;
use crate::domain::certs::SetProblem;
use crate::domain::certs::trust_file::TrustRules;
use crate::domain::certs::trust_set;
use crate::tls::TlsError;
use crate::tls::pem;
use crate::tls::trust::Member;
use crate::tls::trust::TrustAnchors;

/// A set, and when its anchors next come into or go out of their dates.
type Loaded = (Arc<TrustAnchors>, Option<SystemTime>);

impl Loader<'_> {
    pub(super) fn trust(&mut self, set: &TrustSet) {
        let loaded = match self.anchors(set) {
            Ok((loaded, next_change)) => {
                let earlier = self
                    .material
                    .next_change
                    .into_iter()
                    .chain(next_change)
                    .min();
                self.material.next_change = earlier;
                Some(loaded)
            }
            Err(problems) => {
                self.problems.extend(problems);
                self.proven()
                    .and_then(|old| old.trust.get(&set.name))
                    .cloned()
            }
        };
        if let Some(loaded) = loaded {
            self.material.trust.insert(set.name.clone(), loaded);
        }
    }

    fn anchors(&mut self, set: &TrustSet) -> Result<Loaded, Vec<TlsError>> {
        let (mut files, mut problems) = (Vec::new(), Vec::new());
        for path in generations(set).map_err(|problem| vec![problem])? {
            match pem::read_bounded(&path) {
                Ok(bytes) => files.push((path.display().to_string(), bytes)),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        // A date must not take the other anchors with it: an expired one is left out.
        let rules = TrustRules::live(set.refuse_expired);
        match trust_set::TrustSet::parse(&files, self.now, rules) {
            Ok(judged) => Ok(self.loaded(set, &judged)),
            Err(found) if found.iter().all(SetProblem::is_about_dates) => {
                let judged = trust_set::TrustSet::parse_whenever(&files, self.now);
                let judged = judged.map_err(|found| told(set, found))?;
                self.out_of_date(set, &judged, found)
            }
            Err(found) => Err(told(set, found)),
        }
    }

    /// Of a set that only its dates speak against. What is in use stays when it is better; without
    /// it the set lets nobody in until one of its anchors is good.
    fn out_of_date(
        &mut self,
        set: &TrustSet,
        judged: &trust_set::TrustSet,
        found: Vec<SetProblem>,
    ) -> Result<Loaded, Vec<TlsError>> {
        let now = self.now;
        let held = self.in_use().and_then(|old| old.trust.get(&set.name));
        if let Some(held) = held.filter(|held| held.lets_in(now)).cloned() {
            let is_there = |anchor| judged.generations_of(anchor).next().is_some();
            return if held.facts().iter().all(|held| is_there(held.fingerprint)) {
                Ok((held, judged.next_change(now)))
            } else {
                Err(told(set, found))
            };
        }
        for problem in told(set, found) {
            warn!(%problem, "Clients of this trust set are refused until an anchor is in its dates.");
            self.material.out_of_date.push(OutOfDate {
                path: format!("trust.{}", set.name),
                what: problem.to_string(),
            });
        }
        Ok(self.loaded(set, judged))
    }

    fn loaded(&self, set: &TrustSet, judged: &trust_set::TrustSet) -> Loaded {
        for generation in judged.generations() {
            for anchor in &generation.file.left_out {
                warn!(
                    trust = set.name,
                    file = generation.name,
                    subject = anchor.facts.subject,
                    "An anchor is outside of its dates and is left out; install the current \
                     Webex chain with `xspd trust import`."
                );
            }
        }
        let mut members = Vec::new();
        for anchor in judged.anchors() {
            let generation = judged
                .generation_of(anchor.facts.fingerprint)
                .unwrap_or_default();
            members.push(Member {
                der: anchor.der.clone().into(),
                generation: file_name(generation).into(),
                ends: set.refuse_expired.then_some(anchor.facts.not_after),
            });
        }
        let anchors = TrustAnchors::new(&set.name, members);
        (Arc::new(anchors), judged.next_change(self.now))
    }
}

fn told(set: &TrustSet, found: Vec<SetProblem>) -> Vec<TlsError> {
    let problem = |problem| TlsError::Trust {
        set: set.name.clone(),
        problem,
    };
    found.into_iter().map(problem).collect()
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The files of a trust set.
fn generations(set: &TrustSet) -> Result<Vec<PathBuf>, TlsError> {
    let mut files = set.files.clone();
    if let Some(directory) = &set.directory {
        let unreadable = |source| TlsError::Unreadable {
            path: directory.clone(),
            source,
        };
        for entry in std::fs::read_dir(directory).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            if entry
                .file_name()
                .to_str()
                .is_some_and(trust_set::is_generation)
            {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}
