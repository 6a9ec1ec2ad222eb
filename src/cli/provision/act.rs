//! What an operator says of one user: retry, cancel, confirm, move-package, remove.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::operations::Daemon;
use crate::cli::operations::Failure;
use crate::cli::operations::make_sure;
use crate::cli::operations::text;
use crate::cli::provision::rows;
use crate::cli::provision::show::Whom;
use crate::cli::provision::show::look;
use crate::domain::provisioning::profile::Package;

/// Whom to try again.
#[derive(Debug, clap::Args)]
pub(super) struct Retry {
    #[command(flatten)]
    whom: Whom,
    /// Another e-mail address for it.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Do not ask before a removal that was cancelled.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    door: Door,
}

/// Whose job to end, or to let go on.
#[derive(Debug, clap::Args)]
pub(super) struct Word {
    #[command(flatten)]
    whom: Whom,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    door: Door,
}

/// Who gets which package.
#[derive(Debug, clap::Args)]
pub(super) struct Move {
    #[command(flatten)]
    whom: Whom,
    /// basic, premium, softphone or standard.
    #[arg(value_name = "PACKAGE", value_parser = package)]
    package: Package,
    #[command(flatten)]
    door: Door,
}

/// Whom to remove.
#[derive(Debug, clap::Args)]
pub(super) struct Remove {
    #[command(flatten)]
    whom: Whom,
    /// The Webex person too, with messages and meetings; without it a free Webex user stays.
    #[arg(long)]
    with_person: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    door: Door,
}

fn package(word: &str) -> Result<Package, String> {
    let names = Package::ALL.map(Package::as_str).join(", ");
    Package::parse(word).ok_or_else(|| format!("a package is one of {names}"))
}

/// Tries again: exit 0 when the daemon has taken it.
pub(super) fn retry(args: &Retry, console: Console) -> Exit {
    let done = Daemon::of(&args.door).and_then(|daemon| {
        let said = look(&daemon, &args.whom)?;
        let mut order = Map::new();
        if let Some(email) = &args.email {
            order.insert("email".to_owned(), json!(email));
        }
        if is_stopped_removal(&said) {
            let words = format!("What was cancelled is a removal. {}", warning(&said, false));
            make_sure(console, args.yes, &words, &args.whom.user)?;
            let request = said.pointer("/user/request").cloned();
            order.insert("request".to_owned(), request.unwrap_or_default());
        }
        daemon.post(&args.whom.target("/retry"), &Value::Object(order))
    });
    told(done, console)
}

/// Whether trying again would remove a user whose removal somebody has stopped.
fn is_stopped_removal(said: &Value) -> bool {
    let user = &said["user"];
    user["state"] == "cancelled" && user["wanted"] == "absent"
}

/// Lets the job end where it is.
pub(super) fn cancel(args: &Word, console: Console) -> Exit {
    let done = Daemon::of(&args.door).and_then(|daemon| {
        let said = look(&daemon, &args.whom)?;
        let (warning, order) = ended(&said)?;
        make_sure(console, args.yes, &warning, &args.whom.user)?;
        daemon.post(&args.whom.target("/cancel"), &order)
    });
    told(done, console)
}

/// What ends, in words, and the order to end just that: a wish that comes meanwhile is not meant.
fn ended(said: &Value) -> Result<(String, Value), Failure> {
    let user = &said["user"];
    let who = text(user, "user");
    if user["final"] == true {
        let status = rows::status(user);
        let nothing = format!("the job of {who} is over ({status}); there is nothing to cancel");
        return Err(Failure::Nothing(nothing));
    }
    let mut words = format!("{who} is {}: {}", rows::status(user), text(said, "says"));
    words += if user["wanted"] == "absent" {
        " What is wanted is its removal"
    } else {
        " What is wanted is a subscription"
    };
    let source = text(user, "source");
    if !source.is_empty() {
        words += &format!(" (by: {source})");
    }
    words += ". The job ends where it is; what Webex has begun goes on there.";
    Ok((words, json!({"request": user["request"]})))
}

/// Lets the job do what it asked about.
pub(super) fn confirm(args: &Word, console: Console) -> Exit {
    let done = Daemon::of(&args.door).and_then(|daemon| {
        let said = look(&daemon, &args.whom)?;
        let (warning, order) = asked_about(&said)?;
        make_sure(console, args.yes, &warning, &args.whom.user)?;
        daemon.post(&args.whom.target("/confirm"), &order)
    });
    told(done, console)
}

/// What a job asks, in words, and the confirmation of just that: when it asks something else by the
/// time it is said, the daemon refuses.
fn asked_about(said: &Value) -> Result<(String, Value), Failure> {
    let user = &said["user"];
    let (who, error) = (text(user, "user"), &user["error"]);
    let (code, what) = (text(error, "code"), text(error, "text"));
    if user["state"] != "attention" || code.is_empty() {
        let nothing = format!("the job of {who} asks nothing; there is nothing to confirm");
        return Err(Failure::Nothing(nothing));
    }
    let mut warning = format!("The job of {who} asks ({code}): {what}");
    let action = text(error, "action");
    if !action.is_empty() {
        warning += &format!(" {action}");
    }
    Ok((
        warning,
        json!({"request": user["request"], "code": error["code"]}),
    ))
}

