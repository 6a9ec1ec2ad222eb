//! A set of trust anchors made of generations: one file each, old and new side by side, as long as
//! Webex may present a certificate from either.

use std::collections::BTreeSet;
use std::fmt;
use std::time::SystemTime;

use crate::domain::certs::date;
use crate::domain::certs::trust_diff::TrustDiff;
use crate::domain::certs::trust_file;
use crate::domain::certs::trust_file::Anchor;
use crate::domain::certs::trust_file::TrustFile;
use crate::domain::certs::trust_file::TrustRules;
use crate::domain::certs::trust_problem::TrustProblem;
use crate::domain::certs::trust_problem::TrustReason;
use crate::domain::ids::Fingerprint;

/// Most files of one set. Two generations are usual, four when they come split into root and
/// issuing; it bounds the signatures checked at a reload.
pub const MOST_FILES: usize = 16;

/// Whether a file of this name in a trust directory is a generation. A name that begins with a dot
/// is a file that is still being written, one that ends in `.retired` has been set aside.
#[must_use]
pub fn is_generation(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    !name.starts_with('.') && matches!(ending, Some("txt" | "pem"))
}

/// One file of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// The file's name, as the caller gave it.
    pub name: String,
    /// What it holds.
    pub file: TrustFile,
}

impl Generation {
    /// The latest start of its certificates: what makes one generation newer than another.
    #[must_use]
    pub fn born(&self) -> Option<SystemTime> {
        self.all().map(|anchor| anchor.facts.not_before).max()
    }

    /// Its anchors, those left out because of their dates too.
    pub fn all(&self) -> impl Iterator<Item = &Anchor> {
        self.file.anchors.iter().chain(&self.file.left_out)
    }
}

/// Generations that were judged together and found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustSet {
    generations: Vec<Generation>,
}

/// A problem and the file it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetProblem {
    /// The file's name; `None` when the set as a whole is meant.
    pub file: Option<String>,
    /// What is wrong.
    pub problem: TrustProblem,
}

impl fmt::Display for SetProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{file}: {}", self.problem),
            None => write!(f, "{}", self.problem),
        }
    }
}

impl TrustSet {
    /// Judges the files of a set, given as name and bytes. An issuing certificate may have its
    /// root in another file of the set.
    ///
    /// # Errors
    ///
    /// Every problem of every file.
    pub fn parse<N: AsRef<str>, B: AsRef<[u8]>>(
        files: &[(N, B)],
        now: SystemTime,
        rules: TrustRules,
    ) -> Result<Self, Vec<SetProblem>> {
        if files.is_empty() {
            return Err(vec![SetProblem::whole(TrustReason::EmptySet)]);
        }
        let generations = generations(files, now, rules)?;
        if generations.iter().all(|held| held.file.anchors.is_empty()) {
            return Err(vec![SetProblem::whole(TrustReason::NoneInDate)]);
        }
        Ok(Self { generations })
    }

    /// The same, but anchors outside of their dates are left out and may be all there are: the set
    /// then has none until one of them is good.
    ///
    /// # Errors
    ///
    /// Every problem of every file.
    pub fn parse_whenever<N: AsRef<str>, B: AsRef<[u8]>>(
        files: &[(N, B)],
        now: SystemTime,
    ) -> Result<Self, Vec<SetProblem>> {
        if files.is_empty() {
            return Err(vec![SetProblem::whole(TrustReason::EmptySet)]);
        }
        let generations = generations(files, now, TrustRules::live(true))?;
        Ok(Self { generations })
    }

    /// The generations, newest first.
    #[must_use]
    pub fn generations(&self) -> &[Generation] {
        &self.generations
    }

    /// The anchors to use, each once, the newest generation's first.
    pub fn anchors(&self) -> impl Iterator<Item = &Anchor> {
        let mut seen = BTreeSet::new();
        self.generations
            .iter()
            .flat_map(|generation| &generation.file.anchors)
            .filter(move |anchor| seen.insert(anchor.facts.fingerprint))
    }

    /// The generations that hold an anchor, newest first.
    pub fn generations_of(&self, anchor: Fingerprint) -> impl Iterator<Item = &Generation> {
        self.generations.iter().filter(move |generation| {
            generation
                .all()
                .any(|held| held.facts.fingerprint == anchor)
        })
    }

