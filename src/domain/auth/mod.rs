//! Who is calling.

pub mod identity;
