//! Every user service as one row: its name in the services list, its resource, its elements.
//! Layouts: XSI Interface Specification 3.5.3 and the schema of release 24.

use crate::lab::broadworks::xsi::services::row::Field;
use crate::lab::broadworks::xsi::services::row::Kind::Email;
use crate::lab::broadworks::xsi::services::row::Kind::Integer;
use crate::lab::broadworks::xsi::services::row::Kind::List;
use crate::lab::broadworks::xsi::services::row::Kind::Media;
use crate::lab::broadworks::xsi::services::row::Kind::Record;
use crate::lab::broadworks::xsi::services::row::Kind::Repeated;
use crate::lab::broadworks::xsi::services::row::Kind::SipUri;
use crate::lab::broadworks::xsi::services::row::Kind::Text;
use crate::lab::broadworks::xsi::services::row::Kind::Users;
use crate::lab::broadworks::xsi::services::row::Put;
use crate::lab::broadworks::xsi::services::row::Service;
use crate::lab::broadworks::xsi::services::row::UserList;
use crate::lab::broadworks::xsi::services::row::choice;
use crate::lab::broadworks::xsi::services::row::field;
use crate::lab::broadworks::xsi::services::row::flag;
use crate::lab::broadworks::xsi::services::row::named;
use crate::lab::broadworks::xsi::services::row::needing;
use crate::lab::broadworks::xsi::services::row::number;
use crate::lab::broadworks::xsi::services::row::raised;
use crate::lab::broadworks::xsi::services::row::read_only;
use crate::lab::broadworks::xsi::services::row::rings;
use crate::lab::broadworks::xsi::services::row::service;

/// The services by path, in lower case already.
pub(super) fn by_path(path: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.path == Some(path))
}

/// A resource below a service, by both parts of its path.
pub(super) fn part(path: &str, tail: &str) -> Option<(&'static Service, &'static str)> {
    PARTS.iter().find_map(|part| {
        let held = part.path?;
        (held.split_once('/') == Some((path, tail))).then_some((part, held))
    })
}

const FORWARD: &[(&str, &str)] = &[("active", "forwardToPhoneNumber")];
const ACTIVE: &[Field] = &[flag("active")];
const FORWARDING: &[Field] = &[flag("active"), number("forwardToPhoneNumber")];
const RINGING_FORWARDING: &[Field] = &[
    flag("active"),
    number("forwardToPhoneNumber"),
    flag("ringSplash"),
];
const CALLER_ID: &[Field] = &[
    raised("isActiveForExternalCalls"),
    raised("isActiveForInternalCalls"),
];

const SEQUENTIAL_LOCATION: &[Field] = &[
    number("address"),
    rings("numberOfRings", "3"),
    flag("answerConfirmationRequired"),
];
const SIMULTANEOUS_LOCATION: &[Field] = &[number("address"), flag("answerConfirmationRequired")];
const SPEED_DIAL: &[Field] = &[
    field("speedCode", Integer(2, 9)),
    number("phoneNumber"),
    field("description", Text(25)),
];
const ALTERNATE_NUMBER: &[Field] = &[
    field("alternateNumberId", Integer(1, 10)),
    number("phoneNumber"),
    field("extension", Text(20)),
    field("ringPattern", Text(40)),
    field("description", Text(40)),
];

const GREETINGS: &[Field] = &[
    choice(
        "busyAnnouncementSelection",
        &["Default", "Personal"],
        "Default",
    ),
    field("busyPersonalAudioFile", Media),
    field("busyPersonalVideoFile", Media),
    choice(
        "noAnswerAnnouncementSelection",
        &[
            "Default",
            "Personal",
            "Unavailable",
            "Alternate01",
            "Alternate02",
            "Alternate03",
        ],
        "Default",
    ),
    field("noAnswerPersonalAudioFile", Media),
    field("noAnswerPersonalVideoFile", Media),
    flag("disableExtendedAwayMessageDeposit"),
    flag("enableExtendedAwayGreeting"),
    field("noAnswerExtendedAwayAudioFile", Media),
    rings("noAnswerNumberOfRings", "3"),
    flag("disableMessageDeposit"),
    choice(
        "disableMessageDepositAction",
        &["Disconnect", "Forward"],
        "Disconnect",
    ),
    number("greetingOnlyForwardDestination"),
];

const ASSISTANT: &[Field] = &[field("userId", Text(161)), flag("optIn")];

