//! Users who do anything at any time: whatever they do, the engine never contradicts itself, and
//! in the end everybody has hung up.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use super::bench::Bench;
use super::bench::id;
use crate::domain::machine::Machine;
use crate::lab::broadworks::calls::command::Action;
use crate::lab::broadworks::calls::command::Arrival;
use crate::lab::broadworks::calls::command::Change;
use crate::lab::broadworks::calls::command::Command;
use crate::lab::broadworks::calls::command::Decline;
use crate::lab::broadworks::calls::command::Mix;
use crate::lab::broadworks::calls::command::Record;
use crate::lab::broadworks::calls::command::Start;
use crate::lab::broadworks::calls::leg::Endpoint;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::machine::LONGEST;
use crate::lab::broadworks::directory::Setting;

const USERS: [&str; 6] = ["alice", "bob", "carol", "dan", "juergen", "zoe"];

const ADDRESSES: [&str; 12] = [
    "0101",
    "0102",
    "0103",
    "0104",
    "0105",
    "0201",
    "bob@as.example.net",
    "tel:+12405550103",
    "2405550199",
    "2405550017",
    "2405550019",
    "99",
];

const SERVICES: [(&str, &[(&str, &str)]); 12] = [
    ("donotdisturb", &[("active", "true")]),
    ("callwaiting", &[("active", "true")]),
    (
        "callforwardingalways",
        &[("active", "true"), ("forwardToPhoneNumber", "0103")],
    ),
    (
        "callforwardingbusy",
        &[("active", "true"), ("forwardToPhoneNumber", "0101")],
    ),
    (
        "callforwardingnoanswer",
        &[
            ("active", "true"),
            ("forwardToPhoneNumber", "2405550199"),
            ("numberOfRings", "2"),
        ],
    ),
    (
        "callforwardingnoanswer",
        &[
            ("active", "true"),
            ("forwardToPhoneNumber", "0102"),
            ("numberOfRings", "0"),
        ],
    ),
    (
        "callforwardingselective",
        &[("active", "true"), ("defaultForwardToPhoneNumber", "0104")],
    ),
    ("anonymouscallrejection", &[("active", "true")]),
    ("callinglineiddeliveryblocking", &[("active", "true")]),
    (
        "remoteoffice",
        &[("active", "true"), ("remoteOfficeNumber", "2405550901")],
    ),
    ("voicemessaging", &[("active", "true")]),
    ("simultaneousringpersonal", &[("active", "true")]),
];

/// splitmix64: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }

    fn address(&mut self) -> String {
        self.pick(&ADDRESSES).to_owned()
    }
}

/// Mostly an own call, sometimes another's or none.
fn call(dice: &mut Dice, bench: &Bench, user: &str) -> LegId {
    let who = if dice.roll(20) == 0 {
        dice.pick(&USERS)
    } else {
        user
    };
    let legs = bench.legs(who);
    if legs.is_empty() {
        return LegId::parse("callhalf-7:0").unwrap();
    }
    legs[dice.roll(legs.len())].id
}

fn ringing(bench: &Bench, user: &str) -> Option<LegId> {
    let mut legs = bench.legs(user).into_iter();
    legs.find(|leg| leg.can_answer).map(|leg| leg.id)
}

fn start(dice: &mut Dice) -> Start {
    match dice.roll(14) {
        0 => Start::BargeIn(dice.address()),
        1 => Start::CallReturn,
        2 => Start::DirectedPickup(dice.address()),
        3 => Start::LastNumberRedial,
        4 => Start::Monitor(dice.address()),
        5 => Start::ParkRetrieve(None),
        6 => Start::ParkRetrieve(Some(dice.address())),
        7 => Start::Pickup,
        _ => Start::Dial(dice.address()),
    }
}

fn command(dice: &mut Dice, bench: &Bench, user: &str) -> Command {
    let one = call(dice, bench, user);
    let other = call(dice, bench, user);
    match dice.roll(40) {
        0..=6 | 34..=36 => Command::Talk(dice.pick(&[one, ringing(bench, user).unwrap_or(one)])),
        7 | 38 | 39 => Command::AddToConference(one),
        8 => Command::BlindTransfer(one, dice.address()),
        9 | 10 => Command::Conference(bench.legs(user).iter().map(|leg| leg.id).collect()),
        11 => Command::Conference(vec![one, other]),
        12 | 13 => Command::ConsultTransfer(one, other),
        14 => Command::EndConference,
        15 => Command::GroupPark(one),
        16 => Command::HangUp(one, Decline::No),
        17 => Command::HangUp(
            one,
            dice.pick(&[Decline::Busy, Decline::TemporarilyUnavailable]),
        ),
        18 | 19 => Command::Hold(one),
        20 => Command::HoldConference,
        21 => Command::TalkConference,
        22 => {
            let mix = dice.pick(&[Mix::Deaf, Mix::Mute, Mix::Undeaf, Mix::Unmute]);
            Command::Mix(dice.pick(&[None, Some(one)]), mix)
        }
        23 => Command::MuteTransfer(one, dice.address()),
        24 => Command::Park(
            one,
            dice.pick(&[None, Some("0104"), Some("0102")])
                .map(str::to_owned),
        ),
        25 => Command::Reconnect(one),
        26 => {
            let all = [Record::Pause, Record::Resume, Record::Start, Record::Stop];
            Command::Record(one, dice.pick(&all))
        }
        27 => Command::VoiceMailTransfer(one, dice.pick(&[None, Some("0103")]).map(str::to_owned)),
        37 => Command::Info(one, "a note".to_owned()),
        28 => Command::SendDigits(one, "12#".to_owned()),
        _ => Command::Start {
            start: start(dice),
            ring_first: match dice.roll(4) {
                0 => Some(Endpoint::Access(id(user))),
                1 => Some(Endpoint::Mobility("tel:+12405550901".to_owned())),
                _ => None,
            },
            info: None,
        },
    }
}

