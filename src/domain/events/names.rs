//! The packages and types of events that are known (field page, section 3.1). Others pass too;
//! they are counted as `other` and named once in the log, because a new release shows there first.

use std::collections::BTreeSet;

/// The packages, as a subscription spells them.
pub const PACKAGES: [&str; 38] = [
    "Advanced Call",
    "Basic Call",
    "BroadWorks Anywhere",
    "Call Center Agent",
    "Call Center Agent Monitoring",
    "Call Center Configuration",
    "Call Center Monitoring",
    "Call Center Queue",
    "Call Forwarding Always",
    "Call Forwarding Always Secondary",
    "Call Forwarding Busy",
    "Call Forwarding No Answer",
    "Call Park",
    "Call Recording",
    "Call Transfer",
    "Call Waiting",
    "Collaborate Room",
    "CommPilot Express",
    "Do Not Disturb",
    "Flexible Seating Guest",
    "Hoteling Guest",
    "Last Number Redial",
    "Meet Me Conference",
    "Music On Hold",
    "N-Way Call",
    "Personal Assistant",
    "Push Notification Registration",
    "Remote Office",
    "Route Point Queue",
    "Security Classification",
    "Sequential Ring",
    "Silent Alerting",
    "Simultaneous Ring Personal",
    "Standard Call",
    "Third-Party Voice Mail Support",
    "Three-Way Call",
    "Voice Mail Message Summary",
    "Voice Messaging",
];

/// Types of event data; those of whole families stand in [`FAMILIES`]. In order, for searching.
pub const TYPES: &[&str] = &[
    "ACDAgentJoinUpdateEvent",
    "ACDConfigurationSubscriptionEvent",
    "ACDForcedForwardingEvent",
    "ACDHolidayServiceEvent",
    "ACDNightServiceEvent",
    "ACDSubscriptionEvent",
    "ACDSubscriptionResyncEvent",
    "AgentDispositionCodeAddedEvent",
    "AgentStateEvent",
    "AgentSubscriptionEvent",
    "BroadWorksAnywhereEvent",
    "CallAnsweredEvent",
    "CallBargedInEvent",
    "CallCenterAgentMonitoringEvent",
    "CallCenterAgentMonitoringSubscriptionEvent",
    "CallCenterAgentOnCallAlertEvent",
    "CallCenterMonitoringEvent",
    "CallClientSessionInfoUpdatedEvent",
    "CallCollectingEvent",
    "CallDetachedEvent",
    "CallForwardedEvent",
    "CallForwardingAlwaysEvent",
    "CallForwardingAlwaysSecondaryEvent",
    "CallForwardingBusyEvent",
    "CallForwardingNoAnswerEvent",
    "CallHeldEvent",
    "CallHistoryEvent",
    "CallMonitoredEvent",
    "CallOriginatedEvent",
    "CallOriginatingEvent",
    "CallParkRetrievedEvent",
    "CallParkedAgainstEvent",
    "CallPickedUpEvent",
    "CallReceivedEvent",
    "CallRecordingPausedEvent",
    "CallRecordingResumedEvent",
    "CallRecordingStartedEvent",
    "CallRecordingStartingEvent",
    "CallRecordingStoppedEvent",
    "CallRedirectedEvent",
    "CallReleasedEvent",
    "CallReleasingEvent",
    "CallRetrievedEvent",
    "CallSecurityClassificationUpdatedEvent",
    "CallSubscriptionEvent",
    "CallSubscriptionResyncEvent",
    "CallTransferEvent",
    "CallTransferredEvent",
    "CallUpdatedEvent",
    "CallWaitingEvent",
    "CommPilotExpressEvent",
    "ConferenceHeldEvent",
    "ConferenceMutedEvent",
    "ConferenceReleasedEvent",
    "ConferenceRetrievedEvent",
    "ConferenceStartedEvent",
    "ConferenceUnmutedEvent",
    "ConferenceUpdatedEvent",
    "DoNotDisturbEvent",
    "FlexibleSeatingGuestEvent",
    "HookStatusEvent",
    "HotelingGuestEvent",
    "LastNumberRedialEvent",
    "MusicOnHoldEvent",
    "N-WayCallEvent",
    "PersonalAssistantEvent",
    "PlayMusicOnHoldFailureEvent",
    "PushNotificationRegistrationEvent",
    "RemoteOfficeEvent",
    "SecurityClassificationEvent",
    "SequentialRingEvent",
    "SilentAlertingEvent",
    "SimultaneousRingPersonalEvent",
    "SubscriptionTerminatedEvent",
    "ThirdPartyVoiceMailSupportEvent",
    "ThreeWayCallEvent",
    "VoiceMailMessageSummaryEvent",
    "VoiceMessagingEvent",
];

