//! What the operating system gives us: clock, tasks, files.

pub mod clock;
pub mod files;
mod leftovers;
pub mod ports;
pub mod tasks;
