//! A daemon between an Application Server and the lab's Webex, and the commands that operators type.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use tokio::net::TcpListener;
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
use crate::support::pki::Key;
use crate::support::pki::write_private;

/// The name of Webex for whoever goes through a proxy; nobody else can find it.
pub(super) const WEBEX: &str = "webexapis.test";

/// Whose organisation is at Webex already.
pub(super) const GUARDED: &str = "carl@globex.test";

/// Less than a second until the first user of a customer is there.
pub(super) const FAST: u32 = 600;

/// Between two looks at the list.
const PAUSE: Duration = Duration::from_millis(100);

/// Until a user has come to where it should: some looks of the daemon at Webex, which are a second
/// or more apart, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// All that stands around the daemon.
pub(super) struct Theatre {
    pub(super) scene: Scene,
    pub(super) webex: Arc<Api>,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// At the lab's Webex.
    client: Client,
    /// An organisation of 500 that is there already, with [`GUARDED`] in it.
    pub(super) globex: String,
    pub(super) config: String,
    tasks: Tasks,
}

impl Theatre {
    pub(super) async fn open(speed: u32) -> Self {
        let scene = Scene::new();
        let identity = scene.public.server(&["localhost", WEBEX], Key::P256);
        let (cert, key) = identity.write(scene.path(), "webex");
        let webex = Api::open(Setup {
            speed,
            templates: vec![
                Template::trusted(),
                Template::untrusted(),
                Template::groups(),
                resold(),
            ],
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
        let globex = json!({ "name": "Globex", "emails": [GUARDED], "users": 500 });
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
            address,
            tasks,
        }
    }

    /// Writes something of the configuration otherwise.
    pub(super) fn replace(&mut self, what: &str, with: &str) {
        assert!(self.config.contains(what), "{what}: {}", self.config);
        self.config = self.config.replacen(what, with, 1);
    }

    pub(super) async fn daemon(&self) -> Daemon {
        self.scene.start(&self.config).await
    }

    pub(super) async fn close(self) {
        self.tasks.stop().cancel();
        self.tasks.join().await;
        assert_eq!(self.tasks.connection_panics(), 0);
    }

    /// What the Application Server does when the service is assigned.
    pub(super) async fn assign(&self, template: &Template, user: &str) {
        self.assign_with(template, user, user).await;
    }

    /// The same for a user of this mail address.
    pub(super) async fn assign_with(&self, template: &Template, user: &str, email: &str) {
        let body = profile_of(user);
        let body = body.replace(&format!("email>{user}"), &format!("email>{email}"));
        self.accepted(template, &body).await;
    }

    /// The same for a user of this service provider.
    pub(super) async fn assign_in(&self, template: &Template, user: &str, sp: &str) {
        let body = profile(user).replace(">sp1<", &format!(">{sp}<"));
        self.accepted(template, &body).await;
    }

    async fn accepted(&self, template: &Template, body: &str) {
        let url = format!("/adapter/v1/t/{}", template.key);
        let answer = self.scene.call("POST", &url, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(element(&answer, "status"), "accepted");
    }

    pub(super) async fn unassign(&self, template: &Template, user: &str) {
        let user = user.replace('@', "%40");
        let url = format!("/adapter/v1/t/{}?bwUserId={user}", template.key);
        let answer = self.scene.call("DELETE", &url, "").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// A control of the lab's Webex.
    pub(super) fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, said) = self.webex.control(method, &format!("/lab/{path}"), body);
        assert_eq!(status, 200, "{path}: {said}");
        said
    }

    /// A user's subscriber, if there is one.
    pub(super) fn subscriber(&self, user: &str) -> Option<Value> {
        let all = self.control("GET", "subscribers", &Value::Null);
        let mut all = all.as_array().unwrap().iter();
        all.find(|held| held["userId"] == user).cloned()
    }

    /// Somebody else removes a subscriber, at the same API.
    pub(super) async fn removed_by_another(&self, user: &str) {
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
    pub(super) async fn typed(&self, words: &[&str]) -> (i32, String) {
        self.scene.xspd(words).await.all()
    }

    /// The same for a command that is to end well.
    pub(super) async fn done(&self, words: &[&str]) -> String {
        let (exit, said) = self.typed(words).await;
        assert_eq!(exit, 0, "{words:?}: {said}");
        said
    }

    pub(super) async fn document(&self, words: &[&str]) -> Value {
        let mut all = vec!["--json"];
        all.extend(words);
        let said = self.done(&all).await;
        serde_json::from_str(&said).unwrap_or_else(|_| panic!("no JSON: {said}"))
    }

    /// The row of a user in the list.
    pub(super) async fn row(&self, user: &str) -> Value {
        let list = self.document(&["provision", "list"]).await;
        let mut rows = list["jobs"].as_array().unwrap().iter();
        let row = rows.find(|row| row["user"] == user);
        row.unwrap_or_else(|| panic!("{user} is not listed: {list}"))
            .clone()
    }

    /// Waits until something holds.
    pub(super) async fn until(&self, daemon: &Daemon, what: &str, holds: impl AsyncFn() -> bool) {
        let wait = async {
            while !holds().await {
                tokio::time::sleep(PAUSE).await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            let list = self.typed(&["provision", "list"]).await.1;
            panic!(
                "never: {what}: {list}\nThe daemon said {:#?}",
                daemon.lines()
            );
        }
    }

    /// The row of a user once it is in this state.
    pub(super) async fn reaches(&self, daemon: &Daemon, user: &str, state: &str) -> Value {
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

/// A template whose customers are those of a reseller.
pub(super) fn resold() -> Template {
    Template {
        key: "resold".to_owned(),
        provisioning_id: "M2YwYzZmMGUtN2ExZC00ZjViLTlhNTUtMWFiMGUyZDNjNGI1OjFhMWExYTFhLTAwMDQtNDAwMC04MDAwLTAwMDAwMDAwMDAwNA".to_owned(),
        reseller: Some("Reseller1".to_owned()),
        ..Template::trusted()
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
[provisioning.jobs]
poll-plan = ["1s", "2s"]
poll-every = "2s"
retry-first = "1s"
retry-longest = "2s"
unanswered-pause = "1s"
slow-down = "1s"
refused-pause = "1s"
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
names = ["{HOST}", "localhost"]
certificates = [{{ chain = "{folder}/server.pem", key = "file:{folder}/server.key" }}]
[[webex-partner]]
name = "lab"
base-url = "https://localhost:{webex}{path}"
client-id = "{client}"
client-secret = "file:{folder}/client-secret"
refresh-token = "file:{folder}/refresh-token"
ca = "{folder}/ca.pem"
proxy = "none"
requests-per-second = 100.0
in-flight = 16
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

/// A profile whose service provider is the first part of the user's domain.
pub(super) fn profile_of(user: &str) -> String {
    let sp = user.split(['@', '.']).nth(1).unwrap();
    profile(user).replace(">sp1<", &format!(">{sp}<"))
}

pub(super) fn text<'a>(document: &'a Value, member: &str) -> &'a str {
    document[member].as_str().unwrap_or_default()
}
