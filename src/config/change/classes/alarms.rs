//! The classes of alarms: other rules hold from the next look on.

use crate::config::AlarmOverride;
use crate::config::Alarms;
use crate::config::change::At;
use crate::config::change::ChangeClass;
use crate::config::change::classes::compare;

pub(super) fn alarms(at: &mut At<'_>, old: &Alarms, new: &Alarms) {
    let Alarms {
        system_name,
        hold_down,
        hold_time,
        critical_at_once,
        remind_every,
        history,
        operator_token,
        refused_clients,
        backlog_users,
        backlog_age,
        free_disk,
        overrides,
    } = old;
    let live = ChangeClass::Live;
    at.compare("system-name", system_name, &new.system_name, live);
    at.compare("hold-down", hold_down, &new.hold_down, live);
    at.compare("hold-time", hold_time, &new.hold_time, live);
    let other = &new.critical_at_once;
    at.compare("critical-at-once", critical_at_once, other, live);
    at.compare("remind-every", remind_every, &new.remind_every, live);
    at.compare("history", history, &new.history, live);
    at.compare("operator-token", operator_token, &new.operator_token, live);
    let other = &new.refused_clients;
    at.compare("refused-clients", refused_clients, other, live);
    at.compare("backlog-users", backlog_users, &new.backlog_users, live);
    at.compare("backlog-age", backlog_age, &new.backlog_age, live);
    at.compare("free-disk", free_disk, &new.free_disk, live);
    at.listed("override", overrides, &new.overrides, one);
}

fn one(at: &mut At<'_>, old: &AlarmOverride, new: &AlarmOverride) {
    compare!(at, AlarmOverride, old, new;
        Live name "name",
        Live rules "severity",
    );
}
