//! The bytes of a connection: how they are cut must not change what the scanner makes of them.
#![no_main]

use libfuzzer_sys::fuzz_target;

use xspd::domain::edge::head::HeadLimits;
use xspd::domain::edge::head::HeadScanner;

/// The defaults of a listener, smaller so that both limits are reached.
const LIMITS: HeadLimits = HeadLimits {
    bytes: 1024,
    fields: 16,
};

fuzz_target!(|bytes: &[u8]| {
    let mut whole = HeadScanner::new(LIMITS);
    let verdict = whole.feed(bytes);
    let mut piecewise = HeadScanner::new(LIMITS);
    let pieces = bytes
        .iter()
        .try_for_each(|byte| piecewise.feed(std::slice::from_ref(byte)));
    assert_eq!(verdict, pieces);
    if verdict.is_ok() {
        assert_eq!(whole.in_head(), piecewise.in_head());
    }
});
