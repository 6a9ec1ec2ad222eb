//! What a CA delivers, in any form: PEM, DER, PKCS#7, PKCS#12.
#![no_main]

use libfuzzer_sys::fuzz_target;

use xspd::domain::certs::bundle;

fuzz_target!(|bytes: &[u8]| {
    for password in [None, Some("secret")] {
        let Ok(read) = bundle::read(bytes, password) else {
            continue;
        };
        let keys: Vec<_> = read.keys.iter().map(bundle::Key::spki_sha256).collect();
        if let Ok(chain) = bundle::assemble(&read.certificates, &keys) {
            assert!(keys.contains(&chain.leaf.spki_sha256));
        }
    }
});
