//! The verb on the samples.

use std::path::Path;

use clap::Parser;
use serde_json::Value;

use super::*;

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn sample(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/wire/provisioning")
        .join(file)
}

fn args(words: &[&str]) -> Args {
    let words = ["test"].iter().chain(words);
    Line::try_parse_from(words).unwrap().args
}

fn of(file: &str, more: &[&str]) -> (Args, PathBuf) {
    let path = sample(file);
    let mut words = vec!["--request", path.to_str().unwrap()];
    words.extend_from_slice(more);
    (args(&words), path.clone())
}

#[test]
fn a_request_that_is_taken_ends_well_and_one_that_is_not_has_findings() {
    let exit = |file, more: &[&str]| run(&of(file, more).0, Console::default());
    assert_eq!(
        exit("a17-proposed-adapter-v1-provision.http", &[]),
        Exit::Ok
    );
    assert_eq!(exit("a22-proposed-adapter-v1-delete.http", &[]), Exit::Ok);
    assert_eq!(
        exit("a14-fact-guestclient-impguest-request.http", &[]),
        Exit::Ok
    );
    let elsewhere = ["--base", "/adapter/v1/t/acme-premium"];
    assert_eq!(
        exit("a22-proposed-adapter-v1-delete.http", &elsewhere),
        Exit::Ok
    );
    // A response is no request.
    assert_eq!(
        exit("a19-proposed-adapter-v1-accepted.http", &[]),
        Exit::Data
    );
    assert_eq!(exit("none.http", &[]), Exit::NoInput);
    let wrong = ["--early-validation", "sometimes"];
    assert_eq!(
        exit("a17-proposed-adapter-v1-provision.http", &wrong),
        Exit::Usage
    );
}

#[test]
fn rules_of_a_file_are_tried_and_its_problems_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rules.toml");
    let with = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let rules = file.to_str().unwrap().to_owned();
        let (args, _) = of(
            "a17-proposed-adapter-v1-provision.http",
            &["--rules", &rules],
        );
        run(&args, Console { json: true })
    };
    let head = "format = 'bwa-adapter/1'\n[[rule]]\nname = 'all'\n";
    assert_eq!(with(&format!("{head}op = 'ignore'\n")), Exit::Ok);
    assert_eq!(
        with(&format!("{head}op = 'capture_and_refuse'\n")),
        Exit::Findings
    );
    assert_eq!(with(&format!("{head}op = 'shout'\n")), Exit::Data);
}

#[test]
fn the_lines_show_rules_fields_and_the_profile() {
    let bytes = std::fs::read(sample("a17-proposed-adapter-v1-provision.http")).unwrap();
    let call = Call::from_file(&bytes, None).unwrap();
    let template = of("a17-proposed-adapter-v1-provision.http", &[]).0.template;
    let (outcome, trace) = Mapping::built_in().apply(&call, &template.values(None, None).unwrap());
    let text = lines(&outcome, &trace).join("\n");
    for part in [
        "Body: xml",
        "remove-by-name             remove              method is POST",
        "upsert                     upsert              fits",
        "xml:primaryPhoneNumber = +1-2405551212",
        "Result: 95547321@sp.example is to be a subscriber:",
        "phone             +12405551212",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let shown = document(&outcome, &trace, false);
    assert_eq!(shown["profile"]["language"], "en_US");
    assert_eq!(shown["refusal"], Value::Null);
}

#[test]
fn a_capture_says_that_its_values_are_hidden() {
    use crate::domain::provisioning::ids::Moment;
    use crate::domain::provisioning::ids::RequestId;

    let bytes = std::fs::read(sample("a17-proposed-adapter-v1-provision.http")).unwrap();
    let call = Call::from_file(&bytes, None).unwrap();
    let template = of("a17-proposed-adapter-v1-provision.http", &[]).0.template;
    let (outcome, trace) = Mapping::built_in().apply(&call, &template.values(None, None).unwrap());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("capture.json");
    for (hidden, exit) in [
        (Redaction::Secrets, Exit::Ok),
        (Redaction::Personal, Exit::Findings),
    ] {
        let id = RequestId::parse("0190f3c2-5a53-7d3e-9b55-2b1f7b0c9d10").unwrap();
        let key = TemplateKey::parse("acme-premium").unwrap();
        let name = (id, Moment(1), key);
        let capture = Capture::of(name, &call, trace.clone(), (&outcome, 200), hidden);
        std::fs::write(&file, capture.to_json()).unwrap();
        let args = args(&["--capture", file.to_str().unwrap()]);
        assert_eq!(run(&args, Console::default()), exit, "{hidden}");
        let asked = args.asked.read(None, &Door::at(None, None)).unwrap();
        assert_eq!(asked.hidden, Some(hidden));
    }
    std::fs::write(&file, "{}").unwrap();
    let args = args(&["--capture", file.to_str().unwrap()]);
    assert_eq!(run(&args, Console::default()), Exit::Data);
}

#[test]
fn the_template_of_a_configuration_brings_its_values_and_its_rules() {
    let directory = tempfile::tempdir().unwrap();
    let (file, rules) = (
        directory.path().join("xspd.toml"),
        directory.path().join("rules.toml"),
    );
    let head = "format = 'bwa-adapter/1'\n[[rule]]\nname = 'all'\nop = 'capture_and_refuse'\n";
    std::fs::write(&rules, head).unwrap();
    let with = |mapping: &str| {
        let text = format!(
            "[[template]]\nname = \"acme\"\nmode = \"relay\"\nlanguage = \"de\"\n{mapping}\
             cluster = \"east\"\nbridge-url = \"https://bridge.example.com/x\"\n\
             account = \"prov\"\npassword = \"file:/etc/xspd/acme\"\n\
             [[listener]]\nname = \"prov\"\nkind = \"provisioning\"\naddresses = [\"127.0.0.1:8443\"]\n\
             [[listener.host]]\nnames = [\"adapter.sp.example\"]\n"
        );
        std::fs::write(&file, text).unwrap();
        let more = ["--config", file.to_str().unwrap(), "--template", "acme"];
        run(
            &of("a17-proposed-adapter-v1-provision.http", &more).0,
            Console::default(),
        )
    };
    assert_eq!(with(""), Exit::Ok);
    let own = format!("mapping = {:?}\n", rules.to_str().unwrap());
    assert_eq!(with(&own), Exit::Findings);
    let door = Door::at(Some(&file), None);
    let held = configured(&door, "acme").unwrap();
    let template = args(&["--request", "-"]).template;
    let values = template.values(Some("acme"), held.as_ref()).unwrap();
    assert_eq!(values.cluster.as_str(), "east");
    assert_eq!(values.language.as_deref(), Some("de"));
    assert!(configured(&door, "other").unwrap().is_none());
}

#[test]
fn the_name_of_a_capture_is_asked_of_the_daemon_and_a_file_is_read() {
    let id = "0190f3c2-5a53-7d3e-9b55-2b1f7b0c9d10";
    assert_eq!(id_of(Path::new(id)), Some(id));
    assert_eq!(id_of(Path::new("capture.json")), None);
    assert_eq!(id_of(Path::new("-")), None);
    // Nobody is asked without a configuration that says where.
    let directory = tempfile::tempdir().unwrap();
    let none = directory.path().join("none.toml");
    let asked = args(&["--capture", id, "--config", none.to_str().unwrap()]);
    assert_eq!(run(&asked, Console::default()), Exit::Config);
}
