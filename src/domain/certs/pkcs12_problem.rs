//! Why nothing could be taken from a PKCS#12 file.

use crate::domain::certs::ber::NotBer;

/// Most bags, nested ones included: a chain, a few keys and room.
pub(super) const MOST_BAGS: usize = 128;

/// Most rounds of key derivation of one file in all. OpenSSL and Windows write 2,000, Java 10,000
/// for each part; this many take a few seconds.
pub(super) const MOST_ROUNDS: u32 = 5_000_000;

/// Why nothing could be taken from a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Pkcs12Problem {
    /// Not readable.
    #[error("it is not PKCS#12, or is cut off")]
    Malformed,
    /// RC2, Triple DES or older.
    #[error(
        "it is encrypted in an old way (RC2 or Triple DES), which is not read here; convert it, and \
         use NEW.pem, which has the key: (umask 077; openssl pkcs12 -legacy -in OLD.p12 -nodes -out \
         NEW.pem)"
    )]
    OldEncryption,
    /// A public key instead of a password.
    #[error("it is protected by a public key, not by a password; export it with a password")]
    PublicKeyMode,
    /// More rounds than are computed.
    #[error("its password takes more than {MOST_ROUNDS} rounds to try; export it with fewer")]
    TooManyRounds,
    /// More bags than are read.
    #[error("it holds more than {MOST_BAGS} things")]
    TooMuch,
    /// Something newer or rarer.
    #[error("it uses {0}, which is not read here; export it with PBES2 and AES-256")]
    Unsupported(String),
    /// The checksum, or the padding, is wrong.
    #[error("the password is wrong, or the file was damaged")]
    WrongPassword,
}

impl Pkcs12Problem {
    /// The word for logs and JSON.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::OldEncryption => "old-encryption",
            Self::PublicKeyMode => "public-key-mode",
            Self::TooManyRounds => "too-many-rounds",
            Self::TooMuch => "too-much",
            Self::Unsupported(_) => "unsupported",
            Self::WrongPassword => "wrong-password",
        }
    }
}

impl From<NotBer> for Pkcs12Problem {
    fn from(_: NotBer) -> Self {
        Self::Malformed
    }
}
