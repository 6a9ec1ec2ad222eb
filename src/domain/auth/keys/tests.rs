//! Transitions as sequences, and the key file.

use proptest::prelude::*;

use super::*;

const LIFE: Duration = Duration::from_secs(720 * 3600);

fn at(hours: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + hours * 3600)
}

fn key(kid: &str) -> KeyRecord {
    let private = || PrivateText::new("hunter2".to_owned());
    KeyRecord {
        kid: kid.to_owned(),
        state: KeyState::Retiring,
        alg: KeyAlgorithm::Rs256,
        created: OffsetDateTime::UNIX_EPOCH,
        activated: None,
        retires: None,
        kty: KeyType::Rsa,
        n: "AQAB".to_owned(),
        e: "AQAB".to_owned(),
        d: private(),
        p: private(),
        q: private(),
        dp: private(),
        dq: private(),
        qi: private(),
    }
}

fn states(set: &KeySet) -> Vec<(&str, KeyState)> {
    let state = |key: &'_ KeyRecord| key.state;
    set.keys
        .iter()
        .map(|key| (key.kid.as_str(), state(key)))
        .collect()
}

/// A set with an active key `a` and a next key `b`.
fn pair() -> KeySet {
    let mut set = KeySet::empty();
    assert_eq!(set.generate(key("a"), at(0)), Ok(KeyState::Active));
    assert_eq!(set.generate(key("b"), at(1)), Ok(KeyState::Next));
    set
}

#[test]
fn the_first_key_is_active_the_second_next_and_a_third_refused() {
    let mut set = pair();
    assert_eq!(
        states(&set),
        [("a", KeyState::Active), ("b", KeyState::Next)]
    );
    assert_eq!(set.generation(), 2);
    let before = set.clone();
    let refused = set.generate(key("c"), at(2));
    assert_eq!(
        refused,
        Err(KeysRefusal::NextPresent {
            kid: "b".to_owned()
        })
    );
    assert_eq!(set, before);
}

#[test]
fn the_same_key_is_not_taken_twice() {
    let mut set = KeySet::empty();
    set.generate(key("a"), at(0)).unwrap();
    let refused = set.generate(key("a"), at(0));
    assert_eq!(
        refused,
        Err(KeysRefusal::SameKey {
            kid: "a".to_owned()
        })
    );
}

#[test]
fn a_rotation_retires_the_active_key_for_the_life_of_its_tokens_and_an_hour() {
    let mut set = pair();
    let rotation = set.rotate(at(10), LIFE).unwrap();
    assert_eq!(rotation.active, "b");
    assert_eq!(rotation.retiring, "a");
    assert_eq!(rotation.until, moment(at(10 + 721)));
    assert_eq!(
        states(&set),
        [("a", KeyState::Retiring), ("b", KeyState::Active)]
    );
    assert_eq!(set.generation(), 3);
    assert_eq!(set.check(), Ok(()));
    let old = set.in_state(KeyState::Retiring).unwrap();
    assert!(old.checks_at(at(730)) && !old.checks_at(at(731)));
}

#[test]
fn without_a_next_key_nothing_rotates() {
    let mut set = KeySet::empty();
    assert_eq!(set.rotate(at(0), LIFE), Err(KeysRefusal::NoNext));
    set.generate(key("a"), at(0)).unwrap();
    let before = set.clone();
    assert_eq!(set.rotate(at(0), LIFE), Err(KeysRefusal::NoNext));
    assert_eq!(set, before);
}

#[test]
fn ended_keys_are_gone_and_the_generation_grows_only_then() {
    let mut set = pair();
    set.rotate(at(10), LIFE).unwrap();
    assert_eq!(set.expire(at(730)), Vec::<String>::new());
    assert_eq!(set.generation(), 3);
    assert_eq!(set.expire(at(731)), ["a"]);
    assert_eq!(set.generation(), 4);
    assert_eq!(states(&set), [("b", KeyState::Active)]);
}

#[test]
fn retiring_keys_are_bounded_and_room_comes_back() {
    let mut set = KeySet::empty();
    set.generate(key("0"), at(0)).unwrap();
    for turn in 1..=RETIRING {
        set.generate(key(&turn.to_string()), at(turn as u64))
            .unwrap();
        set.rotate(at(turn as u64), LIFE).unwrap();
    }
    set.generate(key("last"), at(20)).unwrap();
    let before = set.clone();
    let first_end = moment(at(1 + 721));
    let refused = set.rotate(at(20), LIFE);
    assert_eq!(refused, Err(KeysRefusal::TooManyRetiring { first_end }));
    assert_eq!(set, before);
    let rotation = set.rotate(at(722), LIFE).unwrap();
    assert_eq!(rotation.gone, ["0"]);
    assert_eq!(set.check(), Ok(()));
}

#[test]
fn a_life_beyond_all_dates_ends_with_the_calendar() {
    let mut set = pair();
    let rotation = set.rotate(at(0), Duration::MAX).unwrap();
    assert_eq!(rotation.until, latest());
    let json = set.to_json().unwrap();
    assert_eq!(KeySet::parse(&json), Ok(set));
    assert_eq!(
        moment(SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 60)),
        latest()
    );
}

