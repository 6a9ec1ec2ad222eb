//! Calls between people: what both ends show, and what is left in the logs.

use super::bench::Bench;
use super::bench::id;
use crate::lab::broadworks::calls::command::Action;
use crate::lab::broadworks::calls::command::Change;
use crate::lab::broadworks::calls::command::Command;
use crate::lab::broadworks::calls::command::Decline;
use crate::lab::broadworks::calls::command::Mix;
use crate::lab::broadworks::calls::command::Record;
use crate::lab::broadworks::calls::command::Refusal;
use crate::lab::broadworks::calls::command::Reply;
use crate::lab::broadworks::calls::command::Start;
use crate::lab::broadworks::calls::conference::Kind;
use crate::lab::broadworks::calls::leg::Cause;
use crate::lab::broadworks::calls::leg::Endpoint;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::leg::Personality;
use crate::lab::broadworks::calls::leg::Reason;
use crate::lab::broadworks::calls::leg::ReleasedBy;
use crate::lab::broadworks::calls::leg::State::Active;
use crate::lab::broadworks::calls::leg::State::Alerting;
use crate::lab::broadworks::calls::leg::State::Detached;
use crate::lab::broadworks::calls::leg::State::Held;
use crate::lab::broadworks::calls::leg::State::RemoteHeld;
use crate::lab::broadworks::calls::party::CallType;
use crate::lab::broadworks::directory::LogKind::Missed;
use crate::lab::broadworks::directory::LogKind::Placed;
use crate::lab::broadworks::directory::LogKind::Received;

#[test]
fn both_ends_of_a_call_agree_from_ringing_to_release() {
    let mut bench = Bench::new();
    let call = bench.dial("alice", "0102");
    let ringing = bench.ringing("bob");
    let (out, into) = (bench.leg("alice", call), bench.leg("bob", ringing));
    assert_eq!((out.state, into.state), (Alerting, Alerting));
    assert_eq!(out.personality, Personality::Originator);
    assert_eq!(into.personality, Personality::Terminator);
    assert_eq!(out.tracking, into.tracking);
    assert_eq!(out.remote.name.as_deref(), Some("Bob Boss"));
    assert_eq!(out.remote.address, "tel:0102");
    assert_eq!(
        out.remote.user_dn.as_deref(),
        Some("tel:+12405550102;ext=0102")
    );
    assert_eq!(into.remote.user_id, Some(id("alice")));
    assert_eq!(into.remote.call_type, CallType::Group);
    assert!(bench.calls.is_off_hook(&id("alice")));
    assert!(!bench.calls.is_off_hook(&id("bob")));
    bench.seconds(4);
    bench.done("bob", Command::Talk(ringing));
    bench.seconds(60);
    let (out, into) = (bench.leg("alice", call), bench.leg("bob", ringing));
    assert_eq!((out.state, into.state), (Active, Active));
    assert_eq!(out.times.answer, Some(out.times.start + 4_000));
    assert_eq!(out.times.answer, into.times.answer);
    bench.hang_up("bob", ringing);
    assert!(bench.legs("alice").is_empty() && bench.legs("bob").is_empty());
    assert!(!bench.calls.is_off_hook(&id("bob")));
    let released: Vec<_> = bench
        .actions
        .iter()
        .filter_map(|action| match action {
            Action::Leg {
                change: Change::Released,
                leg,
                ..
            } => leg.released_by,
            _ => None,
        })
        .collect();
    assert_eq!(released, [ReleasedBy::Local, ReleasedBy::Remote]);
    assert_eq!(
        bench.logged(),
        [("bob".into(), Received), ("alice".into(), Placed)]
    );
    for record in bench.records() {
        assert_eq!(record.times.release, Some(record.times.start + 64_000));
    }
}

