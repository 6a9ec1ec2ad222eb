//! Those who answer for others: executives, their assistants, the personal assistant.

use crate::lab::broadworks::xsi::services::row::Field;
use crate::lab::broadworks::xsi::services::row::Kind::List;
use crate::lab::broadworks::xsi::services::row::Kind::Text;
use crate::lab::broadworks::xsi::services::row::Service;
use crate::lab::broadworks::xsi::services::row::choice;
use crate::lab::broadworks::xsi::services::row::field;
use crate::lab::broadworks::xsi::services::row::flag;
use crate::lab::broadworks::xsi::services::row::number;
use crate::lab::broadworks::xsi::services::row::raised;
use crate::lab::broadworks::xsi::services::row::read_only;
use crate::lab::broadworks::xsi::services::row::rings;
use crate::lab::broadworks::xsi::services::row::service;

const ASSISTANT: &[Field] = &[field("userId", Text(161)), flag("optIn")];

pub(super) const EXECUTIVE: Service =
    read_only(service("Executive", "executive", "Executive", &[]));

pub(super) const EXECUTIVE_ASSISTANT: Service = service(
    "Executive-Assistant",
    "executiveassistant",
    "ExecutiveAssistant",
    &[flag("enableDivert"), number("divertToPhoneNumber")],
);

pub(super) const PERSONAL_ASSISTANT: Service = service(
    "Personal Assistant",
    "personalassistant",
    "PersonalAssistant",
    &[
        flag("active"),
        choice(
            "presence",
            &[
                "None",
                "Business Trip",
                "Gone for the Day",
                "Lunch",
                "Meeting",
                "Out Of Office",
                "Temporarily Out",
                "Training",
                "Unavailable",
                "Vacation",
            ],
            "None",
        ),
        flag("enableExpirationTime"),
        field("expirationTime", Text(35)),
        flag("enableTransferToAttendant"),
        number("attendantNumber"),
        flag("ringSplash"),
        raised("alertMeFirst"),
        rings("numberOfRings", "3"),
    ],
);

pub(super) const EXECUTIVE_ASSISTANTS: Service = service(
    "Executive",
    "executive/assistants",
    "ExecutiveAssistants",
    &[
        raised("allowOptInOut"),
        field("assignedUsers", List("userDetails", ASSISTANT, 100)),
    ],
);

pub(super) const EXECUTIVE_FILTERING: Service = service(
    "Executive",
    "executive/filtering",
    "ExecutiveCallFiltering",
    &[
        flag("enableFiltering"),
        choice("filteringMode", &["Simple", "Advanced"], "Simple"),
        choice(
            "simpleFilterType",
            &["All Calls", "All Internal Calls", "All External Calls"],
            "All Calls",
        ),
    ],
);

pub(super) const EXECUTIVE_SCREENING: Service = service(
    "Executive",
    "executive/screening",
    "ExecutiveScreening",
    &[
        flag("enableScreening"),
        choice("screeningAlertType", &["Silent", "Ring Splash"], "Silent"),
        flag("alertBroadWorksMobilityLocation"),
        flag("alertBroadWorksAnywhereLocations"),
        flag("alertSharedCallAppearanceLocations"),
    ],
);

pub(super) const EXECUTIVE_ALERTING: Service = service(
    "Executive",
    "executive/alerting",
    "ExecutiveAlerting",
    &[
        choice(
            "alertingMode",
            &["Simultaneous", "Sequential"],
            "Simultaneous",
        ),
        rings("callPushRecallNumberOfRings", "4"),
        rings("nextAssistantNumberOfRings", "4"),
        flag("enableRollover"),
        choice(
            "rolloverAction",
            &["Voice Messaging", "Forward", "No Answer Processing"],
            "No Answer Processing",
        ),
        number("rolloverForwardToPhoneNumber"),
    ],
);
