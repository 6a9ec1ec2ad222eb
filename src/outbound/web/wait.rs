//! How long a service wants to be left alone.

use std::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use time::PrimitiveDateTime;
use time::macros::format_description;

/// `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3); never longer than `longest`.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: SystemTime, longest: Duration) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let wait = match text.parse::<u64>() {
        Ok(seconds) if is_number => Duration::from_secs(seconds),
        // A number that is too large for a number.
        Err(_) if is_number => longest,
        Ok(_) | Err(_) => date(text)?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.min(longest))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that may still be sent.
fn date(text: &str) -> Option<SystemTime> {
    const FORM: &[time::format_description::BorrowedFormatItem<'_>] = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let date = PrimitiveDateTime::parse(text, FORM).ok()?;
    Some(date.assume_utc().into())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_wait_is_in_seconds_or_up_to_a_date_and_never_too_long() {
        let hour = Duration::from_secs(3_600);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, wait) in [
            ("37", Some(37)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:57 GMT", Some(20)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("Sun, 06 Nov 2094 08:49:00 GMT", Some(3_600)),
            ("Sun, 06 Nov 1988 08:49:37 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(3_600)),
            ("99999999999", Some(3_600)),
            ("18446744073709551615", Some(3_600)),
            ("99999999999999999999999999", Some(3_600)),
            ("soon", None),
            ("-3", None),
            ("+3", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
            let found = retry_after(&headers, now, hour);
            assert_eq!(found, wait.map(Duration::from_secs), "{value:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now, hour), None);
    }
}
