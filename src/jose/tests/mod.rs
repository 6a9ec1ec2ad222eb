//! Tokens and keys from end to end, and every attack on them that has a name.

use std::sync::LazyLock;
use std::time::Duration;
use std::time::SystemTime;

use crate::config::SigningAlgorithm;
use crate::domain::auth::keys::KeySet;
use crate::domain::auth::token::Amr;
use crate::domain::auth::token::Claims;
use crate::jose::KeyRing;
use crate::jose::SigningKey;

mod attacks;
mod client_keys;
mod interop;
mod rings;

/// Made once: a key takes a while.
static KEYS: LazyLock<[SigningKey; 3]> =
    LazyLock::new(|| [(); 3].map(|()| SigningKey::generate(2048).unwrap()));

const LIFE: Duration = Duration::from_secs(720 * 3600);

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_123)
}

fn claims() -> Claims {
    Claims::new(
        "BroadWorks",
        "alice@as.example.net",
        now(),
        LIFE,
        [9; 16],
        Amr::Pwd,
    )
}

/// An active key.
fn set(key: &SigningKey, algorithm: SigningAlgorithm) -> KeySet {
    let mut set = KeySet::empty();
    let record = key.to_record(algorithm).unwrap();
    set.generate(record, now()).unwrap();
    set
}

fn ring() -> KeyRing {
    KeyRing::from_set(&set(&KEYS[0], SigningAlgorithm::Rs256), now()).unwrap()
}
