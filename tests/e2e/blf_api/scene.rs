//! A lab that all these tests share, and for each test a daemon of its own in front of it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::sync::OnceCell;

use super::sse::Stream;
use crate::support::BOUND;
use crate::support::client;
use crate::support::client::Answer;
use crate::support::client::Client;
use crate::support::daemon::Daemon;
use crate::support::daemon::XSPD;
use crate::support::daemon::free_address;
use crate::support::lab::Lab;
use crate::support::verb;
use crate::support::verb::Said;

/// Wrong passwords that lock an address out.
pub(crate) const FAILURES: usize = 5;

const PASSWORD: &str = "Passw0rd!";
const OPERATOR: &str = "operators-only-of-this-test";
const ACTIONS: &str = "/com.broadsoft.xsi-actions/v2.0/user";

/// A seeded user and its extension.
#[derive(Clone, Copy)]
pub(crate) struct User(pub(crate) &'static str, pub(crate) &'static str);

impl User {
    pub(crate) fn basic(&self) -> String {
        Self::credentials(self.0, PASSWORD)
    }

    pub(crate) fn credentials(user: &str, password: &str) -> String {
        let pair = STANDARD.encode(format!("{user}:{password}"));
        format!("Authorization: Basic {pair}\r\n")
    }

    fn path(&self) -> String {
        self.0.replace('ë', "%C3%AB")
    }
}

/// The lab of these tests: others change users of the shared one.
pub(crate) async fn lab() -> &'static Lab {
    static LAB: OnceCell<Lab> = OnceCell::const_new();
    LAB.get_or_init(|| Lab::start_program(XSPD, &["lab", "--ports", "auto", "--state-dir"]))
        .await
}

/// People of the lab are on one phone at a time, so tests with calls take turns.
static TURN: Mutex<()> = Mutex::const_new(());

/// A daemon that relays AuthService and tracks busy lamps.
pub(crate) struct Scene {
    daemon: Mutex<Option<Daemon>>,
    id: u32,
    address: SocketAddr,
    admin: SocketAddr,
    broadworks: SocketAddr,
    folder: TempDir,
    _turn: tokio::sync::MutexGuard<'static, ()>,
}

