//! Certificates for tests, shaped like Webex's: a root, an issuing CA, leaves with both purposes.
//! Everything is signed with SHA-2 and lives in memory until a test writes it to a file.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::PKCS_ECDSA_P256_SHA256;
use rcgen::PKCS_ECDSA_P384_SHA384;
use rcgen::PKCS_ED25519;
use rcgen::PKCS_RSA_SHA256;
use rcgen::RsaKeySize;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::PrivatePkcs8KeyDer;
use time::Duration;
use time::OffsetDateTime;

use xspd::platform::clock;

/// The name that Webex's clients carry.
pub(crate) const WEBEX_NAME: &str = "bwks.webex.com";

/// Kind of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Ed25519,
    P256,
    P384,
    Rsa2048,
}

/// What a client's certificate is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// Everything is right.
    Good,
    /// Ended yesterday.
    Expired,
    /// Begins tomorrow.
    NotYetValid,
    /// Right in all but its name.
    WrongName,
    /// Has no extended key usage at all.
    NoPurpose,
    /// For servers only.
    ServerPurpose,
}

impl Client {
    pub(crate) const ALL: [Self; 6] = [
        Self::Good,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongName,
        Self::NoPurpose,
        Self::ServerPurpose,
    ];
}

/// A chain, leaf first, and the key of its leaf.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

impl Identity {
    /// A certificate that signs itself.
    pub(crate) fn self_signed(name: &str) -> Self {
        let key = key_pair(Key::P256);
        let certificate = leaf(name).self_signed(&key).expect("a certificate");
        Self {
            chain: vec![certificate.der().clone()],
            key,
        }
    }

    /// One that lies in files.
    pub(crate) fn read(chain: &Path, key: &Path) -> Self {
        use rustls::pki_types::pem::PemObject as _;
        let certificates = CertificateDer::pem_file_iter(chain).expect("a chain file");
        let key = fs::read_to_string(key).expect("a key file");
        Self {
            chain: certificates
                .collect::<Result<_, _>>()
                .expect("certificates"),
            key: KeyPair::from_pem(&key).expect("a key"),
        }
    }

    /// The same without its intermediate, as a badly set up peer sends it.
    pub(crate) fn leaf_only(mut self) -> Self {
        self.chain.truncate(1);
        self
    }

    pub(crate) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()))
    }

    pub(crate) fn chain_pem(&self) -> String {
        pem(&self.chain)
    }

    pub(crate) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// Writes `STEM.pem` and `STEM.key` (mode 0600) and returns both paths.
    pub(crate) fn write(&self, folder: &Path, stem: &str) -> (PathBuf, PathBuf) {
        let chain = folder.join(format!("{stem}.pem"));
        let key = folder.join(format!("{stem}.key"));
        fs::write(&chain, self.chain_pem()).expect("the chain is written");
        write_private(&key, &self.key_pem());
        (chain, key)
    }
}

/// A root and an issuing CA below it.
pub(crate) struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    issuing: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// A fresh authority; two of the same name differ in their keys, as Webex's old and new roots
    /// do.
    pub(crate) fn new(name: &str) -> Self {
        Self::lasting(name, Duration::days(3650))
    }

    /// The one that comes after it: it ends a year later.
    pub(crate) fn next(name: &str) -> Self {
        Self::lasting(name, Duration::days(3650 + 365))
    }

    fn lasting(name: &str, span: Duration) -> Self {
        let root = ca(&format!("{name} Root CA"), BasicConstraints::Unconstrained);
        let root = CertifiedIssuer::self_signed(valid_for(root, span), key_pair(Key::P256));
        let root = root.expect("a root");
        let issuing = ca(
            &format!("{name} Issuing CA"),
            BasicConstraints::Constrained(0),
        );
        let issuing =
            CertifiedIssuer::signed_by(valid_for(issuing, span), key_pair(Key::P256), &root);
        let issuing = issuing.expect("an issuing CA");
        Self { root, issuing }
    }

    pub(crate) fn root(&self) -> CertificateDer<'static> {
        self.root.der().clone()
    }

    pub(crate) fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// The issuing CA and the root in one text, like Webex's combined chain file.
    pub(crate) fn bundle_pem(&self) -> String {
        format!("{}{}", self.issuing.pem(), self.root.pem())
    }

    /// Writes the bundle as `STEM.txt` and returns its path.
    pub(crate) fn write(&self, folder: &Path, stem: &str) -> PathBuf {
        let path = folder.join(format!("{stem}.txt"));
        fs::write(&path, self.bundle_pem()).expect("the trust file is written");
        path
    }

    /// A list of the issuing CA with nobody on it.
    pub(crate) fn revocation_list(&self) -> Vec<u8> {
        let now = OffsetDateTime::from(clock::wall());
        let list = rcgen::CertificateRevocationListParams {
            this_update: now,
            next_update: now + Duration::days(1),
            crl_number: rcgen::SerialNumber::from(7),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        let signed = list.signed_by(&*self.issuing).expect("a revocation list");
        signed.der().to_vec()
    }

    /// A client's certificate in Webex's name, with the named fault.
    pub(crate) fn client(&self, kind: Client) -> Identity {
        let mut params = leaf(WEBEX_NAME);
        let today = now();
        match kind {
            Client::Good => {}
            Client::Expired => params.not_after = today - Duration::DAY,
            Client::NotYetValid => params.not_before = today + Duration::DAY,
            Client::WrongName => params = leaf("bwks.example.org"),
            Client::NoPurpose => params.extended_key_usages.clear(),
            Client::ServerPurpose => {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            }
        }
        self.sign(&params, Key::P256)
    }

    /// A client's certificate in another name.
    pub(crate) fn client_named(&self, name: &str, key: Key) -> Identity {
        self.sign(&leaf(name), key)
    }

    /// A server's certificate for some names.
    pub(crate) fn server(&self, names: &[&str], key: Key) -> Identity {
        let mut params = leaf(names.first().copied().unwrap_or("localhost"));
        params.subject_alt_names = subject_alt_names(names);
        self.sign(&params, key)
    }

    /// A server's certificate that ends after `days` from now; negative: has ended.
    pub(crate) fn server_ending(&self, names: &[&str], days: i64) -> Identity {
        let mut params = leaf(names.first().copied().unwrap_or("localhost"));
        params.subject_alt_names = subject_alt_names(names);
        params.not_after = now() + Duration::days(days);
        self.sign(&params, Key::P256)
    }

    fn sign(&self, params: &CertificateParams, key: Key) -> Identity {
        let key = key_pair(key);
        let leaf = params.signed_by(&key, &self.issuing).expect("a leaf");
        Identity {
            chain: vec![leaf.der().clone(), self.issuing.der().clone()],
            key,
        }
    }
}

