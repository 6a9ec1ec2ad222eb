//! What every request sees of an upstream's health, and the one probe of a probation.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering;

use crate::domain::upstream::health::Change;

/// The health as last announced: written by the machine's worker, read by every request.
#[derive(Default)]
pub(super) struct Standing {
    level: AtomicU8,
    probing: AtomicBool,
}

/// Whether a request may come in.
pub(super) enum Entry {
    /// Its health asks for no care.
    Open,
    /// As the one probe of a probation; the request must tell [`Standing::probe_ended`].
    Probe,
    /// Another request is the probe.
    Taken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Up,
    Probation,
    Out,
}

impl Level {
    const fn of(byte: u8) -> Self {
        match byte {
            0 => Self::Up,
            1 => Self::Probation,
            _ => Self::Out,
        }
    }
}

impl Standing {
    /// Publishes what was announced.
    pub(super) fn set(&self, change: Change) {
        let level = match change {
            Change::Down(_) | Change::Ejected(_) => Level::Out,
            Change::Probation => Level::Probation,
            Change::Up => Level::Up,
        };
        self.level.store(level as u8, Ordering::Relaxed);
    }

    /// Whether it is in use, if only on probation.
    pub(super) fn is_fit(&self) -> bool {
        self.level() != Level::Out
    }

    /// Whether the next request may go to it.
    pub(super) fn takes_requests(&self) -> bool {
        match self.level() {
            Level::Up => true,
            Level::Probation => !self.probing.load(Ordering::Relaxed),
            Level::Out => false,
        }
    }

    /// A request goes to it.
    pub(super) fn enter(&self) -> Entry {
        match self.level() {
            Level::Out | Level::Up => Entry::Open,
            Level::Probation if self.probing.swap(true, Ordering::Relaxed) => Entry::Taken,
            Level::Probation => Entry::Probe,
        }
    }

    /// The probe has its answer, or was given up.
    pub(super) fn probe_ended(&self) {
        self.probing.store(false, Ordering::Relaxed);
    }

    fn level(&self) -> Level {
        Level::of(self.level.load(Ordering::Relaxed))
    }
}
