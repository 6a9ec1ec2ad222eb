//! Users that an operator brings in a file. A wrong line is told and stops no other.

use std::collections::BTreeMap;

use csv::ReaderBuilder;
use csv::StringRecord;
use serde::Serialize;

use crate::domain::provisioning::csv::BYTES;
use crate::domain::provisioning::csv::LINES;
use crate::domain::provisioning::csv::LineFault;
use crate::domain::provisioning::csv::NotAList;
use crate::domain::provisioning::csv::unguarded;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::mapping::FieldName;
use crate::domain::provisioning::mapping::TemplateValues;
use crate::domain::provisioning::mapping::Values;
use crate::domain::provisioning::mapping::Wish;
use crate::domain::provisioning::profile::Package;
use crate::domain::provisioning::refusal::Refusal;

/// Longest cell in bytes; the longest field has some six hundred.
pub(super) const CELL: usize = 1_024;

/// The columns, and the fields behind them.
const COLUMNS: [(&str, Column); 15] = [
    ("action", Column::Action),
    ("email", Column::Field(FieldName::Email)),
    ("extension", Column::Field(FieldName::Extension)),
    ("first", Column::Field(FieldName::FirstName)),
    ("group", Column::Field(FieldName::Group)),
    ("language", Column::Field(FieldName::Language)),
    ("last", Column::Field(FieldName::LastName)),
    ("mobile", Column::Field(FieldName::Mobile)),
    ("package", Column::Package),
    ("phone", Column::Field(FieldName::Phone)),
    ("place", Column::Field(FieldName::IsPlace)),
    ("sp", Column::Field(FieldName::Sp)),
    ("template", Column::Template),
    ("timezone", Column::Field(FieldName::Timezone)),
    ("user", Column::Field(FieldName::UserId)),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Action,
    Field(FieldName),
    Package,
    Template,
}

/// What is to be done with a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The package becomes that of the line.
    MovePackage,
    /// The user becomes a subscriber, or gets the values of the line.
    Provision,
    /// The user becomes none.
    Remove,
}

impl Action {
    /// All, in the order of their words.
    pub const ALL: [Self; 3] = [Self::MovePackage, Self::Provision, Self::Remove];

    /// As a file writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MovePackage => "move-package",
            Self::Provision => "provision",
            Self::Remove => "remove",
        }
    }
}

/// One line of the file.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: u64,
    /// The user that it names, if it names one; for the results.
    pub user: String,
    /// What it says.
    pub row: Result<ImportRow, LineFault>,
}

/// A line that can be carried out.
#[derive(Debug, Clone)]
pub struct ImportRow {
    /// What is to be done.
    pub action: Action,
    /// With whom.
    pub user: BwUserId,
    /// The key of the template, if the line names one.
    pub template: Option<String>,
    /// The package, if the line names one.
    pub package: Option<Package>,
    values: Values,
}

/// The columns that a list may have, in order.
#[must_use]
pub fn columns_of_import() -> Vec<&'static str> {
    COLUMNS.map(|(name, _)| name).to_vec()
}

impl ImportRow {
    /// The user to be, judged like a request of the AS.
    ///
    /// # Errors
    /// What is missing or wrong first.
    pub fn wish(&self, template: &TemplateValues) -> Result<Wish, Refusal> {
        self.values.clone().into_wish(template, &mut Vec::new())
    }
}

