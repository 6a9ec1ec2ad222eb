//! The lab's certificates: a public CA for the names we serve, a private one in the shape of
//! Webex's, with client certificates good and bad to try the edge with, and the provider's internal
//! CA with the certificate of the CTI bridge.
//!
//! All of it lies in `pki` below the state directory. It is minted into a directory beside it and
//! renamed, so that what is found there is always one whole set from one run.

mod authority;
mod leaf;
mod mint;
mod reuse;

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

pub use leaf::Client;
pub use leaf::ServerKey;
pub use reuse::Stale;

use crate::platform::files;
use crate::tls::authority::AuthorityError;

/// Name of the directory below the state directory.
const DIRECTORY: &str = "pki";

/// Where a set is minted before it takes its name.
const UNFINISHED: &str = "pki.unfinished";

/// Root of the "public" CA: what `curl --cacert` needs.
const PUBLIC_ROOT: &str = "public-root.pem";

/// Stem of the issuing CA below it, which signs what is asked for.
const PUBLIC_CA: &str = "public-issuing";

/// Stem of what the lab's own servers present.
const STAND_IN: &str = "stand-in";

/// Stem of the provider's internal CA.
const INTERNAL_CA: &str = "internal-ca";

/// Stem of the certificate that the daemon's CTI bridge shows to the XSP.
const BRIDGE: &str = "bridge";

/// The name in it, by which the Application Server knows the bridge.
pub const BRIDGE_IDENTITY: &str = "xspd-bridge.lab.example.net";

/// Start of the name of the file with Webex's two CA certificates; the year follows.
const TRUST_FILE_STEM: &str = "CombinedCertChain";

/// Names and addresses in the server certificates. Clients find `localhost` everywhere; the others
/// need a resolver that knows `.localhost`, as curl does since 7.78.
pub const SERVER_NAMES: [&str; 6] = [
    "localhost",
    "xsp.localhost",
    "auth.localhost",
    "cti.localhost",
    "127.0.0.1",
    "::1",
];

/// Identity of the good client certificate, the one that Webex's CTI client uses
/// (Solution Guide, "Configure CTI Interface and Related Configuration").
pub const CLIENT_IDENTITY: &str = "bwcticlient.webex.com";

/// Why the lab has no certificates.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A file or directory could not be read, written or removed.
    #[error("{}: {source}", path.display())]
    File {
        /// What was touched.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A key or certificate could not be made.
    #[error("a certificate could not be minted: {0}")]
    Mint(#[from] rcgen::Error),
    /// The internal CA could not be made, or would not sign.
    #[error("the internal CA: {0}")]
    Internal(#[from] AuthorityError),
}

impl PkiError {
    fn file(path: &Path, source: io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }
}

/// Where a set of certificates came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// From an earlier run.
    Kept,
    /// Minted now, because there was none or a new one was asked for.
    Minted,
    /// Minted now, because the one found was of no more use.
    Renewed(Stale),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept => f.write_str("Kept the certificates of an earlier run."),
            Self::Minted => f.write_str("Minted new certificates."),
            Self::Renewed(stale) => write!(f, "Minted new certificates, because {stale}."),
        }
    }
}

/// A certificate file and the file of its key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Pair {
    /// PEM: the leaf, then what the file's purpose calls for.
    pub cert: PathBuf,
    /// PKCS#8 PEM, mode 0600.
    pub key: PathBuf,
}

/// The set of certificates on disk.
#[derive(Debug, Clone)]
pub struct Pki {
    directory: PathBuf,
    trust_file: PathBuf,
}

