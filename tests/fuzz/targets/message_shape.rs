//! What a capture keeps of a message: any bytes have a shape, and it is bounded.
#![no_main]

use libfuzzer_sys::fuzz_target;

use xspd::domain::auth::shape;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let bound = 200 + 100 * bytes.len();
    for declared in [None, Some("application/x-www-form-urlencoded")] {
        assert!(shape::body(declared, bytes).to_string().len() < bound);
    }
    assert!(shape::header("authorization", bytes).to_string().len() < bound);
    assert!(shape::path(&text).len() < bound);
    assert!(shape::query(&text).to_string().len() < bound);
});
