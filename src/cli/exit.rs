//! Exit codes, after sysexits(3). The README carries the same table; a test compares them.

use std::process::ExitCode;

/// How a verb ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok,
    /// A check found something wrong; of a monitoring plug-in: a warning.
    Findings,
    /// A check found something that is, or soon will be, an outage; of a monitoring plug-in: somebody
    /// must act.
    Critical,
    /// Of a monitoring plug-in: it cannot be told.
    Unknown,
    /// The command line is wrong.
    Usage,
    /// A file's content is wrong.
    Data,
    /// An input file is missing or unreadable.
    NoInput,
    /// Something needed is not there: an address in use, a peer that does not answer.
    Unavailable,
    /// A bug: a worker panicked.
    Software,
    /// An output file could not be written.
    CantCreate,
    /// The operating system refused, or what was to be shown could not be written.
    Io,
    /// Not allowed: file permissions.
    NoPermission,
    /// The configuration is wrong.
    Config,
}

impl Exit {
    /// Every exit, for the README test.
    pub const ALL: [Self; 13] = [
        Self::Ok,
        Self::Findings,
        Self::Critical,
        Self::Unknown,
        Self::Usage,
        Self::Data,
        Self::NoInput,
        Self::Unavailable,
        Self::Software,
        Self::CantCreate,
        Self::Io,
        Self::NoPermission,
        Self::Config,
    ];

    /// The number the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Findings => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
            Self::Usage => 64,
            Self::Data => 65,
            Self::NoInput => 66,
            Self::Unavailable => 69,
            Self::Software => 70,
            Self::CantCreate => 73,
            Self::Io => 74,
            Self::NoPermission => 77,
            Self::Config => 78,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
