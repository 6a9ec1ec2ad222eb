//! Flowthrough provisioning over real sockets.

mod adapter;
mod adapter_relay;
mod adapter_scene;
mod crash;
mod disk;
mod made;
mod ops;
mod theatre;
mod webex;
