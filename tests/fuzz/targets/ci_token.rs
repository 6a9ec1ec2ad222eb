//! CI tokens of strangers, and the answers of those who are asked about them.
#![no_main]

use std::time::Duration;
use std::time::UNIX_EPOCH;

use http::StatusCode;
use libfuzzer_sys::fuzz_target;

use xspd::domain::auth::ci::answer;
use xspd::domain::auth::ci::answer::Form;
use xspd::domain::auth::ci::answer::Rules;
use xspd::domain::auth::ci::federation;
use xspd::domain::auth::ci::grant;
use xspd::domain::auth::ci::presented;
use xspd::domain::auth::ci::presented::Expected;
use xspd::domain::auth::ci::presented::Presented;

const ISSUER: &str = "https://idbroker-eu.webex.com/idb";

fuzz_target!(|raw: &[u8]| {
    let now = UNIX_EPOCH + Duration::from_secs(1_760_000_000);
    if let Ok(token) = std::str::from_utf8(raw) {
        let issuers = [ISSUER.to_owned()];
        let expected = Expected {
            issuers: &issuers,
            organization: None,
        };
        if let Ok(Presented::Signed { ends, .. }) = presented::judge(token, expected, now) {
            assert!(ends + presented::LEEWAY > now, "an ended token came through");
        }
    }
    for form in [Form::IdpProxy, Form::Introspection] {
        let rules = Rules {
            form,
            scopes: vec!["broadworks-connector:user".to_owned()],
            organization: None,
            user_claim: None,
        };
        if let Ok(confirmed) = answer::read(&rules, StatusCode::OK, raw, None, now) {
            assert!(!confirmed.user.broadworks_user.is_empty());
        }
    }
    if let Ok(grant) = grant::read(StatusCode::OK, raw) {
        assert!(!grant.life.is_zero() && !grant.token.is_empty());
    }
    if let Ok(issuers) = federation::issuers(raw, ISSUER) {
        assert!(issuers.iter().all(|issuer| issuer.starts_with("https://")));
    }
});
