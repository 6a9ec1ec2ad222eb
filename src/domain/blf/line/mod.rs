//! How one monitored line stands (Xsi-Events field page, 4.4 and 4.5). The lamp is derived, never
//! stored; no snapshot, no lamp.

mod feed;
mod hear;
mod state;

pub use state::Heard;
pub use state::Line;