/// Reads a list. Columns stand in any order, `user` and `action` must be there; cells are parted
/// by commas, or by semicolons where the head has no comma. Empty lines before the head are none.
///
/// # Errors
/// [`NotAList`].
pub fn import(bytes: &[u8]) -> Result<Vec<Line>, NotAList> {
    if bytes.len() > BYTES {
        return Err(NotAList::Large);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| NotAList::NotUtf8)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // With an end of its own, the last line shows a quote that is open there.
    let text = &format!("{text}\n");
    let separator = |c: char| c.is_whitespace() || c == ',' || c == ';';
    let mut heads = text.lines().filter(|line| !line.chars().all(separator));
    let head = heads.next().unwrap_or_default();
    let semicolons = head.contains(';') && !head.contains(',');
    let mut reader = ReaderBuilder::new()
        .delimiter(if semicolons { b';' } else { b',' })
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let mut heads = records.by_ref().filter_map(Result::ok);
    // An empty row of another separator is one, too.
    let is_empty = |record: &StringRecord| record.iter().all(|cell| cell.chars().all(separator));
    let head = heads.find(|record| !is_empty(record));
    let columns = columns(&head.ok_or(NotAList::Empty)?)?;
    let mut lines = Vec::new();
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut counter = LineCounter::of(text);
    for record in records {
        if lines.len() >= LINES {
            return Err(NotAList::Lines);
        }
        match record {
            Err(_) => lines.push(unread(counter.line + 1, LineFault::Malformed)),
            Ok(record) => {
                let number = counter.of_record(&record);
                let breaks = breaks(&record);
                if breaks > 0 {
                    let rest = text.get(counter.at..).unwrap_or_default();
                    over_run(rest, number, breaks, &mut lines)?;
                } else if !is_blank(&record) {
                    lines.push(line(number, &columns, &record, &mut seen));
                }
            }
        }
    }
    Ok(lines)
}

fn is_blank(record: &StringRecord) -> bool {
    record.iter().all(|cell| cell.trim().is_empty())
}

/// Line breaks within the cells of a record.
fn breaks(record: &StringRecord) -> u64 {
    let bytes = record.iter().flat_map(str::bytes);
    let breaks = bytes.filter(|byte| *byte == b'\n').count();
    u64::try_from(breaks).unwrap_or(u64::MAX)
}

fn unread(number: u64, fault: LineFault) -> Line {
    Line {
        number,
        user: String::new(),
        row: Err(fault),
    }
}

/// Every line that a quote runs over has its result: what was not read must not look as if it had
/// not been in the file. None of them is read by itself, as it may be a part of a cell.
fn over_run(rest: &str, from: u64, breaks: u64, lines: &mut Vec<Line>) -> Result<(), NotAList> {
    let run = (from..=from.saturating_add(breaks)).zip(rest.lines());
    let written: Vec<u64> = run
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, _)| number)
        .take(LINES + 1)
        .collect();
    if lines.len().saturating_add(written.len()) > LINES {
        return Err(NotAList::Lines);
    }
    let to = written.last().copied().unwrap_or(from);
    lines.push(unread(from, LineFault::Quote { from, to }));
    let others = written.into_iter().filter(|number| *number > from);
    lines.extend(others.map(|number| unread(number, LineFault::OverRun(from))));
    Ok(())
}

/// Tells on which line of the file a record begins. The reader's own count is one behind where
/// lines end in CRLF, and an operator looks for the number in an editor.
struct LineCounter<'a> {
    bytes: &'a [u8],
    /// Everything before this was counted.
    at: usize,
    line: u64,
}

impl<'a> LineCounter<'a> {
    const fn of(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
            line: 1,
        }
    }

    fn of_record(&mut self, record: &StringRecord) -> u64 {
        let start = record.position().map_or(0, csv::Position::byte);
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let rest = self.bytes.get(start..).unwrap_or_default();
        // What ended the line before, and empty lines, still stand before the record.
        let ends = rest.iter().take_while(|b| b"\r\n".contains(b)).count();
        let start = start.saturating_add(ends);
        let passed = self.bytes.get(self.at..start).unwrap_or_default();
        let newlines = passed.iter().filter(|b| **b == b'\n').count();
        self.line += u64::try_from(newlines).unwrap_or_default();
        self.at = self.at.max(start);
        self.line
    }
}

