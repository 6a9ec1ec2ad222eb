//! Alarms: a name that a NOC routes and documents is one that something raises.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use clap::Parser as _;
use xspd::cli;
use xspd::domain::alarms::AlarmName;
use xspd::domain::alarms::Condition;
use xspd::domain::alarms::Observation;
use xspd::domain::alarms::whose;
use xspd::domain::alarms::whose::Whose;
use xspd::domain::certs::CertificateFacts;
use xspd::domain::certs::automatic;
use xspd::domain::certs::automatic::Account;
use xspd::domain::certs::automatic::Ordered;
use xspd::domain::certs::own_ca;
use xspd::domain::certs::put_off;
use xspd::domain::certs::put_off::NotDone;
use xspd::domain::certs::remedy;
use xspd::domain::certs::trust_usage::Verdict;

use crate::rules::readme::Table;
use crate::rules::source;

/// Where every name stands whether it is raised or not: the names themselves, what is known of each,
/// and their numbers in the MIB.
const LISTS: [&str; 3] = [
    "src/domain/alarms/catalogue.rs",
    "src/domain/alarms/name.rs",
    "src/outbound/alerts/snmp/tree.rs",
];

/// Names that nothing raises yet; the README would have to say so.
const NOBODY_YET: [AlarmName; 0] = [];

#[test]
fn every_alarm_of_the_catalogue_is_raised_by_something() {
    let sources = source::below("src");
    let raising: Vec<_> = sources
        .iter()
        .filter(|source| !LISTS.contains(&source.path.as_str()))
        .collect();
    let raised = |name: AlarmName| {
        let variant = format!("AlarmName::{name:?}");
        raising.iter().any(|source| {
            source.code.match_indices(&variant).any(|(at, _)| {
                let behind = source.code[at + variant.len()..].chars().next();
                behind.is_none_or(|c| !c.is_alphanumeric())
            })
        })
    };
    let nobody: Vec<_> = AlarmName::ALL
        .iter()
        .copied()
        .filter(|name| !raised(*name))
        .collect();
    assert_eq!(nobody, NOBODY_YET);
    // The lists are where they are said to be.
    for list in LISTS {
        let text = fs::read_to_string(source::root().join(list)).expect("a list of names");
        assert!(text.contains("AlarmName"), "{list}");
    }
}

/// What stands between backticks and begins with our name.
fn verbs(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|line| line.starts_with("xspd "))
}

/// The words that a shell makes of a line; it knows single quotes and backslashes.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            '\\' if !quoted => word.get_or_insert_default().extend(rest.next()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    assert!(!quoted, "{line} does not end");
    words.extend(word);
    words
}

fn parses(line: &str) {
    if let Err(error) = cli::Command::try_parse_from(words(line)) {
        panic!("{line}: {error}");
    }
}

#[test]
fn every_command_of_an_action_is_one_that_the_program_takes() {
    let mut seen = BTreeSet::new();
    for name in AlarmName::ALL {
        let whom = Whose::ALL.map(Some).into_iter().chain([None]);
        for action in whom.map(|whose| whose::action(*name, "", whose)) {
            seen.extend(verbs(action));
        }
    }
    assert!(seen.len() > 20, "{seen:?}");
    seen.into_iter().for_each(parses);
}

#[test]
fn every_line_to_paste_is_one_command_whatever_the_object_is_called() {
    for name in AlarmName::ALL {
        for whose in Whose::ALL.map(Some).into_iter().chain([None]) {
            for object in [
                "listener public xsp.example.com",
                "a'; reboot; '",
                "xsi/*#2",
            ] {
                let line = remedy::command(*name, whose, object);
                parses(&line);
                let words = words(&line);
                let about = words.last().expect("a word");
                assert!(about == object || about == "status", "{line}");
            }
        }
    }
}

/// What is told of what is no object of the watch list, of things with names like this one.
fn told_beside(name: &str) -> Vec<Observation> {
    let key = rcgen::KeyPair::generate().expect("a key");
    let ca = rcgen::CertificateParams::default().self_signed(&key);
    let ca = CertificateFacts::parse(ca.expect("a certificate").der()).expect("facts");
    let (now, month) = (ca.not_after, Duration::from_secs(30 * 86_400));
    let ordered = Ordered {
        name,
        names: &[],
        directory: "https://ca.example/dir",
    };
    let account = Account {
        name: name.to_owned(),
        url: "https://ca.example/account/1".to_owned(),
        directory: "https://ca.example/dir".to_owned(),
        since: None,
        refused: Some("it refused".to_owned()),
    };
    let not_done = |staged| NotDone {
        problem: "the disk is full".to_owned(),
        staged,
    };
    vec![
        automatic::failing(ordered, 3, None, "it refused"),
        automatic::not_deployed(name, "ab:cd", "another is"),
        account.observation(),
        own_ca::renewal(name, "/etc/a.pem", Some("no XSP takes it"), None),
        own_ca::rotation(&ca, month, false, now),
        own_ca::rotation(&ca, month, true, now),
        own_ca::unused(&ca, Verdict::Unused(0), now),
        put_off::observation(name, Some(&not_done(true))),
        put_off::observation(name, Some(&not_done(false))),
    ]
}

#[test]
fn every_line_of_other_alarms_is_one_command_too() {
    for name in ["public", "edge/xsp.example.com", "a'; reboot; '", "xsi/*#2"] {
        for seen in told_beside(name) {
            let Condition::Present(present) = seen.condition else {
                panic!("{seen:?}");
            };
            // Only the configuration's plain words stand in sentences.
            if name == "public" {
                verbs(&present.text).for_each(parses);
            }
            let mut lines = present.details.iter();
            let line = lines.find(|(key, _)| key == whose::COMMAND);
            let (_, line) = line.unwrap_or_else(|| panic!("{present:?}"));
            parses(line);
            let unquoted = present.text.replace("`xspd ", "");
            assert!(!unquoted.contains("xspd "), "{unquoted}");
            let words = words(line);
            let about = words.last().expect("a word").as_str();
            let steps = ["activate", "prepare", "retire", "staged"];
            assert!(about == name || steps.contains(&about), "{line}");
        }
    }
}

#[test]
fn what_to_do_by_whose_it_is_is_documented() {
    let mut written = BTreeSet::new();
    for row in Table::after("alarm\nsays instead:").rows {
        let word = |cell: &str| cell.trim_matches('`').to_owned();
        for alarm in row[0].split(", ") {
            for whose in row[1].split(", ") {
                written.insert((word(alarm), word(whose), row[2].clone()));
            }
        }
    }
    let mut expected = BTreeSet::new();
    for name in AlarmName::ALL {
        for whose in Whose::ALL {
            if let Some(action) = whose::special(*name, whose) {
                let (name, whose) = (name.word().to_owned(), whose.word().to_owned());
                expected.insert((name, whose, action.to_owned()));
            }
        }
    }
    assert_eq!(written, expected);
}
