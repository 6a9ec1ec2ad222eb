//! Flowthrough provisioning.

mod crash;
mod disk;
mod made;
mod webex;
