//! Call forwarding, by when it forwards.

use crate::lab::broadworks::xsi::services::row::Field;
use crate::lab::broadworks::xsi::services::row::Service;
use crate::lab::broadworks::xsi::services::row::flag;
use crate::lab::broadworks::xsi::services::row::needing;
use crate::lab::broadworks::xsi::services::row::number;
use crate::lab::broadworks::xsi::services::row::rings;
use crate::lab::broadworks::xsi::services::row::service;

const FORWARD: &[(&str, &str)] = &[("active", "forwardToPhoneNumber")];

const FORWARDING: &[Field] = &[flag("active"), number("forwardToPhoneNumber")];

const RINGING_FORWARDING: &[Field] = &[
    flag("active"),
    number("forwardToPhoneNumber"),
    flag("ringSplash"),
];

pub(super) const ALWAYS: Service = needing(
    service(
        "Call Forwarding Always",
        "callforwardingalways",
        "CallForwardingAlways",
        RINGING_FORWARDING,
    ),
    FORWARD,
);

pub(super) const NO_ANSWER: Service = needing(
    service(
        "Call Forwarding No Answer",
        "callforwardingnoanswer",
        "CallForwardingNoAnswer",
        &[
            flag("active"),
            number("forwardToPhoneNumber"),
            rings("numberOfRings", "3"),
        ],
    ),
    FORWARD,
);

pub(super) const BUSY: Service = needing(
    service(
        "Call Forwarding Busy",
        "callforwardingbusy",
        "CallForwardingBusy",
        FORWARDING,
    ),
    FORWARD,
);

pub(super) const NOT_REACHABLE: Service = needing(
    service(
        "Call Forwarding Not Reachable",
        "callforwardingnotreachable",
        "CallForwardingNotReachable",
        FORWARDING,
    ),
    FORWARD,
);

pub(super) const ALWAYS_SECONDARY: Service = needing(
    service(
        "Call Forwarding Always Secondary",
        "callforwardingalwayssecondary",
        "CallForwardingAlwaysSecondary",
        RINGING_FORWARDING,
    ),
    FORWARD,
);

pub(super) const SELECTIVE: Service = needing(
    service(
        "Call Forwarding Selective",
        "callforwardingselective",
        "CallForwardingSelective",
        &[
            flag("active"),
            number("defaultForwardToPhoneNumber"),
            flag("playRingReminder"),
        ],
    ),
    &[("active", "defaultForwardToPhoneNumber")],
);
