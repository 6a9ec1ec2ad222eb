//! A request at the provisioning adapter through judge and rules, and into a capture and back.
#![no_main]

use libfuzzer_sys::fuzz_target;

use xspd::domain::provisioning::call::Call;
use xspd::domain::provisioning::capture::Capture;
use xspd::domain::provisioning::csv;
use xspd::domain::provisioning::ids::ClusterName;
use xspd::domain::provisioning::ids::Moment;
use xspd::domain::provisioning::ids::RequestId;
use xspd::domain::provisioning::ids::TemplateKey;
use xspd::domain::provisioning::mapping::EarlyValidation;
use xspd::domain::provisioning::mapping::Mapping;
use xspd::domain::provisioning::mapping::Outcome;
use xspd::domain::provisioning::mapping::TemplateValues;
use xspd::domain::provisioning::profile::Package;
use xspd::domain::provisioning::redact::Redaction;

fuzz_target!(|bytes: &[u8]| {
    let _lines = csv::import(bytes);
    let _capture = Capture::from_json(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _mapping = Mapping::parse(text);
    }
    let Ok(call) = Call::from_file(bytes, None) else {
        return;
    };
    let template = TemplateValues {
        key: TemplateKey::parse("t").expect("a key"),
        cluster: ClusterName::parse("c").expect("a name"),
        package: Package::Basic,
        language: None,
        timezone: None,
        trusted_email: true,
        enterprise_mode: false,
        early_validation: EarlyValidation::Business,
    };
    let (outcome, trace) = Mapping::built_in().apply(&call, &template);
    if let Outcome::Upsert(wish) = &outcome {
        assert!(wish.profile.first_name.chars().count() <= 30);
        assert!(wish.profile.sp.as_str().len() <= 30);
    }
    for hidden in Redaction::ALL {
        let id = RequestId::parse("0190f3c2-5a53-7d3e-9b55-2b1f7b0c9d10").expect("an id");
        let name = (id, Moment(0), template.key.clone());
        let capture = Capture::of(name, &call, trace.clone(), (&outcome, 200), hidden);
        let read = Capture::from_json(capture.to_json().as_bytes()).expect("what was written");
        read.request.to_call().expect("a request");
    }
});
