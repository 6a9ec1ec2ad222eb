//! Our own AuthService in front of the lab: from a password to a token to Xsi, and everything
//! that must end in a refusal.

use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use aws_lc_rs::aead::AES_256_GCM;
use aws_lc_rs::aead::Aad;
use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::aead::Nonce;
use aws_lc_rs::aead::UnboundKey;
use aws_lc_rs::hmac;
use aws_lc_rs::rsa::OAEP_SHA256_MGF1SHA256;
use aws_lc_rs::rsa::OaepPrivateDecryptingKey;
use aws_lc_rs::rsa::PrivateDecryptingKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::KeyPair;
use rcgen::PublicKeyData as _;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

use xspd::config::SigningAlgorithm;
use xspd::domain::auth::keys::KeySet;
use xspd::domain::auth::token::Amr;
use xspd::domain::auth::token::Claims;
use xspd::jose::KeyRing;
use xspd::jose::SigningKey;
use xspd::lab::broadworks::BroadWorks;
use xspd::platform::clock;
use xspd::platform::tasks::Tasks;

use crate::e2e::stage::HOST;
use crate::e2e::stage::Stage;
use crate::support::BOUND;
use crate::support::client::Answer;
use crate::support::client::Client;
use crate::support::daemon::Daemon;
use crate::support::daemon::free_address;
use crate::support::pki::WEBEX_NAME;
use crate::support::pki::write_private;

const ALICE: &str = "alice@as.example.net";
const BOB: &str = "bob@as.example.net";
const PASSWORD: &str = "Passw0rd!";
const OPERATOR: &str = "only-for-operators";
const PAUSE: Duration = Duration::from_millis(50);

/// A lab over real sockets, a daemon in front of it, and a client of that.
struct Scene {
    lab: Arc<BroadWorks>,
    stage: Stage,
    daemon: Daemon,
    config: String,
    keys: Keys,
    tasks: Tasks,
    _lab_state: TempDir,
}

impl Scene {
    async fn start(revocation: &str) -> Self {
        let lab_state = TempDir::new().expect("a temporary directory");
        let lab = BroadWorks::open(lab_state.path(), true).expect("a fresh lab");
        let tasks = Tasks::new();
        let (xsi, ocip) = (listener().await, listener().await);
        let (xsi_at, ocip_at) = (address(&xsi), address(&ocip));
        let (served, own) = (Arc::clone(&lab), tasks.clone());
        tasks.worker("lab-ocip", async move {
            served.serve_ocip(ocip, None, own.stop(), &own).await;
        });
        let (served, own) = (Arc::clone(&lab), tasks.clone());
        tasks.worker("lab-xsi", async move {
            served.serve_xsi(xsi, own.stop(), &own).await;
        });
        let stage = Stage::new().await;
        let keys = Keys::new(stage.path().join("state/authservice"));
        let config = config(&stage, &lab, xsi_at, ocip_at, revocation);
        let daemon = stage.start(&config).await;
        Self {
            lab,
            stage,
            daemon,
            config,
            keys,
            tasks,
            _lab_state: lab_state,
        }
    }

    /// Asks for a token as Webex does, by certificate and the user's password.
    async fn token(&self, user: &str) -> String {
        token_from(&self.stage.webex_client(), user).await
    }

    async fn profile(&self, user: &str, token: &str) -> Answer {
        profile_from(&self.stage.webex_client(), user, token).await
    }

