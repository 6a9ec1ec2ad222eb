//! Whether and how an incoming call rings.

use crate::lab::broadworks::xsi::services::row::Kind::Email;
use crate::lab::broadworks::xsi::services::row::Service;
use crate::lab::broadworks::xsi::services::row::field;
use crate::lab::broadworks::xsi::services::row::flag;
use crate::lab::broadworks::xsi::services::row::service;
use crate::lab::broadworks::xsi::services::table::ACTIVE;

pub(super) const ANONYMOUS_CALL_REJECTION: Service = service(
    "Anonymous Call Rejection",
    "anonymouscallrejection",
    "AnonymousCallRejection",
    ACTIVE,
);

pub(super) const CALL_WAITING: Service =
    service("Call Waiting", "callwaiting", "CallWaiting", ACTIVE);

pub(super) const DO_NOT_DISTURB: Service = service(
    "Do Not Disturb",
    "donotdisturb",
    "DoNotDisturb",
    &[flag("active"), flag("ringSplash")],
);

pub(super) const BARGE_IN_EXEMPT: Service =
    service("Barge-in Exempt", "bargeinexempt", "BargeInExempt", ACTIVE);

pub(super) const SILENT_ALERTING: Service = service(
    "Silent Alerting",
    "silentalerting",
    "SilentAlerting",
    ACTIVE,
);

pub(super) const NOTIFY: Service = service(
    "Call Notify",
    "callnotify",
    "CallNotify",
    &[field("callNotifyEmailAddress", Email)],
);

pub(super) const SELECTIVE_ACCEPTANCE: Service = service(
    "Selective Call Acceptance",
    "selectivecallacceptance",
    "SelectiveCallAcceptance",
    &[],
);

pub(super) const SELECTIVE_REJECTION: Service = service(
    "Selective Call Rejection",
    "selectivecallrejection",
    "SelectiveCallRejection",
    &[],
);
