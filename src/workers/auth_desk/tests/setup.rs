//! A desk with keys, an Application Server behind it, and a client that reads its tokens.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::aead::AES_256_GCM;
use aws_lc_rs::aead::Aad;
use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::aead::Nonce;
use aws_lc_rs::aead::UnboundKey;
use aws_lc_rs::rsa::OAEP_SHA256_MGF1SHA256;
use aws_lc_rs::rsa::OaepPrivateDecryptingKey;
use aws_lc_rs::rsa::PrivateDecryptingKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::KeyPair;
use rcgen::PublicKeyData as _;
use tempfile::TempDir;
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use crate::config;
use crate::config::Config;
use crate::config::secret::SecretRef;
use crate::domain::auth::answer::Refused;
use crate::domain::auth::backoff::Peer;
use crate::domain::auth::keys::KeySet;
use crate::domain::auth::parameters::Password;
use crate::jose::SigningKey;
use crate::lab::broadworks::BroadWorks;
use crate::outbound::tests::setup;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::auth_desk::issue::Issued;
use crate::workers::auth_desk::issue::Proof;

pub(crate) const ALICE: &str = "alice@as.example.net";
pub(crate) const BOB: &str = "bob@as.example.net";
pub(crate) const PASSWORD: &str = "Passw0rd!";
pub(crate) const OPERATOR: &str = "operators-only";

