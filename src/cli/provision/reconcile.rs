//! `xspd provision reconcile`: what BroadWorks and Webex hold differently, and on an operator's word
//! the jobs that mend it.

use std::io::IsTerminal as _;
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
use crate::cli::operations::text;
use crate::cli::provision::show::when;
use crate::cli::table::align;
use crate::domain::provisioning::csv;
use crate::domain::provisioning::reconcile::Row;

/// Between two looks at the progress.
const STEP: Duration = Duration::from_millis(500);

/// What to compare.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this enterprise, as Webex calls it (spEnterpriseId); without it all, one by one.
    #[arg(value_name = "ENTERPRISE")]
    enterprise: Option<String>,
    /// Its cluster, when several have an enterprise of that name.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Print comma-separated values.
    #[arg(long)]
    csv: bool,
    /// Show the last reports; compare nothing anew.
    #[arg(long)]
    last: bool,
    /// Mend what is of these classes, as the CLASS column writes them: each row becomes a job.
    #[arg(long, value_name = "CLASS", num_args = 1.., requires = "enterprise")]
    apply: Vec<String>,
    /// Do not ask before --apply.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    door: Door,
}

/// Compares: exit 0 when nothing differs, 1 when something does; with --apply 0 when every row
/// became a job.
pub(super) fn run(args: &Args, console: Console) -> Exit {
    match reconcile(args, console) {
        Ok(exit) => exit,
        Err(failure) => failure.told(console),
    }
}

fn reconcile(args: &Args, console: Console) -> Result<Exit, Failure> {
    let daemon = Daemon::of(&args.door)?;
    if !args.last {
        let order = json!({"enterprise": args.enterprise, "cluster": args.cluster});
        daemon.post("/ops/v1/reconcile", &order)?;
        follow(&daemon, console)?;
    }
    let reports = reports(args, &daemon)?;
    let rows: Vec<(&Value, &Value)> = reports
        .iter()
        .flat_map(|report| of(report, "rows").iter().map(move |row| (report, row)))
        .collect();
    if console.json {
        console.document(&json!({"reports": reports}));
    } else if args.csv {
        print_values(&rows, console);
    } else {
        for report in &reports {
            lines(report).iter().for_each(|line| console.line(line));
        }
    }
    if args.apply.is_empty() {
        let whole = reports.iter().all(|report| report["complete"] == true);
        return Ok(if rows.is_empty() && whole {
            Exit::Ok
        } else {
            Exit::Findings
        });
    }
    apply(args, &daemon, &rows, console)
}

/// Waits until the comparison is over, and tells how far it is.
fn follow(daemon: &Daemon, console: Console) -> Result<(), Failure> {
    let shows = std::io::stderr().is_terminal();
    let mut said = String::new();
    loop {
        let standing = &daemon.get("/ops/v1/reconcile")?;
        let running = &standing["running"];
        if running.is_null() {
            return Ok(());
        }
        let now = text(running, "says");
        if shows && now != said {
            console.complain(&now);
            said = now;
        }
        std::thread::sleep(STEP);
    }
}

fn reports(args: &Args, daemon: &Daemon) -> Result<Vec<Value>, Failure> {
    let target = |enterprise: &str, cluster: &str| {
        let cluster = if cluster.is_empty() {
            String::new()
        } else {
            format!("?cluster={}", escaped(cluster))
        };
        format!("/ops/v1/reconcile/{}{cluster}", escaped(enterprise))
    };
    if let Some(enterprise) = &args.enterprise {
        let cluster = args.cluster.as_deref().unwrap_or_default();
        return Ok(vec![daemon.get(&target(enterprise, cluster))?]);
    }
    let standing = daemon.get("/ops/v1/reconcile")?;
    let all = of(&standing, "reports").iter();
    all.map(|report| {
        daemon.get(&target(
            &text(report, "enterprise"),
            &text(report, "cluster"),
        ))
    })
    .collect()
}

