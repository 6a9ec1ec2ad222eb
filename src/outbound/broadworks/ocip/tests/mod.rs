//! The client against a fake Application Server that does what its script says.

mod fake;
mod faults;
mod login;
mod requests;
mod setup;
mod spread;
mod tls;
