//! The classes of sinks of alarms: the outbox is kept by name, so a changed sink goes on with what
//! the old one has not told yet.

use crate::config::AlarmSink;
use crate::config::change::At;
use crate::config::change::ChangeClass;
use crate::config::change::classes::compare;

pub(super) fn sinks(at: &mut At<'_>, old: &[AlarmSink], new: &[AlarmSink]) {
    let old = old.iter().map(|sink| (&sink.name, sink));
    let new = new.iter().map(|sink| (&sink.name, sink));
    at.named("alarm-sink", old, new, ChangeClass::Live, sink);
}

fn sink(at: &mut At<'_>, old: &AlarmSink, new: &AlarmSink) {
    compare!(at, AlarmSink, old, new;
        Live name "name",
        Live appetite "level",
        Live timeout "timeout",
        Live way "kind",
    );
}
