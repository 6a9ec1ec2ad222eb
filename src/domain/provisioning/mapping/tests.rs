//! Requests through the built-in mapping, and mappings that are none.

use proptest::prelude::*;

use super::*;
use crate::domain::provisioning::call::Call;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::profile::Package;
use crate::domain::provisioning::refusal::RefusalReason;
use crate::domain::provisioning::refusal::SENTENCE;

macro_rules! wire {
    ($file:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/wire/provisioning/",
            $file
        ))
    };
}

pub(super) fn template() -> TemplateValues {
    TemplateValues {
        key: TemplateKey::parse("acme-premium").unwrap(),
        cluster: ClusterName::parse("as-east").unwrap(),
        package: Package::Premium,
        language: Some("de_DE".to_owned()),
        timezone: Some("Europe/Berlin".to_owned()),
        trusted_email: true,
        enterprise_mode: false,
        early_validation: EarlyValidation::Business,
    }
}

fn apply(call: &Call) -> (Outcome, Trace) {
    Mapping::built_in().apply(call, &template())
}

fn file(bytes: &[u8]) -> (Outcome, Trace) {
    apply(&Call::from_file(bytes, None).unwrap())
}

/// A POST of XML to the template's address.
fn post(body: &str) -> Call {
    let call = Call::new("POST", "/adapter/v1/t/acme-premium", "").unwrap();
    let call = call.with_headers([("Content-Type", "application/xml; charset=UTF-8")]);
    call.unwrap().with_body(body).unwrap()
}

const GOOD: [(&str, &str); 6] = [
    ("bwUserId", "u@sp.example"),
    ("serviceProvider", "sp1"),
    ("group", "acme"),
    ("firstName", "Ann"),
    ("lastName", "Lee"),
    ("email", "ann@acme.example"),
];

