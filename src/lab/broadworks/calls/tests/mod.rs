//! The engine on virtual time, over the seeded directory.

mod bench;
mod random;
mod record;
mod services;
mod talking;
