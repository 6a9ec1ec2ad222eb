//! Enterprises, their organizations and directory sync.

use crate::lab::webex::api::directory::External;
use crate::lab::webex::api::template::Template;
use crate::lab::webex::api::world::Entry;
use crate::lab::webex::api::world::Failure;
use crate::lab::webex::api::world::Organization;
use crate::lab::webex::api::world::Status;
use crate::lab::webex::api::world::tests::LONG;
use crate::lab::webex::api::world::tests::Scene;
use crate::lab::webex::api::world::tests::organization;
use crate::lab::webex::api::world::tests::user;

#[test]
fn a_second_user_beside_the_first_fails_at_the_api_and_waits_at_the_bridge() {
    let mut scene = Scene::new();
    let first = scene.provision(user("alice", "ent1")).unwrap();
    let raced = scene.provision(user("bob", "ent1")).unwrap();
    let bridged = scene
        .world
        .provision(user("carol", "ent1"), Entry::Bridge, None)
        .unwrap();
    scene.seconds(2);
    assert_eq!(scene.failure(raced), 200_043);
    assert_eq!(scene.status(bridged), Status::Provisioning);
    scene.seconds(238);
    assert_eq!(scene.status(first), Status::Provisioned);
    assert_eq!(scene.status(bridged), Status::Provisioning);
    scene.seconds(5);
    assert_eq!(scene.status(bridged), Status::Provisioned);
    assert_eq!(scene.world.organizations(true).count(), 1);
}

#[test]
fn when_the_first_user_goes_the_next_at_the_bridge_is_the_first() {
    let mut scene = Scene::new();
    let first = scene.provision(user("alice", "ent1")).unwrap();
    let next = scene
        .world
        .provision(user("bob", "ent1"), Entry::Bridge, None)
        .unwrap();
    scene.world.remove(first).unwrap();
    scene.seconds(239);
    assert_eq!(scene.status(next), Status::Provisioning);
    scene.seconds(1);
    assert_eq!(scene.status(next), Status::Provisioned);
    assert_eq!(scene.administrators(), ["bob@example.net"]);
}

#[test]
fn an_enterprise_keeps_its_template_and_clashes_with_its_service_provider() {
    let mut scene = Scene::new();
    scene.settled(user("alice", "sp1"));
    let mut other = user("bob", "sp1");
    other.provisioning_id = Template::untrusted().provisioning_id;
    assert_eq!(scene.provision(other).unwrap_err().code, Some(200_050));
    let mut group = user("carol", "SP1+customer");
    group.provisioning_id = Template::groups().provisioning_id;
    assert_eq!(scene.provision(group).unwrap_err().code, Some(200_051));
    // Two groups of one service provider are two customers.
    for (name, enterprise) in [("dan", "sp2+a"), ("eve", "sp2+b")] {
        let mut group = user(name, enterprise);
        group.provisioning_id = Template::groups().provisioning_id;
        scene.settled(group);
    }
    assert_eq!(scene.world.organizations(true).count(), 3);
}

#[test]
fn a_guarded_organization_takes_the_first_user_when_its_administrator_agrees() {
    let alice = || ["alice@example.net".to_owned()];
    let plain = || organization("acme", 0);
    for guarded in [
        organization("acme", 99),
        Organization {
            verified_domain: true,
            ..plain()
        },
        Organization {
            claimed_domain: true,
            ..plain()
        },
    ] {
        let mut scene = Scene::new();
        let id = scene.world.add_organization(guarded, &alice());
        let refusal = scene.provision(user("alice", "ent1")).unwrap_err();
        assert_eq!((refusal.status, refusal.code), (409, Some(2017)));
        assert_eq!(scene.world.subscribers().count(), 0);
        scene.world.approve(id).unwrap();
        scene.settled(user("alice", "ent1"));
        assert_eq!(scene.world.enterprises().next().unwrap().1, id);
    }
}

#[test]
fn a_small_organization_takes_the_first_user_and_keeps_its_administrator() {
    let mut scene = Scene::new();
    let emails = ["boss@example.net", "alice@example.net"].map(str::to_owned);
    let id = scene
        .world
        .add_organization(organization("acme", 97), &emails);
    scene.settled(user("alice", "ent1"));
    assert_eq!(scene.world.enterprises().next().unwrap().1, id);
    assert_eq!(scene.administrators(), ["boss@example.net"]);
    // One enterprise to one organization.
    let refusal = scene.provision(user("boss", "ent2")).unwrap_err();
    assert_eq!(refusal.code, Some(200_039));
    assert_eq!(scene.world.organizations(true).count(), 1);
}

#[test]
fn an_address_of_another_organization_fails() {
    let mut scene = Scene::new();
    scene.settled(user("alice", "ent1"));
    let emails = ["bob@example.net".to_owned()];
    scene
        .world
        .add_organization(organization("other", 0), &emails);
    let place = scene.provision(user("bob", "ent1")).unwrap();
    scene.pass(LONG);
    assert_eq!(scene.failure(place), 200_039);
}

#[test]
fn an_untrusted_first_user_meets_the_guarded_organization_when_the_address_is_confirmed() {
    let mut scene = Scene::new();
    let emails = ["alice@example.net".to_owned()];
    scene
        .world
        .add_organization(organization("acme", 99), &emails);
    let mut new = user("alice", "ent1");
    new.provisioning_id = Template::untrusted().provisioning_id;
    let place = scene.provision(new).unwrap();
    let id = "alice@as.example.net";
    scene.world.type_email(id, "alice@example.net").unwrap();
    scene.world.validate_email(id).unwrap();
    scene.pass(LONG);
    assert_eq!(scene.failure(place), 2017);
    assert_eq!(scene.world.enterprises().count(), 0);
}

