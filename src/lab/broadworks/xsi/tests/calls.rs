//! Call control over the wire: what the user asks, and what everybody then sees.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::wire::Reply;
use super::wire::Served;
use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::calls::command::Command;
use crate::lab::broadworks::calls::command::Start;
use crate::lab::broadworks::directory::LogKind;

fn login(name: &str) -> String {
    format!("{name}@as.example.net:Passw0rd!")
}

fn path(name: &str, tail: &str) -> String {
    format!("user/{name}@as.example.net/{tail}")
}

async fn ask(served: &Served, name: &str, method: &str, tail: &str) -> Reply {
    served
        .ask(&login(name), method, &path(name, tail), "")
        .await
}

async fn read(served: &Served, name: &str, tail: &str) -> Element {
    let reply = ask(served, name, "GET", tail).await;
    assert_eq!(reply.status, 200, "{name} {tail}: {}", reply.text());
    reply.document()
}

async fn put(served: &Served, name: &str, tail: &str) {
    let reply = ask(served, name, "PUT", tail).await;
    assert_eq!(reply.status, 200, "{name} {tail}: {}", reply.text());
    assert_eq!(reply.text(), "");
}

/// Starts a call and gives its id.
async fn start(served: &Served, name: &str, tail: &str) -> String {
    let reply = ask(served, name, "POST", &format!("calls/{tail}")).await;
    assert_eq!(reply.status, 201, "{name} {tail}: {}", reply.text());
    let document = reply.document();
    let id = document.child_text("callId").unwrap().to_owned();
    let place = path(name, &format!("calls/{id}"));
    let place = format!("http://xsp1.example.net/com.broadsoft.xsi-actions/v2.0/{place}");
    assert_eq!(reply.header("location"), Some(place.as_str()));
    id
}

/// The ids of a user's calls, oldest first.
async fn calls(served: &Served, name: &str) -> Vec<String> {
    let list = read(served, name, "calls").await;
    let ids = list.children().iter();
    ids.map(|call| call.child_text("callId").unwrap().to_owned())
        .collect()
}

/// The one call of a user.
async fn only(served: &Served, name: &str) -> String {
    let mut ids = calls(served, name).await;
    assert_eq!(ids.len(), 1, "{name}: {ids:?}");
    ids.remove(0)
}

async fn state(served: &Served, name: &str, id: &str) -> String {
    let call = read(served, name, &format!("calls/{id}")).await;
    call.child_text("state").unwrap().to_owned()
}

/// A call that is answered, by the ids of both ends.
async fn talk(served: &Served, caller: &str, callee: &str, extension: &str) -> (String, String) {
    let before = calls(served, callee).await.len();
    let out = start(served, caller, &format!("new?address={extension}")).await;
    let ringing = calls(served, callee).await.swap_remove(before);
    put(served, callee, &format!("calls/{ringing}/Talk")).await;
    (out, ringing)
}

async fn hang_up(served: &Served, name: &str, id: &str) {
    let reply = ask(served, name, "DELETE", &format!("calls/{id}")).await;
    assert_eq!((reply.status, reply.text()), (200, String::new()));
}

