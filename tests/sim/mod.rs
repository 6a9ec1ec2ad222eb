//! Runs any machine in virtual time from one seed: inputs and timeouts in random order, early, late
//! and twice, invariants after every step. A failure prints its seed; `XSPD_SIM_SEED=…` replays it.

mod alarms;
mod blf;
mod certs;
mod certs_over;
mod ci_session;
mod event_channel;
mod provisioning;
mod renewal;
mod upstream_health;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::panic::resume_unwind;
use std::time::Duration;
use std::time::SystemTime;

use xspd::domain::machine::Machine;
use xspd::domain::machine::Now;
use xspd::platform::clock;

/// What surrounds a machine: it makes inputs and judges actions.
pub(crate) trait World<M: Machine> {
    /// An input out of the blue, and how much time passes before it.
    fn surprise(&mut self, random: &mut Random, machine: &M) -> (Duration, M::Input);

    /// Sees an action; may answer with an input that arrives later. Panics when the action is
    /// wrong.
    fn act(
        &mut self,
        action: M::Action,
        now: Now,
        random: &mut Random,
    ) -> Option<(Duration, M::Input)>;

    /// Sees the machine after each step. Panics when something is wrong.
    fn judge(&mut self, machine: &M, now: Now);
}

/// One seeded run.
pub(crate) struct Simulator<M: Machine, W> {
    machine: M,
    world: W,
    random: Random,
    now: Now,
    /// Answers on their way, by time of arrival and order of sending.
    pending: BTreeMap<(std::time::Instant, u64), M::Input>,
    sent: u64,
}

impl<M: Machine, W: World<M>> Simulator<M, W>
where
    M::Input: Clone + Debug,
    M::Action: Debug,
{
    /// Runs `steps` steps for each of `seeds` seeds, as [`explore`] does.
    pub(crate) fn explore(seeds: u64, steps: usize, build: impl Fn(&mut Random, Now) -> (M, W)) {
        explore(seeds, |seed| {
            let mut random = Random::new(seed);
            let now = clock::now();
            let (machine, world) = build(&mut random, now);
            let mut simulator = Self {
                machine,
                world,
                random,
                now,
                pending: BTreeMap::new(),
                sent: 0,
            };
            for _ in 0..steps {
                simulator.step();
            }
        });
    }

    fn step(&mut self) {
        match self.random.below(10) {
            0..=3 => self.surprise(),
            4 => self.early(),
            5..=9 => self.wait(),
            more => unreachable!("{more} is not below 10"),
        }
    }

    fn surprise(&mut self) {
        let (after, input) = self.world.surprise(&mut self.random, &self.machine);
        self.pass(after);
        self.machine.handle(input, self.now);
        self.settle();
    }

    /// A timeout before its time must change nothing.
    fn early(&mut self) {
        if self.machine.deadline().is_some_and(|at| at > self.now.mono) {
            let before = self.machine.deadline();
            self.machine.handle_timeout(self.now);
            assert_eq!(
                self.machine.deadline(),
                before,
                "an early timeout moved the deadline"
            );
            let action = self.machine.poll_action();
            assert!(action.is_none(), "an early timeout led to {action:?}");
            self.settle();
        }
    }

    /// The next thing that is due happens, on time or late.
    fn wait(&mut self) {
        let answer = self.pending.keys().next().map(|(at, _)| *at);
        let deadline = self.machine.deadline();
        match (answer, deadline) {
            (Some(answer), deadline) if deadline.is_none_or(|deadline| answer < deadline) => {
                self.pass(answer.saturating_duration_since(self.now.mono));
                if let Some((_, input)) = self.pending.pop_first() {
                    self.machine.handle(input, self.now);
                }
                self.settle();
            }
            (_, Some(deadline)) => {
                let late = self.random.duration(Duration::from_millis(200));
                self.pass(deadline.saturating_duration_since(self.now.mono) + late);
                self.machine.handle_timeout(self.now);
                self.settle();
                self.machine.handle_timeout(self.now);
                let action = self.machine.poll_action();
                assert!(action.is_none(), "a second timeout led to {action:?}");
                self.settle();
            }
            (_, None) => {}
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now.mono += time;
        self.now.wall += time;
        // A wall clock may jump; nothing may depend on it but dates.
        if self.random.below(100) == 0 {
            self.now.wall =
                SystemTime::UNIX_EPOCH + self.random.duration(Duration::from_secs(1 << 31));
        }
    }

    fn settle(&mut self) {
        self.machine.check_invariants();
        while let Some(action) = self.machine.poll_action() {
            if let Some((after, input)) = self.world.act(action, self.now, &mut self.random) {
                self.sent += 1;
                self.pending
                    .insert((self.now.mono + after, self.sent), input);
            }
        }
        self.world.judge(&self.machine, self.now);
    }
}

/// Runs each of `seeds` seeds, or the one in `XSPD_SIM_SEED`.
pub(crate) fn explore(seeds: u64, mut run: impl FnMut(u64)) {
    let seeds = match replay_seed() {
        Some(seed) => seed..seed + 1,
        None => 0..seeds,
    };
    for seed in seeds {
        let outcome = catch_unwind(AssertUnwindSafe(|| run(seed)));
        if let Err(panic) = outcome {
            eprintln!("The simulation failed; replay it with XSPD_SIM_SEED={seed}");
            resume_unwind(panic);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a seed to replay is given by hand and is no part of the product's environment"
)]
fn replay_seed() -> Option<u64> {
    let text = std::env::var("XSPD_SIM_SEED").ok()?;
    let seed = text.parse().ok();
    assert!(seed.is_some(), "XSPD_SIM_SEED must be a number");
    seed
}

/// splitmix64: small, seeded, the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// Below `limit`, which must not be 0.
    pub(crate) const fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A small number, at most `limit`.
    pub(crate) fn count(&mut self, limit: u8) -> u32 {
        (0..limit).fold(0, |count, _| count + u32::from(self.below(2) == 0))
    }

    pub(crate) fn duration(&mut self, limit: Duration) -> Duration {
        let millis = limit.as_secs() * 1_000 + u64::from(limit.subsec_millis());
        Duration::from_millis(self.below(millis.max(1)))
    }
}
