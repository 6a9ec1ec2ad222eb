//! What each package is told of calls and services, compared with recorded documents: the same
//! elements in the same order, the same words where they are not ids, times, names or numbers.

use std::sync::Arc;

use super::documents::event;
use super::documents::sample;
use crate::lab::broadworks::calls::command::Action;
use crate::lab::broadworks::calls::command::Command;
use crate::lab::broadworks::calls::command::Decline;
use crate::lab::broadworks::calls::command::Record;
use crate::lab::broadworks::calls::command::Start;
use crate::lab::broadworks::calls::leg::Endpoint;
use crate::lab::broadworks::calls::tests::bench::Bench as CallBench;
use crate::lab::broadworks::calls::tests::bench::id;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::VoiceMessage;
use crate::lab::broadworks::events::command::Input;
use crate::lab::broadworks::events::command::Target;
use crate::lab::broadworks::events::envelope::EventData;
use crate::lab::broadworks::events::package::Package;
use crate::lab::broadworks::events::package::Packages;
use crate::lab::broadworks::events::service;
use crate::lab::broadworks::events::teller::Teller;

const BASIC: &str = "Basic Call";
const STANDARD: &str = "Standard Call";
const ADVANCED: &str = "Advanced Call";

/// The call engine and what is told of it.
struct Stage {
    calls: CallBench,
    teller: Teller,
    /// User, packages, what was told.
    told: Vec<(String, Packages, EventData)>,
}

impl Stage {
    fn new() -> Self {
        Self {
            calls: CallBench::new(),
            teller: Teller::default(),
            told: Vec::new(),
        }
    }

    fn listen(&mut self) {
        // The desk keeps to itself what is only to be remembered.
        let mut actions = std::mem::take(&mut self.calls.actions);
        actions.retain(|action| !matches!(action, Action::Log(_) | Action::Message(_)));
        for occurrence in self.teller.tell(&actions, &self.calls.directory) {
            for (packages, data) in occurrence.told {
                self.told.push((occurrence.user.clone(), packages, data));
            }
        }
    }

    /// What a package was told of a user since the last time.
    fn told(&mut self, name: &str, package: &str) -> Vec<EventData> {
        self.listen();
        let package = Package::named(package).unwrap();
        let all = self.told.iter();
        all.filter(|(user, packages, _)| *user == id(name) && packages.has(package))
            .map(|(.., data)| data.clone())
            .collect()
    }

    fn kinds(&mut self, name: &str, package: &str) -> Vec<&'static str> {
        let told = self.told(name, package);
        told.iter().map(|data| data.kind).collect()
    }

    fn forget(&mut self) {
        self.listen();
        self.told.clear();
    }

    /// The one event of a kind.
    fn one(&mut self, name: &str, package: &str, kind: &str) -> EventData {
        let told = self.told(name, package);
        let kinds: Vec<_> = told.iter().map(|data| data.kind).collect();
        let mut all = told.into_iter().filter(|data| data.kind == kind);
        let one = all.next().unwrap_or_else(|| panic!("no {kind}: {kinds:?}"));
        assert!(all.next().is_none(), "{kind} twice: {kinds:?}");
        one
    }

    fn state(&self, name: &str, package: &str, anew: bool) -> EventData {
        let target = Target::User {
            user: id(name),
            sub: None,
        };
        let packages = Packages::of(Package::named(package).unwrap());
        let directory = &self.calls.directory;
        let mut all = service::state(&self.calls.calls, directory, &target, packages, anew);
        assert_eq!(all.len(), 1);
        all.remove(0)
    }
}

/// Elements whose texts are words of the schema.
const WORDS: [&str; 8] = [
    "personality",
    "state",
    "releasingParty",
    "reason",
    "hookStatus",
    "active",
    "ringSplash",
    "recordingState",
];

/// Elements that captures have and the lab does not know, or the other way round.
const OTHERWISE: [&str; 9] = [
    // Features of the captured systems.
    "allowedRecordingControls",
    "securityClassification",
    "networkCallId",
    "cdrTerminationCause",
    "q850Cause",
    // Parties: the captured callers were outside, the lab's have user ids.
    "name",
    "userId",
    "userDN",
    // Phones of the lab answer by command.
    "allowAnswer",
];

