//! What single parts of the edge cost: `cargo bench --bench parts`.

mod desk;

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::BatchSize;
use criterion::Criterion;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::PKCS_ECDSA_P256_SHA256;
use rcgen::PKCS_RSA_SHA256;
use rcgen::PublicKeyData as _;
use rcgen::RsaKeySize;
use rcgen::SignatureAlgorithm;
use rustls::ClientConfig;
use rustls::ClientConnection;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::ServerConnection;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::ServerName;
use rustls::server::NoServerSessionStorage;
use rustls::server::WebPkiClientVerifier;

use xspd::config::SigningAlgorithm;
use xspd::domain::auth::keys::KeySet;
use xspd::domain::auth::token::Amr;
use xspd::domain::auth::token::Claims;
use xspd::domain::auth::token::TokenRules;
use xspd::domain::certs::CertificateFacts;
use xspd::domain::certs::TrustRules;
use xspd::domain::certs::trust_file;
use xspd::domain::edge::target;
use xspd::domain::xsi::path::ActionPath;
use xspd::jose::ClientKey;
use xspd::jose::KeyRing;
use xspd::jose::KeyWrap;
use xspd::jose::SigningKey;
use xspd::jose::encrypt;
use xspd::platform::clock;

type Failure = Box<dyn Error>;

const NAME: &str = "xsp1.example.net";

/// Path of the Xsi-Actions context.
const CONTEXT: &str = "/com.broadsoft.xsi-actions";

fn main() -> Result<(), Failure> {
    let mut criterion = Criterion::default().configure_from_args();
    targets(&mut criterion);
    certificates(&mut criterion)?;
    handshakes(&mut criterion)?;
    tokens(&mut criterion)?;
    desk::judging(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

fn targets(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("target");
    for (name, rest) in [
        (
            "plain",
            "/v2.0/user/alice@as.example.net/profile?format=json",
        ),
        (
            "encoded",
            "/v2.0/user/alice%40as.example.net/directories/Enterprise?firstName=J%C3%B6rg*",
        ),
    ] {
        let raw = format!("{CONTEXT}{rest}");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let canonical = target::judge(black_box(raw.as_bytes()));
                // As the router does: the part below the context is the policy's.
                canonical.map(|canonical| {
                    let below = canonical.path().get(CONTEXT.len()..).unwrap_or_default();
                    black_box(ActionPath::parse(below).user().is_some())
                })
            });
        });
    }
    group.finish();
}

fn certificates(criterion: &mut Criterion) -> Result<(), Failure> {
    let pki = Pki::mint(&PKCS_ECDSA_P256_SHA256)?;
    let leaf = pki.certificate.der();
    criterion.bench_function("certificate/facts", |bencher| {
        bencher.iter(|| CertificateFacts::parse(black_box(leaf)));
    });
    // Webex's file holds its old and its new chain, four certificates.
    let mut bundle = String::new();
    for _ in 0..2 {
        let pki = Pki::mint(&PKCS_ECDSA_P256_SHA256)?;
        bundle.push_str(&pki.issuing.pem());
        bundle.push_str(&pki.root.pem());
    }
    let now = clock::wall();
    criterion.bench_function("trust-file/four-anchors", |bencher| {
        bencher.iter(|| {
            let bytes = black_box(bundle.as_bytes());
            trust_file::parse(bytes, now, TrustRules::live(true))
        });
    });
    Ok(())
}

fn handshakes(criterion: &mut Criterion) -> Result<(), Failure> {
    let mut group = criterion.benchmark_group("mtls-handshake-in-memory");
    for (name, algorithm) in [
        ("p256", &PKCS_ECDSA_P256_SHA256),
        ("rsa2048", &PKCS_RSA_SHA256),
    ] {
        let ends = Pki::mint(algorithm)?.ends()?;
        // Both ends together; the edge pays its half.
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || ends.connections(),
                |connections| connections.and_then(shake),
                BatchSize::SmallInput,
            );
        });
        ends.connections().and_then(shake)?;
    }
    group.finish();
    Ok(())
}