fn apply(
    args: &Args,
    daemon: &Daemon,
    rows: &[(&Value, &Value)],
    console: Console,
) -> Result<Exit, Failure> {
    let chosen = |(_, row): &&(&Value, &Value)| {
        let class = text(row, "class");
        args.apply.contains(&class)
    };
    let chosen: Vec<_> = rows.iter().filter(chosen).collect();
    if chosen.is_empty() {
        console.complain("xspd: no row is of these classes; nothing was changed.");
        return Ok(Exit::Ok);
    }
    let enterprise = args.enterprise.as_deref().unwrap_or_default();
    let warning = format!(
        "{} rows of {} become jobs of {enterprise}.",
        chosen.len(),
        args.apply.join(", ")
    );
    make_sure(console, args.yes, &warning, enterprise)?;
    let cluster = args.cluster.as_deref();
    let cluster = cluster.map_or_else(String::new, |name| format!("?cluster={}", escaped(name)));
    let target = format!("/ops/v1/reconcile/{}/apply{cluster}", escaped(enterprise));
    // What is applied is what was shown.
    let shown = chosen
        .first()
        .map_or(&Value::Null, |(report, _)| &report["at"]);
    let said = &daemon.post(&target, &json!({"classes": args.apply, "report": shown}))?;
    if console.json {
        console.document(said);
    } else {
        for line in of(said, "lines") {
            let (user, outcome) = (text(line, "user"), text(line, "outcome"));
            console.line(format_args!("{user}: {outcome}; {}", text(line, "text")));
        }
    }
    let refused = said["refused"].as_u64().unwrap_or_default();
    Ok(if refused == 0 {
        Exit::Ok
    } else {
        Exit::Findings
    })
}

fn of<'a>(said: &'a Value, member: &str) -> &'a [Value] {
    said[member].as_array().map_or(&[], Vec::as_slice)
}

/// The columns of a report.
const COLUMNS: [(&str, &str); 6] = [
    ("USER", "user"),
    ("CLASS", "class"),
    ("BROADWORKS", "broadworks"),
    ("WEBEX", "webex"),
    ("REPAIR", "mend"),
    ("WHAT", "text"),
];

fn lines(report: &Value) -> Vec<String> {
    let at = report["at"].as_u64().map_or_else(String::new, when);
    let mut all = vec![format!(
        "{} in {}, compared {at}: {} users by {}, {} subscribers in Webex",
        text(report, "enterprise"),
        text(report, "cluster"),
        report["broadworks-users"],
        text(report, "source"),
        report["webex-users"],
    )];
    if report["complete"] != true {
        all.push(format!("  NOT COMPLETE: {}", text(report, "problem")));
    }
    let rows = of(report, "rows");
    if rows.is_empty() {
        all.push("  Nothing differs.".to_owned());
        return all;
    }
    let mut table = vec![COLUMNS.map(|(head, _)| head.to_owned()).to_vec()];
    table.extend(
        rows.iter()
            .map(|row| COLUMNS.map(|(_, key)| text(row, key)).to_vec()),
    );
    all.extend(align(&table).into_iter().map(|line| format!("  {line}")));
    all
}

fn print_values(rows: &[(&Value, &Value)], console: Console) {
    let rows: Vec<Row> = rows
        .iter()
        .filter_map(|(_, row)| serde_json::from_value((*row).clone()).ok())
        .collect();
    let text = csv::reconciliation(&rows);
    console.line(String::from_utf8_lossy(&text).trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_was_compared_and_what_differs() {
        let report = json!({"enterprise": "SP1+acme", "cluster": "east", "at": 0,
            "broadworks-users": 3, "source": "the records of this daemon", "webex-users": 2,
            "complete": true, "rows": [{"user": "anna@x", "class": "missing",
                "mend": "provision", "text": "no subscriber"}]});
        let said = lines(&report);
        assert_eq!(
            said[0],
            "SP1+acme in east, compared 1970-01-01 00:00:00 UTC: 3 users by the records of this \
             daemon, 2 subscribers in Webex"
        );
        assert!(said[2].contains("missing") && said[2].contains("no subscriber"));
        let broken = json!({"complete": false, "problem": "page 3 was not read", "rows": []});
        assert!(lines(&broken)[1].contains("NOT COMPLETE: page 3"));
    }
}