/// Tags with their attributes in order, and the texts that are words.
fn skeleton(document: &str) -> String {
    let data = document.split("<xsi:eventData").nth(1).unwrap();
    let mut written = String::new();
    for piece in data
        .replace("countryCode=\"31\"", "countryCode=\"1\"")
        .split('<')
        .skip(1)
    {
        let (tag, text) = piece.split_once('>').unwrap();
        let bare = tag.trim_start_matches(['/']).trim_start_matches("xsi:");
        let name = bare.split([' ', '/']).next().unwrap();
        if OTHERWISE.contains(&name) {
            continue;
        }
        let tag = tag.replace(" countryCode=\"1\"", "");
        written += &format!("<{tag}>");
        if WORDS.contains(&name) && !tag.starts_with('/') {
            written += text;
        }
    }
    written
}

/// Compares an event with a recorded one.
#[track_caller]
fn same(name: &str, data: &EventData) {
    let recorded = sample(name);
    let ours = event("957d0482-6cdd-4189-b477-19c6793f113a", 2, data.clone());
    assert!(
        recorded.contains(&format!("<xsi:eventData xsi1:type=\"xsi:{}\"", data.kind)),
        "sample {name} is not about {}",
        data.kind
    );
    assert_eq!(skeleton(&ours), skeleton(&recorded), "sample {name}");
}

fn talk(
    stage: &mut Stage,
) -> (
    crate::lab::broadworks::calls::leg::LegId,
    crate::lab::broadworks::calls::leg::LegId,
) {
    let legs = stage.calls.talk("bob", "alice");
    stage.calls.seconds(1);
    legs
}

#[test]
fn the_life_of_an_incoming_call_is_told_as_recorded() {
    let mut stage = Stage::new();
    let (bobs, alices) = talk(&mut stage);
    same("33", &stage.one("alice", BASIC, "CallReceivedEvent"));
    same("38", &stage.one("alice", STANDARD, "CallUpdatedEvent"));
    same("30", &stage.one("alice", STANDARD, "HookStatusEvent"));
    let kinds = ["CallReceivedEvent", "CallAnsweredEvent", "HookStatusEvent"];
    assert_eq!(stage.kinds("alice", BASIC), kinds);
    stage.forget();
    stage.calls.done("alice", Command::Hold(alices));
    same("36", &stage.one("alice", STANDARD, "CallHeldEvent"));
    assert_eq!(
        stage.kinds("alice", BASIC),
        [""; 0],
        "Basic Call knows no hold"
    );
    let remote = stage.one("bob", STANDARD, "CallHeldEvent");
    assert!(
        remote
            .content
            .contains("<xsi:state>Remote Held</xsi:state>")
    );
    stage.forget();
    stage.calls.seconds(3);
    stage.calls.done("alice", Command::Talk(alices));
    same("37", &stage.one("alice", STANDARD, "CallRetrievedEvent"));
    stage.forget();
    stage.calls.hang_up("alice", alices);
    let over = stage.one("alice", STANDARD, "CallReleasedEvent");
    let never_held = |text: &str| text.replace("<xsi:totalHeldTime></xsi:totalHeldTime>", "");
    let ours = event("957d0482-6cdd-4189-b477-19c6793f113a", 2, over);
    assert_eq!(never_held(&skeleton(&ours)), skeleton(&sample("42")));
    let history = stage.one("alice", "Call History", "CallHistoryEvent");
    let ours = event("957d0482-6cdd-4189-b477-19c6793f113a", 2, history);
    assert_eq!(never_held(&skeleton(&ours)), skeleton(&sample("51")));
    assert!(stage.calls.legs("bob").iter().all(|leg| leg.id != bobs));
}

#[test]
fn an_outgoing_call_is_told_as_recorded() {
    let mut stage = Stage::new();
    let call = stage.calls.dial("alice", "0102");
    same("32", &stage.one("alice", BASIC, "CallOriginatedEvent"));
    stage.forget();
    let ringing = stage.calls.ringing("bob");
    stage.calls.done("bob", Command::Talk(ringing));
    let recorded = sample("35");
    let answered = stage.one("alice", BASIC, "CallAnsweredEvent");
    let ours = event("957d0482-6cdd-4189-b477-19c6793f113a", 4, answered);
    assert_eq!(skeleton(&ours), skeleton(&recorded));
    stage.calls.hang_up("alice", call);
}

#[test]
fn a_click_to_dial_call_and_a_wrong_number_are_told_as_recorded() {
    let mut stage = Stage::new();
    let command = Command::Start {
        start: Start::Dial("2405550001".to_owned()),
        ring_first: Some(Endpoint::Access(id("alice"))),
        info: None,
    };
    stage.calls.done("alice", command);
    same("31", &stage.one("alice", BASIC, "CallOriginatingEvent"));
    stage.forget();
    let own = stage.calls.ringing("alice");
    stage.calls.done("alice", Command::Talk(own));
    let releasing = stage.one("alice", STANDARD, "CallReleasingEvent");
    assert!(releasing.content.contains("User Not Found"));
    same("41", &releasing);
}

