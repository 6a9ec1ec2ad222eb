//! What is kept, and that nothing else is.

use proptest::prelude::*;

use super::*;
use crate::domain::provisioning::capture::CAPTURE;
use crate::domain::provisioning::capture::Capture;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::RequestId;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::mapping::EarlyValidation;
use crate::domain::provisioning::mapping::Mapping;
use crate::domain::provisioning::mapping::TemplateValues;
use crate::domain::provisioning::profile::Package;

const SAMPLE: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/wire/provisioning/a17-proposed-adapter-v1-provision.http"
));

const GUEST: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/wire/provisioning/a14-fact-guestclient-impguest-request.http"
));

fn template() -> TemplateValues {
    TemplateValues {
        key: TemplateKey::parse("t").unwrap(),
        cluster: ClusterName::parse("c").unwrap(),
        package: Package::Basic,
        language: None,
        timezone: None,
        trusted_email: true,
        enterprise_mode: false,
        early_validation: EarlyValidation::Business,
    }
}

fn capture(call: &Call, hidden: Redaction) -> Capture {
    let template = template();
    let (outcome, trace) = Mapping::built_in().apply(call, &template);
    let id = RequestId::parse("0190f3c2-5a53-7d3e-9b55-2b1f7b0c9d10").unwrap();
    let name = (id, Moment(1_700_000_000_000), template.key);
    Capture::of(name, call, trace, (&outcome, 200), hidden)
}