/// A profile with these elements in place of, or besides, good ones; an empty text leaves out.
fn profile(changes: &[(&str, &str)]) -> Call {
    let mut held: Vec<(String, String)> = Vec::new();
    let all = GOOD.iter().chain(&[("extension", "1212")]).chain(changes);
    for (name, value) in all {
        held.retain(|(held, _)| held != name);
        if !value.is_empty() {
            held.push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    let inner = held
        .iter()
        .map(|(name, value)| format!("<{name}>{value}</{name}>"));
    let inner: String = inner.collect();
    post(&format!("<subscriberProfile>{inner}</subscriberProfile>"))
}

fn wish(call: &Call) -> Profile {
    let outcome = apply(call).0;
    let Outcome::Upsert(wish) = outcome else {
        panic!("{outcome:?}");
    };
    wish.profile
}

fn refused(call: &Call) -> Refusal {
    let outcome = apply(call).0;
    let (Outcome::Refuse(refusal) | Outcome::CaptureAndRefuse(refusal)) = outcome else {
        panic!("{outcome:?}");
    };
    refusal
}

#[test]
fn the_samples_mean_what_they_were_written_for() {
    let (outcome, trace) = file(wire!("a17-proposed-adapter-v1-provision.http"));
    let Outcome::Upsert(wish) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(trace.rule(), Some("upsert"));
    assert_eq!(trace.remarks, Vec::<String>::new());
    assert_eq!(wish.imp_id.as_deref(), Some("95547321@sp.example"));
    let profile = wish.profile;
    let json = serde_json::to_value(&profile).unwrap();
    let expected = serde_json::json!({
        "user": "95547321@sp.example", "sp": "sp1", "group": "acme", "first-name": "John",
        "last-name": "Andersen", "email": "john.andersen@acme.example", "phone": "+12405551212",
        "mobile": "+18182791234", "extension": "1212", "language": "en_US",
        "timezone": "America/New_York", "is-place": false,
    });
    assert_eq!(json, expected);

    let (outcome, trace) = file(wire!("a22-proposed-adapter-v1-delete.http"));
    let user = BwUserId::parse("95547321@sp.example").unwrap();
    assert_eq!(outcome, Outcome::Remove(user));
    assert_eq!(trace.rule(), Some("remove-by-name"));

    for guest in [
        &wire!("a14-fact-guestclient-impguest-request.http")[..],
        wire!("a16-fact-guestclient-impguest-delete.http"),
    ] {
        let (outcome, trace) = file(guest);
        assert_eq!(outcome, Outcome::RelayOrRefuse);
        assert_eq!(trace.rule(), Some("guest"));
    }

    let bare = std::str::from_utf8(wire!("a18-proposed-adapter-v1-subscriber-profile.xml"));
    assert_eq!(self::wish(&post(bare.unwrap())), profile);
}

#[test]
fn names_of_elements_are_compared_without_prefix_and_case() {
    let call = post(
        "<x:SUBSCRIBERPROFILE xmlns:x='urn:any'><x:BWUSERID>u</x:BWUSERID><userId>v</userId>\
         <x:serviceproviderid>s</x:serviceproviderid><groupid>g</groupid><firstname>a</firstname>\
         <lastname>b</lastname><emailaddress>a@b.cd</emailaddress><DN>2405551212</DN>\
         </x:SUBSCRIBERPROFILE>",
    );
    let profile = wish(&call);
    assert_eq!((profile.user.as_str(), profile.sp.as_str()), ("u", "s"));
    assert_eq!(profile.phone.as_deref(), Some("+12405551212"));
    assert_eq!(
        profile.language.as_deref(),
        Some("de_DE"),
        "from the template"
    );
    assert_eq!(profile.timezone.as_deref(), Some("Europe/Berlin"));
}

#[test]
fn a_json_object_is_read_like_xml() {
    let body = r#"{"bwUserId":"u","serviceProvider":"s","groupId":"g","firstName":"a",
        "lastName":"b","email":"a@b.cd","extension":1212,"isPlace":true,"services":[{"x":1}]}"#;
    let call = |content_type: &str| {
        let call = Call::new("PUT", "/t", "").unwrap();
        let call = call.with_headers([("content-type", content_type)]).unwrap();
        call.with_body(body).unwrap()
    };
    for content_type in [
        "application/json",
        "",
        "application/vnd.x+json; charset=utf-8",
    ] {
        let profile = wish(&call(content_type));
        assert_eq!(profile.extension.as_deref(), Some("1212"));
        assert!(profile.is_place);
    }
    assert_eq!(
        refused(&call("application/xml")).reason,
        RefusalReason::Unreadable
    );
    let latin = refused(&call("application/json; charset=iso-8859-1"));
    assert_eq!(latin.reason, RefusalReason::Unreadable);
}

#[test]
fn a_removal_comes_by_method_or_by_the_flag_of_the_service() {
    for (method, target, below, user) in [
        (
            "DELETE",
            "/t/userservice/imp/a%40b",
            "/userservice/imp/a%40b",
            "a@b",
        ),
        ("DELETE", "/t/?userId=a+b%2Bc", "/", "a+b+c"),
        ("DELETE", "/t/device1@sp", "/device1@sp", "device1@sp"),
    ] {
        let call = Call::new(method, target, below).unwrap();
        let user = BwUserId::parse(user).unwrap();
        assert_eq!(apply(&call).0, Outcome::Remove(user), "{target}");
    }
    let nobody = Call::new("DELETE", "/t?bwUserId=", "").unwrap();
    let refusal = refused(&nobody);
    assert_eq!(refusal.reason, RefusalReason::FieldMissing);
    assert_eq!(
        refusal.detail,
        "rule remove-by-name, field user_id: nothing in query:bwUserId, query:userId, \
         xml:bwUserId, xml:userId, json:bwUserId, json:userId"
    );
    let flagged = |flags: &str| {
        let body = format!(
            "<subscriberProfile><bwUserId>a%40b</bwUserId><services>{flags}</services>\
             </subscriberProfile>"
        );
        apply(&post(&body)).0
    };
    // Escapes of URLs mean nothing in XML.
    let user = BwUserId::parse("a%40b").unwrap();
    assert_eq!(
        flagged("<service name='Other' active='true'/><service name='IMP' active='False'/>"),
        Outcome::Remove(user)
    );
    let both = flagged("<service name='IMP' active='true'/><service name='IMP' active='false'/>");
    assert!(matches!(both, Outcome::CaptureAndRefuse(_)), "{both:?}");
    // Never taken for an assignment.
    for unclear in [
        "<service name='IMP' active='0'/>",
        "<service name='IMP'/>",
        "<service name='IMP'><active>false</active></service>",
    ] {
        let found = flagged(unclear);
        assert!(matches!(found, Outcome::CaptureAndRefuse(_)), "{found:?}");
    }
}

#[test]
fn a_word_of_a_path_is_nobody_who_could_be_removed() {
    for below in [
        "",
        "/",
        "/password",
        "/x/password",
        "/userservice/imp",
        "/v2/users",
    ] {
        let call = Call::new("DELETE", &format!("/t{below}"), below).unwrap();
        let (outcome, trace) = apply(&call);
        assert!(
            matches!(outcome, Outcome::CaptureAndRefuse(_)),
            "{below}: {outcome:?}"
        );
        assert_eq!(trace.rule(), Some("unknown"), "{below}");
    }
    for below in ["/impguest", "/IMPguest/jid/x", "/a/impguest/jid/x@y"] {
        let call = Call::new("DELETE", &format!("/t{below}"), below).unwrap();
        assert_eq!(apply(&call).1.rule(), Some("guest"), "{below}");
    }
    // A user may be called so.
    let call = Call::new("DELETE", "/t/impguest1@sp", "/impguest1@sp").unwrap();
    let user = BwUserId::parse("impguest1@sp").unwrap();
    assert_eq!(apply(&call).0, Outcome::Remove(user));
}

#[test]
fn services_of_json_switch_off_as_those_of_xml_do() {
    let flagged = |services: &str| {
        let body = format!(
            r#"{{"bwUserId":"u","serviceProvider":"s","groupId":"g","firstName":"a",
            "lastName":"b","email":"a@b.cd","extension":1212,"Services":{services}}}"#
        );
        let call = Call::new("POST", "/t", "").unwrap();
        apply(&call.with_body(body).unwrap()).0
    };
    let user = || BwUserId::parse("u").unwrap();
    for off in [
        r#"[{"name":"IMP","active":false}]"#,
        r#"[{"name":"Other","active":true},{"NAME":"imp","Active":"False"}]"#,
        r#"{"name":"IMP","active":false}"#,
        r#"{"service":{"name":"IMP","active":"false"}}"#,
        r#"{"service":[{"name":"IMP","active":false}]}"#,
        r#"{"IMP":false}"#,
        r#"{"imp":{"active":"false"}}"#,
    ] {
        assert_eq!(flagged(off), Outcome::Remove(user()), "{off}");
    }
    for unclear in [
        r#"[{"name":"IMP"}]"#,
        r#"[{"name":"IMP","active":0}]"#,
        r#"[{"name":"IMP","active":null}]"#,
        r#"[{"name":"IMP","active":{"is":false}}]"#,
        r#"[{"name":"IMP","active":true},{"name":"IMP","active":false}]"#,
        r#"{"service":[{"name":"IMP","active":"off"}]}"#,
        r#"{"IMP":"off"}"#,
        r#"{"IMP":{}}"#,
        r#"{"IMP":true,"service":{"name":"IMP","active":false}}"#,
        r#"["IMP"]"#,
        r#""imp""#,
    ] {
        let found = flagged(unclear);
        assert!(
            matches!(found, Outcome::CaptureAndRefuse(_)),
            "{unclear}: {found:?}"
        );
    }
    for on in [
        r#"[{"name":"IMP","active":true}]"#,
        r#"{"service":{"name":"IMP","active":"1"}}"#,
        r#"{"IMP":true}"#,
        r#"{"IMP":{"active":"TRUE"}}"#,
        r#"[{"name":"Other","active":false}]"#,
        "[]",
        "null",
    ] {
        let found = flagged(on);
        assert!(matches!(found, Outcome::Upsert(_)), "{on}: {found:?}");
    }
}

