//! The CTI bridge: the real daemon between a client with Webex's certificate and XSPs that demand
//! one of ours.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use serde_json::Value;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::client;
use tokio_rustls::server::TlsStream;

use crate::e2e::stage::HOST;
use crate::e2e::stage::Stage;
use crate::support::BOUND;
use crate::support::accepting::Accepting;
use crate::support::client::Client;
use crate::support::client::Offer;
use crate::support::client::bounded;
use crate::support::daemon::Daemon;
use crate::support::daemon::XSPD;
use crate::support::daemon::free_address;
use crate::support::lab::Lab;
use crate::support::pki::Authority;
use crate::support::pki::Client as Kind;
use crate::support::pki::Identity;
use crate::support::pki::Key;
use crate::support::pki::WEBEX_NAME;
use crate::support::verb;

/// Name of the XSPs' certificate.
const XSP: &str = "xsp.internal.test";

/// The CTI interface of an XSP: TLS with a client certificate, then bytes as the test likes.
struct Xsp {
    sessions: mpsc::UnboundedReceiver<TlsStream<TcpStream>>,
    accepting: Accepting,
}

impl Xsp {
    async fn start(server: &Authority, clients: &Authority, version: Offer) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut anchors = RootCertStore::empty();
        anchors.add(clients.root()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(anchors), Arc::clone(&provider))
                .build()
                .unwrap();
        let versions: &[&rustls::SupportedProtocolVersion] = match version {
            Offer::Both => &[&rustls::version::TLS13, &rustls::version::TLS12],
            Offer::Tls12 => &[&rustls::version::TLS12],
            Offer::Tls13 => &[&rustls::version::TLS13],
        };
        let identity = server.server(&[XSP], Key::P256);
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(identity.chain.clone(), identity.private_key())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (accepted, sessions) = mpsc::unbounded_channel();
        let accepting = Accepting::start(move |tcp| {
            let (acceptor, accepted) = (acceptor.clone(), accepted.clone());
            async move {
                if let Ok(stream) = acceptor.accept(tcp).await {
                    accepted.send(stream).ok();
                }
            }
        })
        .await;
        Self {
            sessions,
            accepting,
        }
    }

    fn address(&self) -> SocketAddr {
        self.accepting.address()
    }

    /// The next session.
    async fn session(&mut self) -> TlsStream<TcpStream> {
        let session = timeout(BOUND, self.sessions.recv()).await;
        session
            .expect("a session in time")
            .expect("an XSP that is up")
    }

    fn saw_nobody(&mut self) -> bool {
        self.sessions.try_recv().is_err()
    }
}

/// Everything around a bridge.
struct Scene {
    stage: Stage,
    provider: Authority,
}

impl Scene {
    async fn new() -> Self {
        let scene = Self {
            stage: Stage::new().await,
            provider: Authority::new("Provider internal"),
        };
        let folder = scene.stage.path();
        scene
            .provider
            .client_named("xspd-bridge.test", Key::P256)
            .write(folder, "bridge");
        std::fs::write(folder.join("xsp-ca.pem"), scene.stage.public.root_pem()).unwrap();
        scene
    }

    async fn xsp(&self) -> Xsp {
        Xsp::start(&self.stage.public, &self.provider, Offer::Both).await
    }

    fn config(&self, upstreams: &[SocketAddr], bridge: &str) -> String {
        let upstreams: Vec<String> = upstreams.iter().map(ToString::to_string).collect();
        format!(
            r#"{common}
[[listener]]
name = "cti"
kind = "cti"
addresses = ["{address}"]
trust = "webex"
allowed-identities = ["{WEBEX_NAME}"]
[[listener.host]]
names = ["{HOST}"]
certificates = [{{ chain = "{folder}/server.pem", key = "file:{folder}/server.key" }}]
[listener.bridge]
upstreams = {upstreams:?}
ca = "{folder}/xsp-ca.pem"
server-name = "{XSP}"
client-certificate = {{ chain = "{folder}/bridge.pem", key = "file:{folder}/bridge.key" }}
{bridge}
"#,
            common = self.stage.common(),
            address = self.stage.address,
            folder = self.stage.path().display(),
        )
    }

