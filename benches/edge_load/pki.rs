//! Certificates of a run: one CA, a server and a client per kind of key.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

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
use rcgen::RsaKeySize;

use crate::Failure;

/// The name that both servers answer to.
pub(crate) const SERVER_NAME: &str = "xsp1.example.net";

/// The name of the client, as xspd's list has it.
pub(crate) const CLIENT_NAME: &str = "bwks.webex.com";

/// Kind of the two leaves' keys. The CA has P-256 throughout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    P256,
    Rsa2048,
}

impl Key {
    pub(crate) const ALL: [Self; 2] = [Self::P256, Self::Rsa2048];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::Rsa2048 => "rsa2048",
        }
    }

    fn generate(self) -> Result<KeyPair, rcgen::Error> {
        match self {
            Self::P256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
            Self::Rsa2048 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
        }
    }
}

/// Writes `trust.txt` and, per key, `server-KEY.pem`, `.key`, `client-KEY.pem` and `.key`.
pub(crate) fn mint(folder: &Path) -> Result<(), Failure> {
    let mut ca = named("Load Root CA")?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    ca.subject_alt_names.clear();
    let ca = CertifiedIssuer::self_signed(ca, Key::P256.generate()?)?;
    fs::write(folder.join("trust.txt"), ca.pem())?;
    for key in Key::ALL {
        for (role, name) in [("server", SERVER_NAME), ("client", CLIENT_NAME)] {
            let pair = key.generate()?;
            let mut leaf = named(name)?;
            leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            leaf.extended_key_usages = vec![
                ExtendedKeyUsagePurpose::ClientAuth,
                ExtendedKeyUsagePurpose::ServerAuth,
            ];
            let stem = format!("{role}-{}", key.as_str());
            let certificate = leaf.signed_by(&pair, &ca)?;
            fs::write(folder.join(format!("{stem}.pem")), certificate.pem())?;
            // xspd refuses a key that others may read.
            let mut options = fs::OpenOptions::new();
            let mut file = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(folder.join(format!("{stem}.key")))?;
            std::io::Write::write_all(&mut file, pair.serialize_pem().as_bytes())?;
        }
    }
    Ok(())
}

fn named(name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    // xspd's own judgement of certificates warns about lifetimes in centuries, rcgen's default.
    let now = time::OffsetDateTime::from(xspd::platform::clock::wall());
    params.not_before = now - time::Duration::DAY;
    params.not_after = now + time::Duration::days(90);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}