#[test]
fn snapshots_have_all_calls_and_the_hook() {
    let mut stage = Stage::new();
    same("27", &stage.state("alice", BASIC, false));
    let (_, _) = talk(&mut stage);
    same("28", &stage.state("alice", STANDARD, false));
    let mut stage = Stage::new();
    let first = stage.calls.dial("alice", "2405550199");
    stage.calls.seconds(5);
    stage.calls.done("alice", Command::Hold(first));
    stage.calls.dial("alice", "2405550299");
    stage.calls.seconds(5);
    let anew = stage.state("alice", STANDARD, true);
    assert_eq!(anew.kind, "CallSubscriptionResyncEvent");
    let count = anew.content.matches("<xsi:call>").count();
    assert_eq!(count, 2);
}

#[test]
fn a_transfer_detaches_both_legs_for_advanced_and_releases_them_for_the_others() {
    let mut stage = Stage::new();
    let (_, first) = talk(&mut stage);
    stage.calls.done("alice", Command::Hold(first));
    stage.calls.seconds(2);
    let second = stage.calls.dial("alice", "0103");
    let ringing = stage.calls.ringing("carol");
    stage.calls.done("carol", Command::Talk(ringing));
    stage.calls.seconds(1);
    stage.forget();
    stage
        .calls
        .done("alice", Command::ConsultTransfer(first, second));
    let redirected = stage.one("alice", ADVANCED, "CallRedirectedEvent");
    same("39", &redirected);
    assert_eq!(
        stage.kinds("alice", ADVANCED),
        ["CallRedirectedEvent", "HookStatusEvent"]
    );
    let released = ["CallReleasedEvent", "CallReleasedEvent", "HookStatusEvent"];
    assert_eq!(stage.kinds("alice", STANDARD), released);
    assert_eq!(stage.kinds("alice", BASIC), released);
    same("40", &stage.one("bob", STANDARD, "CallTransferredEvent"));
    let transferred = stage.one("carol", STANDARD, "CallTransferredEvent");
    assert!(transferred.content.contains("bob@as.example.net"));
    stage.forget();
    let left = stage.calls.legs("bob")[0].id;
    stage.calls.hang_up("bob", left);
    let over = ["CallReleasedEvent", "CallReleasedEvent"];
    assert_eq!(
        stage.kinds("alice", ADVANCED),
        over,
        "now they are over for it, too"
    );
    assert_eq!(stage.kinds("alice", STANDARD), [""; 0]);
    assert_eq!(stage.kinds("alice", "Call History").len(), 2);
}

#[test]
fn advanced_sees_calls_before_the_services_and_the_others_after_them() {
    let mut stage = Stage::new();
    stage.calls.set("alice", "donotdisturb", "active", "true");
    stage.calls.dial("bob", "0101");
    let refused = ["CallReceivedEvent", "CallReleasedEvent"];
    assert_eq!(stage.kinds("alice", ADVANCED), refused);
    assert_eq!(stage.kinds("alice", STANDARD), [""; 0], "it never rang");
    let released = stage.one("alice", ADVANCED, "CallReleasedEvent");
    assert!(released.content.contains("<xsi:internalReleaseCause>Busy<"));

    let mut stage = Stage::new();
    stage
        .calls
        .set("alice", "callforwardingalways", "active", "true");
    stage.calls.set(
        "alice",
        "callforwardingalways",
        "forwardToPhoneNumber",
        "0103",
    );
    stage.calls.dial("bob", "0101");
    let sent_on = [
        "CallReceivedEvent",
        "CallRedirectedEvent",
        "CallReleasedEvent",
    ];
    assert_eq!(stage.kinds("alice", ADVANCED), sent_on);
    assert_eq!(stage.kinds("alice", STANDARD), [""; 0]);
    let redirected = stage.one("alice", ADVANCED, "CallRedirectedEvent");
    assert!(
        redirected
            .content
            .contains("<xsi:address>tel:0103</xsi:address><xsi:reason>unconditional<")
    );
    same("44", &stage.one("bob", STANDARD, "CallForwardedEvent"));
    let received = stage.one("carol", STANDARD, "CallReceivedEvent");
    assert!(
        received
            .content
            .contains("<xsi:redirections><xsi:redirection><xsi:party>")
    );
    let twice = stage.kinds("carol", ADVANCED);
    assert_eq!(
        twice,
        ["CallReceivedEvent", "CallUpdatedEvent"],
        "told once"
    );
}