/// Gives another package.
pub(super) fn move_package(args: &Move, console: Console) -> Exit {
    let order = json!({"package": args.package.as_str()});
    order_of(&args.door, &args.whom, "/move-package", &order, console)
}

/// Removes: exit 0 when the daemon has taken it.
pub(super) fn remove(args: &Remove, console: Console) -> Exit {
    let done = Daemon::of(&args.door).and_then(|daemon| {
        let said = look(&daemon, &args.whom)?;
        let warning = warning(&said, args.with_person);
        make_sure(console, args.yes, &warning, &args.whom.user)?;
        daemon.post(
            &args.whom.target("/remove"),
            &json!({"person": args.with_person}),
        )
    });
    told(done, console)
}

/// What goes, in words.
fn warning(said: &Value, person: bool) -> String {
    let user = &said["user"];
    let who = text(user, "user");
    let mut words = format!("The Webex for BroadWorks subscription of {who} is removed");
    words += if person {
        " and so is the person, with messages and files; that cannot be taken back."
    } else {
        "; a free Webex user stays in the organisation."
    };
    if user["first-user"] == true {
        words += &format!(
            " {who} was the first user of {} and counts as its administrator: Webex hands that \
             role to nobody. The job will stop with A2006 until `xspd provision confirm {who}` is \
             said; name another administrator in Control Hub before.",
            text(user, "enterprise")
        );
    }
    words += " BroadWorks still assigns the service: unassign it there, or the next change \
              brings the subscriber back.";
    words
}

fn order_of(door: &Door, whom: &Whom, below: &str, order: &Value, console: Console) -> Exit {
    let done = Daemon::of(door).and_then(|daemon| daemon.post(&whom.target(below), order));
    told(done, console)
}

fn told(done: Result<Value, Failure>, console: Console) -> Exit {
    match done {
        Ok(said) if console.json => console.document(&said),
        Ok(said) => console.line(text(&said, "says")),
        Err(failure) => return failure.told(console),
    }
    Exit::Ok
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_removal_of_the_first_user_is_warned_of_by_name() {
        let user =
            json!({"user": {"user": "anna@x", "enterprise": "SP1+acme", "first-user": true}});
        let words = warning(&user, true);
        for part in [
            "cannot be taken back",
            "first user of SP1+acme",
            "A2006",
            "confirm anna@x",
        ] {
            assert!(words.contains(part), "{words}");
        }
        let words = warning(&json!({"user": {"user": "ben@x"}}), false);
        assert!(words.contains("a free Webex user stays") && !words.contains("A2006"));
    }

    #[test]
    fn what_is_confirmed_is_what_was_shown() {
        let said = json!({"user": {"user": "anna@x", "state": "attention", "request": "r7",
            "error": {"code": "A2006", "text": "The last administrator.", "action": "Name one."}}});
        let (warning, order) = asked_about(&said).unwrap();
        assert_eq!(
            warning,
            "The job of anna@x asks (A2006): The last administrator. Name one."
        );
        assert_eq!(order, json!({"request": "r7", "code": "A2006"}));
        for state in ["waiting-webex", "provisioned"] {
            let said = json!({"user": {"user": "anna@x", "state": state, "request": "r7"}});
            assert_eq!(asked_about(&said).unwrap_err().exit(), Exit::Data);
        }
    }

    #[test]
    fn what_is_cancelled_is_what_was_shown() {
        let said = json!({"says": "Webex works on it.", "user": {"user": "anna@x",
            "state": "waiting-webex", "wanted": "present", "final": false, "source": "as",
            "request": "r7"}});
        let (words, order) = ended(&said).unwrap();
        assert_eq!(
            words,
            "anna@x is waiting-webex: Webex works on it. What is wanted is a subscription (by: as). \
             The job ends where it is; what Webex has begun goes on there."
        );
        assert_eq!(order, json!({"request": "r7"}));
        let mut removal = said.clone();
        removal["user"]["wanted"] = json!("absent");
        assert!(ended(&removal).unwrap().0.contains("wanted is its removal"));
        let mut over = said;
        over["user"]["state"] = json!("provisioned");
        over["user"]["final"] = json!(true);
        let refused = ended(&over).unwrap_err();
        assert_eq!(refused.exit(), Exit::Data);
        assert!(
            refused.to_string().contains("over (provisioned)"),
            "{refused}"
        );
    }

    #[test]
    fn a_removal_that_was_stopped_is_told_from_a_job_that_is_tried_again() {
        let of = |state: &str, wanted: &str| {
            is_stopped_removal(&json!({"user": {"state": state, "wanted": wanted}}))
        };
        assert!(of("cancelled", "absent"));
        assert!(!of("cancelled", "present") && !of("attention", "absent"));
    }

    #[test]
    fn a_package_is_one_of_webex() {
        assert_eq!(package("Premium"), Ok(Package::Premium));
        assert!(
            package("platinum")
                .unwrap_err()
                .contains("basic, premium, softphone, standard")
        );
    }
}
