//! `xspd lab` as a newcomer meets it: the printed lines, and `lab.json` for scripts.

use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::BOUND;
use crate::support::client::Client;
use crate::support::daemon::Daemon;
use crate::support::daemon::XSPD;
use crate::support::lab::Lab;
use crate::support::process::Process;
use crate::support::verb;

/// Runs a printed line as a shell would; `None` when curl itself failed.
fn curl(line: &str) -> Option<u16> {
    let output = Command::new("bash")
        .args(["-c", line])
        .stdin(Stdio::null())
        .output()
        .expect("bash and curl are there");
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().nth(1)?.parse().ok()
}

#[tokio::test]
async fn every_printed_line_does_what_is_printed_below_it() {
    let lab = Lab::shared().await;
    let printed = lab.lines();
    let lines: Vec<_> = printed
        .windows(2)
        .filter_map(|pair| Some((pair[0].as_str(), pair[1].strip_prefix("# -> ")?)))
        .collect();
    let answers = in_one_shell(lines.iter().map(|(line, _)| *line));
    for ((line, expected), answer) in lines.iter().zip(&answers) {
        let told = format!("{line}\n{answer:?}");
        match assigned(line) {
            Some(_) => {
                assert!(answer.success, "{told}");
                let whole = answer.variable.contains(['{', '<']);
                assert!(!answer.variable.is_empty() && !whole, "{told}");
            }
            None if line.contains("openssl s_client") => {
                assert!(answer.output.contains("<ChannelHeartBeat "), "{told}");
            }
            None if expected.starts_with("an error") => assert!(!answer.success, "{told}"),
            None if expected.starts_with("exit 0") => assert!(answer.success, "{told}"),
            // Jobs of the shell that go on while later lines run.
            None if line.ends_with('&') => assert!(answer.success, "{told}"),
            None if expected.starts_with("lines with") => {
                assert!(answer.success, "{told}");
                let names = expected.split(' ').filter(|word| word.ends_with("Event"));
                for name in names {
                    assert!(answer.output.contains(name), "{told}");
                }
            }
            None => {
                assert!(answer.success, "{told}");
                assert_eq!(answer.output.split(' ').nth(1), expected.get(..3), "{told}");
            }
        }
    }
    assert!(
        lines.len() >= 39,
        "all listeners, each bad leaf, two ways to sign in, a call, events, the end of a token: {}",
        lines.len()
    );
    assert_eq!(printed.last().map(String::as_str), Some("ready"));
}

/// What became of a line.
#[derive(Debug)]
struct Answer {
    success: bool,
    output: String,
    /// What the variable holds that the line assigns.
    variable: String,
}

/// The variable that a line assigns, if it does.
fn assigned(line: &str) -> Option<&str> {
    let (name, _) = line.split_once("=$(")?;
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    name.bytes().all(plain).then_some(name)
}

