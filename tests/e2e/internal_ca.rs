//! The bridge's client certificate is renewed, and its CA replaced, under a running daemon and while
//! sessions come and go: real handshakes, none of them refused.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use xspd::domain::certs::CertificateFacts;
use xspd::platform::clock;
use xspd::tls::authority;
use xspd::tls::authority::ClientRequest;
use xspd::tls::authority::InternalCa;
use xspd::tls::authority::KeyType;

use crate::e2e::stage::HOST;
use crate::e2e::stage::Stage;
use crate::support::BOUND;
use crate::support::accepting::Accepting;
use crate::support::client::bounded;
use crate::support::daemon::Daemon;
use crate::support::pki::Authority;
use crate::support::pki::Key;
use crate::support::pki::WEBEX_NAME;
use crate::support::pki::write_private;

/// Name of the XSP's certificate.
const XSP: &str = "xsp.internal.test";

const DAY: Duration = Duration::from_secs(86_400);

/// The CTI interface of an XSP that says back what it hears. It believes in what is in its file of
/// anchors at the moment of a handshake.
struct Xsp {
    seen: Arc<Mutex<BTreeSet<String>>>,
    refused: Arc<AtomicUsize>,
    accepting: Accepting,
}

impl Xsp {
    async fn start(server: &Authority, anchors: PathBuf) -> Self {
        let identity = server.server(&[XSP], Key::P256);
        let (seen, refused) = (Arc::<Mutex<BTreeSet<String>>>::default(), Arc::default());
        let (noted, counted) = (Arc::clone(&seen), Arc::clone(&refused));
        let accepting = Accepting::start(move |tcp| {
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let mut roots = RootCertStore::empty();
            for anchor in CertificateDer::pem_file_iter(&anchors).unwrap() {
                roots.add(anchor.unwrap()).unwrap();
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            let config = ServerConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_client_cert_verifier(verifier.build().unwrap())
                .with_single_cert(identity.chain.clone(), identity.private_key())
                .unwrap();
            let (noted, counted): (_, Arc<AtomicUsize>) =
                (Arc::clone(&noted), Arc::clone(&counted));
            async move {
                let accepted = TlsAcceptor::from(Arc::new(config)).accept(tcp).await;
                let mut stream = match accepted {
                    Ok(stream) => stream,
                    Err(error) => {
                        counted.fetch_add(usize::from(refuses(&error)), Ordering::Relaxed);
                        return;
                    }
                };
                let shown = stream.get_ref().1.peer_certificates().unwrap();
                let facts = CertificateFacts::parse(&shown[0]).unwrap();
                noted.lock().unwrap().insert(facts.issuer + &facts.serial);
                let mut heard = [0; 64];
                while let Ok(count @ 1..) = stream.read(&mut heard).await {
                    if stream.write_all(&heard[..count]).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await;
        Self {
            seen,
            refused,
            accepting,
        }
    }

    fn refusals(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    /// Whether a certificate with this mark in issuer and serial was shown.
    fn has_seen(&self, leaf: &CertificateFacts) -> bool {
        let seen = self.seen.lock().unwrap();
        seen.contains(&format!("{}{}", leaf.issuer, leaf.serial))
    }
}

/// Whether a handshake ended because of the certificate that was shown, and not because the other
/// side went away.
fn refuses(error: &std::io::Error) -> bool {
    let error = error.get_ref().and_then(|error| error.downcast_ref());
    matches!(
        error,
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)
    )
}

struct Scene {
    stage: Stage,
    xsp: Xsp,
}

impl Scene {
    /// A CA that began `age` ago, and a bridge's certificate of it that is good for 90 days from then.
    async fn new(age: Duration) -> Self {
        let stage = Stage::new().await;
        let folder = stage.path().to_owned();
        let begun = clock::wall() - age;
        let ca = authority::new_ca("Provider internal", KeyType::EcdsaP256, 3_650, begun).unwrap();
        let directory = folder.join("ca");
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("internal-ca.pem"), &ca.certificate).unwrap();
        write_private(&directory.join("internal-ca-key.pem"), &ca.key);
        let issuer = InternalCa::load(ca.certificate.as_bytes(), &ca.key, begun).unwrap();
        let request = ClientRequest {
            common_name: "xspd-bridge.test",
            dns_names: &[],
            purpose: None,
            days: 90,
            key: KeyType::EcdsaP256,
        };
        let leaf = issuer.issue_client(&request, begun).unwrap();
        std::fs::write(folder.join("bridge.pem"), &leaf.certificate).unwrap();
        write_private(&folder.join("bridge.key"), &leaf.key);
        std::fs::write(folder.join("xsp-ca.pem"), stage.public.root_pem()).unwrap();
        let anchors = folder.join("xsp-anchors.pem");
        std::fs::write(&anchors, &ca.certificate).unwrap();
        let xsp = Xsp::start(&stage.public, anchors).await;
        Self { stage, xsp }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.stage.path().join(name)
    }

    fn config(&self) -> String {
        format!(
            r#"{common}
[internal-ca]
directory = "{folder}/ca"
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
upstreams = ["{xsp}"]
ca = "{folder}/xsp-ca.pem"
server-name = "{XSP}"
client-certificate = {{ chain = "{folder}/bridge.pem", key = "file:{folder}/bridge.key" }}
"#,
            common = self.stage.common(),
            address = self.stage.address,
            folder = self.stage.path().display(),
            xsp = self.xsp.accepting.address(),
        )
    }

    async fn start(&self) -> Daemon {
        self.stage.start(&self.config()).await
    }

    /// The XSP believes in what the folder of the CA says, from one handshake to the next.
    fn install_anchors(&self) {
        let fresh = self.path("xsp-anchors.new");
        std::fs::copy(self.path("ca/internal-ca-trust.pem"), &fresh).unwrap();
        std::fs::rename(fresh, self.path("xsp-anchors.pem")).unwrap();
    }

    fn leaf(&self) -> CertificateFacts {
        let leaf = CertificateDer::from_pem_file(self.path("bridge.pem")).unwrap();
        CertificateFacts::parse(&leaf).unwrap()
    }

    async fn certs(&self, words: &[&str]) -> (Option<i32>, String) {
        let said = self.stage.xspd(&[&["certs"], words].concat()).await;
        let (code, said) = said.all();
        (Some(code), said)
    }

    /// Sessions that come and go until `stop`; each says something and hears it back.
    fn load(&self, stop: &Arc<AtomicBool>, done: &Arc<AtomicUsize>) -> JoinSet<()> {
        let mut load = JoinSet::new();
        for _ in 0..2 {
            let client = self.stage.webex_client();
            let (stop, done) = (Arc::clone(stop), Arc::clone(done));
            load.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let mut session = client.connect().await.unwrap();
                    let said = bounded(async {
                        session.write_all(b"login").await?;
                        let mut heard = [0; 5];
                        session.read_exact(&mut heard).await?;
                        Ok(heard)
                    });
                    assert_eq!(&said.await.expect("no session is refused"), b"login");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        load
    }
}

/// Waits until it is so, as long as a failing test may take.
async fn until(what: &str, daemon: &Daemon, is: impl Fn() -> bool) {
    let waiting = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(BOUND, waiting).await;
    assert!(waited.is_ok(), "{what}: {:#?}", daemon.lines());
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bridges_certificate_renews_itself_and_no_session_is_refused() {
    // Two thirds of 90 days are over.
    let scene = Scene::new(DAY * 70).await;
    let before = scene.leaf();
    let daemon = scene.start().await;
    let (stop, done) = (Arc::default(), Arc::default());
    let mut load = scene.load(&stop, &done);
    let path = scene.path("bridge.pem");
    let is_new = move || {
        let leaf = CertificateDer::from_pem_file(&path).unwrap();
        CertificateFacts::parse(&leaf).unwrap().fingerprint != before.fingerprint
    };
    until("renewed", &daemon, is_new).await;
    let after = scene.leaf();
    // The trial has shown it once; the sessions of the daemon do from the reload on.
    daemon.logged(&["Renewed by the internal CA"]).await;
    daemon.logged(&["Reload done"]).await;
    let at_swap = done.load(Ordering::Relaxed);
    until("sessions go on", &daemon, || {
        done.load(Ordering::Relaxed) >= at_swap + 20
    })
    .await;
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = load.join_next().await {
        ended.unwrap();
    }
    assert!(scene.xsp.has_seen(&after));
    assert_eq!(scene.xsp.refusals(), 0);
    assert_eq!(after.common_name(), Some("xspd-bridge.test"));
    assert!(after.not_after > clock::wall() + DAY * 89);
    assert_eq!(mode(&scene.path("bridge.key")), 0o600);
    // It is watched as what renews itself, and the CA beside it.
    let listed = async {
        loop {
            let (_, said) = scene.certs(&["list", "--json"]).await;
            let list: Value = serde_json::from_str(&said).unwrap_or_default();
            let all = list["certificates"].as_array().cloned().unwrap_or_default();
            let kind = |kind: &str| all.iter().any(|held| held["kind"] == kind);
            if kind("managed-leaf") && kind("ca") {
                return;
            }
            daemon.signal("HUP");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(BOUND, listed).await.expect("listed");
    // And the way back is there, as after any activation.
    let (code, said) = scene.certs(&["rollback", "cti/bridge"]).await;
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ca_is_replaced_with_an_overlap_and_no_session_is_refused() {
    let scene = Scene::new(DAY).await;
    let daemon = scene.start().await;
    let (stop, done) = (Arc::default(), Arc::default());
    let mut load = scene.load(&stop, &done);
    let before = scene.leaf();

    let (code, said) = scene.certs(&["rotate-internal-ca", "prepare"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("updateTrust xspdca"), "{said}");
    assert_eq!(mode(&scene.path("ca/internal-ca-next-key.pem")), 0o600);
    // The XSP does not know the next CA: it is asked, and nothing is changed.
    let (code, said) = scene.certs(&["rotate-internal-ca", "activate"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("REFUSES it") && said.contains("NOT ROTATED"),
        "{said}"
    );
    assert_eq!(scene.leaf().fingerprint, before.fingerprint);
    assert_eq!(scene.xsp.refusals(), 1, "the trial alone");

    scene.install_anchors();
    let (code, said) = scene
        .certs(&["rotate-internal-ca", "activate", "--json"])
        .await;
    assert_eq!(code, Some(0), "{said}");
    let document: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(document["rotated"], true);
    assert_eq!(document["xsps"][0]["verdict"], "accepted");
    let after = scene.leaf();
    assert_ne!(after.fingerprint, before.fingerprint);
    daemon.logged(&["Reload done"]).await;
    let at_swap = done.load(Ordering::Relaxed);
    until("sessions go on", &daemon, || {
        done.load(Ordering::Relaxed) >= at_swap + 20
    })
    .await;
    assert!(scene.xsp.has_seen(&after));

    // Nothing of the old CA is shown any more, so its anchor can go.
    let (code, said) = scene.certs(&["rotate-internal-ca", "retire"]).await;
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("30 days"), "{said}");
    let (code, said) = scene
        .certs(&["rotate-internal-ca", "retire", "--force"])
        .await;
    assert_eq!(code, Some(0), "{said}");
    scene.install_anchors();
    let at_end = done.load(Ordering::Relaxed);
    until("sessions go on", &daemon, || {
        done.load(Ordering::Relaxed) >= at_end + 20
    })
    .await;
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = load.join_next().await {
        ended.unwrap();
    }
    assert_eq!(scene.xsp.refusals(), 1, "the trial alone");
    let (code, said) = scene.certs(&["rotate-internal-ca", "status"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("in use: cti/bridge"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_by_hand_asks_the_xsps_first() {
    let scene = Scene::new(DAY).await;
    std::fs::write(scene.path("xspd.toml"), scene.config()).unwrap();
    let before = scene.leaf();
    // It believes in somebody else.
    let other = Authority::new("Somebody else");
    std::fs::write(scene.path("xsp-anchors.pem"), other.root_pem()).unwrap();
    let (code, said) = scene.certs(&["renew", "cti/bridge"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("NOT USED"), "{said}");
    assert_eq!(scene.leaf().fingerprint, before.fingerprint);
    std::fs::copy(
        scene.path("ca/internal-ca.pem"),
        scene.path("xsp-anchors.pem"),
    )
    .unwrap();
    let (code, said) = scene.certs(&["renew", "cti/bridge", "--json"]).await;
    assert_eq!(code, Some(0), "{said}");
    let document: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(document["xsps"][0]["verdict"], "accepted");
    assert_ne!(scene.leaf().fingerprint, before.fingerprint);
    // Where the key of the CA is kept elsewhere, that is said.
    std::fs::remove_file(scene.path("ca/internal-ca-key.pem")).unwrap();
    let (code, said) = scene.certs(&["renew", "cti/bridge"]).await;
    assert_eq!(code, Some(66), "{said}");
    assert!(said.contains("the key of the CA is not in"), "{said}");
}