    async fn start(&self, upstreams: &[SocketAddr], bridge: &str) -> Daemon {
        self.stage.start(&self.config(upstreams, bridge)).await
    }

    fn webex(&self) -> Client {
        self.stage.webex_client()
    }

    /// Both ends of a new session.
    async fn session(&self, xsp: &mut Xsp) -> (client::TlsStream<TcpStream>, TlsStream<TcpStream>) {
        let client = self.webex().connect().await.unwrap();
        (client, xsp.session().await)
    }

    async fn sessions(&self, daemon: &Daemon) -> Vec<Value> {
        let answer = daemon.admin("/cti/sessions").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let document: Value = serde_json::from_slice(&answer.body).unwrap();
        document["sessions"].as_array().unwrap().clone()
    }
}

/// Whether a stream has come to its end, in order or not.
async fn ends(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    bounded(async {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await?;
        assert_eq!(rest, b"", "nothing is said any more");
        Ok(())
    })
    .await
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), words: &[u8]) {
    bounded(async {
        stream.write_all(words).await?;
        stream.flush().await
    })
    .await
    .unwrap();
}

async fn hear(stream: &mut (impl AsyncRead + Unpin), length: usize) -> Vec<u8> {
    let mut heard = vec![0; length];
    bounded(stream.read_exact(&mut heard)).await.unwrap();
    heard
}

async fn counted(daemon: &Daemon, series: &str, reason: &str) -> f64 {
    let series = format!("xspd_{series}_total{{listener=\"cti\",reason=\"{reason}\"}}");
    daemon.metric(&series).await.unwrap()
}