#[test]
fn addresses_reach_whom_they_name() {
    for (by, address, name, call_type) in [
        ("alice", "0102", Some("Bob Boss"), CallType::Group),
        ("alice", "tel:0102", Some("Bob Boss"), CallType::Group),
        (
            "alice",
            "sip:bob@as.example.net",
            Some("Bob Boss"),
            CallType::Group,
        ),
        (
            "alice",
            "0102@as.example.net",
            Some("Bob Boss"),
            CallType::Group,
        ),
        ("alice", "bob", None, CallType::Unknown),
        ("alice", "+12405550102", Some("Bob Boss"), CallType::Group),
        ("alice", "(240) 555-0102", Some("Bob Boss"), CallType::Group),
        ("alice", "0201", Some("Zoë Quist"), CallType::Enterprise),
        ("alice", "301", None, CallType::Unknown),
        (
            "alice",
            "3015550301",
            Some("Ivy Instance"),
            CallType::Network,
        ),
        ("alice", "2405550199", None, CallType::Network),
        ("alice", "911", None, CallType::Emergency),
        ("alice", "", None, CallType::Unknown),
        ("alice", "*98", None, CallType::Unknown),
        ("alice", "0101", None, CallType::Unknown),
        ("alice", "http://example.net", None, CallType::Unknown),
    ] {
        let mut bench = Bench::new();
        let command = Command::Start {
            start: Start::Dial(address.to_owned()),
            ring_first: None,
            info: None,
        };
        let reply = bench.ask(by, command);
        if call_type == CallType::Unknown {
            assert_eq!(reply, Err(Refusal::BadParameter("address")), "{address}");
            continue;
        }
        assert!(reply.is_ok(), "{address}: {reply:?}");
        let leg = bench.legs(by).remove(0);
        assert_eq!(leg.remote.name.as_deref(), name, "{address}");
        assert_eq!(leg.remote.call_type, call_type, "{address}");
        let country = leg.remote.country_code.is_some();
        assert_eq!(
            country,
            leg.remote.address.starts_with("tel:+1"),
            "{address}"
        );
    }
}

#[test]
fn outside_numbers_follow_their_script() {
    for (number, after, state, cause) in [
        ("2405550199", 3, Some(Alerting), None),
        ("2405550199", 4, Some(Active), None),
        ("2405550017", 0, Some(Active), Some(Cause::Busy)),
        ("2405550017", 10, None, None),
        ("2405550001", 0, Some(Active), Some(Cause::UserNotFound)),
        ("2405550019", 179, Some(Alerting), None),
        ("2405550019", 180, Some(Active), Some(Cause::NoAnswer)),
    ] {
        let mut bench = Bench::new();
        bench.dial("alice", number);
        bench.seconds(after);
        let leg = bench.legs("alice").pop();
        assert_eq!(leg.as_ref().map(|leg| leg.state), state, "{number} {after}");
        assert_eq!(leg.and_then(|leg| leg.cause), cause, "{number} {after}");
    }
}

#[test]
fn a_call_is_held_and_retrieved_by_either_end_or_both() {
    let mut bench = Bench::new();
    let (out, into) = bench.talk("alice", "bob");
    bench.done("alice", Command::Hold(out));
    let states = |bench: &Bench| (bench.leg("alice", out).state, bench.leg("bob", into).state);
    assert_eq!(states(&bench), (Held, RemoteHeld));
    assert!(bench.ask("alice", Command::Hold(out)).is_err());
    bench.seconds(5);
    bench.done("bob", Command::Hold(into));
    assert_eq!(states(&bench), (Held, Held));
    bench.done("alice", Command::Talk(out));
    assert_eq!(states(&bench), (RemoteHeld, Held));
    bench.seconds(3);
    bench.done("bob", Command::Talk(into));
    assert_eq!(states(&bench), (Active, Active));
    assert_eq!(bench.leg("alice", out).times.total_held, 5_000);
    assert_eq!(bench.leg("bob", into).times.total_held, 3_000);
    assert_eq!(bench.leg("bob", into).times.held, None);
    let not_now = |reply| matches!(reply, Err(Refusal::NotNow(_)));
    assert!(not_now(bench.ask("alice", Command::Talk(out))));
    assert_eq!(
        bench.ask("bob", Command::Hold(out)),
        Err(Refusal::UnknownCall)
    );
}

