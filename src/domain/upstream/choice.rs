//! Which upstream of a pool gets a request.
//!
//! Without a key the one with the fewest requests in flight. With a key (the user) rendezvous
//! hashing: every node of a farm and every restart comes to the same choice without a table, and
//! when an upstream is lost only its own users move, spread over all the others, and come back
//! with it.

/// One upstream as the choice sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Place in the pool.
    pub index: usize,
    /// Whether its health lets it have this request.
    pub eligible: bool,
    /// Requests that it is working on for us.
    pub in_flight: u32,
    /// [`seed_of`] its name.
    pub seed: u64,
}

/// The chosen upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Place in the pool.
    pub index: usize,
    /// What the choice rests on.
    pub ground: Ground,
}

/// What a choice rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// It is fit.
    Fit,
    /// None is fit, so all are tried: a broken health check must never lock everybody out.
    LastResort,
}

/// Chooses among `candidates`; `None` only when there are none.
///
/// `turn` is a place in the pool that moves on with each call, so that idle upstreams of a quiet
/// pool take turns.
#[must_use]
pub fn choose<I>(candidates: I, key: Option<u64>, turn: usize) -> Option<Choice>
where
    I: Iterator<Item = Candidate> + Clone,
{
    let fit = candidates.clone().filter(|candidate| candidate.eligible);
    best(fit, key, turn)
        .map(|index| Choice {
            index,
            ground: Ground::Fit,
        })
        .or_else(|| {
            best(candidates, key, turn).map(|index| Choice {
                index,
                ground: Ground::LastResort,
            })
        })
}

fn best(
    candidates: impl Iterator<Item = Candidate>,
    key: Option<u64>,
    turn: usize,
) -> Option<usize> {
    let chosen = match key {
        Some(key) => candidates.max_by_key(|candidate| mix(candidate.seed ^ key)),
        None => candidates.min_by_key(|candidate| {
            let after_the_turn = candidate.index < turn;
            (candidate.in_flight, after_the_turn, candidate.index)
        }),
    };
    chosen.map(|candidate| candidate.index)
}

/// A number from an upstream's name (FNV-1a), the same on every node and after every restart.
#[must_use]
pub fn seed_of(name: &str) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let hash = name.bytes().fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    });
    mix(hash)
}

/// The finalizer of splitmix64: every bit of the input moves about half of the output's.
const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidates(eligible: &[bool], in_flight: &[u32]) -> Vec<Candidate> {
        eligible
            .iter()
            .zip(in_flight)
            .enumerate()
            .map(|(index, (eligible, in_flight))| Candidate {
                index,
                eligible: *eligible,
                in_flight: *in_flight,
                seed: seed_of(&format!("xsp{index}")),
            })
            .collect()
    }

    fn pick(pool: &[Candidate], key: Option<u64>, turn: usize) -> Option<(usize, Ground)> {
        choose(pool.iter().copied(), key, turn).map(|choice| (choice.index, choice.ground))
    }

    #[test]
    fn without_a_key_the_least_busy_fit_one_wins() {
        type Row = (&'static [bool], &'static [u32], usize, (usize, Ground));
        let table: [Row; 6] = [
            (&[true, true], &[3, 1], 0, (1, Ground::Fit)),
            (&[true, false], &[3, 1], 0, (0, Ground::Fit)),
            (&[true, true, true], &[0, 0, 0], 0, (0, Ground::Fit)),
            (&[true, true, true], &[0, 0, 0], 2, (2, Ground::Fit)),
            (&[true, true, false], &[1, 1, 0], 2, (0, Ground::Fit)),
            (&[false, false], &[5, 4], 0, (1, Ground::LastResort)),
        ];
        for (eligible, in_flight, turn, choice) in table {
            let pool = candidates(eligible, in_flight);
            assert_eq!(
                pick(&pool, None, turn),
                Some(choice),
                "{eligible:?} {in_flight:?} {turn}"
            );
        }
    }

    #[test]
    fn an_empty_pool_has_no_choice() {
        assert_eq!(pick(&[], None, 0), None);
        assert_eq!(pick(&[], Some(1), 0), None);
    }

    #[test]
    fn a_users_choice_ignores_load_and_turn() {
        let calm = candidates(&[true; 4], &[0; 4]);
        let busy = candidates(&[true; 4], &[9, 0, 7, 3]);
        for key in 0..100 {
            assert_eq!(pick(&calm, Some(key), 0), pick(&busy, Some(key), 3));
        }
    }

    #[test]
    fn users_spread_evenly_and_so_do_those_of_a_lost_upstream() {
        let all = candidates(&[true; 4], &[0; 4]);
        let lost = candidates(&[true, false, true, true], &[0; 4]);
        let mut before = [0_u32; 4];
        let mut moved = [0_u32; 4];
        for user in 0..8_000_u64 {
            let key = seed_of(&format!("user{user}@example.com"));
            let (first, _) = pick(&all, Some(key), 0).unwrap();
            before[first] += 1;
            if first == 1 {
                let (second, _) = pick(&lost, Some(key), 0).unwrap();
                moved[second] += 1;
            }
        }
        for count in before {
            assert!((1_800..2_200).contains(&count), "{before:?}");
        }
        assert_eq!(moved[1], 0);
        for count in [moved[0], moved[2], moved[3]] {
            assert!((550..780).contains(&count), "{moved:?}");
        }
    }

    proptest! {
        #[test]
        fn losing_an_upstream_moves_only_its_own_users(
            size in 2_usize..12,
            gone in 0_usize..12,
            key: u64,
        ) {
            let gone = gone % size;
            let all = candidates(&vec![true; size], &vec![0; size]);
            let mut fit = vec![true; size];
            fit[gone] = false;
            let without = candidates(&fit, &vec![0; size]);
            let (before, _) = pick(&all, Some(key), 0).unwrap();
            let (after, ground) = pick(&without, Some(key), 0).unwrap();
            prop_assert_eq!(ground, Ground::Fit);
            prop_assert_ne!(after, gone);
            if before != gone {
                prop_assert_eq!(before, after);
            }
        }

        #[test]
        fn a_choice_is_fit_whenever_any_is_fit(
            pool in proptest::collection::vec((any::<bool>(), 0_u32..5), 1..12),
            key in proptest::option::of(any::<u64>()),
            turn in 0_usize..12,
        ) {
            let (fit, load): (Vec<bool>, Vec<u32>) = pool.into_iter().unzip();
            let all = candidates(&fit, &load);
            let (index, ground) = pick(&all, key, turn).unwrap();
            if fit.contains(&true) {
                prop_assert!(fit[index]);
                prop_assert_eq!(ground, Ground::Fit);
            } else {
                prop_assert_eq!(ground, Ground::LastResort);
            }
        }
    }
}