/// Runs lines one after the other, as a person types them: later ones use variables of earlier
/// ones.
fn in_one_shell<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Answer> {
    let folder = TempDir::new().unwrap();
    let mut script = format!("cd '{}' || exit 1\n", folder.path().display());
    let mut count = 0;
    for line in lines {
        // In braces and not in parentheses: a subshell would forget the variables.
        script += &format!("{{ {line}\n}} >{count}.out 2>&1 </dev/null\n");
        script += &format!("echo $? >{count}.status\n");
        if let Some(name) = assigned(line) {
            script += &format!("printf %s \"${name}\" >{count}.variable\n");
        }
        count += 1;
    }
    let status = Command::new("sh").args(["-c", &script]).status();
    assert!(status.expect("sh is there").success());
    let read = |place: i32, what: &str| {
        let path = folder.path().join(format!("{place}.{what}"));
        let bytes = std::fs::read(path).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let answer = |place| Answer {
        success: read(place, "status").trim() == "0",
        output: read(place, "out"),
        variable: read(place, "variable"),
    };
    (0..count).map(answer).collect()
}

#[tokio::test]
async fn scripts_find_everything_in_lab_json() {
    let lab = Lab::shared().await;
    for file in ["/ca", "/trust-file", "/config"] {
        assert!(lab.path(file).is_file(), "{file}");
    }
    for client in [
        "good",
        "expired",
        "wrong-name",
        "no-eku",
        "server-auth-only",
        "unknown-ca",
        "leaf-only",
    ] {
        let (certificate, key) = lab.client(client);
        assert!(certificate.is_file() && key.is_file(), "{client}");
    }
    for endpoint in [
        "xsi",
        "authservice",
        "authservice-mtls",
        "admin",
        "broadworks-xsi",
        "broadworks-xsi-2",
        "broadworks-lab",
        "cti",
        "broadworks-cti",
        "broadworks-ocip",
        "broadworks-ocir",
        "provisioning",
        "webex-api",
        "webex-ci",
    ] {
        lab.endpoint(endpoint);
    }
    let proxy = lab.text("/endpoints/webex-idp-proxy");
    assert!(
        proxy.starts_with(lab.text("/endpoints/webex-ci")),
        "{proxy}"
    );
    let users = lab.description()["users"].as_array().unwrap();
    assert!(users.len() >= 12, "{}", users.len());
    let providers: std::collections::BTreeSet<_> = users
        .iter()
        .map(|user| user["service-provider"].as_str().unwrap())
        .collect();
    assert_eq!(providers.len(), 5);
    assert!(lab.text("/administrator/user-id").contains('@'));
    assert!(!lab.text("/administrator/password").is_empty());
    assert!(!lab.text("/ocip-administrator/password").is_empty());
}

#[tokio::test]
async fn every_user_signs_in_through_the_edge_by_id_and_by_alternate_id() {
    let lab = Lab::shared().await;
    let client = Client::new(lab.endpoint("xsi")).name("localhost");
    for user in lab.description()["users"].as_array().unwrap() {
        let id = user["user-id"].as_str().unwrap();
        let names = [Some(id), user["alternate-id"].as_str()];
        for name in names.into_iter().flatten() {
            let password = user["password"].as_str().unwrap();
            let status = profile(&client, id, name, password).await;
            assert_eq!(status, 200, "{name} as {id}");
        }
        assert_eq!(profile(&client, id, id, "wrong").await, 401, "{id}");
    }
}

async fn profile(client: &Client, id: &str, name: &str, password: &str) -> u16 {
    use base64::Engine as _;
    let credentials =
        base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
    let request = format!(
        "GET /com.broadsoft.xsi-actions/v2.0/user/{id}/profile HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: Basic {credentials}\r\nConnection: close\r\n\r\n"
    );
    client.exchange(request.as_bytes()).await.unwrap().status
}

async fn start(state: &Path, more: &[&str]) -> Process {
    let mut arguments = vec![
        "lab",
        "--ports",
        "auto",
        "--state-dir",
        state.to_str().unwrap(),
    ];
    arguments.extend(more);
    let process = Process::spawn(XSPD, &arguments);
    process
        .line(|line| (line == "ready").then_some(()), BOUND * 3)
        .await;
    process
}

async fn end(mut process: Process) {
    process.signal("TERM");
    assert!(process.ended(BOUND).await.success());
}

fn described(state: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(state.join("lab.json")).unwrap()).unwrap()
}

/// The line that turns Do Not Disturb on, and the one that reads it.
fn do_not_disturb(process: &Process) -> (String, String) {
    let lines: Vec<String> = process
        .lines()
        .into_iter()
        .filter(|line| line.contains("services/DoNotDisturb"))
        .collect();
    (lines[0].clone(), lines[1].clone())
}

