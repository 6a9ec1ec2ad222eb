//! The daemon's own log: one line per notice, facts as fields, target `alarms`.

use futures_util::future::BoxFuture;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::domain::alarms::Notice;
use crate::domain::alarms::Severity;
use crate::domain::certs::date;
use crate::outbound::alerts::Carrier;
use crate::outbound::alerts::SinkError;
use crate::outbound::alerts::text;

pub(super) struct Journal;

macro_rules! say {
    ($level:ident, $notice:expr) => {
        $level!(
            target: "alarms",
            alarm = $notice.key.name.word(),
            object = %$notice.key.object,
            severity = $notice.severity.word(),
            state = $notice.kind.word(),
            identifier = $notice.identifier,
            count = $notice.count,
            since = %date::text($notice.since),
            step = %$notice.step,
            rule = %$notice.rule,
            action = %$notice.action,
            command = %text::commands($notice).join("; "),
            "{}", $notice.text
        )
    };
}

impl Carrier for Journal {
    fn carry<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), SinkError>> {
        match notice.severity {
            _ if notice.kind.is_end() => say!(info, notice),
            Severity::Informational => say!(info, notice),
            Severity::Low | Severity::Medium => say!(warn, notice),
            Severity::High | Severity::Critical => say!(error, notice),
        }
        Box::pin(std::future::ready(Ok(())))
    }
}
