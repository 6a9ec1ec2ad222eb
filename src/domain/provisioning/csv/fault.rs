//! What can be wrong with a list that an operator brings, as a whole and line by line.

use crate::domain::provisioning::csv::BYTES;
use crate::domain::provisioning::csv::LINES;
use crate::domain::provisioning::csv::import::CELL;
use crate::domain::provisioning::csv::import::columns_of_import;

/// Why a file is no list at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAList {
    /// The same column twice.
    #[error("the column {0} stands there twice")]
    ColumnTwice(String),
    /// A column that nobody knows.
    #[error("there is no column {0:?}; there are {known}", known = names())]
    ColumnUnknown(String),
    /// No `user` or no `action`.
    #[error("there is no column {0}")]
    ColumnMissing(&'static str),
    /// No head.
    #[error("there is nothing in it; the first line names the columns")]
    Empty,
    /// More bytes than such a list has.
    #[error("it has more than {} MiB; split it", BYTES >> 20)]
    Large,
    /// More lines than such a list has.
    #[error("it has more than {LINES} lines; split it")]
    Lines,
    /// Another encoding.
    #[error("it is not UTF-8; save it as \"CSV UTF-8\"")]
    NotUtf8,
}

/// Why a line is not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// An action that nobody knows.
    #[error("{0:?} is no action; there are move-package, provision and remove")]
    Action(String),
    /// A cell that is too long.
    #[error("the cell of {0} has more than {CELL} bytes")]
    Cell(&'static str),
    /// Not as many cells as columns.
    #[error("{found} cells for {expected} columns")]
    Cells {
        /// Cells of the line.
        found: usize,
        /// Columns of the head.
        expected: usize,
    },
    /// The line is no CSV.
    #[error("the line is no CSV")]
    Malformed,
    /// A number that is none.
    #[error("{0} is no number with + and calling code")]
    Number(&'static str),
    /// A line that a quote of a line above runs over.
    #[error("not read: the quote that begins on line {0} runs over it")]
    OverRun(u64),
    /// A package that nobody knows.
    #[error("{0:?} is no package; there are basic, premium, softphone and standard")]
    Package(String),
    /// A package has to be there for that.
    #[error("move-package needs a package")]
    PackageMissing,
    /// Neither yes nor no.
    #[error("{text:?} is neither true nor false, in {column}")]
    Place {
        /// The column.
        column: &'static str,
        /// What stands there.
        text: String,
    },
    /// No cell of such a list has a line break: a quote has no end, or has it lines later.
    #[error("a quote without its end on this line; {lines} not read", lines = lines_of(*from, *to))]
    Quote {
        /// Its line.
        from: u64,
        /// The last line that it runs over.
        to: u64,
    },
    /// A line above has the same user.
    #[error("line {0} has the same user")]
    Repeated(u64),
    /// The user is missing or none.
    #[error("{0}")]
    User(String),
}

/// Lines in words.
fn lines_of(from: u64, to: u64) -> String {
    if from == to {
        format!("line {from} was")
    } else {
        format!("lines {from} to {to} were")
    }
}

fn names() -> String {
    columns_of_import().join(", ")
}
