//! Tables for people.

use serde_json::Value;

use crate::cli::Console;
use crate::cli::operations::text;
use crate::cli::provision::when;

/// Prints documents as rows, a column for each head and member; `none` when there is none. Dates
/// are members called `at`.
pub(super) fn print(rows: &[Value], columns: &[(&str, &str)], none: &str, console: Console) {
    if rows.is_empty() {
        console.line(none);
        return;
    }
    let mut cells = vec![columns.iter().map(|(head, _)| (*head).to_owned()).collect()];
    for row in rows {
        let cell = |(_, key): &(&str, &str)| match (*key, row[*key].as_u64()) {
            ("at", Some(at)) => when(at),
            (key, _) => text(row, key),
        };
        cells.push(columns.iter().map(cell).collect::<Vec<_>>());
    }
    align(&cells).iter().for_each(|line| console.line(line));
}

/// Rows with their columns under each other, two blanks between them.
pub(super) fn align(rows: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let padded = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        let line = padded.collect::<Vec<_>>().join("  ");
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}
