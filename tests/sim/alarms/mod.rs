//! Alarms whose watchers change their minds, whose people acknowledge and silence at random, on a
//! clock that jumps, in a daemon that is killed at any moment and begins again from what was kept.
//!
//! After each step: the bound holds, no number comes twice, nothing is told twice, nobody is
//! reminded more than once a day, and nobody who should be is not.

mod outbox;
mod world;

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::panic::resume_unwind;
use std::time::Duration;

use super::Random;
use super::replay_seed;
use world::World;

fn explore(seeds: u64, run: impl Fn(&mut Random)) {
    let seeds = match replay_seed() {
        Some(seed) => seed..seed + 1,
        None => 0..seeds,
    };
    for seed in seeds {
        let outcome = catch_unwind(AssertUnwindSafe(|| run(&mut Random::new(seed))));
        if let Err(panic) = outcome {
            eprintln!("The simulation failed; replay it with XSPD_SIM_SEED={seed}");
            resume_unwind(panic);
        }
    }
}

#[test]
fn people_are_told_once_and_reminded_daily_whatever_watchers_clocks_and_crashes_do() {
    explore(120, |random| {
        let mut world = World::new(random);
        for _ in 0..400 {
            world.trouble();
        }
    });
}

#[test]
fn when_all_is_well_again_every_alarm_ends_and_nothing_is_left() {
    explore(40, |random| {
        let mut world = World::new(random);
        for _ in 0..200 {
            world.trouble();
        }
        world.all_is_well();
        world.wait(Duration::from_secs(5 * 24 * 3600));
        world.judge_the_end();
    });
}
