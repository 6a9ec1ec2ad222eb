//! Paging and sorting of lists (specification 3.5.18; field page 3.6).

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::xsi::ask::Query;
use crate::lab::broadworks::xsi::fault::Fault;

/// Records of a page when the client does not say; a system option of a real server.
const USUAL: usize = 50;

/// Most records of a page; more are silently cut.
const MOST: usize = 1000;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    start: usize,
    results: usize,
}

impl Page {
    /// From `start` and `results`, both at least one.
    pub(super) fn parse(query: &Query) -> Result<Self, Fault> {
        let number = |name: &'static str, usual: usize| match query.first(name) {
            None => Ok(usual),
            Some(text) => match text.trim().parse::<usize>() {
                Ok(number) if number >= 1 => Ok(number),
                Ok(_) | Err(_) => Err(Fault::Parameter(name)),
            },
        };
        Ok(Self {
            start: number("start", 1)?,
            results: number("results", USUAL)?.min(MOST),
        })
    }

    /// The records of this page.
    pub(super) fn cut<T>(self, records: Vec<T>) -> Cut<T> {
        let total = records.len();
        let records = records
            .into_iter()
            .skip(self.start - 1)
            .take(self.results)
            .collect();
        Cut {
            start: self.start,
            total,
            records,
        }
    }
}

/// A page with its counts.
pub(super) struct Cut<T> {
    start: usize,
    total: usize,
    /// The records.
    pub(super) records: Vec<T>,
}

impl<T> Cut<T> {
    /// The three counts of a directory.
    pub(super) fn counts(&self) -> Vec<Element> {
        let mut counts = self.short_counts();
        counts.push(Element::leaf(
            "totalAvailableRecords",
            self.total.to_string(),
        ));
        counts
    }

    /// The two counts of call logs.
    pub(super) fn short_counts(&self) -> Vec<Element> {
        vec![
            Element::leaf("startIndex", self.start.to_string()),
            Element::leaf("numberOfRecords", self.records.len().to_string()),
        ]
    }
}

/// `sortColumn`: a column with the suffixes `/I` (ignore case) and `/desc`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sort {
    /// The column, one of those that the list has.
    pub(super) column: &'static str,
    ignore_case: bool,
    descending: bool,
}

impl Sort {
    /// From the query; the first column is the usual one.
    pub(super) fn parse(query: &Query, columns: &[&'static str]) -> Result<Self, Fault> {
        let usual = columns.first().copied().unwrap_or_default();
        let Some(text) = query.first("sortColumn") else {
            return Ok(Self {
                column: usual,
                ignore_case: true,
                descending: false,
            });
        };
        let mut parts = text.split('/');
        let name = parts.next().unwrap_or_default();
        let column = columns
            .iter()
            .find(|column| column.eq_ignore_ascii_case(name));
        let mut sort = Self {
            column: column.copied().ok_or(Fault::Parameter("sortColumn"))?,
            ignore_case: false,
            descending: false,
        };
        for suffix in parts {
            if suffix.eq_ignore_ascii_case("i") {
                sort.ignore_case = true;
            } else if suffix.eq_ignore_ascii_case("desc") {
                sort.descending = true;
            } else {
                return Err(Fault::Parameter("sortColumn"));
            }
        }
        Ok(sort)
    }

    /// Sorts by the text of the column, equal ones by a second text.
    pub(super) fn apply<T>(&self, records: &mut [T], key: impl Fn(&T, &str) -> (String, String)) {
        records.sort_by_cached_key(|record| {
            let (first, second) = key(record, self.column);
            if self.ignore_case {
                (first.to_lowercase(), second.to_lowercase())
            } else {
                (first, second)
            }
        });
        if self.descending {
            records.reverse();
        }
    }
}
