//! Rows of the user-status view: from the daemon's JSON to cells and sentences.

use serde_json::Value;

use crate::cli::operations::age;
use crate::cli::operations::plain;
use crate::cli::operations::text;

/// The columns of a list.
pub(super) const COLUMNS: [&str; 7] = [
    "USER",
    "PACKAGE",
    "STATUS",
    "PENDING",
    "AGE",
    "WAITS FOR",
    "ERROR",
];

/// Characters of an error in a cell; the whole stands in `show`.
const SHORT: usize = 60;

/// The cells of one user, in the order of [`COLUMNS`]; `at` is the daemon's clock.
pub(super) fn cells(row: &Value, at: u64) -> Vec<String> {
    let since = row["since"].as_u64().unwrap_or(at);
    vec![
        text(row, "user"),
        text(row, "package"),
        status(row),
        text(row, "pending"),
        age(at.saturating_sub(since) / 1000),
        text(row, "owner"),
        short(&error(row)),
    ]
}

/// Where a user is; a removal says so.
pub(super) fn status(row: &Value) -> String {
    let state = text(row, "state");
    if row["wanted"] == "absent" && row["final"] != true && state != "removing" {
        format!("{state} (removal)")
    } else {
        state
    }
}

/// What is wrong, or nothing.
pub(super) fn error(row: &Value) -> String {
    let error = &row["error"];
    match (text(error, "code"), text(error, "text")) {
        (code, text) if code.is_empty() => text,
        (code, text) if text.is_empty() => code,
        (code, text) => format!("{code}: {text}"),
    }
}

fn short(text: &str) -> String {
    if text.chars().count() <= SHORT {
        return text.to_owned();
    }
    let start: String = text.chars().take(SHORT - 1).collect();
    format!("{start}…")
}

/// The rows of a page.
pub(super) fn of(page: &Value) -> &[Value] {
    page["jobs"].as_array().map_or(&[], Vec::as_slice)
}

/// Who a row is about, for comparing two pictures.
pub(super) fn whom(row: &Value) -> (String, String) {
    (text(row, "cluster"), text(row, "user"))
}

/// One sentence that counts the rows.
pub(super) fn summary<'a>(rows: impl Iterator<Item = &'a Value>) -> String {
    let (mut all, mut done, mut ours) = (0_u64, 0_u64, 0_u64);
    let (mut user, mut customer, mut operator) = (0_u64, 0_u64, 0_u64);
    for row in rows {
        all += 1;
        let owner = row["owner"].as_str().unwrap_or_default();
        match owner {
            _ if row["final"] == true => done += 1,
            "operator" => operator += 1,
            "user" => user += 1,
            "customer administrator" => customer += 1,
            _ => ours += 1,
        }
    }
    let plural = if all == 1 { "" } else { "s" };
    let mut parts = vec![format!("{all} user{plural}")];
    for (count, words) in [
        (done, "done"),
        (ours, "under way"),
        (user, "waiting for the user"),
        (customer, "waiting for the customer's administrator"),
        (operator, "waiting for an operator"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {words}"));
        }
    }
    let first = parts.remove(0);
    if parts.is_empty() {
        first
    } else {
        format!("{first}: {}", parts.join(", "))
    }
}

/// What became different of one user, as a line.
pub(super) fn change(before: Option<&Value>, after: &Value) -> Option<String> {
    let state = status(after);
    let what = match before {
        None => state,
        Some(before) => {
            let was = status(before);
            if was == state
                && error(before) == error(after)
                && before["package"] == after["package"]
            {
                return None;
            }
            if was == state {
                state
            } else {
                format!("{was} -> {state}")
            }
        }
    };
    let mut line = format!("{}: {what}", text(after, "user"));
    let pending = text(after, "pending");
    if !pending.is_empty() {
        line += &format!("; {pending}");
    }
    let error = error(after);
    if !error.is_empty() {
        line += &format!(" ({})", short(&plain(&error)));
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(state: &str, owner: &str, over: bool) -> Value {
        json!({
            "user": "anna@x", "cluster": "east", "package": "premium", "state": state,
            "pending": null, "owner": owner, "final": over, "since": 1_000, "wanted": "present",
        })
    }

    #[test]
    fn a_user_is_a_row() {
        let mut row = row("attention", "operator", false);
        row["error"] = json!({"code": "10022", "text": "x".repeat(80)});
        row["pending"] = json!("look at it");
        let cells = cells(&row, 61_000);
        assert_eq!(cells.len(), COLUMNS.len());
        assert_eq!(
            cells[..6],
            [
                "anna@x",
                "premium",
                "attention",
                "look at it",
                "1 min",
                "operator"
            ]
        );
        assert!(cells[6].starts_with("10022: xxx") && cells[6].ends_with('…'));
    }

    #[test]
    fn a_removal_under_way_is_told_from_an_assignment() {
        let mut row = row("queued", "xspd", false);
        row["wanted"] = json!("absent");
        assert_eq!(status(&row), "queued (removal)");
        row["state"] = json!("removed");
        row["final"] = json!(true);
        assert_eq!(status(&row), "removed");
    }

    #[test]
    fn users_are_counted_by_who_has_to_move() {
        let rows = [
            row("provisioned", "-", true),
            row("waiting-webex", "Webex", false),
            row("attention", "operator", false),
        ];
        assert_eq!(
            summary(rows.iter()),
            "3 users: 1 done, 1 under way, 1 waiting for an operator"
        );
        assert_eq!(summary([].iter()), "0 users");
    }

    #[test]
    fn only_what_changed_is_a_line() {
        let (before, after) = (row("queued", "xspd", false), row("provisioned", "-", true));
        assert_eq!(change(Some(&before), &before), None);
        assert_eq!(
            change(Some(&before), &after).as_deref(),
            Some("anna@x: queued -> provisioned")
        );
        assert_eq!(change(None, &after).as_deref(), Some("anna@x: provisioned"));
    }
}
