//! Rings of several nodes through generations of keys.

use serde_json::Value;

use super::*;
use crate::domain::auth::keys::KeyFileFault;
use crate::domain::auth::keys::KeyState;
use crate::domain::auth::token::TokenFault;
use crate::domain::auth::token::TokenRules;
use crate::jose::JoseError;
use crate::jose::KeysNotReady;

fn rules() -> TokenRules {
    TokenRules::new("BroadWorks")
}

fn ring_at(set: &KeySet, time: SystemTime) -> KeyRing {
    KeyRing::from_file(&set.to_json().unwrap(), time).unwrap()
}

fn kids(ring: &KeyRing) -> Vec<String> {
    let jwks: Value = serde_json::from_str(&ring.jwks()).unwrap();
    let keys = jwks["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn an_empty_ring_issues_nothing_and_believes_nobody() {
    let empty = KeyRing::empty();
    assert!(!empty.is_ready() && empty.generation() == 0 && empty.age_of_active().is_none());
    assert_eq!(empty.issue(&claims()), Err(KeysNotReady));
    assert_eq!(empty.jwks(), r#"{"keys":[]}"#);
    let token = ring().issue(&claims()).unwrap();
    assert_eq!(
        empty.verify(&token, &rules(), now()),
        Err(TokenFault::UnknownKey)
    );
    assert!(!ring_at(&KeySet::empty(), now()).is_ready());
}

#[test]
fn tokens_stay_good_on_every_node_through_a_rotation() {
    let mut a = set(&KEYS[0], SigningAlgorithm::Rs256);
    let record = KEYS[1].to_record(SigningAlgorithm::Ps256).unwrap();
    assert_eq!(a.generate(record, now()), Ok(KeyState::Next));
    // The second node got the file with the next key, and nothing since.
    let second = ring_at(&a, now());
    let old = second.issue(&claims()).unwrap();
    a.rotate(now(), LIFE).unwrap();
    let first = ring_at(&a, now());
    assert_eq!((first.generation(), second.generation()), (3, 2));
    assert_eq!(first.algorithm(), Some(SigningAlgorithm::Ps256));
    assert_eq!(first.active_kid(), Some(KEYS[1].kid()));
    let new = first.issue(&claims()).unwrap();
    for ring in [&first, &second] {
        assert_eq!(ring.verify(&old, &rules(), now()), Ok(claims()));
        assert_eq!(ring.verify(&new, &rules(), now()), Ok(claims()));
    }
    assert_eq!(kids(&first), [KEYS[0].kid(), KEYS[1].kid()]);
    let seconds = first
        .age_of_active()
        .unwrap()
        .duration_since(SystemTime::UNIX_EPOCH);
    assert_eq!(seconds.unwrap().as_secs(), 1_800_000_000);
}

#[test]
fn a_retired_key_checks_until_its_end_and_not_after() {
    let mut set = set(&KEYS[0], SigningAlgorithm::Rs256);
    let old = ring_at(&set, now()).issue(&claims()).unwrap();
    let record = KEYS[1].to_record(SigningAlgorithm::Rs256).unwrap();
    set.generate(record, now()).unwrap();
    set.rotate(now(), Duration::from_secs(60)).unwrap();
    let end = now() + Duration::from_secs(3660);
    let before = ring_at(&set, now());
    assert_eq!(
        before.verify(&old, &rules(), end - Duration::from_secs(1)),
        Ok(claims())
    );
    // The ring that was loaded before, and one that is loaded after.
    assert_eq!(
        before.verify(&old, &rules(), end),
        Err(TokenFault::UnknownKey)
    );
    let after = ring_at(&set, end);
    assert_eq!(
        after.verify(&old, &rules(), end),
        Err(TokenFault::UnknownKey)
    );
    assert_eq!(kids(&after), [KEYS[1].kid()]);
}

#[test]
fn a_key_file_is_proven_before_it_is_used() {
    let set = set(&KEYS[0], SigningAlgorithm::Rs256);
    let json = set.to_json().unwrap();
    let text = std::str::from_utf8(&json).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        KeyRing::from_file(text.replacen(from, to, 1).as_bytes(), now()).map(drop)
    };
    let kid = KEYS[0].kid().to_owned();
    let bad = Err(KeyFileFault::BadKey(kid.clone()));
    for member in ["n", "d", "p", "q", "dp", "dq", "qi"] {
        assert_eq!(
            changed(&format!("\"{member}\": \""), &format!("\"{member}\": \"AA")),
            bad,
            "{member}"
        );
        assert_eq!(
            changed(&format!("\"{member}\": \""), &format!("\"{member}\": \"!")),
            bad,
            "{member}"
        );
    }
    assert_eq!(changed("\"AQAB\"", "\"Aw\""), bad);
    let wrong = Err(KeyFileFault::WrongName("x".to_owned()));
    assert_eq!(changed(&kid, "x"), wrong);
    assert_eq!(changed("", ""), Ok(()));
}

#[test]
fn the_key_set_shows_public_halves_only() {
    let jwks: Value = serde_json::from_str(&ring().jwks()).unwrap();
    let members: Vec<_> = jwks["keys"][0]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
    assert_eq!(jwks["keys"][0]["alg"], "RS256");
}

#[test]
fn keys_print_their_names_only() {
    let private = KEYS[0].to_record(SigningAlgorithm::Rs256).unwrap();
    let printed = format!("{:?} {:?} {private:?}", KEYS[0], ring());
    for secret in [&private.d, &private.p, &private.q, &private.qi] {
        assert!(!printed.contains(secret.expose()));
    }
    assert!(printed.contains(KEYS[0].kid()));
}

#[test]
fn only_lengths_that_are_configurable_are_made() {
    for bits in [0, 1024, 2047, 2049, 8192] {
        assert_eq!(
            SigningKey::generate(bits).map(drop),
            Err(JoseError::KeyLength),
            "{bits}"
        );
    }
}
