//! What is exported: the state of users, the results of an import, a reconciliation.

use csv::Terminator;
use csv::WriterBuilder;
use serde::Serialize;

use crate::domain::provisioning::csv::guarded;
use crate::domain::provisioning::reconcile::Repair;
use crate::domain::provisioning::reconcile::Row;

/// A user as the list of states shows it; texts that are not known are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct StatusRow {
    /// The BroadWorks user id.
    pub broadworks_id: String,
    /// The enterprise.
    pub enterprise: String,
    /// The key of the template.
    pub template: String,
    /// The package.
    pub package: String,
    /// The state in a word.
    pub status: String,
    /// What has to happen next, and by whom.
    pub requirement_pending: String,
    /// The code of the last error.
    pub error_code: String,
    /// Its text.
    pub error_text: String,
    /// What the operator can do about it.
    pub remedy: String,
    /// Mail address.
    pub email: String,
    /// Since when, ISO 8601.
    pub since: String,
    /// The last tracking id of Webex.
    pub tracking_id: String,
    /// The request behind it.
    pub request_id: String,
}

/// What became of one line of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ImportResult {
    /// The line, from 1.
    pub line: u64,
    /// The user.
    pub user: String,
    /// The action.
    pub action: String,
    /// `accepted`, `same`, `not-present`, `refused`, `failed`; of a dry run `would be taken` in place
    /// of `accepted`.
    pub result: String,
    /// The name of the request that it became.
    pub request_id: String,
    /// Why it is refused.
    pub detail: String,
}

/// A column and its cell.
type Column<R> = (&'static str, fn(&R) -> &str);

/// The columns of the list of states.
const STATES: [Column<StatusRow>; 13] = [
    ("broadworks-id", |row| &row.broadworks_id),
    ("enterprise", |row| &row.enterprise),
    ("template", |row| &row.template),
    ("package", |row| &row.package),
    ("status", |row| &row.status),
    ("requirement-pending", |row| &row.requirement_pending),
    ("error-code", |row| &row.error_code),
    ("error-text", |row| &row.error_text),
    ("remedy", |row| &row.remedy),
    ("email", |row| &row.email),
    ("since", |row| &row.since),
    ("tracking-id", |row| &row.tracking_id),
    ("request-id", |row| &row.request_id),
];

/// The columns of the results of an import; the number of the line stands before them.
const RESULTS: [Column<ImportResult>; 5] = [
    ("user", |row| &row.user),
    ("action", |row| &row.action),
    ("result", |row| &row.result),
    ("request-id", |row| &row.request_id),
    ("detail", |row| &row.detail),
];

/// The columns of a reconciliation.
const DIFFERENCES: [Column<Row>; 9] = [
    ("enterprise", |row| &row.enterprise),
    ("user", |row| &row.user),
    ("class", |row| row.difference.as_str()),
    ("broadworks", |row| &row.broadworks),
    ("webex", |row| &row.webex),
    ("repair", |row| row.repair.as_str()),
    ("safe", |row| if row.safe { "yes" } else { "no" }),
    ("subscriber-id", |row| {
        row.subscriber.as_ref().map_or("", |id| id.as_str())
    }),
    ("by-hand", |row| match &row.repair {
        Repair::ByHand { what } => what,
        Repair::MovePackage { to } => to.as_str(),
        Repair::Provision | Repair::Remove | Repair::Retry | Repair::Update => "",
    }),
];

/// The states of users, with a head.
#[must_use]
pub fn statuses<'a>(rows: impl IntoIterator<Item = &'a StatusRow>) -> Vec<u8> {
    let cells = rows
        .into_iter()
        .map(|row| STATES.map(|(_, cell)| cell(row)));
    write(STATES.map(|(name, _)| name), cells)
}

/// The results of an import, with a head.
#[must_use]
pub fn import_results<'a>(results: impl IntoIterator<Item = &'a ImportResult>) -> Vec<u8> {
    let [user, action, result, request, detail] = RESULTS.map(|(name, _)| name);
    let head = ["line", user, action, result, request, detail];
    let lines: Vec<(String, &ImportResult)> = results
        .into_iter()
        .map(|result| (result.line.to_string(), result))
        .collect();
    let cells = lines.iter().map(|(line, result)| {
        let [user, action, outcome, request, detail] = RESULTS.map(|(_, cell)| cell(result));
        [line, user, action, outcome, request, detail]
    });
    write(head, cells)
}

/// The rows of a reconciliation, with a head.
#[must_use]
pub fn reconciliation<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Vec<u8> {
    let cells = rows
        .into_iter()
        .map(|row| DIFFERENCES.map(|(_, cell)| cell(row)));
    write(DIFFERENCES.map(|(name, _)| name), cells)
}

fn write<'a, const N: usize>(head: [&str; N], rows: impl Iterator<Item = [&'a str; N]>) -> Vec<u8> {
    let mut builder = WriterBuilder::new();
    let mut writer = builder.terminator(Terminator::CRLF).from_writer(Vec::new());
    // Into memory nothing fails: every record has the head's number of cells.
    drop(writer.write_record(head));
    for row in rows {
        drop(writer.write_record(row.map(guarded)));
    }
    writer.into_inner().unwrap_or_default()
}
