//! Flowthrough provisioning over real sockets.

mod adapter;
mod adapter_relay;
mod adapter_scene;
mod bad_input;
mod bridge_calls;
mod captures;
mod commands;
mod crash;
mod daemon_killed;
mod disk;
mod door;
mod imports;
mod lab_as;
mod made;
mod observed;
mod ops;
mod precheck;
mod storm;
mod strangers;
mod theatre;
mod unmapped;
mod webex;
mod webex_proxy;
