//! From the Application Server's call to the end of every user, as an operator sees it: a real
//! daemon that is killed on the way, the lab's Webex, and the commands that operators type.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::Command;
use xspd::lab::pki::Pair;
use xspd::lab::webex::api;
use xspd::lab::webex::api::Api;
use xspd::lab::webex::api::Setup;
use xspd::lab::webex::api::Template;
use xspd::platform::tasks::Tasks;

use crate::e2e::provisioning::adapter_scene::ACCOUNT;
use crate::e2e::provisioning::adapter_scene::HOST;
use crate::e2e::provisioning::adapter_scene::Scene;
use crate::e2e::provisioning::adapter_scene::element;
use crate::e2e::provisioning::adapter_scene::profile;
use crate::support::client::Client;
use crate::support::daemon::Daemon;
use crate::support::daemon::XSPD;
use crate::support::pki::Key;
use crate::support::pki::write_private;

/// The first user of a customer takes four minutes at Webex, and four seconds here.
const SPEED: u32 = 60;

/// Between two looks at the list.
const PAUSE: Duration = Duration::from_millis(100);

/// Until a user has come to where it should: some looks of the daemon at Webex, which are a second
/// or more apart, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The first of her customer; her address is believed.
const ANNA: &str = "anna@initech.test";

/// The second of that customer.
const DORA: &str = "dora@initech.test";

/// Has to confirm his address.
const BEN: &str = "ben@umbrella.test";

/// His organisation is at Webex already.
const CARL: &str = "carl@globex.test";

/// All that stands around the daemon.
struct Theatre {
    scene: Scene,
    webex: Arc<Api>,
    /// At the lab's Webex.
    client: Client,
    globex: String,
    config: String,
    tasks: Tasks,
}

impl Theatre {
    async fn open() -> Self {
        let scene = Scene::new();
        let identity = scene.public.server(&["localhost"], Key::P256);
        let (cert, key) = identity.write(scene.path(), "webex");
        let webex = Api::open(Setup {
            speed: SPEED,
            ..Setup::new(Pair { cert, key })
        })
        .unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let tasks = Tasks::new();
        let (served, own) = (Arc::clone(&webex), tasks.clone());
        tasks.worker("webex-api", async move {
            served.serve(listener, own.stop(), &own).await;
        });
        for (name, text) in [
            ("client-secret", api::CLIENT_SECRET),
            ("refresh-token", api::REFRESH_TOKEN),
            ("operator-token", "an-operator-of-the-test-0123456789abcdef"),
        ] {
            write_private(&scene.path().join(name), &format!("{text}\n"));
        }
        std::fs::write(scene.path().join("ca.pem"), scene.public.root_pem()).unwrap();
        let globex = json!({ "name": "Globex", "emails": [CARL], "users": 500 });
        let (status, globex) = webex.control("POST", "/lab/organizations", &globex);
        assert_eq!(status, 200, "{globex}");
        Self {
            client: Client::new(address)
                .name("localhost")
                .trusting(scene.public.root()),
            config: config(&scene, address.port()),
            globex: text(&globex, "orgId").to_owned(),
            scene,
            webex,
            tasks,
        }
    }

    async fn daemon(&self) -> Daemon {
        self.scene.start(&self.config).await
    }

    async fn close(self) {
        self.tasks.stop().cancel();
        self.tasks.join().await;
        assert_eq!(self.tasks.connection_panics(), 0);
    }

    /// What the Application Server does when the service is assigned.
    async fn assign(&self, template: &Template, user: &str) {
        let sp = user.split(['@', '.']).nth(1).unwrap();
        let body = profile(user).replace(">sp1<", &format!(">{sp}<"));
        let url = format!("/adapter/v1/t/{}", template.key);
        let answer = self.scene.call("POST", &url, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(element(&answer, "status"), "accepted");
    }

    async fn unassign(&self, template: &Template, user: &str) {
        let user = user.replace('@', "%40");
        let url = format!("/adapter/v1/t/{}?bwUserId={user}", template.key);
        let answer = self.scene.call("DELETE", &url, "").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// A control of the lab's Webex.
    fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, said) = self.webex.control(method, &format!("/lab/{path}"), body);
        assert_eq!(status, 200, "{path}: {said}");
        said
    }

    /// A user's subscriber, if there is one.
    fn subscriber(&self, user: &str) -> Option<Value> {
        let all = self.control("GET", "subscribers", &Value::Null);
        let mut all = all.as_array().unwrap().iter();
        all.find(|held| held["userId"] == user).cloned()
    }