/// Waits until it is counted: the client may hear of it before that.
async fn once(daemon: &Daemon, series: &str, reason: &str) {
    let waiting = async {
        while counted(daemon, series, reason).await < 1.0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(BOUND, waiting).await.expect(reason);
    assert_eq!(counted(daemon, series, reason).await, 1.0, "{reason}");
}

#[tokio::test]
async fn bytes_pass_both_ways_unchanged_in_whatever_pieces() {
    let scene = Scene::new().await;
    let mut xsp = scene.xsp().await;
    let daemon = scene.start(&[xsp.address()], "").await;
    let (client, session) = scene.session(&mut xsp).await;
    let shown = session.get_ref().1.peer_certificates().unwrap();
    let bridge = std::fs::read_to_string(scene.stage.path().join("bridge.pem")).unwrap();
    assert_eq!(crate::support::pki::pem(shown), bridge);

    const MUCH: usize = 1 << 20;
    let pattern = |factor: usize| -> Vec<u8> {
        (0..MUCH)
            .map(|at| u8::try_from((at * factor + at / 251) % 256).unwrap())
            .collect()
    };
    let (up, down) = (pattern(7), pattern(13));
    let (mut client_read, mut client_write) = tokio::io::split(client);
    let (mut xsp_read, mut xsp_write) = tokio::io::split(session);
    let ((), (), at_xsp, at_client) = tokio::join!(
        say(&mut client_write, &up),
        say(&mut xsp_write, &down),
        hear(&mut xsp_read, MUCH),
        hear(&mut client_read, MUCH),
    );
    assert!(at_xsp == up && at_client == down);
    for byte in 0..=255 {
        say(&mut client_write, &[byte]).await;
        say(&mut xsp_write, &[byte ^ 0x55]).await;
        assert_eq!(hear(&mut xsp_read, 1).await, [byte]);
        assert_eq!(hear(&mut client_read, 1).await, [byte ^ 0x55]);
    }
    let bytes =
        |direction| format!("xspd_cti_bytes_total{{listener=\"cti\",direction=\"{direction}\"}}");
    for direction in ["from-client", "from-upstream"] {
        let counted = daemon.metric(&bytes(direction)).await;
        assert_eq!(counted, Some(1_048_832.0), "{direction}");
    }
}

#[tokio::test]
async fn whoever_is_not_webex_gets_no_handshake_and_no_xsp_hears_of_it() {
    let scene = Scene::new().await;
    let mut xsp = scene.xsp().await;
    let daemon = scene.start(&[xsp.address()], "").await;
    let webex = &scene.stage.webex;
    let table = [
        (None, "certificate-required"),
        (
            Some(Authority::new("Internal Private").client(Kind::Good)),
            "certificate-unknown-issuer",
        ),
        (Some(webex.client(Kind::WrongName)), "identity-unlisted"),
        (Some(webex.client(Kind::Expired)), "certificate-expired"),
        (
            Some(webex.client(Kind::NotYetValid)),
            "certificate-not-yet-valid",
        ),
        (
            Some(webex.client(Kind::NoPurpose)),
            "certificate-purpose-absent",
        ),
        (
            Some(webex.client(Kind::ServerPurpose)),
            "certificate-purpose-wrong",
        ),
    ];
    for (identity, reason) in table {
        let mut client = scene.stage.client();
        if let Some(identity) = identity {
            client = client.showing(identity);
        }
        for (offer, times) in [(Offer::Tls12, 1.0), (Offer::Tls13, 2.0)] {
            let refused = match client.clone().offering(offer).connect().await {
                // With TLS 1.3 the refusal comes with the first read.
                Ok(mut stream) => ends(&mut stream).await,
                Err(error) => Err(error),
            };
            assert!(refused.is_err(), "{reason}, {offer:?}");
            let waiting = async {
                while counted(&daemon, "handshake_failures", reason).await < times {
                    tokio::task::yield_now().await;
                }
            };
            timeout(BOUND, waiting).await.expect(reason);
        }
    }
    daemon
        .logged(&["Client refused", "identity-unlisted", "bwks.example.org"])
        .await;
    assert!(xsp.saw_nobody());
    assert!(scene.sessions(&daemon).await.is_empty());
    let (mut client, mut session) = scene.session(&mut xsp).await;
    say(&mut client, b"webex").await;
    assert_eq!(hear(&mut session, 5).await, b"webex");
}

#[tokio::test]
async fn without_a_list_only_webexs_cti_client_is_let_in() {
    let scene = Scene::new().await;
    let mut xsp = scene.xsp().await;
    let config = scene.config(&[xsp.address()], "");
    let config = config.replace(&format!("allowed-identities = [\"{WEBEX_NAME}\"]\n"), "");
    let daemon = scene.stage.start(&config).await;
    let named = |name| {
        let identity = scene.stage.webex.client_named(name, Key::P256);
        scene.stage.client().showing(identity)
    };
    let mut other = named("other.webex.com").connect().await.unwrap();
    assert!(ends(&mut other).await.is_err());
    once(&daemon, "handshake_failures", "identity-unlisted").await;
    let mut client = named("BWctiClient.Webex.com").connect().await.unwrap();
    say(&mut client, b"hello").await;
    assert_eq!(hear(&mut xsp.session().await, 5).await, b"hello");
}

#[tokio::test]
async fn either_side_may_end_its_sending_and_still_listen() {
    for offer in [Offer::Tls12, Offer::Tls13] {
        let scene = Scene::new().await;
        let mut xsp = Xsp::start(&scene.stage.public, &scene.provider, offer).await;
        let daemon = scene.start(&[xsp.address()], "").await;
        let webex = scene.webex().offering(offer);

        let mut client = webex.connect().await.unwrap();
        let mut session = xsp.session().await;
        say(&mut client, b"last words").await;
        client.shutdown().await.unwrap();
        assert_eq!(hear(&mut session, 10).await, b"last words");
        ends(&mut session).await.unwrap();
        say(&mut session, b"still here").await;
        assert_eq!(hear(&mut client, 10).await, b"still here");
        session.shutdown().await.unwrap();
        ends(&mut client).await.unwrap();
        once(&daemon, "cti_session_endings", "client-closed").await;

        let mut client = webex.connect().await.unwrap();
        let mut session = xsp.session().await;
        session.shutdown().await.unwrap();
        ends(&mut client).await.unwrap();
        say(&mut client, b"one more").await;
        assert_eq!(hear(&mut session, 8).await, b"one more");
        client.shutdown().await.unwrap();
        ends(&mut session).await.unwrap();
        once(&daemon, "cti_session_endings", "upstream-closed").await;
    }
}

#[tokio::test]
async fn a_side_that_breaks_off_takes_the_other_with_it() {
    let scene = Scene::new().await;
    let mut xsp = scene.xsp().await;
    let daemon = scene.start(&[xsp.address()], "").await;
    let (client, mut session) = scene.session(&mut xsp).await;
    drop(client);
    assert!(
        ends(&mut session).await.is_err(),
        "no orderly end is made up"
    );
    once(&daemon, "cti_session_endings", "client-lost").await;
    let (mut client, session) = scene.session(&mut xsp).await;
    drop(session);
    assert!(
        ends(&mut client).await.is_err(),
        "no orderly end is made up"
    );
    once(&daemon, "cti_session_endings", "upstream-lost").await;
}

#[tokio::test]
async fn the_least_used_xsp_is_taken_and_the_next_when_it_is_down() {
    let scene = Scene::new().await;
    let (mut one, mut two) = (scene.xsp().await, scene.xsp().await);
    let upstreams = [free_address(), one.address(), two.address()];
    let daemon = scene.start(&upstreams, "").await;
    let mut held = Vec::new();
    for _ in 0..2 {
        // Whichever is taken first, the other one is next.
        held.push(scene.webex().connect().await.unwrap());
        held.push(scene.webex().connect().await.unwrap());
        drop((one.session().await, two.session().await));
    }
    daemon.logged(&["did not take", "connect-failed"]).await;
    // It is asked last for a while, so only the first session met it.
    once(&daemon, "cti_upstream_failures", "connect-failed").await;
}

#[tokio::test]
async fn without_any_xsp_the_client_is_sent_away_in_order() {
    let scene = Scene::new().await;
    let daemon = scene.start(&[free_address(), free_address()], "").await;
    let mut client = scene.webex().connect().await.unwrap();
    ends(&mut client).await.unwrap();
    once(&daemon, "connection_endings", "upstream-unreachable").await;
    let failed = counted(&daemon, "cti_upstream_failures", "connect-failed").await;
    assert_eq!(failed, 2.0, "each XSP is asked once");
}

#[tokio::test]
async fn an_xsp_that_refuses_our_certificate_is_named_with_the_remedy() {
    for version in [Offer::Tls12, Offer::Tls13] {
        let scene = Scene::new().await;
        let others = Authority::new("Somebody else");
        let xsp = Xsp::start(&scene.stage.public, &others, version).await;
        let daemon = scene.start(&[xsp.address()], "").await;
        let mut client = scene.webex().connect().await.unwrap();
        // It comes to its end, in order or not: with TLS 1.3 the session has begun by then.
        ends(&mut client).await.ok();
        once(&daemon, "cti_upstream_failures", "certificate-refused").await;
        daemon
            .logged(&[
                "did not take",
                "certificate-refused",
                "ClientAuthentication/Trusts",
                "ClientIdentity",
            ])
            .await;
    }
}

#[tokio::test]
async fn an_xsp_that_we_do_not_believe_gets_nothing() {
    let scene = Scene::new().await;
    let mut xsp = Xsp::start(&Authority::new("Evil"), &scene.provider, Offer::Both).await;
    let daemon = scene.start(&[xsp.address()], "").await;
    let mut client = scene.webex().connect().await.unwrap();
    ends(&mut client).await.unwrap();
    once(&daemon, "cti_upstream_failures", "untrusted").await;
    assert!(xsp.saw_nobody());
}

#[tokio::test]
async fn a_session_on_which_nothing_moves_is_ended_on_both_sides() {
    let scene = Scene::new().await;
    let mut xsp = scene.xsp().await;
    let daemon = scene
        .start(&[xsp.address()], "idle-timeout = \"300ms\"")
        .await;
    daemon.logged(&["idle-timeout", "short"]).await;
    let (mut client, mut session) = scene.session(&mut xsp).await;
    ends(&mut client).await.unwrap();
    ends(&mut session).await.unwrap();
    once(&daemon, "cti_session_endings", "idle").await;
}

/// The verb that lists them.
const SESSIONS: [&str; 2] = ["cti", "sessions"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_listed_with_their_bytes_and_their_absence_is_told() {
    let scene = Scene::new().await;
    let mut xsp = scene.xsp().await;
    let daemon = scene
        .start(&[xsp.address()], "absence-warning = \"100ms\"")
        .await;
    daemon.logged(&["No Webex CTI session", "never"]).await;
    let gauge = |name| format!("xspd_cti_{name}{{listener=\"cti\"}}");
    let last = gauge("last_session_timestamp_seconds");
    assert_eq!(daemon.metric(&last).await, Some(0.0));
    assert_eq!(daemon.metric(&gauge("session_present")).await, Some(0.0));
    let none = scene.stage.xspd(&SESSIONS).await;
    assert!(none.out.contains("No CTI session"), "{none:?}");

    let (mut client, mut session) = scene.session(&mut xsp).await;
    daemon.logged(&["A CTI session is open again"]).await;
    say(&mut client, b"12345").await;
    hear(&mut session, 5).await;
    say(&mut session, b"123").await;
    hear(&mut client, 3).await;
    let [listed] = &scene.sessions(&daemon).await[..] else {
        panic!("one session");
    };
    assert_eq!(listed["identity"], WEBEX_NAME);
    assert_eq!(listed["upstream"], xsp.address().to_string());
    assert_eq!(
        listed["peer"],
        client.get_ref().0.local_addr().unwrap().to_string()
    );
    assert_eq!(listed["bytes-from-client"], 5);
    assert_eq!(listed["bytes-from-upstream"], 3);
    assert_eq!(daemon.metric(&gauge("sessions_open")).await, Some(1.0));
    assert_eq!(daemon.metric(&gauge("session_present")).await, Some(1.0));
    assert!(daemon.metric(&last).await.unwrap() > 1.7e9);

    let text = scene.stage.xspd(&SESSIONS).await.well();
    assert!(
        text.contains(WEBEX_NAME) && text.contains("FROM XSP"),
        "{text}"
    );
    let shown = scene.stage.xspd(&["cti", "sessions", "--json"]).await;
    assert_eq!(shown.document()["sessions"][0]["bytes-from-client"], 5);
    let elsewhere = ["cti", "sessions", "--admin", "127.0.0.1:1"];
    let nobody = scene.stage.xspd(&elsewhere).await;
    assert_eq!(nobody.code, 69, "{nobody:?}");

    client.shutdown().await.unwrap();
    session.shutdown().await.unwrap();
    daemon.logged(&["CTI session ended", "client-closed"]).await;
    let gone = async {
        while daemon.metric(&gauge("session_present")).await != Some(0.0) {
            tokio::task::yield_now().await;
        }
    };
    timeout(BOUND, gone).await.unwrap();
    assert!(daemon.metric(&last).await.unwrap() > 1.7e9);
}

#[tokio::test]
async fn the_list_is_for_operators_where_there_is_an_operator_token() {
    let scene = Scene::new().await;
    let xsp = scene.xsp().await;
    let folder = scene.stage.path();
    crate::support::pki::write_private(&folder.join("operator"), "a-long-random-text");
    crate::support::pki::write_private(&folder.join("ocip"), "x");
    let native = format!(
        "\n[application-server]\naddresses = [\"127.0.0.1:1\"]\ntls = false\nuser-id = \"a\"\n\
         password = \"file:{folder}/ocip\"\n[auth-service]\nmode = \"native\"\n\
         client-authentication = \"mtls\"\noperator-token = \"file:{folder}/operator\"\n",
        folder = folder.display()
    );
    let config = scene.config(&[xsp.address()], "") + &native;
    std::fs::write(folder.join("xspd.toml"), &config).unwrap();
    let path = folder.join("xspd.toml");
    // Without keys it is never ready, which is another matter.
    let arguments = ["run", "--config", path.to_str().unwrap()];
    let mut daemon = Daemon::start_program(XSPD, &arguments, scene.stage.admin);
    daemon.readyz(503).await;
    let refused = daemon.admin("/cti/sessions").await;
    assert_eq!(refused.status, 401, "{}", refused.text());
    assert!(refused.field("WWW-Authenticate").is_some());
    scene.stage.xspd(&SESSIONS).await.well();
    // In a file of its own: the daemon watches the one that it was given.
    crate::support::pki::write_private(&folder.join("another"), "another-text");
    let wrong = config.replace("/operator\"", "/another\"");
    let elsewhere = folder.join("wrong");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("xspd.toml"), wrong).unwrap();
    let shown = verb::xspd(&elsewhere, &SESSIONS).await;
    assert_eq!(shown.code, 77, "{shown:?}");
}

#[tokio::test]
async fn a_reload_ends_the_sessions_that_no_longer_belong() {
    let scene = Scene::new().await;
    let mut xsp = scene.xsp().await;
    let next = Authority::new("Internal Private");
    next.write(scene.stage.path(), "CombinedCertChain2027");
    let folder = scene.stage.path().display().to_string();
    let both = scene.config(&[xsp.address()], "").replace(
        "CombinedCertChain2026.txt\"]",
        &format!("CombinedCertChain2026.txt\", \"{folder}/CombinedCertChain2027.txt\"]"),
    );
    let daemon = scene.stage.start(&both).await;
    let (mut on_old, mut old_session) = scene.session(&mut xsp).await;
    let new_client = scene.stage.client().showing(next.client(Kind::Good));
    let mut on_new = new_client.connect().await.unwrap();
    let mut new_session = xsp.session().await;

    let write = |text: &str| std::fs::write(scene.stage.path().join("xspd.toml"), text).unwrap();
    let without_old = both.replace(&format!("\"{folder}/CombinedCertChain2026.txt\", "), "");
    write(&without_old);
    daemon.signal("HUP");
    ends(&mut on_old).await.unwrap();
    ends(&mut old_session).await.unwrap();
    once(&daemon, "cti_session_endings", "trust-removed").await;
    say(&mut on_new, b"good").await;
    assert_eq!(hear(&mut new_session, 4).await, b"good");

    let other = without_old.replace(
        &format!("allowed-identities = [\"{WEBEX_NAME}\"]"),
        "allowed-identities = [\"another.webex.com\"]",
    );
    write(&other);
    daemon.signal("HUP");
    ends(&mut on_new).await.unwrap();
    ends(&mut new_session).await.unwrap();
    once(&daemon, "cti_session_endings", "identity-unlisted").await;
}

#[tokio::test]
async fn sessions_are_limited_in_all_and_by_address_and_the_place_comes_back() {
    let scene = Scene::new().await;
    let mut xsp = scene.xsp().await;
    let limits = "sessions-per-address = 1";
    let daemon = scene.start(&[xsp.address()], limits).await;
    let (mut first, mut session) = scene.session(&mut xsp).await;
    let mut second = scene.webex().connect().await.unwrap();
    ends(&mut second).await.unwrap();
    once(&daemon, "connection_endings", "address-limit").await;
    say(&mut first, b"unharmed").await;
    assert_eq!(hear(&mut session, 8).await, b"unharmed");
    first.shutdown().await.unwrap();
    session.shutdown().await.unwrap();
    once(&daemon, "cti_session_endings", "client-closed").await;
    drop(scene.session(&mut xsp).await);
}

#[tokio::test]
async fn an_xsp_that_does_not_read_makes_the_client_wait_and_nothing_is_lost() {
    let scene = Scene::new().await;
    let mut xsp = scene.xsp().await;
    let daemon = scene.start(&[xsp.address()], "").await;
    let (mut client, mut session) = scene.session(&mut xsp).await;
    // Far beyond what the kernel's buffers on both connections hold.
    const MOST: usize = 64 << 20;
    let chunk = vec![7; 64 * 1024];
    let mut written = 0;
    let writing = async {
        while written < MOST {
            written += client.write(&chunk).await.unwrap();
        }
    };
    assert!(timeout(Duration::from_secs(2), writing).await.is_err());
    assert!(written < MOST / 2, "{written} bytes are under way");
    let listed = scene.sessions(&daemon).await;
    let from_client = listed[0]["bytes-from-client"].as_u64().unwrap();
    assert!(from_client > 0 && from_client <= written as u64);
    let (heard, ()) = tokio::join!(hear(&mut session, written), async {
        bounded(client.flush()).await.unwrap();
    });
    assert!(heard.iter().all(|byte| *byte == 7));
    say(&mut session, b"thanks").await;
    assert_eq!(hear(&mut client, 6).await, b"thanks");
}

#[tokio::test]
async fn a_drain_lets_sessions_go_on_until_its_deadline() {
    let scene = Scene::new().await;
    let mut xsp = scene.xsp().await;
    let mut daemon = scene.start(&[xsp.address()], "").await;
    let (mut client, mut session) = scene.session(&mut xsp).await;
    daemon.signal("TERM");
    daemon.readyz(503).await;
    daemon.logged(&["Draining"]).await;
    let gone = async {
        while scene.webex().connect().await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(BOUND, gone).await.expect("no new sessions");
    say(&mut client, b"in flight").await;
    assert_eq!(hear(&mut session, 9).await, b"in flight");
    // Neither side ends: the deadline does.
    ends(&mut client).await.unwrap();
    ends(&mut session).await.unwrap();
    daemon.logged(&["CTI session ended", "drained"]).await;
}

#[tokio::test]
async fn a_renewed_bridge_certificate_is_taken_in_without_a_reload() {
    let scene = Scene::new().await;
    let mut xsp = scene.xsp().await;
    let daemon = scene.start(&[xsp.address()], "").await;
    let (_client, before) = scene.session(&mut xsp).await;
    let renewed = scene.provider.client_named("xspd-bridge.test", Key::P256);
    let (chain, key) = renewed.write(scene.stage.path(), "next");
    std::fs::rename(key, scene.stage.path().join("bridge.key")).unwrap();
    std::fs::rename(chain, scene.stage.path().join("bridge.pem")).unwrap();
    daemon.logged(&["Reload done", "files"]).await;
    let (_client, after) = scene.session(&mut xsp).await;
    let shown = |session: &TlsStream<TcpStream>| {
        let chain = session.get_ref().1.peer_certificates().unwrap();
        chain.first().unwrap().clone().into_owned()
    };
    assert_ne!(shown(&before), shown(&after));
    assert_eq!(Some(&shown(&after)), renewed.chain.first());
    std::fs::write(scene.stage.path().join("bridge.pem"), "torn").unwrap();
    daemon
        .logged(&["File rejected", "listener.cti.bridge"])
        .await;
    let (_client, kept) = scene.session(&mut xsp).await;
    assert_eq!(shown(&kept), shown(&after));
}

/// Webex's certificate at the daemon of the lab, whose XSP streams what people do.
#[tokio::test]
async fn in_the_lab_a_call_is_heard_of_over_cti() {
    use base64::Engine as _;
    let lab = Lab::shared().await;
    let (chain, key) = lab.client("good");
    let identity = Identity::read(&chain, &key);
    let webex = Client::new(lab.endpoint("cti")).showing(identity);
    let mut stream = webex.connect().await.unwrap();
    let mut heard = Vec::new();
    hear_until(&mut stream, &mut heard, "ChannelHeartBeat").await;

    let user = "carol@as.example.net";
    let users = lab.description()["users"].as_array().unwrap();
    let carol = users.iter().find(|held| held["user-id"] == user).unwrap();
    let password = carol["password"].as_str().unwrap();
    let credentials =
        base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    let call = format!(
        "POST /com.broadsoft.xsi-actions/v2.0/user/{user}/calls/new?address=5550019 HTTP/1.1\r\n\
         Host: localhost\r\nAuthorization: Basic {credentials}\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n"
    );
    let xsi = Client::new(lab.endpoint("xsi")).name("localhost");
    let answer = xsi.exchange(call.as_bytes()).await.unwrap();
    assert!(answer.status < 300, "{}", answer.text());
    hear_until(&mut stream, &mut heard, user).await;
    let text = String::from_utf8_lossy(&heard).into_owned();
    let event = text.lines().find(|line| line.contains(user)).unwrap();
    assert!(event.contains("xsi:SubscriptionEvent"), "{event}");
    assert!(
        event.contains("xspd-bridge.lab.example.net"),
        "the XSP knows the bridge: {event}"
    );
}

async fn hear_until(stream: &mut (impl AsyncRead + Unpin), heard: &mut Vec<u8>, word: &str) {
    bounded(async {
        while !String::from_utf8_lossy(heard).contains(word) {
            if stream.read_buf(heard).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    })
    .await
    .expect(word);
}
