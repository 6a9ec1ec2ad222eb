//! A token as a stranger sends it, and claims as a signed token would carry them.
#![no_main]

use std::time::Duration;
use std::time::UNIX_EPOCH;

use libfuzzer_sys::fuzz_target;

use xspd::domain::auth::token::Claims;
use xspd::domain::auth::token::TokenRules;
use xspd::jose::KeyRing;

fuzz_target!(|bytes: &[u8]| {
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let rules = TokenRules::new("BroadWorks");
    if let Ok(token) = std::str::from_utf8(bytes) {
        let verified = KeyRing::empty().verify(token, &rules, now);
        assert!(verified.is_err(), "a token without a key was believed");
    }
    if let Ok(claims) = Claims::parse(bytes) {
        // What was read must be written so that it reads the same.
        let json = claims.to_ascii_json();
        assert!(json.is_ascii());
        assert_eq!(Claims::parse(json.as_bytes()), Ok(claims));
    }
});