    /// Somebody else removes a subscriber, at the same API.
    async fn removed_by_another(&self, user: &str) {
        let id = self.subscriber(user).unwrap()["id"].clone();
        let token = self.webex.access_token().unwrap();
        let request = format!(
            "DELETE {}/broadworks/subscribers/{} HTTP/1.1\r\nHost: localhost\r\n\
             Connection: close\r\nAuthorization: Bearer {token}\r\n\r\n",
            api::PATH,
            id.as_str().unwrap()
        );
        let answer = self.client.exchange(request.as_bytes()).await.unwrap();
        assert_eq!(answer.status, 204, "{}", answer.text());
        assert!(self.subscriber(user).is_none());
    }

    /// Types a command; its exit code and what it says.
    async fn typed(&self, words: &[&str]) -> (i32, String) {
        let output = Command::new(XSPD)
            .args(words)
            .arg("--config")
            .arg(self.scene.path().join("xspd.toml"))
            .output();
        let output = output.await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let complained = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().unwrap(), said + &complained)
    }

    /// The same for a command that is to end well.
    async fn done(&self, words: &[&str]) -> String {
        let (exit, said) = self.typed(words).await;
        assert_eq!(exit, 0, "{words:?}: {said}");
        said
    }

    async fn document(&self, words: &[&str]) -> Value {
        let mut all = vec!["--json"];
        all.extend(words);
        let said = self.done(&all).await;
        serde_json::from_str(&said).unwrap_or_else(|_| panic!("no JSON: {said}"))
    }

    /// The row of a user in the list.
    async fn row(&self, user: &str) -> Value {
        let list = self.document(&["provision", "list"]).await;
        let mut rows = list["jobs"].as_array().unwrap().iter();
        let row = rows.find(|row| row["user"] == user);
        row.unwrap_or_else(|| panic!("{user} is not listed: {list}"))
            .clone()
    }

    /// The row of a user once it is in this state.
    async fn reaches(&self, daemon: &Daemon, user: &str, state: &str) -> Value {
        let bound = tokio::time::sleep(PATIENCE);
        tokio::pin!(bound);
        loop {
            let row = self.row(user).await;
            if row["state"] == state {
                return row;
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = &mut bound => {
                    let show = self.typed(&["provision", "show", user]).await.1;
                    panic!(
                        "{user} never was {state}: {show}\nWebex: {:#?}\nThe daemon said {:#?}",
                        self.subscriber(user),
                        daemon.lines()
                    );
                }
            }
        }
    }
}

fn config(scene: &Scene, webex: u16) -> String {
    let mut text = format!(
        r#"
state-dir = "{folder}/state"
[log]
filter = "debug"
[admin]
address = "{admin}"
[drain]
settle = "0s"
deadline = "5s"
[provisioning.jobs]
poll-plan = ["1s", "2s"]
poll-every = "2s"
waiting-plan = [{{ until = "90d", every = "1s" }}]
[provisioning.operations]
operator-token = "file:{folder}/operator-token"
reconcile-pause = "10ms"
[[listener]]
name = "provisioning"
kind = "provisioning"
addresses = ["{address}"]
allow = ["127.0.0.0/8"]
[[listener.host]]
names = ["{HOST}"]
certificates = [{{ chain = "{folder}/server.pem", key = "file:{folder}/server.key" }}]
[[webex-partner]]
name = "lab"
base-url = "https://localhost:{webex}{path}"
client-id = "{client}"
client-secret = "file:{folder}/client-secret"
refresh-token = "file:{folder}/refresh-token"
ca = "{folder}/ca.pem"
proxy = "none"
"#,
        folder = scene.path().display(),
        admin = scene.admin,
        address = scene.address,
        path = api::PATH,
        client = api::CLIENT_ID,
    );
    for template in [Template::trusted(), Template::untrusted()] {
        text += &format!(
            r#"
[[template]]
name = "{key}"
mode = "api"
cluster = "as-east"
partner = "lab"
provisioning-id = "{id}"
account = "{ACCOUNT}"
password = "file:{folder}/password"
enterprise-mode = {enterprise}
trusted-email = {trusted}
package = "{package}"
"#,
            key = template.key,
            id = template.provisioning_id,
            folder = scene.path().display(),
            enterprise = template.enterprise_mode,
            trusted = template.trusted_email,
            package = template.package,
        );
    }
    text
}