#[tokio::test]
async fn state_survives_a_restart_and_fresh_starts_over() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().join("lab");
    let active = |process: &Process| {
        let (_, read) = do_not_disturb(process);
        let output = Command::new("bash").args(["-c", &read]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).contains("<active>true</active>")
    };
    let first = start(&state, &[]).await;
    let root = std::fs::read(described(&state)["ca"].as_str().unwrap()).unwrap();
    assert!(!active(&first));
    assert_eq!(curl(&do_not_disturb(&first).0), Some(200));
    end(first).await;
    assert!(
        !state.join("lab.json").exists(),
        "no script reads of a lab that has ended"
    );

    let second = start(&state, &[]).await;
    assert!(active(&second), "Do Not Disturb is still on");
    let kept = std::fs::read(described(&state)["ca"].as_str().unwrap()).unwrap();
    assert_eq!(kept, root);
    end(second).await;

    let third = start(&state, &["--fresh"]).await;
    assert!(!active(&third));
    end(third).await;
}

#[tokio::test]
async fn what_webex_does_wrong_is_told_to_whoever_signs_in() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().join("lab");
    let process = start(&state, &[]).await;
    let webex = Webex::of(&described(&state));
    for (fault, word) in [
        ("inactive", "invalid_token"),
        ("insufficient-scope", "insufficient_scope"),
        ("malformed", "ci_unreachable"),
        ("no-scope", "insufficient_scope"),
        ("oversized-body", "ci_response_too_large"),
        ("server-error", "ci_unreachable"),
        ("unknown-user", "unknown_user"),
    ] {
        webex.fail(&format!(r#"{{"fault":"{fault}","at":"authenticate"}}"#));
        let answer = webex.fetch(&webex.user_token());
        assert_eq!(answer["error"], word, "{fault}: {answer}");
    }
    webex.fail(r#"{"fault":"wrong-issuer"}"#);
    let answer = webex.fetch(&webex.user_token());
    assert_eq!(answer["error"], "invalid_token", "{answer}");

    webex.fail(r#"{"fault":"none"}"#);
    let token = webex.user_token();
    let asked = || webex.get("/lab/counts")["authenticate"].as_u64().unwrap();
    let before = asked();
    for _ in 0..3 {
        let answer = webex.fetch(&token);
        assert!(answer["token"]["bearer"].is_string(), "{answer}");
    }
    assert_eq!(
        asked(),
        before + 1,
        "the daemon remembers whose token it is"
    );
    end(process).await;
}

#[tokio::test]
async fn who_is_given_the_service_appears_as_provisioned_and_a_refusal_is_the_servers_own_error() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().join("lab");
    let process = start(&state, &[]).await;
    let described = described(&state);
    let text = |pointer: &str| described.pointer(pointer).unwrap().as_str().unwrap();
    let (control, config) = (text("/endpoints/broadworks-lab"), text("/config"));
    let place = state.to_str().unwrap();
    let habits = |json: &str| {
        let url = format!("{control}/lab/imp");
        let words = ["-sS", "--noproxy", "*", "-X", "PUT", "--data", json, &url];
        let output = Command::new("curl").args(words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("settings"), "{said}");
    };
    let amy = "amy@acme.example.net";
    let assign = ["lab", "assign-imp", amy, "--state-dir", place];
    habits(r#"{"authorization":"never"}"#);
    let (exit, said) = verb::typed(&assign).await.all();
    assert_eq!(exit, 1, "{said}");
    assert!(
        said.contains("[Error 18215]") && said.contains("Wrong provisioning user or password"),
        "{said}"
    );
    habits(
        r#"{"authorization":"after-401","form":"userservice","charset":"iso-8859-1","http":"1.0"}"#,
    );
    let (exit, said) = verb::typed(&assign).await.all();
    assert_eq!(exit, 0, "{said}");
    let watch = [
        "provision",
        "list",
        "--watch",
        "--until-final",
        "--at-most",
        "60s",
        "--config",
        config,
    ];
    let (exit, said) = verb::typed(&watch).await.all();
    assert_eq!(exit, 0, "{said}");
    let line = said.lines().rfind(|line| line.contains(amy));
    assert!(
        line.is_some_and(|line| line.contains("provisioned")),
        "{said}"
    );
    end(process).await;
}

/// A daemon in front of a lab that started without one.
async fn daemon_of(described: &Value) -> Daemon {
    let text = |pointer: &str| described.pointer(pointer).unwrap().as_str().unwrap();
    let admin = text("/endpoints/admin").strip_prefix("http://").unwrap();
    let arguments = ["run", "--config", text("/config")];
    let mut daemon = Daemon::start_program(XSPD, &arguments, admin.parse().unwrap());
    daemon.ready().await;
    daemon
}

#[tokio::test]
async fn the_daemon_alone_is_killed_and_goes_on_where_it_was() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().join("lab");
    let process = start(&state, &["--without-daemon"]).await;
    let described = described(&state);
    let config = described["config"].as_str().unwrap();
    let printed = process.lines();
    let run = printed.iter().find(|line| line.contains(" run --config "));
    assert!(run.is_some_and(|line| line.contains(config)), "{printed:?}");
    let place = state.to_str().unwrap();
    let amy = "amy@acme.example.net";
    let assign = |more: &[&str]| {
        let words = ["lab", "assign-imp", amy, "--state-dir", place];
        let output = Command::new(XSPD).args(words).args(more).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        (output.status.code().unwrap(), said)
    };
    let (exit, said) = assign(&[]);
    assert_eq!(exit, 1, "nobody answers the Application Server: {said}");

    let daemon = daemon_of(&described).await;
    let (exit, said) = assign(&[]);
    assert_eq!((exit, said.contains("assigned to")), (0, true), "{said}");
    daemon.signal("KILL");
    drop(daemon);

    let daemon = daemon_of(&described).await;
    let (exit, said) = assign(&[]);
    assert!(exit == 0 && said.contains("nothing was called"), "{said}");
    let (exit, said) = assign(&["--again"]);
    assert!(exit == 0 && said.contains("called once more"), "{said}");
    let watch = [
        "provision",
        "list",
        "--watch",
        "--until-final",
        "--at-most",
        "60s",
    ];
    let output = Command::new(XSPD)
        .args(watch)
        .args(["--config", config])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = said.lines().rfind(|line| line.contains(amy));
    assert!(
        last.is_some_and(|line| line.contains("provisioned")),
        "{said}"
    );
    let report = ["provision", "report", amy, "--config", config];
    let output = Command::new(XSPD).args(report).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("Partner organisation id:") && !said.contains("id:  unknown"),
        "{said}"
    );
    assert!(daemon.stop().await.success());
    end(process).await;
}

/// The lab Webex, called with curl.
struct Webex {
    ca: String,
    ci: String,
    proxy: String,
}

impl Webex {
    fn of(described: &Value) -> Self {
        let text = |pointer| described.pointer(pointer).unwrap().as_str().unwrap();
        Self {
            ca: text("/ca").to_owned(),
            ci: text("/endpoints/webex-ci").to_owned(),
            proxy: text("/endpoints/webex-idp-proxy").to_owned(),
        }
    }

    fn fail(&self, script: &str) {
        let url = format!("{}/lab/faults", self.ci);
        let answer = self.call(&["--request", "PUT", "--data", script, &url]);
        assert!(answer["fault"].is_string(), "{answer}");
    }

    fn user_token(&self) -> String {
        let url = format!("{}/lab/user-token?user=alice@as.example.net", self.ci);
        let answer = self.call(&["--request", "POST", &url]);
        answer["access_token"].as_str().unwrap().to_owned()
    }

    fn fetch(&self, token: &str) -> Value {
        let credentials = format!("Authorization: Bearer {token}");
        let url = format!("{}/idp/bwtoken/fetch", self.proxy);
        self.call(&["--header", &credentials, &url])
    }

    fn get(&self, path: &str) -> Value {
        self.call(&[&format!("{}{path}", self.ci)])
    }

    fn call(&self, words: &[&str]) -> Value {
        let output = Command::new("curl")
            .args(["-sS", "--noproxy", "localhost", "--cacert", &self.ca])
            .args(words)
            .output()
            .expect("curl is there");
        let text = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{words:?}: {output:?}"))
    }
}
