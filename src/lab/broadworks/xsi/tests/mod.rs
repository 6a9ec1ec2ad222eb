//! The lab over a real socket.

mod behaviour;
mod calls;
mod replay;
mod services;
mod wire;