#[test]
fn a_key_file_survives_write_and_parse() {
    let mut set = pair();
    set.rotate(at(3), LIFE).unwrap();
    let json = set.to_json().unwrap();
    assert_eq!(KeySet::parse(&json), Ok(set));
    let text = std::str::from_utf8(&json).unwrap();
    assert!(
        text.contains("\"retires\": \"2027-02-14T12:00:00Z\""),
        "{text}"
    );
    assert_eq!(
        KeySet::parse(&KeySet::empty().to_json().unwrap()),
        Ok(KeySet::empty())
    );
}

#[test]
fn private_numbers_do_not_print() {
    let printed = format!("{:?}", pair());
    assert!(
        !printed.contains("hunter2") && printed.contains('…'),
        "{printed}"
    );
}

#[test]
fn files_that_no_transition_made_are_refused() {
    let json = pair().to_json().unwrap();
    let text = std::str::from_utf8(&json).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        KeySet::parse(text.replacen(from, to, 1).as_bytes())
    };
    let (a, b) = ("a".to_owned(), "b".to_owned());
    assert_eq!(
        changed("\"next\"", "\"active\""),
        Err(KeyFileFault::Several("active"))
    );
    assert_eq!(
        changed("\"active\"", "\"next\""),
        Err(KeyFileFault::Several("next"))
    );
    assert_eq!(
        changed("\"next\"", "\"retiring\""),
        Err(KeyFileFault::Dates(b))
    );
    assert_eq!(
        changed("\"active\"", "\"retiring\""),
        Err(KeyFileFault::NoActive)
    );
    assert_eq!(
        changed("\"kid\": \"b\"", "\"kid\": \"a\""),
        Err(KeyFileFault::SameKey(a))
    );
    assert_eq!(
        changed("\"version\": 1", "\"version\": 2"),
        Err(KeyFileFault::Version(2))
    );
    assert_eq!(
        changed("xspd-auth", "other-auth"),
        Err(KeyFileFault::NotOurs)
    );
    for (from, to) in [
        ("\"d\"", "\"x\""),
        ("\"generation\": 2", "\"generation\": \"2\""),
        ("\"generation\": 2", "\"generation\": -2"),
        ("\"generation\": 2", "\"generation\": 2, \"generation\": 3"),
        ("\"generation\": 2", "\"generation\": 2, \"more\": 3"),
        ("\"RSA\"", "\"oct\""),
        ("\"RS256\"", "\"HS256\""),
        ("\"next\"", "\"gone\""),
        ("\"kty\"", "\"kid\": \"c\", \"kty\""),
    ] {
        let parsed = changed(from, to);
        assert!(
            matches!(parsed, Err(KeyFileFault::Damaged { .. })),
            "{to}: {parsed:?}"
        );
    }
}

#[test]
fn foreign_files_are_told_from_damaged_ones() {
    for text in [
        "",
        "BroadWorks keys",
        "\u{1}\u{2}",
        "[]",
        "{}",
        "{\"format\":1}",
        "{\"keys\":[]}",
    ] {
        assert_eq!(
            KeySet::parse(text.as_bytes()),
            Err(KeyFileFault::NotOurs),
            "{text:?}"
        );
    }
    let json = pair().to_json().unwrap();
    let torn = KeySet::parse(&json[..json.len() / 2]);
    assert!(
        matches!(torn, Err(KeyFileFault::Damaged { .. })),
        "{torn:?}"
    );
    let large = vec![b' '; KEY_FILE_BYTES + 1];
    assert_eq!(KeySet::parse(&large), Err(KeyFileFault::TooLarge));
}

#[test]
fn sets_agree_by_keys_and_states_not_by_generation() {
    let set = pair();
    let mut other = set.clone();
    other.changed();
    assert!(set.agrees_with(&other));
    other.rotate(at(5), LIFE).unwrap();
    assert!(!set.agrees_with(&other));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Generate,
    Rotate,
    Expire,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Generate),
        Just(Step::Rotate),
        Just(Step::Expire),
        (0..2000_u64).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn no_sequence_breaks_the_invariants(steps in proptest::collection::vec(step(), 0..60)) {
        let mut set = KeySet::empty();
        let mut hours = 0;
        for (serial, step) in steps.into_iter().enumerate() {
            let before = set.clone();
            match step {
                Step::Generate => drop(set.generate(key(&serial.to_string()), at(hours))),
                Step::Rotate => drop(set.rotate(at(hours), LIFE)),
                Step::Expire => drop(set.expire(at(hours))),
                Step::Wait(more) => hours += more,
            }
            prop_assert_eq!(set.check(), Ok(()));
            prop_assert_eq!(set.generation() > before.generation(), set.keys != before.keys);
            prop_assert_eq!(&KeySet::parse(&set.to_json().unwrap()), &Ok(set.clone()));
        }
    }

    #[test]
    fn foreign_files_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(KeySet::parse(&bytes));
    }
}
