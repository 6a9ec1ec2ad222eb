//! The one shape of every long-lived behaviour, so that one driver and one simulator serve all.

use std::time::Instant;
use std::time::SystemTime;

/// The time of an input: monotonic for waiting, wall clock for dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Never goes back; drives deadlines.
    pub mono: Instant,
    /// May jump; compared with certificate dates only.
    pub wall: SystemTime,
}

/// A state machine without I/O.
///
/// After every call the caller drains [`Machine::poll_action`] and asks for the next
/// [`Machine::deadline`]. Calls that come too early, or twice, change nothing.
pub trait Machine {
    /// What may happen to it.
    type Input;
    /// What it wants done.
    type Action;

    /// Takes one input.
    fn handle(&mut self, input: Self::Input, now: Now);

    /// Called when [`Machine::deadline`] has passed; too early or twice is a no-op.
    fn handle_timeout(&mut self, now: Now);

    /// When to call [`Machine::handle_timeout`] next.
    fn deadline(&self) -> Option<Instant>;

    /// The next thing to do, until `None`.
    fn poll_action(&mut self) -> Option<Self::Action>;

    /// Panics when the state contradicts itself; run by the simulator after every step and by
    /// the driver in debug builds.
    fn check_invariants(&self) {}
}
