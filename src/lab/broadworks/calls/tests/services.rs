//! What the services of the called user make of a call.

use super::bench::Bench;
use super::bench::id;
use crate::domain::machine::Machine;
use crate::lab::broadworks::calls::command::Command;
use crate::lab::broadworks::calls::command::Decline;
use crate::lab::broadworks::calls::command::Start;
use crate::lab::broadworks::calls::leg::Cause;
use crate::lab::broadworks::calls::leg::Endpoint;
use crate::lab::broadworks::calls::leg::Reason;
use crate::lab::broadworks::calls::leg::State::Active;
use crate::lab::broadworks::calls::leg::State::Alerting;
use crate::lab::broadworks::directory::LogKind::Missed;
use crate::lab::broadworks::directory::LogKind::Received;
use crate::lab::broadworks::directory::Setting;

/// Where a call of Alice to Bob ends up.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Fails(Cause),
    Mailbox(Reason),
    Outside,
    Rings(&'static str, Option<Reason>),
}

fn end(bench: &Bench) -> End {
    let call = bench.legs("alice").remove(0);
    if let Some(cause) = call.cause {
        return End::Fails(cause);
    }
    if let Some(user) = ["bob", "carol", "dan"]
        .into_iter()
        .find(|user| bench.legs(user).iter().any(|leg| leg.can_answer))
    {
        let leg = bench.leg(user, bench.ringing(user));
        return End::Rings(user, leg.redirections.last().map(|held| held.reason));
    }
    if call.remote.user_id.is_none() {
        return End::Outside;
    }
    assert_eq!(call.state, Active, "in the mailbox");
    End::Mailbox(Reason::Voicemail)
}

type Settings = &'static [(&'static str, &'static str, &'static str)];
const ALWAYS: Settings = &[
    ("callforwardingalways", "active", "true"),
    ("callforwardingalways", "forwardToPhoneNumber", "0103"),
];
const SELECTIVE: Settings = &[
    ("callforwardingselective", "active", "true"),
    (
        "callforwardingselective",
        "defaultForwardToPhoneNumber",
        "2405550199",
    ),
];
const DND: Settings = &[("donotdisturb", "active", "true")];
const BUSY: Settings = &[
    ("callforwardingbusy", "active", "true"),
    ("callforwardingbusy", "forwardToPhoneNumber", "0104"),
];
const NO_ANSWER: Settings = &[
    ("callforwardingnoanswer", "active", "true"),
    ("callforwardingnoanswer", "forwardToPhoneNumber", "0104"),
    ("callforwardingnoanswer", "numberOfRings", "2"),
];
const AT_ONCE: Settings = &[
    ("callforwardingnoanswer", "active", "true"),
    ("callforwardingnoanswer", "forwardToPhoneNumber", "0104"),
    ("callforwardingnoanswer", "numberOfRings", "0"),
];
const MAILBOX: Settings = &[("voicemessaging", "active", "true")];
const ALWAYS_MAILBOX: Settings = &[("voicemessaging", "alwaysRedirectToVoiceMail", "true")];
const NOWHERE: Settings = &[
    ("callforwardingalways", "active", "true"),
    ("callforwardingalways", "forwardToPhoneNumber", "55"),
];
const IN_A_CIRCLE: Settings = &[
    ("callforwardingalways", "active", "true"),
    ("callforwardingalways", "forwardToPhoneNumber", "0102"),
];

#[test]
fn services_decide_where_a_call_goes() {
    let table: &[(&[Settings], u64, End)] = &[
        (&[], 0, End::Rings("bob", None)),
        (&[], 179, End::Rings("bob", None)),
        (&[], 180, End::Fails(Cause::NoAnswer)),
        (
            &[ALWAYS],
            0,
            End::Rings("carol", Some(Reason::Unconditional)),
        ),
        (
            &[ALWAYS, DND],
            0,
            End::Rings("carol", Some(Reason::Unconditional)),
        ),
        (&[SELECTIVE], 0, End::Outside),
        (&[NOWHERE], 0, End::Fails(Cause::UserNotFound)),
        (&[IN_A_CIRCLE], 0, End::Fails(Cause::ForwardingLoop)),
        (&[DND], 0, End::Fails(Cause::Busy)),
        (
            &[DND, BUSY],
            0,
            End::Rings("dan", Some(Reason::DoNotDisturb)),
        ),
        (&[DND, MAILBOX], 0, End::Mailbox(Reason::Voicemail)),
        (&[NO_ANSWER], 11, End::Rings("bob", None)),
        (&[NO_ANSWER], 12, End::Rings("dan", Some(Reason::NoAnswer))),
        (
            &[NO_ANSWER, MAILBOX],
            12,
            End::Rings("dan", Some(Reason::NoAnswer)),
        ),
        (&[AT_ONCE], 0, End::Rings("dan", Some(Reason::NoAnswer))),
        (&[MAILBOX], 17, End::Rings("bob", None)),
        (&[MAILBOX], 18, End::Mailbox(Reason::Voicemail)),
        (
            &[MAILBOX, ALWAYS_MAILBOX],
            0,
            End::Mailbox(Reason::Voicemail),
        ),
        (&[ALWAYS_MAILBOX], 0, End::Rings("bob", None)),
    ];
    for (settings, after, expected) in table {
        let mut bench = Bench::new();
        for (path, field, text) in settings.iter().copied().flatten() {
            bench.set("bob", path, field, text);
        }
        bench.dial("alice", "0102");
        bench.seconds(*after);
        assert_eq!(end(&bench), *expected, "{settings:?} after {after} s");
    }
}

