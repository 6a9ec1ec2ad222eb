//! Any sequence of calls.

use std::time::Duration;

use proptest::prelude::ProptestConfig;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::prop_oneof;
use proptest::proptest;

use crate::lab::webex::api::template::Template;
use crate::lab::webex::api::world::Change;
use crate::lab::webex::api::world::Entry;
use crate::lab::webex::api::world::State;
use crate::lab::webex::api::world::tests::LONG;
use crate::lab::webex::api::world::tests::Scene;
use crate::lab::webex::api::world::tests::user;

#[derive(Debug, Clone)]
enum Step {
    Provision(u8, u8, bool, bool),
    Remove(u8),
    Update(u8),
    Type(u8),
    Validate(u8),
    Consent(u8),
    Account(u8),
    Pass(u16),
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..6_u8;
    prop_oneof![
        4 => (name.clone(), 0..3_u8, any::<bool>(), any::<bool>())
            .prop_map(|(name, enterprise, trusted, bridge)| {
                Step::Provision(name, enterprise, trusted, bridge)
            }),
        1 => name.clone().prop_map(Step::Remove),
        1 => name.clone().prop_map(Step::Update),
        1 => name.clone().prop_map(Step::Type),
        1 => name.clone().prop_map(Step::Validate),
        1 => name.clone().prop_map(Step::Consent),
        1 => name.prop_map(Step::Account),
        2 => (0..300_u16).prop_map(Step::Pass),
    ]
}

fn act(scene: &mut Scene, step: &Step) {
    let id = |name: u8| format!("u{name}@as.example.net");
    let place = |scene: &Scene, name: u8| {
        let mut all = scene.world.subscribers();
        all.find(|(_, held)| held.of.user == id(name))
            .map(|(place, _)| place)
    };
    match *step {
        Step::Provision(name, enterprise, trusted, bridge) => {
            let mut new = user(&format!("u{name}"), &format!("ent{enterprise}"));
            if !trusted {
                new.provisioning_id = Template::untrusted().provisioning_id;
            }
            let entry = if bridge { Entry::Bridge } else { Entry::Api };
            scene.world.provision(new, entry, None).ok();
        }
        Step::Remove(name) => {
            if let Some(place) = place(scene, name) {
                scene.world.remove(place).unwrap();
            }
        }
        Step::Update(name) => {
            if let Some(place) = place(scene, name) {
                scene.world.update(place, Change::default()).ok();
            }
        }
        Step::Type(name) => {
            scene
                .world
                .type_email(&id(name), &format!("u{name}@example.net"))
                .ok();
        }
        Step::Validate(name) => {
            scene.world.validate_email(&id(name)).ok();
        }
        Step::Consent(name) => {
            scene.world.consent(&id(name)).ok();
        }
        Step::Account(name) => {
            scene
                .world
                .add_free_account(&format!("u{name}@example.net"));
        }
        Step::Pass(seconds) => scene.pass(Duration::from_secs(seconds.into())),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn after_any_calls_everybody_settles_or_waits_for_a_person_and_nobody_is_there_twice(
        steps in proptest::collection::vec(step(), 1..40)
    ) {
        let mut scene = Scene::new();
        for step in &steps {
            act(&mut scene, step);
            prop_assert!(scene.world.doubles().is_empty());
        }
        // A chain of first users at the bridge takes one after the other.
        for _ in 0..8 {
            scene.pass(LONG);
        }
        prop_assert!(scene.world.is_quiet());
        for (_, held) in scene.world.subscribers() {
            let waits_behind = |enterprise: &str| scene.world.subscribers().any(|(_, other)| {
                let person = matches!(
                    other.state,
                    State::AwaitingEmail | State::AwaitingValidation | State::AwaitingConsent
                );
                person && other.of.enterprise == enterprise
            });
            match &held.state {
                State::Held => prop_assert!(waits_behind(&held.of.enterprise)),
                State::Provisioning { .. } | State::Updating { .. } => {
                    prop_assert!(false, "under way: {held:?}");
                }
                State::Provisioned { person } => {
                    let person = scene.world.person(*person).unwrap();
                    prop_assert_eq!(Some(&person.email), held.of.email.as_ref());
                }
                State::AwaitingEmail
                | State::AwaitingValidation
                | State::AwaitingConsent
                | State::Failed(_) => {}
            }
        }
        let mut organizations: Vec<_> = scene.world.enterprises().map(|(_, org)| org).collect();
        let all = organizations.len();
        organizations.sort_unstable();
        organizations.dedup();
        prop_assert_eq!(organizations.len(), all, "one enterprise to one organization");
    }
}

#[test]
fn whoever_is_left_when_a_first_user_goes_is_the_first_now() {
    let mut scene = Scene::new();
    let steps = [
        Step::Provision(3, 1, false, false),
        Step::Provision(0, 1, false, false),
        Step::Remove(3),
        Step::Type(0),
        Step::Validate(0),
    ];
    for step in &steps {
        act(&mut scene, step);
    }
    scene.pass(LONG);
    let (_, held) = scene.world.subscribers().next().unwrap();
    let State::Provisioned { person } = held.state else {
        panic!("{held:?}");
    };
    assert!(scene.world.person(person).is_ok());
    assert_eq!(scene.world.enterprises().count(), 1);
}
