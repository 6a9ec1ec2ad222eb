//! Decides. Values in, values out: nothing here reads a clock, a file or a socket, logs, spawns
//! or awaits. Time comes in as an argument, effects go out as values.
#![warn(clippy::wildcard_enum_match_arm)]

pub mod alarms;
pub mod auth;
pub mod blf;
pub mod certs;
pub mod check;
pub mod edge;
pub mod events;
pub mod ids;
pub mod line;
pub mod machine;
pub mod ocip;
pub mod ocir;
pub mod pattern;
pub mod percent;
pub mod provisioning;
pub mod shell;
pub mod upstream;
pub mod xsi;
