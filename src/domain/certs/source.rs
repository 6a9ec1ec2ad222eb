//! Where a certificate was looked for, and why nothing was found there. Every refusal has a word.

use std::fmt;

use crate::domain::certs::facts::BadCertificate;

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
    /// It cannot be opened with the password.
    Locked,
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
    /// PKCS#12, which this build does not open.
    Unsupported,
    /// Anything else the operating system says.
    Unreadable,
}

impl SourceFault {
    /// All words.
    pub const WORDS: [&'static str; 23] = [
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
        "permission-denied",
        "pipe",
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
            Self::Locked => "locked",
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
            Self::Unsupported => "unsupported",
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
            Self::Locked => f.write_str("the password does not open it"),
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
            Self::Unsupported => {
                f.write_str("PKCS#12 cannot be opened; export it as PEM, or declare its end")
            }
            Self::Unreadable => f.write_str("it cannot be read"),
        }
    }
}
