//! Flowthrough provisioning over real sockets.

mod adapter;
mod adapter_relay;
mod adapter_scene;
