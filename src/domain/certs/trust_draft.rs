//! Reading a trust file: from blocks to candidates, from candidates to anchors.

use std::collections::BTreeSet;
use std::time::SystemTime;

use crate::domain::certs::facts;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::facts::Validity;
use crate::domain::certs::pem;
use crate::domain::certs::signature::Signed;
use crate::domain::certs::trust_file::Anchor;
use crate::domain::certs::trust_file::Judgement;
use crate::domain::certs::trust_file::LARGEST;
use crate::domain::certs::trust_file::Listed;
use crate::domain::certs::trust_file::MOST_BLOCKS;
use crate::domain::certs::trust_file::OutOfDate;
use crate::domain::certs::trust_file::Role;
use crate::domain::certs::trust_file::TrustFile;
use crate::domain::certs::trust_file::TrustRules;
use crate::domain::certs::trust_flaws::Standing;
use crate::domain::certs::trust_flaws::flaws;
use crate::domain::certs::trust_flaws::remarks;
use crate::domain::certs::trust_flaws::standing;
use crate::domain::certs::trust_problem::NoCertificate;
use crate::domain::certs::trust_problem::NotACertificate;
use crate::domain::certs::trust_problem::Place;
use crate::domain::certs::trust_problem::TrustProblem;
use crate::domain::certs::trust_problem::TrustReason;
use crate::domain::certs::trust_remark::Remark;
use crate::domain::certs::trust_remark::TrustNote;

/// A file in the making.
pub(super) struct Draft {
    candidates: Vec<Candidate>,
    problems: Vec<TrustProblem>,
    notes: Vec<TrustNote>,
}

/// A certificate in the making.
struct Candidate {
    block: usize,
    der: Vec<u8>,
    facts: CertificateFacts,
    standing: Standing,
}

impl Draft {
    pub(super) fn read(bytes: &[u8], now: SystemTime, rules: TrustRules) -> Self {
        let mut draft = Self {
            candidates: Vec::new(),
            problems: Vec::new(),
            notes: Vec::new(),
        };
        if bytes.len() > LARGEST {
            draft
                .problems
                .push(TrustProblem::whole(TrustReason::TooLarge(LARGEST)));
            return draft;
        }
        let blocks = pem::blocks(bytes, MOST_BLOCKS + 1);
        if blocks.is_empty() {
            draft.problems.push(TrustProblem::whole(no_block(bytes)));
        }
        if blocks.len() > MOST_BLOCKS {
            draft
                .problems
                .push(TrustProblem::whole(TrustReason::TooManyBlocks(MOST_BLOCKS)));
        }
        for (number, block) in (1..).zip(blocks).take(MOST_BLOCKS) {
            draft.take(number, block, now, rules);
        }
        // A key behind the last block that was read, or in a block whose marks are broken.
        let told = |problem: &TrustProblem| problem.reason == TrustReason::PrivateKey;
        if holds_a_key(bytes) && !draft.problems.iter().any(told) {
            draft
                .problems
                .push(TrustProblem::whole(TrustReason::PrivateKey));
        }
        draft
    }

    fn take(&mut self, number: usize, block: pem::Block, now: SystemTime, rules: TrustRules) {
        let nameless = |reason| TrustProblem {
            reason,
            place: Some(Place {
                block: number,
                subject: None,
            }),
        };
        if block.label.ends_with("PRIVATE KEY") {
            self.problems.push(nameless(TrustReason::PrivateKey));
            return;
        }
        if block.label != "CERTIFICATE" && block.label != "X509 CERTIFICATE" {
            let why = NotACertificate::Label(block.label);
            self.problems
                .push(nameless(TrustReason::NotACertificate(why)));
            return;
        }
        let der = match block.content {
            Ok(der) => der,
            Err(damage) => {
                self.problems
                    .push(nameless(TrustReason::DamagedBlock(damage)));
                return;
            }
        };
        match CertificateFacts::parse(&der) {
            Ok(facts) => self.add(number, der, facts, now, rules),
            Err(bad) => {
                let why = NotACertificate::Content(bad);
                self.problems
                    .push(nameless(TrustReason::NotACertificate(why)));
            }
        }
    }

