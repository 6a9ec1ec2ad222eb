//! Tables inside of answers: headings, then rows with as many cells.

use crate::domain::ocip::BadAnswer;
use crate::domain::xsi::codec::Element;

/// Rows of a table that are kept. No busy lamp field list is that long; lists of users are asked
/// for with [`USERS`].
const ROWS: usize = 10_000;

/// Users of one list at most, which is what the Application Server is asked for.
pub const USERS: usize = ROWS;

/// One column of a table, by its heading. Empty cells are left out.
pub(super) fn column(
    command: &Element,
    table: &'static str,
    heading: &'static str,
) -> Result<Vec<String>, BadAnswer> {
    let table = Table::read(command, table)?;
    let place = table.column(heading)?;
    Ok(table.rows().filter_map(|row| row.cell(place)).collect())
}

/// A table of the schema: headings, then rows with as many cells.
pub(super) struct Table<'a>(&'a Element);

impl<'a> Table<'a> {
    pub(super) fn read(command: &'a Element, name: &'static str) -> Result<Self, BadAnswer> {
        command
            .child(name)
            .map(Self)
            .ok_or(BadAnswer::Missing(name))
    }

    /// The place of a column by its heading, in any case.
    pub(super) fn column(&self, heading: &'static str) -> Result<usize, BadAnswer> {
        self.0
            .children_named("colHeading")
            .position(|held| held.text().trim().eq_ignore_ascii_case(heading))
            .ok_or(BadAnswer::Missing(heading))
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'a>> {
        self.0.children_named("row").take(ROWS).map(Row)
    }
}

pub(super) struct Row<'a>(&'a Element);

impl Row<'_> {
    /// What stands in a column; `None` when that is nothing.
    pub(super) fn cell(&self, place: usize) -> Option<String> {
        let cell = self.0.children_named("col").nth(place)?;
        Some(cell.text().trim().to_owned()).filter(|text| !text.is_empty())
    }
}
