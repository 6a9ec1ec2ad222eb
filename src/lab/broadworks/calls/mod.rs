//! Calls: an engine that decides, and a desk that runs it on real time and writes call logs and
//! voice messages into the directory.

mod arrive;
mod check;
pub mod command;
pub mod conference;
mod desk;
mod dialling;
mod half;
pub mod leg;
mod machine;
mod offered;
mod outside;
mod park;
pub mod party;
mod place;
mod record;
mod release;
mod services;
mod shown;
mod talk;
mod transfer;
mod view;
mod voice_mail;

#[cfg(test)]
pub(in crate::lab::broadworks) mod tests;

pub(super) use desk::CallDesk;
pub(super) use desk::run_timers;
pub use machine::Calls;
pub(super) use services::setting as service_setting;
