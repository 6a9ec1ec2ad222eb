//! The request target of a stranger: judgement, route and action path.
#![no_main]

use libfuzzer_sys::fuzz_target;

use xspd::domain::edge::target;
use xspd::domain::xsi::path::ActionPath;

fuzz_target!(|raw: &[u8]| {
    let Ok(canonical) = target::judge(raw) else {
        return;
    };
    let path = canonical.path();
    assert!(path.starts_with(b"/"));
    let hidden = |part: &[u8]| part == b"." || part == b"..";
    assert!(
        !target::segments(path).any(hidden),
        "a dot segment came through"
    );
    // What the policy sees must not change when it is looked at again.
    let parsed = ActionPath::parse(path);
    assert_eq!(parsed, ActionPath::parse(path));
});
