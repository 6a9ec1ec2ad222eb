//! The tracker before a fake farm of XSPs.

mod channels;
mod fake;
mod lines;
mod readers;
mod setup;
