//! What is known about an upstream, and which one gets a request. Pure: the pools in `outbound`
//! tell it what happened and carry out what it decides.

pub mod choice;
pub mod failure;
pub mod health;

pub use failure::Failure;