#[test]
fn what_can_never_succeed_is_refused_with_its_code_and_a_sentence() {
    let long = "x".repeat(31);
    let wide = "\u{e4}".repeat(16);
    let many = format!("{}@b.cd", "x".repeat(76));
    for (changes, code, part) in [
        (&[("bwUserId", "")][..], "A1002", "names no user"),
        (
            &[("serviceProvider", "")],
            "A1002",
            "u@sp.example has no service provider",
        ),
        (&[("group", "")], "A1002", "has no group"),
        (&[("firstName", "")], "A1002", "has no first name"),
        (&[("lastName", " ")], "A1002", "has no last name"),
        (&[("email", "")], "A1004", "has no e-mail address"),
        (&[("email", "ann")], "A1005", "is no e-mail address"),
        (&[("email", &many)], "A1007", "over 80 characters"),
        (
            &[("extension", "")],
            "A1003",
            "neither phone number nor extension",
        ),
        (&[("extension", "1")], "A1007", "The extension of"),
        (
            &[("firstName", &long)],
            "A1007",
            "first name of u@sp.example has over 30 characters",
        ),
        (&[("serviceProvider", &wide)], "A1007", "over 30 bytes"),
        (
            &[("primaryPhoneNumber", "none")],
            "A1007",
            "The phone number of",
        ),
        (
            &[("mobilePhoneNumber", "sip:x")],
            "A1007",
            "The mobile number of",
        ),
        (&[("isPlace", "perhaps")], "A1007", "The place flag of"),
    ] {
        let refusal = refused(&profile(changes));
        assert_eq!(refusal.reason.code(), code, "{changes:?}: {refusal}");
        assert!(
            refusal.sentence.contains(part),
            "{changes:?}: {}",
            refusal.sentence
        );
        assert!(
            refusal.sentence.chars().count() < SENTENCE,
            "{}",
            refusal.sentence
        );
        assert!(!refusal.detail.contains("u@sp"), "{}", refusal.detail);
    }
}