#[test]
fn answering_and_dialling_put_the_other_call_on_hold() {
    let mut bench = Bench::new();
    let (first, _) = bench.talk("alice", "bob");
    bench.dial("carol", "0101");
    assert_eq!(bench.states("alice"), [Active, Alerting]);
    let second = bench.ringing("alice");
    bench.done("alice", Command::Talk(second));
    assert_eq!(bench.states("alice"), [Held, Active]);
    bench.done("alice", Command::Talk(first));
    assert_eq!(bench.states("alice"), [Active, Held]);
    bench.dial("alice", "0104");
    assert_eq!(bench.states("alice"), [Held, Held, Alerting]);
    bench.done("alice", Command::Reconnect(second));
    assert_eq!(
        bench.states("alice"),
        [Held, Active],
        "what was dialled is over"
    );
    let keys: Vec<u8> = bench
        .legs("alice")
        .iter()
        .map(|leg| leg.appearance)
        .collect();
    assert_eq!(keys, [1, 2]);
}

#[test]
fn the_own_phone_rings_before_the_call_is_placed() {
    for (endpoint, picked_up) in [
        (Endpoint::Access(id("alice")), false),
        (Endpoint::Mobility("tel:+12405550901".to_owned()), true),
    ] {
        let mut bench = Bench::new();
        let command = Command::Start {
            start: Start::Dial("0102".to_owned()),
            ring_first: Some(endpoint.clone()),
            info: Some("note".to_owned()),
        };
        assert!(bench.ask("alice", command).is_ok());
        let leg = bench.legs("alice").remove(0);
        assert_eq!(
            (leg.personality, leg.state),
            (Personality::ClickToDial, Alerting)
        );
        assert_eq!(
            (leg.remote.call_type, leg.endpoint),
            (CallType::Unknown, endpoint)
        );
        assert!(!bench.calls.is_off_hook(&id("alice")));
        assert!(bench.legs("bob").is_empty());
        bench.seconds(4);
        if !picked_up {
            bench.done("alice", Command::Talk(leg.id));
        }
        assert_eq!(
            bench.leg("alice", leg.id).personality,
            Personality::Originator
        );
        assert_eq!(bench.leg("alice", leg.id).info.as_deref(), Some("note"));
        assert_eq!(bench.states("bob"), [Alerting]);
    }
    let mut bench = Bench::new();
    let command = Command::Start {
        start: Start::Dial("0102".to_owned()),
        ring_first: Some(Endpoint::Access(id("alice"))),
        info: None,
    };
    assert!(bench.ask("alice", command).is_ok());
    bench.seconds(30);
    assert!(bench.legs("alice").is_empty(), "nobody picked up");
    assert!(bench.logged().is_empty(), "and nothing was placed");
}

#[test]
fn a_blind_transfer_leaves_a_detached_leg_and_the_target_rings() {
    let mut bench = Bench::new();
    let (out, into) = bench.talk("alice", "bob");
    bench.done("bob", Command::BlindTransfer(into, "0103".to_owned()));
    let left = bench.leg("bob", into);
    let redirect = left.redirect.unwrap();
    assert_eq!((left.state, redirect.reason), (Detached, Reason::Transfer));
    assert_eq!(redirect.address, "tel:0103");
    assert!(!bench.calls.is_off_hook(&id("bob")));
    assert!(bench.calls.of(&id("bob"), false).is_empty());
    let ringing = bench.ringing("carol");
    let leg = bench.leg("carol", ringing);
    assert_eq!(leg.remote.user_id, Some(id("alice")));
    assert_eq!(leg.redirections[0].party.user_id, Some(id("bob")));
    bench.done("carol", Command::Talk(ringing));
    assert_eq!(bench.leg("alice", out).remote.user_id, Some(id("carol")));
    assert_eq!(
        bench.leg("alice", out).tracking,
        bench.leg("carol", ringing).tracking
    );
    bench.hang_up("carol", ringing);
    assert!(
        bench.legs("bob").is_empty(),
        "the detached leg goes with the call"
    );
    let logged = bench.logged();
    assert_eq!(logged[0], ("bob".into(), Received));
    assert_eq!(logged.len(), 3, "{logged:?}");
    // To a busy number: the transferred end is let go.
    let (_, into) = bench.talk("alice", "bob");
    bench.done("bob", Command::BlindTransfer(into, "2405550017".to_owned()));
    assert!(bench.legs("alice").is_empty() && bench.legs("bob").is_empty());
}