#[test]
fn a_service_that_is_not_assigned_does_nothing() {
    let mut bench = Bench::new();
    bench
        .user("bob")
        .assigned
        .retain(|name| name != "Do Not Disturb");
    bench.set("bob", "donotdisturb", "active", "true");
    bench.dial("alice", "0102");
    assert_eq!(end(&bench), End::Rings("bob", None));
}

#[test]
fn call_waiting_decides_whether_a_second_call_rings() {
    for (waiting, rings) in [("true", true), ("false", false)] {
        let mut bench = Bench::new();
        bench.set("bob", "callwaiting", "active", waiting);
        bench.talk("carol", "bob");
        let call = bench.dial("alice", "0102");
        let busy = bench.leg("alice", call).cause == Some(Cause::Busy);
        assert_eq!(busy, !rings);
        assert_eq!(bench.states("bob").len(), if rings { 2 } else { 1 });
    }
}

#[test]
fn a_phone_that_is_not_there_forwards_or_fails() {
    for (to, expected) in [
        (None, End::Fails(Cause::NotReachable)),
        (
            Some("0103"),
            End::Rings("carol", Some(Reason::OutOfService)),
        ),
    ] {
        let mut bench = Bench::new();
        bench.user("bob").devices.clear();
        bench.set("bob", "callwaiting", "active", "false");
        if let Some(to) = to {
            bench.set("bob", "callforwardingnotreachable", "active", "true");
            bench.set(
                "bob",
                "callforwardingnotreachable",
                "forwardToPhoneNumber",
                to,
            );
        }
        bench.dial("alice", "0102");
        assert_eq!(end(&bench), expected);
    }
}

#[test]
fn who_hides_is_not_shown_and_may_be_refused() {
    for (overrides, rejects, expected) in [
        (false, false, Some(true)),
        (true, false, Some(false)),
        (false, true, None),
        (true, true, Some(false)),
    ] {
        let mut bench = Bench::new();
        bench.set("alice", "callinglineiddeliveryblocking", "active", "true");
        bench.set(
            "bob",
            "callinglineidblockingoverride",
            "active",
            &overrides.to_string(),
        );
        bench.set(
            "bob",
            "anonymouscallrejection",
            "active",
            &rejects.to_string(),
        );
        let call = bench.dial("alice", "0102");
        let shown = bench.legs("bob").first().map(|leg| leg.remote.private);
        assert_eq!(shown, expected, "override {overrides}, rejects {rejects}");
        let refused = bench.leg("alice", call).cause == Some(Cause::AnonymousRejected);
        assert_eq!(refused, expected.is_none());
    }
}

#[test]
fn who_hides_stays_hidden_when_the_call_is_parked_and_retrieved() {
    let mut bench = Bench::new();
    bench.set("alice", "callinglineiddeliveryblocking", "active", "true");
    let (_, into) = bench.talk("alice", "bob");
    bench.done("bob", Command::Park(into, None));
    let taken = bench.start("carol", Start::ParkRetrieve(Some("0102".to_owned())));
    assert!(bench.leg("carol", taken).remote.private);
    assert!(!bench.legs("alice")[0].remote.private);
}

fn ring_also(bench: &mut Bench, numbers: &[&str]) {
    let location = |number: &&str| {
        let text = Setting::Text((*number).to_owned());
        Setting::Record([("address".to_owned(), text)].into())
    };
    let list = Setting::List(numbers.iter().map(location).collect());
    let path = "simultaneousringpersonal";
    bench.set("bob", path, "active", "true");
    let held = bench.user("bob").settings.get_mut(path).unwrap();
    held.insert("simRingLocations".to_owned(), list);
    bench.set("bob", path, "incomingCalls", "Ring for all Incoming Calls");
}

