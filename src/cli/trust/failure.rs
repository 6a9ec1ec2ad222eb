//! Why a verb of `xspd trust` ended early, in sentences.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::cli::Exit;
use crate::domain::certs::SetProblem;
use crate::domain::certs::TrustProblem;
use crate::domain::certs::trust_set::MOST_FILES;

/// Why nothing, or not everything, was done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// A name under which the daemon would not look for it.
    #[error("{0}: the daemon skips files whose names begin with a dot. Rename the file.")]
    HiddenName(PathBuf),
    /// The directory is not there.
    #[error(
        "{0} is not a directory. Create it and name it as \"directory\" of the trust set, then try \
         again."
    )]
    NoDirectory(PathBuf),
    /// The directory's own files are wrong.
    #[error("{directory}: nothing was changed, because what is in it already is refused:{}\n\
             Move the named files away, then try again.", list(.problems))]
    RefusedDirectory {
        directory: PathBuf,
        problems: Vec<SetProblem>,
    },
    /// The file is wrong.
    #[error("{path} is refused; nothing was written:{}", list(.problems))]
    RefusedFile {
        path: PathBuf,
        problems: Vec<TrustProblem>,
    },
    /// Several files were to be compared, and some are wrong.
    #[error("{path} is refused:{}", list(.problems))]
    RefusedSet {
        path: PathBuf,
        problems: Vec<SetProblem>,
    },
    /// The name is taken.
    #[error(
        "{0} is there already with other content; nothing was written. Rename the file you bring \
         (a year in its name helps), or move the old one away."
    )]
    Taken(PathBuf),
    /// The daemon would refuse the directory.
    #[error(
        "{0} would hold more than {MOST_FILES} files, which the daemon refuses; nothing was written. \
         Take out what `xspd trust show` says is unused, or retire all older files with --force."
    )]
    TooMany(PathBuf),
    /// An input that cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    /// Another import holds the directory.
    #[error("another import is working on {0}; try again when it has ended.")]
    Locked(PathBuf),
    /// An output that cannot be written.
    #[error("cannot write {path}: {source}{after}")]
    Unwritable {
        path: PathBuf,
        source: io::Error,
        /// What is true all the same.
        after: &'static str,
    },
}

impl Failure {
    pub(super) const fn exit(&self) -> Exit {
        match self {
            Self::HiddenName(_)
            | Self::RefusedDirectory { .. }
            | Self::RefusedFile { .. }
            | Self::RefusedSet { .. } => Exit::Data,
            Self::Unreadable { .. } => Exit::NoInput,
            Self::NoDirectory(_) | Self::Taken(_) | Self::TooMany(_) | Self::Unwritable { .. } => {
                Exit::CantCreate
            }
            Self::Locked(_) => Exit::Unavailable,
        }
    }
}

fn list(problems: &[impl fmt::Display]) -> String {
    problems
        .iter()
        .map(|problem| format!("\n  {problem}"))
        .collect()
}
