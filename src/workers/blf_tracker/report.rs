//! What the tracker's tasks tell it.

use std::sync::Arc;

use crate::domain::blf::board::FetchId;
use crate::domain::blf::board::Fetched;
use crate::domain::blf::board::LineEvent;
use crate::domain::blf::board::SourceId;
use crate::domain::blf::list::WatchList;
use crate::domain::blf::reading::Outcome;
use crate::domain::events::channel;
use crate::domain::events::channel::Attempt;
use crate::domain::events::channel::Happening;
use crate::domain::events::channel::OpenFailure;
use crate::domain::events::document::Document;
use crate::domain::events::ids::UserId;
use crate::domain::events::subscriptions;
use crate::domain::events::subscriptions::Fault;
use crate::outbound::broadworks::xsi::XsiFailure;

/// Reports that wait. A stream whose reports do not fit is not read on, so that the XSP waits and
/// not our memory grows.
pub(super) const REPORTS: usize = 1024;

/// One thing told.
pub(super) enum Report {
    /// A request about a channel, or its stream, came to something.
    Channel(Attempt, Happening),
    /// A document came on a stream.
    Document(Attempt, Document),
    /// The members of a directory; `None` when it could not be read.
    Members(usize, Option<Vec<UserId>>),
    /// A reading of a user's calls ended.
    Fetched(FetchId, UserId, Option<Fetched>),
    /// A reading of a list ended.
    List(UserId, Result<WatchList, Outcome>),
    /// Streams that were read along ended.
    TapEnded(Vec<SourceId>),
    /// An event passed on a stream of somebody else.
    Tapped(Box<LineEvent>),
    /// A request about a subscription ended.
    Subscription(subscriptions::Input),
}

/// How a channel's request ended.
pub(super) fn channel_outcome<T>(result: &Result<T, XsiFailure>) -> channel::Outcome {
    match result {
        Ok(_) => channel::Outcome::Done,
        Err(failure) => match failure.status() {
            Some(401 | 403 | 404 | 410) => channel::Outcome::Gone,
            Some(_) | None => channel::Outcome::Failed,
        },
    }
}

/// Why a stream was not opened.
pub(super) const fn open_failure(failure: &XsiFailure) -> OpenFailure {
    match failure.status() {
        Some(401 | 403) => OpenFailure::Denied,
        Some(status) => OpenFailure::Refused(status),
        None => OpenFailure::Io,
    }
}

/// Why there is no subscription. `created` tells a creation from an update.
pub(super) const fn fault(failure: &XsiFailure, created: bool) -> Fault {
    match (failure.status(), created) {
        (Some(401 | 403), true) => Fault::Denied,
        (Some(404 | 410), true) => Fault::Gone,
        // The text says 403 for whatever is wrong with `/subscription/{id}` (field page, 2.2).
        (Some(403 | 404 | 410), false) => Fault::Gone,
        (Some(_), _) => Fault::Failed,
        (None, true) => match failure {
            // No server can know it.
            XsiFailure::Unsendable => Fault::Gone,
            XsiFailure::Broken { .. }
            | XsiFailure::Redirected { .. }
            | XsiFailure::Refused { .. }
            | XsiFailure::Send(_)
            | XsiFailure::Timeout { .. }
            | XsiFailure::TooLarge { .. }
            | XsiFailure::Unusable => Fault::Failed,
        },
        (None, false) => Fault::Failed,
    }
}

/// How a reading of a list ended.
pub(super) const fn reading(failure: &XsiFailure) -> Outcome {
    match failure.status() {
        Some(404 | 410) => Outcome::Refused,
        Some(_) | None => match failure {
            XsiFailure::Unsendable => Outcome::Refused,
            XsiFailure::Broken { .. }
            | XsiFailure::Redirected { .. }
            | XsiFailure::Refused { .. }
            | XsiFailure::Send(_)
            | XsiFailure::Timeout { .. }
            | XsiFailure::TooLarge { .. }
            | XsiFailure::Unusable => Outcome::Failed,
        },
    }
}

/// The name of an XSP, shared by all that mention it.
pub(super) type UpstreamName = Arc<str>;
