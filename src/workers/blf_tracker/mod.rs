//! Busy lamps: our own subscriber of call events, and the board that it keeps.
//!
//! * [`BlfTracker`]: starts the task, changes its settings, ends it.
//! * [`BlfBoard`]: the handle for everybody else.
//! * `tracker`: the task; what it decides is in [`crate::domain::blf::tracker`].
//! * `stream`, `requests`: its tasks towards the XSPs, which report back.
//! * `sessions`, [`notice`]: what watchers are told, and how it reaches a reader.
//! * [`view`]: what operators see.

mod board;
mod node;
pub mod notice;
mod pickup;
mod reads;
mod report;
mod requests;
mod sessions;
mod start;
mod stream;
mod tap;
#[cfg(test)]
mod tests;
mod tracker;
pub mod view;

pub use board::BlfBoard;
pub use board::BoardError;
pub use board::Picked;
pub use board::Pickup;
pub use board::PickupFailure;
pub use board::Subscription;
pub use board::WatchOptions;
pub use node::NodeError;
pub use notice::Notice;
pub use notice::NoticeKind;
pub use notice::Notices;
pub use notice::Shown;
pub use start::BlfError;
pub use start::BlfSettings;
pub use start::BlfTracker;
pub use start::series;
