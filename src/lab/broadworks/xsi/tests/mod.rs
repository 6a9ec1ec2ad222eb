//! The lab over a real socket.

mod behaviour;
mod calls;
mod channels;
mod farm;
mod faults;
mod replay;
mod services;
mod subscriptions;
mod wire;
