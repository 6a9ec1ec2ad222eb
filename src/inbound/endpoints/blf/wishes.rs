//! What a watcher wishes: view, delay, caller, stream or long poll.

use std::time::Duration;

use http::HeaderMap;
use http::header::ACCEPT;

use crate::domain::edge::reason::Reason;
use crate::workers::blf_tracker::Shown;
use crate::workers::blf_tracker::WatchOptions;

/// Longest wait of a long poll: below the minute after which common proxies give up.
const LONGEST_POLL: u64 = 55;

/// The wait of a long poll that names none.
const USUAL_POLL: u64 = 25;

/// Longest `notification-delay` in milliseconds; longer no caller waits.
const LONGEST_DELAY: u64 = 60_000;

/// The wishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wishes {
    pub(super) options: WatchOptions,
    pub(super) shown: Shown,
    /// How long to wait for something new; absent: a stream.
    pub(super) poll: Option<Duration>,
    /// The last event that a long poll has brought.
    pub(super) after: Option<u64>,
}

impl Wishes {
    /// Reads a query and what the client accepts. Parameters that are not known are passed over.
    pub(super) fn read(query: Option<&str>, headers: &HeaderMap) -> Result<Self, Reason> {
        let mut wishes = Self {
            options: WatchOptions::default(),
            shown: Shown::Both,
            poll: None,
            after: None,
        };
        let pairs = query.unwrap_or_default().split('&');
        for (name, value) in pairs.filter_map(|pair| pair.split_once('=')) {
            let good = match name {
                "view" => view(value).map(|shown| wishes.shown = shown),
                "notification-delay" => {
                    delay(value).map(|delay| wishes.options.delay = Some(delay))
                }
                "display-caller" => {
                    flag(value).map(|shown| wishes.options.display_caller = Some(shown))
                }
                "poll" => seconds(value).map(|poll| wishes.poll = Some(poll)),
                "after" => value.parse().ok().map(|after| wishes.after = Some(after)),
                _ => Some(()),
            };
            good.ok_or(Reason::BlfMalformed)?;
        }
        if wishes.poll.is_none() && (wishes.after.is_some() || prefers_json(headers)) {
            wishes.poll = Some(Duration::from_secs(USUAL_POLL));
        }
        Ok(wishes)
    }
}

fn view(text: &str) -> Option<Shown> {
    match text {
        "full" => Some(Shown::Full),
        "webex-compatible" => Some(Shown::WebexCompatible),
        _ => None,
    }
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

fn seconds(text: &str) -> Option<Duration> {
    let seconds: u64 = text.parse().ok()?;
    (seconds <= LONGEST_POLL).then(|| Duration::from_secs(seconds))
}

/// `2s`, `500ms`, or seconds without a unit.
fn delay(text: &str) -> Option<Duration> {
    let milliseconds: u64 = if let Some(number) = text.strip_suffix("ms") {
        number.parse().ok()?
    } else {
        let seconds: u64 = text.strip_suffix('s').unwrap_or(text).parse().ok()?;
        seconds.checked_mul(1000)?
    };
    (milliseconds <= LONGEST_DELAY).then(|| Duration::from_millis(milliseconds))
}

/// Whether JSON is asked for, and no event stream.
fn prefers_json(headers: &HeaderMap) -> bool {
    let mut json = false;
    for value in headers.get_all(ACCEPT) {
        let ranges = value.to_str().unwrap_or_default().split(',');
        for range in ranges.filter_map(|range| range.split(';').next()) {
            let range = range.trim();
            if range.eq_ignore_ascii_case("text/event-stream") {
                return false;
            }
            json |= range.eq_ignore_ascii_case("application/json");
        }
    }
    json
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(query: &str, accept: Option<&'static str>) -> Result<Wishes, Reason> {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
        }
        Wishes::read(Some(query), &headers)
    }

    #[test]
    fn a_query_says_what_is_seen_and_how_soon() {
        let wishes = read(
            "view=webex-compatible&notification-delay=500ms&display-caller=false&other=1",
            Some("text/event-stream"),
        );
        let wishes = wishes.unwrap();
        assert_eq!(wishes.shown, Shown::WebexCompatible);
        assert_eq!(wishes.options.delay, Some(Duration::from_millis(500)));
        assert_eq!(wishes.options.display_caller, Some(false));
        assert_eq!((wishes.poll, wishes.after), (None, None));
        for (text, milliseconds) in [("0", 0), ("2", 2000), ("3s", 3000), ("60s", 60_000)] {
            assert_eq!(delay(text), Some(Duration::from_millis(milliseconds)));
        }
    }

    #[test]
    fn json_or_a_poll_parameter_asks_for_a_long_poll() {
        let poll = |query, accept| read(query, accept).unwrap().poll.map(|poll| poll.as_secs());
        assert_eq!(poll("", None), None);
        assert_eq!(poll("", Some("*/*")), None);
        assert_eq!(poll("", Some("application/json")), Some(25));
        assert_eq!(poll("after=7", None), Some(25));
        assert_eq!(poll("poll=0", Some("text/event-stream")), Some(0));
        assert_eq!(poll("poll=55", None), Some(55));
        let both = Some("application/json, text/event-stream;q=0.9");
        assert_eq!(poll("", both), None);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for query in [
            "view=some",
            "notification-delay=61",
            "notification-delay=-1",
            "notification-delay=99999999999999999999",
            "display-caller=maybe",
            "poll=56",
            "poll=x",
            "after=x",
        ] {
            assert_eq!(read(query, None), Err(Reason::BlfMalformed), "{query}");
        }
    }
}
