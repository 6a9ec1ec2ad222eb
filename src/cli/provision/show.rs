//! `xspd provision show USER`: all that is known of one user, the error as lines to copy, and the
//! history. `xspd provision report USER`: what a support case needs.

use serde_json::Value;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::admin::escaped;
use crate::cli::operations::Daemon;
use crate::cli::operations::Failure;
use crate::cli::operations::age;
use crate::cli::operations::text;
use crate::cli::provision::rows;
use crate::domain::certs::date;
use crate::domain::provisioning::ids::Moment;

/// One user.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Whom {
    /// The BroadWorks user id.
    #[arg(value_name = "USER")]
    pub(super) user: String,
    /// Its cluster, when several have a user of that id.
    #[arg(long, value_name = "NAME")]
    pub(super) cluster: Option<String>,
}

impl Whom {
    /// Where the API has the user, with what is below.
    pub(super) fn target(&self, below: &str) -> String {
        let cluster = self.cluster.as_deref();
        let cluster =
            cluster.map_or_else(String::new, |name| format!("?cluster={}", escaped(name)));
        format!("/ops/v1/users/{}{below}{cluster}", escaped(&self.user))
    }
}

/// Whom to show.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    whom: Whom,
    /// Only the error, to copy it.
    #[arg(long)]
    error: bool,
    #[command(flatten)]
    door: Door,
}

/// Shows a user: exit 0, or 65 when nobody knows it.
pub(super) fn run(args: &Args, console: Console) -> Exit {
    tell(&args.whom, &args.door, console, |said| {
        if args.error {
            error_block(said)
        } else {
            lines(said)
        }
    })
}

/// Whose case to open.
#[derive(Debug, clap::Args)]
pub(super) struct ReportArgs {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    door: Door,
}

/// Prints what a support case needs: exit 0.
pub(super) fn report(args: &ReportArgs, console: Console) -> Exit {
    let said = Daemon::of(&args.door).and_then(|daemon| daemon.get(&args.whom.target("/report")));
    match said {
        Ok(said) if console.json => console.document(&said),
        Ok(said) => case(&said).iter().for_each(|line| console.line(line)),
        Err(failure) => return failure.told(console),
    }
    Exit::Ok
}

fn tell(whom: &Whom, door: &Door, console: Console, words: impl Fn(&Value) -> Vec<String>) -> Exit {
    match Daemon::of(door).and_then(|daemon| look(&daemon, whom)) {
        Ok(said) if console.json => console.document(&said),
        Ok(said) => words(&said).iter().for_each(|line| console.line(line)),
        Err(failure) => return failure.told(console),
    }
    Exit::Ok
}

/// The document of one user.
pub(super) fn look(daemon: &Daemon, whom: &Whom) -> Result<Value, Failure> {
    daemon.get(&whom.target(""))
}

fn lines(said: &Value) -> Vec<String> {
    let user = &said["user"];
    let at = said["at"].as_u64().unwrap_or_default();
    let since = user["since"].as_u64().unwrap_or(at);
    let mut all = vec![
        format!("{} in {}", text(user, "user"), text(user, "cluster")),
        format!("  {}", text(said, "says")),
    ];
    let what = text(said, "do");
    if !what.is_empty() {
        all.push(format!("  To do: {what}"));
    }
    all.push(String::new());
    let next = user["next"].as_u64();
    let next = next.map_or_else(String::new, |next| format!(", goes on {}", when(next)));
    let since = format!(
        "{} for {}{next}",
        rows::status(user),
        age(at.saturating_sub(since) / 1000)
    );
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            all.push(format!("  {name:<16}{value}"));
        }
    };
    fact("Status", since);
    fact("Pending", text(user, "pending"));
    fact("Waits for", text(user, "owner"));
    fact("Package", text(user, "package"));
    fact(
        "Name",
        format!("{} {}", text(user, "first-name"), text(user, "last-name"))
            .trim()
            .to_owned(),
    );
    fact("E-mail", text(user, "email"));
    fact("Number", text(user, "phone"));
    fact("Extension", text(user, "extension"));
    fact("Template", text(user, "template"));
    fact("Enterprise", text(user, "enterprise"));
    if user["first-user"] == true {
        fact(
            "Note",
            "first user of its enterprise, counted as its administrator".to_owned(),
        );
    }
    fact("Webex status", text(user, "webex-status"));
    fact("Subscriber", text(user, "subscriber"));
    fact("Person", text(user, "person"));
    let elsewhere = &said["elsewhere"];
    fact("Subscriber of", text(elsewhere, "enterprise"));
    fact("Organisation", text(said, "org"));
    fact("Is to be in", text(elsewhere, "wanted-org"));
    fact("Request", text(user, "request"));
    fact("Wanted by", text(user, "source"));
    let error = error_block(said);
    if !error.is_empty() {
        all.push(String::new());
        all.push("Error:".to_owned());
        all.extend(error.into_iter().map(|line| format!("  {line}")));
    }
    all.push(String::new());
    all.push("History, oldest first:".to_owned());
    let steps = said["history"].as_array();
    let steps = steps.map(Vec::as_slice).unwrap_or_default();
    if steps.is_empty() {
        all.push("  none is kept".to_owned());
    }
    all.extend(steps.iter().map(step));
    all
}

