//! The world outside: numbers that are not ours, which behave by their last three digits.
//!
//! | Number ends with | What happens | Q.850 cause |
//! |---|---|---|
//! | `001` | nobody has the number | 1 |
//! | `017` | busy | 17 |
//! | `019` | rings and is never answered | 19 |
//! | anything else | answered after four seconds | 16 |

use std::time::Duration;

use crate::lab::broadworks::calls::leg::Cause;

/// How long an outside number rings before it is answered: long enough to see it alerting.
pub(super) const ANSWERS_AFTER: Duration = Duration::from_secs(4);

/// What a number does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// Answers after so long.
    Answer(Duration),
    /// Refuses.
    Refuse(Cause),
    /// Rings for as long as the caller likes.
    Ring,
}

/// The script of a number.
pub(super) fn script(number: &str) -> Script {
    match number.get(number.len().saturating_sub(3)..) {
        Some("001") => Script::Refuse(Cause::UserNotFound),
        Some("017") => Script::Refuse(Cause::Busy),
        Some("019") => Script::Ring,
        Some(_) | None => Script::Answer(ANSWERS_AFTER),
    }
}
