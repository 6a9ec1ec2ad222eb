//! What can be wrong with a certificate in the place where it is used, apart from its dates: each has
//! a word, the alarm that it belongs to, and how bad it is.

use std::fmt;
use std::time::SystemTime;

use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Severity;
use crate::domain::certs::chain_problem::ChainProblem;
use crate::domain::certs::date;
use crate::domain::certs::key::KeyKind;
use crate::domain::certs::signature::SignatureAlgorithm;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// With the chain that is presented.
    Chain(ChainProblem),
    /// It cannot be used as a client.
    ClientPurposeMissing(String),
    /// It starts after it ends.
    DatesReversed,
    /// The private key belongs to another certificate.
    KeyMismatch,
    /// A name in it is no text in the encoding that it claims.
    NameGarbled,
    /// It ends in a year that is no date but "never".
    NeverEnds(SystemTime),
    /// No CA, though others are to be believed by it.
    NotACa,
    /// Its chain ends below an issuer, named here, that is none of the CAs configured for it.
    NotBelieved(String),
    /// It lacks a purpose that the one before it had.
    PurposeLost {
        /// Which.
        purpose: &'static str,
        /// Whether the place where it is used needs it.
        needed: bool,
    },
    /// Its issuer took it back.
    Revoked(Option<SystemTime>),
    /// A CA's serial number must be positive (RFC 5280, section 4.1.2.2).
    SerialNegative,
    /// Self-signed where clients want a public CA.
    SelfSigned {
        /// As BroadWorks makes it when an interface is first secured.
        broadworks_default: bool,
    },
    /// With the chain that is presented, where it may well be meant so.
    Noted(ChainProblem),
    /// More names than anybody orders.
    TooManyNames(usize),
    /// A key that is too weak, of a certificate that is not presented.
    WeakKey(KeyKind),
    /// A signature that can be forged, of a certificate that is not presented.
    WeakSignature(SignatureAlgorithm),
}

impl Finding {
    /// All words but those of chains.
    pub const WORDS: [&'static str; 14] = [
        "client-purpose-missing",
        "dates-reversed",
        "key-mismatch",
        "name-garbled",
        "never-ends",
        "not-a-ca",
        "not-believed",
        "purpose-lost",
        "revoked",
        "self-signed",
        "serial-negative",
        "too-many-names",
        "weak-key",
        "weak-signature",
    ];