fn columns(head: &StringRecord) -> Result<Vec<(&'static str, Column)>, NotAList> {
    let mut columns: Vec<(&'static str, Column)> = Vec::new();
    for cell in head {
        let name = cell.trim().to_lowercase();
        let mut known = COLUMNS.iter();
        let found = known.find(|(known, _)| *known == name);
        let (name, column) = *found.ok_or(NotAList::ColumnUnknown(name))?;
        if columns.iter().any(|(held, _)| *held == name) {
            return Err(NotAList::ColumnTwice(name.to_owned()));
        }
        columns.push((name, column));
    }
    for needed in ["user", "action"] {
        if !columns.iter().any(|(held, _)| *held == needed) {
            return Err(NotAList::ColumnMissing(needed));
        }
    }
    Ok(columns)
}

fn line(
    number: u64,
    columns: &[(&'static str, Column)],
    record: &StringRecord,
    seen: &mut BTreeMap<String, u64>,
) -> Line {
    let cell = |wanted: Column| {
        let at = columns.iter().position(|(_, column)| *column == wanted)?;
        let cell = unguarded(record.get(at)?.trim()).trim();
        (!cell.is_empty()).then_some(cell)
    };
    let user = cell(Column::Field(FieldName::UserId)).unwrap_or_default();
    let shown: String = user.chars().take(200).collect();
    let row = row(number, columns, record, &cell).and_then(|row| {
        let key = row.user.as_str().to_lowercase();
        match seen.get(&key) {
            Some(first) => Err(LineFault::Repeated(*first)),
            None => {
                seen.insert(key, number);
                Ok(row)
            }
        }
    });
    Line {
        number,
        user: shown,
        row,
    }
}

fn row<'a>(
    number: u64,
    columns: &[(&'static str, Column)],
    record: &StringRecord,
    cell: &impl Fn(Column) -> Option<&'a str>,
) -> Result<ImportRow, LineFault> {
    if record.len() != columns.len() {
        return Err(LineFault::Cells {
            found: record.len(),
            expected: columns.len(),
        });
    }
    let mut values = Values::of(format!("line {number}"));
    for (name, column) in columns {
        let Some(text) = cell(*column) else {
            continue;
        };
        if text.len() > CELL {
            return Err(LineFault::Cell(name));
        }
        if let Column::Field(field) = column {
            values.set(*field, Some(written(name, *field, text)?));
        }
    }
    let user = values.clone().into_user();
    let user = user.map_err(|refusal| LineFault::User(refusal.detail))?;
    let action = cell(Column::Action).unwrap_or_default();
    let mut actions = Action::ALL.into_iter();
    let action = actions
        .find(|one| one.as_str().eq_ignore_ascii_case(action))
        .ok_or_else(|| LineFault::Action(action.to_owned()))?;
    let package = match cell(Column::Package) {
        Some(text) => {
            Some(Package::parse(text).ok_or_else(|| LineFault::Package(text.to_owned()))?)
        }
        None if action == Action::MovePackage => return Err(LineFault::PackageMissing),
        None => None,
    };
    Ok(ImportRow {
        action,
        user,
        template: cell(Column::Template).map(str::to_owned),
        package,
        values,
    })
}

/// A cell as its field has it.
fn written(name: &'static str, field: FieldName, text: &str) -> Result<String, LineFault> {
    match field {
        FieldName::Phone | FieldName::Mobile => {
            let separator = |c: char| c == ' ' || "-.()/".contains(c);
            let plain: String = text.chars().filter(|c| !separator(*c)).collect();
            let digits = plain.strip_prefix('+').unwrap_or_default();
            let fine =
                (5..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            if fine {
                Ok(plain)
            } else {
                Err(LineFault::Number(name))
            }
        }
        FieldName::IsPlace => {
            let is = |words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
            match (is(["true", "yes", "1"]), is(["false", "no", "0"])) {
                (true, _) => Ok("true".to_owned()),
                (false, true) => Ok("false".to_owned()),
                // A guess would make a person of a shared device.
                (false, false) => Err(LineFault::Place {
                    column: name,
                    text: text.to_owned(),
                }),
            }
        }
        FieldName::Email
        | FieldName::Extension
        | FieldName::FirstName
        | FieldName::Group
        | FieldName::ImpId
        | FieldName::Language
        | FieldName::LastName
        | FieldName::Sp
        | FieldName::Timezone
        | FieldName::UserId => Ok(text.to_owned()),
    }
}
