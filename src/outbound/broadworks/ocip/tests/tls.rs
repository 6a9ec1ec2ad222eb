//! TLS towards the Application Server, and what is wrong with the configuration.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use prometheus_client::registry::Registry;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::IsCa;
use rcgen::KeyPair;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::PrivateKeyDer;
use tempfile::TempDir;

use super::fake::Asked;
use super::fake::Fake;
use super::fake::Reply;
use super::fake::login_info;
use super::setup::Bench;
use super::setup::PASSWORD;
use super::setup::Plan;
use crate::config::ApplicationServerTls;
use crate::config::secret::SecretRef;
use crate::outbound::broadworks::ocip::Ocip;
use crate::outbound::broadworks::ocip::OcipFailure;
use crate::outbound::broadworks::ocip::Unreachable;
use crate::platform::tasks::Tasks;
use crate::telemetry::ocip::OcipMetrics;

const NAME: &str = "as1.example.net";

struct Pki {
    directory: TempDir,
    ca: CertifiedIssuer<'static, KeyPair>,
}

impl Pki {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self {
            directory: TempDir::new().unwrap(),
            ca: CertifiedIssuer::self_signed(params, key).unwrap(),
        }
    }

    fn ca_file(&self) -> PathBuf {
        let path = self.directory.path().join("ca.pem");
        fs::write(&path, self.ca.pem()).unwrap();
        path
    }

    fn server(&self) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([NAME.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.ca).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}

fn alice(asked: &Asked) -> Reply {
    match asked.name.as_str() {
        "UserGetLoginInfoRequestRI" => login_info("1"),
        _ => Reply::Usual,
    }
}

fn bench(fake: &Fake, ca: PathBuf, server_name: &str) -> Bench {
    let tls = ApplicationServerTls {
        ca,
        server_name: Some(server_name.to_owned()),
    };
    let plan = Plan {
        tls: Some(tls),
        ..Plan::to(&[fake.address])
    };
    plan.start()
}

#[tokio::test]
async fn over_tls_the_password_login_is_used() {
    let pki = Pki::new();
    let fake = Fake::start_with(Some(pki.server()), alice).await;
    let bench = bench(&fake, pki.ca_file(), NAME);
    bench.ocip.login_info("alice").await.unwrap();
    assert_eq!(
        fake.all("LoginRequest22V5").remove(0).text("password"),
        PASSWORD
    );
}

#[tokio::test]
async fn a_server_without_the_password_login_is_logged_in_by_digest() {
    let pki = Pki::new();
    let fake = Fake::start_with(Some(pki.server()), |asked| match asked.name.as_str() {
        "LoginRequest22V5" => Reply::Error("Unknown request".to_owned()),
        _ => alice(asked),
    })
    .await;
    let bench = bench(&fake, pki.ca_file(), NAME);
    bench.ocip.login_info("alice").await.unwrap();
    assert!(!fake.all("LoginRequest14sp4").is_empty());
}

#[tokio::test]
async fn a_wrong_password_is_not_tried_by_digest() {
    let pki = Pki::new();
    let fake = Fake::start_with(Some(pki.server()), |asked| match asked.name.as_str() {
        "LoginRequest22V5" => Reply::Error("[Error 4962] Invalid password".to_owned()),
        _ => alice(asked),
    })
    .await;
    let bench = bench(&fake, pki.ca_file(), NAME);
    bench.ocip.login_info("alice").await.unwrap_err();
    assert!(fake.all("AuthenticationRequest").is_empty());
}

#[tokio::test]
async fn another_ca_and_another_name_are_refused_before_anything_is_said() {
    let (pki, other) = (Pki::new(), Pki::new());
    for (ca, name) in [(other.ca_file(), NAME), (pki.ca_file(), "as2.example.net")] {
        let fake = Fake::start_with(Some(pki.server()), alice).await;
        let bench = bench(&fake, ca, name);
        let failure = bench.ocip.login_info("alice").await.unwrap_err();
        assert_eq!(failure, OcipFailure::Unreachable(Unreachable::Connect));
        assert!(fake.names().is_empty());
    }
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_is_refused_with_a_remedy() {
    let directory = TempDir::new().unwrap();
    let refusal = |change: &dyn Fn(&mut crate::config::ApplicationServer)| {
        let address = ([127, 0, 0, 1], 1).into();
        let mut config = Plan::to(&[address]).config(&directory);
        change(&mut config);
        let mut registry = Registry::default();
        let metrics = OcipMetrics::register(&mut registry);
        let outcome = Ocip::new(&config, &Tasks::new(), metrics);
        outcome.err().expect("a refusal").to_string()
    };
    let ca = directory.path().join("none.pem");
    let tls = |server_name: Option<&str>| ApplicationServerTls {
        ca: ca.clone(),
        server_name: server_name.map(str::to_owned),
    };
    assert!(refusal(&|config| config.addresses.clear()).contains("no address"));
    assert!(refusal(&|config| config.tls = Some(tls(None))).contains("cannot be read"));
    let name = refusal(&|config| config.tls = Some(tls(Some("a b"))));
    assert!(name.contains("set server-name"), "{name}");
    let missing = SecretRef::File(directory.path().join("none"));
    let password = refusal(&|config| config.password = missing.clone());
    assert!(
        password.contains("application-server: the password"),
        "{password}"
    );
    let id = refusal(&|config| config.user_id = "\0".to_owned());
    assert!(id.contains("cannot be sent"), "{id}");
    fs::write(directory.path().join("latin1"), b"\xe4").unwrap();
    let latin1 = directory.path().join("latin1");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&latin1, mode).unwrap();
    let encoding = refusal(&|config| config.password = SecretRef::File(latin1.clone()));
    assert!(encoding.contains("not UTF-8"), "{encoding}");
}
