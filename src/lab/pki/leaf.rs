//! The end-entity certificates by what is right or wrong with them.

use rcgen::CertificateParams;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::PKCS_ECDSA_P256_SHA256;
use rcgen::PKCS_RSA_SHA256;
use rcgen::RsaKeySize;
use rcgen::SignatureAlgorithm;

use super::CLIENT_IDENTITY;
use super::SERVER_NAMES;
use super::authority::Validity;

/// A name that Webex's CA signed and that is not on the list of identities.
const OTHER_IDENTITY: &str = "someone-else.webex.com";

/// Key type of a server certificate. A listener gets both and shows what the client can check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKey {
    /// NIST P-256.
    Ecdsa,
    /// RSA with 2048 bits.
    Rsa,
}

impl ServerKey {
    /// Both, the one to prefer first.
    pub const ALL: [Self; 2] = [Self::Ecdsa, Self::Rsa];

    pub(super) const fn file_stem(self) -> &'static str {
        match self {
            Self::Ecdsa => "server-ecdsa",
            Self::Rsa => "server-rsa",
        }
    }

    pub(super) const fn algorithm(self) -> Algorithm {
        match self {
            Self::Ecdsa => Algorithm::EcdsaP256,
            Self::Rsa => Algorithm::Rsa2048,
        }
    }
}

/// A client certificate by what the edge should make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Client {
    /// As Webex would show it, with an ECDSA key.
    Good,
    /// Good but for its end, which was yesterday.
    Expired,
    /// Good but for its name.
    WrongName,
    /// Without extended key usage: rustls alone would accept it.
    NoEku,
    /// Extended key usage for servers only.
    ServerAuthOnly,
    /// Signed by a CA with the same names as Webex's and other keys.
    UnknownCa,
    /// Good, in a file that lacks the issuing CA.
    LeafOnly,
    /// Good, with an RSA key.
    Rsa,
}

impl Client {
    /// Every client certificate that the lab mints.
    pub const ALL: [Self; 8] = [
        Self::Good,
        Self::Expired,
        Self::WrongName,
        Self::NoEku,
        Self::ServerAuthOnly,
        Self::UnknownCa,
        Self::LeafOnly,
        Self::Rsa,
    ];

    /// Its name in `lab.json` and in its file names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Expired => "expired",
            Self::WrongName => "wrong-name",
            Self::NoEku => "no-eku",
            Self::ServerAuthOnly => "server-auth-only",
            Self::UnknownCa => "unknown-ca",
            Self::LeafOnly => "leaf-only",
            Self::Rsa => "rsa",
        }
    }

    pub(super) fn file_stem(self) -> String {
        format!("client-{}", self.as_str())
    }

    pub(super) const fn algorithm(self) -> Algorithm {
        match self {
            Self::Rsa => Algorithm::Rsa2048,
            Self::Good
            | Self::Expired
            | Self::WrongName
            | Self::NoEku
            | Self::ServerAuthOnly
            | Self::UnknownCa
            | Self::LeafOnly => Algorithm::EcdsaP256,
        }
    }

    const fn identity(self) -> &'static str {
        match self {
            Self::WrongName => OTHER_IDENTITY,
            Self::Good
            | Self::Expired
            | Self::NoEku
            | Self::ServerAuthOnly
            | Self::UnknownCa
            | Self::LeafOnly
            | Self::Rsa => CLIENT_IDENTITY,
        }
    }

    fn purposes(self) -> Vec<ExtendedKeyUsagePurpose> {
        match self {
            Self::NoEku => Vec::new(),
            Self::ServerAuthOnly => vec![ExtendedKeyUsagePurpose::ServerAuth],
            Self::Good
            | Self::Expired
            | Self::WrongName
            | Self::UnknownCa
            | Self::LeafOnly
            | Self::Rsa => vec![ExtendedKeyUsagePurpose::ClientAuth],
        }
    }
}

/// What kind of key to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    EcdsaP256,
    Rsa2048,
}

impl Algorithm {
    pub(super) fn generate(self) -> Result<KeyPair, rcgen::Error> {
        let algorithm: &'static SignatureAlgorithm = match self {
            Self::EcdsaP256 => &PKCS_ECDSA_P256_SHA256,
            Self::Rsa2048 => {
                return KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048);
            }
        };
        KeyPair::generate_for(algorithm)
    }
}

/// What a server certificate says.
pub(super) fn server(
    key: ServerKey,
    validity: Validity,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(SERVER_NAMES.map(String::from))?;
    params
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    if key == ServerKey::Rsa {
        params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
    }
    params.use_authority_key_identifier_extension = true;
    validity.set(&mut params);
    Ok(params)
}

/// What a client certificate says: its name both as CN, where Webex has it, and as SAN.
pub(super) fn client(
    client: Client,
    validity: Validity,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new([client.identity().to_owned()])?;
    params
        .distinguished_name
        .push(DnType::CommonName, client.identity());
    params.extended_key_usages = client.purposes();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    validity.set(&mut params);
    Ok(params)
}