fn text<'a>(document: &'a Value, member: &str) -> &'a str {
    document[member].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn users_come_to_their_ends_over_a_kill_and_operators_see_and_move_them() {
    let theatre = Theatre::open().await;
    let (trusted, untrusted) = (Template::trusted(), Template::untrusted());
    let mut daemon = theatre.daemon().await;

    theatre.assign(&trusted, ANNA).await;
    theatre.assign(&trusted, DORA).await;
    theatre.assign(&untrusted, BEN).await;
    theatre.assign(&trusted, CARL).await;
    theatre.reaches(&daemon, ANNA, "waiting-webex").await;
    theatre.reaches(&daemon, DORA, "waiting-first-user").await;
    let carl = theatre
        .reaches(&daemon, CARL, "waiting-customer-admin")
        .await;
    assert_eq!(carl["owner"], "customer administrator");
    assert!(text(&carl["error"], "code").contains("2017"), "{carl}");

    daemon.signal("KILL");
    drop(daemon);
    daemon = theatre.daemon().await;
    let anna = theatre.reaches(&daemon, ANNA, "provisioned").await;
    assert_eq!(anna["package"], "standard");
    theatre.reaches(&daemon, DORA, "provisioned").await;
    let ben = theatre.reaches(&daemon, BEN, "waiting-email-input").await;
    assert_eq!(ben["owner"], "user");
    theatre
        .reaches(&daemon, CARL, "waiting-customer-admin")
        .await;

    // What persons do.
    let path = format!("users/{BEN}");
    let email = json!({ "email": "ben.b@private.test" });
    theatre.control("POST", &format!("{path}/email"), &email);
    theatre
        .reaches(&daemon, BEN, "waiting-email-validation")
        .await;
    theatre.control("POST", &format!("{path}/validate"), &json!({}));
    let approve = format!("organizations/{}/approve", theatre.globex);
    theatre.control("POST", &approve, &json!({}));
    theatre.done(&["provision", "retry", CARL]).await;
    theatre.reaches(&daemon, CARL, "provisioned").await;
    theatre.reaches(&daemon, BEN, "provisioned").await;

    // The operator's words, with another kill behind a word.
    theatre
        .done(&["provision", "move-package", ANNA, "premium"])
        .await;
    daemon.signal("KILL");
    drop(daemon);
    daemon = theatre.daemon().await;
    let anna = theatre.reaches(&daemon, ANNA, "provisioned").await;
    assert_eq!(anna["package"], "premium");
    assert_eq!(theatre.subscriber(ANNA).unwrap()["package"], "premium");

    theatre.unassign(&trusted, DORA).await;
    theatre.reaches(&daemon, DORA, "removed").await;
    assert_eq!(theatre.subscriber(DORA), None);

    // What they read.
    let export = theatre.done(&["provision", "export", "--csv"]).await;
    assert!(
        export.starts_with("broadworks-id,enterprise,template,"),
        "{export}"
    );
    for (user, words) in [
        (ANNA, ",initech,trusted,premium,provisioned,"),
        (BEN, ",umbrella,untrusted,basic,provisioned,"),
        (CARL, ",globex,trusted,standard,provisioned,"),
        (DORA, ",initech,trusted,"),
    ] {
        let line = export.lines().find(|line| line.starts_with(user));
        assert!(line.is_some_and(|line| line.contains(words)), "{export}");
    }
    let report = theatre.done(&["provision", "report", CARL]).await;
    for words in [theatre.globex.as_str(), "XSPD_", CARL] {
        assert!(report.contains(words), "no {words} in {report}");
    }
    let enterprises = theatre.document(&["enterprise", "list"]).await;
    let enterprises = enterprises["enterprises"].as_array().unwrap();
    let names: Vec<_> = enterprises
        .iter()
        .map(|held| text(held, "enterprise"))
        .collect();
    assert_eq!(names, ["globex", "initech", "umbrella"]);
    assert!(
        enterprises.iter().all(|held| held["state"] == "ready"),
        "{enterprises:#?}"
    );

    // Both sides, compared.
    let same = theatre.done(&["provision", "reconcile"]).await;
    assert_eq!(same.matches("Nothing differs.").count(), 3, "{same}");
    theatre.removed_by_another(ANNA).await;
    let (exit, differs) = theatre.typed(&["provision", "reconcile", "initech"]).await;
    assert_eq!(exit, 1, "{differs}");
    assert!(
        differs.contains(ANNA) && differs.contains("missing"),
        "{differs}"
    );
    let mend = [
        "provision",
        "reconcile",
        "initech",
        "--apply",
        "missing",
        "--yes",
    ];
    theatre.done(&mend).await;
    theatre.reaches(&daemon, ANNA, "provisioned").await;
    assert_eq!(theatre.subscriber(ANNA).unwrap()["package"], "premium");
    theatre.done(&["provision", "reconcile", "initech"]).await;

    let state = theatre.control("GET", "state", &Value::Null);
    assert_eq!(state["users-with-two-subscribers"], json!([]), "{state}");
    assert!(daemon.stop().await.success());
    theatre.close().await;
}
