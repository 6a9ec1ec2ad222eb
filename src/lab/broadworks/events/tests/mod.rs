//! The event service by itself, with the time as an argument; over HTTP it is tried in
//! `xsi::tests`.

mod bench;
mod channels;
mod contacts;
mod delivery;
mod documents;
mod payloads;
mod random;
mod subscriptions;
