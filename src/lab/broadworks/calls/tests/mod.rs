//! The engine on virtual time, over the seeded directory.

pub(in crate::lab::broadworks) mod bench;
mod random;
mod record;
mod services;
mod talking;
