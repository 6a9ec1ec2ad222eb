//! Whether the set of an earlier run is still of use.

use std::fmt;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use time::OffsetDateTime;
use x509_parser::prelude::FromDer as _;
use x509_parser::prelude::X509Certificate;

use super::BRIDGE;
use super::INTERNAL_CA;
use super::PUBLIC_CA;
use super::PUBLIC_ROOT;
use super::STAND_IN;
use super::TRUST_FILE_STEM;
use super::certificate_name;
use super::key_name;
use super::leaf::Client;
use super::leaf::ServerKey;

/// A set that ends sooner would fail in the middle of a day's work.
const REMAINING: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a set is of no more use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stale {
    /// A certificate ends within a day, or has ended.
    Ending {
        /// Name of its file.
        file: String,
        /// When it ends.
        not_after: OffsetDateTime,
    },
    /// A file is missing, empty or not what it should be.
    Incomplete {
        /// Name of the file.
        file: String,
    },
    /// A certificate begins in the future: the clock was set back.
    NotYetValid {
        /// Name of its file.
        file: String,
    },
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ending { file, not_after } => {
                write!(f, "{file} of the earlier run ends on {}", not_after.date())
            }
            Self::Incomplete { file } => {
                write!(f, "{file} of the earlier run is missing or damaged")
            }
            Self::NotYetValid { file } => {
                write!(f, "{file} of the earlier run begins in the future")
            }
        }
    }
}

/// Looks at every file of the set; returns the trust file.
pub(super) fn examine(directory: &Path, now: SystemTime) -> Result<PathBuf, Stale> {
    let trust_file = find_trust_file(directory)?;
    in_date(&trust_file, now)?;
    in_date(&directory.join(PUBLIC_ROOT), now)?;
    for stem in [PUBLIC_CA, STAND_IN, INTERNAL_CA, BRIDGE] {
        in_date(&directory.join(certificate_name(stem)), now)?;
        has_key(&directory.join(key_name(stem)))?;
    }
    for kind in ServerKey::ALL {
        in_date(&directory.join(certificate_name(kind.file_stem())), now)?;
        has_key(&directory.join(key_name(kind.file_stem())))?;
    }
    for kind in Client::ALL {
        let certificate = directory.join(certificate_name(&kind.file_stem()));
        if kind == Client::Expired {
            certificates(&certificate)?;
        } else {
            in_date(&certificate, now)?;
        }
        has_key(&directory.join(key_name(&kind.file_stem())))?;
    }
    Ok(trust_file)
}

fn find_trust_file(directory: &Path) -> Result<PathBuf, Stale> {
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .find(|path| name(path).starts_with(TRUST_FILE_STEM))
        .ok_or_else(|| Stale::Incomplete {
            file: TRUST_FILE_STEM.to_owned(),
        })
}

fn in_date(path: &Path, now: SystemTime) -> Result<(), Stale> {
    let now = OffsetDateTime::from(now);
    for der in certificates(path)? {
        let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| incomplete(path))?;
        let validity = certificate.validity();
        if validity.not_before.to_datetime() > now {
            return Err(Stale::NotYetValid { file: name(path) });
        }
        let not_after = validity.not_after.to_datetime();
        if not_after < now + REMAINING {
            return Err(Stale::Ending {
                file: name(path),
                not_after,
            });
        }
    }
    Ok(())
}

/// At least one certificate.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Stale> {
    let found: Option<Vec<_>> = CertificateDer::pem_file_iter(path)
        .ok()
        .and_then(|blocks| blocks.collect::<Result<_, _>>().ok());
    found
        .filter(|found| !found.is_empty())
        .ok_or_else(|| incomplete(path))
}

fn has_key(path: &Path) -> Result<(), Stale> {
    PrivateKeyDer::from_pem_file(path)
        .map(drop)
        .map_err(|_| incomplete(path))
}

fn incomplete(path: &Path) -> Stale {
    Stale::Incomplete { file: name(path) }
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
