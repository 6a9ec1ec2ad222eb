//! `xspd enterprise`: the customers, their organisations, and their directory sync.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::admin::escaped;
use crate::cli::operations::Daemon;
use crate::cli::operations::Failure;
use crate::cli::operations::make_sure;
use crate::cli::operations::plain;
use crate::cli::operations::text;
use crate::cli::provision::when;
use crate::cli::table;

/// Between two looks at a sync that is waited for.
const STEP: Duration = Duration::from_secs(2);

/// Shows customers, and syncs their directories.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Every enterprise: its template, its organisation, how far it is.
    List(Door),
    /// One enterprise, with its directory sync as Webex tells it.
    Show(One),
    /// Switch a directory sync on or off, run it now, or follow it.
    Sync(Sync),
}

/// One enterprise.
#[derive(Debug, clap::Args)]
struct One {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    door: Door,
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The enterprise, as Webex calls it (spEnterpriseId).
    #[arg(value_name = "ENTERPRISE")]
    enterprise: String,
    /// Its cluster, when several have one of that name.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
}

impl Which {
    fn target(&self, below: &str) -> String {
        let cluster = self.cluster.as_deref();
        let cluster =
            cluster.map_or_else(String::new, |name| format!("?cluster={}", escaped(name)));
        format!(
            "/ops/v1/enterprises/{}{below}{cluster}",
            escaped(&self.enterprise)
        )
    }
}

#[derive(Debug, clap::Args)]
struct Sync {
    #[command(subcommand)]
    verb: SyncVerb,
}

#[derive(Debug, clap::Subcommand)]
enum SyncVerb {
    /// Switch it on; Webex runs it within a week, then weekly.
    Enable(One),
    /// Switch it off; Webex then removes what it had synced.
    Disable(Sure),
    /// Run it now, in its turn: one at a time in a cluster.
    Now(Now),
    /// How the syncs stand that were asked for here.
    Status(Door),
    /// Sync one user; needs one whole sync before.
    User(User),
}

#[derive(Debug, clap::Args)]
struct Sure {
    #[command(flatten)]
    one: One,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, clap::Args)]
struct Now {
    #[command(flatten)]
    one: One,
    /// Wait for its end.
    #[arg(long)]
    wait: bool,
}

#[derive(Debug, clap::Args)]
struct User {
    #[command(flatten)]
    which: Which,
    /// The BroadWorks user id.
    #[arg(value_name = "USER")]
    user: String,
    #[command(flatten)]
    door: Door,
}

/// Runs the verb: exit 0 when it was done.
pub fn run(args: &Args, console: Console) -> Exit {
    let done = match &args.verb {
        Verb::List(door) => list(door, console),
        Verb::Show(one) => show(one, console),
        Verb::Sync(sync) => match &sync.verb {
            SyncVerb::Enable(one) => order(one, &json!({"action": "enable"}), console),
            SyncVerb::Disable(sure) => disable(sure, console),
            SyncVerb::Now(now) => sync_now(now, console),
            SyncVerb::Status(door) => status(door, console),
            SyncVerb::User(user) => sync_user(user, console),
        },
    };
    done.unwrap_or_else(|failure| failure.told(console))
}

fn list(door: &Door, console: Console) -> Result<Exit, Failure> {
    let said = &Daemon::of(door)?.get("/ops/v1/enterprises")?;
    if console.json {
        console.document(said);
        return Ok(Exit::Ok);
    }
    let columns = [
        ("ENTERPRISE", "enterprise"),
        ("CLUSTER", "cluster"),
        ("TEMPLATE", "template"),
        ("STATE", "state"),
        ("FIRST USER", "first-user"),
        ("ORGANISATION", "org"),
    ];
    table::print(
        members(&said["enterprises"]),
        &columns,
        "No enterprise is known yet.",
        console,
    );
    Ok(Exit::Ok)
}

fn show(one: &One, console: Console) -> Result<Exit, Failure> {
    let said = Daemon::of(&one.door)?.get(&one.which.target(""))?;
    if console.json {
        console.document(&said);
    } else {
        lines(&said).iter().for_each(|line| console.line(line));
    }
    Ok(Exit::Ok)
}