#[test]
fn phones_ring_together_until_the_first_answers() {
    let mut bench = Bench::new();
    ring_also(&mut bench, &["0103", "2405550019", "2405550017", "55"]);
    let call = bench.dial("alice", "0102");
    assert_eq!(
        (bench.states("bob"), bench.states("carol")),
        (vec![Alerting], vec![Alerting])
    );
    let ringing = bench.ringing("carol");
    bench.done("carol", Command::Talk(ringing));
    assert!(bench.legs("bob").is_empty());
    bench.hang_up("alice", call);
    let logged = bench.logged();
    assert!(logged.contains(&("carol".into(), Received)), "{logged:?}");
    assert!(!logged.contains(&("bob".into(), Missed)), "{logged:?}");
    assert_eq!(
        bench.calls.deadline(),
        None,
        "nothing is left of the outside number"
    );
}

#[test]
fn an_outside_phone_that_rings_along_answers_by_itself() {
    let mut bench = Bench::new();
    ring_also(&mut bench, &["2405550199"]);
    let call = bench.dial("alice", "0102");
    bench.seconds(4);
    assert_eq!(bench.leg("alice", call).remote.address, "tel:+12405550199");
    assert!(bench.legs("bob").is_empty());
}

#[test]
fn declining_on_one_phone_leaves_the_others_ringing() {
    let mut bench = Bench::new();
    ring_also(&mut bench, &["0103"]);
    bench.dial("alice", "0102");
    let ringing = bench.ringing("bob");
    bench.done("bob", Command::HangUp(ringing, Decline::Busy));
    assert_eq!(bench.states("carol"), [Alerting]);
    let ringing = bench.ringing("carol");
    bench.done("carol", Command::HangUp(ringing, Decline::Busy));
    assert_eq!(end(&bench), End::Fails(Cause::Busy));
}

#[test]
fn declined_calls_go_where_busy_or_unanswered_ones_go() {
    for (decline, expected) in [
        (Decline::Busy, End::Rings("carol", Some(Reason::UserBusy))),
        (
            Decline::TemporarilyUnavailable,
            End::Rings("dan", Some(Reason::NoAnswer)),
        ),
        (Decline::No, End::Fails(Cause::Busy)),
    ] {
        let mut bench = Bench::new();
        for (path, to) in [
            ("callforwardingbusy", "0103"),
            ("callforwardingnoanswer", "0104"),
        ] {
            bench.set("bob", path, "active", "true");
            bench.set("bob", path, "forwardToPhoneNumber", to);
        }
        bench.dial("alice", "0102");
        let ringing = bench.ringing("bob");
        bench.done("bob", Command::HangUp(ringing, decline));
        assert_eq!(end(&bench), expected, "{decline:?}");
    }
}

#[test]
fn the_remote_office_rings_in_place_of_the_own_phone() {
    let mut bench = Bench::new();
    bench.set("bob", "remoteoffice", "active", "true");
    bench.set("bob", "remoteoffice", "remoteOfficeNumber", "2405550199");
    bench.dial("alice", "0102");
    let leg = bench.leg("bob", bench.ringing("bob"));
    assert_eq!(
        leg.endpoint,
        Endpoint::RemoteOffice("tel:+12405550199".to_owned())
    );
    bench.seconds(4);
    assert_eq!(bench.states("bob"), [Active]);
}

#[test]
fn the_mailbox_keeps_what_is_said_until_it_has_enough() {
    for (after, duration) in [(0, 1_000), (2, 2_000), (60, 4_000)] {
        let mut bench = Bench::new();
        bench.set("bob", "voicemessaging", "active", "true");
        bench.set("bob", "donotdisturb", "active", "true");
        let call = bench.dial("alice", "0102");
        bench.seconds(after);
        if after < 4 {
            bench.hang_up("alice", call);
        }
        assert!(bench.legs("alice").is_empty());
        let messages = bench.messages();
        assert_eq!(messages.len(), 1);
        assert_eq!(
            (messages[0].duration, messages[0].mailbox.clone()),
            (duration, id("bob"))
        );
        assert_eq!(messages[0].from.user_id, Some(id("alice")));
    }
}

#[test]
fn a_call_is_sent_into_a_mailbox() {
    for (mailbox, owner) in [(None, "bob"), (Some("0103"), "carol")] {
        let mut bench = Bench::new();
        bench.set(owner, "voicemessaging", "active", "true");
        let (call, into) = bench.talk("alice", "bob");
        let mailbox = mailbox.map(str::to_owned);
        bench.done("bob", Command::VoiceMailTransfer(into, mailbox));
        assert_eq!(bench.leg("alice", call).remote.user_id, Some(id(owner)));
        bench.seconds(4);
        assert_eq!(bench.messages()[0].mailbox, id(owner));
    }
    let mut bench = Bench::new();
    let (_, into) = bench.talk("alice", "bob");
    assert!(
        bench
            .ask("bob", Command::VoiceMailTransfer(into, None))
            .is_err()
    );
}
