//! Busy lamps of the real daemon before the lab's BroadWorks: calls that users place over
//! Xsi-Actions, and what the daemon then knows.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tempfile::TempDir;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::BOUND;
use crate::support::client::Answer;
use crate::support::client::Client;
use crate::support::client::exchange;
use crate::support::daemon::Daemon;
use crate::support::daemon::XSPD;
use crate::support::daemon::free_address;
use crate::support::lab::Lab;
use crate::support::pki::Authority;
use crate::support::pki::Key;
use crate::support::pki::write_private;

/// Between two looks at the metrics.
const PAUSE: Duration = Duration::from_millis(20);

/// A lab of its own, because its XSPs are stopped, and a daemon that tracks bob's list: alice and
/// carol. The lab's own daemon tracks it too, with the same account: two nodes that leave each other
/// in peace.
struct Stage {
    lab: Lab,
    daemon: Daemon,
    public: SocketAddr,
    _folder: TempDir,
}

impl Stage {
    async fn start(mode: &str, more: &str) -> Self {
        let lab = Lab::start_program(XSPD, &["lab", "--ports", "auto", "--state-dir"]).await;
        let folder = TempDir::new().expect("a temporary directory");
        let path = folder.path();
        let secret = path.join("password");
        write_private(&secret, lab.text("/administrator/password"));
        let identity = Authority::new("Public").server(&["xsp.test"], Key::P256);
        let (chain, key) = identity.write(path, "server");
        let (public, admin) = (free_address(), free_address());
        let config = format!(
            r#"
            state-dir = "{state}"
            [log]
            format = "text"
            filter = "info"
            [admin]
            address = "{admin}"
            [drain]
            settle = "0s"
            deadline = "1s"
            [[pool]]
            name = "xsp"
            upstream = [
              {{ name = "one", url = "http://{one}" }},
              {{ name = "two", url = "http://{two}" }},
            ]
            [[listener]]
            name = "public"
            addresses = ["{public}"]
            [[listener.host]]
            names = ["*"]
            certificates = [{{ chain = "{chain}", key = "file:{key}" }}]
            [blf]
            {mode}
            watchers = ["bob@as.example.net"]
            [blf.account]
            user-id = "{account}"
            password = "file:{secret}"
            {more}
            "#,
            state = path.join("state").display(),
            one = lab.endpoint("broadworks-xsi"),
            two = lab.endpoint("broadworks-xsi-2"),
            account = lab.text("/administrator/user-id"),
            chain = chain.display(),
            key = key.display(),
            secret = secret.display(),
        );
        let daemon = Daemon::start(path, &config, admin).await;
        Self {
            lab,
            daemon,
            public,
            _folder: folder,
        }
    }

    /// Waits until so many of bob's two lines show this.
    async fn until(&self, lamp: &str, lines: f64) {
        self.until_metric(&format!("xspd_blf_lines{{lamp=\"{lamp}\"}}"), |value| {
            value == lines
        })
        .await;
    }

    async fn until_metric(&self, series: &str, wanted: impl Fn(f64) -> bool) {
        let wait = async {
            while !self.daemon.metric(series).await.is_some_and(&wanted) {
                tokio::time::sleep(PAUSE).await;
            }
        };
        if tokio::time::timeout(BOUND * 2, wait).await.is_err() {
            let text = self.daemon.admin("/metrics").await.text();
            let lamps: Vec<_> = text.lines().filter(|line| line.contains("_blf_")).collect();
            panic!("{series}: {lamps:#?}\n{:#?}", self.daemon.lines());
        }
    }

    /// A user's request at the lab's first XSP.
    async fn ask(&self, xsp: &str, user: &str, method: &str, tail: &str) -> Answer {
        let login = BASE64_STANDARD.encode(format!("{user}@as.example.net:Passw0rd!"));
        let target = format!("/com.broadsoft.xsi-actions/v2.0/user/{user}@as.example.net/{tail}");
        let headers = format!("Authorization: Basic {login}\r\n");
        send(self.lab.endpoint(xsp), method, &target, &headers, "").await
    }

    /// Starts a call; its id.
    async fn start_call(&self, user: &str, tail: &str) -> String {
        let answer = self
            .ask("broadworks-xsi", user, "POST", &format!("calls/{tail}"))
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        tag(&answer.text(), "callId")
    }

    /// The id of a user's newest call.
    async fn newest(&self, user: &str) -> String {
        let answer = self.ask("broadworks-xsi", user, "GET", "calls").await;
        let text = answer.text();
        let last = text.rsplit_once("<callId>").expect("a call").1;
        last.split('<').next().expect("its id").to_owned()
    }

    async fn put(&self, user: &str, call: &str, command: &str) {
        let tail = format!("calls/{call}/{command}");
        let answer = self.ask("broadworks-xsi", user, "PUT", &tail).await;
        assert_eq!(answer.status, 200, "{tail}: {}", answer.text());
    }

    async fn control(&self, method: &str, target: &str, body: &str) {
        let answer = send(
            self.lab.endpoint("broadworks-lab"),
            method,
            target,
            "",
            body,
        )
        .await;
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    }

    async fn end(self) {
        assert!(self.daemon.stop().await.success());
    }
}

async fn send(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &str,
    body: &str,
) -> Answer {
    let mut stream = TcpStream::connect(address).await.expect("the lab listens");
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\n{headers}Connection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    exchange(&mut stream, request.as_bytes())
        .await
        .expect("an answer")
}