    /// The name of the generation that an anchor counts for: the newest one that holds it.
    #[must_use]
    pub fn generation_of(&self, anchor: Fingerprint) -> Option<&str> {
        self.generations_of(anchor)
            .next()
            .map(|generation| generation.name.as_str())
    }

    /// When the set must be judged again although no file changed: the next moment at which an
    /// anchor comes into or goes out of its dates. `None` when none lies ahead.
    #[must_use]
    pub fn next_change(&self, now: SystemTime) -> Option<SystemTime> {
        let now = date::to_unix(now);
        self.generations
            .iter()
            .flat_map(Generation::all)
            .flat_map(|anchor| {
                // The last second still counts, so the change comes with the next one.
                let end = date::to_unix(anchor.facts.not_after).saturating_add(1);
                [date::to_unix(anchor.facts.not_before), end]
            })
            .filter(|moment| *moment > now)
            .min()
            .and_then(date::from_unix)
    }

    /// What changes when `newer` takes the place of this set.
    #[must_use]
    pub fn diff(&self, newer: &Self) -> TrustDiff {
        TrustDiff::between(self.anchors(), newer.anchors())
    }
}

/// Judges files together, given as name and bytes, newest first. Unlike [`TrustSet::parse`] it is
/// content with no file, and with files that have no anchor within its dates.
///
/// # Errors
///
/// Every problem of every file.
pub fn generations<N: AsRef<str>, B: AsRef<[u8]>>(
    files: &[(N, B)],
    now: SystemTime,
    rules: TrustRules,
) -> Result<Vec<Generation>, Vec<SetProblem>> {
    if files.len() > MOST_FILES {
        return Err(vec![SetProblem::whole(TrustReason::TooManyFiles(
            MOST_FILES,
        ))]);
    }
    let bytes: Vec<&[u8]> = files.iter().map(|(_, bytes)| bytes.as_ref()).collect();
    let judged = trust_file::judge_all(&bytes, now, rules);
    let (mut generations, mut problems) = (Vec::new(), Vec::new());
    for ((name, _), judgement) in files.iter().zip(judged) {
        let name = name.as_ref().to_owned();
        match judgement.verdict {
            Ok(file) => generations.push(Generation { name, file }),
            Err(found) => problems.extend(found.into_iter().map(|problem| SetProblem {
                file: Some(name.clone()),
                problem,
            })),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    generations.sort_by(|one, other| {
        let key = |generation: &Generation| (generation.born(), generation.name.clone());
        key(other).cmp(&key(one))
    });
    Ok(generations)
}

impl SetProblem {
    /// Whether only the passing of time brings or heals it: the files need not change.
    #[must_use]
    pub const fn is_about_dates(&self) -> bool {
        matches!(
            self.problem.reason,
            TrustReason::Expired(_) | TrustReason::NoneInDate | TrustReason::NotYetValid(_)
        )
    }

    const fn whole(reason: TrustReason) -> Self {
        Self {
            file: None,
            problem: TrustProblem::whole(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::certs::mint;
    use crate::domain::certs::mint::Minted;
    use crate::domain::certs::mint::Webex;
    use crate::domain::certs::trust_diff::KeyChange;

    fn set(files: &[(&str, String)]) -> Result<TrustSet, Vec<SetProblem>> {
        TrustSet::parse(files, mint::now(), TrustRules::live(true))
    }

    fn names(set: &TrustSet) -> Vec<&str> {
        set.generations()
            .iter()
            .map(|generation| generation.name.as_str())
            .collect()
    }

    #[test]
    fn generations_stand_newest_first_whatever_their_names() {
        let (old, new) = (Webex::of(2021), Webex::of(2026));
        let set = set(&[("z-old", old.pem()), ("a-new", new.pem())]).unwrap();
        assert_eq!(names(&set), ["a-new", "z-old"]);
        assert_eq!(set.anchors().count(), 4);
        assert_eq!(set.generation_of(old.root.fingerprint()), Some("z-old"));
        assert_eq!(set.generation_of(Fingerprint::of(b"x")), None);
    }

    #[test]
    fn an_anchor_in_two_generations_counts_once_and_for_the_newest() {
        let old = Webex::of(2021);
        let newer = old
            .root
            .issue(mint::since(mint::ca("Internal Private TLS SubCA"), 2026));
        let new = format!("{}{}", old.root.pem(), newer.pem());
        let set = set(&[("2021", old.pem()), ("2026", new)]).unwrap();
        assert_eq!(set.anchors().count(), 3);
        assert_eq!(set.generation_of(old.root.fingerprint()), Some("2026"));
        let both: Vec<_> = set
            .generations_of(old.root.fingerprint())
            .map(|generation| generation.name.as_str())
            .collect();
        assert_eq!(both, ["2026", "2021"]);
    }

    #[test]
    fn a_root_may_stand_in_another_file_of_the_set() {
        let webex = Webex::of(2023);
        let split = [
            ("issuing2023.txt", webex.issuing.pem()),
            ("root2023.txt", webex.root.pem()),
        ];
        assert_eq!(set(&split).unwrap().anchors().count(), 2);
        let problems = set(&split[..1]).unwrap_err();
        assert_eq!(problems[0].file.as_deref(), Some("issuing2023.txt"));
        assert_eq!(problems[0].problem.reason.as_str(), "root-missing");
    }

    #[test]
    fn a_generation_that_ended_does_not_take_the_others_with_it() {
        let (over, current) = (Webex::of(2010), Webex::of(2023));
        let live = set(&[("over", over.pem()), ("current", current.pem())]).unwrap();
        assert_eq!(live.anchors().count(), 2);
        assert_eq!(names(&live), ["current", "over"]);
        let alone = set(&[("over", over.pem())]).unwrap_err();
        assert_eq!(
            alone[0].to_string().split(',').next(),
            Some("not one certificate is within its dates")
        );
    }

    #[test]
    fn a_set_has_at_least_one_file_and_at_most_sixteen() {
        let pem = Minted::root(mint::ca("x")).pem();
        let word = |files: &[(&str, String)]| set(files).unwrap_err()[0].problem.reason.as_str();
        assert_eq!(word(&[]), "empty-set");
        assert_eq!(word(&vec![("x", pem.clone()); 17]), "too-many-files");
        assert_eq!(set(&vec![("x", pem); 16]).unwrap().anchors().count(), 1);
    }

    #[test]
    fn the_next_change_is_the_next_start_or_the_second_after_an_end() {
        let (current, early) = (Webex::of(2023), Webex::of(2030));
        let set = set(&[("current", current.pem()), ("early", early.pem())]).unwrap();
        let text = |now| set.next_change(now).map(date::text);
        assert_eq!(
            text(mint::now()).as_deref(),
            Some("2030-01-01 00:00:00 UTC")
        );
        let second = Duration::from_secs(1);
        let start = set.next_change(mint::now()).unwrap();
        assert_eq!(text(start).as_deref(), Some("2033-01-01 00:00:01 UTC"));
        let end = set.next_change(start).unwrap();
        assert_eq!(
            text(end - second).as_deref(),
            Some("2033-01-01 00:00:01 UTC")
        );
        assert_eq!(text(end + second * 400_000_000), None);
    }

    #[test]
    fn a_diff_goes_by_fingerprint_and_flags_old_names_with_new_keys() {
        let (old, new) = (Webex::of(2021), Webex::of(2026));
        let before = set(&[("old", old.pem())]).unwrap();
        let after = set(&[("old", old.root.pem()), ("new", new.pem())]).unwrap();
        let diff = before.diff(&after);
        let prints = |anchors: &[Anchor]| -> Vec<_> {
            anchors
                .iter()
                .map(|anchor| anchor.facts.fingerprint)
                .collect()
        };
        assert_eq!(
            prints(&diff.added),
            [new.root.fingerprint(), new.issuing.fingerprint()]
        );
        assert_eq!(prints(&diff.removed), [old.issuing.fingerprint()]);
        assert_eq!(prints(&diff.kept), [old.root.fingerprint()]);
        let renamed: Vec<_> = diff
            .namesakes
            .iter()
            .map(|pair| (pair.old, pair.new))
            .collect();
        let expected = [
            (old.root.fingerprint(), new.root.fingerprint()),
            (old.issuing.fingerprint(), new.issuing.fingerprint()),
        ];
        assert_eq!(renamed, expected);
        assert!(diff.namesakes.iter().all(|pair| pair.key == KeyChange::New));
        assert!(!diff.is_empty() && after.diff(&after).is_empty());
    }
}
