//! `xspd provision precheck USER…`: whether users could be provisioned, before somebody assigns.

use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::operations::Daemon;
use crate::cli::operations::text;

/// Whom to check.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// BroadWorks user ids.
    #[arg(value_name = "USER", required = true, num_args = 1..=50)]
    users: Vec<String>,
    /// The template that they would go by; needed for --webex of users that are not known yet, and
    /// for whether its e-mail addresses are trusted.
    #[arg(long, value_name = "KEY")]
    template: Option<String>,
    /// The cluster of the users, where there are several.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Integrated IM&P must be assigned already; without it, that it is not is only noted.
    #[arg(long)]
    assigned: bool,
    /// Ask Webex, too, whether it would take them.
    #[arg(long)]
    webex: bool,
    #[command(flatten)]
    door: Door,
}

/// Checks: exit 0 when nobody would be refused and everything was looked at, else 1.
pub(super) fn run(args: &Args, console: Console) -> Exit {
    let order = json!({"users": args.users, "webex": args.webex, "template": args.template,
        "cluster": args.cluster, "assigned": args.assigned});
    let said =
        &match Daemon::of(&args.door).and_then(|daemon| daemon.post("/ops/v1/precheck", &order)) {
            Ok(said) => said,
            Err(failure) => return failure.told(console),
        };
    if console.json {
        console.document(said);
    } else {
        lines(said).iter().for_each(|line| console.line(line));
    }
    let mut users = said["users"].as_array().into_iter().flatten();
    if users.any(|user| !is_fine(user)) {
        Exit::Findings
    } else {
        Exit::Ok
    }
}

/// What was not looked at is not fine by that.
fn is_fine(user: &Value) -> bool {
    user["verdict"] == "ok" || user["verdict"] == "warning"
}

fn lines(said: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for user in said["users"].as_array().into_iter().flatten() {
        all.push(format!("{}: {}", text(user, "user"), text(user, "verdict")));
        for finding in user["findings"].as_array().into_iter().flatten() {
            all.push(format!(
                "  {}: {}",
                text(finding, "severity"),
                text(finding, "text")
            ));
            let remedy = text(finding, "remedy");
            if !remedy.is_empty() {
                all.push(format!("    {remedy}"));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_looked_at_is_not_fine() {
        for (verdict, fine) in [
            ("ok", true),
            ("warning", true),
            ("unchecked", false),
            ("unknown", false),
            ("refused", false),
        ] {
            assert_eq!(is_fine(&json!({ "verdict": verdict })), fine, "{verdict}");
        }
    }

    #[test]
    fn each_user_has_a_verdict_and_its_reasons() {
        let said = json!({"users": [
            {"user": "a@x", "verdict": "ok", "findings": []},
            {"user": "b@x", "verdict": "refused", "findings": [
                {"severity": "refused", "text": "no e-mail", "remedy": "set one"}]},
        ]});
        assert_eq!(
            lines(&said),
            [
                "a@x: ok",
                "b@x: refused",
                "  refused: no e-mail",
                "    set one"
            ]
        );
    }
}
