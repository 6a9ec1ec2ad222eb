//! Why something was not done, in words.

use http::StatusCode;

use crate::domain::alarms::AlarmName;
use crate::domain::alarms::board::OrderRefused;
use crate::domain::certs::date;
use crate::domain::edge::reason::Reason;
use crate::inbound::endpoints::operations::refused::Refused;
use crate::workers::alarm_desk::DeskError;

/// The door speaks of provisioning.
pub(super) fn where_the_token_stands(refused: Refused) -> Refused {
    if refused.reason != Reason::OperatorTokenUnset.as_str() {
        return refused;
    }
    let text = "nobody is an operator here: set operator-token in [alarms], then reload";
    Refused::new(refused.status, refused.reason, text)
}

/// Why the desk did not do it, in words.
pub(super) fn refused(error: DeskError) -> Refused {
    match error {
        DeskError::Busy => Refused::unavailable("alarms are not looked after at the moment"),
        DeskError::NoSuchSink => Refused::unknown(
            "there is no sink of this name; `xspd alarms sinks` lists those there are",
        ),
        DeskError::Order(order) => not_so(&order),
        DeskError::Sink(error) => {
            let text = format!("the sink did not take it ({}): {error}", error.as_str());
            Refused::new(StatusCode::BAD_GATEWAY, "sink", text)
        }
        DeskError::Store(error) => Refused::unavailable(error.to_string()),
    }
}

/// What somebody may have meant who wrote a name that no alarm has.
pub(super) fn meant(nearest: &[AlarmName]) -> String {
    if nearest.is_empty() {
        return "; the catalogue in the README has them all".to_owned();
    }
    let names: Vec<_> = nearest.iter().map(|name| name.word()).collect();
    format!("; did you mean {}?", names.join(" or "))
}

fn not_so(order: &OrderRefused) -> Refused {
    match order {
        OrderRefused::NoSuchAlarm => Refused::unknown("no such alarm is on"),
        OrderRefused::NotAcknowledged => Refused::conflict("nobody has acknowledged it"),
        OrderRefused::NoSuchName(nearest) => {
            Refused::malformed(format!("no alarm has such a name{}", meant(nearest)))
        }
        OrderRefused::NoSuchSilence => Refused::unknown("there is no such silence"),
        OrderRefused::EndPassed => Refused::conflict("its end must lie in the future"),
        OrderRefused::BeyondItsEnd(ends) => Refused::conflict(format!(
            "the thing itself ends on {}; nothing may be quiet about it for longer",
            date::text(*ends)
        )),
        OrderRefused::TooLong => Refused::conflict(
            "a silence lasts 90 days at most; an alarm that nobody wants is switched off with \
             [[alarms.override]] off = true",
        ),
        OrderRefused::TooMany => Refused::conflict("there are a thousand silences: end some first"),
        OrderRefused::BadPattern => {
            Refused::malformed("a pattern has 1 to 200 characters; * is any text")
        }
    }
}
