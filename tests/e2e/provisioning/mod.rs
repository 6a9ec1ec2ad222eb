//! Flowthrough provisioning over real sockets.

mod adapter;
mod adapter_relay;
mod adapter_scene;
mod bridge_calls;
mod captures;
mod crash;
mod disk;
mod made;
mod observed;
mod ops;
mod theatre;
mod webex;
