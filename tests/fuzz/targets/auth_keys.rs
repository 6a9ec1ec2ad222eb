//! Keys of strangers: the `key` parameter of a client, a key file, an export.
#![no_main]

use libfuzzer_sys::fuzz_target;

use xspd::domain::auth::keys::KeySet;
use xspd::jose::ClientKey;
use xspd::jose::KeyWrap;
use xspd::jose::Opening;
use xspd::jose::encrypt;
use xspd::jose::open_keys;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(key) = ClientKey::from_bytes(bytes) {
        assert!((2048..=4096).contains(&key.bits()));
        // What is accepted must be usable.
        encrypt("token", &key, KeyWrap::RsaOaep256).expect("an accepted key encrypts");
    }
    if let Ok(set) = KeySet::parse(bytes) {
        let written = set.to_json().expect("a set that was read is written");
        assert_eq!(KeySet::parse(&written), Ok(set));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(ClientKey::parse(text));
        // With a key that is none, so that no time goes into passphrases.
        assert!(open_keys(text, Opening::PrivateKey(b"none")).is_err());
    }
});