async fn set(served: &Served, name: &str, service: &str, body: &str) {
    let tail = path(name, &format!("services/{service}"));
    let reply = served.ask(&login(name), "PUT", &tail, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

async fn entries(served: &Served, name: &str, kind: &str) -> Vec<Element> {
    let list = read(served, name, &format!("directories/CallLogs/{kind}")).await;
    list.children().to_vec()
}

#[tokio::test]
async fn a_call_is_placed_seen_answered_held_ended_and_logged() {
    let served = Served::start().await;
    let out = start(&served, "alice", "new?address=0102").await;
    let into = only(&served, "bob").await;
    assert_eq!(state(&served, "alice", &out).await, "Alerting");
    let call = read(&served, "bob", &format!("Calls/{into}")).await;
    assert!(call.child("allowAnswer").is_some());
    let remote = call.child("remoteParty").unwrap();
    assert_eq!(remote.child_text("address"), Some("tel:0101"));
    assert_eq!(remote.child_text("callType"), Some("Group"));
    assert_eq!(remote.child_text("userId"), Some("alice@as.example.net"));
    let endpoint = call.child("endpoint").unwrap();
    assert_eq!(endpoint.attribute("type"), Some("xsi:AccessEndpoint"));
    assert_eq!(
        endpoint.child_text("addressOfRecord"),
        Some("bob@as.example.net")
    );
    let hook = read(&served, "bob", "calls/HookStatus").await;
    assert_eq!(hook.child_text("hookStatus"), Some("On-Hook"));
    put(&served, "bob", &format!("calls/{into}/Talk")).await;
    let hook = read(&served, "bob", "calls/HookStatus").await;
    assert_eq!(hook.child_text("hookStatus"), Some("Off-Hook"));
    put(&served, "alice", &format!("calls/{out}/hold")).await;
    assert_eq!(state(&served, "alice", &out).await, "Held");
    assert_eq!(state(&served, "bob", &into).await, "Remote Held");
    let held = read(&served, "alice", &format!("calls/{out}")).await;
    assert!(held.child("allowRetrieve").is_some() && held.child("heldTime").is_some());
    put(&served, "alice", &format!("calls/{out}/TALK")).await;
    assert_eq!(state(&served, "bob", &into).await, "Active");
    put(
        &served,
        "alice",
        &format!("calls/{out}/TransmitDTMF?playdtmf=23456%23%2C123"),
    )
    .await;
    put(
        &served,
        "alice",
        &format!("calls/{out}/ClientSessionInfo?info=a%20note"),
    )
    .await;
    let call = read(&served, "alice", &format!("calls/{out}")).await;
    assert_eq!(call.child_text("clientSessionInfo"), Some("a note"));
    hang_up(&served, "bob", &into).await;
    assert!(calls(&served, "alice").await.is_empty());

    let served = served.restart().await;
    let placed = entries(&served, "alice", "Placed").await;
    assert_eq!(placed.len(), 3, "two are seeded");
    assert_eq!(placed[0].child_text("phoneNumber"), Some("0102"));
    assert_eq!(placed[0].child_text("name"), Some("Bob Boss"));
    assert_eq!(placed[0].child_text("callLogId"), Some("105"));
    let received = entries(&served, "bob", "Received").await;
    assert_eq!(received[0].child_text("phoneNumber"), Some("0101"));
    assert!(entries(&served, "bob", "Missed").await.is_empty());
    let list = read(&served, "alice", "directories/EnhancedCallLogs/Placed").await;
    let entry = list.child("placed").unwrap().children()[0].clone();
    assert_eq!(entry.child_text("callId"), Some(out.as_str()));
    assert_eq!(entry.child_text("dialedNumber"), Some("0102"));
    assert_eq!(entry.child_text("calledGroupId"), Some("hq"));
    assert_eq!(entry.child_text("basicCallType"), Some("Group"));
    let time = |name: &str| entry.child_text(name).unwrap().parse::<i64>().unwrap();
    assert!(time("startTime") <= time("answerTime"));
    assert!(time("answerTime") <= time("releaseTime"));
}

#[tokio::test]
async fn missed_calls_are_logged_and_called_back() {
    let served = Served::start().await;
    let out = start(&served, "carol", "new?address=2405550102").await;
    hang_up(&served, "carol", &out).await;
    let missed = entries(&served, "bob", "Missed").await;
    assert_eq!(missed[0].child_text("name"), Some("Carol Clerk"));
    start(&served, "bob", "CallReturn").await;
    let back = only(&served, "carol").await;
    assert_eq!(state(&served, "carol", &back).await, "Alerting");
    let out = start(&served, "carol", "LastNumberRedial").await;
    // Bob is on his own call and has no call waiting: his mailbox answers.
    assert_eq!(state(&served, "carol", &out).await, "Active");
}

#[tokio::test]
async fn the_own_phone_rings_first_when_a_location_is_named() {
    let served = Served::start().await;
    let id = start(&served, "alice", "new?address=0102&info=&location=All").await;
    let call = read(&served, "alice", &format!("calls/{id}")).await;
    assert_eq!(call.child_text("personality"), Some("Click-to-Dial"));
    assert!(calls(&served, "bob").await.is_empty());
    put(&served, "alice", &format!("calls/{id}/Talk")).await;
    assert_eq!(calls(&served, "bob").await.len(), 1);
    for (query, kind, address) in [
        (
            "location=BroadWorksAnywhere&locationAddress=2405550901",
            "xsi:BroadWorksAnywhereEndpoint",
            "tel:+12405550901",
        ),
        (
            "location=Mobility",
            "xsi:BroadWorksMobilityEndpoint",
            "tel:2405550901",
        ),
    ] {
        let id = start(&served, "alice", &format!("new?address=0103&{query}")).await;
        let call = read(&served, "alice", &format!("calls/{id}")).await;
        let endpoint = call.child("endpoint").unwrap();
        assert_eq!(endpoint.attribute("type"), Some(kind));
        assert_eq!(endpoint.child_text("address"), Some(address));
    }
    let shared = "location=SharedCallAppearance&locationAddress=alice_wxt@as.example.net";
    let id = start(&served, "alice", &format!("new?address=0103&{shared}")).await;
    let call = read(&served, "alice", &format!("calls/{id}")).await;
    let endpoint = call.child("endpoint").unwrap();
    assert_eq!(
        endpoint.child_text("addressOfRecord"),
        Some("alice_wxt@as.example.net")
    );
}

#[tokio::test]
async fn calls_are_transferred_with_and_without_asking() {
    let served = Served::start().await;
    let (out, into) = talk(&served, "alice", "bob", "0102").await;
    put(
        &served,
        "bob",
        &format!("calls/{into}/BlindTransfer?address=0103"),
    )
    .await;
    assert!(calls(&served, "bob").await.is_empty());
    let gone = ask(&served, "bob", "GET", &format!("calls/{into}")).await;
    assert_eq!(gone.status, 404);
    let left = read(&served, "bob", &format!("calls/{into}?allowDetached=true")).await;
    assert_eq!(left.child_text("state"), Some("Detached"));
    assert_eq!(
        left.child("redirect").unwrap().child_text("address"),
        Some("tel:0103")
    );
    assert!(left.child("endpoint").is_none());
    let ringing = only(&served, "carol").await;
    put(&served, "carol", &format!("calls/{ringing}/Talk")).await;
    let call = read(&served, "alice", &format!("calls/{out}")).await;
    assert_eq!(
        call.child("remoteParty").unwrap().child_text("address"),
        Some("tel:0103")
    );

    let second = start(&served, "carol", "new?address=0104").await;
    let ringing = only(&served, "dan").await;
    put(&served, "dan", &format!("calls/{ringing}/Talk")).await;
    let first = calls(&served, "carol").await.remove(0);
    put(
        &served,
        "carol",
        &format!("calls/{first}/ConsultTransfer/{second}"),
    )
    .await;
    let call = read(&served, "dan", &format!("calls/{ringing}")).await;
    assert_eq!(
        call.child("remoteParty").unwrap().child_text("address"),
        Some("tel:0101")
    );

    let reply = ask(
        &served,
        "dan",
        "PUT",
        &format!("calls/{ringing}/MuteTransfer?address=0105"),
    )
    .await;
    assert_eq!(reply.status, 200);
    assert!(reply.document().child_text("externalTrackingId").is_some());
    let target = only(&served, "juergen").await;
    put(&served, "juergen", &format!("calls/{target}/Talk")).await;
    assert!(calls(&served, "dan").await.is_empty());
    put(&served, "juergen", &format!("calls/{target}/VmTransfer")).await;
    hang_up(&served, "alice", &out).await;
    let list = read(&served, "juergen", "VoiceMessagingMessages").await;
    assert_eq!(list.child("messageInfoList").unwrap().children().len(), 1);
}

#[tokio::test]
async fn a_conference_is_made_of_two_calls_and_grows() {
    let served = Served::start().await;
    let (first, _) = talk(&served, "alice", "bob", "0102").await;
    let (second, _) = talk(&served, "alice", "carol", "0103").await;
    assert_eq!(
        ask(&served, "alice", "GET", "calls/Conference")
            .await
            .status,
        404
    );
    let body = format!(
        "<Conference xmlns='http://schema.broadsoft.com/xsi'><conferenceParticipantList>\
         <conferenceParticipant><callId>{first}</callId></conferenceParticipant>\
         <conferenceParticipant><callId>{second}</callId></conferenceParticipant>\
         </conferenceParticipantList></Conference>"
    );
    let conference = path("alice", "calls/Conference");
    let reply = served
        .ask(&login("alice"), "POST", &conference, &body)
        .await;
    assert_eq!((reply.status, reply.text()), (201, String::new()));
    assert_eq!(
        served
            .ask(&login("alice"), "POST", &conference, &body)
            .await
            .status,
        403
    );
    let list = read(&served, "alice", "calls").await;
    let in_it = |call: &Element| call.attribute("inConference") == Some("true");
    assert!(list.children().iter().all(in_it));
    let (third, _) = talk(&served, "alice", "dan", "0104").await;
    let document = read(&served, "alice", "calls/conference").await;
    assert_eq!(document.child_text("state"), Some("Held"));
    put(&served, "alice", &format!("calls/Conference/{third}")).await;
    put(&served, "alice", &format!("calls/Conference/{third}/Mute")).await;
    put(&served, "alice", &format!("calls/Conference/{third}/Deaf")).await;
    put(
        &served,
        "alice",
        &format!("calls/Conference/{third}/UnMute"),
    )
    .await;
    put(&served, "alice", "calls/Conference/mute").await;
    let document = read(&served, "alice", "calls/Conference").await;
    assert_eq!(document.child_text("state"), Some("Active"));
    assert_eq!(document.child_text("muted"), Some("true"));
    let list = document.child("conferenceParticipantList").unwrap();
    assert_eq!(list.children().len(), 3);
    assert_eq!(list.children()[2].child_text("deaf"), Some("true"));
    assert_eq!(list.children()[2].child_text("muted"), None);
    put(&served, "alice", "calls/Conference/Hold").await;
    assert_eq!(state(&served, "alice", &first).await, "Held");
    put(&served, "alice", "calls/Conference/Talk").await;
    hang_up(&served, "alice", &first).await;
    assert_eq!(
        ask(&served, "alice", "DELETE", "calls/Conference")
            .await
            .status,
        200
    );
    assert!(calls(&served, "dan").await.is_empty());
    assert_eq!(
        ask(&served, "alice", "PUT", "calls/Conference/Hold")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn calls_are_parked_retrieved_and_picked_up() {
    let served = Served::start().await;
    let (out, into) = talk(&served, "alice", "bob", "0102").await;
    let reply = ask(
        &served,
        "bob",
        "PUT",
        &format!("calls/{into}/Park?address=0104"),
    )
    .await;
    let place = reply.header("content-location").unwrap();
    assert!(
        place.ends_with("/calls/ParkRetrieve?address=tel:0104"),
        "{place}"
    );
    assert_eq!(state(&served, "alice", &out).await, "Remote Held");
    let taken = start(&served, "carol", "ParkRetrieve?address=tel:0104").await;
    assert_eq!(state(&served, "alice", &out).await, "Active");
    let reply = ask(
        &served,
        "carol",
        "PUT",
        &format!("calls/{taken}/GroupCallPark"),
    )
    .await;
    let place = reply.header("content-location").unwrap();
    assert!(place.ends_with("?address=tel:0103"), "{place}");
    let taken = start(&served, "carol", "CallRetrieve").await;
    hang_up(&served, "carol", &taken).await;

    for (who, tail) in [
        ("carol", "CallPickup"),
        ("dan", "DirectedCallPickup?address=0102"),
    ] {
        let out = start(&served, "alice", "new?address=0102").await;
        start(&served, who, tail).await;
        assert!(calls(&served, "bob").await.is_empty());
        hang_up(&served, "alice", &out).await;
    }
    let (out, _) = talk(&served, "alice", "bob", "0102").await;
    start(&served, "carol", "DirectedCallPickupBargeIn?address=0102").await;
    let document = read(&served, "carol", "calls/Conference").await;
    assert_eq!(document.child_text("conferenceType"), Some("Barge-In"));
    hang_up(&served, "alice", &out).await;
}

#[tokio::test]
async fn a_call_to_somebody_who_is_not_to_be_disturbed_leaves_a_message() {
    let served = Served::start().await;
    set(
        &served,
        "bob",
        "donotdisturb",
        "<DoNotDisturb><active>true</active></DoNotDisturb>",
    )
    .await;
    let out = start(&served, "alice", "new?address=0102").await;
    assert!(calls(&served, "bob").await.is_empty());
    assert_eq!(state(&served, "alice", &out).await, "Active");
    hang_up(&served, "alice", &out).await;
    let summary = read(&served, "bob", "calls/MessageSummary").await;
    let summary = summary.child("summary").unwrap();
    assert_eq!(summary.child_text("newMessages"), Some("1"));
    let list = read(&served, "bob", "VoiceMessagingMessages").await;
    let info = list.child("messageInfoList").unwrap().children()[0].clone();
    let caller = info.child("callingPartyInfo").unwrap();
    assert_eq!(caller.child_text("address"), Some("tel:0101"));
    assert_eq!(caller.child_text("userId"), Some("alice@as.example.net"));
    let id = info
        .child_text("messageId")
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap();
    assert_eq!(id.len(), 36);
    let message = read(&served, "bob", &format!("VoiceMessagingMessages/{id}")).await;
    let media = message.child("messageMediaContent").unwrap();
    let file = STANDARD
        .decode(media.child_text("content").unwrap())
        .unwrap();
    assert_eq!(&file[..4], b"RIFF");
    assert!(file.len() > 8_000);

    // Who hides leaves no name.
    let blocking =
        "<CallingLineIDDeliveryBlocking><active>true</active></CallingLineIDDeliveryBlocking>";
    set(&served, "alice", "callinglineiddeliveryblocking", blocking).await;
    let out = start(&served, "alice", "new?address=0102").await;
    hang_up(&served, "alice", &out).await;
    let list = read(&served, "bob", "VoiceMessagingMessages").await;
    let info = list.child("messageInfoList").unwrap().children()[0].clone();
    let caller = info.child("callingPartyInfo").unwrap();
    assert!(caller.child("privacy").is_some() && caller.child("name").is_none());
}

#[tokio::test]
async fn forwarded_calls_arrive_with_their_history() {
    let served = Served::start().await;
    let body = "<CallForwardingAlways><active>true</active>\
                <forwardToPhoneNumber>0103</forwardToPhoneNumber></CallForwardingAlways>";
    set(&served, "bob", "callforwardingalways", body).await;
    set(
        &served,
        "alice",
        "callinglineiddeliveryblocking",
        "<CallingLineIDDeliveryBlocking><active>true</active></CallingLineIDDeliveryBlocking>",
    )
    .await;
    start(&served, "alice", "new?address=0102").await;
    let ringing = only(&served, "carol").await;
    let call = read(&served, "carol", &format!("calls/{ringing}")).await;
    let redirection = call
        .child("redirections")
        .unwrap()
        .child("redirection")
        .unwrap();
    assert_eq!(redirection.child_text("reason"), Some("unconditional"));
    let party = redirection.child("party").unwrap();
    assert_eq!(party.child_text("userId"), Some("bob@as.example.net"));
    let remote = call.child("remoteParty").unwrap();
    assert!(remote.child("privacy").is_some() && remote.child("address").is_none());
    assert_eq!(remote.child_text("callType"), Some("Group"));
}

/// Method, path below the user (`{}` is a connected call), status, code.
type Refused = (&'static str, &'static str, u16, &'static str);

#[rustfmt::skip]
const REFUSED_STARTS: &[Refused] = &[
    ("POST", "calls/new", 400, "100004"),
    ("POST", "calls/new?address=", 400, "100004"),
    ("POST", "calls/new?address=99", 400, "100004"),
    ("POST", "calls/new?address=0103&location=Moon", 400, "100004"),
    ("POST", "calls/new?address=0103&clid=other", 400, "100004"),
    ("POST", "calls/new?address=0103&location=SharedCallAppearance", 400, "100004"),
    ("POST", "calls/new?address=0103&location=BroadWorksAnywhere&locationAddress=7", 400, "100004"),
    ("POST", "calls/new?address=0103&location=FlexibleSeatingGuest", 404, "4410"),
    ("GET", "calls/new?address=0103", 405, "100008"),
    ("POST", "calls/CallPickup", 404, "5604"),
    ("POST", "calls/CallRetrieve", 404, "5604"),
    ("POST", "calls/ParkRetrieve?address=0201", 400, "100004"),
    ("POST", "calls/DirectedCallPickup", 400, "100004"),
    ("POST", "calls/DirectedCallPickup?address=0104", 404, "5604"),
    ("POST", "calls/SilentMonitorNext", 404, "100007"),
    ("POST", "calls/PushToTalk?address=0102", 404, "100007"),
    ("POST", "calls/imrn", 404, "100007"),
    ("DELETE", "calls/AutomaticCallback", 404, "100007"),
];

#[rustfmt::skip]
const REFUSED_COMMANDS: &[Refused] = &[
    ("PUT", "calls/{}/Talk", 403, "100013"),
    ("PUT", "calls/{}/Reconnect", 403, "100013"),
    ("PUT", "calls/{}/PauseRecording", 403, "100013"),
    ("PUT", "calls/{}/BlindTransfer", 400, "100004"),
    ("PUT", "calls/{}/BlindTransfer?address=x", 400, "100004"),
    ("PUT", "calls/{}/Park?address=0201", 400, "100004"),
    ("PUT", "calls/{}/TransmitDTMF?playdtmf=x", 400, "100004"),
    ("PUT", "calls/{}/ConsultTransfer/callhalf-9:0", 404, "5604"),
    ("PUT", "calls/{}/ConsultTransfer/{}", 400, "100004"),
    ("PUT", "calls/{}/Fly", 404, "100007"),
    ("POST", "calls/{}/Hold", 405, "100008"),
    ("PUT", "calls/callhalf-9:0/Hold", 404, "5604"),
    ("PUT", "calls/callhalf-x:0/Hold", 404, "5604"),
    ("DELETE", "calls/{}?decline=True&declineReason=Rude", 400, "100004"),
    ("DELETE", "calls/Conference", 404, "100007"),
    ("PUT", "calls/Conference/{}", 403, "100013"),
    ("PUT", "calls/Conference/{}/Mute", 404, "100007"),
    ("POST", "calls/Conference", 400, "100001"),
];

#[tokio::test]
async fn refusals_say_what_is_wrong() {
    let served = Served::start().await;
    let (out, _) = talk(&served, "alice", "bob", "0102").await;
    for (method, tail, status, code) in REFUSED_STARTS.iter().chain(REFUSED_COMMANDS) {
        let tail = tail.replace("{}", &out);
        let reply = ask(&served, "alice", method, &tail).await;
        assert_eq!(reply.status, *status, "{method} {tail}: {}", reply.text());
        let document = reply.document();
        let told = document.child_text("errorCode");
        assert_eq!(told, Some(*code), "{method} {tail}");
    }
    assert_eq!(only(&served, "alice").await, out, "nothing has changed");
    let other = ask(&served, "carol", "GET", &format!("calls/{out}")).await;
    assert_eq!(other.status, 404, "calls of others are not there");
    let admin = "admin:Adm1n-Passw0rd!";
    let tail = path("alice", &format!("calls/{out}"));
    assert_eq!(served.ask(admin, "DELETE", &tail, "").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn timers_run_by_themselves() {
    let served = Served::start().await;
    let lab = &served.lab;
    let user = "alice@as.example.net";
    let states = || lab.calls.read(|calls| calls.of(user, false));
    let command = Command::Start {
        start: Start::Dial("2405550017".to_owned()),
        ring_first: None,
        info: None,
    };
    assert!(lab.calls.command(&lab.store, user, command).is_ok());
    assert_eq!(states().len(), 1, "the busy tone is heard");
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert!(states().is_empty());
    let logs = &lab.directory().users[user].call_logs;
    let placed = logs[&LogKind::Placed].first();
    assert_eq!(placed.unwrap().number, "2405550017");
}
