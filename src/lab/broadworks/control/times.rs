//! The times of the event service as JSON: what is given changes, what is left out stays.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use crate::lab::broadworks::events::settings::NEVER;
use crate::lab::broadworks::events::settings::Settings;

/// The longest time that can be set: a day.
const LONGEST: u64 = 24 * 3600 * 1000;

/// Times to change.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Times {
    event_timeout_ms: Option<u64>,
    notification_timeout_ms: Option<u64>,
    unresponsive_grace_ms: Option<u64>,
    stateful_expiration_ms: Option<u64>,
    contact_pause_ms: Option<u64>,
    least_expires: Option<u32>,
    most_expires: Option<u32>,
    channels_per_set: Option<usize>,
    backlog: Option<usize>,
}

impl Times {
    pub(super) fn parse(body: &[u8]) -> Result<Self, String> {
        let times: Self = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let Self {
            event_timeout_ms,
            notification_timeout_ms,
            unresponsive_grace_ms,
            stateful_expiration_ms,
            contact_pause_ms,
            least_expires,
            most_expires,
            channels_per_set,
            backlog,
        } = &times;
        let longest = [
            event_timeout_ms,
            notification_timeout_ms,
            unresponsive_grace_ms,
            stateful_expiration_ms,
            contact_pause_ms,
        ];
        if longest.into_iter().flatten().any(|time| *time > LONGEST) {
            return Err(format!("times are at most {LONGEST} ms"));
        }
        if [event_timeout_ms, notification_timeout_ms].contains(&&Some(0)) {
            return Err("event-timeout-ms and notification-timeout-ms are at least 1".to_owned());
        }
        if [least_expires, most_expires]
            .into_iter()
            .flatten()
            .any(|seconds| !(1..=NEVER).contains(seconds))
        {
            return Err(format!("least-expires and most-expires are 1 to {NEVER} s"));
        }
        if channels_per_set.is_some_and(|count| !(1..=100).contains(&count)) {
            return Err("channels-per-set is 1 to 100".to_owned());
        }
        if backlog.is_some_and(|count| !(1..=4096).contains(&count)) {
            return Err("backlog is 1 to 4096".to_owned());
        }
        Ok(times)
    }

    /// Over what was set before.
    pub(super) fn over(self, before: Settings) -> Settings {
        let time = |given: Option<u64>, held| given.map_or(held, Duration::from_millis);
        Settings {
            event_timeout: time(self.event_timeout_ms, before.event_timeout),
            notification_timeout: time(self.notification_timeout_ms, before.notification_timeout),
            unresponsive_grace: time(self.unresponsive_grace_ms, before.unresponsive_grace),
            stateful_expiration: time(self.stateful_expiration_ms, before.stateful_expiration),
            contact_pause: time(self.contact_pause_ms, before.contact_pause),
            least_expires: self.least_expires.unwrap_or(before.least_expires),
            most_expires: self.most_expires.unwrap_or(before.most_expires),
            channels_per_set: self.channels_per_set.unwrap_or(before.channels_per_set),
            backlog: self.backlog.unwrap_or(before.backlog),
        }
    }

    /// All of them.
    pub(super) fn document(settings: &Settings) -> Value {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        json!({
            "event-timeout-ms": ms(settings.event_timeout),
            "notification-timeout-ms": ms(settings.notification_timeout),
            "unresponsive-grace-ms": ms(settings.unresponsive_grace),
            "stateful-expiration-ms": ms(settings.stateful_expiration),
            "contact-pause-ms": ms(settings.contact_pause),
            "least-expires": settings.least_expires,
            "most-expires": settings.most_expires,
            "channels-per-set": settings.channels_per_set,
            "backlog": settings.backlog,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_changes_and_what_is_left_out_stays() {
        let before = Settings::default();
        let times = Times::parse(br#"{"event-timeout-ms":500,"backlog":7}"#).unwrap();
        let after = times.over(before);
        assert_eq!(after.event_timeout, Duration::from_millis(500));
        assert_eq!(after.backlog, 7);
        assert_eq!(after.notification_timeout, before.notification_timeout);
        let written = Times::document(&after).to_string();
        let again = Times::parse(written.as_bytes()).unwrap().over(before);
        assert_eq!(again, after);
    }

    #[test]
    fn what_no_lab_can_do_is_refused() {
        for body in [
            "",
            r#"{"event-timeout":1}"#,
            r#"{"event-timeout-ms":0}"#,
            r#"{"notification-timeout-ms":0}"#,
            r#"{"contact-pause-ms":86400001}"#,
            r#"{"least-expires":0}"#,
            r#"{"channels-per-set":101}"#,
            r#"{"backlog":0}"#,
            r#"{"backlog":-1}"#,
        ] {
            assert!(Times::parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
