//! What is worth knowing about a file of trust anchors and does not keep it from being used.

use std::fmt;
use std::time::SystemTime;

use crate::domain::certs::date;
use crate::domain::certs::extensions::NameKind;
use crate::domain::certs::signature::SignatureAlgorithm;
use crate::domain::certs::trust_problem::Place;
use crate::domain::ids::Fingerprint;

/// Something worth knowing that does not keep a file from being used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustNote {
    /// What it is.
    pub remark: Remark,
    /// In which block.
    pub place: Place,
}

impl fmt::Display for TrustNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.remark)
    }
}

/// What a note says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// The same certificate stands in an earlier block.
    Duplicate(usize),
    /// Past its end, and still in use because the rules say so.
    ExpiredButKept(SystemTime),
    /// Past its end, and therefore not in use.
    ExpiredLeftOut(SystemTime),
    /// Name constraints that only matter for certificates with such a name.
    LimitedNameConstraints(NameKind),
    /// Before its start, and therefore not in use yet.
    NotYetValidLeftOut(SystemTime),
    /// Another certificate of the file has the same subject and another key.
    SameNameOtherKey(Fingerprint),
    /// A root that signed itself with SHA-1; nobody relies on that signature.
    WeakSelfSignature(SignatureAlgorithm),
}

impl Remark {
    /// The word for logs and JSON.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Duplicate(_) => "duplicate",
            Self::ExpiredButKept(_) => "expired-but-kept",
            Self::ExpiredLeftOut(_) => "expired-left-out",
            Self::LimitedNameConstraints(_) => "limited-name-constraints",
            Self::NotYetValidLeftOut(_) => "not-yet-valid-left-out",
            Self::SameNameOtherKey(_) => "same-name-other-key",
            Self::WeakSelfSignature(_) => "weak-self-signature",
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate(first) => {
                write!(
                    f,
                    "the same certificate as in block {first}; it counts once."
                )
            }
            Self::ExpiredButKept(end) => write!(
                f,
                "it ended on {} and is kept because expired anchors are allowed here.",
                date::text(*end)
            ),
            Self::ExpiredLeftOut(end) => write!(
                f,
                "it ended on {} and is left out; clients below it are refused.",
                date::text(*end)
            ),
            Self::LimitedNameConstraints(kind) => write!(
                f,
                "its name constraints speak of {}; a certificate below it that carries such a \
                 name is refused.",
                kind.as_str()
            ),
            Self::NotYetValidLeftOut(start) => write!(
                f,
                "it starts on {} and is left out until then.",
                date::text(*start)
            ),
            Self::SameNameOtherKey(other) => write!(
                f,
                "it has the same name as the certificate {}… and another key. That is usual when \
                 two generations stand side by side; tell them apart by fingerprint.",
                other.short()
            ),
            Self::WeakSelfSignature(algorithm) => write!(
                f,
                "the root signed itself with {algorithm}. That is harmless: it is trusted because \
                 it is in this file, not because of that signature."
            ),
        }
    }
}