/// The error as it is copied into a mail or a ticket: plain lines, nothing else.
fn error_block(said: &Value) -> Vec<String> {
    let lines = said["error-text"].as_array().into_iter().flatten();
    lines
        .filter_map(Value::as_str)
        .map(crate::cli::operations::plain)
        .collect()
}

fn step(step: &Value) -> String {
    let at = step["at"].as_u64().map_or_else(String::new, when);
    let tracking = text(step, "tracking");
    let tracking = if tracking.is_empty() {
        tracking
    } else {
        format!(" [{tracking}]")
    };
    let (state, why) = (text(step, "state"), text(step, "why"));
    format!("  {at}  {state:<24}{why}{tracking}")
}

/// A date of the daemon's documents.
pub(in crate::cli) fn when(milliseconds: u64) -> String {
    date::text(Moment(milliseconds).wall())
}

/// Exactly what a case needs, no more.
fn case(said: &Value) -> Vec<String> {
    let known = |name: &str, otherwise: &str| {
        let value = text(said, name);
        if value.is_empty() {
            format!("unknown: {otherwise}")
        } else {
            value
        }
    };
    let tracking: Vec<String> = said["tracking"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(crate::cli::operations::plain)
        .collect();
    let tracking = if tracking.is_empty() {
        vec!["unknown: Webex was not called for this user".to_owned()]
    } else {
        tracking
    };
    let unread = "there is no organisation yet, or it was not read";
    let org = known("customer-org", unread);
    let elsewhere = &said["elsewhere"];
    let mut all = if elsewhere.is_null() {
        vec![format!("Customer organisation id: {org}")]
    } else {
        let (is, wanted) = (text(elsewhere, "enterprise"), text(elsewhere, "wanted"));
        let to_be = elsewhere["wanted-org"].as_str().map_or_else(
            || format!("unknown: {unread}"),
            crate::cli::operations::plain,
        );
        vec![
            format!("Customer organisation id: {org} (of {is}, where the subscriber is)"),
            format!("It is to move to:         {to_be} (of {wanted})"),
        ]
    };
    all.push(format!(
        "Partner organisation id:  {}",
        known("partner-org", "set org-id of the [[webex-partner]]")
    ));
    for (n, id) in tracking.iter().enumerate() {
        let head = if n == 0 { "Tracking ids:" } else { "" };
        all.push(format!("{head:<26}{id}"));
    }
    all.push(format!(
        "E-mail of the user:       {}",
        known("email", "ask the user")
    ));
    all.push(format!(
        "Client versions:          {}",
        known("client-versions", "ask the user")
    ));
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_user_is_told_with_its_error_and_its_history() {
        let said = json!({
            "at": 60_000, "says": "Webex refused it.", "do": "Look at it.", "org": "ORG",
            "user": {"user": "anna@x", "cluster": "east", "state": "attention", "since": 0,
                "owner": "operator", "package": "premium", "first-user": true},
            "error-text": ["Code: 10022", "Text: already in use"],
            "history": [{"at": 0, "state": "queued", "why": "taken in", "tracking": "XSPD_1"}],
        });
        let lines = lines(&said).join("\n");
        for words in [
            "anna@x in east",
            "To do: Look at it.",
            "attention for 1 min",
            "first user of its enterprise",
            "  Code: 10022\n  Text: already in use",
            "1970-01-01 00:00:00 UTC  queued                  taken in [XSPD_1]",
        ] {
            assert!(lines.contains(words), "no {words:?} in {lines}");
        }
        assert_eq!(error_block(&said), ["Code: 10022", "Text: already in use"]);
        assert!(!lines.contains("  Name "), "a row without a name: {lines}");
    }

    #[test]
    fn a_case_has_five_things_and_says_which_are_missing() {
        let said = json!({"customer-org": "C", "partner-org": "P", "email": "a@x",
            "tracking": ["XSPD_2", "NA_1"]});
        assert_eq!(
            case(&said),
            [
                "Customer organisation id: C",
                "Partner organisation id:  P",
                "Tracking ids:             XSPD_2",
                "                          NA_1",
                "E-mail of the user:       a@x",
                "Client versions:          unknown: ask the user",
            ]
        );
        let elsewhere = json!({"enterprise": "SP1", "wanted": "SP2"});
        let moving = case(&json!({"customer-org": "C", "elsewhere": elsewhere}));
        assert_eq!(
            moving[0],
            "Customer organisation id: C (of SP1, where the subscriber is)"
        );
        assert!(moving[1].ends_with("not read (of SP2)"), "{moving:?}");
        let unknown = case(&json!({}));
        assert_eq!(unknown.len(), 5);
        assert!(unknown.iter().all(|line| line.contains("unknown: ")));
    }

    #[test]
    fn a_user_id_is_one_segment() {
        let whom = Whom {
            user: "a/b?c".to_owned(),
            cluster: Some("as east".to_owned()),
        };
        assert_eq!(
            whom.target("/retry"),
            "/ops/v1/users/a%2Fb%3Fc/retry?cluster=as%20east"
        );
    }
}
