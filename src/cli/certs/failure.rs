//! Why a verb of `xspd certs` ended early, in sentences that name the thing and the remedy.

use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::Exit;
use crate::cli::certs::watched;
use crate::config::secret::SecretError;
use crate::tls::TlsError;
use crate::tls::authority::AuthorityError;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// A certificate in a file is damaged.
    #[error("{path}, block {block}: {detail}")]
    BadBlock {
        path: PathBuf,
        block: usize,
        detail: String,
    },
    /// The CA cannot sign.
    #[error("{}: {error}. {}", path.display(), remedy(error))]
    Ca {
        path: PathBuf,
        error: AuthorityError,
    },
    /// The key of the CA cannot be read.
    #[error("the key of the CA: {0}")]
    CaKey(SecretError),
    /// What is watched cannot be shown.
    #[error("{0}")]
    Watched(#[from] watched::Failure),
    /// The library failed.
    #[error("{0}")]
    Mint(AuthorityError),
    /// The name is taken.
    #[error(
        "{} is there already; nothing was written. Name another directory with --out, or replace \
         it with --force: what rests on it ends then.",
        .0.display()
    )]
    Taken(PathBuf),
    /// An input that cannot be read.
    #[error("{0}")]
    Unreadable(TlsError),
    /// An output that cannot be written.
    #[error("{} cannot be written: {source}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
}

impl Failure {
    pub(super) fn unwritable(path: &Path, source: io::Error) -> Self {
        Self::Unwritable {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Watched(failure) => failure.exit(),
            Self::BadBlock { .. } | Self::Ca { .. } => Exit::Data,
            Self::CaKey(SecretError::Shared { .. }) => Exit::NoPermission,
            Self::CaKey(_) => Exit::NoInput,
            Self::Mint(_) => Exit::Io,
            Self::Taken(_) => Exit::CantCreate,
            Self::Unreadable(TlsError::NoCertificate { .. } | TlsError::TooLarge { .. }) => {
                Exit::Data
            }
            Self::Unreadable(_) => Exit::NoInput,
            Self::Unwritable { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Exit::NoPermission
            }
            Self::Unwritable { .. } => Exit::CantCreate,
        }
    }
}

const fn remedy(error: &AuthorityError) -> &'static str {
    match error {
        AuthorityError::OutlivesCa(_) => {
            "Ask for fewer --days, or make a new CA with xspd certs init-internal-ca."
        }
        AuthorityError::CaOutOfDate { .. } => {
            "Check the clock, or make a new CA with xspd certs init-internal-ca in another directory."
        }
        AuthorityError::BadCertificate(_)
        | AuthorityError::BadKey(_)
        | AuthorityError::Mint(_)
        | AuthorityError::NoCertificate
        | AuthorityError::NotACa
        | AuthorityError::NotAPair => {
            "Name the directory that xspd certs init-internal-ca made, with both of its files."
        }
    }
}
