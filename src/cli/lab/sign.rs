//! `xspd lab sign`: what the public CA of the lab does with a certificate request.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::input;
use crate::lab::pki;
use crate::lab::pki::PkiError;
use crate::platform::clock;

/// Most bytes of a request: a hundred long names have 30 KB.
const MOST: u64 = 256 * 1024;

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The request could not be read.
    #[error("{}: {error}", path.display())]
    Request {
        /// The file, or `-`.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// There is no CA in the directory.
    #[error(
        "no lab was started in {}: start `xspd lab` there, or name its directory with --state-dir",
        directory.display()
    )]
    NoLab {
        /// The state directory.
        directory: PathBuf,
    },
    /// The CA is there and cannot be read.
    #[error("the lab's CA cannot be read: {0}")]
    Unreadable(PkiError),
    /// It is no request.
    #[error("{} is no certificate request that can be signed: {error}", path.display())]
    NotSigned {
        /// The file, or `-`.
        path: PathBuf,
        /// What is wrong with it.
        error: PkiError,
    },
}

impl Failure {
    const fn exit(&self) -> Exit {
        match self {
            Self::Request { .. } | Self::NoLab { .. } | Self::Unreadable(_) => Exit::NoInput,
            Self::NotSigned { .. } => Exit::Data,
        }
    }
}

/// Prints the chain, PEM: exit 0.
pub(super) fn run(state_dir: &Path, request: &Path, life: Duration, console: Console) -> Exit {
    match carry_out(state_dir, request, life) {
        Ok(chain) if console.json => {
            console.document(&serde_json::json!({ "chain": chain }));
            Exit::Ok
        }
        Ok(chain) => {
            console.line(chain.trim_end());
            Exit::Ok
        }
        Err(failure) => {
            console.complain(format_args!("xspd: {failure}"));
            failure.exit()
        }
    }
}

fn carry_out(state_dir: &Path, request: &Path, life: Duration) -> Result<String, Failure> {
    let text = input::text(request, MOST).map_err(|error| Failure::Request {
        path: request.to_owned(),
        error,
    })?;
    pki::sign(state_dir, &text, life, clock::wall()).map_err(|error| match error {
        PkiError::File { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            Failure::NoLab {
                directory: state_dir.to_owned(),
            }
        }
        error @ PkiError::File { .. } => Failure::Unreadable(error),
        error @ (PkiError::Internal(_) | PkiError::Mint(_)) => Failure::NotSigned {
            path: request.to_owned(),
            error,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_lab_the_directory_is_named_and_without_a_request_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let request = directory.path().join("r.csr");
        let life = Duration::from_secs(60);
        let failure = carry_out(directory.path(), &request, life).unwrap_err();
        assert!(failure.to_string().contains("r.csr"), "{failure}");
        std::fs::write(&request, "no request").unwrap();
        let failure = carry_out(directory.path(), &request, life).unwrap_err();
        assert_eq!(failure.exit(), Exit::NoInput);
        let text = failure.to_string();
        assert!(text.contains("no lab was started"), "{text}");
    }
}
