//! A daemon with a provisioning listener, an Application Server that speaks by the byte, and what
//! stands in the store.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sqlx::Connection as _;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

use crate::support::client::Answer;
use crate::support::client::Client;
use crate::support::daemon::Daemon;
use crate::support::daemon::free_address;
use crate::support::pki::Authority;
use crate::support::pki::Key;
use crate::support::pki::write_private;
use crate::support::verb;
use crate::support::verb::Said;

/// The host of the adapter.
pub(super) const HOST: &str = "adapter.test";

/// The path of the template over the APIs.
pub(super) const API: &str = "/adapter/v1/t/acme-api";

/// A provisioning id of the form that Partner Hub shows.
pub(super) const ID: &str = "ZjViMzYxODctYzhkZC00NzI3LThiMmYtZjljNDQ3ZjI5MDQ2OjQyODVmNTk0LTViNTEtNDdiZS05Mzk2LTZjMzZlMmFkODNhNQ";

/// What the Application Server shows.
pub(super) const ACCOUNT: &str = "webexprov";
pub(super) const PASSWORD: &str = "Secret-20-chars-max!";

/// Everything around a daemon.
pub(super) struct Scene {
    pub(super) folder: TempDir,
    pub(super) public: Authority,
    pub(super) address: SocketAddr,
    pub(super) admin: SocketAddr,
}

impl Scene {
    pub(super) fn new() -> Self {
        let scene = Self {
            folder: TempDir::new().unwrap(),
            public: Authority::new("Public"),
            address: free_address(),
            admin: free_address(),
        };
        let identity = scene.public.server(&[HOST, "localhost"], Key::P256);
        identity.write(scene.path(), "server");
        write_private(&scene.path().join("password"), &format!("{PASSWORD}\n"));
        scene
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a verb with the daemon's configuration.
    pub(super) async fn xspd(&self, words: &[&str]) -> Said {
        verb::xspd(self.path(), words).await
    }

    pub(super) fn store(&self) -> PathBuf {
        self.path().join("state/xspd.db")
    }

    /// A listener with these further settings, a template over the APIs, and more text.
    pub(super) fn config(&self, listener: &str, more: &str) -> String {
        format!(
            r#"
state-dir = "{folder}/state"
[log]
filter = "debug"
[admin]
address = "{admin}"
[drain]
settle = "0s"
deadline = "10s"
[[listener]]
name = "provisioning"
kind = "provisioning"
addresses = ["{address}"]
{listener}
[[listener.host]]
names = ["{HOST}"]
certificates = [{{ chain = "{folder}/server.pem", key = "file:{folder}/server.key" }}]
[[webex-partner]]
name = "acme"
base-url = "https://localhost:{nobody}/v1"
client-id = "C1"
client-secret = "file:{folder}/password"
refresh-token = "file:{folder}/password"
[[template]]
name = "acme-api"
mode = "api"
cluster = "as-east"
partner = "acme"
provisioning-id = "{ID}"
account = "{ACCOUNT}"
password = "file:{folder}/password"
{more}
"#,
            folder = self.path().display(),
            admin = self.admin,
            address = self.address,
            nobody = free_address().port(),
        )
    }

    pub(super) async fn start(&self, config: &str) -> Daemon {
        fs::create_dir_all(self.path().join("state")).unwrap();
        Daemon::start(self.path(), config, self.admin).await
    }

    pub(super) fn client(&self) -> Client {
        Client::new(self.address)
            .name(HOST)
            .trusting(self.public.root())
    }

    /// Sends what an Application Server sends, with its password.
    pub(super) async fn call(&self, method: &str, target: &str, body: &str) -> Answer {
        self.send(&request(method, target, &basic(PASSWORD), body.as_bytes()))
            .await
    }

    pub(super) async fn send(&self, request: &[u8]) -> Answer {
        self.client().exchange(request).await.unwrap()
    }

    /// A second connection to the store.
    pub(super) async fn database(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.store());
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    /// Users in the store, with revision, and the request of their newest wish.
    pub(super) async fn users(&self) -> Vec<(String, i64, String)> {
        let mut database = self.database().await;
        let query = "SELECT user_id, revision, request FROM users ORDER BY user_id";
        sqlx::query_as(query)
            .fetch_all(&mut database)
            .await
            .unwrap()
    }
}

pub(super) fn basic(password: &str) -> String {
    let encoded = BASE64_STANDARD.encode(format!("{ACCOUNT}:{password}"));
    format!("Authorization: Basic {encoded}\r\n")
}

/// A call with these header lines, each with its end.
pub(super) fn request(method: &str, target: &str, lines: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {HOST}\r\n{lines}\
         Content-Type: application/xml; charset=UTF-8\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// A profile as the samples have it.
pub(super) fn profile(user: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<b:subscriberProfile \
         xmlns:b=\"http://broadsoft.com/schemas/BroadCloudOSS\"><b:bwUserId>{user}</b:bwUserId>\
         <b:serviceProvider>sp1</b:serviceProvider><b:group>acme</b:group>\
         <b:firstName>John</b:firstName><b:lastName>Andersen</b:lastName>\
         <b:email>{user}</b:email><b:primaryPhoneNumber>+1-2405551212</b:primaryPhoneNumber>\
         <b:extension>1212</b:extension><b:language>English</b:language>\
         <b:timeZone>America/New_York</b:timeZone></b:subscriberProfile>"
    )
}

/// What stands in an element of an answer.
pub(super) fn element(answer: &Answer, name: &str) -> String {
    let text = answer.text();
    let (_, rest) = text.split_once(&format!("<b:{name}>")).unwrap_or_default();
    rest.split('<').next().unwrap_or_default().to_owned()
}

/// Status and code of a refusal, and its sentence.
pub(super) fn refusal(answer: &Answer) -> (u16, String, String) {
    (
        answer.status,
        element(answer, "code"),
        element(answer, "message"),
    )
}