/// Families of types, by what their names begin with, and the label of each. They have dozens of
/// members of which no daemon needs a series of its own.
pub const FAMILIES: [(&str, &str); 7] = [
    ("ACDCall", "ACDCall…"),
    ("ACDHolidayPolicy", "ACDHolidayPolicy…"),
    ("ACDNightPolicy", "ACDNightPolicy…"),
    ("ACDWhisper", "ACDWhisper…"),
    ("CollaborateRoom", "CollaborateRoom…"),
    ("MeetMe", "MeetMe…"),
    ("RoutePoint", "RoutePoint…"),
];

/// The label of what is not known.
pub const OTHER: &str = "other";

/// Reasons with which a channel is terminated (field page, section 1.8).
pub const TERMINATIONS: [&str; 6] = [
    "DuplicateChannelSet",
    "Expired",
    "ExplicitDelete",
    "NonResponsiveChannel",
    "UnknownChannel",
    "UserDeleted",
];

/// Every label of a type.
pub fn labels() -> impl Iterator<Item = &'static str> {
    let families = FAMILIES.iter().map(|(_, label)| *label);
    TYPES.iter().copied().chain(families).chain([OTHER])
}

/// The place of a type in [`labels`]; `None` when it is not known.
#[must_use]
pub fn place_of(name: &[u8]) -> Option<usize> {
    if let Ok(place) = TYPES.binary_search_by(|known| known.as_bytes().cmp(name)) {
        return Some(place);
    }
    let family = FAMILIES
        .iter()
        .position(|(start, _)| name.starts_with(start.as_bytes()))?;
    Some(TYPES.len() + family)
}

/// The place of [`OTHER`] in [`labels`].
pub const OTHER_PLACE: usize = TYPES.len() + FAMILIES.len();

/// The known reason of a termination, or [`OTHER`].
#[must_use]
pub fn termination(reason: Option<&[u8]>) -> &'static str {
    TERMINATIONS
        .iter()
        .find(|known| reason == Some(known.as_bytes()))
        .unwrap_or(&OTHER)
}

/// Whether a package is known.
#[must_use]
pub fn is_package(name: &[u8]) -> bool {
    PACKAGES.iter().any(|known| known.as_bytes() == name)
}

/// Names that were met and are not known. A peer chooses them, so their number and length are
/// bounded.
#[derive(Debug, Default)]
pub struct Unknown {
    met: BTreeSet<Box<[u8]>>,
}

/// Unknown names told of; a release adds a handful.
const NAMES: usize = 256;

/// Longest part of a name that is told.
const LENGTH: usize = 64;

impl Unknown {
    /// The name in words for the log when it is met for the first time.
    pub fn first(&mut self, name: &[u8]) -> Option<String> {
        let name = name.get(..LENGTH).unwrap_or(name);
        if self.met.len() >= NAMES || self.met.contains(name) {
            return None;
        }
        self.met.insert(name.into());
        let plain = |byte: &u8| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '?',
        };
        Some(name.iter().map(plain).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_in_order_and_without_doubles() {
        assert!(TYPES.is_sorted_by(|a, b| a < b));
        assert!(PACKAGES.is_sorted_by(|a, b| a < b));
        let labels: Vec<_> = labels().collect();
        assert_eq!(labels[OTHER_PLACE], OTHER);
        for (place, label) in labels.iter().enumerate().take(TYPES.len()) {
            assert_eq!(place_of(label.as_bytes()), Some(place));
        }
    }

    #[test]
    fn families_share_a_label_and_the_unknown_have_none() {
        let label = |name: &[u8]| place_of(name).and_then(|place| labels().nth(place));
        assert_eq!(label(b"RoutePointCallAnsweredEvent"), Some("RoutePoint…"));
        assert_eq!(
            label(b"ACDCallStrandedTreatementCompletedEvent"),
            Some("ACDCall…")
        );
        assert_eq!(label(b"BusyLampFieldEvent"), None);
        assert_eq!(termination(Some(b"Expired")), "Expired");
        assert_eq!(termination(Some(b"expired")), OTHER);
        assert_eq!(termination(None), OTHER);
        assert!(is_package(b"N-Way Call") && !is_package(b"Busy Lamp Field"));
    }

    #[test]
    fn an_unknown_name_is_told_once_and_their_number_is_bounded() {
        let mut unknown = Unknown::default();
        assert_eq!(unknown.first(b"New\nEvent"), Some("New?Event".to_owned()));
        assert_eq!(unknown.first(b"New\nEvent"), None);
        let told = (0..10_000_u32)
            .filter(|number| unknown.first(number.to_string().as_bytes()).is_some())
            .count();
        assert_eq!(told, NAMES - 1);
        let long = Unknown::default().first(&[b'x'; 10_000]);
        assert_eq!(long.map(|name| name.len()), Some(LENGTH));
    }
}