fn change_service(dice: &mut Dice, bench: &mut Bench) {
    let user = dice.pick(&USERS);
    let (path, settings) = SERVICES[dice.roll(SERVICES.len())];
    if dice.roll(3) == 0 {
        for (name, text) in settings {
            bench.set(user, path, name, text);
        }
        if path == "simultaneousringpersonal" {
            let location = |address: &str| {
                let text = Setting::Text(address.to_owned());
                Setting::Record([("address".to_owned(), text)].into())
            };
            let held = bench.user(user).settings.get_mut(path).unwrap();
            let list = Setting::List(vec![location("0105"), location("2405550199")]);
            held.insert("simRingLocations".to_owned(), list);
        }
    } else {
        bench.set(user, path, "active", "false");
    }
}

#[test]
fn whatever_users_do_the_engine_never_contradicts_itself() {
    let mut answered = 0;
    let mut succeeded: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let mut bench = Bench::new();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..600 {
                match dice.roll(16) {
                    0 => change_service(&mut dice, &mut bench),
                    1 | 2 => {
                        let time =
                            Duration::from_millis(dice.pick(&[10, 10, 500, 2_000, 5_000, 50_000]));
                        bench.pass(time);
                    }
                    _ => {
                        let user = dice.pick(&USERS);
                        let command = command(&mut dice, &bench, user);
                        let name = name(&command);
                        // Refused or not, the bench checks what must be true.
                        let done = bench.ask(user, command).is_ok();
                        *succeeded.entry(name).or_default() += usize::from(done);
                    }
                }
            }
            // A new ring can begin as the last one ends, but no call outlives both bounds.
            bench.pass(LONGEST * 3);
            assert_eq!(bench.calls.deadline(), None, "nothing waits for ever");
            for user in USERS {
                assert!(bench.legs(user).is_empty(), "{user} still has calls");
                assert!(!bench.calls.is_off_hook(&id(user)), "{user} is off hook");
            }
            account(&bench.actions)
        }));
        match outcome {
            Ok(count) => answered += count,
            Err(_) => panic!("seed {seed}"),
        }
    }
    assert!(answered > 500, "the users hardly talked: {answered}");
    let never: Vec<&String> = succeeded
        .iter()
        .filter(|(_, times)| **times == 0)
        .map(|(name, _)| name)
        .collect();
    assert!(never.is_empty(), "never succeeded: {never:?}");
    assert_eq!(succeeded.len(), 27, "{succeeded:?}");
}

/// The command, and for a start the way of it.
fn name(command: &Command) -> String {
    let text = match command {
        Command::Start { start, .. } => format!("start {start:?}"),
        other => format!("{other:?}"),
    };
    let end = text.find(['(', '{']).unwrap_or(text.len());
    text[..end].trim().to_owned()
}

/// Every leg begins and ends once, every call that arrives rings or is told to be elsewhere, and
/// hooks go up and down in turn. Returns how many were answered.
fn account(actions: &[Action]) -> usize {
    let mut open = BTreeSet::new();
    let mut over = BTreeSet::new();
    let mut lifted = BTreeSet::new();
    let mut offered = BTreeSet::new();
    let mut answered = 0;
    for action in actions {
        match action {
            Action::Arrival { arrival, leg, .. } => match arrival {
                Arrival::Offered => assert!(offered.insert(leg.id), "{}", leg.id),
                Arrival::Redirected | Arrival::Refused => {
                    assert!(offered.remove(&leg.id), "{}", leg.id);
                    assert!(!open.contains(&leg.id), "{} never rang", leg.id);
                }
            },
            Action::Leg { change, leg, .. } => {
                if *change == Change::Received {
                    offered.remove(&leg.id);
                }
                assert!(!over.contains(&leg.id), "{} is over: {change:?}", leg.id);
                open.insert(leg.id);
                answered += usize::from(*change == Change::Answered);
                if *change == Change::Released {
                    over.insert(leg.id);
                }
                let times = leg.times;
                assert!(times.answer.is_none_or(|answer| answer >= times.start));
                assert!(times.total_held >= 0);
            }
            Action::Hook { user, off: true } => assert!(lifted.insert(user.clone()), "{user}"),
            Action::Hook { user, off: false } => assert!(lifted.remove(user), "{user}"),
            Action::Log(record) => {
                let times = record.times;
                let release = times.release.expect("a call that is over");
                assert!(release >= times.answer.unwrap_or(times.start));
                assert!(times.total_held <= release - times.start);
            }
            Action::Conference { .. } | Action::Message(_) | Action::Park { .. } => {}
            Action::Reply(_) => panic!("an answer without a question"),
        }
    }
    assert_eq!(open, over, "every leg ends");
    assert!(lifted.is_empty());
    assert!(offered.is_empty(), "every call that arrives goes somewhere");
    answered
}
