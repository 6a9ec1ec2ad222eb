//! Busy lamps: our own subscriber of call events, and the board that it keeps.
//!
//! * [`BlfBoard`]: the handle for everybody else.
//! * [`notice`]: what watchers are told, and how it reaches a reader.
//! * [`view`]: what operators see.

mod board;
mod node;
pub mod notice;
pub mod view;

pub use board::BlfBoard;
pub use board::BoardError;
pub use board::Picked;
pub use board::Pickup;
pub use board::PickupFailure;
pub use board::Subscription;
pub use board::WatchOptions;
pub use notice::Notice;
pub use notice::NoticeKind;
pub use notice::Notices;
pub use notice::Shown;