impl Scene {
    /// `api` is more of `[blf.api]`.
    pub(crate) async fn start(api: &str) -> Self {
        Self::start_with(|config| config + api).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(String) -> String) -> Self {
        let turn = TURN.lock().await;
        let lab = lab().await;
        let folder = TempDir::new().unwrap();
        let (address, admin) = (free_address(), free_address());
        let secret = |name: &str, text: &str| {
            use std::os::unix::fs::OpenOptionsExt as _;

            let path = folder.path().join(name);
            let file = std::fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&path);
            file.unwrap().write_all(text.as_bytes()).unwrap();
            path.display().to_string()
        };
        let password = secret("password", lab.text("/administrator/password"));
        let operator = secret("operator", OPERATOR);
        secret("webhook", super::webhook::SECRET);
        let broadworks = lab.endpoint("broadworks-xsi");
        let config = format!(
            r#"state-dir = "{state}"
[log]
filter = "info"
[admin]
address = "{admin}"
[drain]
settle = "0s"
deadline = "10s"
[[pool]]
name = "xsp"
upstream = [{{ name = "xsp1", url = "http://{broadworks}" }}]
[policy.guessing]
failures = {FAILURES}
[[listener]]
name = "plain"
addresses = ["{address}"]
plaintext = true
routes = ["xsi-actions", "blf"]
[[listener.host]]
names = ["*"]
[blf]
[blf.account]
user-id = "{account}"
password = "file:{password}"
[blf.api]
operator-token = "file:{operator}"
"#,
            state = folder.path().join("state").display(),
            account = lab.text("/administrator/user-id"),
        );
        let daemon = Daemon::start(folder.path(), &change(config), admin).await;
        let scene = Self {
            id: daemon.id(),
            daemon: Mutex::new(Some(daemon)),
            address,
            admin,
            broadworks,
            folder,
            _turn: turn,
        };
        scene.hang_everybody_up().await;
        scene
    }

    pub(crate) async fn end(self) {
        let daemon = self.daemon.lock().await.take().unwrap();
        assert!(daemon.stop().await.success());
    }

    pub(crate) fn ask_to_end(&self) {
        self.signal("TERM");
    }

    pub(crate) async fn ended(self) {
        let daemon = self.daemon.lock().await.take().unwrap();
        assert!(daemon.stop().await.success());
    }

    pub(crate) async fn reload(&self) {
        self.signal("HUP");
        let daemon = self.daemon.lock().await;
        daemon.as_ref().unwrap().logged(&["Reload done."]).await;
    }

    fn signal(&self, name: &str) {
        let id = self.id.to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.unwrap().success());
    }

    pub(crate) async fn metric(&self, series: &str) -> Option<f64> {
        let daemon = self.daemon.lock().await;
        daemon.as_ref().unwrap().metric(series).await
    }

    /// Waits until a series has this value.
    pub(crate) async fn settles(&self, series: &str, value: f64) {
        let deadline = tokio::time::sleep(BOUND);
        tokio::pin!(deadline);
        while self.metric(series).await != Some(value) {
            tokio::select! {
                () = &mut deadline => panic!("{series} is {:?}", self.metric(series).await),
                () = tokio::task::yield_now() => {}
            }
        }
    }

    /// A request to the daemon's listener for clients.
    pub(crate) async fn request(
        &self,
        method: &str,
        target: &str,
        headers: &str,
        body: &str,
    ) -> Answer {
        ask(self.address, method, target, headers, body).await
    }

    /// `GET` below a watcher's resource, by the watcher.
    pub(crate) async fn get(&self, watcher: &User, below: &str) -> Answer {
        let target = format!("/blf/v1/watchers/{}{below}", watcher.path());
        self.request("GET", &target, &watcher.basic(), "").await
    }

    pub(crate) async fn stream(&self, watcher: &User, query: &str) -> Stream {
        self.stream_with(watcher, query, "").await
    }

    pub(crate) async fn stream_with(&self, watcher: &User, query: &str, headers: &str) -> Stream {
        let tcp = TcpStream::connect(self.address).await.unwrap();
        let target = format!("/blf/v1/watchers/{}/stream{query}", watcher.path());
        let headers = format!("{}{headers}", watcher.basic());
        Stream::open(tcp, &self.address.to_string(), &target, &headers).await
    }

    pub(crate) async fn poll(&self, watcher: &User, query: &str) -> Value {
        let answer = self.get(watcher, &format!("/stream?{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }

    pub(crate) async fn pickup(&self, watcher: &User, body: &Value) -> Answer {
        let target = format!("/blf/v1/watchers/{}/pickup", watcher.path());
        let body = body.to_string();
        self.request("POST", &target, &watcher.basic(), &body).await
    }

    /// `GET` from the admin listener.
    pub(crate) async fn admin(&self, target: &str, headers: &str) -> Answer {
        ask(self.admin, "GET", target, headers, "").await
    }

    pub(crate) async fn operator(&self, target: &str) -> Value {
        let header = format!("Authorization: Bearer {OPERATOR}\r\n");
        let answer = self.admin(target, &header).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Runs a verb with this daemon's configuration.
    pub(crate) async fn xspd(&self, words: &[&str]) -> Said {
        verb::xspd(self.folder(), words).await
    }

    /// Where secrets of this test lie.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    // What people do at the lab's BroadWorks.

    async fn actions(&self, method: &str, user: &User, below: &str, body: &str) -> Answer {
        let target = format!("{ACTIONS}/{}/{below}", user.path());
        let headers = format!(
            "{}Content-Type: application/xml; charset=UTF-8\r\n",
            user.basic()
        );
        let answer = ask(self.broadworks, method, &target, &headers, body).await;
        assert!(
            matches!(answer.status, 200 | 201),
            "{method} {target}: {}",
            answer.text()
        );
        answer
    }

    /// Gives a watcher his list.
    pub(crate) async fn watches(&self, watcher: &User, lines: &[&User]) {
        let lines: String = lines
            .iter()
            .map(|line| format!("<userDetails><userId>{}</userId></userDetails>", line.0))
            .collect();
        let name = watcher.0.split('@').next().unwrap();
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><BusyLampField \
             xmlns=\"http://schema.broadsoft.com/xsi\"><listURI>{name}-blf@as.example.net</listURI>\
             <monitoredUserList>{lines}</monitoredUserList></BusyLampField>"
        );
        self.actions("PUT", watcher, "services/BusyLampField", &body)
            .await;
    }

    /// Places a call; its id at the caller.
    pub(crate) async fn call(&self, caller: &User, called: &User) -> String {
        let below = format!("calls/New?address={}", called.1);
        let placed = self.actions("POST", caller, &below, "").await;
        call_ids(&placed.text()).remove(0)
    }

    pub(crate) async fn calls(&self, user: &User) -> String {
        self.actions("GET", user, "calls", "").await.text()
    }

    /// The id of the call at its other end.
    pub(crate) async fn ringing(&self, user: &User) -> String {
        call_ids(&self.calls(user).await).remove(0)
    }

    pub(crate) async fn command(&self, user: &User, call: &str, command: &str) {
        let below = format!("calls/{call}/{command}");
        self.actions("PUT", user, &below, "").await;
    }

    /// Ends a call, if it is still there.
    pub(crate) async fn hang_up(&self, user: &User, call: &str) {
        let target = format!("{ACTIONS}/{}/calls/{call}", user.path());
        ask(self.broadworks, "DELETE", &target, &user.basic(), "").await;
    }

    async fn hang_everybody_up(&self) {
        for cast in [super::HQ, super::BRANCH, super::CUSTOMER] {
            for user in [cast.watcher, cast.line, cast.other, cast.caller] {
                for call in call_ids(&self.calls(&user).await) {
                    self.hang_up(&user, &call).await;
                }
            }
        }
    }
}

fn call_ids(document: &str) -> Vec<String> {
    let parts = document.split("<callId>").skip(1);
    parts
        .filter_map(|part| part.split('<').next())
        .map(str::to_owned)
        .collect()
}

async fn ask(address: SocketAddr, method: &str, target: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    client::exchange(&mut stream, request.as_bytes())
        .await
        .unwrap()
}

// The lab's own daemon, which issues tokens itself.

/// A token of the daemon for a user, as Webex gets it.
pub(crate) async fn token_of(lab: &Lab, user: &str) -> String {
    let ca = lab.text("/ca");
    let url = format!(
        "{}/idp/bwtoken/fetch",
        lab.text("/endpoints/webex-idp-proxy")
    );
    let output = Command::new("curl")
        .args(["-sS", "--noproxy", "localhost", "--cacert", ca])
        .args(["--user", &format!("{user}:{PASSWORD}"), &url])
        .output()
        .expect("curl is there");
    let document: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    document["token"]["bearer"]
        .as_str()
        .unwrap_or_else(|| panic!("{document}"))
        .to_owned()
}

pub(crate) async fn lab_stream(
    lab: &Lab,
    user: &str,
    token: &str,
) -> Stream<tokio_rustls::client::TlsStream<TcpStream>> {
    let client = Client::new(lab.endpoint("xsi")).name("localhost");
    let tls = client.connect().await.unwrap();
    let target = format!("/blf/v1/watchers/{user}/stream");
    let header = format!("Authorization: Bearer {token}\r\n");
    Stream::open(tls, "localhost", &target, &header).await
}

pub(crate) async fn lab_poll(lab: &Lab, user: &str, token: &str) -> Answer {
    let client = Client::new(lab.endpoint("xsi")).name("localhost");
    let request = format!(
        "GET /blf/v1/watchers/{user}/stream?poll=0 HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    client.exchange(request.as_bytes()).await.unwrap()
}

/// An operator revokes the tokens of a user.
pub(crate) async fn revoke(lab: &Lab, user: &str) {
    let config = lab.path("/config");
    let words = ["authservice", "revoke", "--user", user, "--config"];
    let config = config.to_str().expect("a UTF-8 path");
    verb::typed(&[&words[..], &[config]].concat()).await.well();
}