/// PEM text of certificates, in order.
pub(crate) fn pem(certificates: &[CertificateDer<'_>]) -> String {
    use base64::Engine as _;
    certificates
        .iter()
        .map(|der| {
            let text = base64::engine::general_purpose::STANDARD.encode(der);
            // 64 columns, RFC 7468 section 2.
            let lines: Vec<_> = text
                .as_bytes()
                .chunks(64)
                .map(String::from_utf8_lossy)
                .collect();
            format!(
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
                lines.join("\n")
            )
        })
        .collect()
}

/// Writes a file that only its owner may read, as xspd demands of keys.
pub(crate) fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, text).expect("the key is written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("mode 0600");
}

fn leaf(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    params.subject_alt_names = subject_alt_names(&[name]);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ClientAuth,
        ExtendedKeyUsagePurpose::ServerAuth,
    ];
    params.use_authority_key_identifier_extension = true;
    valid_for(params, Duration::days(90))
}

fn ca(name: &str, constraints: BasicConstraints) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    params.use_authority_key_identifier_extension = true;
    params
}

fn now() -> OffsetDateTime {
    OffsetDateTime::from(clock::wall())
}

/// Begun a month ago, so that "ended yesterday" still begins before it ends.
fn valid_for(mut params: CertificateParams, span: Duration) -> CertificateParams {
    let today = now();
    params.not_before = today - Duration::days(30);
    params.not_after = today + span;
    params
}

fn subject_alt_names(names: &[&str]) -> Vec<rcgen::SanType> {
    let texts: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    CertificateParams::new(texts)
        .expect("names of servers")
        .subject_alt_names
}

fn key_pair(kind: Key) -> KeyPair {
    match kind {
        Key::Ed25519 => KeyPair::generate_for(&PKCS_ED25519),
        Key::P256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
        Key::P384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
        Key::Rsa2048 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
    }
    .expect("a key")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use rustls::pki_types::pem::PemObject as _;

    use super::*;
    use crate::support::client::Client as Dialler;
    use crate::support::upstream::Reply;
    use crate::support::upstream::Upstream;

    #[tokio::test]
    async fn what_is_written_to_files_is_what_was_minted() {
        let folder = tempfile::tempdir().unwrap();
        let (webex, other) = (Authority::new("Webex"), Authority::new("Webex"));
        let identity = webex.client_named("bwks.webex.com", Key::Rsa2048);
        let (chain, key) = identity.write(folder.path(), "client");
        let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&chain).unwrap().collect();
        assert_eq!(read.unwrap(), identity.chain);
        let read = PrivateKeyDer::from_pem_file(&key).unwrap();
        assert_eq!(read, identity.private_key());
        let mode = fs::metadata(&key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let bundle = webex.write(folder.path(), "webex");
        let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&bundle).unwrap().collect();
        assert_eq!(read.unwrap(), [identity.chain[1].clone(), webex.root()]);
        assert_ne!(webex.root_pem(), other.root_pem());
    }

    #[tokio::test]
    async fn a_server_certificate_ends_when_the_test_says() {
        let ours = Authority::new("Provider");
        for (days, good) in [(1, true), (-1, false)] {
            let identity = ours.server_ending(&["xsp1.example.net"], days);
            let server = Upstream::start_tls(&identity, None, |_| Reply::text(200, "")).await;
            let client = Dialler::new(server.address())
                .name("xsp1.example.net")
                .trusting(ours.root());
            assert_eq!(client.connect().await.is_ok(), good, "{days} days");
        }
    }
}