#[test]
fn an_organization_ends_when_nothing_holds_it() {
    let mut scene = Scene::new();
    let alice = scene.settled(user("alice", "ent1"));
    let bob = scene.settled(user("bob", "ent1"));
    let (id, org) = {
        let (held, org) = scene.world.enterprises().next().unwrap();
        (held.id, org)
    };
    let bob_person = scene.world.subscriber(bob).unwrap().person().unwrap();
    scene.world.enable_sync(id, true).unwrap();
    let mut refused = |word: &str| {
        let refusal = scene.world.delete_organization(org).unwrap_err();
        assert_eq!(refusal.status, 409);
        assert!(refusal.text.contains(word), "{}", refusal.text);
    };
    refused("directory sync");
    scene.world.enable_sync(id, false).unwrap();
    scene.pass(LONG);
    let mut refused = |word: &str| {
        let refusal = scene.world.delete_organization(org).unwrap_err();
        assert!(refusal.text.contains(word), "{}", refusal.text);
    };
    refused("subscriptions");
    scene.world.remove(alice).unwrap();
    scene.world.remove(bob).unwrap();
    let mut refused = |word: &str| {
        let refusal = scene.world.delete_organization(org).unwrap_err();
        assert!(refusal.text.contains(word), "{}", refusal.text);
    };
    refused("more than one user");
    scene.world.delete_person(bob_person).unwrap();
    scene.world.delete_organization(org).unwrap();
    assert_eq!(scene.world.organization(org).unwrap_err().status, 404);
    assert_eq!(scene.world.organizations(true).count(), 1);
    scene.seconds(600);
    assert_eq!(scene.world.organizations(true).count(), 0);
    assert_eq!(scene.world.enterprises().count(), 0);
    assert_eq!(scene.world.people(true).count(), 0);
    scene.settled(user("alice", "ent1"));
}

fn external(name: &str) -> External {
    External {
        user: format!("{name}@as.example.net"),
        provider: "ent1".to_owned(),
        group: "hq".to_owned(),
        reseller: None,
        first_name: name.to_owned(),
        last_name: "Example".to_owned(),
        extension: Some("0102".to_owned()),
        number: None,
        mobile: None,
    }
}

#[test]
fn directory_sync_brings_who_is_no_subscriber_one_customer_at_a_time() {
    let mut scene = Scene::new();
    scene.settled(user("alice", "ent1"));
    scene.settled(user("zoe", "ent2"));
    let ids: Vec<_> = scene.world.enterprises().map(|(held, _)| held.id).collect();
    let directory: Vec<_> = ["alice", "bob", "carol"].map(external).into();
    let trigger = |scene: &mut Scene, place: usize| {
        let begun = scene.world.trigger_sync(ids[place], "NA_1", &directory);
        begun.map(|held| held.sync.state.as_str())
    };
    assert_eq!(trigger(&mut scene, 0).unwrap_err().code, Some(600_011));
    for id in &ids {
        scene.world.enable_sync(*id, true).unwrap();
    }
    let bob = "bob@as.example.net";
    let single = scene.world.sync_user(ids[0], bob, &directory);
    assert_eq!(single.unwrap_err().code, Some(600_028));
    assert_eq!(trigger(&mut scene, 0), Ok("IN_PROGRESS"));
    for place in [0, 1] {
        let refusal = trigger(&mut scene, place).unwrap_err();
        assert_eq!((refusal.status, refusal.retry_after), (429, Some(30)));
    }
    let switched = scene.world.enable_sync(ids[0], false);
    assert_eq!(switched.unwrap_err().code, Some(600_020));
    scene.seconds(20);
    let sync = scene.world.enterprise(ids[0]).unwrap().sync.clone();
    assert_eq!(sync.state.as_str(), "COMPLETE");
    assert_eq!((sync.added, sync.updated, sync.total()), (2, 0, 2));
    let mut single = |user: &str| {
        let single = scene.world.sync_user(ids[0], user, &directory);
        single
            .map(|(_, single)| single.as_str())
            .map_err(|refusal| refusal.code)
    };
    assert_eq!(single(bob), Ok("NO_OPERATION"));
    assert_eq!(single("alice@as.example.net"), Err(Some(600_023)));
    assert_eq!(single("nobody@as.example.net"), Err(Some(600_024)));
}

#[test]
fn a_failed_sync_says_why_and_cleaning_up_takes_a_while() {
    let mut scene = Scene::new();
    scene.settled(user("alice", "ent1"));
    let id = scene.world.enterprises().next().unwrap().0.id;
    scene.world.enable_sync(id, true).unwrap();
    let why = Failure::new(600_014, "Error from Broadworks - 503");
    scene.world.fail_sync("ENT1", why.clone()).unwrap();
    let directory = [external("bob")];
    scene.world.trigger_sync(id, "NA_1", &directory).unwrap();
    scene.seconds(20);
    let word = |scene: &Scene| scene.world.enterprise(id).unwrap().sync.state.as_str();
    assert_eq!(word(&scene), "FAILED");
    scene.world.trigger_sync(id, "NA_2", &directory).unwrap();
    scene.seconds(20);
    assert_eq!(word(&scene), "COMPLETE");
    scene.world.enable_sync(id, false).unwrap();
    assert_eq!(word(&scene), "IN_PROGRESS");
    scene.seconds(60);
    assert_eq!(word(&scene), "NOT_SYNCED");
    assert_eq!(scene.world.enterprise(id).unwrap().sync.total(), 0);
}
