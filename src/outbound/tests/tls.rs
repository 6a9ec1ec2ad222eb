//! TLS towards upstreams: by CA, by pin, with our certificate.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use http::Method;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::IsCa;
use rcgen::KeyPair;
use rcgen::PublicKeyData;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use tempfile::TempDir;

use super::fake::Fake;
use super::fake::Script;
use super::setup::Bench;
use super::setup::pool;
use crate::config::CertificateFiles;
use crate::config::UpstreamTls;
use crate::config::secret::SecretRef;

const NAME: &str = "xsp1.example.com";

/// A CA, a server certificate from it, and files.
struct Pki {
    directory: TempDir,
    ca: CertifiedIssuer<'static, KeyPair>,
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

impl Pki {
    fn new() -> Self {
        let ca = authority();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([NAME.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &ca).unwrap();
        Self {
            directory: TempDir::new().unwrap(),
            ca,
            chain: vec![certificate.der().clone()],
            key,
        }
    }

    /// What an XSP makes when it is installed: self-signed and a CA.
    fn self_signed() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([NAME.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            directory: TempDir::new().unwrap(),
            ca: authority(),
            chain: vec![certificate.der().clone()],
            key,
        }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn ca_file(&self) -> PathBuf {
        self.write("ca.pem", &self.ca.pem())
    }

    fn pin(&self) -> [u8; 32] {
        let digest = ::aws_lc_rs::digest::digest(
            &::aws_lc_rs::digest::SHA256,
            &self.key.subject_public_key_info(),
        );
        digest.as_ref().try_into().unwrap()
    }

    fn server(&self) -> ServerConfig {
        self.finish(server_builder().with_no_client_auth())
    }

    fn server_that_asks(&self) -> ServerConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(
            Arc::new(roots),
            Arc::new(aws_lc_rs::default_provider()),
        );
        let verifier = verifier.build().unwrap();
        self.finish(server_builder().with_client_cert_verifier(verifier))
    }

    fn finish(
        &self,
        builder: rustls::ConfigBuilder<ServerConfig, rustls::server::WantsServerCert>,
    ) -> ServerConfig {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        builder.with_single_cert(self.chain.clone(), key).unwrap()
    }

    /// A client certificate from the CA, in files.
    fn client(&self) -> CertificateFiles {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["xspd.example.com".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.ca).unwrap();
        CertificateFiles {
            chain: self.write("client.pem", &certificate.pem()),
            key: SecretRef::File(self.write("client.key", &key.serialize_pem())),
        }
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn server_builder() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
}

fn tls(ca: Option<PathBuf>, pins: Vec<[u8; 32]>) -> UpstreamTls {
    UpstreamTls {
        ca,
        pins,
        server_name: NAME.to_owned(),
        client_certificate: None,
    }
}

async fn outcome(server: ServerConfig, tls: UpstreamTls) -> Result<String, String> {
    let fake = Fake::start_tls([Script::ok()], server).await;
    let mut config = pool(&[fake.address]);
    config.upstreams[0].tls = Some(tls);
    let bench = Bench::new(&config);
    bench
        .text(Method::GET)
        .await
        .map_err(|failure| failure.as_str().to_owned())?;
    let second = bench.text(Method::GET).await;
    assert_eq!(fake.accepted(), 1, "the connection was not used again");
    second.map_err(|failure| failure.as_str().to_owned())
}

fn ok() -> Result<String, String> {
    Ok("200 ok".to_owned())
}

fn refused() -> Result<String, String> {
    Err("tls-failed".to_owned())
}

#[tokio::test]
async fn an_upstream_is_believed_by_its_ca_and_name() {
    let pki = Pki::new();
    assert_eq!(
        outcome(pki.server(), tls(Some(pki.ca_file()), vec![])).await,
        ok()
    );

    let stranger = Pki::new();
    assert_eq!(
        outcome(pki.server(), tls(Some(stranger.ca_file()), vec![])).await,
        refused()
    );

    let other_name = UpstreamTls {
        server_name: "xsp2.example.com".to_owned(),
        ..tls(Some(pki.ca_file()), vec![])
    };
    assert_eq!(outcome(pki.server(), other_name).await, refused());
}

#[tokio::test]
async fn with_ca_and_pin_both_must_hold() {
    let pki = Pki::new();
    let stranger = Pki::new();
    let both = tls(Some(pki.ca_file()), vec![stranger.pin(), pki.pin()]);
    assert_eq!(outcome(pki.server(), both).await, ok());
    let wrong_pin = tls(Some(pki.ca_file()), vec![stranger.pin()]);
    assert_eq!(outcome(pki.server(), wrong_pin).await, refused());
    let wrong_ca = tls(Some(stranger.ca_file()), vec![pki.pin()]);
    assert_eq!(outcome(pki.server(), wrong_ca).await, refused());
}

#[tokio::test]
async fn a_self_signed_upstream_is_believed_by_its_pin_alone() {
    let pki = Pki::self_signed();
    assert_eq!(
        outcome(pki.server(), tls(None, vec![pki.pin()])).await,
        ok()
    );
    let other = Pki::self_signed();
    assert_eq!(
        outcome(pki.server(), tls(None, vec![other.pin()])).await,
        refused()
    );
}

#[tokio::test]
async fn a_pinned_certificate_without_its_key_is_refused() {
    let pki = Pki::self_signed();
    let thief = KeyPair::generate().unwrap();
    let key = PrivateKeyDer::try_from(thief.serialize_der()).unwrap();
    let key = aws_lc_rs::sign::any_supported_type(&key).unwrap();
    let resolver = rustls::sign::SingleCertAndKey::from(rustls::sign::CertifiedKey::new(
        pki.chain.clone(),
        key,
    ));
    let server = server_builder()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    assert_eq!(outcome(server, tls(None, vec![pki.pin()])).await, refused());
}

#[tokio::test]
async fn our_certificate_is_shown_to_an_upstream_that_asks() {
    let pki = Pki::new();
    let fake = Fake::start_tls([Script::ok()], pki.server_that_asks()).await;
    let mut config = pool(&[fake.address]);
    config.upstreams[0].tls = Some(UpstreamTls {
        client_certificate: Some(pki.client()),
        ..tls(Some(pki.ca_file()), vec![])
    });
    let bench = Bench::new(&config);
    assert_eq!(bench.text(Method::POST).await.unwrap(), "200 ok");
    assert_eq!(fake.client_certificates(), 1);

    config.upstreams[0].tls = Some(tls(Some(pki.ca_file()), vec![]));
    let without = Bench::new(&config).text(Method::POST).await.unwrap_err();
    assert_eq!(without.as_str(), "closed-before-answer");
}

#[tokio::test]
async fn plain_http_where_tls_is_due_is_a_tls_failure() {
    let pki = Pki::new();
    let fake = Fake::start([Script::new().say("HTTP/1.1 400 Bad Request\r\n\r\n").hold()]).await;
    let mut config = pool(&[fake.address]);
    config.upstreams[0].tls = Some(tls(Some(pki.ca_file()), vec![]));
    let failure = Bench::new(&config).text(Method::GET).await.unwrap_err();
    assert_eq!(failure.as_str(), "tls-failed");
}
