//! Alarms whose watchers change their minds, whose people acknowledge and silence at random, on a
//! clock that jumps, in a daemon that is killed at any moment and begins again from what was kept.
//!
//! After each step: the bound holds, no number comes twice, nothing is told twice, nobody is
//! reminded more than once a day, and nobody who should be is not.

mod outbox;
mod world;

use std::time::Duration;

use super::Random;
use super::explore;
use world::World;

#[test]
fn people_are_told_once_and_reminded_daily_whatever_watchers_clocks_and_crashes_do() {
    explore(120, |seed| {
        let mut random = Random::new(seed);
        let mut world = World::new(&mut random);
        for _ in 0..400 {
            world.trouble();
        }
    });
}

#[test]
fn when_all_is_well_again_every_alarm_ends_and_nothing_is_left() {
    explore(40, |seed| {
        let mut random = Random::new(seed);
        let mut world = World::new(&mut random);
        for _ in 0..200 {
            world.trouble();
        }
        world.all_is_well();
        world.wait(Duration::from_secs(5 * 24 * 3600));
        world.judge_the_end();
    });
}
