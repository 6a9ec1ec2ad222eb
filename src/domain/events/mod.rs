//! Xsi-Events: channels, the documents on their streams, and where each of them lives.
//!
//! * [`scanner`]: where documents begin and end in a stream of bytes.
//! * [`framing`]: whole documents out of a stream, for those who relay and those who read.
//! * [`peek`]: what little the relay wants to know of one document, without parsing it.
//! * [`names`]: the packages and types of events that are known.
//! * [`resource`]: which resource a path names.
//! * [`whereabouts`]: which XSP holds a channel, and which one sent an event.
//! * [`pulse`]: heartbeats of one channel and their echoes.
//! * [`crowd`]: how many channels each may have open.
//! * [`ending`]: how streams end.

pub mod crowd;
pub mod ending;
pub mod framing;
pub mod names;
pub mod peek;
pub mod pulse;
pub mod resource;
pub mod scanner;
pub mod whereabouts;

#[cfg(test)]
mod tests {
    use std::time::Instant;

    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs some moment to count from"
    )]
    pub(super) fn a_moment() -> Instant {
        Instant::now()
    }
}
