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
    /// `accepted`, `no-change` or `refused`.
    pub result: String,
    /// The name of the request that it became.
    pub request_id: String,
    /// Why it is refused.
    pub detail: String,
}

/// The states of users, with a head.
#[must_use]
pub fn statuses<'a>(rows: impl IntoIterator<Item = &'a StatusRow>) -> Vec<u8> {
    let head = [
        "broadworks-id",
        "enterprise",
        "template",
        "package",
        "status",
        "requirement-pending",
        "error-code",
        "error-text",
        "remedy",
        "email",
        "since",
        "tracking-id",
        "request-id",
    ];
    let cells = rows.into_iter().map(|row| {
        let StatusRow {
            broadworks_id,
            enterprise,
            template,
            package,
            status,
            requirement_pending,
            error_code,
            error_text,
            remedy,
            email,
            since,
            tracking_id,
            request_id,
        } = row;
        [
            broadworks_id,
            enterprise,
            template,
            package,
            status,
            requirement_pending,
            error_code,
            error_text,
            remedy,
            email,
            since,
            tracking_id,
            request_id,
        ]
        .map(String::as_str)
    });
    write(head, cells)
}

/// The results of an import, with a head.
#[must_use]
pub fn import_results<'a>(results: impl IntoIterator<Item = &'a ImportResult>) -> Vec<u8> {
    let head = ["line", "user", "action", "result", "request-id", "detail"];
    let lines: Vec<(String, &ImportResult)> = results
        .into_iter()
        .map(|result| (result.line.to_string(), result))
        .collect();
    let cells = lines.iter().map(|(line, result)| {
        let ImportResult {
            line: _,
            user,
            action,
            result,
            request_id,
            detail,
        } = result;
        [line, user, action, result, request_id, detail].map(String::as_str)
    });
    write(head, cells)
}

/// The rows of a reconciliation, with a head.
#[must_use]
pub fn reconciliation<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Vec<u8> {
    let head = [
        "enterprise",
        "user",
        "difference",
        "broadworks",
        "webex",
        "repair",
        "safe",
        "subscriber-id",
        "by-hand",
    ];
    let cells = rows.into_iter().map(|row| {
        let Row {
            enterprise,
            user,
            difference,
            subscriber,
            broadworks,
            webex,
            repair,
            safe,
        } = row;
        let what = match repair {
            Repair::ByHand { what } => what.as_str(),
            Repair::MovePackage { to } => to.as_str(),
            Repair::Provision | Repair::Remove | Repair::Retry | Repair::Update => "",
        };
        [
            enterprise.as_str(),
            user,
            difference.as_str(),
            broadworks,
            webex,
            repair.as_str(),
            if *safe { "yes" } else { "no" },
            subscriber.as_ref().map_or("", |id| id.as_str()),
            what,
        ]
    });
    write(head, cells)
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
