//! The desk against the lab's Application Server, over a real socket.

mod attacks;
mod caches;
mod issuing;
pub(crate) mod setup;