    /// Waits until the profile answers so.
    async fn until(&self, user: &str, token: &str, status: u16) -> Answer {
        let found = tokio::time::timeout(BOUND, async {
            loop {
                let answer = self.profile(user, token).await;
                if answer.status == status {
                    return answer;
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
        let lines = || self.daemon.lines();
        found
            .await
            .unwrap_or_else(|_| panic!("never {status}: {:#?}", lines()))
    }

    /// Runs `xspd authservice revoke`.
    async fn revoke(&self, what: &[&str]) -> i32 {
        let words = [&["authservice", "revoke"], what].concat();
        self.stage.xspd(&words).await.code
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

/// The keys of the daemon, as an operator keeps them.
struct Keys {
    directory: PathBuf,
    set: KeySet,
}

impl Keys {
    fn new(directory: PathBuf) -> Self {
        let mut keys = Self {
            directory,
            set: KeySet::empty(),
        };
        keys.add();
        keys
    }

    fn add(&mut self) {
        let key = SigningKey::generate(2048).expect("a key");
        let record = key.to_record(SigningAlgorithm::Rs256).expect("a record");
        let state = self.set.generate(record, clock::wall());
        state.expect("a place for the key");
        self.write();
    }

    fn rotate(&mut self) {
        let life = Duration::from_secs(3600);
        self.set.rotate(clock::wall(), life).expect("a next key");
        self.write();
    }

    /// In place by a rename, as `xspd keys` does it.
    fn write(&self) {
        std::fs::create_dir_all(&self.directory).expect("the directory");
        let text = self.set.to_json().expect("JSON");
        let next = self.directory.join("next");
        write_private(&next, std::str::from_utf8(&text).expect("UTF-8"));
        std::fs::rename(next, self.directory.join("keys.json")).expect("the file");
    }

    fn ring(&self) -> KeyRing {
        KeyRing::from_set(&self.set, clock::wall()).expect("a ring")
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

fn address(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("an address")
}

fn config(
    stage: &Stage,
    lab: &BroadWorks,
    xsi: SocketAddr,
    ocip: SocketAddr,
    revocation: &str,
) -> String {
    let account = lab.provisioning_administrator();
    let folder = stage.path();
    write_private(&folder.join("ocip-password"), &account.password);
    write_private(&folder.join("operator-token"), OPERATOR);
    let upstream = format!("http://{}", stage.upstream.address());
    let listener = format!(
        "client-certificates = \"required\"\ntrust = \"webex\"\nallowed-identities = [\"{WEBEX_NAME}\"]"
    );
    let edge = stage.config(&listener, "");
    format!(
        r#"{edge}
[application-server]
addresses = ["{ocip}"]
tls = false
user-id = "{user}"
password = "file:{folder}/ocip-password"
requests-per-second = 1000.0
burst = 1000
[auth-service]
mode = "native"
client-authentication = "mtls"
operator-token = "file:{folder}/operator-token"
identity-providers = {{ cisco = {{ enabled = false }} }}
[auth-service.revocation]
{revocation}
"#,
        edge = edge.replace(&upstream, &format!("http://{xsi}")),
        user = account.id,
        folder = folder.display(),
    )
}

async fn token_from(client: &Client, user: &str) -> String {
    let size = rcgen::RsaKeySize::_2048;
    let pair = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size).expect("a key pair");
    let key = URL_SAFE_NO_PAD.encode(pair.subject_public_key_info());
    let credentials = STANDARD.encode(format!("{user}:{PASSWORD}"));
    let request = format!(
        "GET /authService/token?key={key} HTTP/1.1\r\nHost: {HOST}\r\n\
         Authorization: Basic {credentials}\r\n\r\n"
    );
    let answer = client
        .exchange(request.as_bytes())
        .await
        .expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
    open(&pair, body["token"].as_str().expect("a token"))
}

/// Decrypts a compact JWE.
fn open(pair: &KeyPair, jwe: &str) -> String {
    let parts: Vec<_> = jwe.split('.').collect();
    let bytes = |at: usize| URL_SAFE_NO_PAD.decode(parts[at]).expect("base64url");
    let private = PrivateDecryptingKey::from_pkcs8(&pair.serialize_der()).expect("a key");
    let private = OaepPrivateDecryptingKey::new(private).expect("a key");
    let mut room = [0; 256];
    let key = private
        .decrypt(&OAEP_SHA256_MGF1SHA256, &bytes(1), &mut room, None)
        .expect("our key");
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("a key"));
    let nonce = Nonce::try_assume_unique_for_key(&bytes(2)).expect("a nonce");
    let mut content = [bytes(3), bytes(4)].concat();
    let opened = cipher
        .open_in_place(nonce, Aad::from(parts[0]), &mut content)
        .expect("untouched");
    String::from_utf8(opened.to_vec()).expect("a token")
}

async fn profile_from(client: &Client, user: &str, token: &str) -> Answer {
    let request = format!(
        "GET /com.broadsoft.xsi-actions/v2.0/user/{user}/profile HTTP/1.1\r\nHost: {HOST}\r\n\
         Authorization: bearer {token}\r\n\r\n"
    );
    client
        .exchange(request.as_bytes())
        .await
        .expect("an answer")
}

const FAST: &str = "refresh = \"1s\"\nstale-limit = \"15m\"";

#[tokio::test]
async fn a_token_opens_its_users_xsi_and_nobody_elses_and_no_forgery_opens_any() {
    let scene = Scene::start(FAST).await;
    let token = scene.token(ALICE).await;
    let own = scene.profile(ALICE, &token).await;
    assert_eq!(own.status, 200, "{}", own.text());
    assert!(own.text().contains("Example"), "{}", own.text());
    for head in [&own.head, &own.text()] {
        assert!(!head.contains("BroadWorksSSO"), "{head}");
    }
    let other = scene.profile(BOB, &token).await;
    assert_eq!(other.status, 403, "{}", other.text());
    for (attack, forged) in forgeries(&scene.keys, &token) {
        let answer = scene.profile(ALICE, &forged).await;
        assert_eq!(answer.status, 401, "{attack}: {}", answer.text());
        let challenge = answer.field("www-authenticate").expect("a challenge");
        assert!(challenge.starts_with("Bearer "), "{challenge}");
        assert!(answer.text().contains("ErrorInfo"), "{attack}");
    }
    let log = scene.daemon.lines().join("\n");
    for secret in [token.as_str(), PASSWORD, "key=", "BroadWorksSSO "] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

/// Tokens that must open nothing, by what is wrong with them.
fn forgeries(keys: &Keys, good: &str) -> Vec<(&'static str, String)> {
    let ring = keys.ring();
    let (now, day) = (clock::wall(), Duration::from_secs(86_400));
    let claims =
        |issuer: &str, now: SystemTime| Claims::new(issuer, ALICE, now, day, [7; 16], Amr::Pwd);
    let issue = |claims: Claims| ring.issue(&claims).expect("a token");
    let parts: Vec<_> = good.split('.').collect();
    let part = |at: usize| URL_SAFE_NO_PAD.decode(parts[at]).expect("base64url");
    let header: Value = serde_json::from_slice(&part(0)).expect("a header");
    let with = |name: &str, value: Value| {
        let mut changed = header.clone();
        changed[name] = value;
        URL_SAFE_NO_PAD.encode(changed.to_string())
    };
    let none = format!("{}.{}.", with("alg", "none".into()), parts[1]);
    let unsigned = format!("{}.{}.{}", with("alg", "none".into()), parts[1], parts[2]);
    let critical = with("crit", serde_json::json!(["exp"]));
    let embedded = with("jwk", serde_json::json!({"kty": "RSA"}));
    let symmetric = with("alg", "HS256".into());
    let public = hmac::Key::new(hmac::HMAC_SHA256, ring.jwks().as_bytes());
    let signed = format!("{symmetric}.{}", parts[1]);
    let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&public, signed.as_bytes()));
    let claims_of_bob = String::from_utf8(part(1))
        .expect("JSON")
        .replace(ALICE, BOB);
    let of_bob = URL_SAFE_NO_PAD.encode(claims_of_bob);
    let stranger = SigningKey::generate(2048).expect("a key");
    let own = claims("BroadWorks", now).to_ascii_json();
    let own = stranger.sign(SigningAlgorithm::Rs256, own.as_bytes());
    vec![
        ("alg none", none),
        ("alg none with a signature", unsigned),
        ("HS256 with the public key", format!("{signed}.{tag}")),
        ("crit", format!("{critical}.{}.{}", parts[1], parts[2])),
        (
            "a key in the header",
            format!("{embedded}.{}.{}", parts[1], parts[2]),
        ),
        (
            "other claims",
            format!("{}.{of_bob}.{}", parts[0], parts[2]),
        ),
        ("a stranger's key", own.expect("a token")),
        ("ended", issue(claims("BroadWorks", now - 2 * day))),
        ("not yet begun", issue(claims("BroadWorks", now + day))),
        (
            "another issuer",
            issue(claims("https://idbroker.webex.com/idb", now)),
        ),
        ("no token", "x.y.z".to_owned()),
        ("half a token", good[..good.len() / 2].to_owned()),
    ]
}

#[tokio::test]
async fn revocation_by_token_by_user_and_by_system_ends_tokens() {
    let scene = Scene::start(FAST).await;
    let (one, two) = (scene.token(ALICE).await, scene.token(ALICE).await);
    let bob = scene.token(BOB).await;
    for (user, token) in [(ALICE, &one), (ALICE, &two), (BOB, &bob)] {
        assert_eq!(scene.profile(user, token).await.status, 200);
    }
    let file = scene.stage.path().join("token");
    write_private(&file, &one);
    let file = file.to_str().expect("a UTF-8 path");
    assert_eq!(scene.revoke(&["--token", file]).await, 0);
    let dead = scene.profile(ALICE, &one).await;
    assert_eq!(dead.status, 401, "{}", dead.text());
    assert!(dead.text().contains("revoked"), "{}", dead.text());
    assert_eq!(scene.profile(ALICE, &two).await.status, 200);
    assert_eq!(scene.revoke(&["--user", ALICE]).await, 0);
    assert_eq!(scene.profile(ALICE, &two).await.status, 401);
    assert_eq!(scene.profile(BOB, &bob).await.status, 200);
    assert_eq!(scene.revoke(&["--user", "nobody@as.example.net"]).await, 65);
    assert_eq!(scene.revoke(&["--all"]).await, 64);
    // Somebody else revokes at the Application Server: we learn of it within the refresh time.
    scene.lab.revoke_tokens(None).expect("revoked");
    scene.until(BOB, &bob, 401).await;
    let fresh = scene.token(BOB).await;
    assert_eq!(scene.profile(BOB, &fresh).await.status, 200);
}

#[tokio::test]
async fn without_the_application_server_known_tokens_hold_on_for_a_while_and_then_fail_closed() {
    let scene = Scene::start("refresh = \"1s\"\nstale-limit = \"8s\"").await;
    let token = scene.token(ALICE).await;
    assert_eq!(scene.profile(ALICE, &token).await.status, 200);
    scene.lab.ocip_faults().refuse_connections(true);
    scene.lab.ocip_faults().cut_connections();
    assert_eq!(
        scene.profile(ALICE, &token).await.status,
        200,
        "it is known"
    );
    let refused = scene.until(ALICE, &token, 503).await;
    assert!(refused.field("retry-after").is_some());
    // The client gives a server up after a few failures, not after one.
    let told = tokio::time::timeout(BOUND, async {
        loop {
            scene.profile(ALICE, &token).await;
            let ready = scene.daemon.admin("/readyz").await;
            assert_eq!(ready.status, 200, "degraded, not down");
            if ready.text().contains("Application Server") {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    told.await.expect("/readyz says what is missing");
    scene.lab.ocip_faults().clear();
    scene.until(ALICE, &token, 200).await;
}

#[tokio::test]
async fn a_corrected_password_of_the_application_server_is_used_without_a_restart() {
    let scene = Scene::start("refresh = \"1s\"\nstale-limit = \"2s\"").await;
    let token = scene.token(ALICE).await;
    let file = scene.stage.path().join("ocip-password");
    let good = std::fs::read_to_string(&file).expect("the password");
    // The connection that is open would go on.
    write_private(&file, "wrong");
    scene.lab.ocip_faults().cut_connections();
    scene.until(ALICE, &token, 503).await;
    // A refused login alone would not be tried again for minutes.
    write_private(&file, &good);
    scene.until(ALICE, &token, 200).await;
}

#[tokio::test]
async fn keys_rotate_under_load_and_another_node_with_them_takes_the_tokens() {
    let mut scene = Scene::start(FAST).await;
    let token = scene.token(ALICE).await;
    let reloads = async |scene: &Scene, generation: f64| {
        let series = "xspd_auth_keys_generation";
        let seen = tokio::time::timeout(BOUND, async {
            while scene.daemon.metric(series).await != Some(generation) {
                tokio::time::sleep(PAUSE).await;
            }
        });
        seen.await.expect("the keys are read");
    };
    let client = scene.stage.webex_client();
    let stop = tokio_util::sync::CancellationToken::new();
    let load = {
        let (client, token, stop) = (client.clone(), token.clone(), stop.clone());
        async move {
            let mut asked = 0_u32;
            while !stop.is_cancelled() {
                let old = profile_from(&client, ALICE, &token).await;
                assert_eq!(old.status, 200, "{}", old.text());
                let new = token_from(&client, ALICE).await;
                let new = profile_from(&client, ALICE, &new).await;
                assert_eq!(new.status, 200, "{}", new.text());
                asked += 1;
            }
            asked
        }
    };
    let rotate = async {
        scene.keys.add();
        let next = scene.keys.set.generation() as f64;
        reloads(&scene, next).await;
        scene.keys.rotate();
        let active = scene.keys.set.generation() as f64;
        reloads(&scene, active).await;
        stop.cancel();
    };
    let (asked, ()) = tokio::join!(load, rotate);
    assert!(asked > 0);
    let second = Second::start(&scene, Path::new("state/authservice/keys.json")).await;
    let answer = profile_from(&second.client, ALICE, &token).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Another node of the farm with a copy of the keys.
struct Second {
    client: Client,
    _daemon: Daemon,
    _folder: TempDir,
}

impl Second {
    async fn start(scene: &Scene, keys: &Path) -> Self {
        let folder = TempDir::new().expect("a temporary directory");
        let copy = folder.path().join("state/authservice");
        std::fs::create_dir_all(&copy).expect("the directory");
        let text = std::fs::read_to_string(scene.stage.path().join(keys)).expect("the keys");
        write_private(&copy.join("keys.json"), &text);
        let (address, admin) = (free_address(), free_address());
        let state = format!("{}/state", scene.stage.path().display());
        let config = scene
            .config
            .replace(&state, &format!("{}/state", folder.path().display()))
            .replace(&scene.stage.address.to_string(), &address.to_string())
            .replace(&scene.stage.admin.to_string(), &admin.to_string());
        let daemon = Daemon::start(folder.path(), &config, admin).await;
        let webex = scene.stage.webex.client(crate::support::pki::Client::Good);
        let client = Client::new(address)
            .name(HOST)
            .trusting(scene.stage.public.root())
            .showing(webex);
        Self {
            client,
            _daemon: daemon,
            _folder: folder,
        }
    }
}
