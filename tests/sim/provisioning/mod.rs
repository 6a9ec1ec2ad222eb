//! Provisioning with a Webex that is slow, loses calls and answers, limits, refuses and waits for
//! people, and a daemon that is killed at any moment and begins again from what was saved.
//!
//! After each step: no user has two subscribers, no customer two first users at once, no more calls
//! than allowed, nothing left that was not written down. In the end: what is, is what was wished
//! for last. `SIM_SEEDS` says how many runs there are; single ways stand in `cases`.

mod cases;
mod store;
mod webex;
mod world;

use super::Random;
use super::explore;
use world::World;

/// `SIM_SEEDS=10000` runs more of them than the suite has time for.
#[expect(
    clippy::disallowed_methods,
    reason = "how long to search is chosen by hand and is no part of the product's environment"
)]
fn asked_or(seeds: u64) -> u64 {
    let asked = std::env::var("SIM_SEEDS").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(seeds)
}

#[test]
fn what_is_wished_for_last_is_what_becomes_whatever_fails_and_crashes() {
    explore(asked_or(250), |seed| {
        let mut random = Random::new(seed);
        let mut world = World::new(&mut random, 6);
        for _ in 0..50 {
            world.trouble();
        }
        world.calm_down();
        world.judge_the_end();
    });
}

#[test]
fn a_hundred_assignments_at_once_make_one_organisation_with_one_first_user() {
    explore(asked_or(10), |seed| {
        let mut random = Random::new(seed);
        let mut world = World::new(&mut random, 100);
        world.assign_all();
        for _ in 0..20 {
            world.trouble();
        }
        world.calm_down();
        world.judge_the_end();
    });
}
