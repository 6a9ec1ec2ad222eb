//! The load of Xsi-Events: streams that stay, events on them, heartbeats and acknowledgements
//! beside them.

mod channel;
mod documents;
pub(crate) mod drive;
pub(crate) mod upstream;