#[test]
fn a_call_is_picked_up_parked_and_retrieved() {
    let mut stage = Stage::new();
    let call = stage.calls.dial("bob", "0101");
    stage.forget();
    stage
        .calls
        .start("carol", Start::DirectedPickup("0101".to_owned()));
    same("45", &stage.one("carol", STANDARD, "CallPickedUpEvent"));
    let released = stage.one("alice", STANDARD, "CallReleasedEvent");
    assert!(released.content.contains("Answered Elsewhere"));
    stage.forget();
    let carols = stage.calls.legs("carol")[0].id;
    stage.calls.done("carol", Command::Park(carols, None));
    let parked = ["CallDetachedEvent", "CallReleasedEvent", "HookStatusEvent"];
    assert_eq!(stage.kinds("carol", ADVANCED), parked);
    same(
        "60",
        &stage.one("carol", "Call Park", "CallParkedAgainstEvent"),
    );
    same("60", &stage.state("carol", "Call Park", false));
    stage.forget();
    stage.calls.start("carol", Start::ParkRetrieve(None));
    stage.one("carol", STANDARD, "CallParkRetrievedEvent");
    same(
        "61",
        &stage.one("carol", "Call Park", "CallParkedAgainstEvent"),
    );
    stage.calls.hang_up("bob", call);
}

#[test]
fn a_parked_call_leaves_the_phone_as_recorded() {
    let mut stage = Stage::new();
    let (_, alices) = talk(&mut stage);
    stage.calls.done("alice", Command::Park(alices, None));
    same("43", &stage.one("alice", ADVANCED, "CallDetachedEvent"));
    assert!(
        !stage
            .kinds("alice", STANDARD)
            .contains(&"CallDetachedEvent")
    );
}

#[test]
fn conferences_start_hold_come_back_and_end() {
    let mut stage = Stage::new();
    let first = stage.calls.dial("alice", "2405550199");
    stage.calls.seconds(5);
    let second = stage.calls.dial("alice", "2405550299");
    stage.calls.seconds(5);
    stage.forget();
    stage
        .calls
        .done("alice", Command::Conference(vec![first, second]));
    stage.one("alice", STANDARD, "ConferenceStartedEvent");
    stage.forget();
    stage.calls.done("alice", Command::HoldConference);
    stage.one("alice", STANDARD, "ConferenceHeldEvent");
    stage.forget();
    stage.calls.done("alice", Command::TalkConference);
    stage.one("alice", STANDARD, "ConferenceRetrievedEvent");
    stage.forget();
    stage.calls.done("alice", Command::EndConference);
    same(
        "50",
        &stage.one("alice", STANDARD, "ConferenceReleasedEvent"),
    );
    let basic = stage.kinds("alice", BASIC);
    assert!(basic.iter().all(|kind| !kind.starts_with("Conference")));
}

#[test]
fn joining_a_call_is_a_conference_as_recorded() {
    let mut stage = Stage::new();
    talk(&mut stage);
    stage
        .calls
        .user("carol")
        .assigned
        .push("Directed Call Pickup with Barge-in".to_owned());
    let directory = stage.calls.directory.clone();
    stage.calls.calls.look_up(Arc::new(directory));
    stage
        .calls
        .start("carol", Start::BargeIn("0101".to_owned()));
    same(
        "48",
        &stage.one("carol", STANDARD, "ConferenceStartedEvent"),
    );
    stage.one("alice", STANDARD, "CallBargedInEvent");
}

#[test]
fn each_step_of_a_recording_has_its_event() {
    let mut stage = Stage::new();
    let user = stage.calls.user("alice");
    if !user.has_service("Call Recording") {
        user.assigned.push("Call Recording".to_owned());
    }
    stage
        .calls
        .set("alice", "callrecording", "recordingMode", "on-demand");
    let (_, call) = talk(&mut stage);
    for (record, kind) in [
        (Record::Start, "CallRecordingStartedEvent"),
        (Record::Pause, "CallRecordingPausedEvent"),
        (Record::Resume, "CallRecordingResumedEvent"),
        (Record::Stop, "CallRecordingStoppedEvent"),
    ] {
        stage.forget();
        stage.calls.done("alice", Command::Record(call, record));
        let told = stage.one("alice", STANDARD, kind);
        let reason = told
            .content
            .contains("<xsi:reason>User Requested</xsi:reason>");
        assert_eq!(reason, record == Record::Stop);
    }
}

