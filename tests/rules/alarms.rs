//! Alarms: a name that a NOC routes and documents is one that something raises.

use std::fs;

use xspd::domain::alarms::AlarmName;

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
