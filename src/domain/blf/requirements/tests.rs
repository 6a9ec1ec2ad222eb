//! The checks, from all well to everything wrong.

use std::collections::BTreeSet;

use crate::domain::blf::requirements::Facts;
use crate::domain::blf::requirements::List;
use crate::domain::blf::requirements::Person;
use crate::domain::blf::requirements::Profile;
use crate::domain::blf::requirements::Reading;
use crate::domain::blf::requirements::Verdict;
use crate::domain::blf::requirements::checks;
use crate::domain::blf::requirements::platform::Carrier;
use crate::domain::blf::requirements::platform::Platform;
use crate::domain::blf::requirements::platform::Release;
use crate::domain::blf::requirements::read;

fn person(user: &str, services: &[&str]) -> Person {
    Person {
        user: user.to_owned(),
        profile: Reading::Got(Profile {
            user: Some(user.to_owned()),
            name: user.to_owned(),
            has_address: true,
        }),
        services: Reading::Got(services.iter().map(|name| (*name).to_owned()).collect()),
    }
}

fn good() -> Facts {
    Facts {
        watcher: person("alice@x", &["Busy Lamp Field", "Directed Call Pickup"]),
        list: Reading::Got(List {
            uri: Some("alice-blf@x".to_owned()),
            monitored: vec!["bob@x".to_owned(), "carol@x".to_owned()],
        }),
        monitored: vec![
            person("bob@x", &["Directed Call Pickup"]),
            person("carol@x", &["directed call pickup"]),
        ],
    }
}

fn verdict(facts: &Facts, id: &str) -> (Verdict, String) {
    let all = checks(facts, None);
    let check = all.iter().find(|check| check.id == id);
    let check = check.unwrap_or_else(|| panic!("no check {id}"));
    assert_eq!(check.remedy.is_none(), check.verdict == Verdict::Ok, "{id}");
    (check.verdict, check.found.clone())
}

#[test]
fn when_all_is_well_only_the_checks_by_hand_are_left() {
    let all = checks(&good(), None);
    let wrong: Vec<_> = all
        .iter()
        .filter(|check| !matches!(check.verdict, Verdict::Ok | Verdict::ByHand))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let ids: BTreeSet<_> = all.iter().map(|check| check.id).collect();
    assert_eq!(ids.len(), all.len(), "every id once");
    let by_hand = all.iter().filter(|check| check.verdict == Verdict::ByHand);
    assert!(by_hand.clone().all(|check| !check.items.is_empty()));
    assert_eq!(by_hand.count(), 7);
}

#[test]
fn a_list_uri_is_a_name_and_a_domain_and_nothing_before_it() {
    let long = format!("{}@x", "a".repeat(160));
    for (uri, expected) in [
        ("alice-blf@x", Verdict::Ok),
        ("sip:alice-blf@x", Verdict::Failed),
        ("SIP:alice-blf@x", Verdict::Failed),
        ("alice-blf", Verdict::Failed),
        ("a@b@c", Verdict::Failed),
        ("@x", Verdict::Failed),
        ("a@", Verdict::Failed),
        ("a b@x", Verdict::Failed),
        ("", Verdict::Failed),
        ("äöü", Verdict::Failed),
        (&long, Verdict::Failed),
    ] {
        let mut facts = good();
        facts.list = Reading::Got(List {
            uri: Some(uri.to_owned()),
            monitored: vec!["bob@x".to_owned()],
        });
        assert_eq!(verdict(&facts, "list-uri").0, expected, "{uri}");
    }
}

