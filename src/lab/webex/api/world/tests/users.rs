//! One user: to a subscriber, through its states, and away again.

use crate::lab::webex::api::template::Template;
use crate::lab::webex::api::world::Change;
use crate::lab::webex::api::world::Entry;
use crate::lab::webex::api::world::Failure;
use crate::lab::webex::api::world::New;
use crate::lab::webex::api::world::Package;
use crate::lab::webex::api::world::Status;
use crate::lab::webex::api::world::Twist;
use crate::lab::webex::api::world::tests::LONG;
use crate::lab::webex::api::world::tests::Scene;
use crate::lab::webex::api::world::tests::user;

#[test]
fn the_first_user_takes_minutes_and_administers_and_the_next_takes_seconds() {
    let mut scene = Scene::new();
    let first = scene.provision(user("alice", "ent1")).unwrap();
    scene.seconds(239);
    assert_eq!(scene.status(first), Status::Provisioning);
    assert_eq!(scene.world.enterprises().count(), 0);
    scene.seconds(1);
    assert_eq!(scene.status(first), Status::Provisioned);
    assert_eq!(scene.world.enterprises().count(), 1);
    let next = scene.provision(user("bob", "ENT1")).unwrap();
    scene.seconds(5);
    assert_eq!(scene.status(next), Status::Provisioned);
    assert_eq!(scene.world.organizations(true).count(), 1);
    assert_eq!(scene.administrators(), ["alice@example.net"]);
    assert!(scene.world.subscriber(next).unwrap().person().is_some());
    assert!(scene.world.doubles().is_empty());
}

#[test]
fn the_factor_shortens_everything() {
    let mut scene = Scene::new();
    scene.world.set_speed(240);
    let first = scene.provision(user("alice", "ent1")).unwrap();
    scene.pass(std::time::Duration::from_millis(999));
    assert_eq!(scene.status(first), Status::Provisioning);
    scene.pass(std::time::Duration::from_millis(1));
    assert_eq!(scene.status(first), Status::Provisioned);
}

#[test]
fn what_is_wrong_with_a_user_is_told_at_once() {
    let mut scene = Scene::new();
    let mut refused = |new: New, status: u16, word: &str| {
        let refusal = scene.provision(new).unwrap_err();
        assert_eq!(refusal.status, status, "{refusal:?}");
        assert!(refusal.text.contains(word), "{refusal:?}");
    };
    let mut new = user("alice", "ent1");
    new.provisioning_id = "b3RoZXI".to_owned();
    refused(new, 404, "Provisioning ID");
    let mut new = user("alice", "ent1");
    new.email = None;
    refused(new, 400, "email is required for this template");
    let mut new = user("alice", "ent1");
    (new.phone, new.extension) = (None, None);
    refused(new, 400, "primaryPhoneNumber or extension");
    assert_eq!(scene.world.subscribers().count(), 0);
    assert!(scene.world.is_quiet());
}

#[test]
fn a_user_id_is_given_once_and_an_address_fails_the_second() {
    let mut scene = Scene::new();
    scene.settled(user("alice", "ent1"));
    let mut same = user("alice", "ent1");
    same.user = "ALICE@as.example.net".to_owned();
    let refusal = scene.provision(same).unwrap_err();
    assert_eq!((refusal.status, refusal.code), (409, Some(10022)));
    let mut address = user("bob", "ent1");
    address.email = Some("Alice@example.net".to_owned());
    let place = scene.provision(address).unwrap();
    scene.seconds(2);
    assert_eq!(scene.failure(place), 10022);
    assert!(scene.world.doubles().is_empty());
}

#[test]
fn a_double_is_taken_on_request_alone_and_never_forgotten() {
    let mut scene = Scene::new();
    scene.settled(user("alice", "ent1"));
    let twist = Some(&Twist::Double);
    let second = scene
        .world
        .provision(user("alice", "ent1"), Entry::Api, twist);
    scene.world.remove(second.unwrap()).unwrap();
    let doubles: Vec<_> = scene.world.doubles().iter().collect();
    assert_eq!(doubles, ["alice@as.example.net"]);
}

#[test]
fn an_untrusted_user_types_and_confirms_an_address() {
    let mut scene = Scene::new();
    let mut new = user("alice", "ent1");
    new.provisioning_id = Template::untrusted().provisioning_id;
    let place = scene.provision(new).unwrap();
    scene.pass(LONG);
    assert_eq!(scene.status(place), Status::PendingEmailInput);
    assert_eq!(scene.world.subscriber(place).unwrap().of.email, None);
    let id = "alice@as.example.net";
    assert_eq!(scene.world.validate_email(id).unwrap_err().status, 409);
    scene.world.type_email(id, "a@home.example.net").unwrap();
    scene.pass(LONG);
    assert_eq!(scene.status(place), Status::PendingEmailValidation);
    scene.world.validate_email(id).unwrap();
    assert_eq!(scene.status(place), Status::Provisioning);
    scene.pass(LONG);
    assert_eq!(scene.status(place), Status::Provisioned);
    assert_eq!(scene.administrators(), ["a@home.example.net"]);
    assert_eq!(scene.world.consent(id).unwrap_err().status, 409);
    assert_eq!(scene.world.consent("nobody").unwrap_err().status, 404);
}

