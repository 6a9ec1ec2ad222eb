//! What goes on by itself.

pub mod drive;