#[test]
fn each_thing_that_is_missing_has_its_own_verdict() {
    let mut facts = good();
    facts.watcher.services = Reading::Got(BTreeSet::new());
    assert_eq!(verdict(&facts, "blf-assigned").0, Verdict::Failed);
    assert_eq!(verdict(&facts, "pickup-watcher").0, Verdict::Failed);

    let mut facts = good();
    facts.list = Reading::Missing;
    facts.watcher.services = Reading::NotAllowed;
    assert_eq!(verdict(&facts, "blf-assigned").0, Verdict::Failed);

    let mut facts = good();
    facts.monitored[1].profile = Reading::Missing;
    facts.monitored[1].services = Reading::Missing;
    let (failed, found) = verdict(&facts, "monitored-users");
    assert_eq!(failed, Verdict::Failed);
    assert!(
        found.contains("carol@x") && !found.contains("bob@x"),
        "{found}"
    );
    assert_eq!(verdict(&facts, "pickup-monitored").0, Verdict::Ok);

    let mut facts = good();
    facts.monitored[0] = person("bob@x", &[]);
    assert_eq!(verdict(&facts, "pickup-monitored").0, Verdict::Failed);
    facts.monitored[0].profile = Reading::Got(Profile::default());
    assert_eq!(verdict(&facts, "pickup-addresses").0, Verdict::Failed);

    let mut facts = good();
    facts.monitored[0].services = Reading::NotAllowed;
    assert_eq!(verdict(&facts, "pickup-monitored").0, Verdict::ByHand);
    facts.monitored[0].services = Reading::Failed("xsp1 answered 503".to_owned());
    assert_eq!(verdict(&facts, "pickup-monitored").0, Verdict::Failed);
}

#[test]
fn odd_lists_are_warned_of_and_empty_ones_fail() {
    let with = |monitored: Vec<String>| Facts {
        list: Reading::Got(List {
            uri: Some("a@x".to_owned()),
            monitored,
        }),
        ..good()
    };
    let user = |n: usize| format!("u{n}@x");
    assert_eq!(verdict(&with(Vec::new()), "list-size").0, Verdict::Failed);
    let fifty = with((0..50).map(user).collect());
    assert_eq!(verdict(&fifty, "list-size").0, Verdict::Ok);
    let more = with((0..51).map(user).collect());
    assert_eq!(verdict(&more, "list-size").0, Verdict::Warning);
    let own = with(vec![
        "Alice@X".to_owned(),
        "bob@x".to_owned(),
        "BOB@x".to_owned(),
    ]);
    assert_eq!(verdict(&own, "list-itself").0, Verdict::Warning);
    assert_eq!(verdict(&own, "list-repeats").0, Verdict::Warning);
}

#[test]
fn many_culprits_are_counted_and_not_all_named() {
    let mut facts = good();
    facts.monitored = (0..40).map(|n| person(&format!("u{n}@x"), &[])).collect();
    let (_, found) = verdict(&facts, "pickup-monitored");
    assert!(found.ends_with("u9@x and 30 more"), "{found}");
}

#[test]
fn patches_are_those_of_the_platform() {
    let count = |release, carrier| Platform { release, carrier }.patches().len();
    assert_eq!(count(Release::R22, Carrier::Xsp), 7);
    assert_eq!(count(Release::R23, Carrier::Xsp), 7);
    assert_eq!(count(Release::R23, Carrier::Adp), 7);
    assert_eq!(count(Release::R24, Carrier::Adp), 6);
    let one = Platform {
        release: Release::R24,
        carrier: Carrier::Adp,
    };
    let all = checks(&good(), Some(one));
    let patches: Vec<_> = all
        .iter()
        .filter(|check| check.id.starts_with("patches"))
        .collect();
    assert_eq!(patches.len(), 1);
    assert_eq!(patches[0].id, "patches-r24");
    assert!(patches[0].items.iter().all(|item| !item.contains(". ")));
}

#[test]
fn services_and_profiles_are_read_whatever_the_prefix() {
    let services = "<s:Services xmlns:s=\"http://schema.broadsoft.com/xsi\"><s:service><s:name>\
                    Busy Lamp Field</s:name></s:service><s:service><s:uri>x</s:uri></s:service>\
                    </s:Services>";
    let names = read::services(services.as_bytes()).unwrap();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["Busy Lamp Field"]);
    let profile = "<Profile xmlns=\"http://schema.broadsoft.com/xsi\"><details><userId>a@x</userId><firstName>A\
                   </firstName><lastName>B</lastName><extension>0101</extension></details></Profile>";
    let profile = read::profile(profile.as_bytes()).unwrap();
    assert_eq!(profile.user.as_deref(), Some("a@x"));
    assert_eq!((profile.name.as_str(), profile.has_address), ("A B", true));
    assert!(read::services(b"<Services>").is_err());
    assert_eq!(read::profile(b"<Profile/>").unwrap(), Profile::default());
}