#[test]
fn sentences_stay_short_for_the_longest_of_users() {
    let user = "w".repeat(161);
    let long = "x".repeat(300);
    for name in [
        "group",
        "firstName",
        "lastName",
        "email",
        "mobilePhoneNumber",
        "impId",
    ] {
        let refusal = refused(&profile(&[("bwUserId", &user), (name, &long)]));
        let length = refusal.sentence.chars().count();
        assert!(length < SENTENCE, "{length}: {}", refusal.sentence);
    }
    let over = refused(&profile(&[("bwUserId", &"w".repeat(162))]));
    assert_eq!(over.reason, RefusalReason::FieldInvalid);
}

#[test]
fn limits_count_characters_but_for_the_service_provider() {
    let thirty = "\u{e4}".repeat(30);
    let profile = wish(&profile(&[("firstName", &thirty), ("group", &thirty)]));
    assert_eq!(profile.first_name, thirty);
}

#[test]
fn the_policy_of_the_template_decides_what_is_judged() {
    let bare = profile(&[("group", ""), ("email", ""), ("extension", "")]);
    let mail = profile(&[("email", "ann")]);
    let with = |change: fn(&mut TemplateValues), call: &Call| {
        let mut template = template();
        change(&mut template);
        Mapping::built_in().apply(call, &template).0
    };
    let is_upsert = |outcome: Outcome| matches!(outcome, Outcome::Upsert(_));
    assert!(is_upsert(with(
        |t| t.early_validation = EarlyValidation::Off,
        &bare
    )));
    assert!(is_upsert(with(
        |t| t.early_validation = EarlyValidation::Syntax,
        &bare
    )));
    assert!(is_upsert(with(
        |t| t.early_validation = EarlyValidation::Off,
        &mail
    )));
    assert!(!is_upsert(with(
        |t| t.early_validation = EarlyValidation::Syntax,
        &mail
    )));
    assert!(is_upsert(with(|t| t.trusted_email = false, &mail)));
    let grouped = profile(&[("group", "")]);
    assert!(is_upsert(with(|t| t.enterprise_mode = true, &grouped)));
    // A workspace has no mail address.
    let place = profile(&[("email", ""), ("isPlace", "true")]);
    assert!(is_upsert(with(|_| {}, &place)));
}

#[test]
fn two_values_that_differ_are_none() {
    let call =
        post("<subscriberProfile><bwUserId>a</bwUserId><bwUserId>b</bwUserId></subscriberProfile>");
    let refusal = refused(&call);
    assert_eq!(refusal.reason, RefusalReason::FieldInvalid);
    assert!(
        refusal.detail.contains("xml:bwUserId gives several values"),
        "{refusal}"
    );
    let call = Call::new("DELETE", "/t?bwUserId=a&BWUSERID=b", "").unwrap();
    assert_eq!(refused(&call).reason, RefusalReason::FieldInvalid);
}

