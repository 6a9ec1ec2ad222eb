//! What can be wrong with a file of trust anchors, in words that say what to do about it.

use std::fmt;
use std::time::SystemTime;

use crate::domain::certs::date;
use crate::domain::certs::extensions::NameKind;
use crate::domain::certs::facts::BadCertificate;
use crate::domain::certs::key::KeyKind;
use crate::domain::certs::pem::Damage;
use crate::domain::certs::signature::SignatureAlgorithm;

/// Where in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Number of the PEM block, the first one 1.
    pub block: usize,
    /// Subject of its certificate, when it could be read.
    pub subject: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block {}", self.block)?;
        match &self.subject {
            Some(subject) => write!(f, " ({subject})"),
            None => Ok(()),
        }
    }
}

/// One reason why a file is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustProblem {
    /// What is wrong.
    pub reason: TrustReason,
    /// In which block; `None` when the file as a whole is meant.
    pub place: Option<Place>,
}

impl TrustProblem {
    /// A problem of the file as a whole.
    #[must_use]
    pub const fn whole(reason: TrustReason) -> Self {
        Self {
            reason,
            place: None,
        }
    }
}

impl fmt::Display for TrustProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.reason),
            None => write!(f, "{}", self.reason),
        }
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustReason {
    /// A self-issued CA whose signature its own key did not make.
    BadSelfSignature,
    /// A PEM block whose text is broken.
    DamagedBlock(Damage),
    /// Nothing in the file.
    EmptyFile,
    /// Not one file in the set.
    EmptySet,
    /// Past its end.
    Expired(SystemTime),
    /// The issuer's name is there, with another key.
    IssuerKeyDiffers,
    /// A certificate that is no CA.
    LeafAsAnchor,
    /// No basicConstraints in something that looks like a CA.
    NoBasicConstraints,
    /// A CA that may not sign certificates.
    NoCertSign,
    /// Text without a single certificate.
    NoCertificate(NoCertificate),
    /// Every anchor is out of its dates.
    NoneInDate,
    /// A block that holds no certificate.
    NotACertificate(NotACertificate),
    /// Before its start.
    NotYetValid(SystemTime),
    /// A private key.
    PrivateKey,
    /// The certificate that issued it is not there.
    RootMissing(String),
    /// Larger than the limit, in bytes.
    TooLarge(usize),
    /// More blocks than the limit.
    TooManyBlocks(usize),
    /// More files in the set than the limit.
    TooManyFiles(usize),
    /// A critical extension that nobody here understands.
    UnknownCriticalExtension(String),
    /// Name constraints with which rustls refuses every chain.
    UnsupportedNameConstraints(NameKind),
    /// A signature that nothing here verifies.
    UnsupportedSignature(SignatureAlgorithm),
    /// A key that is too short or of a kind that nothing here verifies with.
    WeakKey(KeyKind),
    /// MD5 or SHA-1.
    WeakSignature(SignatureAlgorithm),
}

/// Why text holds no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCertificate {
    /// The bytes are one certificate in DER.
    Der,
    /// A web page, as a browser saves one after a login ran out.
    Html,
    /// No PEM block anywhere.
    NoBlock,
    /// PEM, but in UTF-16.
    Utf16,
}

/// Why a block is no certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotACertificate {
    /// It says so itself: its label.
    Label(String),
    /// It says CERTIFICATE, and is none.
    Content(BadCertificate),
}

impl TrustReason {
    /// The word for logs, JSON and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::BadSelfSignature => "bad-self-signature",
            Self::DamagedBlock(_) => "damaged-block",
            Self::EmptyFile => "empty-file",
            Self::EmptySet => "empty-set",
            Self::Expired(_) => "expired",
            Self::IssuerKeyDiffers => "issuer-key-differs",
            Self::LeafAsAnchor => "leaf-as-anchor",
            Self::NoBasicConstraints => "no-basic-constraints",
            Self::NoCertSign => "no-cert-sign",
            Self::NoCertificate(_) => "no-certificate",
            Self::NoneInDate => "none-in-date",
            Self::NotACertificate(_) => "not-a-certificate",
            Self::NotYetValid(_) => "not-yet-valid",
            Self::PrivateKey => "private-key",
            Self::RootMissing(_) => "root-missing",
            Self::TooLarge(_) => "too-large",
            Self::TooManyBlocks(_) => "too-many-blocks",
            Self::TooManyFiles(_) => "too-many-files",
            Self::UnknownCriticalExtension(_) => "unknown-critical-extension",
            Self::UnsupportedNameConstraints(_) => "unsupported-name-constraints",
            Self::UnsupportedSignature(_) => "unsupported-signature",
            Self::WeakKey(_) => "weak-key",
            Self::WeakSignature(_) => "weak-signature",
        }
    }
}

