//! A moment as an operator types it.

use std::time::SystemTime;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::domain::certs::date;

/// `2026-12-01T02:00Z`, with seconds or without, in UTC or with an offset. Without a zone it could
/// mean two things, so that is refused.
pub(super) fn parse(text: &str) -> Result<SystemTime, String> {
    let form = || {
        "expected a moment with its zone, such as 2026-12-01T02:00Z or 2026-12-01T03:00+01:00"
            .to_owned()
    };
    let whole = match text.get(16..) {
        // No seconds yet.
        Some(zone) if !zone.starts_with(':') => {
            format!("{}:00{zone}", text.get(..16).unwrap_or_default())
        }
        _ => text.to_owned(),
    };
    let moment = OffsetDateTime::parse(&whole, &Rfc3339).map_err(|_| form())?;
    date::from_unix(moment.unix_timestamp()).ok_or_else(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_a_zone_and_may_have_seconds() {
        let two = parse("2026-12-01T02:00Z").unwrap();
        assert_eq!(date::text(two), "2026-12-01 02:00:00 UTC");
        assert_eq!(parse("2026-12-01T03:00+01:00"), Ok(two));
        assert_eq!(parse("2026-12-01T02:00:00Z"), Ok(two));
        for bad in [
            "",
            "2026-12-01",
            "2026-12-01T02:00",
            "2026-13-01T02:00Z",
            "ä".repeat(16).as_str(),
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
