//! Users out of a file, tried before and then in earnest; and what else operators type that must not
//! look as if it had been done: lists of what there is not, words about jobs that are over, output
//! that is lost.

use std::collections::BTreeMap;
use std::fs::File;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;
use xspd::lab::webex::api::Template;

use crate::e2e::provisioning::theatre::FAST;
use crate::e2e::provisioning::theatre::Theatre;
use crate::e2e::provisioning::theatre::text;
use crate::support::daemon::XSPD;

const ANNA: &str = "anna@initech.test";
const DORA: &str = "dora@initech.test";
const BEN: &str = "ben@umbrella.test";

/// Each line with what becomes of it; a code stands in the reason.
const LINES: [(&str, &str); 8] = [
    // Nothing is known of her.
    ("move-package,none@initech.test,,,,,,,basic,", "A1104"),
    // The customer was begun with the other template.
    (
        "provision,eve@initech.test,initech,acme,Eve,Lee,eve@initech.test,11,,untrusted",
        "A1102",
    ),
    // Anna has the address.
    (
        "provision,fay@initech.test,initech,acme,Fay,Lee,anna@initech.test,12,,trusted",
        "A1101",
    ),
    (
        "provision,gus@n.test,nova,acme,Gus,Lee,one@n.test,13,,trusted",
        "",
    ),
    // The line above has the address.
    (
        "provision,hal@n.test,nova,acme,Hal,Lee,ONE@n.test,14,,trusted",
        "A1101",
    ),
    // Of a known user the template is known, too, and another one is a mistake.
    ("remove,dora@initech.test,,,,,,,,", ""),
    (
        "remove,anna@initech.test,,,,,,,,untrusted",
        "template trusted, not by untrusted",
    ),
    ("remove,ben@umbrella.test,,,,,,,,", ""),
];

fn first_document(said: &str) -> Value {
    let mut documents = serde_json::Deserializer::from_str(said).into_iter();
    let first = documents.next().expect("there is a document");
    first.unwrap_or_else(|wrong| panic!("{wrong}: {said}"))
}

/// What became of each line, by its number.
fn outcomes(said: &Value) -> BTreeMap<u64, (String, String)> {
    let lines = said["lines"].as_array().unwrap().iter();
    let of = |line: &Value| {
        let (outcome, why) = (text(line, "outcome"), text(line, "text"));
        (
            line["line"].as_u64().unwrap(),
            (outcome.to_owned(), why.to_owned()),
        )
    };
    lines.map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_of_a_file_tells_what_the_real_one_does() {
    let theatre = Theatre::open(FAST).await;
    let daemon = theatre.daemon().await;
    for user in [ANNA, DORA] {
        theatre.assign(&Template::trusted(), user).await;
        theatre.reaches(&daemon, user, "provisioned").await;
    }
    theatre.assign(&Template::untrusted(), BEN).await;
    theatre.reaches(&daemon, BEN, "waiting-email-input").await;
    let file = theatre.scene.path().join("users.csv");
    let lines: Vec<&str> = LINES.iter().map(|(line, _)| *line).collect();
    let head = "action,user,sp,group,first,last,email,extension,package,template";
    std::fs::write(&file, format!("{head}\n{}\n", lines.join("\n"))).unwrap();
    let file = file.to_str().unwrap();

    let dry = ["--json", "provision", "import", file, "--dry-run"];
    let (exit, said) = theatre.typed(&dry).await;
    assert_eq!(exit, 1, "{said}");
    let rehearsed = outcomes(&first_document(&said));
    for (number, (line, why)) in (2..).zip(LINES) {
        let (outcome, text) = &rehearsed[&number];
        let word = if why.is_empty() {
            "would be taken"
        } else {
            "refused"
        };
        assert!(
            outcome == word && text.contains(why),
            "{line}: {outcome}, {text}"
        );
        assert!(!text.contains("ssign"), "{text}");
    }
    // Nothing of it is there.
    let list = theatre.document(&["provision", "list"]).await;
    assert_eq!(list["jobs"].as_array().unwrap().len(), 3, "{list}");
    assert!(theatre.subscriber(DORA).is_some());

    let real = ["--json", "provision", "import", file, "--yes"];
    let (exit, said) = theatre.typed(&real).await;
    assert_eq!(exit, 1, "{said}");
    assert!(
        said.contains("3 lines become jobs, 5 are refused."),
        "{said}"
    );
    let done = outcomes(&first_document(&said));
    for (number, (outcome, why)) in &done {
        let (before, reason) = &rehearsed[number];
        if outcome == "accepted" {
            assert_eq!(before, "would be taken", "{number}");
        } else {
            assert_eq!((outcome, why), (before, reason), "{number}");
        }
    }
    theatre.reaches(&daemon, DORA, "removed").await;
    theatre.reaches(&daemon, "gus@n.test", "provisioned").await;
    assert!(daemon.stop().await.success());
    theatre.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_not_is_refused_and_no_output_is_lost_quietly() {
    let theatre = Theatre::open(FAST).await;
    let daemon = theatre.daemon().await;
    theatre.assign(&Template::trusted(), ANNA).await;
    theatre.reaches(&daemon, ANNA, "provisioned").await;
    theatre.assign(&Template::untrusted(), BEN).await;
    theatre.reaches(&daemon, BEN, "waiting-email-input").await;

    // A filter with a mistyped name would find nobody.
    for (option, name, told) in [
        ("--template", "trusted", ""),
        ("--template", "nope", "there is: trusted, untrusted"),
        ("--cluster", "as-east", ""),
        ("--cluster", "as-west", "there is: as-east"),
        ("--enterprise", "Initech", ""),
        ("--enterprise", "initec", "xspd enterprise list"),
    ] {
        let (exit, said) = theatre.typed(&["provision", "list", option, name]).await;
        let expected = if told.is_empty() { 0 } else { 65 };
        assert!(
            exit == expected && said.contains(told),
            "{option} {name}: {said}"
        );
    }

    // Only what can be ended is ended, and it is shown before.
    for (user, told) in [
        (ANNA, "is over (provisioned); there is nothing to cancel"),
        ("nobody@x", "nothing is known"),
    ] {
        let (exit, said) = theatre.typed(&["provision", "cancel", user, "--yes"]).await;
        assert!(exit == 65 && said.contains(told), "{said}");
        assert!(!said.contains("ends where it is"), "{said}");
    }
    let said = theatre.done(&["provision", "cancel", BEN, "--yes"]).await;
    assert!(said.contains("is waiting-email-input: "), "{said}");
    theatre.reaches(&daemon, BEN, "cancelled").await;

    // Text, JSON and values to a full disk.
    for words in [
        &["provision", "list"][..],
        &["--json", "provision", "list"],
        &["provision", "export", "--csv"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let typed = Command::new(XSPD)
            .args(words)
            .arg("--config")
            .arg(theatre.scene.path().join("xspd.toml"))
            .stdin(Stdio::null())
            .stdout(full)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output();
        let output = typed.await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(74), "{words:?}: {said}");
        assert!(
            said.contains("the standard output cannot be written"),
            "{said}"
        );
    }
    let export = ["provision", "export", "--csv", "/dev/full"];
    let (exit, said) = theatre.typed(&export).await;
    assert_eq!(exit, 73, "{said}");
    assert!(daemon.stop().await.success());
    theatre.close().await;
}
