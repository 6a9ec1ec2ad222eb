//! Where a certificate was looked for, and why nothing was found there. Every refusal has a word.

use std::fmt;

use crate::domain::certs::facts::BadCertificate;
use crate::domain::certs::pkcs12::Pkcs12Problem;

/// What kind of place it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PlaceKind {
    /// Written down by a person.
    Declared,
    /// A file.
    File,
    /// Another host, asked with a handshake.
    Probe,
    /// A listener of our own, asked with a handshake.
    Served,
    /// Kept by the daemon: keys, tokens.
    State,
}

impl PlaceKind {
    /// The word in tables, labels and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::File => "file",
            Self::Probe => "probe",
            Self::Served => "served",
            Self::State => "state",
        }
    }

    /// Whether a handshake showed it, so that it is what clients get.
    #[must_use]
    pub const fn is_served(self) -> bool {
        matches!(self, Self::Probe | Self::Served)
    }
}

/// One place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// What kind.
    pub kind: PlaceKind,
    /// The path, or `host:port`.
    pub name: String,
}

impl Place {
    /// Of a kind and a name.
    #[must_use]
    pub fn new(kind: PlaceKind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.word(), self.name)
    }
}

/// Why a place gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceFault {
    /// A block of PEM is damaged; its place in the file.
    BadPem(usize),
    /// Bytes that are no certificate; its place in the file.
    BadCertificate(usize, BadCertificate),
    /// It became shorter or longer while it was read.
    ChangedWhileRead,
    /// The port is closed.
    ConnectionRefused,
    /// A directory.
    Directory,
    /// A block or character device.
    Device,
    /// Nothing in it.
    Empty,
    /// A name that nothing knows the address of.
    HostUnknown,
    /// It cannot be opened with the password, or needs one; whether one is configured.
    Locked(bool),
    /// It is not there.
    Missing,
    /// A private key, and no certificate.
    NoCertificate,
    /// A pattern that fits no file.
    NothingMatches,
    /// A pipe.
    Pipe,
    /// The operating system says no.
    PermissionDenied,
    /// A socket.
    Socket,
    /// The peer did not answer in time.
    Timeout,
    /// It ended the handshake before it showed a certificate.
    NoHandshake,
    /// More bytes than are read.
    TooLarge(u64),
    /// More files than are read.
    TooManyFiles(usize),
    /// More certificates than are read.
    TooManyCertificates(usize),
    /// Neither PEM nor DER nor PKCS#12.
    UnknownFormat,
    /// The password of PKCS#12 files cannot be read.
    PasswordUnreadable,
    /// A prober outside got no handshake.
    ProbeFailed,
    /// A prober outside answered with something else than the results of a probe.
    ProberStrange,
    /// PKCS#12 that is not opened here.
    Unsupported(Pkcs12Problem),
    /// Anything else the operating system says.
    Unreadable,
}

impl SourceFault {
    /// All words.
    pub const WORDS: [&'static str; 26] = [
        "bad-certificate",
        "bad-pem",
        "changed-while-read",
        "connection-refused",
        "device",
        "directory",
        "empty",
        "host-unknown",
        "locked",
        "missing",
        "no-certificate",
        "no-handshake",
        "nothing-matches",
        "password-unreadable",
        "permission-denied",
        "pipe",
        "probe-failed",
        "prober-strange",
        "socket",
        "timeout",
        "too-large",
        "too-many-certificates",
        "too-many-files",
        "unknown-format",
        "unreadable",
        "unsupported",
    ];

    /// The word for logs, JSON and metrics.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::BadPem(_) => "bad-pem",
            Self::BadCertificate(..) => "bad-certificate",
            Self::ChangedWhileRead => "changed-while-read",
            Self::ConnectionRefused => "connection-refused",
            Self::Directory => "directory",
            Self::Device => "device",
            Self::Empty => "empty",
            Self::HostUnknown => "host-unknown",
            Self::Locked(_) => "locked",
            Self::Missing => "missing",
            Self::NoCertificate => "no-certificate",
            Self::NothingMatches => "nothing-matches",
            Self::Pipe => "pipe",
            Self::PermissionDenied => "permission-denied",
            Self::Socket => "socket",
            Self::Timeout => "timeout",
            Self::NoHandshake => "no-handshake",
            Self::TooLarge(_) => "too-large",
            Self::TooManyFiles(_) => "too-many-files",
            Self::TooManyCertificates(_) => "too-many-certificates",
            Self::UnknownFormat => "unknown-format",
            Self::PasswordUnreadable => "password-unreadable",
            Self::ProbeFailed => "probe-failed",
            Self::ProberStrange => "prober-strange",
            Self::Unsupported(_) => "unsupported",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for SourceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadPem(block) => write!(f, "block {block} is damaged; export it again"),
            Self::BadCertificate(nth, bad) => write!(f, "certificate {nth}: {bad}"),
            Self::ChangedWhileRead => f.write_str("it changed while it was read"),
            Self::ConnectionRefused => f.write_str("nothing listens there"),
            Self::Directory => f.write_str("it is a directory; name a file, or /directory/*.pem"),
            Self::Device => f.write_str("it is a device"),
            Self::Empty => f.write_str("it is empty"),
            Self::HostUnknown => f.write_str("no address is known for the name"),
            Self::Locked(true) => {
                f.write_str("the password does not open it, or the file was damaged")
            }
            Self::Locked(false) => f.write_str("it needs a password; name one with `password`"),
            Self::Missing => f.write_str("it is not there"),
            Self::NoCertificate => f.write_str("there is no certificate in it"),
            Self::NothingMatches => f.write_str("no file fits the pattern"),
            Self::Pipe => f.write_str("it is a pipe"),
            Self::PermissionDenied => f.write_str("the daemon's user may not read it"),
            Self::Socket => f.write_str("it is a socket"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::NoHandshake => f.write_str("the peer ended the handshake without a certificate"),
            Self::TooLarge(most) => write!(f, "it is larger than {most} bytes"),
            Self::TooManyFiles(most) => write!(f, "more than {most} files fit the pattern"),
            Self::TooManyCertificates(most) => write!(f, "more than {most} certificates"),
            Self::UnknownFormat => f.write_str("it is neither PEM nor DER nor PKCS#12"),
            Self::PasswordUnreadable => f.write_str("its password cannot be read"),
            Self::ProbeFailed => f.write_str(
                "the prober outside got no handshake there; ask it by hand with &debug=true",
            ),
            Self::ProberStrange => f.write_str(
                "the prober outside did not answer with the results of a probe; is its URL right, \
                 and does it have the module?",
            ),
            Self::Unsupported(problem) => problem.fmt(f),
            Self::Unreadable => f.write_str("it cannot be read"),
        }
    }
}
