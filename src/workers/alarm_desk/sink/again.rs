//! What a sink knows and is told again, because alarms fade there.

use std::sync::Arc;

use crate::domain::alarms::Notice;
use crate::domain::alarms::Severity;
use crate::outbound::alerts::AlertSink;
use crate::workers::alarm_desk::sink::Desk;
use crate::workers::alarm_desk::sink::tell;

impl Desk {
    /// Takes the place of what was to be told again.
    pub(in crate::workers::alarm_desk) fn refresh(&self, standing: &[(Arc<Notice>, Severity)]) {
        let mut held = self.held();
        if !held.sink.fades() {
            return;
        }
        let level = held.sink.appetite().level;
        // What waits to be told for the first time, for the morning perhaps, is not known.
        let known = standing
            .iter()
            .filter(|(notice, worst)| *worst >= level && !held.outbox.is_unheard(&notice.key));
        let again = known.map(|(notice, _)| Arc::clone(notice)).collect();
        held.again = again;
        drop(held);
        self.changed.notify_one();
    }

    /// What it is told again now: nothing while it fails.
    pub(super) fn known(&self) -> Option<(Arc<dyn AlertSink>, Arc<Notice>)> {
        let mut held = self.held();
        if held.outbox.failing().is_some() || self.stop.is_cancelled() {
            return None;
        }
        let notice = held.again.pop()?;
        Some((Arc::clone(&held.sink), notice))
    }

    /// Tells again what is known. It is tried once: the next round is an hour away.
    pub(super) async fn tell_again(&self, sink: &dyn AlertSink, notice: &Notice) {
        let told = tokio::select! {
            biased;
            () = self.stop.cancelled() => return,
            told = tell(sink, notice) => told,
        };
        if let Err(error) = told {
            self.held().again.clear();
            let (word, detail) = (error.as_str(), error.to_string());
            self.shared
                .metrics
                .not_told_again(&self.name, word, &detail);
        }
    }
}