/// Everything that a desk needs.
pub(crate) struct Bench {
    pub(crate) desk: AuthDesk,
    pub(crate) lab: Arc<BroadWorks>,
    pub(crate) config: Config,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) tasks: Tasks,
    /// `<state-dir>`.
    pub(crate) directory: TempDir,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A desk with one key, changed by `change`.
    pub(crate) async fn with(change: impl FnOnce(&mut config::AuthService)) -> Self {
        let directory = TempDir::new().unwrap();
        let lab = BroadWorks::open(directory.path(), true).unwrap();
        let tasks = Tasks::new();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (served, stop, of) = (Arc::clone(&lab), tasks.stop(), tasks.clone());
        tasks.connection(async move { served.serve_ocip(listener, None, stop, &of).await });
        make_keys(directory.path(), &mut KeySet::empty());
        let mut config = setup::config([]);
        configure(&mut config, directory.path(), &lab, address, change);
        let telemetry = Arc::new(Telemetry::new());
        let desk = AuthDesk::build(&config, &tasks, &telemetry, None);
        Self {
            desk: desk.unwrap().unwrap(),
            lab,
            config,
            telemetry,
            tasks,
            directory,
        }
    }

    /// As after a restart, or on another node with the same files.
    pub(crate) fn another(&self) -> AuthDesk {
        let telemetry = Telemetry::new();
        let desk = AuthDesk::build(&self.config, &self.tasks, &telemetry, None);
        desk.unwrap().unwrap()
    }

    /// As after a reload with the same configuration.
    pub(crate) fn reloaded(&self, previous: &AuthDesk) -> AuthDesk {
        let telemetry = Telemetry::new();
        let desk = AuthDesk::build(&self.config, &self.tasks, &telemetry, Some(previous));
        desk.unwrap().unwrap()
    }

    /// A token for a user of the lab.
    pub(crate) async fn token(&self, user: &str) -> String {
        let client = Client::new();
        let issued = login(&self.desk, &client, user, PASSWORD).await;
        client.open(&issued.unwrap().token)
    }

    /// The Application Server is gone, and what the client knows of it too.
    pub(crate) fn take_server_down(&self) {
        self.lab.ocip_faults().refuse_connections(true);
        self.lab.ocip_faults().cut_connections();
    }

    /// The value of a series by the start of its line.
    pub(crate) fn metric(&self, start: &str) -> u64 {
        let text = self.telemetry.render();
        let line = text.lines().find(|line| line.starts_with(start));
        let line = line.unwrap_or_else(|| panic!("no {start}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

/// A native AuthService in `config`, with everything below `state`.
pub(crate) fn configure(
    config: &mut Config,
    state: &Path,
    lab: &BroadWorks,
    address: SocketAddr,
    change: impl FnOnce(&mut config::AuthService),
) {
    let login = lab.provisioning_administrator();
    state.clone_into(&mut config.state_dir);
    config.application_server = Some(config::ApplicationServer {
        cluster: None,
        addresses: vec![(address.ip().to_string(), address.port())],
        tls: None,
        user_id: login.id,
        password: secret(state, "ocip", &login.password),
        login: config::OcipLogin::Auto,
        requests_per_second: 1000.0,
        burst: 1000,
        connect_timeout: Duration::from_secs(5),
        response_timeout: Duration::from_secs(10),
    });
    let mut rules = config::AuthService {
        client_authentication: config::ClientAuthentication::Mtls,
        basic: true,
        asserted_user_header: None,
        response_format: config::TokenResponse::Json,
        rsa_oaep_sha1: false,
        foreign_bearer: config::ForeignBearer::Refuse,
        administrators: Vec::new(),
        operator_token: Some(secret(state, "operator", OPERATOR)),
        farm_identities: vec!["client.webex.example".to_owned()],
        tokens: config::TokenManagement {
            issuer: "BroadWorks".to_owned(),
            duration: Duration::from_secs(720 * 3600),
            algorithm: config::SigningAlgorithm::Rs256,
        },
        keys: config::KeyManagement {
            directory: state.join("authservice"),
            length: 2048,
        },
        revocation: config::Revocation {
            refresh: Duration::from_secs(60),
            stale_limit: Duration::from_secs(900),
        },
        login_tokens: config::LoginTokens {
            cache: Duration::from_secs(50),
            users: 100,
        },
        cisco: None,
    };
    change(&mut rules);
    config.auth_service = Some(rules);
}

fn secret(state: &Path, name: &str, text: &str) -> SecretRef {
    let path = state.join(name);
    std::fs::write(&path, text).unwrap();
    private(&path);
    SecretRef::File(path)
}

fn private(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Adds a key to the set and writes the set's file.
pub(crate) fn make_keys(state: &Path, set: &mut KeySet) {
    let key = SigningKey::generate(2048).unwrap();
    let now = clock::wall();
    let record = key.to_record(config::SigningAlgorithm::Rs256).unwrap();
    set.generate(record, now).unwrap();
    write_keys(state, set);
}

pub(crate) fn write_keys(state: &Path, set: &KeySet) {
    let directory = state.join("authservice");
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("keys.json");
    std::fs::write(&path, &*set.to_json().unwrap()).unwrap();
    private(&path);
}

/// Who asks for tokens.
pub(crate) struct Client {
    private: OaepPrivateDecryptingKey,
    /// As it stands behind `key=`.
    pub(crate) key: String,
}

impl Client {
    pub(crate) fn new() -> Self {
        let size = rcgen::RsaKeySize::_2048;
        let pair = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size).unwrap();
        let private = PrivateDecryptingKey::from_pkcs8(&pair.serialize_der()).unwrap();
        Self {
            private: OaepPrivateDecryptingKey::new(private).unwrap(),
            key: URL_SAFE_NO_PAD.encode(pair.subject_public_key_info()),
        }
    }

    /// Decrypts a compact JWE.
    pub(crate) fn open(&self, jwe: &str) -> String {
        let parts: Vec<_> = jwe.split('.').collect();
        let bytes = |at: usize| URL_SAFE_NO_PAD.decode(parts[at]).unwrap();
        let mut room = [0; 256];
        let wrapped = bytes(1);
        let key = self
            .private
            .decrypt(&OAEP_SHA256_MGF1SHA256, &wrapped, &mut room, None)
            .unwrap();
        let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
        let nonce = Nonce::try_assume_unique_for_key(&bytes(2)).unwrap();
        let mut content = [bytes(3), bytes(4)].concat();
        let opened = cipher
            .open_in_place(nonce, Aad::from(parts[0]), &mut content)
            .unwrap();
        String::from_utf8(opened.to_vec()).unwrap()
    }
}

/// Asks with a password, from an address.
pub(crate) async fn login(
    desk: &AuthDesk,
    client: &Client,
    user: &str,
    password: &str,
) -> Result<Issued, Refused> {
    let proof = Proof::Password(Password {
        user: user.to_owned(),
        password: Zeroizing::new(password.to_owned()),
    });
    let peer = Peer::Address([192, 0, 2, 1].into());
    desk.issue(&client.key, proof, peer).await
}
