//! Why a verb of `xspd certs` ended early, in sentences that name the thing and the remedy.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::cli::Exit;
use crate::cli::certs::watched;
use crate::config::secret::SecretError;
use crate::domain::certs::Severity;
use crate::domain::certs::bundle::BundleProblem;
use crate::domain::certs::csr::RequestProblem;
use crate::domain::certs::date;
use crate::domain::certs::fit::Finding;
use crate::domain::certs::source::SourceFault;
use crate::tls::TlsError;
use crate::tls::authority::AuthorityError;
use crate::workers::cert_desk::activate::ActivateError;
use crate::workers::cert_desk::place::PlaceProblem;
use crate::workers::internal_ca::folder::CaProblem;
use crate::workers::internal_ca::issue::IssueError;
use crate::workers::kept::KeptError;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Failure {
    /// A certificate in a file is damaged.
    #[error("{path}, block {block}: {detail}")]
    BadBlock {
        path: PathBuf,
        block: usize,
        detail: String,
    },
    /// Activation was refused.
    #[error("{0}")]
    Activate(ActivateError),
    /// What was brought cannot be used.
    #[error("{}: {problem}", path.display())]
    Bundle {
        path: PathBuf,
        problem: BundleProblem,
    },
    /// The key in use cannot be read.
    #[error("the key in use: {0}")]
    Key(SecretError),
    /// What is watched cannot be shown.
    #[error("{0}")]
    Watched(#[from] watched::Failure),
    /// The configuration cannot be used.
    #[error("{0}")]
    Config(String),
    /// What is in a file cannot be shown.
    #[error("{}: {fault}", path.display())]
    Content { path: PathBuf, fault: SourceFault },
    /// What is kept of certificates cannot be read or written.
    #[error("{0}")]
    Disk(#[from] KeptError),
    /// The library failed.
    #[error("{0}")]
    Mint(AuthorityError),
    /// There is no account at the CA yet.
    #[error(
        "there is no account at the CA yet; the daemon makes one with the first order: start it, or \
         xspd certs renew {0}"
    )]
    NoAccount(String),
    /// No such automatic certificate.
    #[error("there is no [[acme]] \"{asked}\" in the configuration; there are: {names}")]
    NoAcme { asked: String, names: String },
    /// The internal CA cannot be used.
    #[error("{}", of_the_ca(.0))]
    InternalCa(#[from] CaProblem),
    /// The configuration has no internal CA.
    #[error(
        "the configuration names no internal CA; add its directory: [internal-ca] directory = \
         \"/etc/xspd/internal-ca\""
    )]
    NoInternalCa,
    /// A certificate of the internal CA was not issued.
    #[error("{0}")]
    Issue(#[from] IssueError),
    /// The next CA is not there, or is there already.
    #[error("{0}")]
    Step(String),
    /// There is no daemon to do it later.
    #[error(
        "no daemon answers on {address} ({error}), and without one nothing happens at that time; \
         start it (systemctl start xspd), or leave --at away to activate now"
    )]
    NoDaemon {
        address: SocketAddr,
        error: io::Error,
    },
    /// There is no daemon to order anything.
    #[error(
        "no daemon answers on {address} ({error}), and it is the daemon that orders certificates; \
         start it: systemctl start xspd"
    )]
    NoWorker {
        address: SocketAddr,
        error: io::Error,
    },
    /// It could not be used at the time that it was to be put off to.
    #[error("{place}: not at {}: {}", date::text(*.at), of_later(.findings))]
    NotThen {
        place: String,
        at: SystemTime,
        findings: Vec<Finding>,
    },
    /// The daemon that was to order it has ended.
    #[error(
        "the daemon at {address} has ended meanwhile ({error}). What was not begun is not asked for any \
         more; an order that was under way is begun anew when the daemon runs again, and counts as one \
         of the day's. How it stands: xspd acme list"
    )]
    WorkerGone {
        address: SocketAddr,
        error: io::Error,
    },
    /// A password that cannot be read.
    #[error("the password: {0}")]
    Password(String),
    /// No such certificate.
    #[error("{0}")]
    Place(#[from] PlaceProblem),
    /// A request that cannot be made.
    #[error("{0}")]
    Request(#[from] RequestProblem),
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

    pub(in crate::cli) fn exit(&self) -> Exit {
        match self {
            Self::Watched(failure) => failure.exit(),
            Self::BadBlock { .. }
            | Self::Bundle { .. }
            | Self::Content { .. }
            | Self::NotThen { .. } => Exit::Data,
            Self::Activate(ActivateError::Disk(error)) | Self::Disk(error) => of_disk(error),
            Self::Activate(ActivateError::InTheWay(_)) => Exit::CantCreate,
            Self::Activate(ActivateError::Nothing { .. }) => Exit::NoInput,
            Self::Activate(ActivateError::Bad { .. } | ActivateError::Refused { .. }) => Exit::Data,
            Self::Config(_) | Self::NoInternalCa => Exit::Config,
            Self::InternalCa(problem) => of_ca(problem),
            Self::Issue(problem) => of_issue(problem),
            Self::Step(_) => Exit::Usage,
            Self::NoAccount(_)
            | Self::NoDaemon { .. }
            | Self::NoWorker { .. }
            | Self::WorkerGone { .. } => Exit::Unavailable,
            Self::Password(_) => Exit::NoInput,
            Self::NoAcme { .. } | Self::Place(_) | Self::Request(_) => Exit::Usage,
            Self::Key(error) => of_secret(error),
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

fn of_later(findings: &[Finding]) -> String {
    let all = findings.iter();
    let refused = all.filter(|finding| finding.severity() == Severity::Refuse);
    refused.map(Finding::of_later).collect::<Vec<_>>().join(" ")
}

fn of_ca(problem: &CaProblem) -> Exit {
    match problem {
        CaProblem::Bad { .. } => Exit::Data,
        CaProblem::Disk(error) => of_disk(error),
        CaProblem::Key(error) => of_secret(error),
        CaProblem::Unreadable(TlsError::NoCertificate { .. } | TlsError::TooLarge { .. }) => {
            Exit::Data
        }
        CaProblem::KeyElsewhere(_) | CaProblem::Unreadable(_) => Exit::NoInput,
    }
}

fn of_secret(error: &SecretError) -> Exit {
    match error {
        SecretError::Shared { .. } => Exit::NoPermission,
        SecretError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            Exit::NoPermission
        }
        _ => Exit::NoInput,
    }
}

/// With what helps where the CA's own words say only what is wrong.
fn of_the_ca(problem: &CaProblem) -> String {
    match problem {
        CaProblem::Bad { error, .. } => format!("{problem}. {}", remedy(error)),
        CaProblem::Disk(_)
        | CaProblem::Key(_)
        | CaProblem::KeyElsewhere(_)
        | CaProblem::Unreadable(_) => problem.to_string(),
    }
}

fn of_issue(problem: &IssueError) -> Exit {
    match problem {
        IssueError::Activate(ActivateError::Disk(error)) | IssueError::Disk(error) => {
            of_disk(error)
        }
        IssueError::Activate(_) => Exit::CantCreate,
        IssueError::Bridge(_) | IssueError::Ca(_) | IssueError::NotOurs(_) => Exit::Data,
        IssueError::Staged(..) => Exit::Usage,
        // An answer, not an accident: the XSPs were asked, and they said no.
        IssueError::Unproven(_) => Exit::Findings,
        IssueError::Unreadable(_) => Exit::NoInput,
    }
}

fn of_disk(error: &KeptError) -> Exit {
    match error.source.kind() {
        io::ErrorKind::PermissionDenied => Exit::NoPermission,
        io::ErrorKind::NotFound => Exit::NoInput,
        io::ErrorKind::FileTooLarge | io::ErrorKind::InvalidData => Exit::Data,
        _ => Exit::CantCreate,
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
