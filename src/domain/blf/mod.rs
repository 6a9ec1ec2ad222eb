//! Busy lamps: readings of events, and what surrounds the board.
//!
//! * [`outbox`]: notifications on their way to a receiver that may be away.
//! * [`requirements`]: what must be in place before any of it works.

pub mod outbox;
pub mod reading;
pub mod requirements;