#[test]
fn a_ringing_call_is_deflected() {
    let mut bench = Bench::new();
    bench.dial("alice", "0102");
    let ringing = bench.ringing("bob");
    bench.done("bob", Command::BlindTransfer(ringing, "0103".to_owned()));
    assert!(bench.legs("bob").is_empty());
    let leg = bench.legs("carol").remove(0);
    assert_eq!(leg.redirections[0].reason, Reason::Deflection);
}

#[test]
fn a_consultative_transfer_connects_the_others_also_while_one_rings() {
    for answered in [true, false] {
        let mut bench = Bench::new();
        let (out, first) = bench.talk("alice", "bob");
        let second = bench.dial("bob", "0103");
        let ringing = bench.ringing("carol");
        if answered {
            bench.done("carol", Command::Talk(ringing));
        }
        bench.done("bob", Command::ConsultTransfer(first, second));
        assert_eq!(bench.states("bob"), [Detached, Detached]);
        assert_eq!(
            bench.leg("carol", ringing).remote.user_id,
            Some(id("alice"))
        );
        assert_eq!(bench.leg("alice", out).remote.user_id, Some(id("carol")));
        if !answered {
            bench.done("carol", Command::Talk(ringing));
        }
        assert_eq!(bench.states("alice"), [Active]);
        assert_eq!(bench.states("carol"), [Active]);
        assert_eq!(
            bench.leg("alice", out).tracking,
            bench.leg("carol", ringing).tracking
        );
    }
    let mut bench = Bench::new();
    let (_, first) = bench.talk("alice", "bob");
    let same = bench.ask("bob", Command::ConsultTransfer(first, first));
    assert!(matches!(same, Err(Refusal::BadParameter(_))));
}

#[test]
fn a_mute_transfer_completes_itself_when_the_target_answers() {
    let mut bench = Bench::new();
    let (_, into) = bench.talk("alice", "bob");
    let reply = bench.ask("bob", Command::MuteTransfer(into, "2405550199".to_owned()));
    assert!(matches!(reply, Ok(Reply::Started { .. })), "{reply:?}");
    assert_eq!(bench.states("bob"), [Held, Alerting]);
    bench.seconds(4);
    assert_eq!(bench.states("bob"), [Detached, Detached]);
    assert_eq!(bench.legs("alice")[0].remote.address, "tel:+12405550199");
    // A target that is busy leaves the call on hold.
    let mut bench = Bench::new();
    let (_, into) = bench.talk("alice", "bob");
    bench
        .ask("bob", Command::MuteTransfer(into, "2405550017".to_owned()))
        .unwrap();
    bench.seconds(10);
    assert_eq!(bench.states("bob"), [Held]);
}

fn three_way(bench: &mut Bench) -> [LegId; 2] {
    let (first, _) = bench.talk("alice", "bob");
    let (second, _) = bench.talk("alice", "carol");
    bench.done("alice", Command::Conference(vec![first, second]));
    [first, second]
}

#[test]
fn a_conference_lives_as_long_as_two_are_in_it() {
    let mut bench = Bench::new();
    let [first, second] = three_way(&mut bench);
    assert_eq!(bench.states("alice"), [Active, Active]);
    assert_eq!(bench.states("bob"), [Active]);
    let (third, _) = bench.talk("alice", "dan");
    assert_eq!(bench.states("alice"), [Held, Held, Active]);
    assert_eq!(bench.calls.conference(&id("alice")).unwrap().state, Held);
    bench.done("alice", Command::AddToConference(third));
    let conference = bench.calls.conference(&id("alice")).unwrap();
    assert_eq!(
        (conference.state, conference.participants.len()),
        (Active, 3)
    );
    bench.done("alice", Command::Mix(Some(first), Mix::Mute));
    bench.done("alice", Command::Mix(Some(second), Mix::Deaf));
    bench.done("alice", Command::Mix(None, Mix::Mute));
    let conference = bench.calls.conference(&id("alice")).unwrap();
    assert!(conference.muted && conference.participants[0].1.muted);
    assert!(conference.participants[1].1.deaf && !conference.participants[1].1.muted);
    bench.done("alice", Command::HoldConference);
    assert_eq!(bench.states("dan"), [RemoteHeld]);
    bench.done("alice", Command::TalkConference);
    bench.hang_up("alice", first);
    assert!(bench.legs("bob").is_empty());
    bench.hang_up("carol", bench.legs("carol")[0].id);
    assert_eq!(bench.calls.conference(&id("alice")), None);
    assert_eq!(bench.states("alice"), [Active]);
    assert!(!bench.leg("alice", third).in_conference);
}