fn tag(text: &str, name: &str) -> String {
    let behind = text
        .split_once(&format!("<{name}>"))
        .expect("the element")
        .1;
    behind.split('<').next().expect("its text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_ring_are_held_transferred_parked_and_picked_up_and_the_lamps_follow() {
    let stage = Stage::start("", "").await;
    stage.until("idle", 2.0).await;

    // Alice calls Carol, who answers; Alice holds and comes back.
    let out = stage.start_call("alice", "new?address=0103").await;
    stage.until("ringing", 1.0).await;
    stage.until("on-call", 1.0).await;
    let into = stage.newest("carol").await;
    stage.put("carol", &into, "Talk").await;
    stage.until("on-call", 2.0).await;
    stage.put("alice", &out, "Hold").await;
    stage.until("held", 1.0).await;
    stage.until("on-call", 1.0).await;
    stage.put("alice", &out, "Talk").await;
    stage.until("on-call", 2.0).await;

    // Alice hands Carol over to Zoë, whom nobody watches.
    stage.put("alice", &out, "BlindTransfer?address=0201").await;
    stage.until("idle", 1.0).await;
    let into = stage.newest("carol").await;
    let answer = stage
        .ask(
            "broadworks-xsi",
            "carol",
            "DELETE",
            &format!("calls/{into}"),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    stage.until("idle", 2.0).await;

    // A call for Alice is picked up by Bob.
    let out = stage.start_call("dan", "new?address=0101").await;
    stage.until("ringing", 1.0).await;
    stage
        .start_call("bob", "DirectedCallPickup?address=0101")
        .await;
    stage.until("idle", 2.0).await;
    let answer = stage
        .ask("broadworks-xsi", "dan", "DELETE", &format!("calls/{out}"))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());

    // Carol parks Dan against Alice.
    stage.start_call("dan", "new?address=0103").await;
    stage.until("ringing", 1.0).await;
    let into = stage.newest("carol").await;
    stage.put("carol", &into, "Talk").await;
    stage.until("on-call", 1.0).await;
    stage.put("carol", &into, "Park?address=0101").await;
    stage.until("on-call", 0.0).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_xsp_may_go_and_all_may_and_the_lamps_never_lie() {
    let quick = "
            [blf.channel]
            heartbeat = \"500ms\"
            event-timeout = \"2s\"";
    let stage = Stage::start("", quick).await;
    stage.until("idle", 2.0).await;
    for upstream in ["one", "two"] {
        let series = format!("xspd_blf_channel_up{{upstream=\"{upstream}\"}}");
        stage.until_metric(&series, |value| value == 1.0).await;
    }
    // One goes: calls are seen through the other.
    stage.control("POST", "/lab/xsp/2/stop", "").await;
    stage
        .until_metric("xspd_blf_channel_up{upstream=\"two\"}", |value| {
            value == 0.0
        })
        .await;
    let out = stage.start_call("alice", "new?address=0103").await;
    stage.until("ringing", 1.0).await;
    // All go: nothing is known any more.
    stage.control("POST", "/lab/xsp/1/stop", "").await;
    stage.until("unknown", 2.0).await;
    stage.control("POST", "/lab/xsp/1/start", "").await;
    stage.until("ringing", 1.0).await;
    let answer = stage
        .ask("broadworks-xsi", "alice", "DELETE", &format!("calls/{out}"))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    stage.until("idle", 2.0).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_passive_mode_a_line_is_known_as_long_as_its_client_is_connected() {
    let stage = Stage::start("mode = \"passive\"", "").await;
    stage.until("unknown", 2.0).await;
    let client = Client::new(stage.public);
    let login = BASE64_STANDARD.encode("alice@as.example.net:Passw0rd!");
    let channel = "<Channel xmlns=\"http://schema.broadsoft.com/xsi\">\
        <channelSetId>alices</channelSetId><expires>3600</expires></Channel>";
    let request = |target: &str, body: &str| {
        format!(
            "POST {target} HTTP/1.1\r\nHost: xsp.test\r\nAuthorization: Basic {login}\r\n\
             Content-Type: application/xml\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let mut stream = client.connect().await.expect("TLS");
    let open = request(
        "/com.broadsoft.async/com.broadsoft.xsi-events/v2.0/channel",
        channel,
    );
    stream.write_all(open.as_bytes()).await.expect("sent");
    read_until(&mut stream, "</Channel>").await;
    let subscription = "<Subscription xmlns=\"http://schema.broadsoft.com/xsi\">\
        <event>Standard Call</event><expires>3600</expires>\
        <channelSetId>alices</channelSetId></Subscription>";
    let target = "/com.broadsoft.xsi-events/v2.0/user/alice@as.example.net";
    let answer = client
        .exchange(request(target, subscription).as_bytes())
        .await
        .expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    read_until(&mut stream, "CallSubscriptionEvent").await;
    stage.until("idle", 1.0).await;
    stage.start_call("dan", "new?address=0101").await;
    stage.until("ringing", 1.0).await;
    drop(stream);
    stage.until("unknown", 2.0).await;
    stage.end().await;
}

/// Reads a stream up to some text.
async fn read_until(stream: &mut (impl AsyncRead + Unpin), text: &str) {
    let mut seen = Vec::new();
    let read = async {
        while !String::from_utf8_lossy(&seen).contains(text) {
            let length = stream
                .read_buf(&mut seen)
                .await
                .expect("the stream goes on");
            assert!(length > 0, "ended: {}", String::from_utf8_lossy(&seen));
        }
    };
    tokio::time::timeout(BOUND, read).await.expect("in time");
}
