//! Why a verb of `xspd keys` ended early, in sentences that name the thing and the remedy.

use std::io;
use std::path::PathBuf;

use crate::cli::Exit;
use crate::config::Problem;
use crate::config::secret::SecretError;
use crate::domain::auth::keys::KeyFileFault;
use crate::domain::auth::keys::KeysRefusal;
use crate::jose::ClientKeyFault;
use crate::jose::JoseError;
use crate::jose::TransferFault;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The certificate of the receiving node cannot be used.
    #[error("{path}: {fault}. Name a PEM file whose first certificate has an RSA key.")]
    BadCertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: ClientKeyFault,
    },
    /// The key file is wrong.
    #[error(
        "{path}: {fault}. Nothing was changed. Move the file away and import the keys of another \
         node: xspd keys import."
    )]
    BadKeyFile {
        /// The key file.
        path: PathBuf,
        /// What is wrong.
        fault: KeyFileFault,
    },
    /// What was exported is wrong inside.
    #[error("{path}: {fault}. Nothing was changed. Export the keys again, with this version.")]
    BadImport {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: KeyFileFault,
    },
    /// The configuration is wrong.
    #[error("{}", list(.0))]
    Configuration(Vec<Problem>),
    /// Same generation, other keys.
    #[error(
        "{path} has generation {generation}, as this node has, and other keys: the two nodes have \
         parted. Nothing was changed. Compare them with xspd keys fingerprint; --force takes the \
         keys of the file, and ends the tokens that only this node's keys have signed."
    )]
    Diverged {
        /// The file.
        path: PathBuf,
        /// Of both.
        generation: u64,
    },
    /// Keys whose tokens are in use would go.
    #[error(
        "{path} lacks keys whose tokens are still good here: {}. Nothing was changed. Make sure \
         that the file is of this farm; --force takes it, and ends those tokens.",
        .kids.join(", ")
    )]
    Drops {
        /// The file.
        path: PathBuf,
        /// The keys that it lacks.
        kids: Vec<String>,
    },
    /// Not ours.
    #[error(
        "{0} is not a file of xspd keys export. Keys of BroadWorks (authService.keys) cannot be \
         taken over, because their format is unpublished: make keys with xspd keys generate, and \
         users get new tokens when they sign in next; or leave AuthService to the XSP \
         (mode = \"relay\")."
    )]
    Foreign(PathBuf),
    /// The library failed.
    #[error("the computation failed: {0}")]
    Jose(#[from] JoseError),
    /// Another command holds the directory.
    #[error("another xspd keys is working on {0}; try again when it has ended.")]
    Locked(PathBuf),
    /// There is no key file.
    #[error(
        "{0} is not there: this node has no keys yet. The first node of a farm makes them with \
         xspd keys generate, every other one imports them with xspd keys import."
    )]
    NoKeys(PathBuf),
    /// No next key to rotate to.
    #[error(
        "there is no next key. Make one with xspd keys generate, carry it to the other nodes with \
         xspd keys export and xspd keys import, then rotate."
    )]
    NoNext,
    /// AuthService is relayed.
    #[error(
        "{0} has no [auth-service] with mode = \"native\", so there is nothing to sign. Set it, or \
         name the directory of the keys with --directory."
    )]
    NotNative(PathBuf),
    /// Older than what is there.
    #[error(
        "{path} has generation {theirs}, and this node has {ours}, which is newer. Nothing was \
         changed. Export from this node instead; --force goes back to the older keys."
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Generation of the file.
        theirs: u64,
        /// Generation of the key file.
        ours: u64,
    },
    /// Others may write into the directory.
    #[error(
        "{path} has mode {mode:03o}: others than its owner could replace the keys. Run: chmod 700 \
         {path}"
    )]
    OpenDirectory {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not long enough to withstand guessing.
    #[error("the passphrase has fewer than {0} bytes; take a longer one, or --to-certificate.")]
    ShortPassphrase(usize),
    /// A transition is not possible now.
    #[error(
        "{0}. A next key is made once; rotate first (xspd keys rotate), or wait until the key \
         named has ended."
    )]
    Refused(KeysRefusal),
    /// A secret cannot be read.
    #[error("{0}")]
    Secret(#[from] SecretError),
    /// The key file changed while we worked.
    #[error("{0} was changed by somebody else meanwhile; nothing was written. Try again.")]
    Stale(PathBuf),
    /// An export that cannot be opened.
    #[error("{path}: {fault}.")]
    Transfer {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: TransferFault,
    },
    /// An input that cannot be read.
    #[error("cannot read {path}: {source}{}", remedy(.source))]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An output that cannot be written.
    #[error("cannot write {path}: {source}{}", remedy(.source))]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Failure {
    /// The exit code.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::BadCertificate { .. }
            | Self::BadImport { .. }
            | Self::BadKeyFile { .. }
            | Self::Diverged { .. }
            | Self::Drops { .. }
            | Self::Foreign(_)
            | Self::NoNext
            | Self::Older { .. }
            | Self::Refused(_)
            | Self::ShortPassphrase(_)
            | Self::Transfer { .. } => Exit::Data,
            Self::Configuration(_) | Self::NotNative(_) => Exit::Config,
            Self::Jose(_) => Exit::Io,
            Self::Locked(_) | Self::Stale(_) => Exit::Unavailable,
            Self::NoKeys(_) | Self::Unreadable { .. } => Exit::NoInput,
            Self::OpenDirectory { .. } => Exit::NoPermission,
            Self::Secret(error) => match error {
                SecretError::Shared { .. } => Exit::NoPermission,
                SecretError::Empty(_)
                | SecretError::Io { .. }
                | SecretError::NoCredentialsDirectory(_)
                | SecretError::NotAFile(_)
                | SecretError::NotSet(_)
                | SecretError::TooLarge(_) => Exit::NoInput,
            },
            Self::Unwritable { .. } => Exit::CantCreate,
        }
    }
}

impl From<KeysRefusal> for Failure {
    fn from(refusal: KeysRefusal) -> Self {
        match refusal {
            KeysRefusal::NoNext => Self::NoNext,
            KeysRefusal::NextPresent { .. }
            | KeysRefusal::SameKey { .. }
            | KeysRefusal::TooManyRetiring { .. } => Self::Refused(refusal),
        }
    }
}

/// What somebody can do who is not the daemon.
fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied => {
            ". Run it as the daemon's account, for example: sudo -u xspd xspd keys show"
        }
        _ => "",
    }
}

fn list(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
