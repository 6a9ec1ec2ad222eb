//! What can be wrong with the certificate chain that a listener presents.

use std::fmt;
use std::time::SystemTime;

use crate::domain::certs::date;
use crate::domain::certs::facts::BadCertificate;
use crate::domain::certs::key::KeyKind;
use crate::domain::certs::signature::SignatureAlgorithm;

/// Whether a chain with this problem may go live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It works; someone should know.
    Warn,
    /// Peers would refuse it.
    Refuse,
}

/// A certificate of the chain: its place, the leaf 1, and its subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Place in the file, the first one 1.
    pub position: usize,
    /// Its subject, safe to print.
    pub subject: String,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate {} ({})", self.position, self.subject)
    }
}

/// One thing wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainProblem {
    /// A host is named only in the common name, which no client looks at any more.
    CommonNameOnly {
        /// The leaf.
        leaf: Link,
        /// The host.
        host: String,
    },
    /// A root that clients have, signed by another root for those that did not have it yet.
    CrossSignedRoot(Link),
    /// The same certificate stands in the file before.
    Duplicate(Link),
    /// No certificate in the file.
    Empty,
    /// Past its end.
    Expired(Link, SystemTime),
    /// A host that no SAN entry covers.
    HostNotCovered {
        /// The leaf.
        leaf: Link,
        /// The host.
        host: String,
        /// What the leaf covers, safe to print.
        covered: String,
    },
    /// The leaf alone, though somebody else issued it.
    IntermediatesMissing {
        /// The leaf.
        leaf: Link,
        /// Who issued it.
        issuer: String,
    },
    /// The first certificate is a CA.
    LeafIsCa(Link),
    /// The first certificate is a CA and the leaf stands further down.
    LeafNotFirst {
        /// What stands first.
        first: Link,
        /// Where the leaf is.
        leaf: Link,
    },
    /// A key usage without digitalSignature, which every modern handshake needs.
    NoDigitalSignature(Link),
    /// A certificate after the leaf that is no CA.
    NotACa(Link),
    /// Bytes that are no certificate.
    NotACertificate(usize, BadCertificate),
    /// None of the other certificates issued it.
    NotIssuedByNext {
        /// The one whose issuer is missing.
        link: Link,
        /// Who should come next.
        issuer: String,
    },
    /// Before its start.
    NotYetValid(Link, SystemTime),
    /// More CAs below it than it allows.
    PathTooLong(Link),
    /// The root, which clients have anyway.
    RootIncluded(Link),
    /// Self-signed, like what BroadWorks creates for a year when an interface is first secured.
    SelfSigned(Link),
    /// More certificates than the limit.
    TooMany(usize),
    /// A critical extension that clients will not know.
    UnknownCriticalExtension(Link, String),
    /// Not on the way from the leaf to its root.
    Unneeded(Link),
    /// A signature that rustls does not verify.
    UnsupportedSignature(Link, SignatureAlgorithm),
    /// A key too short or of an unknown kind.
    WeakKey(Link, KeyKind),
    /// The root's key is weak; clients judge their own copy.
    WeakRootKey(Link, KeyKind),
    /// MD5 or SHA-1.
    WeakSignature(Link, SignatureAlgorithm),
    /// A host is covered by a wildcard only.
    Wildcard {
        /// The leaf.
        leaf: Link,
        /// The host.
        host: String,
    },
    /// The issuer is in the file, but others on the way to the root stand between, or before.
    WrongOrder {
        /// The one whose issuer is not next.
        link: Link,
        /// Its issuer.
        issuer: Link,
    },
    /// Its extended key usage lacks serverAuth.
    WrongRole {
        /// The certificate.
        link: Link,
        /// What it is for.
        purposes: String,
    },
}