    /// The word for logs, JSON and metrics.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Chain(problem) | Self::Noted(problem) => problem.as_str(),
            Self::ClientPurposeMissing(_) => "client-purpose-missing",
            Self::DatesReversed => "dates-reversed",
            Self::PurposeLost { .. } => "purpose-lost",
            Self::KeyMismatch => "key-mismatch",
            Self::NameGarbled => "name-garbled",
            Self::NeverEnds(_) => "never-ends",
            Self::NotACa => "not-a-ca",
            Self::NotBelieved(_) => "not-believed",
            Self::Revoked(_) => "revoked",
            Self::SerialNegative => "serial-negative",
            Self::SelfSigned { .. } => "self-signed",
            Self::TooManyNames(_) => "too-many-names",
            Self::WeakKey(_) => "weak-key",
            Self::WeakSignature(_) => "weak-signature",
        }
    }

    /// The alarm that it raises and how bad it is; `None` for what is only worth a note.
    #[must_use]
    pub const fn alarm(&self) -> Option<(AlarmName, Severity)> {
        use AlarmName::CertificateChainInvalid as Chain;
        use AlarmName::CertificateUnsuitable as Unsuitable;
        match self {
            Self::Chain(problem) => match problem {
                ChainProblem::Empty
                | ChainProblem::LeafIsCa(_)
                | ChainProblem::LeafNotFirst { .. }
                | ChainProblem::NotACa(_)
                | ChainProblem::NotACertificate(..)
                | ChainProblem::NotIssuedByNext { .. }
                | ChainProblem::PathTooLong(_)
                | ChainProblem::UnknownCriticalExtension(..)
                | ChainProblem::UnsupportedSignature(..)
                | ChainProblem::WrongOrder { .. } => Some((Chain, Severity::High)),
                ChainProblem::IntermediatesMissing { .. } | ChainProblem::TooMany(_) => {
                    Some((Chain, Severity::Medium))
                }
                ChainProblem::CommonNameOnly { .. }
                | ChainProblem::HostNotCovered { .. }
                | ChainProblem::WeakKey(..)
                | ChainProblem::WeakSignature(..)
                | ChainProblem::WrongRole { .. } => Some((Unsuitable, Severity::High)),
                ChainProblem::NoDigitalSignature(_) | ChainProblem::WeakRootKey(..) => {
                    Some((Unsuitable, Severity::Low))
                }
                // The schedule tells of dates, and of what is self-signed only where it matters.
                ChainProblem::Expired(..)
                | ChainProblem::NotYetValid(..)
                | ChainProblem::SelfSigned(_)
                | ChainProblem::CrossSignedRoot(_)
                | ChainProblem::Duplicate(_)
                | ChainProblem::RootIncluded(_)
                | ChainProblem::Unneeded(_)
                | ChainProblem::Wildcard { .. } => None,
            },
            Self::ClientPurposeMissing(_) | Self::KeyMismatch | Self::DatesReversed => {
                Some((Unsuitable, Severity::High))
            }
            Self::PurposeLost { needed: true, .. } => {
                Some((AlarmName::CertificateEkuChanged, Severity::High))
            }
            Self::PurposeLost { needed: false, .. } => {
                Some((AlarmName::CertificateEkuChanged, Severity::Low))
            }
            Self::NotBelieved(_) => Some((Chain, Severity::Medium)),
            Self::Revoked(_) => Some((AlarmName::CertificateRevoked, Severity::Critical)),
            Self::SelfSigned { .. } => Some((Unsuitable, Severity::Medium)),
            Self::NotACa | Self::WeakKey(_) | Self::WeakSignature(_) => {
                Some((Unsuitable, Severity::Medium))
            }
            Self::SerialNegative => Some((Unsuitable, Severity::Low)),
            Self::NameGarbled | Self::NeverEnds(_) | Self::Noted(_) | Self::TooManyNames(_) => None,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chain(problem) | Self::Noted(problem) => write!(f, "{problem}"),
            Self::ClientPurposeMissing(purposes) => write!(
                f,
                "It is shown to servers but not made for clients; its purposes are {purposes}. \
                 Public CAs no longer issue clientAuth: use a private CA, for example \
                 `xspd certs issue-bridge-client`."
            ),
            Self::DatesReversed => {
                f.write_str("It starts after it ends, so it never counts. Order it again.")
            }
            Self::PurposeLost { purpose, .. } => write!(
                f,
                "It lacks {purpose}, which the certificate before it had. Where it is used for \
                 that, use one of its own."
            ),
            Self::KeyMismatch => f.write_str(
                "The private key belongs to another certificate. Name the pair that belongs \
                 together.",
            ),
            Self::NameGarbled => f.write_str(
                "A name in it holds bytes that are no text; what is shown of it is not all there is.",
            ),
            Self::NeverEnds(end) => write!(
                f,
                "Its end on {} is no date that anybody keeps; make sure somebody looks at it \
                 anyway.",
                date::text(*end)
            ),
            Self::NotACa => f.write_str(
                "It is no CA certificate, so nothing can be believed by it. Name the issuer's.",
            ),
            Self::NotBelieved(issuer) => write!(
                f,
                "It leads to none of the CAs that are configured for it (`ca`), but to {issuer}: our \
                 own calls are refused here. Add that CA to the file, or have the server send the \
                 certificates between."
            ),
            Self::Revoked(Some(at)) => write!(
                f,
                "Its issuer revoked it on {}. Replace it now.",
                date::text(*at)
            ),
            Self::Revoked(None) => f.write_str("Its issuer revoked it. Replace it now."),
            Self::SerialNegative => f.write_str(
                "Its serial number is negative, which RFC 5280 forbids and strict clients refuse.",
            ),
            Self::SelfSigned {
                broadworks_default: true,
            } => f.write_str(
                "It is the self-signed certificate for one year that BroadWorks makes when an \
                 interface is first secured. Webex and other clients refuse it; replace it with one \
                 from a public CA.",
            ),
            Self::SelfSigned {
                broadworks_default: false,
            } => f.write_str(
                "It is self-signed, and clients refuse it there. Replace it with one from a public \
                 CA.",
            ),
            Self::TooManyNames(names) => write!(f, "It carries {names} names."),
            Self::WeakKey(key) => write!(
                f,
                "Its key ({key}) is too weak or of an unknown kind. Make a new one: RSA of 2048 \
                 bits or more, or P-256."
            ),
            Self::WeakSignature(algorithm) => {
                write!(f, "Its signature ({algorithm}) can be forged.")
            }
        }
    }
}
