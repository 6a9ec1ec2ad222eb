//! What operators load into their systems names the alarms that there are, and no other.

use std::collections::BTreeSet;
use std::fs;

use xspd::domain::alarms::AlarmName;
use xspd::outbound::alerts::snmp::tree;

use crate::rules::source;

/// `NAME NOTIFICATION-TYPE … ::= { xspdNotifications NUMBER }` of the MIB.
fn notifications() -> Vec<(String, u32)> {
    let mib = fs::read_to_string(source::root().join("config/noc/XSPD-MIB.txt")).expect("the MIB");
    let mut found = Vec::new();
    let mut name = None;
    for line in mib.lines() {
        if let Some(begun) = line.strip_suffix(" NOTIFICATION-TYPE") {
            name = Some(begun.to_owned());
        }
        let number = line.trim().strip_prefix("::= { xspdNotifications ");
        if let Some(number) = number {
            let number = number.trim_end_matches(" }").parse().expect("a number");
            found.push((name.take().expect("a name before its number"), number));
        }
    }
    found
}

#[test]
fn the_mib_has_every_alarm_and_its_clear_by_their_numbers() {
    let mut expected = BTreeSet::from([("xspdTest".to_owned(), tree::TEST)]);
    for name in AlarmName::ALL {
        let (word, number) = (tree::mib_name(*name), tree::number(*name));
        expected.insert((format!("{word}Clear"), tree::CLEAR + number));
        expected.insert((word, number));
    }
    let written = notifications();
    assert_eq!(written.len(), expected.len(), "written twice");
    assert_eq!(written.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn the_mib_says_of_each_alarm_what_the_catalogue_says() {
    let mib = fs::read_to_string(source::root().join("config/noc/XSPD-MIB.txt")).expect("the MIB");
    let mib: Vec<_> = mib.split_whitespace().collect();
    let mib = mib.join(" ");
    for name in AlarmName::ALL {
        let said = format!("DESCRIPTION \"{}\"", name.meaning());
        assert!(mib.contains(&said), "{name}: {said}");
    }
}

#[test]
fn the_events_of_opennms_are_the_notifications_of_the_mib() {
    let file = source::root().join("config/noc/opennms-events.xml");
    let events = fs::read_to_string(file).expect("the events");
    let mut found = BTreeSet::new();
    for event in events.split("<event>").skip(1) {
        let between = |open: &str, close: &str| {
            let rest = event.split_once(open).expect(open).1;
            rest.split_once(close).expect(close).0.to_owned()
        };
        let number = between("<mename>specific</mename><mevalue>", "<").parse();
        let name = between("<uei>uei.xspd/traps/", "<");
        let name = name.split('/').next().expect("a name").to_owned();
        found.insert((name, number.expect("a number")));
    }
    assert_eq!(found, notifications().into_iter().collect());
}
