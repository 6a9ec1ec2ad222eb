//! What the operating system gives us: clock, tasks, files, and who runs us.

pub mod clock;
pub mod files;
mod leftovers;
pub mod operator;
pub mod ports;
pub mod tasks;
