//! What concerns others as well: watched lines, privacy, call centers.

use crate::lab::broadworks::xsi::services::row::Field;
use crate::lab::broadworks::xsi::services::row::Kind::Integer;
use crate::lab::broadworks::xsi::services::row::Kind::SipUri;
use crate::lab::broadworks::xsi::services::row::Kind::Text;
use crate::lab::broadworks::xsi::services::row::Kind::Users;
use crate::lab::broadworks::xsi::services::row::Put;
use crate::lab::broadworks::xsi::services::row::Service;
use crate::lab::broadworks::xsi::services::row::UserList;
use crate::lab::broadworks::xsi::services::row::choice;
use crate::lab::broadworks::xsi::services::row::field;
use crate::lab::broadworks::xsi::services::row::flag;
use crate::lab::broadworks::xsi::services::row::raised;
use crate::lab::broadworks::xsi::services::row::service;

pub(super) const BUSY_LAMP_FIELD: Service = Service {
    // The PUT replaces the service data (specification 3.5.3.11).
    put: Put::Replace,
    users: Some(UserList {
        field: "monitoredUserList",
        // The listing chapter spells it differently from the detail chapter.
        paths: &["monitoreduserlist", "monitoredusers"],
    }),
    ..service(
        "Busy Lamp Field",
        "busylampfield",
        "BusyLampField",
        &[field("listURI", SipUri), field("monitoredUserList", Users)],
    )
};

pub(super) const PRIVACY: Service = Service {
    users: Some(UserList {
        field: "allowedUsers",
        paths: &["allowedusers"],
    }),
    ..service(
        "Privacy",
        "privacy",
        "Privacy",
        &[
            flag("isEnableDirectoryPrivacy"),
            flag("isEnableAutoAttendantExtensionDialingPrivacy"),
            flag("isEnableAutoAttendantNameDialingPrivacy"),
            flag("isEnablePhoneStatusPrivacy"),
            field("allowedUsers", Users),
        ],
    )
};

pub(super) const CALL_CENTER: Service = service(
    "Call Center - Standard",
    "callcenter",
    "CallCenter",
    &[
        choice(
            "agentACDState",
            &["Sign-In", "Available", "Unavailable", "Wrap-Up", "Sign-Out"],
            "Sign-Out",
        ),
        field("agentUnavailableCode", Text(10)),
        raised("useDefaultGuardTimer"),
        flag("enableGuardTimer"),
        Field {
            name: "guardTimerSeconds",
            kind: Integer(1, 25),
            default: Some("5"),
        },
        raised("useSystemDefaultUnavailableSettings"),
        flag("makeOutgoingCallsAsCallCenter"),
        field("outgoingCallDNIS", Text(80)),
    ],
);