    fn add(
        &mut self,
        block: usize,
        der: Vec<u8>,
        facts: CertificateFacts,
        now: SystemTime,
        rules: TrustRules,
    ) {
        let place = Place {
            block,
            subject: Some(facts.subject.clone()),
        };
        let same = |held: &&Candidate| held.facts.fingerprint == facts.fingerprint;
        if let Some(first) = self.candidates.iter().find(same) {
            let remark = Remark::Duplicate(first.block);
            self.notes.push(TrustNote { remark, place });
            return;
        }
        let namesake = self.candidates.iter().find(|held| {
            held.facts.subject_der == facts.subject_der
                && held.facts.spki_sha256 != facts.spki_sha256
        });
        if let Some(namesake) = namesake {
            let remark = Remark::SameNameOtherKey(namesake.facts.fingerprint);
            let place = place.clone();
            self.notes.push(TrustNote { remark, place });
        }
        let standing = standing(&facts);
        let reasons = flaws(&facts, standing, now, rules);
        self.problems
            .extend(reasons.into_iter().map(|reason| TrustProblem {
                reason,
                place: Some(place.clone()),
            }));
        self.notes.extend(
            remarks(&facts, standing, now, rules)
                .into_iter()
                .map(|remark| TrustNote {
                    remark,
                    place: place.clone(),
                }),
        );
        self.candidates.push(Candidate {
            block,
            der,
            facts,
            standing,
        });
    }

    /// Puts the certificates that `issuer` signed under it and says which ones they are.
    fn adopt(&mut self, issuer: &[u8], facts: &CertificateFacts) -> Vec<usize> {
        let mut adopted = Vec::new();
        for (nth, candidate) in self.candidates.iter_mut().enumerate() {
            let fits = candidate.standing == Standing::Loose
                && candidate.facts.issuer_der == facts.subject_der;
            let signed = if fits {
                facts::signed_by(&candidate.der, issuer)
            } else {
                Signed::No
            };
            match signed {
                Signed::No => continue,
                Signed::Yes => {}
                // A weak signature or a weak issuer is a problem of its own, told already.
                Signed::CannotTell if candidate.facts.signature.weak() => {}
                Signed::CannotTell if !facts.key.is_strong() => {}
                Signed::CannotTell => {
                    let algorithm = candidate.facts.signature.clone();
                    let reason = TrustReason::UnsupportedSignature(algorithm);
                    self.problems.push(candidate.problem(reason));
                }
            }
            candidate.standing = Standing::Under(facts.fingerprint);
            adopted.push(nth);
        }
        adopted
    }

    pub(super) fn judge(mut self, now: SystemTime, rules: TrustRules) -> Judgement {
        let certificates = self.candidates.iter().map(Candidate::listed).collect();
        let (mut anchors, mut left_out) = (Vec::new(), Vec::new());
        for candidate in self.candidates {
            let in_date = candidate.facts.validity_at(now) == Validity::Now;
            let Some(anchor) = candidate.anchor() else {
                continue;
            };
            if in_date || rules.out_of_date != OutOfDate::LeaveOut {
                anchors.push(anchor);
            } else {
                left_out.push(anchor);
            }
        }
        let verdict = if self.problems.is_empty() {
            Ok(TrustFile {
                anchors,
                left_out,
                notes: self.notes,
            })
        } else {
            let first_block =
                |problem: &TrustProblem| problem.place.as_ref().map_or(0, |place| place.block);
            self.problems.sort_by_key(first_block);
            Err(self.problems)
        };
        Judgement {
            certificates,
            verdict,
        }
    }
}

impl Candidate {
    fn listed(&self) -> Listed {
        Listed {
            block: self.block,
            role: self.role(),
            facts: self.facts.clone(),
        }
    }