#[test]
fn ending_a_conference_ends_its_calls() {
    let mut bench = Bench::new();
    let calls = three_way(&mut bench).to_vec();
    let again = bench.ask("alice", Command::Conference(calls));
    assert!(matches!(again, Err(Refusal::NotNow(_))));
    bench.done("alice", Command::EndConference);
    for user in ["alice", "bob", "carol"] {
        assert!(bench.legs(user).is_empty(), "{user}");
    }
    assert!(matches!(
        bench.ask("alice", Command::HoldConference),
        Err(Refusal::NotNow(_))
    ));
}

#[test]
fn a_parked_call_waits_is_retrieved_by_anybody_or_comes_back() {
    let mut bench = Bench::new();
    let (out, into) = bench.talk("alice", "bob");
    let reply = bench.ask("bob", Command::Park(into, Some("0104".to_owned())));
    let address = "tel:0104".to_owned();
    assert_eq!(reply, Ok(Reply::Parked { address }));
    assert!(bench.legs("bob").is_empty());
    assert_eq!(bench.states("alice"), [RemoteHeld]);
    let (_, second) = bench.talk("carol", "bob");
    let again = bench.ask("bob", Command::Park(second, Some("0104".to_owned())));
    assert!(matches!(again, Err(Refusal::NotNow(_))), "{again:?}");
    let taken = bench.start("dan", Start::ParkRetrieve(None));
    assert_eq!(bench.states("alice"), [Active]);
    assert_eq!(bench.leg("dan", taken).remote.user_id, Some(id("alice")));
    assert_eq!(
        bench.leg("dan", taken).tracking,
        bench.leg("alice", out).tracking
    );
    let reply = bench.ask("bob", Command::GroupPark(second));
    let address = "tel:0102".to_owned();
    assert_eq!(reply, Ok(Reply::Parked { address }));
    bench.seconds(45);
    let ringing = bench.ringing("bob");
    assert_eq!(bench.leg("bob", ringing).remote.user_id, Some(id("carol")));
    bench.done("bob", Command::Talk(ringing));
    assert_eq!(bench.states("carol"), [Active]);
    let nothing = Command::Start {
        start: Start::ParkRetrieve(None),
        ring_first: None,
        info: None,
    };
    assert_eq!(bench.ask("carol", nothing), Err(Refusal::NothingThere));
}

#[test]
fn ringing_calls_are_picked_up_by_the_group_only() {
    for (start, who, taken) in [
        (Start::Pickup, "carol", true),
        (Start::DirectedPickup("0102".to_owned()), "carol", true),
        (Start::BargeIn("0102".to_owned()), "carol", true),
        (Start::DirectedPickup("0104".to_owned()), "carol", false),
        (Start::Pickup, "zoe", false),
    ] {
        let mut bench = Bench::new();
        let call = bench.dial("alice", "0102");
        let command = Command::Start {
            start,
            ring_first: None,
            info: None,
        };
        let reply = bench.ask(who, command);
        assert_eq!(reply.is_ok(), taken, "{reply:?}");
        if taken {
            assert!(bench.legs("bob").is_empty());
            assert_eq!(bench.leg("alice", call).remote.user_id, Some(id("carol")));
            assert_eq!(bench.states("carol"), [Active]);
            bench.hang_up("alice", call);
            // Bob saw it answered by another phone.
            let logged = bench.logged();
            assert_eq!(
                logged,
                [("alice".into(), Placed), ("carol".into(), Received)]
            );
        } else {
            assert_eq!(bench.states("bob"), [Alerting]);
        }
    }
}