#[test]
fn who_hides_is_not_told() {
    let mut stage = Stage::new();
    stage
        .calls
        .set("bob", "callinglineiddeliveryblocking", "active", "true");
    let call = stage.calls.dial("bob", "0101");
    let received = stage.one("alice", STANDARD, "CallReceivedEvent");
    let remote =
        "<xsi:remoteParty><xsi:privacy/><xsi:callType>Group</xsi:callType></xsi:remoteParty>";
    assert!(received.content.contains(remote), "{}", received.content);
    stage.calls.done("bob", Command::HangUp(call, Decline::No));
}

/// What subscribers to a package are told when a directory changes.
fn changed(before: &Directory, after: &Directory, package: &str) -> EventData {
    let package = Package::named(package).unwrap();
    let told: Vec<EventData> = service::changes(before, after)
        .into_iter()
        .flat_map(|input| match input {
            Input::Occurred(occurrence) => occurrence.told,
            other => panic!("{other:?}"),
        })
        .filter(|(packages, _)| packages.has(package))
        .map(|(_, data)| data)
        .collect();
    assert_eq!(told.len(), 1);
    told[0].clone()
}

#[test]
fn changed_services_are_told_as_recorded() {
    for (number, package, path, fields) in [
        (
            "52",
            "Do Not Disturb",
            "donotdisturb",
            vec![("active", "true"), ("ringSplash", "true")],
        ),
        (
            "54",
            "Call Forwarding Always",
            "callforwardingalways",
            vec![
                ("active", "true"),
                ("forwardToPhoneNumber", "1020"),
                ("ringSplash", "true"),
            ],
        ),
        (
            "56",
            "Call Forwarding No Answer",
            "callforwardingnoanswer",
            vec![
                ("active", "true"),
                ("forwardToPhoneNumber", "1004"),
                ("numberOfRings", "5"),
            ],
        ),
        (
            "59",
            "Remote Office",
            "remoteoffice",
            vec![("active", "true"), ("remoteOfficeNumber", "1004")],
        ),
    ] {
        let mut bench = CallBench::new();
        let before = bench.directory.clone();
        for (field, text) in fields {
            bench.set("alice", path, field, text);
        }
        same(number, &changed(&before, &bench.directory, package));
        assert!(service::changes(&before, &before).is_empty());
    }
}

#[test]
fn a_service_that_is_taken_away_is_told_as_unassigned() {
    let mut bench = CallBench::new();
    let before = bench.directory.clone();
    bench
        .user("alice")
        .assigned
        .retain(|name| name != "Do Not Disturb");
    same("53", &changed(&before, &bench.directory, "Do Not Disturb"));
}

#[test]
fn forwarding_when_busy_tells_that_it_is_off() {
    let mut bench = CallBench::new();
    bench.set("alice", "callforwardingbusy", "active", "true");
    let before = bench.directory.clone();
    bench.set("alice", "callforwardingbusy", "active", "false");
    same(
        "55",
        &changed(&before, &bench.directory, "Call Forwarding Busy"),
    );
}

#[test]
fn messages_are_counted_when_they_come_are_heard_and_go() {
    let mut bench = CallBench::new();
    bench.user("alice").voice_messages.clear();
    let empty = bench.directory.clone();
    bench.user("alice").voice_messages.push(VoiceMessage {
        id: "1".to_owned(),
        duration: 1000,
        name: String::new(),
        user_id: None,
        address: String::new(),
        read: false,
        time: 0,
        content: String::new(),
    });
    let new = bench.directory.clone();
    bench.user("alice").voice_messages[0].read = true;
    let heard = bench.directory.clone();
    let package = "Voice Mail Message Summary";
    let counts =
        |name: &str| format!("<xsi:messageSummary><xsi:{name}>1</xsi:{name}></xsi:messageSummary>");
    assert_eq!(
        *changed(&empty, &new, package).content,
        *counts("newMessages")
    );
    assert_eq!(
        *changed(&new, &heard, package).content,
        *counts("oldMessages")
    );
    same("57", &changed(&heard, &empty, package));
}

#[test]
fn a_user_who_is_gone_is_told_as_such() {
    let mut bench = CallBench::new();
    let before = bench.directory.clone();
    bench.directory.users.remove(&id("alice"));
    let told = service::changes(&before, &bench.directory);
    assert!(matches!(told.as_slice(), [Input::UserDeleted(user)] if *user == id("alice")));
}
