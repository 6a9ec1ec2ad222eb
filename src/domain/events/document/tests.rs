//! Recorded documents, odd ones, and broken ones.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks for one thing among many and fails on the others"
)]

use super::requests::AckStatus;
use super::requests::ChannelAdd;
use super::requests::SubscriptionAdd;
use super::*;
use crate::domain::events::ids::CallId;
use crate::domain::events::ids::EventId;
use crate::domain::events::ids::TrackingId;
use crate::domain::events::ids::UserId;
use crate::domain::xsi::codec::Fault;

macro_rules! sample {
    ($name:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/wire/xsi-events/",
            $name,
            ".xml"
        ))
        .as_slice()
    };
}

fn parse(bytes: &[u8]) -> Document {
    Document::parse(bytes, CAP).unwrap()
}

fn event(bytes: &[u8]) -> SubscriptionEvent {
    match parse(bytes) {
        Document::Event(event) => *event,
        other => panic!("{other:?}"),
    }
}

fn calls(bytes: &[u8]) -> (Box<str>, Vec<Call>) {
    match event(bytes).data {
        EventData::Calls { name, calls } => (name, calls),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_documents_of_a_channel_are_told_apart() {
    let Document::ChannelOpened(channel) = parse(sample!("02-channel-add-response")) else {
        panic!("a channel");
    };
    assert_eq!(channel.id.as_str(), "64eddc79-b707-4827-aacd-487fb5cb8427");
    assert_eq!(channel.expires, Some(86_400));
    assert_eq!(
        parse(sample!("07-channel-heartbeat-chunk")),
        Document::HeartBeat
    );
    assert_eq!(
        parse(br#"<ChannelHeartbeat xmlns="http://schema.broadsoft.com/xsi"/>"#),
        Document::HeartBeat
    );
    for (bytes, expected) in [
        (
            sample!("08-channel-terminated-explicitdelete"),
            TerminatedReason::ExplicitDelete,
        ),
        (
            sample!("09-channel-terminated-duplicatechannelset"),
            TerminatedReason::DuplicateChannelSet,
        ),
        (
            sample!("10-channel-terminated-nonresponsive"),
            TerminatedReason::NonResponsiveChannel,
        ),
    ] {
        let Document::ChannelTerminated { channel, reason } = parse(bytes) else {
            panic!("terminated");
        };
        assert!(channel.is_some());
        assert_eq!(reason, expected);
    }
    let Document::ErrorInfo(error) = parse(sample!("25-errorinfo")) else {
        panic!("a refusal");
    };
    assert_eq!(error.code, Some(110_013));
    assert_eq!(error.summary.as_deref(), Some("Invalid event package"));
    let unknown = Document::Unknown {
        name: "Versions".into(),
    };
    assert_eq!(parse(sample!("26-versions-response")), unknown);
}

#[test]
fn a_snapshot_without_target_is_about_its_owner() {
    let idle = event(sample!("27-callsubscription-idle"));
    assert_eq!(idle.id.as_str(), "957d0482-6cdd-4189-b477-19c6793f113a");
    assert_eq!(idle.sequence, Some(1));
    assert_eq!(idle.about(), Some(&UserId::new("alice@example.net")));
    assert_eq!(idle.target, None);
    let EventData::Snapshot(snapshot) = idle.data else {
        panic!("a snapshot");
    };
    assert!(snapshot.calls.is_empty() && !snapshot.resync);
    assert_eq!(snapshot.hook, Some(HookStatus::OnHook));

    let two = event(sample!("29-callsubscriptionresync-two-calls"));
    let EventData::Snapshot(snapshot) = two.data else {
        panic!("a snapshot");
    };
    let states: Vec<_> = snapshot.calls.iter().map(|call| call.state).collect();
    assert_eq!(states, [CallState::Held, CallState::Active]);
    assert!(snapshot.resync);
}

#[test]
fn a_call_is_read_with_what_identifies_it() {
    let received = event(sample!("33-callreceived-group"));
    assert_eq!(
        received.owner,
        Some(Owner::User(UserId::new("admin@example.net")))
    );
    assert_eq!(received.about(), Some(&UserId::new("alice@example.net")));
    let (name, calls) = calls(sample!("33-callreceived-group"));
    assert_eq!(&*name, "CallReceivedEvent");
    let [call] = calls.as_slice() else {
        panic!("one call");
    };
    assert_eq!(call.id, CallId::new("callhalf-12215:0"));
    assert_eq!(call.tracking, Some(TrackingId::new("108:1")));
    assert_eq!(call.personality, Personality::Terminator);
    assert_eq!(call.state, CallState::Alerting);
    assert_eq!(call.remote.name.as_deref(), Some("Bob Example"));
    assert_eq!(call.remote.user, Some(UserId::new("bob@example.net")));
    assert_eq!(call.started, Some(1_271_273_072_015));
}

#[test]
fn both_legs_of_a_transfer_are_detached() {
    let (name, calls) = calls(sample!("39-callredirected-transfer"));
    assert_eq!(&*name, "CallRedirectedEvent");
    let states: Vec<_> = calls.iter().map(|call| call.state).collect();
    assert_eq!(states, [CallState::Detached; 2]);
}

#[test]
fn the_other_events_that_matter_are_read() {
    let data = |bytes| event(bytes).data;
    assert_eq!(
        data(sample!("30-hookstatus-offhook")),
        EventData::Hook(HookStatus::OffHook)
    );
    assert_eq!(
        data(sample!("52-donotdisturb")),
        EventData::DoNotDisturb(Some(true))
    );
    assert_eq!(
        data(sample!("53-donotdisturb-unassigned")),
        EventData::DoNotDisturb(None)
    );
    let EventData::Parked(Some(party)) = data(sample!("60-callparkedagainst")) else {
        panic!("parked");
    };
    assert_eq!(party.name.as_deref(), Some("Carol Example"));
    assert_eq!(
        data(sample!("61-callparkedagainst-cleared")),
        EventData::Parked(None)
    );
    let ended = event(sample!("63-subscriptionterminated-httpcontact"));
    assert_eq!(ended.data, EventData::SubscriptionTerminated);
    assert!(matches!(ended.delivery, Some(Delivery::HttpContact(_))));
}

#[test]
fn events_that_say_nothing_of_a_line_keep_their_names() {
    for (bytes, name) in [
        (
            sample!("48-conferencestarted-bargein"),
            "ConferenceStartedEvent",
        ),
        (sample!("51-callhistory-webex-cti"), "CallHistoryEvent"),
        (
            sample!("54-callforwardingalways"),
            "CallForwardingAlwaysEvent",
        ),
        (
            sample!("57-voicemailsummary-none"),
            "VoiceMailMessageSummaryEvent",
        ),
        (sample!("64-agentstate-old-release"), "AgentStateEvent"),
        (
            sample!("66-callcentermonitoring"),
            "CallCenterMonitoringEvent",
        ),
        (sample!("67-acdcalladded"), "ACDCallAddedEvent"),
    ] {
        let event = event(bytes);
        assert_eq!(event.data.name(), name);
        assert!(matches!(event.data, EventData::Other { .. }), "{name}");
    }
    let history = event(sample!("51-callhistory-webex-cti"));
    assert_eq!(
        history.owner,
        Some(Owner::Client("bwcticlient.webex.com".into()))
    );
}

#[test]
fn every_call_event_of_the_samples_carries_its_calls() {
    for bytes in [
        sample!("31-calloriginating"),
        sample!("32-calloriginated"),
        sample!("34-callreceived-network-callcenter-redirections"),
        sample!("35-callanswered-httpcontact"),
        sample!("36-callheld-local"),
        sample!("37-callretrieved"),
        sample!("38-callupdated-alerting-endpoint"),
        sample!("40-calltransferred"),
        sample!("41-callreleasing-treatment"),
        sample!("42-callreleased-local"),
        sample!("43-calldetached"),
        sample!("44-callforwarded"),
        sample!("45-callpickedup"),
        sample!("46-callcollecting"),
        sample!("47-callrecordingstarted"),
    ] {
        let (name, calls) = calls(bytes);
        assert_eq!(calls.len(), 1, "{name}");
        assert!(!calls[0].odd_state, "{name}");
    }
}

#[test]
fn prefixes_order_and_line_feeds_do_not_matter() {
    let odd = br#"<b:Event i:type="b:SubscriptionEvent" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"
        xmlns:b="http://schema.broadsoft.com/xsi" xmlns:z="urn:later"><b:eventData i:type="b:CallAnsweredEvent"><b:call>
        <z:callId>not this one</z:callId><b:state> Active </b:state><b:new/><b:callId>a</b:callId></b:call></b:eventData>
        <b:targetId>bob</b:targetId><b:eventID>e</b:eventID></b:Event>"#;
    let event = event(odd);
    assert_eq!(event.id, EventId::new("e"));
    assert_eq!(event.about(), Some(&UserId::new("bob")));
    let EventData::Calls { calls, .. } = event.data else {
        panic!("calls");
    };
    assert_eq!(calls[0].id, CallId::new("a"));
    assert_eq!(calls[0].personality, Personality::Unknown);
}

fn with_call(call: &str) -> Result<Document, DocumentError> {
    let text = format!(
        r#"<Event xmlns="http://schema.broadsoft.com/xsi" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="SubscriptionEvent"><eventID>e</eventID><eventData i:type="CallUpdatedEvent"><call>{call}</call></eventData></Event>"#
    );
    Document::parse(text.as_bytes(), CAP)
}

#[test]
fn an_unknown_state_counts_as_active_and_is_noted() {
    let Ok(Document::Event(event)) = with_call("<callId>a</callId><state>Paused</state>") else {
        panic!("an event");
    };
    assert_eq!(event.data.odd_states(), 1);
    let EventData::Calls { calls, .. } = event.data else {
        panic!("calls");
    };
    assert_eq!(calls[0].state, CallState::Active);
}

#[test]
fn privacy_leaves_nothing_of_the_other_side() {
    let Ok(Document::Event(event)) = with_call(
        "<callId>a</callId><state>Alerting</state><remoteParty><name>Bob</name><address>tel:1</address><privacy>true</privacy></remoteParty>",
    ) else {
        panic!("an event");
    };
    let EventData::Calls { calls, .. } = event.data else {
        panic!("calls");
    };
    assert!(calls[0].remote.privacy && calls[0].remote.is_empty());
}

#[test]
fn an_event_whose_content_cannot_be_read_can_still_be_acknowledged() {
    for call in ["<state>Active</state>", "<callId>a</callId>"] {
        let Ok(Document::Event(event)) = with_call(call) else {
            panic!("an event");
        };
        assert!(matches!(event.data, EventData::Unreadable { .. }), "{call}");
    }
}

#[test]
fn what_cannot_be_used_is_refused_by_name() {
    let no_id = br#"<Event xmlns="http://schema.broadsoft.com/xsi" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="SubscriptionEvent"/>"#;
    assert_eq!(Document::parse(no_id, CAP), Err(DocumentError::EventId));
    let huge = [b"<a>".as_slice(), &vec![b'x'; CAP], b"</a>"].concat();
    assert!(matches!(
        Document::parse(&huge, CAP),
        Err(DocumentError::Codec(error)) if error.fault == Fault::Size
    ));
    for broken in [
        &b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"[..],
        b"<Channel xmlns='http://schema.broadsoft.com/xsi'><channelId>a</Channel>",
        b"<a/><b/>",
        b"<a>\x01</a>",
        b"",
        b"<Channel xmlns='http://schema.broadsoft.com/xsi'/>",
    ] {
        assert!(Document::parse(broken, CAP).is_err(), "{broken:?}");
    }
}

#[test]
fn a_stream_cut_anywhere_is_refused_and_not_misread() {
    let whole = sample!("33-callreceived-group");
    let whole = whole.trim_ascii_end();
    for end in 0..whole.len() {
        let cut = Document::parse(&whole[..end], CAP);
        assert!(cut.is_err(), "cut at {end}: {cut:?}");
    }
}

#[test]
fn an_event_of_a_foreign_namespace_is_unknown() {
    let foreign = br#"<Event xmlns="urn:other" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="SubscriptionEvent"><eventID>e</eventID></Event>"#;
    let unknown = Document::Unknown {
        name: "Event".into(),
    };
    assert_eq!(parse(foreign), unknown);
}

#[test]
fn later_kinds_of_events_are_acknowledged_when_they_have_an_id() {
    let later = |id: &str| {
        format!(
            r#"<Event xmlns="http://schema.broadsoft.com/xsi" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="BetterEvent">{id}</Event>"#
        )
    };
    assert!(matches!(
        parse(later("<eventID>e</eventID>").as_bytes()),
        Document::Event(_)
    ));
    let unknown = Document::Unknown {
        name: "BetterEvent".into(),
    };
    assert_eq!(parse(later("").as_bytes()), unknown);
}

#[test]
fn what_we_send_has_the_bytes_of_known_clients() {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let body = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).unwrap();
        text.lines().nth(1).unwrap().to_owned()
    };
    let prolog = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
    let same = |ours: Vec<u8>, sample: &[u8]| {
        assert_eq!(text(ours), format!("{prolog}{}", body(sample)));
    };
    same(
        requests::channel_add(ChannelAdd {
            set: "KIWI-040D0D020D06040A0902080E010B0A0C",
            priority: 1,
            weight: 50,
            expires: 3_600,
            application: None,
        }),
        sample!("01-channel-add-request"),
    );
    same(
        requests::subscription_add(SubscriptionAdd {
            packages: &["Basic Call", "Do Not Disturb", "Call Forwarding Always"],
            expires: 86_400,
            set: "blf-daemon-node1",
            application: Some("com.example.blf"),
        }),
        sample!("16-subscription-packagelist-request"),
    );
    same(
        requests::subscription_update(7_200),
        sample!("18-subscription-update-request"),
    );
    same(
        requests::event_response(
            &EventId::new("957d0482-6cdd-4189-b477-19c6793f113a"),
            AckStatus::Done,
        ),
        sample!("21-eventresponse-request"),
    );
    let stale = requests::event_response(&EventId::new("<&>"), AckStatus::NoSuchSubscription);
    let stale = text(stale);
    assert!(stale.contains("<eventID>&lt;&amp;&gt;</eventID><statusCode>481</statusCode>"));
    assert!(text(requests::channel_update(3_600)).contains("<expires>3600</expires>"));
    let one = text(requests::subscription_add(SubscriptionAdd {
        packages: &["Standard Call"],
        expires: 1,
        set: "s",
        application: None,
    }));
    assert!(one.contains("<event>Standard Call</event><expires>1</expires><channelSetId>s"));
}

#[test]
fn answers_to_our_requests_are_read() {
    let set = ChannelEntry::parse_set(sample!("06-channelset-get-response"), CAP).unwrap();
    assert_eq!(set.len(), 2);
    assert_eq!(set[0].set.as_deref(), Some("blf-daemon-node1"));
    let answer = SubscriptionEntry::parse(sample!("12-subscription-user-response"), CAP).unwrap();
    assert_eq!(answer.expires, Some(86_400));
    let one = SubscriptionEntry::parse(sample!("19-subscription-get-response"), CAP).unwrap();
    assert_eq!(one.target, Some(UserId::new("alice@example.net")));
    assert_eq!(one.packages, ["Basic Call".into()]);
    let list =
        SubscriptionEntry::parse_list(sample!("20-subscription-list-response"), CAP).unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(
        answers::parse_hook(sample!("69-hookstatus-get-response"), CAP),
        Ok(HookStatus::OnHook)
    );
    assert_eq!(
        ChannelEntry::parse(sample!("12-subscription-user-response"), CAP),
        Err(DocumentError::Kind)
    );
    let error = ErrorInfo::parse(sample!("25-errorinfo"), CAP).unwrap();
    assert_eq!(error.code, Some(110_013));
    assert_eq!(ErrorInfo::parse(b"<html>", CAP), None);
}

#[test]
fn calls_are_read_as_xml_and_as_json() {
    let xml = br#"<Calls xmlns="http://schema.broadsoft.com/xsi"><call><callId>a:0</callId><uri>/x</uri></call><call><callId>b:0</callId></call></Calls>"#;
    let json = br#"{"Calls":{"@xmlns":{"$":"http://schema.broadsoft.com/xsi"},"call":[{"callId":{"$":"a:0"}},{"callId":{"$":"b:0"}}]}}"#;
    for bytes in [&xml[..], json] {
        let calls = answers::parse_calls(bytes, CAP).unwrap();
        assert_eq!(calls, [CallId::new("a:0"), CallId::new("b:0")]);
    }
    let none = br#"<Calls xmlns="http://schema.broadsoft.com/xsi"/>"#;
    assert_eq!(answers::parse_calls(none, CAP), Ok(Vec::new()));
    let call = br#"{"Call":{"@xmlns":{"$":"http://schema.broadsoft.com/xsi"},"callId":{"$":"a:0"},"state":{"$":"Remote Held"}}}"#;
    let call = answers::parse_call(call, CAP).unwrap();
    assert_eq!(call.state, CallState::RemoteHeld);
}

#[test]
fn a_monitored_list_is_read_in_all_its_forms() {
    let full = BusyLampField::parse(sample!("68-busylampfield-get-response"), CAP).unwrap();
    assert_eq!(full.list_uri.as_deref(), Some("alice-blf@example.net"));
    let names: Vec<_> = full
        .monitored
        .iter()
        .map(|user| (user.user.as_str(), user.name.as_deref()))
        .collect();
    assert_eq!(
        names,
        [
            ("bob@example.net", Some("Bob Example")),
            ("carol@example.net", Some("Carol Example"))
        ]
    );
    let json = r#"{"busylampfield":{"listURI":{"$":"x@y"},"monitoredUserList":{"userDetails":[{"userId":{"$":"bob"},"extension":{"$":"12"}}]}}}"#;
    let json = BusyLampField::parse(json.as_bytes(), CAP).unwrap();
    assert_eq!(json.monitored[0].extension.as_deref(), Some("12"));
    let bare = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><monitoredUserList><userDetails><userId>bob</userId><lastName>N\u{fa}\u{f1}ez</lastName></userDetails></monitoredUserList>";
    let latin: Vec<u8> = bare
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    let bare = BusyLampField::parse(&latin, CAP).unwrap();
    assert_eq!(bare.monitored[0].name.as_deref(), Some("N\u{fa}\u{f1}ez"));
    for empty in [
        &br#"<BusyLampField xmlns="http://schema.broadsoft.com/xsi"/>"#[..],
        br#"<BusyLampField xmlns="http://schema.broadsoft.com/xsi" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><monitoredUserList i:nil="true"/></BusyLampField>"#,
        b"<monitoredUserList/>",
    ] {
        assert!(BusyLampField::parse(empty, CAP).unwrap().monitored.is_empty());
    }
    assert_eq!(
        BusyLampField::parse(sample!("25-errorinfo"), CAP),
        Err(DocumentError::Kind)
    );
}
