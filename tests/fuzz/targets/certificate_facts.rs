//! A peer's certificate in DER: facts and identity.
#![no_main]

use std::time::UNIX_EPOCH;

use libfuzzer_sys::fuzz_target;

use xspd::domain::certs::CertificateFacts;
use xspd::domain::certs::chain;
use xspd::domain::certs::identity;

fuzz_target!(|der: &[u8]| {
    // Whether it can be read must not depend on who asks.
    let facts = CertificateFacts::parse(der);
    let again = CertificateFacts::parse(der);
    assert_eq!(facts, again);
    if let Ok(facts) = facts {
        assert_eq!(identity(&facts), identity(&facts));
    }
    let verdict = chain::judge(&[der, der], &["xsp1.example.net"], UNIX_EPOCH);
    assert!(
        verdict.is_refused(),
        "a chain of the same certificate twice"
    );
});
