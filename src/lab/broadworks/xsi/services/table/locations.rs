//! Other phones at which a user is reached.

use crate::lab::broadworks::xsi::services::row::Field;
use crate::lab::broadworks::xsi::services::row::Kind::Integer;
use crate::lab::broadworks::xsi::services::row::Kind::List;
use crate::lab::broadworks::xsi::services::row::Kind::Record;
use crate::lab::broadworks::xsi::services::row::Kind::Text;
use crate::lab::broadworks::xsi::services::row::Service;
use crate::lab::broadworks::xsi::services::row::choice;
use crate::lab::broadworks::xsi::services::row::field;
use crate::lab::broadworks::xsi::services::row::flag;
use crate::lab::broadworks::xsi::services::row::needing;
use crate::lab::broadworks::xsi::services::row::number;
use crate::lab::broadworks::xsi::services::row::raised;
use crate::lab::broadworks::xsi::services::row::rings;
use crate::lab::broadworks::xsi::services::row::service;

const SEQUENTIAL_LOCATION: &[Field] = &[
    number("address"),
    rings("numberOfRings", "3"),
    flag("answerConfirmationRequired"),
];

const SIMULTANEOUS_LOCATION: &[Field] = &[number("address"), flag("answerConfirmationRequired")];

const ALTERNATE_NUMBER: &[Field] = &[
    field("alternateNumberId", Integer(1, 10)),
    number("phoneNumber"),
    field("extension", Text(20)),
    field("ringPattern", Text(40)),
    field("description", Text(40)),
];

pub(super) const REMOTE_OFFICE: Service = needing(
    service(
        "Remote Office",
        "remoteoffice",
        "RemoteOffice",
        &[flag("active"), number("remoteOfficeNumber")],
    ),
    &[("active", "remoteOfficeNumber")],
);

pub(super) const ANYWHERE: Service = service(
    "BroadWorks Anywhere",
    "broadworksanywhere",
    "BroadWorksAnywhere",
    &[
        flag("alertAllLocationsForClickToDialCalls"),
        flag("alertAllLocationsForGroupPagingCalls"),
    ],
);

pub(super) const ALTERNATE_NUMBERS: Service = service(
    "Alternate Numbers",
    "alternatenumbers",
    "AlternateNumbers",
    &[
        raised("distinctiveRing"),
        field("numbers", List("numberEntry", ALTERNATE_NUMBER, 10)),
    ],
);

pub(super) const SIMULTANEOUS_RING: Service = needing(
    service(
        "Simultaneous Ring Personal",
        "simultaneousringpersonal",
        "SimultaneousRingPersonal",
        &[
            flag("active"),
            choice(
                "incomingCalls",
                &["Do not Ring if on a Call", "Ring for all Incoming Calls"],
                "Do not Ring if on a Call",
            ),
            field(
                "simRingLocations",
                List("simRingLocation", SIMULTANEOUS_LOCATION, 10),
            ),
        ],
    ),
    &[("active", "simRingLocations")],
);

pub(super) const SEQUENTIAL_RING: Service = service(
    "Sequential Ring",
    "sequentialring",
    "SequentialRing",
    &[
        raised("ringBaseLocationFirst"),
        rings("baseLocationNumberOfRings", "2"),
        raised("continueIfBaseLocationIsBusy"),
        raised("callerMayStopSearch"),
        field("location1", Record(SEQUENTIAL_LOCATION)),
        field("location2", Record(SEQUENTIAL_LOCATION)),
        field("location3", Record(SEQUENTIAL_LOCATION)),
        field("location4", Record(SEQUENTIAL_LOCATION)),
        field("location5", Record(SEQUENTIAL_LOCATION)),
    ],
);

pub(super) const HOTELING_GUEST: Service = service(
    "Hoteling Guest",
    "hotelingguest",
    "HotelingGuest",
    &[
        flag("active"),
        raised("enableAssociationLimit"),
        Field {
            name: "associationLimitHours",
            kind: Integer(1, 999),
            default: Some("24"),
        },
        field("hostUserId", Text(161)),
    ],
);

/// The locations of BroadWorks Anywhere, resources of their own.
pub(in crate::lab::broadworks::xsi::services) static ANYWHERE_LOCATION: Service = service(
    "BroadWorks Anywhere",
    "broadworksanywhere/location",
    "BroadWorksAnywhereLocation",
    &[
        number("phoneNumber"),
        field("description", Text(80)),
        raised("active"),
        number("outboundAlternateNumber"),
        flag("broadworksCallControl"),
        flag("useDiversionInhibitor"),
        flag("answerConfirmationRequired"),
    ],
);
