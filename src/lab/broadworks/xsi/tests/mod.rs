//! The lab over a real socket.

mod behaviour;
mod replay;
mod services;
mod wire;
