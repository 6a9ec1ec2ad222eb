//! What a user can do with calls: hold, park, transfer, record, pick up, dial.

use crate::lab::broadworks::xsi::services::row::Field;
use crate::lab::broadworks::xsi::services::row::Kind::Integer;
use crate::lab::broadworks::xsi::services::row::Kind::Repeated;
use crate::lab::broadworks::xsi::services::row::Kind::Text;
use crate::lab::broadworks::xsi::services::row::Service;
use crate::lab::broadworks::xsi::services::row::choice;
use crate::lab::broadworks::xsi::services::row::field;
use crate::lab::broadworks::xsi::services::row::flag;
use crate::lab::broadworks::xsi::services::row::named;
use crate::lab::broadworks::xsi::services::row::number;
use crate::lab::broadworks::xsi::services::row::raised;
use crate::lab::broadworks::xsi::services::row::read_only;
use crate::lab::broadworks::xsi::services::row::rings;
use crate::lab::broadworks::xsi::services::row::service;
use crate::lab::broadworks::xsi::services::table::ACTIVE;

const SPEED_DIAL_ENTRY: &[Field] = &[
    field("speedCode", Integer(2, 9)),
    number("phoneNumber"),
    field("description", Text(25)),
];

pub(super) const DIRECTED_PICKUP: Service = named("Directed Call Pickup");

pub(super) const PARK: Service = read_only(service("Call Park", "callpark", "CallPark", &[]));

pub(super) const AUTOMATIC_CALLBACK: Service = service(
    "Automatic Callback",
    "automaticcallback",
    "AutomaticCallback",
    ACTIVE,
);

pub(super) const AUTOMATIC_HOLD: Service = service(
    "Automatic Hold/Retrieve",
    "automaticholdretrieve",
    "AutomaticHoldRetrieve",
    &[
        flag("active"),
        Field {
            name: "recallTimerSeconds",
            kind: Integer(10, 3600),
            default: Some("120"),
        },
    ],
);

pub(super) const SPEED_DIAL: Service = service(
    "Speed Dial 8",
    "speeddial8",
    "SpeedDial8",
    &[field(
        "speedDial8Entry",
        Repeated("speedCode", SPEED_DIAL_ENTRY, 8),
    )],
);

pub(super) const MUSIC_ON_HOLD: Service = service(
    "Music On Hold User",
    "musiconhold",
    "MusicOnHold",
    &[raised("active")],
);

pub(super) const TRANSFER: Service = service(
    "Call Transfer",
    "calltransfer",
    "CallTransfer",
    &[
        flag("recallActive"),
        rings("recallNumberOfRings", "2"),
        flag("busyCampOnActive"),
        Field {
            name: "busyCampOnSeconds",
            kind: Integer(30, 600),
            default: Some("120"),
        },
        flag("useDiversionInhibitorForBlindTransfer"),
        flag("useDiversionInhibitorForConsultativeCalls"),
    ],
);

pub(super) const RECORDING: Service = service(
    "Call Recording",
    "callrecording",
    "CallRecording",
    &[
        choice(
            "recordingMode",
            &[
                "always",
                "never",
                "on-demand",
                "always-pause-resume",
                "on-demand-user-start",
            ],
            "on-demand",
        ),
        choice(
            "pauseResumeNotifyMethod",
            &["none", "announcement", "beeponly"],
            "none",
        ),
        flag("recordVoiceMessaging"),
        flag("playCallRecordingStartStopAnnouncement"),
    ],
);

pub(super) const DIRECTED_PICKUP_WITH_BARGE_IN: Service = service(
    "Directed Call Pickup with Barge-in",
    "directedcallpickupwithbargein",
    "DirectedCallPickupWithBargeIn",
    &[
        raised("enableBargeInWarningTone"),
        flag("enableAutomaticTargetSelection"),
    ],
);