impl ChainProblem {
    /// Whether the chain may go live with it.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::CommonNameOnly { .. }
            | Self::Empty
            | Self::Expired(..)
            | Self::HostNotCovered { .. }
            | Self::LeafIsCa(_)
            | Self::LeafNotFirst { .. }
            | Self::NotACa(_)
            | Self::NotACertificate(..)
            | Self::NotIssuedByNext { .. }
            | Self::NotYetValid(..)
            | Self::PathTooLong(_)
            | Self::TooMany(_)
            | Self::UnknownCriticalExtension(..)
            | Self::UnsupportedSignature(..)
            | Self::WeakKey(..)
            | Self::WeakSignature(..)
            | Self::WrongOrder { .. }
            | Self::WrongRole { .. } => Severity::Refuse,
            Self::CrossSignedRoot(_)
            | Self::Duplicate(_)
            | Self::IntermediatesMissing { .. }
            | Self::NoDigitalSignature(_)
            | Self::RootIncluded(_)
            | Self::SelfSigned(_)
            | Self::Unneeded(_)
            | Self::WeakRootKey(..)
            | Self::Wildcard { .. } => Severity::Warn,
        }
    }

    /// The word for logs, JSON and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::CommonNameOnly { .. } => "common-name-only",
            Self::CrossSignedRoot(_) => "cross-signed-root",
            Self::Duplicate(_) => "duplicate",
            Self::Empty => "empty",
            Self::Expired(..) => "expired",
            Self::HostNotCovered { .. } => "host-not-covered",
            Self::IntermediatesMissing { .. } => "intermediates-missing",
            Self::LeafIsCa(_) => "leaf-is-ca",
            Self::LeafNotFirst { .. } => "leaf-not-first",
            Self::NoDigitalSignature(_) => "no-digital-signature",
            Self::NotACa(_) => "not-a-ca",
            Self::NotACertificate(..) => "not-a-certificate",
            Self::NotIssuedByNext { .. } => "not-issued-by-next",
            Self::NotYetValid(..) => "not-yet-valid",
            Self::PathTooLong(_) => "path-too-long",
            Self::RootIncluded(_) => "root-included",
            Self::SelfSigned(_) => "self-signed",
            Self::TooMany(_) => "too-many",
            Self::UnknownCriticalExtension(..) => "unknown-critical-extension",
            Self::Unneeded(_) => "unneeded",
            Self::UnsupportedSignature(..) => "unsupported-signature",
            Self::WeakKey(..) => "weak-key",
            Self::WeakRootKey(..) => "weak-root-key",
            Self::WeakSignature(..) => "weak-signature",
            Self::Wildcard { .. } => "wildcard",
            Self::WrongOrder { .. } => "wrong-order",
            Self::WrongRole { .. } => "wrong-role",
        }
    }
}