#[test]
fn a_free_account_waits_for_its_owner_unless_it_is_the_first() {
    let mut scene = Scene::new();
    scene.world.add_free_account("alice@example.net");
    scene.world.add_free_account("bob@example.net");
    scene.settled(user("alice", "ent1"));
    let place = scene.provision(user("bob", "ent1")).unwrap();
    scene.pass(LONG);
    assert_eq!(scene.status(place), Status::PendingUserMigration);
    scene.world.send_consent_mail(place).unwrap();
    assert_eq!(scene.world.subscriber(place).unwrap().consent_mails, 1);
    scene.world.consent("bob@as.example.net").unwrap();
    scene.pass(LONG);
    assert_eq!(scene.status(place), Status::Provisioned);
    assert_eq!(
        scene.world.send_consent_mail(place).unwrap_err().status,
        409
    );
}

#[test]
fn a_change_shows_when_it_is_done_and_only_a_provisioned_user_is_changed() {
    let mut scene = Scene::new();
    let place = scene.provision(user("alice", "ent1")).unwrap();
    let premium = || Change {
        package: Some(Package::Premium),
        ..Change::default()
    };
    let refusal = scene.world.update(place, premium()).unwrap_err();
    assert_eq!(refusal.status, 409);
    scene.pass(LONG);
    scene.world.update(place, premium()).unwrap();
    let held = scene.world.subscriber(place).unwrap();
    assert_eq!(held.state.status(), Status::Updating);
    assert_eq!(held.of.package, Package::Standard);
    scene.seconds(3);
    let held = scene.world.subscriber(place).unwrap();
    assert_eq!(held.state.status(), Status::Provisioned);
    assert_eq!(held.of.package, Package::Premium);
}

#[test]
fn a_number_or_an_extension_stays() {
    let mut scene = Scene::new();
    let place = scene.settled(user("alice", "ent1"));
    let gone = || Some(String::new());
    let both = Change {
        phone: gone(),
        extension: gone(),
        ..Change::default()
    };
    assert_eq!(scene.world.update(place, both).unwrap_err().status, 400);
    let phone = Change {
        phone: gone(),
        mobile: gone(),
        ..Change::default()
    };
    scene.world.update(place, phone).unwrap();
    scene.pass(LONG);
    assert_eq!(scene.world.subscriber(place).unwrap().of.phone, None);
    let extension = Change {
        extension: gone(),
        ..Change::default()
    };
    assert_eq!(
        scene.world.update(place, extension).unwrap_err().status,
        400
    );
}

#[test]
fn a_removed_subscriber_leaves_a_person_who_can_come_again() {
    let mut scene = Scene::new();
    let place = scene.settled(user("alice", "ent1"));
    let person = scene.world.subscriber(place).unwrap().person().unwrap();
    scene.world.remove(place).unwrap();
    assert_eq!(scene.world.remove(place).unwrap_err().status, 404);
    assert_eq!(
        scene.world.person(person).unwrap().email,
        "alice@example.net"
    );
    let place = scene.provision(user("alice", "ent1")).unwrap();
    scene.seconds(5);
    assert_eq!(
        scene.world.subscriber(place).unwrap().person(),
        Some(person)
    );
    scene.world.delete_person(person).unwrap();
    assert_eq!(scene.world.subscribers().count(), 0);
    assert_eq!(scene.world.delete_person(person).unwrap_err().status, 404);
}

#[test]
fn twists_fail_or_stall_one_user() {
    let mut scene = Scene::new();
    let fail = Twist::Fail(Failure::new(4711, "Nobody has seen this before."));
    let new = user("alice", "ent1");
    let place = scene.world.provision(new, Entry::Api, Some(&fail));
    scene.pass(LONG);
    assert_eq!(scene.failure(place.unwrap()), 4711);
    let new = user("bob", "ent1");
    let stall = Some(&Twist::Stall);
    let place = scene.world.provision(new, Entry::Api, stall).unwrap();
    scene.pass(LONG * 100);
    assert_eq!(scene.status(place), Status::Provisioning);
    scene.world.remove(place).unwrap();
    scene.settled(user("carol", "ent1"));
}
