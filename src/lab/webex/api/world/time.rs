//! Time of the model, and how long things take.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// As Webex writes dates.
const ISO: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// A moment: milliseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::lab::webex) struct At(pub(in crate::lab::webex) u64);

impl At {
    /// So much later.
    pub(in crate::lab::webex) fn plus(self, wait: Duration) -> Self {
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(wait))
    }

    /// As Webex writes it.
    pub(in crate::lab::webex) fn iso(self) -> String {
        let date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000);
        let text = date.ok().and_then(|date| date.format(ISO).ok());
        text.unwrap_or_default()
    }

    /// From milliseconds since 1970, or from an ISO 8601 date.
    pub(in crate::lab::webex) fn parse(text: &str) -> Option<Self> {
        if let Ok(millis) = text.parse() {
            return Some(Self(millis));
        }
        let date = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let millis = date.unix_timestamp_nanos() / 1_000_000;
        u64::try_from(millis).ok().map(Self)
    }
}

/// How long things take at Webex. Only the first is told by guides ("several minutes"); the others
/// are guesses at what feels the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab::webex) enum Takes {
    /// The first user of an enterprise, organization and all.
    FirstUser,
    /// Any other user.
    User,
    /// A change of a user.
    Update,
    /// Until a user fails who is to fail.
    Failure,
    /// A directory sync.
    Sync,
    /// Until what a sync brought is gone again.
    CleanUp,
    /// The end of an organization.
    Organization,
}

impl Takes {
    /// At the speed of Webex.
    const fn full(self) -> Duration {
        Duration::from_secs(match self {
            Self::FirstUser => 240,
            Self::User => 5,
            Self::Update => 3,
            Self::Failure => 2,
            Self::Sync => 20,
            Self::CleanUp => 60,
            Self::Organization => 600,
        })
    }

    /// At so many times that speed.
    pub(in crate::lab::webex) fn at_speed(self, factor: u32) -> Duration {
        self.full() / factor.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_webex_writes_them_and_read_in_both_forms() {
        let at = At(1_571_408_776_000);
        assert_eq!(at.iso(), "2019-10-18T14:26:16.000Z");
        assert_eq!(At::parse(&at.iso()), Some(at));
        assert_eq!(At::parse("1571408776000"), Some(at));
        assert_eq!(At::parse("2019-10-18T16:26:16+02:00"), Some(at));
        for text in ["", "yesterday", "-1", "2019-10-18"] {
            assert_eq!(At::parse(text), None, "{text}");
        }
    }
}