#[test]
fn what_no_rule_knows_is_refused_and_what_webex_does_not_know_is_left_out() {
    let (outcome, trace) = apply(&post("<somethingElse/>"));
    let Outcome::CaptureAndRefuse(refusal) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(refusal.reason, RefusalReason::Unmapped);
    assert_eq!(trace.rule(), Some("unknown"));
    let upsert = trace
        .rules
        .iter()
        .find(|rule| rule.rule == "upsert")
        .unwrap();
    assert_eq!(
        upsert.verdict,
        Verdict::Not("root is somethingElse".to_owned())
    );

    let odd = profile(&[("language", "Klingon"), ("timeZone", "(GMT-05:00) Eastern")]);
    let (outcome, trace) = apply(&odd);
    assert!(matches!(outcome, Outcome::Upsert(_)));
    assert_eq!(trace.remarks.len(), 2, "{:?}", trace.remarks);
}

#[test]
fn a_body_that_cannot_be_read_is_never_acted_on_and_still_relayed() {
    let bomb = "<!DOCTYPE a [<!ENTITY e 'x'>]><subscriberProfile>&e;</subscriberProfile>";
    let (outcome, trace) = apply(&post(bomb));
    let Outcome::CaptureAndRefuse(refusal) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(refusal.reason, RefusalReason::Unreadable);
    assert!(
        refusal.detail.contains("document type declaration"),
        "{refusal}"
    );
    assert!(trace.fault.is_some());

    let with = |method: &str, below: &str| {
        let call = Call::new(method, &format!("/t{below}"), below).unwrap();
        apply(&call.with_body(bomb).unwrap()).0
    };
    assert_eq!(
        with("POST", "/userservice/impguest"),
        Outcome::RelayOrRefuse
    );
    let removal = with("DELETE", "/userservice/imp/a@b");
    assert!(
        matches!(removal, Outcome::CaptureAndRefuse(_)),
        "{removal:?}"
    );
}

#[test]
fn a_trace_without_values_has_none() {
    let (_, trace) = file(wire!("a17-proposed-adapter-v1-provision.http"));
    let whole = serde_json::to_string(&trace).unwrap();
    assert!(whole.contains("john.andersen") && whole.contains("+12405551212"));
    let bare = serde_json::to_string(&trace.without_values()).unwrap();
    for value in [
        "john",
        "Andersen",
        "2405551212",
        "95547321",
        "acme",
        "New_York",
    ] {
        assert!(!bare.contains(value), "{value}: {bare}");
    }
    assert!(bare.contains("string(26, user-at-host)"), "{bare}");
}

#[test]
fn every_problem_of_a_mapping_is_told_with_its_line() {
    let text = r#"format = "bwa-adapter/9"
colour = 1
[limits]
body_bytes = 999999999
charsets = ["ebcdic"]
[[template]]
key = "a"
[[rule]]
name = "one"
op = "upsert"
when.method = ["P OST"]
when.path_regex = '('
when.present = ["a[1]"]
[rule.field.user_id]
from = ["xmk:a", "header:authorization"]
transform = ["shout"]
max = 500
[rule.field.shoe_size]
from = ["xml:a"]
[[rule]]
name = "one"
op = "remove"
[rule.field.email]
from = []
[[rule]]
op = "fly"
"#;
    let problems = Mapping::parse(text).unwrap_err();
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let told = told.join("\n");
    for part in [
        "line 1: format: \"bwa-adapter/9\" is not spoken here",
        "line 2: colour: no such entry",
        "line 4: limits.body_bytes: no number from 1 to 262144",
        "line 5: limits.charsets: there are utf-8 and iso-8859-1",
        "line 6: template: templates stand as [[template]] in the configuration",
        "line 11: rule.one.when.method: \"P OST\" is no method",
        "line 12: rule.one.when.path_regex: not a pattern",
        "line 13: rule.one.when.present: \"a[1]\"",
        "line 15: rule.one.field.user_id.from: \"xmk:a\": xmk is no kind of source",
        "line 15: rule.one.field.user_id.from: \"header:authorization\": authorization holds",
        "line 16: rule.one.field.user_id.transform: \"shout\" is no transform",
        "line 17: rule.one.field.user_id.max: no number from 1 to 161",
        "rule.one.field.shoe_size: no such field",
        "line 8: rule.one.field.sp: missing: upsert needs it",
        "line 20: rule.one: another rule has the same name",
        "rule.one.field.user_id: missing: remove needs it",
        "rule.one.field.email: remove takes the user_id only",
        "line 24: rule.one.field.email.from: a list has 1 to 32 elements",
        "line 25: rule[2]: a rule has a name",
        "line 26: rule[2].op: no operation",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let broken = Mapping::parse("format = \n[[rule").unwrap_err();
    assert!(broken.len() >= 2, "{broken:?}");
    let nothing = Mapping::parse("").unwrap_err();
    assert_eq!(nothing.len(), 2, "{nothing:?}");
}

#[test]
fn the_copy_for_operators_is_the_built_in_mapping() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config/adapter-mapping.toml");
    let copy = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/config/adapter-mapping.toml"
    ));
    assert_eq!(copy, BUILT_IN, "copy built-in.toml to {path}");
}

