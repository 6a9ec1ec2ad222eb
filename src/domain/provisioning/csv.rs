//! Lists of users as CSV (RFC 4180): what an operator imports, and what is exported.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for
//! a formula, and names and error texts are foreign. Such a cell is written with an apostrophe
//! before it, which a spreadsheet does not show; the import takes it away again. Telephone numbers
//! in E.164 begin with `+` and so have it, too.

mod export;
mod fault;
mod import;

pub use export::ImportResult;
pub use export::StatusRow;
pub use export::import_results;
pub use export::reconciliation;
pub use export::statuses;
pub use fault::LineFault;
pub use fault::NotAList;
pub use import::Action;
pub use import::ImportRow;
pub use import::Line;
pub use import::columns_of_import;
pub use import::import;

/// Largest list that is taken in at once, in bytes: some hundred for each line, and room.
pub const BYTES: usize = 8 * 1024 * 1024;

/// Most lines below the head that are taken in at once: with one commit for several of them this
/// takes seconds, not the minute after which an answer is late.
pub const LINES: usize = 10_000;

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A cell that no spreadsheet takes for a formula.
fn guarded(cell: &str) -> String {
    let mut text = cell.replace('\0', "\u{fffd}");
    // An apostrophe of its own before such a character is kept by one more.
    let own = text.trim_start_matches('\'');
    if own.starts_with(FORMULA) {
        text.insert(0, '\'');
    }
    text
}

/// The cell that [`guarded`] was given.
fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(FORMULA) => rest,
        Some(_) | None => cell,
    }
}

#[cfg(test)]
mod tests;