/// Resources below a service that have settings of their own.
pub(in crate::lab::broadworks::xsi) static PARTS: &[Service] = &[
    service(
        "Voice Messaging User",
        "voicemessaging/greetings",
        "VoiceMessagingGreetings",
        GREETINGS,
    ),
    service(
        "Executive",
        "executive/assistants",
        "ExecutiveAssistants",
        &[
            raised("allowOptInOut"),
            field("assignedUsers", List("userDetails", ASSISTANT, 100)),
        ],
    ),
    service(
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
    ),
    service(
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
    ),
    service(
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
    ),
];

/// The locations of BroadWorks Anywhere, resources of their own.
pub(super) static ANYWHERE_LOCATION: Service = service(
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

/// All services, the documented ones of Alice's list first and in its order.
pub(in crate::lab::broadworks) static SERVICES: &[Service] = &[
    service(
        "Anonymous Call Rejection",
        "anonymouscallrejection",
        "AnonymousCallRejection",
        ACTIVE,
    ),
    needing(
        service(
            "Call Forwarding Always",
            "callforwardingalways",
            "CallForwardingAlways",
            RINGING_FORWARDING,
        ),
        FORWARD,
    ),
    needing(
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
    ),
    service("Call Waiting", "callwaiting", "CallWaiting", ACTIVE),
    service(
        "Do Not Disturb",
        "donotdisturb",
        "DoNotDisturb",
        &[flag("active"), flag("ringSplash")],
    ),
    needing(
        service(
            "Remote Office",
            "remoteoffice",
            "RemoteOffice",
            &[flag("active"), number("remoteOfficeNumber")],
        ),
        &[("active", "remoteOfficeNumber")],
    ),
    Service {
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
    },
    service(
        "BroadWorks Anywhere",
        "broadworksanywhere",
        "BroadWorksAnywhere",
        &[
            flag("alertAllLocationsForClickToDialCalls"),
            flag("alertAllLocationsForGroupPagingCalls"),
        ],
    ),
    service(
        "Alternate Numbers",
        "alternatenumbers",
        "AlternateNumbers",
        &[
            raised("distinctiveRing"),
            field("numbers", List("numberEntry", ALTERNATE_NUMBER, 10)),
        ],
    ),
    read_only(service("Executive", "executive", "Executive", &[])),
    service(
        "Executive-Assistant",
        "executiveassistant",
        "ExecutiveAssistant",
        &[flag("enableDivert"), number("divertToPhoneNumber")],
    ),
    service(
        "Voice Messaging User",
        "voicemessaging",
        "VoiceMessaging",
        &[
            raised("active"),
            choice(
                "processing",
                &[
                    "Unified Voice and Email Messaging",
                    "Deliver To Email Address Only",
                ],
                "Unified Voice and Email Messaging",
            ),
            field("voiceMessageDeliveryEmailAddress", Email),
            raised("usePhoneMessageWaitingIndicator"),
            flag("sendVoiceMessageNotifyEmail"),
            field("voiceMessageNotifyEmailAddress", Email),
            flag("sendCarbonCopyVoiceMessage"),
            field("voiceMessageCarbonCopyEmailAddress", Email),
            flag("transferOnZeroToPhoneNumber"),
            number("transferPhoneNumber"),
            flag("alwaysRedirectToVoiceMail"),
            raised("busyRedirectToVoiceMail"),
            raised("noAnswerRedirectToVoiceMail"),
            flag("outOfPrimaryZoneRedirectToVoiceMail"),
        ],
    ),
    named("Basic Call Logs"),
    named("Directed Call Pickup"),
    read_only(service("Call Park", "callpark", "CallPark", &[])),
    needing(
        service(
            "Call Forwarding Busy",
            "callforwardingbusy",
            "CallForwardingBusy",
            FORWARDING,
        ),
        FORWARD,
    ),
    needing(
        service(
            "Call Forwarding Not Reachable",
            "callforwardingnotreachable",
            "CallForwardingNotReachable",
            FORWARDING,
        ),
        FORWARD,
    ),
    needing(
        service(
            "Call Forwarding Always Secondary",
            "callforwardingalwayssecondary",
            "CallForwardingAlwaysSecondary",
            RINGING_FORWARDING,
        ),
        FORWARD,
    ),
    needing(
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
    ),
    service(
        "Automatic Callback",
        "automaticcallback",
        "AutomaticCallback",
        ACTIVE,
    ),
    service(
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
    ),
    service("Barge-in Exempt", "bargeinexempt", "BargeInExempt", ACTIVE),
    service(
        "Calling Line ID Delivery Blocking",
        "callinglineiddeliveryblocking",
        "CallingLineIDDeliveryBlocking",
        ACTIVE,
    ),
    service(
        "Calling Line ID Blocking Override",
        "callinglineidblockingoverride",
        "CallingLineIDBlockingOverride",
        ACTIVE,
    ),
    service(
        "Calling Name Delivery",
        "callingnamedelivery",
        "CallingNameDelivery",
        CALLER_ID,
    ),
    service(
        "Calling Number Delivery",
        "callingnumberdelivery",
        "CallingNumberDelivery",
        CALLER_ID,
    ),
    service(
        "Calling Name Retrieval",
        "callingnameretrieval",
        "CallingNameRetrieval",
        ACTIVE,
    ),
    service(
        "Connected Line Identification Restriction",
        "connectedlineidentificationrestriction",
        "ConnectedLineIdentificationRestriction",
        ACTIVE,
    ),
    service(
        "External Calling Line ID Delivery",
        "externalcallinglineiddelivery",
        "ExternalCallingLineIDDelivery",
        &[raised("active")],
    ),
    service(
        "Internal Calling Line ID Delivery",
        "internalcallinglineiddelivery",
        "InternalCallingLineIDDelivery",
        &[raised("active")],
    ),
    service(
        "Silent Alerting",
        "silentalerting",
        "SilentAlerting",
        ACTIVE,
    ),
    needing(
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
    ),
    service(
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
    ),
    service(
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
    ),
    Service {
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
    },
    service(
        "Speed Dial 8",
        "speeddial8",
        "SpeedDial8",
        &[field(
            "speedDial8Entry",
            Repeated("speedCode", SPEED_DIAL, 8),
        )],
    ),
    service(
        "Music On Hold User",
        "musiconhold",
        "MusicOnHold",
        &[raised("active")],
    ),
    service(
        "Call Notify",
        "callnotify",
        "CallNotify",
        &[field("callNotifyEmailAddress", Email)],
    ),
    service(
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
    ),
    service(
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
    ),
    service(
        "Directed Call Pickup with Barge-in",
        "directedcallpickupwithbargein",
        "DirectedCallPickupWithBargeIn",
        &[
            raised("enableBargeInWarningTone"),
            flag("enableAutomaticTargetSelection"),
        ],
    ),
    service(
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
    ),
    service(
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
    ),
    service(
        "Integrated IMP",
        "integratedimp",
        "IntegratedIMPService",
        &[raised("active")],
    ),
    service(
        "Push Notification",
        "pushnotification",
        "PushNotification",
        &[
            raised("sendPushNotificationForClickToDial"),
            flag("sendPushNotificationForGroupPaging"),
        ],
    ),
    service(
        "Selective Call Acceptance",
        "selectivecallacceptance",
        "SelectiveCallAcceptance",
        &[],
    ),
    service(
        "Selective Call Rejection",
        "selectivecallrejection",
        "SelectiveCallRejection",
        &[],
    ),
    named("Enhanced Call Logs"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::broadworks::xsi::services::row::Kind::Phone;

    #[test]
    fn rows_are_unambiguous_and_their_defaults_and_needs_fit() {
        for (at, service) in SERVICES.iter().enumerate() {
            for other in SERVICES.iter().skip(at + 1) {
                assert_ne!(service.name, other.name);
                assert!(
                    service.path.is_none() || service.path != other.path,
                    "{}",
                    other.name
                );
            }
            if let Some(path) = service.path {
                assert_eq!(path, path.to_lowercase());
                assert!(std::ptr::eq(by_path(path).unwrap(), service));
            }
            let has = |name: &str| service.fields.iter().any(|field| field.name == name);
            assert!(
                service
                    .needs
                    .iter()
                    .all(|(one, other)| has(one) && has(other))
            );
            assert!(service.users.is_none_or(|users| has(users.field)));
            for field in service.fields {
                // A value that nil clears must not come back as a default.
                let clearable = matches!(
                    field.kind,
                    Email | Phone | SipUri | Text(_) | Users | List(..) | Repeated(..)
                );
                assert!(!clearable || field.default.is_none(), "{}", field.name);
            }
        }
    }
}