#[test]
fn a_third_one_joins_a_call_and_leaves_it() {
    for (start, kind) in [
        (Start::BargeIn("0102".to_owned()), Kind::BargeIn),
        (Start::Monitor("0102".to_owned()), Kind::SilentMonitor),
    ] {
        let mut bench = Bench::new();
        let (out, into) = bench.talk("alice", "bob");
        let own = bench.start("carol", start.clone());
        let conference = bench.calls.conference(&id("carol")).unwrap();
        assert_eq!(conference.kind, kind);
        assert_eq!(conference.muted, kind == Kind::SilentMonitor);
        assert_eq!(bench.states("carol"), [Active, Active]);
        bench.hang_up("carol", own);
        assert!(bench.legs("carol").is_empty());
        assert_eq!(bench.leg("alice", out).remote.user_id, Some(id("bob")));
        assert_eq!(bench.states("bob"), [Active]);
        bench.set("bob", "bargeinexempt", "active", "true");
        let command = Command::Start {
            start,
            ring_first: None,
            info: None,
        };
        let reply = bench.ask("carol", command);
        assert!(matches!(reply, Err(Refusal::NotNow(_))), "{reply:?}");
        bench.hang_up("bob", into);
    }
}

#[test]
fn digits_texts_and_recordings_stay_with_their_call() {
    let mut bench = Bench::new();
    let (call, _) = bench.talk("alice", "bob");
    for (digits, good) in [("12#,*aD", true), ("", false), ("1x", false), ("5", true)] {
        let reply = bench.ask("alice", Command::SendDigits(call, digits.to_owned()));
        assert_eq!(reply.is_ok(), good, "{digits}");
    }
    assert_eq!(bench.leg("alice", call).dtmf, "12#,*aD5");
    for (record, good) in [
        (Record::Pause, false),
        (Record::Start, true),
        (Record::Start, false),
        (Record::Pause, true),
        (Record::Resume, true),
        (Record::Stop, true),
        (Record::Stop, false),
    ] {
        let reply = bench.ask("alice", Command::Record(call, record));
        assert_eq!(reply.is_ok(), good, "{record:?}");
    }
    bench.set("alice", "callrecording", "recordingMode", "never");
    assert!(
        bench
            .ask("alice", Command::Record(call, Record::Start))
            .is_err()
    );
    bench.done("alice", Command::Hold(call));
    assert!(
        bench
            .ask("alice", Command::SendDigits(call, "1".to_owned()))
            .is_err()
    );
}

#[test]
fn a_user_has_so_many_calls_and_no_more() {
    let mut bench = Bench::new();
    for _ in 0..10 {
        bench.dial("alice", "2405550199");
        bench.seconds(4);
    }
    let command = Command::Start {
        start: Start::Dial("0102".to_owned()),
        ring_first: None,
        info: None,
    };
    let reply = bench.ask("alice", command);
    assert!(matches!(reply, Err(Refusal::NotNow(_))), "{reply:?}");
    let call = bench.dial("bob", "0101");
    assert_eq!(bench.leg("bob", call).cause, Some(Cause::Busy));
    bench.seconds(4 * 3600);
    assert!(bench.legs("alice").is_empty(), "forgotten calls end");
}

#[test]
fn the_last_number_is_dialled_again_and_the_last_caller_called_back() {
    let mut bench = Bench::new();
    bench.start("alice", Start::LastNumberRedial);
    assert_eq!(bench.legs("alice")[0].remote.address, "tel:+12405550199");
    bench.start("alice", Start::CallReturn);
    assert_eq!(bench.legs("alice")[1].remote.user_id, Some(id("carol")));
    let nothing = Command::Start {
        start: Start::LastNumberRedial,
        ring_first: None,
        info: None,
    };
    assert_eq!(bench.ask("bob", nothing), Err(Refusal::NothingThere));
}

#[test]
fn who_calls_in_vain_leaves_a_missed_call() {
    let mut bench = Bench::new();
    let call = bench.dial("alice", "0102");
    bench.hang_up("alice", call);
    assert_eq!(
        bench.logged(),
        [("alice".into(), Placed), ("bob".into(), Missed)]
    );
    let call = bench.dial("alice", "0102");
    let ringing = bench.ringing("bob");
    bench.done("bob", Command::HangUp(ringing, Decline::Busy));
    assert_eq!(bench.leg("alice", call).cause, Some(Cause::Busy));
    bench.seconds(10);
    assert!(bench.legs("alice").is_empty());
}