    fn problem(&self, reason: TrustReason) -> TrustProblem {
        TrustProblem {
            reason,
            place: Some(Place {
                block: self.block,
                subject: Some(self.facts.subject.clone()),
            }),
        }
    }

    /// Why none of the CAs that lead to a root is the signer; `names` are their subjects.
    fn why_loose(&self, names: &BTreeSet<Vec<u8>>) -> TrustReason {
        let facts = &self.facts;
        if names.contains(&facts.issuer_der) {
            TrustReason::IssuerKeyDiffers
        } else if facts.self_issued {
            TrustReason::BadSelfSignature
        } else {
            TrustReason::RootMissing(facts.issuer.clone())
        }
    }

    const fn role(&self) -> Option<Role> {
        match self.standing {
            Standing::Leaf | Standing::Loose => None,
            Standing::Root => Some(Role::Root),
            Standing::Under(_) => Some(Role::Issuing),
        }
    }

    fn anchor(self) -> Option<Anchor> {
        let (role, issued_by) = match self.standing {
            Standing::Leaf | Standing::Loose => return None,
            Standing::Root => (Role::Root, self.facts.fingerprint),
            Standing::Under(issuer) => (Role::Issuing, issuer),
        };
        Some(Anchor {
            der: self.der,
            facts: self.facts,
            role,
            issued_by,
        })
    }
}

/// Finds the way from every CA up to a root, over all files. Each pair of certificates is tried
/// once at most.
pub(super) fn link(drafts: &mut [Draft]) {
    let mut settled: Vec<(usize, usize)> = Vec::new();
    for (file, draft) in drafts.iter().enumerate() {
        for (nth, candidate) in draft.candidates.iter().enumerate() {
            if candidate.standing == Standing::Root {
                settled.push((file, nth));
            }
        }
    }
    let mut next = 0;
    while let Some((file, nth)) = settled.get(next).copied() {
        next += 1;
        let Some(issuer) = drafts.get(file).and_then(|draft| draft.candidates.get(nth)) else {
            continue;
        };
        let (der, facts) = (issuer.der.clone(), issuer.facts.clone());
        for (file, draft) in drafts.iter_mut().enumerate() {
            for nth in draft.adopt(&der, &facts) {
                settled.push((file, nth));
            }
        }
    }
    report_loose(drafts);
}

/// Says of each CA that leads to no root why it does not.
fn report_loose(drafts: &mut [Draft]) {
    let names: BTreeSet<Vec<u8>> = drafts
        .iter()
        .flat_map(|draft| &draft.candidates)
        .filter(|candidate| candidate.role().is_some())
        .map(|candidate| candidate.facts.subject_der.clone())
        .collect();
    for draft in drafts {
        let loose = draft
            .candidates
            .iter()
            .filter(|candidate| candidate.standing == Standing::Loose);
        let problems = loose.map(|candidate| candidate.problem(candidate.why_loose(&names)));
        draft.problems.extend(problems);
    }
}

/// Says why a text without PEM blocks has none.
fn no_block(bytes: &[u8]) -> TrustReason {
    let start: Vec<u8> = bytes
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .take(64)
        .collect();
    let html = [b"<!".as_slice(), b"<html", b"<HTML", b"<?xml"];
    if start.is_empty() || start == *b"\xef\xbb\xbf" {
        TrustReason::EmptyFile
    } else if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        TrustReason::NoCertificate(NoCertificate::Utf16)
    } else if CertificateFacts::parse(bytes).is_ok() {
        TrustReason::NoCertificate(NoCertificate::Der)
    } else if html.iter().any(|mark| start.starts_with(mark)) {
        TrustReason::NoCertificate(NoCertificate::Html)
    } else {
        TrustReason::NoCertificate(NoCertificate::NoBlock)
    }
}

fn holds_a_key(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"PRIVATE KEY-----").is_some()
}
