//! What follows from the loss of a channel.

use std::time::Duration;

use crate::domain::events::channel::Alarm;
use crate::domain::events::channel::LostReason;
use crate::domain::events::channel::acks::Trouble;
use crate::domain::events::channel::shared::LONGEST_PAUSE;
use crate::domain::events::channel::shared::Shared;
use crate::domain::events::document::TerminatedReason;

/// The pause before another opening; `None`: never again.
pub(super) fn pause_after(
    reason: &LostReason,
    failures: u32,
    shared: &mut Shared<'_>,
) -> Option<Duration> {
    match reason {
        LostReason::Drained | LostReason::Terminated(TerminatedReason::UserDeleted) => None,
        LostReason::Denied | LostReason::Terminated(TerminatedReason::DuplicateChannelSet) => {
            Some(LONGEST_PAUSE + shared.below(LONGEST_PAUSE / 2))
        }
        LostReason::Terminated(TerminatedReason::Expired) if failures <= 1 => Some(Duration::ZERO),
        LostReason::XspsChanged => Some(Duration::ZERO),
        LostReason::AcksFailing
        | LostReason::AcksOverflow
        | LostReason::BufferedStream
        | LostReason::HeartbeatFailed
        | LostReason::HeartbeatRefused
        | LostReason::Io
        | LostReason::NoChannel
        | LostReason::Redirects
        | LostReason::Refused(_)
        | LostReason::StreamEnded
        | LostReason::Terminated(
            TerminatedReason::ExplicitDelete
            | TerminatedReason::Expired
            | TerminatedReason::NonResponsiveChannel
            | TerminatedReason::Other(_)
            | TerminatedReason::UnknownChannel,
        ) => Some(shared.pause(failures)),
    }
}

impl LostReason {
    pub(super) const fn of_trouble(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Failing => Self::AcksFailing,
            Trouble::Overflow => Self::AcksOverflow,
        }
    }
}

/// Whether an operator must look.
pub(super) const fn alarm_of(reason: &LostReason) -> Option<Alarm> {
    match reason {
        LostReason::BufferedStream => Some(Alarm::BufferedStream),
        LostReason::Denied => Some(Alarm::Denied),
        LostReason::Terminated(TerminatedReason::DuplicateChannelSet) => {
            Some(Alarm::DuplicateChannelSet)
        }
        LostReason::Terminated(TerminatedReason::NonResponsiveChannel) => {
            Some(Alarm::NonResponsiveChannel)
        }
        LostReason::Terminated(TerminatedReason::UnknownChannel) => Some(Alarm::UnknownChannel),
        LostReason::Terminated(TerminatedReason::UserDeleted) => Some(Alarm::UserDeleted),
        LostReason::AcksFailing
        | LostReason::AcksOverflow
        | LostReason::Drained
        | LostReason::HeartbeatFailed
        | LostReason::HeartbeatRefused
        | LostReason::Io
        | LostReason::NoChannel
        | LostReason::Redirects
        | LostReason::Refused(_)
        | LostReason::StreamEnded
        | LostReason::Terminated(
            TerminatedReason::ExplicitDelete
            | TerminatedReason::Expired
            | TerminatedReason::Other(_),
        )
        | LostReason::XspsChanged => None,
    }
}
