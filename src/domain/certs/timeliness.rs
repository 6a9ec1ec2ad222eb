//! Which of two chains is presented when one of them is outside of its dates. To present it is better
//! than to present nothing: a clock may be wrong, some clients never look, and whoever must act is
//! told by the watch. What is in use and better never makes room for it.

use std::cmp::Reverse;
use std::time::SystemTime;

use crate::domain::certs::chain_problem::ChainProblem;
use crate::domain::certs::matter::Matter;

/// How a chain stands against its dates, the worst first: one that has ended, the later the better;
/// one that has not begun, the sooner the better; one that is good now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timeliness {
    /// One of its certificates ended then.
    Over(SystemTime),
    /// One of them begins only then; or the clock is behind.
    NotYet(Reverse<SystemTime>),
    /// All of them are in their dates.
    Good,
}

impl Timeliness {
    /// By what is wrong with a chain: its worst certificate counts.
    pub fn of<'a>(problems: impl IntoIterator<Item = &'a ChainProblem>) -> Self {
        let matters = problems.into_iter().map(ChainProblem::matter);
        let dates = matters.filter_map(|matter| match matter {
            Matter::End(end) => Some(Self::Over(end)),
            Matter::Start(start) => Some(Self::NotYet(Reverse(start))),
            Matter::Form | Matter::Server => None,
        });
        dates.min().unwrap_or(Self::Good)
    }
}

/// What is in use where a chain was read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InUse {
    /// Nothing: at a start, or in a new place.
    Nothing,
    /// Another chain.
    Other(Timeliness),
    /// The very same.
    Same,
}

/// What to do with a chain that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// What is in use is better and stays.
    Keep,
    /// It is presented.
    Take,
    /// It is presented although it is outside of its dates: nothing better is there.
    TakeOutOfDate,
}

/// Decides.
#[must_use]
pub fn choose(fresh: Timeliness, in_use: InUse) -> Choice {
    match (fresh, in_use) {
        (Timeliness::Good, InUse::Nothing | InUse::Other(_) | InUse::Same) => Choice::Take,
        (Timeliness::Over(_) | Timeliness::NotYet(_), InUse::Other(held)) if held > fresh => {
            Choice::Keep
        }
        (
            Timeliness::Over(_) | Timeliness::NotYet(_),
            InUse::Nothing | InUse::Other(_) | InUse::Same,
        ) => Choice::TakeOutOfDate,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::ExtendedKeyUsagePurpose;

    use super::*;
    use crate::domain::certs::chain;
    use crate::domain::certs::mint;
    use crate::domain::certs::mint::Minted;

    fn at(day: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(day * 86_400)
    }

    const fn begins(day: SystemTime) -> Timeliness {
        Timeliness::NotYet(Reverse(day))
    }

    #[test]
    fn what_is_better_stays_and_anything_is_better_than_nothing() {
        let (good, over) = (Timeliness::Good, Timeliness::Over(at(10)));
        for outside in [over, begins(at(30))] {
            assert_eq!(choose(outside, InUse::Nothing), Choice::TakeOutOfDate);
            assert_eq!(choose(outside, InUse::Same), Choice::TakeOutOfDate);
            assert_eq!(choose(outside, InUse::Other(good)), Choice::Keep);
            assert_eq!(
                choose(outside, InUse::Other(outside)),
                Choice::TakeOutOfDate
            );
            for in_use in [InUse::Nothing, InUse::Same, InUse::Other(outside)] {
                assert_eq!(choose(good, in_use), Choice::Take);
            }
        }
        // Of two that ended the later one, of two that have not begun the sooner one; and one that
        // begins before one that is over for good.
        let worse = [
            (over, Timeliness::Over(at(11))),
            (begins(at(30)), begins(at(29))),
            (over, begins(at(30))),
        ];
        for (bad, better) in worse {
            assert_eq!(choose(bad, InUse::Other(better)), Choice::Keep);
            assert_eq!(choose(better, InUse::Other(bad)), Choice::TakeOutOfDate);
        }
    }

    #[test]
    fn the_worst_certificate_of_the_way_counts_and_no_other() {
        let root = Minted::root(mint::ca("Root"));
        let issuing = root.issue(mint::since(mint::ca("Issuing"), 2010));
        let leaf = |year| {
            let params = mint::leaf("xsp.example.com", ExtendedKeyUsagePurpose::ServerAuth);
            issuing.issue(mint::since(params, year)).der
        };
        let of =
            |chain: &[&[u8]]| Timeliness::of(&chain::judge(chain, &["*"], mint::now()).problems);
        let ended = Timeliness::Over(rcgen::date_time_ymd(2020, 1, 1).into());
        assert_eq!(of(&[&leaf(2023), &issuing.der]), ended);
        assert_eq!(of(&[&leaf(2028), &issuing.der]), ended);
        let good = root.issue(mint::leaf("a.test", ExtendedKeyUsagePurpose::ServerAuth));
        assert_eq!(of(&[&good.der, &root.der, &issuing.der]), Timeliness::Good);
    }
}