#[test]
fn structure_stays_and_values_go() {
    let call = Call::from_file(SAMPLE, None).unwrap();
    let kept = RedactedCall::of(&call, Redaction::Personal);
    let RedactedBody::Text(text) = &kept.body else {
        panic!("{kept:?}");
    };
    for part in [
        "<b:bwUserId>string(19, user-at-host)</b:bwUserId>",
        "<b:extension>string(4, digits)</b:extension>",
        "<b:service name=\"IMP\" active=\"true\"/>",
        "xmlns:b=\"http://broadsoft.com/schemas/BroadCloudOSS\"",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(kept.base, "/adapter/v1/t/acme-premium");
    let of = |name: &str| {
        let mut headers = kept.headers.iter();
        headers
            .find(|(held, _)| held == name)
            .map(|(_, v)| v.as_str())
    };
    assert_eq!(of("host"), Some("adapter.sp.example"));
    assert_eq!(of("content-type"), Some("application/xml; charset=UTF-8"));
    assert!(
        of("authorization").unwrap().starts_with("Basic string("),
        "{kept:?}"
    );
}

#[test]
fn secrets_go_always() {
    let call = Call::from_file(SAMPLE, None).unwrap();
    let kept = capture(&call, Redaction::Secrets).to_json();
    assert!(kept.contains("john.andersen@acme.example"), "{kept}");
    assert!(!kept.contains("d2ViZXhwcm92"), "{kept}");

    let call = Call::from_file(GUEST, None).unwrap();
    let kept = capture(&call, Redaction::Secrets).to_json();
    assert!(kept.contains("<b:impFirstName>Ann<"), "{kept}");
    assert!(kept.contains("<b:impPassword>string(7, text)<"), "{kept}");

    let json = r#"{"user":"u","password":"hunter2","inner":{"apiToken":["hunter3",4711]}}"#;
    let call = Call::new("POST", "/t?token=hunter4&x=1&hunter5token", "").unwrap();
    let call = call.with_headers([("X-Auth-Token", "hunter6")]).unwrap();
    let kept = capture(&call.with_body(json).unwrap(), Redaction::Secrets).to_json();
    assert!(!kept.contains("hunter") && !kept.contains("4711"), "{kept}");
    assert!(kept.contains("x=1"), "{kept}");

    // Where secrets are cannot be told, so that nothing is kept.
    let call = Call::new("POST", "/t", "").unwrap();
    let broken = call.with_body("<password>hunter2</passwrd>").unwrap();
    let kept = capture(&broken, Redaction::Secrets).to_json();
    assert!(!kept.contains("hunter"), "{kept}");
}

#[test]
fn secrets_whose_name_stands_beside_them_go_too() {
    let kept = |target: &str, below: &str, body: &str| {
        let call = Call::new("POST", target, below).unwrap();
        capture(&call.with_body(body).unwrap(), Redaction::Secrets).to_json()
    };
    for body in [
        "<a><p><name>password</name><value>hunter2</value></p><x>1</x></a>",
        "<a><n:p xmlns:n='u'><n:Key>authToken</n:Key><n:v><w>hunter2</w></n:v></n:p><x>1</x></a>",
        "<a><param name='password' value='hunter2'/><x>1</x></a>",
        "<a><param name='passwd'>hunter2</param><x>1</x></a>",
        "<a><t>user=u;password=hunter2</t><x>1</x></a>",
        r#"{"list":[{"name":"password","value":"hunter2"}],"x":"1"}"#,
        r#"{"p":{"key":"apiToken","is":{"of":["hunter2",4711]}},"x":"1"}"#,
        r#"{"p":["password","hunter2"],"x":"1"}"#,
        r#"{"p%61ssword":"hunter2","x":"1"}"#,
    ] {
        let kept = kept("/t", "", body);
        assert!(!kept.contains("hunter") && !kept.contains("4711"), "{kept}");
        let json = body.starts_with('{');
        let neighbour = if json { r#"\"x\":\"1\""# } else { "<x>1</x>" };
        assert!(kept.contains(neighbour) || body.contains('%'), "{kept}");
    }
    for query in [
        "p%61ssword=hunter2",
        "p%2561ssword=hunter2",
        "name=password&value=hunter2",
        "a=1;password=hunter2",
        "a=password%3Dhunter2",
        "p%61ssword%3Dhunter2",
    ] {
        let kept = kept(&format!("/t?{query}"), "", "");
        assert!(!kept.contains("hunter"), "{query}: {kept}");
    }
    for below in [
        "/password/hunter2",
        "/p%61ssword/hunter2",
        "/x;password=hunter2",
    ] {
        let kept = kept(&format!("/t{below}"), below, "");
        assert!(!kept.contains("hunter"), "{below}: {kept}");
    }
    let call = Call::new("POST", "/t", "").unwrap();
    let call = call.with_headers([("X-Url", "https://h/?t%6Fken=hunter2")]);
    let kept = capture(&call.unwrap(), Redaction::Secrets).to_json();
    assert!(!kept.contains("hunter"), "{kept}");
}

#[test]
fn rules_can_be_tried_on_what_is_kept() {
    let call = Call::from_file(SAMPLE, None).unwrap();
    for hidden in Redaction::ALL {
        let kept = capture(&call, hidden);
        let read = Capture::from_json(kept.to_json().as_bytes()).unwrap();
        assert_eq!(read, kept);
        let again = read.request.to_call().unwrap();
        assert_eq!(again.subpath(), call.subpath());
        let (_, trace) = Mapping::built_in().apply(&again, &template());
        assert_eq!(trace.rule(), Some("upsert"), "{hidden}");
    }
    let latin = b"POST /t HTTP/1.1\nContent-Type: text/xml; charset=iso-8859-1\n\n\
        <subscriberProfile><firstName>M\xfcller</firstName></subscriberProfile>";
    let call = Call::from_file(latin, None).unwrap();
    let kept = RedactedCall::of(&call, Redaction::Secrets)
        .to_call()
        .unwrap();
    let (_, trace) = Mapping::built_in().apply(&kept, &template());
    assert_eq!(trace.fault, None);
}

#[test]
fn different_namespaces_stay_different() {
    let call = Call::new("POST", "/t", "").unwrap();
    let body = "<a xmlns:p='urn:alice' xmlns:q='urn:bob' p:x='1' q:x='2'/>";
    let kept = RedactedCall::of(&call.with_body(body).unwrap(), Redaction::Personal);
    let RedactedBody::Text(text) = &kept.body else {
        panic!("{kept:?}");
    };
    assert!(
        text.contains("urn:hidden:1") && text.contains("urn:hidden:2"),
        "{text}"
    );
    assert!(kept.to_call().is_ok());
}

#[test]
fn what_is_too_large_is_cut() {
    let call = || Call::new("POST", "/t", "").unwrap();
    let large = format!("<a>{}</a>", "<b>1</b>".repeat(1_900));
    let huge = format!("<a>{}</a>", "x".repeat(200_000));
    let fields = || (0..99).map(|n| (format!("x-{n}"), "v".repeat(300)));
    for body in [large, huge, "x".repeat(262_144)] {
        for hidden in Redaction::ALL {
            let call = call().with_headers(fields()).unwrap();
            let kept = capture(&call.with_body(body.as_str()).unwrap(), hidden).to_json();
            assert!(kept.len() <= CAPTURE, "{}", kept.len());
            assert!(Capture::from_json(kept.as_bytes()).is_ok());
        }
    }
}

/// A request that holds a value in every place there is.
fn everywhere(value: &str) -> Option<Call> {
    let hex: String = value.bytes().map(|b| format!("%{b:02X}")).collect();
    let xml = value
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;");
    let body = format!(
        "<subscriberProfile a=\"{xml}\"><bwUserId>{xml}</bwUserId><password>{xml}</password>\
         <x><y z=\"{xml}\">{xml}</y></x></subscriberProfile>"
    );
    let below = format!("/userservice/{hex}/x/{hex}");
    let call = Call::new("POST", &format!("/t{below}?bwUserId={hex}&{hex}"), &below).ok()?;
    let headers = [
        ("Authorization", format!("Basic {value}")),
        ("Cookie", value.to_owned()),
        ("X-Any", value.to_owned()),
        ("Content-Type", "application/xml".to_owned()),
    ];
    call.with_headers(headers).ok()?.with_body(body).ok()
}

proptest! {
    #[test]
    fn no_four_characters_of_a_value_survive(
        value in "[A-Z0-9~!*@ -]{6,60}|[^\\x00-\\x7f]{6,30}",
    ) {
        let Some(call) = everywhere(&value) else { return Ok(()) };
        let kept = capture(&call, Redaction::Personal).to_json();
        let without = capture(&everywhere("#").unwrap(), Redaction::Personal).to_json();
        let hex: String = value.bytes().map(|b| format!("%{b:02X}")).collect();
        for text in [value, hex] {
            let characters: Vec<char> = text.chars().collect();
            for piece in characters.windows(4) {
                let piece: String = piece.iter().collect();
                prop_assert!(
                    piece.trim().is_empty() || !kept.contains(&piece) || without.contains(&piece),
                    "{piece:?} in {kept}"
                );
            }
        }
    }

    #[test]
    fn any_request_can_be_kept_and_read_again(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        header in proptest::collection::vec(any::<u8>(), 0..40),
        below in "(/\\PC{0,9}){0,3}",
        query in "\\PC{0,30}",
    ) {
        let call = Call::new("PUT", &format!("/t{below}?{query}"), &below);
        let Ok(call) = call else { return Ok(()) };
        let call = call.with_headers([("x", header)]).unwrap().with_body(body).unwrap();
        for hidden in Redaction::ALL {
            let kept = capture(&call, hidden);
            let read = Capture::from_json(kept.to_json().as_bytes()).unwrap();
            prop_assert!(read.request.to_call().is_ok());
        }
    }
}