fn lines(said: &Value) -> Vec<String> {
    let held = &said["enterprise"];
    let mut all = vec![format!(
        "{} in {}",
        text(held, "enterprise"),
        text(held, "cluster")
    )];
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            facts.push((plain(name), value));
        }
    };
    fact("State", text(held, "state"));
    fact("To do", text(held, "do"));
    fact(
        "Since",
        held["since"].as_u64().map_or_else(String::new, when),
    );
    fact("Template", text(held, "template"));
    fact("First user", text(held, "first-user"));
    fact("Organisation", text(held, "org"));
    // What Webex says, where that is not what is held here.
    if said["webex-org"] != held["org"] {
        fact("Org. at Webex", text(said, "webex-org"));
    }
    fact("Webex enterprise", text(held, "webex"));
    let sync = &said["sync"];
    fact("Sync asked here", text(&said["asked"], "says"));
    fact(
        "Directory sync",
        match &sync["enabled"] {
            Value::Bool(true) => "on".to_owned(),
            Value::Bool(false) => "off".to_owned(),
            _ => text(said, "sync-problem"),
        },
    );
    fact("Last sync", text(sync, "status"));
    fact("Last success", text(sync, "last-success"));
    fact("Tracking id", text(sync, "tracking"));
    for (name, count) in sync["counts"].as_object().into_iter().flatten() {
        fact(name, count.to_string());
    }
    for error in sync["errors"].as_array().into_iter().flatten() {
        let (code, what) = (text(error, "code"), text(error, "description"));
        fact("Error", format!("{code} {what}").trim().to_owned());
        fact("", text(error, "do"));
    }
    // What Webex counts has names of any length.
    let names = facts.iter().map(|(name, _)| name.chars().count() + 2);
    let width = names.fold(20, usize::max);
    let line = |(name, value): &(String, String)| format!("  {name:<width$}{value}");
    all.extend(facts.iter().map(line));
    all
}

fn order(one: &One, order: &Value, console: Console) -> Result<Exit, Failure> {
    let said = Daemon::of(&one.door)?.post(&one.which.target("/sync"), order)?;
    told(&said, console);
    Ok(Exit::Ok)
}

fn disable(sure: &Sure, console: Console) -> Result<Exit, Failure> {
    let enterprise = &sure.one.which.enterprise;
    let warning =
        format!("Webex removes every contact that directory sync has brought for {enterprise}.");
    make_sure(console, sure.yes, &warning, enterprise)?;
    order(&sure.one, &json!({"action": "disable"}), console)
}

fn sync_user(user: &User, console: Console) -> Result<Exit, Failure> {
    let daemon = Daemon::of(&user.door)?;
    let order = json!({"action": "user", "user": user.user});
    told(&daemon.post(&user.which.target("/sync"), &order)?, console);
    Ok(Exit::Ok)
}

fn sync_now(now: &Now, console: Console) -> Result<Exit, Failure> {
    let daemon = Daemon::of(&now.one.door)?;
    let target = now.one.which.target("/sync");
    let said = daemon.post(&target, &json!({"action": "now"}))?;
    if !now.wait {
        told(&said, console);
        return Ok(Exit::Ok);
    }
    if said.get("folded") == Some(&Value::Bool(true)) && !console.json {
        told(&said, console);
    }
    let mut last = String::new();
    loop {
        let said = &daemon.get(&target)?;
        let words = text(said, "says");
        if words != last && !console.json {
            console.line(&words);
            last = words;
        }
        let exit = match said["standing"].as_str() {
            Some("done") => Exit::Ok,
            Some("failed") | None => Exit::Findings,
            Some(_) => {
                std::thread::sleep(STEP);
                continue;
            }
        };
        if console.json {
            console.document(said);
        }
        return Ok(exit);
    }
}

fn status(door: &Door, console: Console) -> Result<Exit, Failure> {
    let said = &Daemon::of(door)?.get("/ops/v1/sync")?;
    if console.json {
        console.document(said);
        return Ok(Exit::Ok);
    }
    let columns = [
        ("ENTERPRISE", "enterprise"),
        ("CLUSTER", "cluster"),
        ("STANDING", "standing"),
        ("", "says"),
    ];
    table::print(
        members(&said["syncs"]),
        &columns,
        "No directory sync was asked for since the start.",
        console,
    );
    Ok(Exit::Ok)
}

fn members(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn told(said: &Value, console: Console) {
    if console.json {
        console.document(said);
    } else {
        console.line(text(said, "says"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enterprise_is_told_with_its_sync() {
        let said = json!({
            "enterprise": {"enterprise": "SP1+acme", "cluster": "east", "state": "ready",
                "since": 0, "template": "acme", "org": "ORG"},
            "webex-org": "ORG2",
            "sync": {"enabled": true, "status": "COMPLETE", "counts": {"usersAdded": 3, "totalExternalMachinesInCI": 0},
                "errors": [{"code": "600014", "description": "no connection", "do": "check Xsi"}]},
        });
        let lines = lines(&said).join("\n");
        for words in [
            "SP1+acme in east",
            "ORG",
            "  Org. at Webex              ORG2",
            "on",
            "  usersAdded                 3",
            "  totalExternalMachinesInCI  0",
            "600014 no connection",
        ] {
            assert!(lines.contains(words), "no {words:?} in {lines}");
        }
    }
}
