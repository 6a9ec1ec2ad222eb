//! Tables inside answers: column headings and rows of cells.

use crate::domain::xsi::codec::Element;

/// A table of this name. A row has as many cells as there are columns.
pub(super) fn table<const N: usize>(
    name: &str,
    columns: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Element {
    let headings = columns.map(|column| Element::leaf("colHeading", column));
    let rows = rows
        .into_iter()
        .map(|cells| Element::new("row").with_all(cells.map(|cell| Element::leaf("col", cell))));
    Element::new(name).with_all(headings).with_all(rows)
}