impl Pki {
    /// Takes the set below `state_dir`, or mints one when there is none, when `fresh` asks for it
    /// or when the one found ends within a day. Where the server certificates are to end soon, in
    /// `server_life`, a set is minted each time. Blocks: makes RSA keys and syncs files.
    ///
    /// # Errors
    /// When files cannot be read or written, or the library refuses to mint.
    pub fn open(
        state_dir: &Path,
        fresh: bool,
        server_life: Option<Duration>,
        now: SystemTime,
    ) -> Result<(Self, Origin), PkiError> {
        let directory = state_dir.join(DIRECTORY);
        let there = directory
            .try_exists()
            .map_err(|source| PkiError::file(&directory, source))?;
        let origin = if fresh || server_life.is_some() || !there {
            Origin::Minted
        } else {
            match reuse::examine(&directory, now) {
                Ok(trust_file) => {
                    return Ok((
                        Self {
                            directory,
                            trust_file,
                        },
                        Origin::Kept,
                    ));
                }
                Err(stale) => Origin::Renewed(stale),
            }
        };
        let trust_file_name = replace(state_dir, &directory, server_life, now)?;
        let trust_file = directory.join(trust_file_name);
        Ok((
            Self {
                directory,
                trust_file,
            },
            origin,
        ))
    }

    /// Root of the CA that signed the server certificates.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.directory.join(PUBLIC_ROOT)
    }

    /// Webex's two CA certificates in one file, root first: what a trust set is made of.
    #[must_use]
    pub fn trust_file(&self) -> &Path {
        &self.trust_file
    }

    /// A server certificate for [`SERVER_NAMES`]: leaf, then issuing CA.
    #[must_use]
    pub fn server(&self, key: ServerKey) -> Pair {
        self.pair(key.file_stem())
    }

    /// What the lab's BroadWorks and Webex present, which last however soon the daemon's end.
    #[must_use]
    pub fn stand_in(&self) -> Pair {
        self.pair(STAND_IN)
    }

    /// A client certificate: leaf, then issuing CA, except for [`Client::LeafOnly`].
    #[must_use]
    pub fn client(&self, client: Client) -> Pair {
        self.pair(&client.file_stem())
    }

    /// The provider's internal CA: the XSP's CTI interface takes clients of it.
    #[must_use]
    pub fn internal_ca(&self) -> Pair {
        self.pair(INTERNAL_CA)
    }

    /// What the daemon's CTI bridge shows to the XSP.
    #[must_use]
    pub fn bridge(&self) -> Pair {
        self.pair(BRIDGE)
    }

    fn pair(&self, stem: &str) -> Pair {
        Pair {
            cert: self.directory.join(certificate_name(stem)),
            key: self.directory.join(key_name(stem)),
        }
    }
}

/// What the public CA does with a request: a certificate for the names in it, for a TLS server, and
/// the issuing CA's; PEM. `state_dir` is a lab's, running or not.
///
/// # Errors
/// When the lab has no CA yet, or the request cannot be read.
pub fn sign(
    state_dir: &Path,
    request: &str,
    life: Duration,
    now: SystemTime,
) -> Result<String, PkiError> {
    let directory = state_dir.join(DIRECTORY);
    let read = |name: String| {
        let path = directory.join(name);
        fs::read_to_string(&path).map_err(|source| PkiError::file(&path, source))
    };
    let (ca, key) = (
        read(certificate_name(PUBLIC_CA))?,
        read(key_name(PUBLIC_CA))?,
    );
    let validity = authority::Validity::lasting(now, life);
    let leaf = authority::sign_request(&ca, &key, request, validity)?;
    Ok(leaf + &ca)
}

/// Mints beside and renames; returns the name of the trust file.
fn replace(
    state_dir: &Path,
    directory: &Path,
    server_life: Option<Duration>,
    now: SystemTime,
) -> Result<String, PkiError> {
    let unfinished = state_dir.join(UNFINISHED);
    remove(&unfinished)?;
    files::create_private_dir(&unfinished).map_err(|source| PkiError::file(&unfinished, source))?;
    let trust_file_name = mint::mint(&unfinished, server_life, now)?;
    remove(directory)?;
    fs::rename(&unfinished, directory).map_err(|source| PkiError::file(directory, source))?;
    files::sync_directory(state_dir).map_err(|source| PkiError::file(state_dir, source))?;
    Ok(trust_file_name)
}

fn remove(directory: &Path) -> Result<(), PkiError> {
    match fs::remove_dir_all(directory) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(PkiError::file(directory, source))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn certificate_name(stem: &str) -> String {
    format!("{stem}.pem")
}

fn key_name(stem: &str) -> String {
    format!("{stem}.key")
}

#[cfg(test)]
mod tests;
