//! Voice messages, call logs and what tells a client about them.

use crate::lab::broadworks::xsi::services::row::Field;
use crate::lab::broadworks::xsi::services::row::Kind::Email;
use crate::lab::broadworks::xsi::services::row::Kind::Media;
use crate::lab::broadworks::xsi::services::row::Service;
use crate::lab::broadworks::xsi::services::row::choice;
use crate::lab::broadworks::xsi::services::row::field;
use crate::lab::broadworks::xsi::services::row::flag;
use crate::lab::broadworks::xsi::services::row::named;
use crate::lab::broadworks::xsi::services::row::number;
use crate::lab::broadworks::xsi::services::row::raised;
use crate::lab::broadworks::xsi::services::row::rings;
use crate::lab::broadworks::xsi::services::row::service;

const GREETING_FIELDS: &[Field] = &[
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

pub(super) const VOICE_MESSAGING: Service = service(
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
);

pub(super) const BASIC_CALL_LOGS: Service = named("Basic Call Logs");

pub(super) const INTEGRATED_IMP: Service = service(
    "Integrated IMP",
    "integratedimp",
    "IntegratedIMPService",
    &[raised("active")],
);

pub(super) const PUSH_NOTIFICATION: Service = service(
    "Push Notification",
    "pushnotification",
    "PushNotification",
    &[
        raised("sendPushNotificationForClickToDial"),
        flag("sendPushNotificationForGroupPaging"),
    ],
);

pub(super) const ENHANCED_CALL_LOGS: Service = named("Enhanced Call Logs");

pub(super) const GREETINGS: Service = service(
    "Voice Messaging User",
    "voicemessaging/greetings",
    "VoiceMessagingGreetings",
    GREETING_FIELDS,
);