impl fmt::Display for TrustReason {
    #[expect(
        clippy::too_many_lines,
        reason = "one sentence for each reason, nothing else"
    )]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadSelfSignature => f.write_str(
                "it names itself as its issuer, but its own key did not sign it: it was changed or \
                 is a forgery. Download the file again.",
            ),
            Self::DamagedBlock(damage) => {
                write!(
                    f,
                    "the block is damaged: {damage}. Download the file again."
                )
            }
            Self::EmptyFile => f.write_str("the file is empty. Download it again."),
            Self::EmptySet => f.write_str(
                "there is no file of trust anchors. Put one in with \"xspd trust import\".",
            ),
            Self::Expired(end) => write!(
                f,
                "it ended on {}. Download the current chain from Partner Hub, or take this \
                 certificate out of the file.",
                date::text(*end)
            ),
            Self::IssuerKeyDiffers => f.write_str(
                "a certificate with its issuer's name is here, but with another key: the issuing \
                 certificate and the root come from different generations. Put the matching root \
                 beside it.",
            ),
            Self::LeafAsAnchor => f.write_str(
                "it belongs to a server or a client, not to a CA, and cannot be a trust anchor. \
                 Take it out of the file.",
            ),
            Self::NoBasicConstraints => f.write_str(
                "it does not say whether it is a CA (no basicConstraints). Ask its owner for a CA \
                 certificate in today's form, X.509 version 3.",
            ),
            Self::NoCertSign => f.write_str(
                "it calls itself a CA, but its key usage forbids signing certificates \
                 (no keyCertSign). Ask its owner for the right certificate.",
            ),
            Self::NoCertificate(why) => write!(f, "{why}"),
            Self::NoneInDate => f.write_str(
                "not one certificate is within its dates, so nobody could be let in. Check this \
                 machine's clock, then download the current chain.",
            ),
            Self::NotACertificate(why) => write!(f, "{why}"),
            Self::NotYetValid(start) => write!(
                f,
                "it starts on {}. Check this machine's clock; otherwise wait until then.",
                date::text(*start)
            ),
            Self::PrivateKey => f.write_str(
                "this file contains a private key. A trust file must never hold one: take it out, \
                 and replace that key if anyone else could read the file.",
            ),
            Self::RootMissing(issuer) => write!(
                f,
                "the certificate that issued it is missing: {issuer}. Put it into the same file or \
                 beside it; the file from Partner Hub holds both."
            ),
            Self::TooLarge(limit) => write!(
                f,
                "the file is larger than {limit} bytes and cannot be a chain of trust anchors. \
                 Check that it is the right one."
            ),
            Self::TooManyBlocks(limit) => write!(
                f,
                "there are more than {limit} PEM blocks. Name only the CAs that may issue client \
                 certificates, not a whole CA bundle."
            ),
            Self::TooManyFiles(limit) => write!(
                f,
                "there are more than {limit} files in the set. Retire the old generations."
            ),
            Self::UnknownCriticalExtension(oid) => write!(
                f,
                "it carries the critical extension {oid}, which xspd does not understand and must \
                 not ignore. Ask its owner for a certificate without it."
            ),
            Self::UnsupportedNameConstraints(kind) => write!(
                f,
                "its name constraints speak of {}; xspd cannot judge these and would refuse every \
                 certificate below it. Use a CA without them.",
                kind.as_str()
            ),
            Self::UnsupportedSignature(algorithm) => write!(
                f,
                "its signature ({algorithm}) is of a kind that xspd cannot verify. Use a CA that \
                 signs with RSA or ECDSA and SHA-256 or better, or Ed25519."
            ),
            Self::WeakKey(key) => write!(
                f,
                "its key ({key}) is too weak or of an unknown kind; RSA of 2048 to 8192 bits, \
                 P-256, P-384, P-521 and Ed25519 are good. Use another CA."
            ),
            Self::WeakSignature(algorithm) => write!(
                f,
                "its signature ({algorithm}) can be forged. Use a CA certificate that is signed \
                 with SHA-256 or better."
            ),
        }
    }
}

impl fmt::Display for NoCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Der => {
                "the file is a single certificate in DER, not PEM text. Turn it into PEM: \
                 openssl x509 -inform der -in FILE -out FILE.pem"
            }
            Self::Html => {
                "the file is a web page, not a certificate chain; most likely the login had run \
                 out. Log in to Partner Hub and download it again."
            }
            Self::NoBlock => {
                "the file holds no PEM block (\"-----BEGIN CERTIFICATE-----\"). Check that it is \
                 the right one."
            }
            Self::Utf16 => {
                "the file was saved as UTF-16. Save it as plain text (ANSI or UTF-8), or download \
                 it again."
            }
        })
    }
}

impl fmt::Display for NotACertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(label) => write!(
                f,
                "it is a {label}, not a CERTIFICATE. Take it out of the file."
            ),
            Self::Content(bad) => write!(
                f,
                "it is not a certificate that xspd can use: {bad}. Download the file again."
            ),
        }
    }
}