#[test]
fn limits_can_be_lowered() {
    let head = "format = 'bwa-adapter/1'\n[limits]\n";
    let tail = "\n[[rule]]\nname = 'all'\nop = 'ignore'\nwhen.root = ['a']\n";
    for (limit, body) in [
        ("body_bytes = 10", "<a>123456789</a>"),
        ("xml_depth = 2", "<a><b><c/></b></a>"),
        ("xml_elements = 3", "<a><b/><b/><b/></a>"),
        ("charsets = ['iso-8859-1']", "<a/>"),
    ] {
        let mapping = Mapping::parse(&format!("{head}{limit}{tail}")).unwrap();
        let (outcome, _) = mapping.apply(&post(body), &template());
        assert!(
            matches!(outcome, Outcome::CaptureAndRefuse(_)),
            "{limit}: {outcome:?}"
        );
        let mapping = Mapping::parse(&format!("{head}{tail}")).unwrap();
        assert_eq!(mapping.apply(&post(body), &template()).0, Outcome::Ignore);
    }
}

#[test]
fn conditions_on_query_json_and_template_hold() {
    let rules = "format = 'bwa-adapter/1'\n[[rule]]\nname = 'off'\nop = 'ignore'\n\
        when.present = ['json:active=false', 'query:x', 'template:key=acme-premium']\n\
        when.absent = ['header:x-no', 'json:deep.er=1']\n";
    let mapping = Mapping::parse(rules).unwrap();
    let with = |query: &str, body: &str| {
        let call = Call::new("POST", &format!("/t?{query}"), "").unwrap();
        mapping.apply(&call.with_body(body).unwrap(), &template()).0
    };
    assert_eq!(with("x", r#"{"active":false}"#), Outcome::Ignore);
    for (query, body) in [
        ("y", r#"{"active":false}"#),
        ("x", r#"{"active":true}"#),
        ("x", r#"{"active":false,"deep":{"er":1}}"#),
        ("x", ""),
    ] {
        let outcome = with(query, body);
        assert!(
            matches!(outcome, Outcome::CaptureAndRefuse(_)),
            "{query} {body}: {outcome:?}"
        );
    }
}

proptest! {
    #[test]
    fn foreign_bytes_never_panic(
        body in proptest::collection::vec(any::<u8>(), 0..300),
        method in "[A-Z]{1,8}",
        below in "(/[a-z%@]{0,9}){0,4}",
        query in "[a-zA-Z%=&+@]{0,40}",
    ) {
        let target = format!("/t{below}?{query}");
        let call = Call::new(&method, &target, &below).unwrap().with_body(body).unwrap();
        let (_, trace) = apply(&call);
        prop_assert_eq!(trace.rules.len(), Mapping::built_in().rules().count());
    }

    #[test]
    fn what_looks_like_a_profile_never_panics_and_holds_the_limits(
        values in proptest::collection::vec(("[a-zA-Z]{2,12}", "[ -~]{0,200}"), 0..8),
        name in "[\\PC]{0,40}",
    ) {
        let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let mut inner: String = GOOD.iter().map(|(n, v)| format!("<{n}>{v}</{n}>")).collect();
        for (element, value) in &values {
            inner.push_str(&format!("<{element}>{}</{element}>", escape(value)));
        }
        inner.push_str(&format!("<extension>1212</extension><impId>{}</impId>", escape(&name)));
        let call = post(&format!("<subscriberProfile>{inner}</subscriberProfile>"));
        if let Outcome::Upsert(wish) = apply(&call).0 {
            let profile = wish.profile;
            prop_assert!(profile.first_name.chars().count() <= 30 && !profile.first_name.is_empty());
            prop_assert!(profile.sp.as_str().len() <= 30);
            prop_assert!(wish.imp_id.is_none_or(|imp| imp.chars().count() <= 196));
        }
    }
}
