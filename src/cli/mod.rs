//! The command line: one file per verb.

pub mod check_config;
pub mod config;
pub mod console;
pub mod exit;
pub mod lab;

pub use console::Console;
pub use exit::Exit;
