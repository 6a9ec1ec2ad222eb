//! The daemon's OCI-P client against the lab's Application Server: two implementations that share
//! no code but the XML reader.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use tempfile::TempDir;
use tokio::net::TcpListener;

use xspd::config::ApplicationServer;
use xspd::config::ApplicationServerTls;
use xspd::config::OcipLogin;
use xspd::config::secret::Secret;
use xspd::config::secret::SecretRef;
use xspd::lab::broadworks::BroadWorks;
use xspd::outbound::broadworks::ocip::Login;
use xspd::outbound::broadworks::ocip::Ocip;
use xspd::outbound::broadworks::ocip::OcipFailure;
use xspd::outbound::broadworks::ocip::Standing;
use xspd::platform::tasks::Tasks;
use xspd::telemetry::Telemetry;

use crate::support::BOUND;
use crate::support::pki::Authority;
use crate::support::pki::Key;
use crate::support::pki::write_private;

const ALICE: &str = "alice@as.example.net";
const SERVER: &str = "as1.example.net";

/// A lab with its own state, and a client of it.
struct Stage {
    lab: Arc<BroadWorks>,
    ocip: Ocip,
    tasks: Tasks,
    directory: TempDir,
}

impl Stage {
    async fn start(tls: bool) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let lab = BroadWorks::open(directory.path(), true).expect("a fresh lab");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let authority = Authority::new("Lab AS CA");
        let server = tls.then(|| Arc::new(server(&authority)));
        let tasks = Tasks::new();
        let (served, own) = (Arc::clone(&lab), tasks.clone());
        tasks.worker("lab-ocip", async move {
            served.serve_ocip(listener, server, own.stop(), &own).await;
        });
        let ca = tls.then(|| authority.write(directory.path(), "ca"));
        let config = Self::config(&lab, &directory, address, ca);
        let telemetry = Telemetry::new();
        let ocip = Ocip::new(&config, &tasks, Arc::clone(&telemetry.ocip)).expect("a client");
        Self {
            lab,
            ocip,
            tasks,
            directory,
        }
    }

    fn config(
        lab: &BroadWorks,
        directory: &TempDir,
        address: SocketAddr,
        ca: Option<PathBuf>,
    ) -> ApplicationServer {
        let account = lab.provisioning_administrator();
        let password = directory.path().join("password");
        write_private(&password, &account.password);
        ApplicationServer {
            cluster: None,
            addresses: vec![(address.ip().to_string(), address.port())],
            tls: ca.map(|ca| ApplicationServerTls {
                ca,
                server_name: Some(SERVER.to_owned()),
            }),
            user_id: account.id,
            password: SecretRef::File(password),
            login: OcipLogin::Auto,
            requests_per_second: 1000.0,
            burst: 1000,
            connect_timeout: BOUND,
            response_timeout: BOUND,
        }
    }

    async fn verify(&self, user: &str, password: &str) -> Result<String, OcipFailure> {
        let password = Secret::new(password.as_bytes().to_vec());
        let login = Login::Password {
            user,
            password: &password,
        };
        self.ocip
            .verify(&login)
            .await
            .map(|verified| verified.user_id)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

fn server(authority: &Authority) -> ServerConfig {
    let identity = authority.server(&[SERVER], Key::P256);
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(identity.chain.clone(), identity.private_key())
        .expect("a pair")
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a list of questions")]
async fn every_request_of_the_client_is_understood_by_the_lab() {
    for tls in [false, true] {
        let stage = Stage::start(tls).await;
        let ocip = &stage.ocip;
        assert_eq!(ocip.software_version().await.expect("a version"), "24.0");

        assert_eq!(
            stage.verify(ALICE, "Passw0rd!").await.expect("alice"),
            ALICE
        );
        let wrong = stage.verify(ALICE, "wrong").await;
        assert_eq!(wrong, Err(OcipFailure::BadCredentials));

        let before = ocip.login_info(ALICE).await.expect("alice");
        assert_eq!(before.user_id, ALICE);
        assert_eq!(before.token_revocation_ms, None);
        assert_eq!(before.locked_for, None);
        assert!(before.is_enterprise);
        ocip.revoke_tokens(Some(ALICE)).await.expect("revoked");
        let after = ocip.login_info(ALICE).await.expect("alice");
        assert!(after.token_revocation_ms > Some(1_700_000_000_000));
        ocip.revoke_tokens(None).await.expect("all revoked");
        let bob = ocip.login_info("bob@as.example.net").await.expect("bob");
        assert!(bob.token_revocation_ms >= after.token_revocation_ms);

        let token = ocip.create_login_token(ALICE).await.expect("a token");
        let by_token = ocip.verify(&Login::LoginToken(token.expose())).await;
        assert_eq!(by_token.expect("alice").user_id, ALICE);

        let user = ocip.user("zoe@as.example.net").await.expect("zoe");
        assert_eq!((&*user.first_name, &*user.last_name), ("Zoë", "Quist"));
        assert_eq!(
            (&*user.service_provider_id, &*user.group_id),
            ("ent1", "branch")
        );
        let imp = ocip.integrated_imp(ALICE).await.expect("her service");
        assert!(imp.is_active);
        let field = ocip.busy_lamp_field(ALICE).await.expect("her list");
        assert_eq!(
            field.monitored,
            ["bob@as.example.net", "carol@as.example.net"]
        );
        assert!(
            ocip.service_provider("ent1")
                .await
                .expect("ent1")
                .is_enterprise
        );
        let acme = ocip.service_provider("acme").await.expect("acme");
        assert_eq!(acme.reseller_id.as_deref(), Some("reseller1"));
        let amy = ocip.user("amy@acme.example.net").await.expect("amy");
        assert_eq!(amy.reseller_id, acme.reseller_id);
        let reseller = ocip.reseller_messaging("reseller1").await.expect("its");
        assert!(reseller.inherited && reseller.url.is_none());
        let unknown = ocip.reseller_messaging("nobody").await;
        assert!(
            matches!(unknown, Err(OcipFailure::Refused { .. })),
            "{unknown:?}"
        );
        let identities = ocip.client_identities().await.expect("the list");
        assert!(identities.iter().all(|identity| !identity.is_empty()));

        for user in ["nobody@as.example.net", "zoë€<&@as.example.net"] {
            let unknown = OcipFailure::UnknownUser;
            assert_eq!(ocip.login_info(user).await, Err(unknown.clone()));
            assert_eq!(ocip.user(user).await, Err(unknown.clone()));
            let token = ocip.create_login_token(user).await;
            assert_eq!(token.map(|_| ()), Err(unknown.clone()));
            assert_eq!(ocip.revoke_tokens(Some(user)).await, Err(unknown));
        }
        let request = if tls {
            "LoginRequest22V5"
        } else {
            "LoginRequest14sp4"
        };
        assert!(stage.lab.ocip_faults().requests(request) >= 1);
        assert_eq!(ocip.standing(), Standing::Up);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_user_is_told_apart_and_how_long_is_known() {
    let stage = Stage::start(false).await;
    for _ in 0..20 {
        let outcome = stage.verify(ALICE, "wrong").await;
        if outcome == Err(OcipFailure::Locked) {
            let info = stage.ocip.login_info(ALICE).await.expect("alice");
            let left = info.locked_for.expect("a lock");
            assert!(left <= Duration::from_secs(600), "{left:?}");
            let right = stage.verify(ALICE, "Passw0rd!").await;
            assert_eq!(right, Err(OcipFailure::Locked));
            return;
        }
        assert_eq!(outcome, Err(OcipFailure::BadCredentials));
    }
    panic!("the lab locks after five bad passwords");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_gets_over_what_the_lab_does_wrong() {
    let stage = Stage::start(false).await;
    let (ocip, faults) = (&stage.ocip, stage.lab.ocip_faults());
    ocip.login_info(ALICE).await.expect("alice");

    faults.tear_next(1);
    ocip.login_info(ALICE).await.expect("asked again");

    faults.cut_connections();
    ocip.revoke_tokens(Some(ALICE))
        .await
        .expect("on a new connection");

    // A wrong encoding changes a name, never who somebody is.
    faults.misencode_next(1);
    assert_eq!(
        stage.verify(ALICE, "Passw0rd!").await.expect("alice"),
        ALICE
    );

    faults.write_error_codes(true);
    let unknown = ocip.login_info("nobody@as.example.net").await;
    assert_eq!(unknown, Err(OcipFailure::UnknownUser));

    // The lab forgets nothing, so this is how a lost session looks.
    faults.fail_next(1, 5404, "Unauthorized transaction.");
    ocip.login_info(ALICE).await.expect("after a new login");

    faults.fail_next(1, 4711, "Something else");
    let other = ocip.busy_lamp_field(ALICE).await;
    assert!(
        matches!(
            other,
            Err(OcipFailure::Refused {
                code: Some(4711),
                ..
            })
        ),
        "{other:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_known_to_be_and_found_again() {
    let stage = Stage::start(false).await;
    let (ocip, faults) = (&stage.ocip, stage.lab.ocip_faults());
    ocip.login_info(ALICE).await.expect("alice");
    faults.refuse_connections(true);
    faults.cut_connections();
    let waiting = async {
        while ocip.standing() == Standing::Up {
            ocip.login_info(ALICE).await.ok();
        }
        faults.refuse_connections(false);
        while ocip.standing() != Standing::Up {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(BOUND, waiting).await.expect("in time");
    ocip.login_info(ALICE).await.expect("alice is back");
    // Kept for its life: the password lies in it.
    assert!(stage.directory.path().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_release_is_asked_in_its_own_forms() {
    let stage = Stage::start(false).await;
    let (ocip, faults) = (&stage.ocip, stage.lab.ocip_faults());
    for name in [
        "ServiceProviderGetRequest22V4",
        "UserGetLoginInfoRequestRI",
        "UserGetRequest21sp1",
        "UserGetRequest22",
        "UserGetRequest23V2",
    ] {
        faults.hide(name);
    }
    for _ in 0..2 {
        let info = ocip.login_info(ALICE).await.expect("alice");
        assert_eq!(info.user_id, ALICE);
        let user = ocip.user(ALICE).await.expect("alice");
        assert_eq!((&*user.first_name, user.user_id), ("Renée", None));
        let provider = ocip.service_provider("ent1").await.expect("ent1");
        assert!(provider.is_enterprise);
    }
    // What it answered is remembered.
    assert_eq!(faults.requests("UserGetRequest20"), 2);
    assert_eq!(faults.requests("ServiceProviderGetRequest17sp1"), 2);
}