/// With a key of the default length, 3072 bits; nothing is cached.
fn tokens(criterion: &mut Criterion) -> Result<(), Failure> {
    let now = clock::wall();
    let mut set = KeySet::empty();
    let key = SigningKey::generate(3072)?;
    set.generate(key.to_record(SigningAlgorithm::Rs256)?, now)?;
    let ring = KeyRing::from_set(&set, now)?;
    let month = Duration::from_secs(720 * 3600);
    let user = "alice@as.example.net";
    let claims = Claims::new("BroadWorks", user, now, month, [7; 16], Amr::Ci);
    let token = ring.issue(&claims)?;
    let rules = TokenRules::new("BroadWorks");
    ring.verify(&token, &rules, now)?;
    let client = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
    let client = URL_SAFE_NO_PAD.encode(client.subject_public_key_info());
    let parsed = ClientKey::parse(&client)?;
    let mut group = criterion.benchmark_group("token");
    group.bench_function("verify-rs256-3072", |bencher| {
        bencher.iter(|| ring.verify(black_box(&token), &rules, now));
    });
    group.bench_function("issue-rs256-3072", |bencher| {
        bencher.iter(|| ring.issue(black_box(&claims)));
    });
    group.bench_function("client-key-2048", |bencher| {
        bencher.iter(|| ClientKey::parse(black_box(&client)));
    });
    group.bench_function("encrypt-rsa-oaep-256-2048", |bencher| {
        bencher.iter(|| encrypt(black_box(&token), &parsed, KeyWrap::RsaOaep256));
    });
    group.finish();
    Ok(())
}

/// Carries records between the two until both are done.
fn shake(
    (mut client, mut server): (ClientConnection, ServerConnection),
) -> Result<(ClientConnection, ServerConnection), Failure> {
    // Three flights in TLS 1.3; a bound, should they ever wait for each other.
    for _ in 0..8 {
        let mut flight = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut flight)?;
        }
        server.read_tls(&mut flight.as_slice())?;
        server.process_new_packets()?;
        let mut flight = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut flight)?;
        }
        client.read_tls(&mut flight.as_slice())?;
        client.process_new_packets()?;
        if !client.is_handshaking() && !server.is_handshaking() {
            return Ok((client, server));
        }
    }
    Err("the handshake does not end".into())
}

/// A root, an issuing CA and a leaf that serves both ends.
struct Pki {
    root: CertifiedIssuer<'static, KeyPair>,
    issuing: CertifiedIssuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Pki {
    fn mint(algorithm: &'static SignatureAlgorithm) -> Result<Self, Failure> {
        let root = CertifiedIssuer::self_signed(
            ca("Root CA", BasicConstraints::Unconstrained)?,
            KeyPair::generate()?,
        )?;
        let issuing = CertifiedIssuer::signed_by(
            ca("Issuing CA", BasicConstraints::Constrained(0))?,
            KeyPair::generate()?,
            &root,
        )?;
        let key = if *algorithm == PKCS_RSA_SHA256 {
            KeyPair::generate_rsa_for(algorithm, RsaKeySize::_2048)?
        } else {
            KeyPair::generate_for(algorithm)?
        };
        let mut leaf = named(NAME)?;
        leaf.subject_alt_names = CertificateParams::new(vec![NAME.to_owned()])?.subject_alt_names;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        let certificate = leaf.signed_by(&key, &issuing)?;
        Ok(Self {
            root,
            issuing,
            certificate,
            key,
        })
    }

    fn ends(&self) -> Result<Ends, Failure> {
        let provider = Arc::new(CryptoProvider {
            kx_groups: vec![aws_lc_rs::kx_group::X25519],
            ..aws_lc_rs::default_provider()
        });
        let mut roots = RootCertStore::empty();
        roots.add(self.root.der().clone())?;
        let roots = Arc::new(roots);
        let chain = vec![self.certificate.der().clone(), self.issuing.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
                .build()?;
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain.clone(), key.clone_key())?;
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        client.resumption = Resumption::disabled();
        Ok(Ends {
            client: Arc::new(client),
            server: Arc::new(server),
        })
    }
}

struct Ends {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl Ends {
    fn connections(&self) -> Result<(ClientConnection, ServerConnection), Failure> {
        let client = ClientConnection::new(Arc::clone(&self.client), ServerName::try_from(NAME)?)?;
        Ok((client, ServerConnection::new(Arc::clone(&self.server))?))
    }
}

fn ca(name: &str, constraints: BasicConstraints) -> Result<CertificateParams, Failure> {
    let mut params = named(name)?;
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn named(name: &str) -> Result<CertificateParams, Failure> {
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    let now = time::OffsetDateTime::from(clock::wall());
    params.not_before = now - time::Duration::DAY;
    params.not_after = now + time::Duration::days(365);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}
