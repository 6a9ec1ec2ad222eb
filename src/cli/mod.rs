//! The command line: one file per verb.

pub mod console;
pub mod exit;
pub mod trust;

pub use console::Console;
pub use exit::Exit;
