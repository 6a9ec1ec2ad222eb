//! A trust file as an engineer downloaded and edited it.
#![no_main]

use std::time::Duration;
use std::time::UNIX_EPOCH;

use libfuzzer_sys::fuzz_target;

use xspd::domain::certs::TrustRules;
use xspd::domain::certs::trust_file;

fuzz_target!(|bytes: &[u8]| {
    // November 2026: most real certificates of a seed corpus are in date.
    let now = UNIX_EPOCH + Duration::from_secs(1_793_000_000);
    let strict = trust_file::parse(bytes, now, TrustRules::STRICT);
    let live = trust_file::parse(bytes, now, TrustRules::live(true));
    if let Ok(strict) = &strict {
        // What may be installed must also be taken by the daemon that runs.
        let live = live.expect("a file that passes the strict rules passes the others");
        assert_eq!(strict.anchors.len(), live.anchors.len());
    }
});