impl fmt::Display for ChainProblem {
    #[expect(
        clippy::too_many_lines,
        reason = "one sentence for each problem, nothing else"
    )]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommonNameOnly { leaf, host } => write!(
                f,
                "{leaf}: {host} is its common name only; clients look at subjectAltName alone. \
                 Order a certificate with {host} as subjectAltName dNSName."
            ),
            Self::CrossSignedRoot(link) => write!(
                f,
                "{link}: clients have this root themselves; what is sent is a copy that another \
                 root signed, for clients that do not. Its dates do not count. Take it out, unless \
                 such clients call."
            ),
            Self::Duplicate(link) => {
                write!(f, "{link}: it stands in the file before. Take it out once.")
            }
            Self::Empty => f.write_str(
                "there is no certificate in the file. Put the leaf first, then its intermediates, \
                 as PEM.",
            ),
            Self::Expired(link, end) => write!(
                f,
                "{link}: it ended on {}. Renew it, or check this machine's clock.",
                date::text(*end)
            ),
            Self::HostNotCovered {
                leaf,
                host,
                covered,
            } => write!(
                f,
                "{leaf}: it does not cover {host}; it covers {covered}. Order a certificate with \
                 {host} as subjectAltName, or name the right file for this host."
            ),
            Self::IntermediatesMissing { leaf, issuer } => write!(
                f,
                "{leaf}: it stands alone, and clients that do not have its issuer ({issuer}) will \
                 refuse it. Append the intermediate certificates from your CA."
            ),
            Self::LeafIsCa(link) => write!(
                f,
                "{link}: it is a CA certificate, and clients refuse one in the place of a \
                 server's. Put the server's certificate first."
            ),
            Self::LeafNotFirst { first, leaf } => write!(
                f,
                "{first}: a CA stands first, the server's certificate comes as {}. Put the leaf \
                 first, then each issuer.",
                leaf.position
            ),
            Self::NoDigitalSignature(link) => write!(
                f,
                "{link}: its key usage lacks digitalSignature, and strict clients refuse it. Order \
                 the next one with digitalSignature."
            ),
            Self::NotACa(link) => write!(
                f,
                "{link}: it is no CA certificate and cannot have issued another. One chain belongs \
                 in one file: take it out."
            ),
            Self::NotACertificate(position, bad) => {
                write!(f, "Certificate {position}: {bad}. Export the chain again.")
            }
            Self::NotIssuedByNext { link, issuer } => write!(
                f,
                "{link}: none of the others issued it. Put its issuer ({issuer}) next."
            ),
            Self::NotYetValid(link, start) => write!(
                f,
                "{link}: it starts on {}. Check this machine's clock; otherwise wait until then.",
                date::text(*start)
            ),
            Self::PathTooLong(link) => write!(
                f,
                "{link}: more CAs stand below it than its path length allows; clients refuse the \
                 chain. Get the right intermediates from your CA."
            ),
            Self::RootIncluded(link) => write!(
                f,
                "{link}: the root need not be sent; clients have their own. Take it out to make \
                 handshakes smaller."
            ),
            Self::SelfSigned(link) => write!(
                f,
                "{link}: it is self-signed, like the one BroadWorks creates for a year. Webex and \
                 other clients refuse it; replace it with one from a public CA."
            ),
            Self::TooMany(limit) => write!(
                f,
                "there are more than {limit} certificates in the file. Keep the leaf and its \
                 intermediates."
            ),
            Self::UnknownCriticalExtension(link, oid) => write!(
                f,
                "{link}: it carries the critical extension {oid}, and clients that do not know it \
                 refuse the chain. Order a certificate without it."
            ),
            Self::Unneeded(link) => write!(
                f,
                "{link}: it is not on the way from the leaf to its root and serves nothing. Take it \
                 out."
            ),
            Self::UnsupportedSignature(link, algorithm) => write!(
                f,
                "{link}: its signature ({algorithm}) is of a kind that clients do not verify. Order \
                 one signed with RSA or ECDSA and SHA-256 or better."
            ),
            Self::WeakKey(link, key) => write!(
                f,
                "{link}: its key ({key}) is too weak or of an unknown kind. Make a new one: RSA of \
                 2048 bits or more, or P-256."
            ),
            Self::WeakRootKey(link, key) => write!(
                f,
                "{link}: the root's key ({key}) is weak; clients may refuse everything below it. \
                 Ask your CA for a chain to another root."
            ),
            Self::WeakSignature(link, algorithm) => write!(
                f,
                "{link}: its signature ({algorithm}) can be forged, and clients refuse it. Order \
                 one signed with SHA-256 or better."
            ),
            Self::Wildcard { leaf, host } => write!(
                f,
                "{leaf}: {host} is covered by a wildcard. That should work; no Webex guide says so. \
                 If Webex alone refuses the chain, order one that names {host}."
            ),
            Self::WrongOrder { link, issuer } => write!(
                f,
                "{link}: its issuer comes as {} and not next. Put each issuer right after what it \
                 issued.",
                issuer.position
            ),
            Self::WrongRole { link, purposes } => write!(
                f,
                "{link}: it is not made for servers; its purposes are {purposes}. Order a \
                 certificate with serverAuth."
            ),
        }
    }
}
